#include <carousel/tasks/drawing/picture_parts.hpp>

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>

#include <fmt/format.h>

#include <carousel/lib/error.hpp>

namespace carousel {

namespace {

constexpr double margin = 20;
using Align = Canvas::Align;

struct Rectangle {
  double x, y, width, height;
};

/// Draws numbers as fields of colours: `at(row, column)`; what is smaller than a pixel is averaged.
template <class At>
void fields(Canvas& canvas, std::size_t rows, std::size_t columns, const Rectangle& box, const ColourScale& colours,
            const At& at) {
  const auto as_many = [](std::size_t count, double pixels) {
    return static_cast<std::size_t>(std::max(1.0, std::min(pixels, static_cast<double>(count))));
  };
  const std::size_t down = as_many(rows, box.height), across = as_many(columns, box.width);
  const double height = box.height / static_cast<double>(down), width = box.width / static_cast<double>(across);
  for (std::size_t i = 0; i < down; ++i)
    for (std::size_t j = 0; j < across; ++j) {
      double sum = 0, count = 0;
      for (std::size_t row = i * rows / down; row < (i + 1) * rows / down; ++row)
        for (std::size_t column = j * columns / across; column < (j + 1) * columns / across; ++column)
          sum += at(row, column), ++count;
      canvas.field(box.x + static_cast<double>(j) * width, box.y + static_cast<double>(i) * height, width, height,
                   colours(sum / count));
    }
}

/// The key of the colours, an upright bar with the numbers at its ends, and 0 where it is in the middle.
constexpr double key_bar = 12;

/// What a key is of: colours, and whether there are numbers below and above them.
struct Key {
  ColourScale colours;
  bool less = false, more = false;
};

Key key_of(const view::Gates::Map& map) {
  const auto [least, greatest] = std::minmax_element(map.values.begin(), map.values.end());
  return {.colours = {map.low, map.high}, .less = (*least < map.low), .more = (*greatest > map.high)};
}

std::vector<std::pair<double, std::string>> key_numbers(const Key& key) {  // from below, in parts of the bar
  std::vector<std::pair<double, std::string>> numbers = {{0, (key.less ? "≤ " : "") + number_text(key.colours.low, 3)},
                                                         {1, (key.more ? "≥ " : "") + number_text(key.colours.high, 3)}};
  if (key.colours.two_sided()) numbers.emplace_back(0.5, "0");
  return numbers;
}

double key_width(const Key& key) {
  double widest = 0;
  for (const auto& [part, word] : key_numbers(key)) widest = std::max(widest, width_of(word, small_letters));
  return key_bar + 6 + widest;
}

void draw_key(Canvas& canvas, double x, double y, double height, const Key& key) {
  const ColourScale& colours = key.colours;
  canvas.field(x - 1, y - 1, key_bar + 2, height + 2, grid);
  for (double row = 0; row < height; ++row) {
    const double part = 1 - row / (height - 1);
    canvas.field(x, y + row, key_bar, 1, colours(colours.low + part * (colours.high - colours.low)));
  }
  for (const auto& [part, word] : key_numbers(key))  // the highest and the lowest within the bar
    canvas.text(x + key_bar + 6, y + 9 + (1 - part) * (height - 9), word, small_letters);
}

std::string label(const std::vector<std::string>& labels, std::size_t i) {
  return labels.empty() ? std::to_string(i + 1) : visible(labels[i]);
}

/// The width of the widest word for one of so many rows or columns.
double widest_label(const std::vector<std::string>& labels, std::size_t count) {
  double widest = 0;
  for (std::size_t i = 0; i < count; ++i) widest = std::max(widest, width_of(label(labels, i), small_letters));
  return widest;
}

/// The full names of what cells mark.
std::string gate_name(const std::string& letter) {
  static const std::map<std::string, std::string> names = {{"i", "input gate"}, {"f", "forget gate"}, {"o", "output gate"},
                                                           {"g", "candidate"},  {"c", "cell state"},  {"h", "output"},
                                                           {"r", "reset gate"}, {"z", "update gate"}, {"n", "candidate"}};
  const auto found = names.find(letter);
  return found == names.end() ? letter : letter + ", " + found->second;
}

}  // namespace

ColourImage heat_map_picture(const std::string& title, const view::HeatMap& map) {
  const std::size_t columns = map.width, rows = columns > 0 ? map.values.size() / columns : 0;
  if (rows == 0 || rows * columns != map.values.size() || (!map.columns.empty() && map.columns.size() != columns) ||
      (!map.rows.empty() && map.rows.size() != rows))
    wrong_argument("picture: a heat map of ", map.values.size(), " numbers in rows of ", columns, " with ", map.rows.size(),
                   " and ", map.columns.size(), " labels: must fit");
  const ColourScale colours{map.low, map.high};
  const double left = margin + widest_label(map.rows, rows) + 8, top = title_line + 32, key_gap = 20;
  double least = 0;  // of a field's width
  if (map.numbers)
    for (const double value : map.values) least = std::max(least, width_of(number_text(value), small_letters) + 8);
  const double room = page_width - left - key_gap - key_width({colours}) - margin;
  const double across = std::max(least, std::min(26.0, room / static_cast<double>(columns)));
  const double wanted = map.rows.empty() && !map.numbers ? across : std::max(20.0, across);  // a field's height
  const double width = across * static_cast<double>(columns), tall = std::clamp(wanted * static_cast<double>(rows), 20.0, 520.0);
  const double key_height = std::clamp(tall, 48.0, 160.0), key_left = left + width + key_gap;

  const double whole = std::max({key_left + key_width({colours}), margin + width_of(title, title_letters),
                                 left + width / 2 + width_of(map.x_name, small_letters) / 2});
  Canvas canvas(static_cast<Index>(std::ceil(whole + margin)), static_cast<Index>(top + std::max(tall + 52, key_height + 20)));
  canvas.text(margin, title_line, title, title_letters);
  if (!map.y_name.empty()) canvas.text(margin, top - 9, map.y_name + " ↓", small_letters, Align::begin, soft_ink);
  canvas.field(left - 1, top - 1, width + 2, tall + 2, grid);
  fields(canvas, rows, columns, {left, top, width, tall}, colours,
         [&](std::size_t i, std::size_t j) { return map.values[i * columns + j]; });
  draw_key(canvas, key_left, top, key_height, {colours});

  const double down = tall / static_cast<double>(rows);
  const auto every = static_cast<std::size_t>(std::ceil(14 / down));
  for (std::size_t i = 0; i < rows; i += every)
    canvas.text(left - 8, top + down * (static_cast<double>(i) + 0.5) + 4, label(map.rows, i), small_letters, Align::end);
  std::vector<AxisWord> words;
  for (std::size_t j = 0; j < columns; ++j)
    words.push_back({left + across * (static_cast<double>(j) + 0.5), label(map.columns, j)});
  words_along(canvas, top + tall + 18, words);
  canvas.text(left + width / 2, top + tall + 38, map.x_name, small_letters, Align::middle, soft_ink);
  for (std::size_t i = 0; map.numbers && i < rows; ++i)
    for (std::size_t j = 0; j < columns; ++j)
      if (const double value = map.values[i * columns + j]; value != 0)
        canvas.text(words[j].x, top + down * (static_cast<double>(i) + 0.5) + 4, number_text(value), small_letters, Align::middle,
                    ink_on(colours(value)));
  return canvas.image();
}

ColourImage gates_picture(const std::string& title, const view::Gates& gates) {
  const std::size_t steps = gates.input.size();
  constexpr double gap = 14, top = title_line + 30, least = 44, most = 72;  // of pixels, downwards
  double names = 0, keys = 0;
  std::vector<double> heights;
  double height = top;
  for (const auto& map : gates.maps) {
    if (steps == 0 || map.units == 0 || map.values.size() != map.units * steps)
      wrong_argument("picture: ", map.name, " has ", map.values.size(), " numbers for ", map.units, " units in ", steps,
                     " steps");
    names = std::max({names, width_of(gate_name(map.name), small_letters), width_of(map.place, small_letters)});
    keys = std::max(keys, key_width(key_of(map)));
    // As many whole pixels for each unit as there is room for, that all are equally high; or as many units for a pixel each.
    const auto units = static_cast<double>(map.units), together = std::ceil(units / most), rows = std::ceil(units / together);
    const double fits = rows * std::floor(most / rows);
    heights.push_back(together > 1 ? fits : std::max(least, fits));
    height += heights.back() + gap;
  }
  const double left = margin + names + 14, width = page_width - left - 14 - keys - margin;
  Canvas canvas(static_cast<Index>(page_width), static_cast<Index>(height + 24));
  canvas.text(margin, title_line, title, title_letters);
  canvas.text(margin, title_line + 18, "a row is a unit, a column a step, whose name stands below", small_letters, Align::begin,
              soft_ink);
  double y = top;
  for (std::size_t n = 0; n < gates.maps.size(); ++n) {
    const auto& map = gates.maps[n];
    const ColourScale colours{map.low, map.high};
    canvas.text(margin, y + heights[n] / 2 - 2, gate_name(map.name), small_letters);
    canvas.text(margin, y + heights[n] / 2 + 14, map.place, small_letters, Align::begin, soft_ink);
    canvas.field(left - 1, y - 1, width + 2, heights[n] + 2, grid);
    fields(canvas, map.units, steps, {left, y, width, heights[n]}, colours,
           [&](std::size_t i, std::size_t j) { return map.values[j * map.units + i]; });
    draw_key(canvas, left + width + 14, y, heights[n], key_of(map));
    y += heights[n] + gap;
  }
  std::vector<AxisWord> words;
  for (std::size_t j = 0; j < steps; ++j)
    words.push_back({left + width / static_cast<double>(steps) * (static_cast<double>(j) + 0.5), visible(gates.input[j])});
  words_along(canvas, y + 4, words);
  return canvas.image();
}

}  // namespace carousel
