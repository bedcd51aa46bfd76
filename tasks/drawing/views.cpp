#include <carousel/tasks/drawing/views.hpp>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <limits>
#include <span>

#include <carousel/lib/error.hpp>
#include <carousel/tasks/base/metric.hpp>
#include <carousel/tasks/drawing/json.hpp>

namespace carousel {

namespace {

constexpr std::size_t most_points = 2000;                   // of a line
constexpr std::size_t most_columns = 400, most_rows = 256;  // of a field of colours

/// With six digits; null where it is not finite.
Json short_number(double value) {
  return std::isfinite(value) ? Json(std::strtod(json_number(value).c_str(), nullptr)) : Json();
}

/// Which points of a line are drawn: all, or of each stretch the least and the greatest.
std::vector<std::size_t> points_to_draw(const std::vector<double>& y) {
  std::vector<std::size_t> chosen;
  const std::size_t stretches = y.size() <= most_points ? 0 : most_points / 2;
  if (stretches == 0)
    for (std::size_t i = 0; i < y.size(); ++i) chosen.push_back(i);
  for (std::size_t s = 0; s < stretches; ++s) {
    const auto at = [&](std::size_t n) { return y.begin() + static_cast<std::ptrdiff_t>(n * y.size() / stretches); };
    const auto [least, greatest] = std::minmax_element(at(s), at(s + 1));
    const auto [first, second] = std::minmax({least - y.begin(), greatest - y.begin()});
    chosen.push_back(static_cast<std::size_t>(first));
    if (second != first) chosen.push_back(static_cast<std::size_t>(second));
  }
  return chosen;
}

Json lines_json(const Chart& chart) {
  Json lines = Json::array(), marks = Json::array();
  for (std::size_t n = 0; n < chart.lines.size(); ++n) {
    const ChartLine& line = chart.lines[n];
    if (line.x.size() != line.y.size())
      wrong_argument("views: line ", line.name, " has ", line.x.size(), " x and ", line.y.size(),
                     " y: must have the same length");
    Json x = Json::array(), y = Json::array();
    for (const std::size_t i : points_to_draw(line.y)) {
      x.push_back(short_number(line.x[i]));
      y.push_back(short_number(line.y[i]));
    }
    lines.push_back(
        {{"name", line.name}, {"dashed", line.dashed}, {"colour", chart.colour_of(n)}, {"x", std::move(x)}, {"y", std::move(y)}});
  }
  for (const Chart::Mark& mark : chart.marks) marks.push_back({{"x", short_number(mark.x)}, {"name", mark.name}});
  return {{"kind", "lines"},      {"labels", chart.x_words}, {"x_name", chart.x_name}, {"y_name", chart.y_name},
          {"log_y", chart.log_y}, {"lines", lines},          {"marks", marks}};
}

/// RFC 4648, section 4.
std::string base64(std::span<const std::uint8_t> bytes) {
  constexpr char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string out;
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    const auto byte = [&](std::size_t n) { return i + n < bytes.size() ? std::uint32_t{bytes[i + n]} : 0U; };
    const std::uint32_t three = byte(0) << 16 | byte(1) << 8 | byte(2);
    for (std::size_t n = 0; n < 4; ++n) out += i + n > bytes.size() ? '=' : letters[three >> (18 - 6 * n) & 63];
  }
  return out;
}

/// Rows of numbers.
struct Field {
  std::size_t width, height;
  std::vector<double> values;

  Field(std::string_view what, std::size_t row, const std::vector<double>& all)
      : width(row), height(row == 0 ? 0 : all.size() / row), values(all) {
    if (all.empty() || width * height != all.size())
      wrong_argument("views: ", what, " has ", all.size(), " numbers in rows of ", row, ": must be full rows, at least one");
  }

  /// The means of blocks, where there are more columns or rows than that.
  Field averaged(std::size_t columns, std::size_t rows) const {
    if (width <= columns && height <= rows) return *this;
    Field out = *this;
    out.width = std::min(width, columns), out.height = std::min(height, rows);
    out.values.assign(out.width * out.height, 0);
    for (std::size_t y = 0; y < out.height; ++y)
      for (std::size_t x = 0; x < out.width; ++x) {
        double sum = 0, count = 0;
        for (std::size_t v = y * height / out.height; v < (y + 1) * height / out.height; ++v)
          for (std::size_t u = x * width / out.width; u < (x + 1) * width / out.width; ++u) sum += values[v * width + u], ++count;
        out.values[y * out.width + x] = sum / count;
      }
    return out;
  }

  /// The numbers as bytes: 0 for `low` and below, 255 for `high` and above; what is not a number is 0.
  Json bytes(double low, double high) const {
    std::vector<std::uint8_t> out;
    for (const double value : values) {
      const double part = 255 * (value - low) / (high - low);
      out.push_back(part > 0 ? static_cast<std::uint8_t>(std::min(255.0, std::round(part))) : std::uint8_t{0});
    }
    return base64(out);
  }
};

Json heat_map_json(const view::HeatMap& map) {
  const Field whole("heat map", map.width, map.values), field = whole.averaged(most_columns, most_rows);
  for (const auto& [labels, count, of] : {std::tuple(&map.columns, whole.width, "columns"), {&map.rows, whole.height, "rows"}})
    if (!labels->empty() && labels->size() != count)
      wrong_argument("views: heat map has ", count, " ", of, " and ", labels->size(),
                     " labels for them: must have the same length");
  Json json = {{"kind", "heat map"},
               {"x_name", map.x_name},
               {"y_name", map.y_name},
               {"width", field.width},
               {"height", field.height},
               {"whole_width", whole.width},
               {"whole_height", whole.height},
               {"low", short_number(map.low)},
               {"high", short_number(map.high)},
               {"cells", field.bytes(map.low, map.high)}};
  if (field.width == whole.width) json["columns"] = map.columns;
  if (field.height == whole.height) json["rows"] = map.rows;
  if (map.numbers)
    for (const double value : field.values) json["numbers"].push_back(short_number(value));
  return json;
}

Json gates_json(const view::Gates& gates) {
  Json maps = Json::array();
  for (const view::Gates::Map& map : gates.maps) {
    const Field whole("gate " + map.name, map.units, map.values);
    if (whole.height != gates.input.size())
      wrong_argument("views: gate ", map.name, " has ", whole.height, " steps, the input ", gates.input.size(),
                     ": must have the same length");
    // Units stay what they are, since one can be looked at alone: the first ones are kept.
    Field kept = whole;
    kept.width = std::min(whole.width, most_rows), kept.height = std::min(whole.height, most_columns);
    kept.values.clear();
    for (std::size_t t = 0; t < kept.height; ++t) {
      const auto row = whole.values.begin() + static_cast<std::ptrdiff_t>(t * whole.width);
      kept.values.insert(kept.values.end(), row, row + static_cast<std::ptrdiff_t>(kept.width));
    }
    double least = std::numeric_limits<double>::infinity(), greatest = -least;
    for (const double value : whole.values)
      if (std::isfinite(value)) least = std::min(least, value), greatest = std::max(greatest, value);
    const auto share = [&](auto holds) {
      return short_number(static_cast<double>(std::count_if(whole.values.begin(), whole.values.end(), holds)) /
                          static_cast<double>(whole.values.size()));
    };
    maps.push_back({{"name", map.name},
                    {"place", map.place},
                    {"units", kept.width},
                    {"all_units", whole.width},
                    {"low", short_number(map.low)},
                    {"high", short_number(map.high)},
                    {"least", short_number(least)},
                    {"greatest", short_number(greatest)},
                    {"below", share([&](double x) { return x < map.low + 0.1 * (map.high - map.low); })},
                    {"above", share([&](double x) { return x > map.high - 0.1 * (map.high - map.low); })},
                    {"cells", kept.bytes(map.low, map.high)}});
  }
  const std::size_t steps = std::min(gates.input.size(), most_columns);
  return {{"kind", "gates"},
          {"input", std::vector<std::string>(gates.input.begin(), gates.input.begin() + static_cast<std::ptrdiff_t>(steps))},
          {"maps", maps}};
}

Json images_json(const view::Images& images) {
  Json all = Json::array();
  for (const view::Images::Image& image : images.images) {
    if (image.width == 0 || image.pixels.empty() || image.pixels.size() % image.width != 0)
      wrong_argument("views: image has ", image.pixels.size(), " pixels in rows of ", image.width,
                     ": must be full rows, at least one");
    all.push_back({{"caption", image.caption},
                   {"width", image.width},
                   {"height", image.pixels.size() / image.width},
                   {"pixels", base64(image.pixels)}});
  }
  return {{"kind", "images"}, {"images", all}};
}

Json texts_json(const view::Texts& texts) {
  Json all = Json::array();
  for (const view::Texts::Text& text : texts.texts) all.push_back({{"caption", text.caption}, {"text", text.text}});
  return {{"kind", "texts"}, {"texts", all}};
}

Json characters_json(const view::Characters& characters) {
  Json all = Json::array();
  for (const view::Characters::Character& one : characters.characters) {
    Json candidates = Json::array();
    for (const auto& [character, probability] : one.candidates) candidates.push_back({character, short_number(probability)});
    all.push_back({{"character", one.character}, {"probability", short_number(one.probability)}, {"candidates", candidates}});
  }
  return {{"kind", "characters"}, {"characters", all}};
}

Json table_json(const view::Table& table) {
  for (const auto& row : table.rows)
    if (row.size() != table.head.size())
      wrong_argument("views: a row of a table has ", row.size(), " words, its head ", table.head.size(),
                     ": must have the same length");
  return {{"kind", "table"}, {"head", table.head}, {"rows", table.rows}};
}

struct ToJson {
  Json operator()(const Chart& chart) const { return lines_json(chart); }
  Json operator()(const view::HeatMap& map) const { return heat_map_json(map); }
  Json operator()(const view::Gates& gates) const { return gates_json(gates); }
  Json operator()(const view::Images& images) const { return images_json(images); }
  Json operator()(const view::Texts& texts) const { return texts_json(texts); }
  Json operator()(const view::Characters& characters) const { return characters_json(characters); }
  Json operator()(const view::Table& table) const { return table_json(table); }
};

}  // namespace

std::string json_text(const Views& views) {
  Json all = Json::array();
  for (const View& view : views.all) {
    Json json = {{"title", view.title}, {"look_for", view.look_for}};
    json.update(std::visit(ToJson(), view.what));
    all.push_back(std::move(json));
  }
  return Json{{"views", all}}.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace carousel
