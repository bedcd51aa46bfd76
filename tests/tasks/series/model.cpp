#include <carousel/tasks/series/model.hpp>

#include <cmath>
#include <numeric>

#include <doctest/doctest.h>

using namespace carousel;

namespace {

SeriesOptions small() {
  SeriesOptions options;
  options.hidden = 3;
  options.window = 4;
  options.horizon = 2;
  return options;
}

Series two_columns() {
  Series series{"f.csv", {"a", "b"}, {{}, {}}, 1};
  for (int t = 0; t < 20; ++t) {
    series.values[0].push_back(0.5 * t);
    series.values[1].push_back(100 + 7 * (t % 5));
  }
  return series;
}

const Scaling scaling{{4, 114}, {3, 10}, {2, 8}};

std::vector<Forecast> forecasts_of(const Series& series, Index first, Index last) {
  Registry<double> registry;
  return SeriesModel(registry, small(), 2, {1}, scaling).forecasts(series, first, last);
}

}  // namespace

TEST_CASE("a net whose read-out is 0 gives the naive forecast") {
  Registry<double> registry;
  const SeriesModel model(registry, small(), 2, {1}, scaling);
  for (const char* const path : {"readout/w", "readout/b"}) {
    Parameter<double>& p = registry.at(path);
    std::ranges::fill(p.change(), 0.0);
  }
  const Series series = two_columns();
  for (const Index origin : {4, 11, 20}) {
    const Forecast forecast = model.forecasts(series, origin, origin + 1).front(),
                   naive = naive_forecast(series.target(), origin, 2);
    REQUIRE(forecast.size() == 2);
    for (std::size_t step = 0; step < 2; ++step) CHECK(forecast[step] == doctest::Approx(naive[step]).epsilon(1e-12));
  }
}

TEST_CASE("a forecast sees its window of all columns, and nothing else") {
  const Series series = two_columns();
  const Forecast before = forecasts_of(series, 10, 11).front();
  for (const std::size_t column : {0U, 1U})
    for (std::size_t row = 0; row < 20; ++row) {
      CAPTURE(column);
      CAPTURE(row);
      Series changed = series;
      changed.values[column][row] += 1;
      CHECK((forecasts_of(changed, 10, 11).front() == before) == (row < 6 || row >= 10));
    }
}

TEST_CASE("forecasts do not know of those beside them") {
  const Series series = two_columns();
  const std::vector<Forecast> all = forecasts_of(series, 5, 20);
  REQUIRE(all.size() == 15);
  for (Index origin = 5; origin < 20; ++origin) {
    const Forecast alone = forecasts_of(series, origin, origin + 1).front();
    for (std::size_t step = 0; step < 2; ++step)
      CHECK(all[static_cast<std::size_t>(origin - 5)][step] == doctest::Approx(alone[step]).epsilon(1e-12));
  }
}

TEST_CASE("the loss is the mean square of the error, in changes of the column") {
  const Series series = two_columns();
  Registry<double> registry;
  const SeriesModel model(registry, small(), 2, {1}, scaling);
  std::vector<Index> origins(6);
  std::iota(origins.begin(), origins.end(), 7);
  const ForecastError error = forecast_error(model.forecasts(series, 7, 13), series.target(), origins);
  Tape<double> tape;
  CHECK(model.loss(series, origins, std::ssize(origins)).item() == doctest::Approx(error.mse / 64).epsilon(1e-12));
}

TEST_CASE("a forecast far outside the range that was learned moves with the level") {
  Series high = two_columns(), higher = two_columns();
  for (std::size_t row = 0; row < 20; ++row) {
    high.values[1][row] += 1000;
    higher.values[1][row] += 2000;
  }
  const Forecast at_high = forecasts_of(high, 10, 11).front(), at_higher = forecasts_of(higher, 10, 11).front();
  for (std::size_t step = 0; step < 2; ++step) {
    CHECK(at_higher[step] == doctest::Approx(at_high[step] + 1000).epsilon(1e-9));
    CHECK(std::abs(at_high[step] - high.values[1][9]) < 100);
  }
}

TEST_CASE("the scaling is kept among the parameters and is not trained") {
  Registry<double> registry;
  const SeriesModel model(registry, small(), 2, {1}, scaling);
  CHECK(registry.at("scaling/mean").frozen);
  CHECK(registry.at("scaling/deviation").value.data()[1] == 10);
  CHECK(registry.at("scaling/change").value.data()[1] == 8);
}

TEST_CASE("the widths of intervals are kept among the parameters, and what a calendar says is read") {
  Registry<double> registry;
  const Calendar calendar{.hour = true};
  SeriesModel model(registry, small(), 2, {1}, scaling, {.calendar = calendar, .intervals = true});
  CHECK(registry.at("interval/width").frozen);
  model.set_widths(1, {3, 4});
  CHECK(model.widths(1) == std::vector<double>{3, 4});
  Registry<double> old;
  CHECK(SeriesModel(old, small(), 2, {1}).widths(1).empty());  // of a run that was saved before
  Series series = two_columns();
  for (int t = 0; t < 20; ++t) series.moments.push_back(3600.0 * t);
  const Forecast early = model.forecasts(series, 10, 11).front();
  for (double& moment : series.moments) moment += 24 * 3600;
  CHECK(model.forecasts(series, 10, 11).front()[0] == doctest::Approx(early[0]).epsilon(1e-9));
  for (double& moment : series.moments) moment += 12 * 3600;
  CHECK(std::abs(model.forecasts(series, 10, 11).front()[0] - early[0]) > 1e-6);
}

TEST_CASE("several columns are forecast at once, each in its units, and the loss is the mean over them") {
  const Series both = [] {
    Series series = two_columns();
    series.targets = {1, 0};
    return series;
  }();
  Registry<double> registry;
  SeriesModel model(registry, small(), 2, {1, 0}, scaling, {.calendar = {}, .intervals = true});
  std::vector<Index> origins(6);
  std::iota(origins.begin(), origins.end(), 7);
  const Series first = both.looking_at(0), second = both.looking_at(1);
  CHECK(first.predict == 1);
  CHECK(second.predict == 0);
  CHECK(second.target_name(1) == "a");
  const ForecastError a = forecast_error(model.forecasts(first, origins), first.target(), origins),
                      b = forecast_error(model.forecasts(second, origins), second.target(), origins);
  Tape<double> tape;
  CHECK(model.loss(both, origins, 6).item() == doctest::Approx((a.mse / 64 + b.mse / 4) / 2).epsilon(1e-12));
  model.set_widths(0, {5, 6});
  model.set_widths(1, {3, 4});
  CHECK(model.widths(0) == std::vector<double>{5, 6});
  CHECK(model.widths(1) == std::vector<double>{3, 4});
}
