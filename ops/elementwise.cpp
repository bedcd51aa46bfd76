#include <carousel/ops/elementwise.hpp>

namespace carousel::detail {

CAROUSEL_ELEMENTWISE(CAROUSEL_STATEMENT, float)
CAROUSEL_ELEMENTWISE(CAROUSEL_STATEMENT, double)

}  // namespace carousel::detail
