/// What nearly every source of the library includes of others, compiled once.

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <vector>

#include <carousel/lib/numbers/simd.hpp>
#include <carousel/lib/numbers/tensor.hpp>
