#pragma once
/// Line charts as SVG, without anything else: for the folder of a run, to be opened in a browser, in light or dark.

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace carousel {

/// A line of a chart through the points (x, y); it is broken where y is not finite, and a point between two breaks is a dot.
struct ChartLine {
  std::string name;
  std::vector<double> x, y;
  bool dashed = false;
  std::optional<std::size_t> colour = {};  ///< lines of one number are of one colour; else each has the next
};

/// True values are grey, predictions blue.
inline constexpr std::size_t truth_colour = 0, net_colour = 1;

struct Chart {
  std::string title, x_name, y_name;
  std::vector<ChartLine> lines;  ///< drawn in this order, later ones above
  struct Mark {
    double x;
    std::string name;
  };
  std::vector<Mark> marks = {};           ///< upright lines
  std::vector<std::string> x_words = {};  ///< what stands at x = 0, 1, …, for pages that can show it
  bool log_y = false;                     ///< equal factors of y are equally far apart; a line is broken where y is not above 0

  /// The number of a line's colour. A line alone is not grey, which is for what is given beside others.
  std::size_t colour_of(std::size_t line) const { return lines[line].colour.value_or(lines.size() == 1 ? net_colour : line); }
};

struct SvgOptions {
  bool own_style = true;  ///< colours and letters are in it; else the page that holds it has them
};

/// The chart as the text of an SVG file, with axes, numbers, and a legend. Throws std::invalid_argument for a line with
/// unequally many x and y, and for a chart without any point.
std::string svg(const Chart& chart, const SvgOptions& options = {});

/// A text as it stands in XML or HTML, between tags or in an attribute; control characters, which XML does not have, are left
/// out.
std::string markup(std::string_view text);

/// Numbers for an axis from `low` to `high`: about `count` of them, 1, 2 or 5 times a power of ten apart, within the range.
std::vector<double> axis_numbers(double low, double high, int count);

}  // namespace carousel
