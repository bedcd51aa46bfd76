#include <carousel/tasks/table/data.hpp>

#include <algorithm>
#include <cmath>
#include <optional>
#include <set>

#include <fmt/format.h>

#include <carousel/lib/error.hpp>
#include <carousel/lib/numbers/random.hpp>
#include <carousel/lib/utf8.hpp>
#include <carousel/tasks/base/options.hpp>

namespace carousel {

namespace {

template <class T>
std::string identity_as(const Table& table) {
  std::string all;
  for (const std::string& column : table.columns) all += column + '\t';
  for (const double x : table.xs) all += fmt::format("{} ", static_cast<T>(x));
  for (const Index label : table.labels) all += fmt::format("{} ", label);
  return fmt::format("{:016x}", detail::hash(all));
}

}  // namespace

Table Table::first(Index count) const {
  const Index width = std::ssize(columns);
  Table part{.columns = columns, .names = names, .xs = empty<double>({count, width}), .labels = {}};
  if (!names.empty()) part.names.resize(static_cast<std::size_t>(count));
  std::copy_n(xs.data(), count * width, part.xs.data());
  if (!labels.empty()) part.labels.assign(labels.begin(), labels.begin() + count);
  return part;
}

std::string Table::identity() const {
  return identity_as<double>(*this);
}
std::string Table::identity_of_floats() const {
  return identity_as<float>(*this);
}

Table read_table(const std::string& path, const TableColumns& columns, CsvOptions options) {
  options.header = CsvHeader::yes;
  options.skip_empty_lines = true;
  const Csv csv = Csv::read(path, options);
  const std::vector<std::string>& head = csv.header();
  const std::string top = join("read ", path, ": line ", csv.first_line());
  std::set<std::string> seen;
  for (const std::string& name : head)
    if (!seen.insert(name).second) bad_file(top, ": two columns are called ", in_quotes(name), ": their names must differ");
  const auto place_of = [&](const std::string& name) -> std::optional<Index> {
    const auto found = std::find(head.begin(), head.end(), name);
    return found == head.end() ? std::nullopt : std::optional(found - head.begin());
  };
  const auto label = place_of(columns.label), name = place_of(columns.name);
  if (!label && !columns.may_lack_labels)
    bad_file(top, ": no column is called ", columns.label, ": --label must name one of ", list_words(head));

  Table table{.columns = columns.inputs, .names = {}, .xs = {}, .labels = {}};
  if (table.columns.empty())
    for (Index k = 0; k < csv.columns(); ++k)
      if (label != k && name != k) table.columns.push_back(head[static_cast<std::size_t>(k)]);
  if (table.columns.empty()) bad_file(top, ": no column besides names and labels: must have at least one to read");
  std::vector<Index> places;
  for (const std::string& input : table.columns) {
    const auto place = place_of(input);
    if (!place) bad_file(top, ": no column is called ", input, ": the model reads ", list_words(table.columns));
    csv.check_numbers(*place, csv.holds_numbers(*place) ? "" : "; a column of names is told by --name");
    places.push_back(*place);
  }

  table.remarks = csv.remarks();
  const auto rows = static_cast<std::size_t>(csv.rows());
  table.xs = empty<double>({csv.rows(), std::ssize(places)});
  if (label) table.labels.reserve(rows);
  if (name) table.names.reserve(rows);
  double* to = table.xs.data();
  csv.for_each_row([&](const CsvReader& row) {
    for (const Index place : places) {
      constexpr double largest = 1e37;  // floats hold it
      *to++ = csv.number(place, row);
      if (std::abs(to[-1]) > largest) csv.refuse(place, row, "within ±1e37");
    }
    if (label) {
      const std::optional<double> y = csv.value(*label, row);
      if (y != 0 && y != 1) csv.refuse(*label, row, "0 or 1");
      table.labels.push_back(y == 1 ? 1 : 0);
    }
    if (name) table.names.emplace_back(row.fields()[static_cast<std::size_t>(*name)]);
  });
  return table;
}

Table prime_table() {
  const auto is_prime = [](Index n) {
    for (Index k = 2; k * k <= n; ++k)
      if (n % k == 0) return false;
    return n > 1;
  };
  Table table{.columns = {"b5", "b4", "b3", "b2", "b1", "b0"}, .names = {}, .xs = empty<double>({44, 6}), .labels = {}};
  for (Index n = 1; n <= 44; ++n) {
    for (Index k = 0; k < 6; ++k) table.xs(n - 1, k) = static_cast<double>(n >> (5 - k) & 1);
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
