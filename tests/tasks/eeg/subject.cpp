#include <carousel/tasks/eeg/subject.hpp>

#include <algorithm>
#include <cmath>
#include <set>

#include <doctest/doctest.h>

using namespace carousel;

namespace {

/// The first row of each time that event k is marked.
std::vector<Index> begins(const EegSeries& series, std::size_t k) {
  std::vector<Index> rows;
  for (Index r = 0; r < series.rows(); ++r) {
    const auto marked = [&](Index row) { return (series.events[static_cast<std::size_t>(row)] >> k & 1) != 0; };
    if (marked(r) && (r == 0 || !marked(r - 1))) rows.push_back(r);
  }
  return rows;
}

}  // namespace

TEST_CASE("a series that is recorded again is the same, others are others") {
  const EegSeries series = record_series(1, 1, 20), again = record_series(1, 1, 20);
  CHECK(series.name == "subj1_series1");
  CHECK(series.channels.size() == 32);
  CHECK(series.channels.front() == "Fp1");
  CHECK(series.channels.back() == "PO10");
  CHECK(series.rows() == 10000);
  CHECK(series.signals.size() == 320000);
  CHECK(series.signals == again.signals);
  CHECK(series.events == again.events);
  CHECK(series.signals != record_series(1, 2, 20).signals);
  CHECK(series.signals != record_series(2, 1, 20).signals);
}

TEST_CASE("signals are whole microvolts of a size as electrodes on a scalp measure them") {
  const EegSeries series = record_series(1, 1, 40);
  double sum = 0, squares = 0;
  for (const double value : series.signals) {
    REQUIRE(value == std::round(value));
    sum += static_cast<double>(value);
    squares += static_cast<double>(value) * static_cast<double>(value);
  }
  const auto count = static_cast<double>(series.signals.size());
  CHECK(std::abs(sum / count) < 20);
  CHECK(std::sqrt(squares / count) == doctest::Approx(68).epsilon(0.2));
}

TEST_CASE("the six events of a trial follow each other, marked for 300 ms each, some at the same time") {
  const EegSeries series = record_series(1, 3, 200);
  const std::vector<Index> starts = begins(series, 0);
  CHECK(starts.size() > 20);
  for (std::size_t k = 0; k < eeg_events.size(); ++k) {
    const std::vector<Index> rows = begins(series, k);
    REQUIRE(rows.size() == starts.size());
    const auto marked = std::count_if(series.events.begin(), series.events.end(), [&](int e) { return (e >> k & 1) != 0; });
    CHECK(marked == 150 * static_cast<Index>(rows.size()));
    if (k == 0) continue;
    const std::vector<Index> before = begins(series, k - 1);
    for (std::size_t trial = 0; trial < rows.size(); ++trial) CHECK(rows[trial] > before[trial]);
  }
  const std::set<int> together(series.events.begin(), series.events.end());
  CHECK(together.contains(0b000110));
  CHECK(together.contains(0b001100));
}

TEST_CASE("a source's wave is below zero in the first half of the time that its event is marked, above it in the second") {
  // C3 lies above the source of the hand. The mean over events leaves what they have in common.
  double first = 0, second = 0;
  Index events = 0;
  for (Index number = 1; number <= 4; ++number) {
    const EegSeries series = record_series(1, number, 200);
    constexpr Index c3 = 12, lead = 55;  // rows: 110 ms
    for (const std::size_t k : {0U, 5U})
      for (const Index begin : begins(series, k)) {
        const auto at = [&](Index r) { return series.signals[static_cast<std::size_t>(r * 32 + c3)]; };
        for (Index r = 0; r < eeg_rows_of_event / 2; ++r) {
          first += at(begin - lead + r);
          second += at(begin - lead + eeg_rows_of_event / 2 + r);
        }
        ++events;
      }
  }
  first /= static_cast<double>(events * 75), second /= static_cast<double>(events * 75);
  CHECK(first < -5);
  CHECK(second > 5);
  CHECK(second - first > 30);
}
