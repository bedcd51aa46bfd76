#pragma once
/// How nicodjimenez/lstm and its successor lstm_batch start, number by number.

#include <string>

#include <carousel/lib/numbers/random.hpp>
#include <carousel/lib/tape/parameter.hpp>

namespace carousel {

/// Starts the cell at `path` (path/wx, path/wh, path/b, four gates) as numpy does where its seed is set anew before every array:
/// uniform in [−0.1, 0.1), the same numbers for all gates. The original has a matrix [hidden, in + hidden] for each gate, ours
/// are [in, 4 hidden] and [hidden, 4 hidden]. Returns the generator as it stands then, behind the last array, a bias.
NumpyRandom start_with_equal_gates(Registry<double>& registry, const std::string& path, std::uint32_t seed);

}  // namespace carousel
