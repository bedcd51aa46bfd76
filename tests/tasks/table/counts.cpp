#include <carousel/tasks/table/counts.hpp>

#include <map>

#include <doctest/doctest.h>

using namespace carousel;

namespace {

std::map<std::string, double> by_name(const std::vector<Metric>& metrics) {
  std::map<std::string, double> all;
  for (const Metric& metric : metrics) all[metric.name] = metric.value;
  return all;
}

}  // namespace

TEST_CASE("the counts go by the label and by what it was taken for") {
  const std::vector<double> outputs = {0.9, 0.5, 0.2, 0.51, 0.4, 1};
  const std::vector<Index> said = said_of(outputs, 2), labels = {1, 1, 0, 0, 1, 1};
  CHECK(said == std::vector<Index>{1, 0, 0, 1, 0, 1});  // one half is not above it
  const TableCounts counts = counts_of(said, labels, 2);
  CHECK(counts.at(1, 1) == 2);
  CHECK(counts.at(0, 0) == 1);
  CHECK(counts.at(0, 1) == 1);
  CHECK(counts.at(1, 0) == 2);
  CHECK(counts.right() == 3);
  CHECK(counts.rows() == 6);
  CHECK(counts.of(1) == 4);
  const auto found = by_name(metrics_of(counts, 1));
  CHECK(found.at("accuracy") == 0.5);
  CHECK(found.at("majority_accuracy") == doctest::Approx(4 / 6.0));
  CHECK(found.at("precision") == doctest::Approx(2 / 3.0));
  CHECK(found.at("recall") == 0.5);
  CHECK(found.at("f1") == doctest::Approx(2 * (2 / 3.0) * 0.5 / (2 / 3.0 + 0.5)));
  CHECK(found.at("errors0to1") == 1);
  CHECK(found.at("errors1to0") == 2);
}

TEST_CASE("of more than two classes the likeliest is said, and precision and recall are means over the classes") {
  const std::vector<double> outputs = {0.2, 0.5, 0.3, 0.6, 0.3, 0.1, 0.1, 0.2, 0.7, 0.1, 0.8, 0.1};
  const std::vector<Index> said = said_of(outputs, 3), labels = {1, 0, 2, 0};
  CHECK(said == std::vector<Index>{1, 0, 2, 1});
  const auto found = by_name(metrics_of(counts_of(said, labels, 3), 0));
  CHECK(found.at("right") == 3);
  CHECK(found.at("precision") == doctest::Approx((1 + 0.5 + 1) / 3));
  CHECK(found.at("recall") == doctest::Approx((0.5 + 1 + 1) / 3));
  CHECK(found.at("majority_accuracy") == 0.5);
  CHECK_FALSE(found.contains("right1to1"));
}

TEST_CASE("a net beats the majority class by more than chance, or not") {
  TableCounts counts;
  counts.at(0, 0) = 70, counts.at(1, 0) = 30;  // always says 0
  CHECK_FALSE(beats_majority(counts, 0));
  counts.at(1, 0) = 28, counts.at(1, 1) = 2;
  CHECK_FALSE(beats_majority(counts, 0));  // two more: chance
  counts.at(1, 0) = 10, counts.at(1, 1) = 20;
  CHECK(beats_majority(counts, 0));
  counts.at(0, 0) = 50, counts.at(0, 1) = 20;
  CHECK_FALSE(beats_majority(counts, 0));
  const std::vector<Index> labels = {0, 1, 1};
  CHECK(commonest(labels, 2) == 1);
}
