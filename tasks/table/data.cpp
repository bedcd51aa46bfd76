#include <carousel/tasks/table/data.hpp>

#include <algorithm>
#include <numeric>

#include <fmt/format.h>

#include <carousel/lib/numbers/random.hpp>
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

std::vector<std::string> TableColumn::features() const {
  if (kind == Kind::number) return {name};
  std::vector<std::string> all;
  if (kind == Kind::text)
    for (const std::string& word : words) all.push_back(name + "=" + word);
  else
    for (const char* const what : {"", " hour sin", " hour cos", " weekday sin", " weekday cos", " month sin", " month cos"})
      all.push_back(name + what);
  return all;
}

Table Table::first(Index count) const {
  std::vector<Index> rows(static_cast<std::size_t>(count));
  std::iota(rows.begin(), rows.end(), 0);
  return chosen(rows);
}

Table Table::chosen(const std::vector<Index>& rows) const {
  const Index width = std::ssize(columns);
  Table part = *this;
  part.xs = empty<double>({std::ssize(rows), width});
  double* to = part.xs.data();
  for (const Index row : rows) to = std::copy_n(xs.data() + row * width, width, to);
  const auto pick = [&](auto& of) {
    if (of.empty()) return;
    auto some = of;
    some.clear();
    for (const Index row : rows) some.push_back(of[static_cast<std::size_t>(row)]);
    of = std::move(some);
  };
  pick(part.names), pick(part.labels), pick(part.lines), pick(part.begins);
  return part;
}

std::string Table::identity() const {
  return identity_as<double>(*this);
}
std::string Table::identity_of_floats() const {
  return identity_as<float>(*this);
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

Table stratified(const Table& table, Index held, Index seed) {
  const auto classes = table.classes.size();
  const double share = static_cast<double>(held) / static_cast<double>(table.rows());
  std::vector<std::vector<Index>> of(classes);
  for (Index row = 0; row < table.rows(); ++row)
    of[static_cast<std::size_t>(table.labels[static_cast<std::size_t>(row)])].push_back(row);
  // Whole numbers that sum up to `held`: those with the largest remainders are rounded up.
  std::vector<Index> from(classes);
  std::vector<std::pair<double, std::size_t>> remainders;
  Index left = held;
  for (std::size_t k = 0; k < classes; ++k) {
    const double wanted = share * static_cast<double>(of[k].size());
    from[k] = static_cast<Index>(wanted);
    left -= from[k];
    remainders.emplace_back(static_cast<double>(from[k]) - wanted, k);
  }
  std::sort(remainders.begin(), remainders.end());
  for (std::size_t k = 0; left > 0; k = (k + 1) % classes) {
    Index& one = from[remainders[k].second];
    if (one < std::ssize(of[remainders[k].second])) ++one, --left;
  }
  Random random = Random(static_cast<std::uint64_t>(seed)).split("rows to test");
  std::vector<bool> tested(static_cast<std::size_t>(table.rows()));
  for (std::size_t k = 0; k < classes; ++k)
    for (Index n = 0; n < from[k]; ++n) {  // the first of a shuffle
      std::swap(of[k][static_cast<std::size_t>(n)], of[k][static_cast<std::size_t>(n + random.below(std::ssize(of[k]) - n))]);
      tested[static_cast<std::size_t>(of[k][static_cast<std::size_t>(n)])] = true;
    }
  std::vector<Index> order;
  for (const bool behind : {false, true})
    for (Index row = 0; row < table.rows(); ++row)
      if (tested[static_cast<std::size_t>(row)] == behind) order.push_back(row);
  Table all = table;
  all.begins.clear();  // holes matter to rows in order only
  if (all.names.empty())
    for (Index row = 0; row < table.rows(); ++row) all.names.push_back(table.name(row));
  return all.chosen(order);
}

bool is_sorted_by_label(const Table& table) {
  const auto rows = static_cast<double>(table.labels.size());
  if (rows < 20) return false;
  std::vector<double> counts(table.classes.size());
  double changes = 0, alike = 0;
  for (std::size_t row = 0; row < table.labels.size(); ++row) {
    ++counts[static_cast<std::size_t>(table.labels[row])];
    changes += row > 0 && table.labels[row] != table.labels[row - 1];
  }
  for (const double count : counts) alike += count * count / rows;
  return changes > 0 && changes < 0.1 * (rows - alike);
}

}  // namespace carousel
