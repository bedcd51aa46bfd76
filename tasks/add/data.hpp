#pragma once
/// Numbers to add up: the data of the task add.

#include <span>
#include <string>
#include <vector>

#include <carousel/lib/numbers/random.hpp>
#include <carousel/lib/numbers/tensor.hpp>

namespace carousel {

/// Numbers, some of which count: what they add up to is asked for after the last.
struct Addition {
  std::vector<float> numbers;
  std::vector<bool> marked;  ///< which of them count; empty: all do

  /// The answer.
  double sum() const;
};

/// shortest … longest numbers uniform in [0, 1), each length equally likely, which all count: Apollo's example (Russell91, 2015).
/// Throws std::invalid_argument unless 1 ≤ shortest ≤ longest.
Addition draw_sum(Random& random, Index shortest, Index longest);
/// The adding problem: `steps` numbers uniform in [0, 1), of which one in the first half and one in the second count. Hochreiter
/// & Schmidhuber 1997, "Long Short-Term Memory", section 5.4, as in Le, Jaitly, Hinton 2015, arXiv:1504.00941, section 4.1.
/// Throws std::invalid_argument unless steps ≥ 2.
Addition draw_adding(Random& random, Index steps);

/// Additions side by side.
struct AdditionBatch {
  Tensor<float> xs;            // [time, batch, features]: the number and, if some count, whether it does; NaN beyond the lengths
  std::vector<Index> lengths;  // [batch]
  Tensor<float> sums;          // [batch, 1]
};
/// Throws std::invalid_argument if there are none, or one without a number.
AdditionBatch side_by_side(std::span<const Addition> additions);

/// Numbers apart by blanks or commas, each that counts with a star after it (0.5 0.25* 1) if `marks`. `where` is what errors
/// begin with, std::runtime_error, which say the column. Without a number it is empty.
Addition parse_addition(const std::string& line, bool marks, const std::string& where);
/// A file of them, one a line; lines without any are passed over. Throws std::runtime_error with file, line and column, and if
/// there are none.
std::vector<Addition> read_additions(const std::string& path, bool marks);
/// As parse_addition reads it.
std::string words(const Addition& addition);

}  // namespace carousel
