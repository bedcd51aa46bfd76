#include <carousel/tasks/table/counts.hpp>

#include <algorithm>
#include <cmath>
#include <numeric>

namespace carousel {

namespace {

double part(Index some, Index all) {
  return all > 0 ? static_cast<double>(some) / static_cast<double>(all) : 0;
}

}  // namespace

Index TableCounts::right() const {
  Index sum = 0;
  for (Index k = 0; k < classes; ++k) sum += at(k, k);
  return sum;
}
Index TableCounts::rows() const {
  return std::accumulate(counts.begin(), counts.end(), Index{0});
}
Index TableCounts::of(Index label) const {
  Index sum = 0;
  for (Index k = 0; k < classes; ++k) sum += at(label, k);
  return sum;
}
double TableCounts::precision(Index label) const {
  Index said = 0;
  for (Index k = 0; k < classes; ++k) said += at(k, label);
  return part(at(label, label), said);
}
double TableCounts::recall(Index label) const {
  return part(at(label, label), of(label));
}
double TableCounts::f1(Index label) const {
  const double p = precision(label), r = recall(label);
  return p + r > 0 ? 2 * p * r / (p + r) : 0;
}

std::vector<Index> said_of(std::span<const double> outputs, Index classes) {
  std::vector<Index> said;
  if (classes == 2) {
    for (const double output : outputs) said.push_back(output > 0.5);
    return said;
  }
  const auto width = static_cast<std::size_t>(classes);
  for (std::size_t from = 0; from + width <= outputs.size(); from += width) {
    const auto row = outputs.subspan(from, width);
    said.push_back(std::max_element(row.begin(), row.end()) - row.begin());
  }
  return said;
}

TableCounts counts_of(std::span<const Index> said, std::span<const Index> labels, Index classes) {
  TableCounts counts(classes);
  for (std::size_t i = 0; i < said.size(); ++i) ++counts.at(labels[i], said[i]);
  return counts;
}

std::vector<Metric> metrics_of(const TableCounts& counts, Index majority) {
  const auto number = [](Index count) { return static_cast<double>(count); };
  std::vector<Metric> all = {{"right", number(counts.right())}, {"rows", number(counts.rows())}};
  const auto add = [&](const char* name, double value) { all.push_back({name, value}); };
  add("accuracy", part(counts.right(), counts.rows()));
  add("majority_accuracy", part(counts.of(majority), counts.rows()));
  const bool two = counts.classes == 2;
  double precision = 0, recall = 0, f1 = 0;
  for (Index k = two ? 1 : 0; k < counts.classes; ++k) {
    const double share = 1 / number(two ? 1 : counts.classes);
    precision += share * counts.precision(k), recall += share * counts.recall(k), f1 += share * counts.f1(k);
  }
  add("precision", precision);
  add("recall", recall);
  add("f1", f1);
  if (two) {
    add("right1to1", number(counts.at(1, 1)));
    add("right0to0", number(counts.at(0, 0)));
    add("errors0to1", number(counts.at(0, 1)));
    add("errors1to0", number(counts.at(1, 0)));
  }
  return all;
}

bool beats_majority(const TableCounts& counts, Index majority) {
  const auto gained = static_cast<double>(counts.right() - counts.at(majority, majority)),
             lost = static_cast<double>(counts.of(majority) - counts.at(majority, majority));
  return gained - lost > 1.645 * std::sqrt(gained + lost);
}

Index commonest(std::span<const Index> labels, Index classes) {
  std::vector<Index> counts(static_cast<std::size_t>(classes));
  for (const Index label : labels) ++counts[static_cast<std::size_t>(label)];
  return std::max_element(counts.begin(), counts.end()) - counts.begin();
}

}  // namespace carousel
