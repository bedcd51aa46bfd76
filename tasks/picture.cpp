#include <carousel/tasks/picture.hpp>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <limits>

#include <fmt/format.h>

#include <carousel/lib/error.hpp>
#include <carousel/tasks/canvas.hpp>

namespace carousel {

namespace {

constexpr double small = 12, large = 15;  // letters
constexpr Index page = 720;               // pixels across
using Align = Canvas::Align;

/// From the numbers of an axis to pixels.
struct Axis {
  double low, high, from, to;
  bool log = false;

  bool has(double value) const { return std::isfinite(value) && (!log || value > 0); }
  double operator()(double value) const {
    const double a = log ? std::log10(low) : low, b = log ? std::log10(high) : high, v = log ? std::log10(value) : value;
    return from + (to - from) * (b > a ? (v - a) / (b - a) : 0.5);
  }
  std::vector<double> numbers(int count) const {
    if (!log) return axis_numbers(low, high, count);
    std::vector<double> powers;
    for (double exponent = std::ceil(std::log10(low)); exponent <= std::log10(high); ++exponent)
      powers.push_back(std::pow(10, exponent));
    return powers;
  }
};

/// The darkest lines come last, as what is drawn last matters most.
double shade_of(std::size_t line, std::size_t lines) {
  return lines < 2 ? 0.9 : 0.35 + 0.6 * static_cast<double>(line) / static_cast<double>(lines - 1);
}

/// Draws a line in pixels, in dashes if it is dashed.
class Stroke {
 public:
  Stroke(Canvas& canvas, double width, double shade, bool dashed)
      : canvas_(canvas), width_(width), shade_(shade), dashed_(dashed) {}

  void draw(double x0, double y0, double x1, double y1) {
    const double length = std::hypot(x1 - x0, y1 - y0);
    if (!dashed_) return canvas_.line(x0, y0, x1, y1, width_, shade_);
    for (double done = 0; done < length;) {
      const double left = (on_ ? dash : gap) - since_, step = std::min(left, length - done);
      const auto at = [&](double a, double b, double way) { return a + (b - a) * way / length; };
      if (on_) canvas_.line(at(x0, x1, done), at(y0, y1, done), at(x0, x1, done + step), at(y0, y1, done + step), width_, shade_);
      done += step, since_ += step;
      if (step == left) on_ = !on_, since_ = 0;
    }
  }

 private:
  static constexpr double dash = 7, gap = 5;
  Canvas& canvas_;
  double width_, shade_;
  bool dashed_, on_ = true;
  double since_ = 0;
};

GreyImage lines_of(const View& view, const Chart& chart) {
  constexpr double height = 360, left = 64, top = 56, bottom = height - 44, right = page - 14;
  Canvas canvas(page, static_cast<Index>(height));
  constexpr double infinity = std::numeric_limits<double>::infinity();
  Axis x{infinity, -infinity, left, right}, y{infinity, -infinity, bottom, top, chart.log_y};
  for (const ChartLine& line : chart.lines) {
    if (line.x.size() != line.y.size())
      wrong_argument("picture: line ", line.name, " has ", line.x.size(), " x and ", line.y.size(), " y: must be as many");
    for (std::size_t i = 0; i < line.x.size(); ++i) {
      if (!x.has(line.x[i]) || !y.has(line.y[i])) continue;
      x.low = std::min(x.low, line.x[i]), x.high = std::max(x.high, line.x[i]);
      y.low = std::min(y.low, line.y[i]), y.high = std::max(y.high, line.y[i]);
    }
  }
  canvas.text(left, 22, view.title, large);
  if (!(x.low <= x.high)) return canvas.image();  // no points
  for (const double number : y.numbers(6)) {
    canvas.line(left, y(number), right, y(number), 1, 0.12);
    canvas.text(left - 8, y(number) + 4, fmt::format("{:g}", number), small, Align::end);
  }
  for (const double number : x.numbers(8)) {
    canvas.line(x(number), bottom, x(number), bottom + 4, 1, 0.5);
    canvas.text(x(number), bottom + 18, fmt::format("{:g}", number), small, Align::middle);
  }
  canvas.line(left, bottom, right, bottom, 1, 0.5);
  canvas.text((left + right) / 2, height - 8, chart.x_name, small, Align::middle);
  canvas.text(8, top - 10, chart.y_name, small);
  for (const Chart::Mark& mark : chart.marks) {
    canvas.line(x(mark.x), top, x(mark.x), bottom, 1, 0.3);
    canvas.text(x(mark.x) + 5, top + 10, mark.name, small);
  }
  double legend = left;
  for (std::size_t n = 0; n < chart.lines.size(); ++n) {
    const ChartLine& line = chart.lines[n];
    Stroke stroke(canvas, 1.8, shade_of(n, chart.lines.size()), line.dashed);
    for (std::size_t i = 1; i < line.x.size(); ++i)
      if (x.has(line.x[i - 1]) && y.has(line.y[i - 1]) && x.has(line.x[i]) && y.has(line.y[i]))
        stroke.draw(x(line.x[i - 1]), y(line.y[i - 1]), x(line.x[i]), y(line.y[i]));
    Stroke(canvas, 1.8, shade_of(n, chart.lines.size()), line.dashed).draw(legend, 38, legend + 24, 38);
    canvas.text(legend + 30, 42, line.name, small);
    legend += 48 + canvas.width_of(line.name, small);
  }
  return canvas.image();
}

/// A field of shades: `at(row, column)`, each from 0 to 1, drawn within the box; what is too small for a pixel is averaged.
template <class At>
void shades(Canvas& canvas, std::size_t rows, std::size_t columns, double x, double y, double width, double height,
            const At& at) {
  const auto down = static_cast<std::size_t>(std::max(1.0, std::min(height, static_cast<double>(rows))));
  const auto across = static_cast<std::size_t>(std::max(1.0, std::min(width, static_cast<double>(columns))));
  const double h = height / static_cast<double>(down), w = width / static_cast<double>(across);
  for (std::size_t i = 0; i < down; ++i)
    for (std::size_t j = 0; j < across; ++j) {
      double sum = 0, count = 0;
      for (std::size_t row = i * rows / down; row < std::max(i * rows / down + 1, (i + 1) * rows / down); ++row)
        for (std::size_t column = j * columns / across; column < std::max(j * columns / across + 1, (j + 1) * columns / across);
             ++column)
          sum += at(row, column), ++count;
      canvas.field(x + static_cast<double>(j) * w, y + static_cast<double>(i) * h, w, h, sum / count);
    }
}

double shade(double value, double low, double high) {
  return high > low && std::isfinite(value) ? std::clamp((value - low) / (high - low), 0.0, 1.0) : 0;
}

/// Words below or beside fields, as many as there is room for.
std::size_t every(double room, double needed) {
  return static_cast<std::size_t>(std::max(1.0, std::ceil(needed / room)));
}

std::string label(const std::vector<std::string>& labels, std::size_t i) {
  return labels.empty() ? std::to_string(i + 1) : labels[i];
}

GreyImage heat_map_of(const View& view, const view::HeatMap& map) {
  const std::size_t columns = map.width, rows = columns > 0 ? map.values.size() / columns : 0;
  if (rows * columns != map.values.size() || (!map.columns.empty() && map.columns.size() != columns) ||
      (!map.rows.empty() && map.rows.size() != rows))
    wrong_argument("picture: a heat map of ", map.values.size(), " numbers in rows of ", columns, " with ", map.rows.size(),
                   " and ", map.columns.size(), " labels: must fit");
  const double left = 90, top = 60,
               cell = std::min(26.0, static_cast<double>(page - 110) / static_cast<double>(std::max<std::size_t>(1, columns)));
  const double width = cell * static_cast<double>(columns), tall = std::clamp(cell * static_cast<double>(rows), 1.0, 520.0);
  Canvas canvas(std::max<Index>(400, static_cast<Index>(left + width + 20)), static_cast<Index>(top + tall + 48));
  canvas.text(20, 22, view.title, large);
  canvas.text(left, top - 10, map.y_name.empty() ? "" : map.y_name + " ↓", small);
  if (rows == 0) return canvas.image();
  shades(canvas, rows, columns, left, top, width, tall,
         [&](std::size_t i, std::size_t j) { return shade(map.values[i * columns + j], map.low, map.high); });
  for (const double x : {left, left + width}) canvas.line(x, top, x, top + tall, 1, 0.4);
  for (const double y : {top, top + tall}) canvas.line(left, y, left + width, y, 1, 0.4);
  const double down = tall / static_cast<double>(rows);
  for (std::size_t i = 0; i < rows; i += every(down, 14))
    canvas.text(left - 8, top + down * (static_cast<double>(i) + 0.5) + 4, label(map.rows, i), small, Align::end);
  double widest = 12;
  for (std::size_t j = 0; j < columns; ++j) widest = std::max(widest, canvas.width_of(label(map.columns, j), small) + 4);
  for (std::size_t j = 0; j < columns; j += every(cell, widest))
    canvas.text(left + cell * (static_cast<double>(j) + 0.5), top + tall + 16, label(map.columns, j), small, Align::middle);
  canvas.text(left + width / 2, top + tall + 36, map.x_name, small, Align::middle);
  return canvas.image();
}

GreyImage gates_of(const View& view, const view::Gates& gates) {
  const std::size_t steps = gates.input.size();
  const double left = 110, width = page - 124, each = 56, top = 40;
  Canvas canvas(page, static_cast<Index>(top + each * static_cast<double>(gates.maps.size()) + 26));
  canvas.text(20, 22, view.title, large);
  double y = top;
  for (const auto& map : gates.maps) {
    if (map.values.size() != map.units * steps)
      wrong_argument("picture: ", map.name, " has ", map.values.size(), " numbers for ", map.units, " units in ", steps,
                     " steps");
    canvas.text(20, y + each / 2, map.name, small);
    canvas.text(20, y + each / 2 + 14, map.place, 9);
    if (steps > 0 && map.units > 0)
      shades(canvas, map.units, steps, left, y, width, each - 6,
             [&](std::size_t i, std::size_t j) { return shade(map.values[j * map.units + i], map.low, map.high); });
    y += each;
  }
  const double across = width / static_cast<double>(std::max<std::size_t>(1, steps));
  double widest = 8;
  for (const std::string& word : gates.input) widest = std::max(widest, canvas.width_of(word, small) + 1);
  for (std::size_t j = 0; j < steps; j += every(across, widest))
    canvas.text(left + across * (static_cast<double>(j) + 0.5), y + 10, gates.input[j], small, Align::middle);
  return canvas.image();
}

/// "the-course-of-it": letters and figures of a title, for a file's name.
std::string file_name(const std::string& title) {
  std::string name;
  for (const char c : title) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'), capital = c >= 'A' && c <= 'Z';
    if (plain || capital)
      name += capital ? static_cast<char>(c - 'A' + 'a') : c;
    else if (!name.empty() && name.back() != '-')
      name += '-';
    if (name.size() == 40) break;
  }
  while (name.ends_with('-')) name.pop_back();
  return name;
}

/// Whether a file can be one of write_pictures(): "12-the-course-of-it.png".
bool is_picture_name(const std::string& name) {
  const std::size_t number = name.find_first_not_of("0123456789");
  return number != 0 && number != std::string::npos && name[number] == '-' && name.ends_with(".png") &&
         name.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789-", number) == name.size() - 4;
}

/// Of an earlier training: those that are not made anew. Nothing else, for the folder may be the user's.
void remove_pictures(const std::filesystem::path& folder) {
  std::error_code error;
  std::vector<std::filesystem::path> old;
  for (std::filesystem::directory_iterator at(folder, error), end; !error && at != end; at.increment(error))
    if (is_picture_name(at->path().filename().string())) old.push_back(at->path());
  for (const std::filesystem::path& path : old) std::filesystem::remove(path, error);
  if (!old.empty() && std::filesystem::is_empty(folder, error)) std::filesystem::remove(folder, error);
}

}  // namespace

GreyImage picture(const View& view) {
  if (const auto* chart = std::get_if<Chart>(&view.what)) return lines_of(view, *chart);
  if (const auto* map = std::get_if<view::HeatMap>(&view.what)) return heat_map_of(view, *map);
  if (const auto* gates = std::get_if<view::Gates>(&view.what)) return gates_of(view, *gates);
  return {};
}

void write_pictures(const std::string& folder, const Views& views) {
  namespace fs = std::filesystem;
  const fs::path to = fs::path(folder) / "pictures";
  std::error_code error;
  remove_pictures(to);
  for (std::size_t n = 0; n < views.all.size(); ++n) {
    const GreyImage image = picture(views.all[n]);
    if (image.pixels.empty()) continue;
    fs::create_directories(to, error);
    if (error) bad_file("write ", to.string(), ": ", error.message());
    write_png((to / fmt::format("{}-{}.png", n + 1, file_name(views.all[n].title))).string(), image);
  }
}

}  // namespace carousel
