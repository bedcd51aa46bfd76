#include <carousel/tasks/drawing/picture_parts.hpp>

#include <algorithm>
#include <cmath>
#include <limits>

#include <carousel/lib/error.hpp>

namespace carousel {

namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();
constexpr double row_height = 20;  // of words above the lines
using Align = Canvas::Align;

/// From the numbers of an axis to pixels; of a logarithmic one, from exponents of ten.
struct Axis {
  bool log = false;
  double low = infinity, high = -infinity, from = 0, to = 0;

  double scaled(double value) const { return !log ? value : value > 0 ? std::log10(value) : std::nan(""); }
  void add(double value) { low = std::min(low, scaled(value)), high = std::max(high, scaled(value)); }
  /// Leaves a part of its length free at either end; an axis of one number becomes longer than 0.
  void widen(double part) {
    const double room = high > low ? part * (high - low) : (low == 0 ? 1 : std::abs(low)) / 2;
    low -= room, high += room;
  }
  double operator()(double value) const { return from + (to - from) * (scaled(value) - low) / (high - low); }

  /// Round numbers on it: of a logarithmic one powers of ten, and 2 and 5 times these where there are few, or what a linear one
  /// has where these are hardly any.
  std::vector<double> numbers(int count) const {
    if (!log) return axis_numbers(low, high, count);
    std::vector<double> round;
    const auto decades = static_cast<int>(high - low), apart = decades / count + 1;
    for (int exponent = static_cast<int>(std::floor(low)); exponent <= high; ++exponent) {
      if (decades >= 3 && exponent % apart == 0) round.push_back(std::pow(10, exponent));
      for (const double times : {1.0, 2.0, 5.0})
        if (decades < 3) round.push_back(times * std::pow(10, exponent));
    }
    std::erase_if(round, [&](double number) { return scaled(number) < low || scaled(number) > high; });
    return round.size() < 2 ? axis_numbers(std::pow(10, low), std::pow(10, high), count) : round;
  }
};

/// The numbers of both axes that the lines need.
std::pair<Axis, Axis> axes_of(const Chart& chart) {
  Axis x, y{.log = chart.log_y};
  for (const ChartLine& line : chart.lines) {
    if (line.x.size() != line.y.size())
      wrong_argument("picture: line ", line.name, " has ", line.x.size(), " x and ", line.y.size(), " y: must be as many");
    for (std::size_t i = 0; i < line.x.size(); ++i)
      if (std::isfinite(line.x[i]) && std::isfinite(y.scaled(line.y[i]))) x.add(line.x[i]), y.add(line.y[i]);
  }
  return {x, y};
}

Canvas::Pen pen_of(const Chart& chart, std::size_t n) {
  return {.colour = line_colour(chart.colour_of(n)), .width = 2, .dashed = chart.lines[n].dashed};
}

/// The names of the lines, each behind a piece of it, in as many rows as they need.
class Legend {
 public:
  explicit Legend(const Chart& chart, double left, double right) {
    Place next{left, 0};
    for (const ChartLine& line : chart.lines) {
      const double width = sample + 6 + width_of(line.name, small_letters);
      if (next.x > left && next.x + width > right) next = {left, next.row + 1};
      places_.push_back(next);
      next.x += width + 20;
    }
  }
  double height() const { return places_.empty() ? 0 : row_height * (places_.back().row + 1); }
  void draw(Canvas& canvas, double top, const Chart& chart) const {
    for (std::size_t n = 0; n < places_.size(); ++n) {
      const double x = places_[n].x, y = top + row_height * (places_[n].row + 0.5);
      const Canvas::Point ends[] = {{x, y}, {x + sample, y}};
      canvas.line(ends, pen_of(chart, n));
      canvas.text(x + sample + 6, y + 4, chart.lines[n].name, small_letters);
    }
  }

 private:
  static constexpr double sample = 26;
  struct Place {
    double x, row;
  };
  std::vector<Place> places_;
};

void draw_x_axis(Canvas& canvas, const Axis& x, const Chart& chart, double top, double bottom) {
  std::vector<double> at = x.numbers(8);
  const auto whole = [](double number) { return number == std::round(number); };
  if (std::all_of(chart.lines.begin(), chart.lines.end(),
                  [&](const ChartLine& line) { return std::all_of(line.x.begin(), line.x.end(), whole); }))
    std::erase_if(at, [&](double number) { return !whole(number); });  // there is no step 1.5
  std::vector<AxisWord> words;
  if (chart.x_words.empty()) {
    for (const double number : at) {
      canvas.field(x(number), top, 1, bottom - top, grid);
      words.push_back({x(number), number_text(number)});
    }
  } else {
    for (std::size_t n = 0; n < chart.x_words.size(); ++n)
      if (const auto number = static_cast<double>(n); number >= x.low && number <= x.high)
        words.push_back({x(number), visible(chart.x_words[n])});
  }
  words_along(canvas, bottom + 18, words);
  canvas.text((x.from + x.to) / 2, bottom + 38, chart.x_name, small_letters, Align::middle, soft_ink);
}

}  // namespace

ColourImage chart_picture(const std::string& title, const Chart& chart) {
  constexpr double edge = 20, tall = 264;
  auto [x, y] = axes_of(chart);
  if (!(x.low <= x.high)) {  // no points
    Canvas canvas(static_cast<Index>(page_width), 60);
    canvas.text(edge, title_line, title, title_letters);
    canvas.text(edge, title_line + row_height, "there is nothing to draw", small_letters, Align::begin, soft_ink);
    return canvas.image();
  }
  if (x.low == x.high) x.widen(0);
  y.widen(0.04);

  double widest = 0;
  for (const double number : y.numbers(6)) widest = std::max(widest, width_of(number_text(number), small_letters));
  const double left = edge + widest + 8, right = page_width - 28;
  const Legend legend(chart, left, right);
  const double top = title_line + 10 + legend.height() + row_height + 4, bottom = top + tall;
  x.from = left, x.to = right, y.from = bottom, y.to = top;

  Canvas canvas(static_cast<Index>(page_width), static_cast<Index>(bottom + 50));
  canvas.text(edge, title_line, title, title_letters);
  legend.draw(canvas, title_line + 8, chart);
  canvas.text(edge, top - 12, chart.y_name, small_letters, Align::begin, soft_ink);
  for (const double number : y.numbers(6)) {
    canvas.field(left, y(number), right - left, 1, grid);
    canvas.text(left - 8, y(number) + 5, number_text(number), small_letters, Align::end);
  }
  draw_x_axis(canvas, x, chart, top, bottom);
  canvas.field(left, bottom, right - left + 1, 1, soft_ink);
  for (const Chart::Mark& mark : chart.marks) {
    const bool late = x(mark.x) > (left + right) / 2;
    const Canvas::Point ends[] = {{x(mark.x), top}, {x(mark.x), bottom}};
    canvas.line(ends, {.colour = soft_ink, .width = 1, .dashed = true});
    canvas.text(x(mark.x) + (late ? -5 : 5), top - 12, mark.name, small_letters, late ? Align::end : Align::begin, soft_ink);
  }
  for (std::size_t n = 0; n < chart.lines.size(); ++n) {
    const ChartLine& line = chart.lines[n];
    std::vector<Canvas::Point> points;
    for (std::size_t i = 0; i < line.x.size(); ++i) points.push_back({x(line.x[i]), y(line.y[i])});
    canvas.line(points, pen_of(chart, n));
  }
  return canvas.image();
}

}  // namespace carousel
