#include <carousel/tasks/table/data.hpp>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <optional>
#include <set>
#include <string_view>

#include <fmt/format.h>

#include <carousel/lib/error.hpp>
#include <carousel/lib/numbers/random.hpp>
#include <carousel/tasks/base/options.hpp>
#include <carousel/tasks/base/text.hpp>

namespace carousel {

namespace {

std::vector<std::string> split_at_tabs(std::string_view line) {
  std::vector<std::string> parts;
  for (std::size_t from = 0;;) {
    const std::size_t to = std::min(line.find('\t', from), line.size());
    parts.emplace_back(line.substr(from, to - from));
    if (to == line.size()) return parts;
    from = to + 1;
  }
}

/// A line that is not empty.
struct Line {
  Index number;
  std::vector<std::string> values;
};

std::vector<Line> read_values(const std::string& path) {
  const std::string text = read_file(path);
  std::vector<Line> lines;
  std::string_view rest = text;
  if (rest.starts_with("\xEF\xBB\xBF")) rest.remove_prefix(3);  // what some editors mark UTF-8 with
  for_each_line(rest, [&](std::string_view line, Index number) {
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (line.empty()) return;
    lines.push_back({number, split_at_tabs(line)});
    if (lines.back().values.size() != lines.front().values.size())
      bad_file("read ", path, ": line ", number, ": ", lines.back().values.size(), " columns: must be ",
               lines.front().values.size(), ", as in line ", lines.front().number);
  });
  if (lines.size() > 1 && lines.front().values.size() == 1 &&
      lines.front().values.front().find_first_of(",;") != std::string::npos)
    bad_file("read ", path, ": line ", lines.front().number, ": has no tab: columns must be separated by tabs");
  if (lines.empty()) bad_file("read ", path, ": is empty: must have a line of the columns' names, and rows");
  if (lines.size() == 1) bad_file("read ", path, ": has no rows: must have at least one after the columns' names");
  return lines;
}

std::optional<float> number(std::string_view text) {
  float value = 0;
  const auto [stop, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || stop != text.data() + text.size() || !std::isfinite(value)) return std::nullopt;
  return value;
}

}  // namespace

Table Table::first(Index count) const {
  const Index width = std::ssize(columns);
  Table part{
      .columns = columns, .names = {names.begin(), names.begin() + count}, .xs = empty<float>({count, width}), .labels = {}};
  std::copy_n(xs.data(), count * width, part.xs.data());
  if (!labels.empty()) part.labels.assign(labels.begin(), labels.begin() + count);
  return part;
}

std::string Table::identity() const {
  std::string all;
  for (const std::string& column : columns) all += column + '\t';
  for (const float x : xs) all += fmt::format("{} ", x);
  for (const Index label : labels) all += fmt::format("{} ", label);
  return fmt::format("{:016x}", detail::hash(all));
}

Table read_table(const std::string& path, const TableColumns& columns) {
  const std::vector<Line> lines = read_values(path);
  const std::vector<std::string>& head = lines.front().values;
  const std::string top = join("read ", path, ": line ", lines.front().number);
  std::set<std::string> seen;
  for (const std::string& name : head)
    if (!seen.insert(name).second) bad_file(top, ": two columns are called ", name, ": their names must differ");
  const auto place_of = [&](const std::string& name) -> std::optional<std::size_t> {
    const auto found = std::find(head.begin(), head.end(), name);
    return found == head.end() ? std::nullopt : std::optional(static_cast<std::size_t>(found - head.begin()));
  };
  const auto label = place_of(columns.label), name = place_of(columns.name);
  if (!label && !columns.may_lack_labels)
    bad_file(top, ": no column is called ", columns.label, ": --label must name one of ", list_words(head));

  Table table{.columns = columns.inputs, .names = {}, .xs = {}, .labels = {}};
  if (table.columns.empty())
    for (std::size_t k = 0; k < head.size(); ++k)
      if (label != k && name != k) table.columns.push_back(head[k]);
  if (table.columns.empty()) bad_file(top, ": no column besides names and labels: must have at least one to read");
  std::vector<std::size_t> places;
  for (const std::string& input : table.columns) {
    const auto place = place_of(input);
    if (!place) bad_file(top, ": no column is called ", input, ": the model reads ", list_words(table.columns));
    places.push_back(*place);
  }

  table.xs = empty<float>({std::ssize(lines) - 1, std::ssize(places)});
  float* to = table.xs.data();
  for (std::size_t row = 1; row < lines.size(); ++row) {
    const Index line = lines[row].number;
    const std::vector<std::string>& values = lines[row].values;
    const auto bad = [&](std::size_t place, const char* must) {
      bad_file("read ", path, ": line ", line, ", column ", place + 1, " (", head[place],
               "): ", values[place].empty() ? "nothing" : values[place], ": must be ", must);
    };
    for (const std::size_t place : places) {
      const std::optional<float> x = number(values[place]);
      if (!x) bad(place, row > 1 || values[place].empty() ? "a number" : "a number; a column of names is told by --name");
      *to++ = *x;
    }
    if (label) {
      const std::optional<float> y = number(values[*label]);
      if (!y || (*y != 0 && *y != 1)) bad(*label, "0 or 1");
      table.labels.push_back(*y == 1 ? 1 : 0);
    }
    table.names.push_back(name ? values[*name] : std::to_string(row));
  }
  return table;
}

Table prime_table() {
  const auto is_prime = [](Index n) {
    for (Index k = 2; k * k <= n; ++k)
      if (n % k == 0) return false;
    return n > 1;
  };
  Table table{.columns = {"b5", "b4", "b3", "b2", "b1", "b0"}, .names = {}, .xs = empty<float>({44, 6}), .labels = {}};
  for (Index n = 1; n <= 44; ++n) {
    for (Index k = 0; k < 6; ++k) table.xs(n - 1, k) = static_cast<float>(n >> (5 - k) & 1);
    table.names.push_back(std::to_string(n));
    table.labels.push_back(is_prime(n + 1) ? 1 : 0);
  }
  return table;
}

TableConfusion confusion(const std::vector<double>& outputs, const std::vector<Index>& labels, double threshold) {
  TableConfusion counts;
  for (std::size_t i = 0; i < outputs.size(); ++i) {
    const bool found = outputs[i] > threshold;
    ++(labels[i] == 1 ? found ? counts.right1to1 : counts.errors1to0 : found ? counts.errors0to1 : counts.right0to0);
  }
  return counts;
}

}  // namespace carousel
