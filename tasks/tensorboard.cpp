#include <carousel/tasks/tensorboard.hpp>

#include <algorithm>
#include <cmath>
#include <limits>

#include <fmt/format.h>

#include <carousel/lib/error.hpp>
#include <carousel/lib/utf8.hpp>

namespace carousel {

namespace {

constexpr Index chart_height = 300, chart_width = 600;
constexpr Index largest_side = 1000;  // of a picture

/// A word in a cell of a table of Markdown.
std::string cell_text(const std::string& word) {
  std::string out;
  for (const char c : word) out += c == '|' ? "\\|" : c == '\n' ? " " : std::string(1, c);
  return out;
}

std::string row_text(const std::vector<std::string>& words) {
  std::string row = "|";
  for (const std::string& word : words) row += " " + cell_text(word) + " |";
  return row + "\n";
}

std::string table_text(const std::vector<std::string>& head, const std::vector<std::vector<std::string>>& rows) {
  std::string text = row_text(head) + row_text(std::vector<std::string>(head.size(), "---"));
  for (const std::vector<std::string>& row : rows) text += row_text(row);
  return text;
}

std::vector<Metric> below(const std::string& group, std::span<const Metric> metrics) {
  std::vector<Metric> named;
  for (const Metric& metric : metrics) named.push_back({group + "/" + metric.name, metric.value});
  return named;
}

/// The least and the greatest of finite numbers, a little apart at least.
struct Range {
  double low = std::numeric_limits<double>::infinity(), high = -low;

  void add(double value) {
    if (std::isfinite(value)) low = std::min(low, value), high = std::max(high, value);
  }
  /// Where a value lies, 0 at the low end and 1 at the high one; NaN where it is not finite.
  double place(double value) const {
    if (!std::isfinite(value)) return std::nan("");
    return high > low ? value / (high - low) - low / (high - low) : 0.5;
  }
};

/// The views of one training as events.
struct ViewWriter {
  EventFile& file;
  Index step;
  const std::string& name;
  const std::string& look_for;

  void operator()(const Chart& chart) const {
    std::string lines;
    for (const ChartLine& line : chart.lines) lines += (lines.empty() ? "" : ", ") + line.name;
    file.image(step, name, picture_of(chart),
               fmt::format("{} {} over {}; from black to light: {}", look_for, chart.y_name, chart.x_name, lines));
  }
  void operator()(const view::HeatMap& map) const {
    file.image(
        step, name, picture_of(map),
        fmt::format("{} {} downwards, {} to the right; white {}, black {}", look_for, map.y_name, map.x_name, map.low, map.high));
  }
  void operator()(const view::Gates& gates) const {
    for (const view::Gates::Map& map : gates.maps) {
      view::HeatMap field{.x_name = "step", .y_name = "unit", .width = 0, .values = {}, .low = map.low, .high = map.high};
      field.width = map.units == 0 ? 0 : map.values.size() / map.units;
      for (std::size_t unit = 0; unit < map.units; ++unit)
        for (std::size_t t = 0; t < field.width; ++t) field.values.push_back(map.values[t * map.units + unit]);
      if (!field.values.empty())
        ViewWriter{file, step, join(name, "/", map.place.empty() ? "" : map.place + "/", map.name), look_for}(field);
    }
  }
  void operator()(const view::Images& images) const {
    std::size_t number = 0;
    for (const view::Images::Image& image : images.images) {
      ++number;
      if (image.width == 0 || image.pixels.empty()) continue;
      const GreyImage grey{static_cast<Index>(image.pixels.size() / image.width), static_cast<Index>(image.width), image.pixels};
      file.image(step, join(name, "/", number), grey, image.caption);
    }
  }
  void operator()(const view::Texts& texts) const {
    for (const view::Texts::Text& text : texts.texts) file.text(step, join(name, "/", text.caption), as_code_block(text.text));
  }
  void operator()(const view::Characters& characters) const {
    std::vector<std::vector<std::string>> rows;
    for (const view::Characters::Character& one : characters.characters) {
      std::string expected;
      for (const auto& [character, probability] : one.candidates)
        expected += fmt::format("{}{} {:.2f}", expected.empty() ? "" : ", ", in_quotes(character), probability);
      rows.push_back({in_quotes(one.character), fmt::format("{:.2f}", one.probability), expected});
    }
    file.text(step, name, look_for + "\n\n" + table_text({"character", "probability", "expected"}, rows));
  }
  void operator()(const view::Table& table) const {
    file.text(step, name, look_for + "\n\n" + table_text(table.head, table.rows));
  }
};

}  // namespace

GreyImage picture_of(const Chart& chart) {
  GreyImage image{chart_height, chart_width,
                  std::vector<std::uint8_t>(static_cast<std::size_t>(chart_height * chart_width), 255)};
  const auto ink = [&](Index row, Index column, std::uint8_t grey) {
    if (row >= 0 && row < chart_height && column >= 0 && column < chart_width)
      image.pixels[static_cast<std::size_t>(row * chart_width + column)] = grey;
  };
  const auto height_of = [&](double y) { return chart.log_y ? (y > 0 ? std::log(y) : std::nan("")) : y; };
  Range xs, ys;
  for (const ChartLine& line : chart.lines)
    for (std::size_t i = 0; i < std::min(line.x.size(), line.y.size()); ++i) xs.add(line.x[i]), ys.add(height_of(line.y[i]));
  for (Index row = 0; row < chart_height; ++row) ink(row, 0, 128), ink(row, chart_width - 1, 128);
  for (Index column = 0; column < chart_width; ++column) ink(0, column, 128), ink(chart_height - 1, column, 128);
  for (std::size_t n = 0; n < chart.lines.size(); ++n) {
    const ChartLine& line = chart.lines[n];
    const auto grey = static_cast<std::uint8_t>(200 * n / chart.lines.size());
    const auto column_of = [&](std::size_t i) { return 4 + xs.place(line.x[i]) * (chart_width - 9); };
    const auto row_of = [&](std::size_t i) { return chart_height - 5 - ys.place(height_of(line.y[i])) * (chart_height - 9); };
    for (std::size_t i = 1; i < std::min(line.x.size(), line.y.size()); ++i) {
      const double x = column_of(i - 1), y = row_of(i - 1), dx = column_of(i) - x, dy = row_of(i) - y;
      if (!std::isfinite(x + y + dx + dy)) continue;
      const double dots = std::ceil(std::max({std::abs(dx), std::abs(dy), 1.0}));
      for (double dot = 0; dot <= dots; ++dot) {
        const Index row = std::lround(y + dy * dot / dots), column = std::lround(x + dx * dot / dots);
        ink(row, column, grey), ink(row + 1, column, grey);  // two pixels thick
      }
    }
  }
  return image;
}

GreyImage picture_of(const view::HeatMap& map) {
  const auto width = static_cast<Index>(map.width), height = width == 0 ? 0 : static_cast<Index>(map.values.size()) / width;
  if (height == 0) return {1, 1, {255}};
  const Index larger = std::clamp<Index>(400 / std::max(width, height), 1, 16);
  GreyImage image{height * larger, width * larger, {}};
  const auto grey = [&](double value) {
    if (!std::isfinite(value) || map.high <= map.low) return std::uint8_t{255};
    return static_cast<std::uint8_t>(std::lround(255 * (1 - std::clamp((value - map.low) / (map.high - map.low), 0.0, 1.0))));
  };
  for (Index row = 0; row < image.height; ++row)
    for (Index column = 0; column < image.width; ++column)
      image.pixels.push_back(grey(map.values[static_cast<std::size_t>(row / larger * width + column / larger)]));
  if (std::max(image.height, image.width) <= largest_side) return image;
  return fit_into(image, std::min(image.height, largest_side), std::min(image.width, largest_side));
}

TensorBoard::TensorBoard(const std::string& folder, Index steps_done, const Metadata& options) : file_(folder, steps_done) {
  std::vector<std::vector<std::string>> rows;
  for (const auto& [name, value] : options) rows.push_back({name, value});
  file_.text(steps_done, "configuration", table_text({"option", "value"}, rows));
}

void TensorBoard::add_step(const StepRecord& record) {
  std::vector<Metric> numbers = {
      {"step/loss", record.loss}, {"step/rate", record.rate}, {"step/gradient_norm", record.gradient_norm}};
  for (const StepRecord::Of& one : record.parameters) {
    numbers.push_back({"gradient_norm/" + one.path, one.gradient_norm});
    numbers.push_back({"update_ratio/" + one.path, one.update_ratio});
  }
  file_.scalars(record.step, numbers);
}

template <class T>
void TensorBoard::add_epoch(Index step, std::span<const Metric> metrics, const Registry<T>& registry) {
  file_.scalars(step, below("epoch", metrics));
  for (const Parameter<T>& parameter : registry) {
    const std::span<const T> values(parameter.value.data(), parameter.value.size());
    file_.histogram(step, "parameters/" + parameter.path, Histogram::of(values));
  }
}

template void TensorBoard::add_epoch(Index, std::span<const Metric>, const Registry<float>&);
template void TensorBoard::add_epoch(Index, std::span<const Metric>, const Registry<double>&);

void TensorBoard::add_result(Index step, std::span<const Metric> metrics) {
  file_.scalars(step, below("result", metrics));
}

void TensorBoard::add_views(Index step, const Views& views) {
  for (const View& view : views.all) std::visit(ViewWriter{file_, step, "views/" + view.title, view.look_for}, view.what);
}

}  // namespace carousel
