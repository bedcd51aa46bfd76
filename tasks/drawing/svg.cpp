#include <carousel/tasks/drawing/svg.hpp>

#include <algorithm>
#include <cmath>
#include <limits>

#include <fmt/format.h>

#include <carousel/lib/error.hpp>
#include <carousel/tasks/drawing/colours.hpp>

namespace carousel {

namespace {

constexpr double width = 960, height = 400, left = 70, right = 20, top = 66, bottom = 48;

/// Those of the report's page (tasks/report/page.css). The first of the lines are told apart by the colour-blind too: Okabe & Ito
/// 2008.
constexpr const char* style = R"(<style>
:root { --paper: #ffffff; --ink: #222222; --grid: #e4e4e4; --c0: #8a8a8a; --c1: #0072b2; --c2: #d55e00; --c3: #009e73; --c4: #cc79a7;
  --c5: #7a5195; --c6: #b8860b; --c7: #3f6f8f; }
@media (prefers-color-scheme: dark) {
  :root { --paper: #16181c; --ink: #dddddd; --grid: #33363c; --c0: #9a9a9a; --c1: #56b4e9; --c2: #e69f00; --c3: #2fc79a; --c4: #e59ac4;
    --c5: #b79be0; --c6: #e2c04b; --c7: #8fc1dd; }
}
text { font: 13px sans-serif; fill: #222222; fill: var(--ink); }
.title { font-size: 16px; font-weight: bold; }
.paper { fill: #ffffff; fill: var(--paper); }
.grid { stroke: #e4e4e4; stroke: var(--grid); }
.mark { stroke: #222222; stroke: var(--ink); stroke-dasharray: 2 3; }
.line { fill: none; stroke-width: 1.8; stroke-linejoin: round; stroke-linecap: round; }
)";

/// The least and the greatest number, some room around them if wanted; never the same.
struct Range {
  double low = std::numeric_limits<double>::infinity(), high = -low;

  void add(double x) {
    low = std::min(low, x);
    high = std::max(high, x);
  }
  void widen(double part) {
    const double room = high > low ? part * (high - low) : (low == 0 ? 1 : std::abs(low)) / 2;
    low -= room;
    high += room;
  }
};

/// The letters of a number on an axis whose numbers lie `step` apart.
std::string axis_text(double number, double step) {
  if (std::abs(number) < step / 2) return "0";
  return std::abs(number) >= 1e6 || step < 1e-4 ? fmt::format("{:.4g}", number) : fmt::format("{:.10g}", number);
}

std::string path_of(const ChartLine& line, const auto& at_x, const auto& at_y) {
  std::string path;
  bool pen_down = false;
  for (std::size_t i = 0; i < line.y.size(); ++i) {
    const double x = at_x(line.x[i]), y = at_y(line.y[i]);
    const bool there = std::isfinite(x) && std::isfinite(y);
    if (there) path += fmt::format("{}{:.1f} {:.1f}", pen_down ? "L" : "M", x, y);
    const bool alone = there && !pen_down && !(i + 1 < line.y.size() && std::isfinite(at_y(line.y[i + 1])));
    if (alone) path += "h0";  // a dot, where the ends of lines are round
    pen_down = there;
  }
  return path;
}

}  // namespace

std::string markup(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '&')
      out += "&amp;";
    else if (c == '<')
      out += "&lt;";
    else if (c == '>')
      out += "&gt;";
    else if (c == '"')
      out += "&quot;";
    else if (static_cast<unsigned char>(c) >= ' ')
      out += c;
  }
  return out;
}

std::vector<double> axis_numbers(double low, double high, int count) {
  const double rough = (high - low) / count, power = std::pow(10, std::floor(std::log10(rough)));
  double step = 10 * power;
  for (const double times : {1.0, 2.0, 5.0})
    if (times * power >= rough * (1 - 1e-9)) {
      step = times * power;
      break;
    }
  std::vector<double> numbers;
  const double slack = 1e-9 * step, first = std::ceil((low - slack) / step);
  for (int i = 0; (first + i) * step <= high + slack; ++i) numbers.push_back((first + i) * step);
  return numbers;
}

std::string svg(const Chart& chart, const SvgOptions& options) {
  Range xs, ys;
  const auto height_of = [&](double y) { return chart.log_y ? std::log10(y) : y; };
  for (const ChartLine& line : chart.lines) {
    if (line.x.size() != line.y.size())
      wrong_argument("svg: line ", line.name, " has ", line.x.size(), " x and ", line.y.size(), " y: must have the same length");
    for (std::size_t i = 0; i < line.x.size(); ++i)
      if (std::isfinite(line.x[i]) && std::isfinite(height_of(line.y[i]))) {
        xs.add(line.x[i]);
        ys.add(height_of(line.y[i]));
      }
  }
  if (xs.low > xs.high) wrong_argument("svg: the chart ", chart.title, " has no point: must have at least one");
  xs.widen(0);
  ys.widen(0.06);
  const auto at_x = [&](double x) { return left + (x - xs.low) / (xs.high - xs.low) * (width - left - right); };
  const auto at_height = [&](double y) { return height - bottom - (y - ys.low) / (ys.high - ys.low) * (height - top - bottom); };

  const auto at_y = [&](double y) { return at_height(height_of(y)); };

  // The legend grows upwards, above the height of one that has a line.
  std::vector<double> legend_x, legend_row;
  double next_x = left, row = 0;
  for (const ChartLine& line : chart.lines) {
    const double wide = 32 + 7.5 * static_cast<double>(line.name.size());
    if (next_x > left && next_x + wide > width - right) next_x = left, ++row;
    legend_x.push_back(next_x), legend_row.push_back(row);
    next_x += wide + 24;
  }
  const double above = 20 * row;

  std::string out =
      fmt::format("<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 {1} {0} {2}\" width=\"{0}\" height=\"{2}\">\n", width,
                  0 - above, height + above);
  if (options.own_style) {
    out += style;
    for (std::size_t i = 0; i < line_colours; ++i) {
      const Colour colour = line_colour(i);
      out += fmt::format(".c{0} {{ stroke: #{1:02x}{2:02x}{3:02x}; stroke: var(--c{0}); }}\n", i, colour.red, colour.green,
                         colour.blue);
    }
    out += "</style>\n";
  }
  out += fmt::format("<rect class=\"paper\" y=\"{}\" width=\"100%\" height=\"100%\"/>\n", 0 - above);
  out += fmt::format("<text class=\"title\" x=\"{}\" y=\"{}\">{}</text>\n", left, 24 - above, markup(chart.title));

  std::vector<double> columns = axis_numbers(xs.low, xs.high, 10);
  const std::vector<double> rows = axis_numbers(ys.low, ys.high, 6);
  const auto whole = [](double number) { return std::abs(number - std::round(number)) < 1e-9; };
  if (std::all_of(chart.lines.begin(), chart.lines.end(),
                  [&](const ChartLine& line) { return std::all_of(line.x.begin(), line.x.end(), whole); }))
    std::erase_if(columns, [&](double x) { return !whole(x); });  // there is no epoch 1.5
  const auto step_of = [](const std::vector<double>& numbers) { return numbers.size() > 1 ? numbers[1] - numbers[0] : 1.0; };
  const auto row_text = [&](double y) {
    return chart.log_y ? fmt::format("{:.3g}", std::pow(10, y)) : axis_text(y, step_of(rows));
  };
  for (const double y : rows)
    out += fmt::format("<path class=\"grid\" d=\"M{} {:.1f}H{}\"/><text x=\"{}\" y=\"{:.1f}\" text-anchor=\"end\">{}</text>\n",
                       left, at_height(y), width - right, left - 8, at_height(y) + 4, row_text(y));
  for (const double x : columns)
    out += fmt::format("<path class=\"grid\" d=\"M{:.1f} {}V{}\"/><text x=\"{:.1f}\" y=\"{}\" text-anchor=\"middle\">{}</text>\n",
                       at_x(x), top, height - bottom, at_x(x), height - bottom + 18, axis_text(x, step_of(columns)));
  out += fmt::format("<text x=\"{}\" y=\"{}\" text-anchor=\"middle\">{}</text>\n", (left + width - right) / 2, height - 10,
                     markup(chart.x_name));
  out += fmt::format("<text transform=\"translate(16 {}) rotate(-90)\" text-anchor=\"middle\">{}</text>\n",
                     (top + height - bottom) / 2, markup(chart.y_name));

  for (const Chart::Mark& mark : chart.marks)
    out += fmt::format("<path class=\"mark\" d=\"M{0:.1f} {1}V{2}\"/><text x=\"{3:.1f}\" y=\"{4}\">{5}</text>\n", at_x(mark.x),
                       top, height - bottom, at_x(mark.x) + 5, top + 13, markup(mark.name));
  for (std::size_t i = 0; i < chart.lines.size(); ++i) {
    const ChartLine& line = chart.lines[i];
    const std::size_t colour = chart.colour_of(i);
    // Where colours come again, the line is dotted, or its dashes are.
    const char* const broken = colour < line_colours ? line.dashed ? " stroke-dasharray=\"5 4\"" : ""
                               : line.dashed         ? " stroke-dasharray=\"6 3 1 3\""
                                                     : " stroke-dasharray=\"1 3\"";
    const std::string look = fmt::format("class=\"line c{}\"{}", colour % line_colours, broken);
    const double y = 46 - above + 20 * legend_row[i];
    out += fmt::format("<path {} d=\"{}\"/>\n", look, path_of(line, at_x, at_y));
    out += fmt::format("<path {} d=\"M{} {}h26\"/><text x=\"{}\" y=\"{}\">{}</text>\n", look, legend_x[i], y, legend_x[i] + 32,
                       y + 4, markup(line.name));
  }
  return out + "</svg>\n";
}

}  // namespace carousel
