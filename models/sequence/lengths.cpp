#include <carousel/models/sequence/lengths.hpp>

#include <carousel/lib/error.hpp>

namespace carousel {

void detail::check_lengths(const char* op, std::span<const Index> lengths, const Shape& xs) {
  if (static_cast<Index>(lengths.size()) != xs[1])
    wrong_argument(op, ": ", lengths.size(), " lengths for a batch of ", xs[1], ": must be one for each example");
  for (const Index length : lengths)
    if (length < 0 || length > xs[0])
      wrong_argument(op, ": length ", length, " of a sequence of ", xs[0], " steps: must lie within it");
}

}  // namespace carousel
