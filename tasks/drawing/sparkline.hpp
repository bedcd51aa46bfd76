#pragma once
/// A curve in one line of text: ▇▅▃▂▂▁▁▁.

#include <span>
#include <string>
#include <vector>

#include <carousel/lib/numbers/shape.hpp>

namespace carousel {

/// A column for each value, as high as it is between the least and the greatest of them; on a logarithmic scale where all are
/// positive and the greatest is more than ten times the least, so that a loss that has fallen far still shows how it moves.
/// A value that is not finite is a blank. In ASCII the heights are _ . - ~ ^.
std::string sparkline(std::span<const double> values, bool utf8);
/// On the scale of other values, which these are among.
std::string sparkline(std::span<const double> values, bool utf8, std::span<const double> scale);

/// At most `columns` values: the means of equal parts of all of them, those left out that are not finite.
std::vector<double> thinned(std::span<const double> values, Index columns);

/// The course of a number, however long it is: means over steps in a row, the more steps the longer it becomes.
class Course {
 public:
  void add(double value);
  /// At most `capacity` values, the last one of the steps since then.
  std::vector<double> values() const;

  static constexpr std::size_t capacity = 256;

 private:
  std::vector<double> means_;
  Index of_each_ = 1;  // steps
  double sum_ = 0;
  Index summed_ = 0;
};

}  // namespace carousel
