#include <carousel/tasks/series/data.hpp>

#include <algorithm>
#include <cmath>
#include <numbers>

#include <doctest/doctest.h>

#include <carousel/lib/numbers/random.hpp>

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

Numbers wave(Index rows, double period, double noise, double slope) {
  Random random(3);
  Numbers values;
  for (Index t = 0; t < rows; ++t)
    values.push_back(std::sin(2 * std::numbers::pi * static_cast<double>(t) / period) + slope * static_cast<double>(t) +
                     noise * random.normal());
  return values;
}

const char* const table = "time,temperature,load\n9:00,1,10\n10:00,2,20\n11:00,3,30\n";

}  // namespace

TEST_CASE("without a word on columns those are read that hold numbers, and the last is to be forecast") {
  const Series series = read(table);
  CHECK(series.columns == Words{"temperature", "load"});
  CHECK(series.predict == 1);
  CHECK(series.target() == Numbers{10, 20, 30});
  CHECK(series.rows() == 3);
  CHECK(series.lines[0] == 2);
  CHECK(series.lines[2] == 4);
}

TEST_CASE("columns are read in the order in which they are named") {
  const Series series = read(table, {.read = {"load", "2"}, .predict = "load"});
  CHECK(series.columns == Words{"load", "temperature"});
  CHECK(series.predict == 0);
  CHECK(read("1,2\n3,4\n").columns == Words{"1", "2"});
  CHECK(read(table, {.predict = "temperature"}).predict == 0);
}

TEST_CASE("columns that can not be read are refused") {
  CHECK_THROWS_WITH_AS(
      read(table, {.read = {"wind"}}),
      "--columns wind: f.csv has no such column: must be one of \"time\", \"temperature\", \"load\", or a number of 1 to 3",
      std::invalid_argument);
  CHECK_THROWS_WITH_AS(read(table, {.read = {"load"}, .predict = "temperature"}),
                       "--predict temperature: is not among --columns: must be one of them", std::invalid_argument);
  CHECK_THROWS_WITH_AS(read(table, {.read = {"load", "3"}}), "--columns 3: is named twice: each column must be named once",
                       std::invalid_argument);
  CHECK_THROWS_WITH_AS(read(table, {.predict = "time"}), "read f.csv: line 2, column 1 (\"time\"): \"9:00\": must be a number",
                       std::runtime_error);
  CHECK_THROWS_WITH_AS(read("a,b\nx,y\n"), "read f.csv: no column holds numbers: must be rows of numbers", std::runtime_error);
  CHECK_THROWS_WITH_AS(read("a\n1\n-1e200\n"), "read f.csv: line 3, column 1 (\"a\"): -1e+200: must be within ±1e+100",
                       std::runtime_error);
}

TEST_CASE("a column whose first value is missing is not left out, but refused with its line") {
  CHECK_THROWS_WITH_AS(
      read("t,load\n0,\n1,12.084\n2,13.161\n"),
      "read f.csv: line 2, column 2 (\"load\"): nothing stands there: must be a number, or --columns must name others",
      std::runtime_error);
  CHECK_THROWS_WITH_AS(read("t,load\n0,x\n1,12.084\n2,13.161\n"),
                       "read f.csv: line 2, column 2 (\"load\"): \"x\": must be a number, or --columns must name others",
                       std::runtime_error);
  CHECK_THROWS_WITH_AS(read("t,load\n0,\n1,12.084\n", {.read = {"load"}}),
                       "read f.csv: line 2, column 2 (\"load\"): nothing stands there: must be a number", std::runtime_error);
  CHECK(read("t,load\n0,\n1,12.084\n", {.read = {"t"}}).columns == Words{"t"});
  const Series words = read("t,load\n0,x\n1,y\n2,13.161\n");
  CHECK(words.columns == Words{"t"});
  CHECK(words.left == Words{"column 2 (\"load\")"});
}

TEST_CASE("a model finds its columns in another file, or says which is not there") {
  const Csv csv = Csv::parse("b,a,c\n1,2,3\n4,5,6\n", "g.csv");
  const Series series = read_same_columns(csv, {"a", "b"}, "b");
  CHECK(series.columns == Words{"a", "b"});
  CHECK(series.target() == Numbers{1, 4});
  CHECK_THROWS_WITH_AS(read_same_columns(csv, {"a", "d"}, "a"),
                       "read g.csv: has no column \"d\" of its own: must have those that the model reads, \"a\", \"d\"",
                       std::runtime_error);
}

TEST_CASE("names are taken apart at commas") {
  CHECK(split_names("").empty());
  CHECK(split_names("a") == Words{"a"});
  CHECK(split_names("a,b c,3") == Words{"a", "b c", "3"});
}

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

TEST_CASE("a season is found through noise and a trend") {
  for (const Index period : {7, 12, 24, 100}) {
    CAPTURE(period);
    CHECK(find_season(wave(600, static_cast<double>(period), 0, 0)) == period);
    CHECK(find_season(wave(600, static_cast<double>(period), 0.1, 0.02)) ==
          doctest::Approx(static_cast<double>(period)).epsilon(0.03));
  }
  const Series built_in = built_in_series();
  CHECK(find_season(built_in.target()) == 24);
}

TEST_CASE("where there is no season none is found") {
  CHECK(find_season(wave(600, 1e9, 1, 0)) == 1);    // noise
  CHECK(find_season(wave(600, 1e9, 0, 0.5)) == 1);  // a line
  CHECK(find_season(Numbers{1, 2}) == 1);
  CHECK(find_season(Numbers(50, 3.0)) == 1);
}

TEST_CASE("the naive forecast repeats the last value, the seasonal one the last season") {
  const Numbers values = {0, 1, 2, 3, 4, 5, 6, 7};
  CHECK(naive_forecast(values, 6, 3) == Forecast{5, 5, 5});
  CHECK(seasonal_forecast(values, 6, 5, 3) == Forecast{3, 4, 5, 3, 4});
  CHECK(seasonal_forecast(values, 6, 2, 6) == Forecast{0, 1});
  CHECK(seasonal_forecast(values, 6, 2, 7) == naive_forecast(values, 6, 2));
  CHECK(seasonal_forecast(values, 6, 2, 1) == naive_forecast(values, 6, 2));
}

TEST_CASE("errors of forecasts are means over all their steps") {
  const Numbers values = {0, 0, 0, 10, 20, 30};
  const std::vector<Forecast> forecasts = {{10, 22}, {20, 27}};
  const ForecastError error = forecast_error(forecasts, values, 3);
  CHECK(error.mse == doctest::Approx((4 + 9) / 4.0));
  CHECK(error.mae == doctest::Approx((2 + 3) / 4.0));
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
