#include <carousel/tasks/drawing/sparkline.hpp>

#include <algorithm>
#include <cmath>
#include <limits>

namespace carousel {

std::string sparkline(std::span<const double> values, bool utf8) {
  return sparkline(values, utf8, values);
}

std::string sparkline(std::span<const double> values, bool utf8, std::span<const double> scale) {
  static constexpr const char* blocks[] = {"▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
  static constexpr const char* marks[] = {"_", ".", "-", "~", "^"};
  const std::span<const char* const> heights = utf8 ? std::span<const char* const>(blocks) : marks;
  double least = std::numeric_limits<double>::infinity(), greatest = -least;
  for (const double value : scale)
    if (std::isfinite(value)) least = std::min(least, value), greatest = std::max(greatest, value);
  const bool logarithmic = least > 0 && greatest > 10 * least;
  const auto scaled = [&](double value) { return logarithmic ? std::log(value) : value; };
  const double bottom = scaled(least), range = scaled(greatest) - bottom;
  const auto top = static_cast<double>(heights.size()) - 1;
  std::string out;
  for (const double value : values) {
    if (std::isfinite(value))
      out += heights[range > 0 && std::isfinite(range)
                         ? static_cast<std::size_t>(std::lround((scaled(value) - bottom) / range * top))
                         : 0];
    else
      out += ' ';
  }
  return out;
}

std::vector<double> thinned(std::span<const double> values, Index columns) {
  const auto size = static_cast<Index>(values.size());
  if (size <= columns) return {values.begin(), values.end()};
  std::vector<double> out;
  for (Index column = 0; column < columns; ++column) {
    double sum = 0;
    Index finite = 0;
    for (Index i = size * column / columns; i < size * (column + 1) / columns; ++i)
      if (const double value = values[static_cast<std::size_t>(i)]; std::isfinite(value)) sum += value, ++finite;
    out.push_back(finite > 0 ? sum / static_cast<double>(finite) : std::numeric_limits<double>::quiet_NaN());
  }
  return out;
}

void Course::add(double value) {
  sum_ += value;
  if (++summed_ < of_each_) return;
  if (means_.size() == capacity) {
    for (std::size_t i = 0; i < capacity / 2; ++i) means_[i] = (means_[2 * i] + means_[2 * i + 1]) / 2;
    means_.resize(capacity / 2);
    of_each_ *= 2;
    if (summed_ < of_each_) return;
  }
  means_.push_back(sum_ / static_cast<double>(summed_));
  sum_ = 0, summed_ = 0;
}

std::vector<double> Course::values() const {
  std::vector<double> all = means_;
  if (summed_ > 0 && all.size() < capacity) all.push_back(sum_ / static_cast<double>(summed_));
  return all;
}

}  // namespace carousel
