#include <carousel/tasks/series/data.hpp>

#include <algorithm>
#include <cmath>
#include <numbers>

#include <doctest/doctest.h>

using namespace carousel;

namespace {

using Numbers = std::vector<double>;
using Words = std::vector<std::string>;

Series read(std::string_view text, const SeriesColumns& columns = {}) {
  return read_series(Csv::parse(std::string(text), "f.csv"), columns);
}

/// A series of one column.
Series of(Numbers values) {
  return {"f.csv", {"y"}, {std::move(values)}};
}

}  // namespace

TEST_CASE("parts follow on each other in time, and each has room for a forecast") {
  const SeriesParts parts = series_parts(of(Numbers(100)), 10, 15);
  CHECK(parts.train == 70);
  CHECK(parts.validation == 85);
  CHECK(parts.rows == 100);
  CHECK_THROWS_WITH_AS(
      series_parts(of(Numbers(100)), 10, 16),
      "f.csv: 100 rows: must be at least 104 for a window of 10 and a horizon of 16, 70 of 100 to train on, 15 to "
      "validate, 15 to test",
      std::runtime_error);
  CHECK_NOTHROW(series_parts(of(Numbers(104)), 10, 16));
  CHECK_THROWS(series_parts(of(Numbers(100)), 56, 15));
  CHECK_NOTHROW(series_parts(of(Numbers(100)), 55, 15));
}

TEST_CASE("the scaling is learned from the rows to train on alone") {
  const Scaling scaling = learn_scaling(of({1, 3, 1, 3, 1000, -7}), 4, 3);
  CHECK(scaling.mean == Numbers{2});
  CHECK(scaling.deviation == Numbers{1});
  CHECK(scaling.change[0] == doctest::Approx(std::sqrt((0 + 4 + 0 + 4) / 4.0)));  // windows 1 3 1 and 3 1 3
  CHECK(learn_scaling(of({1, 3, 1, 3, 1000, -7}), 4, 1).change[0] == 2);          // neighbours
}

TEST_CASE("a column that is constant where it is to be learned is refused with its lines") {
  Series series = read("a,b\n1,5\n2,5\n3,5\n4,6\n");
  CHECK_THROWS_WITH_AS(
      learn_scaling(series, 3, 2),
      "read f.csv: lines 2 to 4, column \"b\": is always 5: must change in the part to train on, or be left out of --columns",
      std::runtime_error);
  CHECK_NOTHROW(learn_scaling(series, 4, 2));
  CHECK_THROWS(learn_scaling(of({0.1, 0.1, 0.1}), 3, 2));
}

TEST_CASE("a hole is in no window and in no forecast, and no forecast is of a value that was filled in") {
  Series series = of(Numbers(12));
  CHECK(series.origins(0, 12, 3, 2) == std::vector<Index>{3, 4, 5, 6, 7, 8, 9, 10});
  CHECK(series.origins(8, 11, 3, 2) == std::vector<Index>{8, 9});
  series.begins = {0, 0, 0, 0, 0, 0, 6, 6, 6, 6, 6, 6};
  CHECK(series.is_whole(0, 6));
  CHECK_FALSE(series.is_whole(5, 7));
  CHECK(series.origins(0, 12, 3, 2) == std::vector<Index>{3, 4, 9, 10});
  series.filled.resize(12);
  series.filled[10] = true;
  CHECK(series.origins(0, 12, 3, 2) == std::vector<Index>{3, 4});
  series.filled[10] = false, series.filled[1] = true;  // a window may hold it
  CHECK(series.origins(0, 12, 3, 2) == std::vector<Index>{3, 4, 9, 10});
}

TEST_CASE("the built-in series is the same everywhere and has what its comment says") {
  const Series series = built_in_series();
  CHECK(series.columns == Words{"temperature", "load"});
  CHECK(series.predict == 1);
  CHECK(series.rows() == 2400);
  CHECK(series.values[0][0] == doctest::Approx(12 + 5 * std::sin(-2 * std::numbers::pi * 9 / 24)));
  CHECK(series.values[1] == built_in_series().values[1]);
  const auto [low, high] = std::minmax_element(series.target().begin(), series.target().end());
  CHECK(*low > 30);
  CHECK(*high < 80);
}
