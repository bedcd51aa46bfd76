#include <carousel/tasks/series/baselines.hpp>

#include <algorithm>
#include <cmath>
#include <functional>
#include <numbers>
#include <numeric>

#include <doctest/doctest.h>

#include <carousel/lib/numbers/random.hpp>

using namespace carousel;

namespace {

using Numbers = std::vector<double>;

Numbers wave(Index rows, double period, double noise, double slope) {
  Random random(3);
  Numbers values;
  for (Index t = 0; t < rows; ++t)
    values.push_back(std::sin(2 * std::numbers::pi * static_cast<double>(t) / period) + slope * static_cast<double>(t) +
                     noise * random.normal());
  return values;
}

std::vector<Index> from_to(Index first, Index last) {
  std::vector<Index> all(static_cast<std::size_t>(last - first));
  std::iota(all.begin(), all.end(), first);
  return all;
}

/// The skill of always saying `said`, beside the baselines, on the second half of these values.
Skill skill_of_saying(const Numbers& values, const std::function<double(Index)>& said) {
  const Series series{"f.csv", {"y"}, {values}};
  const Index half = std::ssize(values) / 2;
  const auto known = std::span(values).first(static_cast<std::size_t>(half));
  const std::vector<Index> origins = from_to(half, std::ssize(values) - 1);
  std::vector<Forecast> net;
  for (const Index origin : origins) net.push_back({said(origin), said(origin)});
  const double mean = std::accumulate(known.begin(), known.end(), 0.0) / static_cast<double>(half);
  return skill_of(net,
                  baselines(series, origins, 2, {.mean = mean, .season = find_season(known), .average = find_average(known, 2)}),
                  values, origins);
}

}  // namespace

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
  const ForecastError error = forecast_error(forecasts, values, from_to(3, 5));
  CHECK(error.mse == doctest::Approx((4 + 9) / 4.0));
  CHECK(error.mae == doctest::Approx((2 + 3) / 4.0));
}

TEST_CASE("a drift goes on along the line through the first value and the last, an average is that of the last values") {
  const Numbers values = {0, 5, 1, 6, 100};
  CHECK(drift_forecast(values, 4, 2) == Forecast{8, 10});
  CHECK(drift_forecast(values, 1, 2) == Forecast{0, 0});
  CHECK(average_forecast(values, 4, 2, 3) == Forecast{4, 4});
  CHECK(average_forecast(values, 2, 1, 9) == Forecast{2.5});
}

TEST_CASE("an average is of few values in a walk, and of many in noise") {
  Numbers noise, walk = {0};
  Random random(8);
  for (int t = 0; t < 2000; ++t) {
    noise.push_back(random.normal());
    walk.push_back(walk.back() + noise.back());
  }
  CHECK(find_average(walk, 3) == 2);
  CHECK(find_average(noise, 3) > 50);
}

TEST_CASE("skill is against the best baseline: to say the mean of noise has none, nor has the last value of a walk") {
  Numbers noise, walk = {0};
  Random random(5);
  for (int t = 0; t < 4000; ++t) {
    noise.push_back(random.normal());
    walk.push_back(walk.back() + random.normal());
  }
  const Skill of_noise = skill_of_saying(noise, [](Index) { return 0; });
  CHECK(of_noise.skill.value() < 0.02);
  CHECK(of_noise.is_none());
  CHECK(of_noise.best == 0);
  CHECK(of_noise.baselines[1].mse > 1.8 * of_noise.net.mse);  // against the last value it would be 0.5
  const Skill of_walk = skill_of_saying(walk, [&](Index origin) { return walk[static_cast<std::size_t>(origin - 1)]; });
  CHECK(of_walk.skill.value() <= 0);
  CHECK(of_walk.is_none());
  CHECK(of_walk.blocks.size() == 5);
}

TEST_CASE("where the truth is known the skill is near 1, and the season is the baseline") {
  const Numbers values = wave(1200, 24, 0.05, 0);
  const auto truth = [](Index row) { return std::sin(2 * std::numbers::pi * static_cast<double>(row) / 24); };
  const Series series{"f.csv", {"y"}, {values}};
  const std::vector<Index> origins = from_to(600, 1199);
  std::vector<Forecast> net;
  for (const Index origin : origins) net.push_back({truth(origin)});
  const std::vector<SeriesBaseline> others = baselines(series, origins, 1, {.mean = 0, .season = 24, .average = 2});
  const Skill skill = skill_of(net, others, values, origins);
  CHECK(others[skill.best].name == "seasonal naive");
  CHECK(skill.skill.value() > 0.4);  // that one has the noise of two values
  CHECK_FALSE(skill.is_none());
  const auto [least, most] = std::minmax_element(skill.blocks.begin(), skill.blocks.end());
  CHECK(*least > 0.3);
  CHECK(*most - *least < 0.3);
}

TEST_CASE("a season that a hole cuts is not asked") {
  Series series{"f.csv", {"y"}, {{1, 2, 3, 1, 2, 3, 1, 2}}};
  const std::vector<Index> origins = {6};
  CHECK(baselines(series, origins, 2, {.mean = 0, .season = 3}).back().forecasts[0] == Forecast{1, 2});
  series.begins = {0, 0, 0, 0, 4, 4, 4, 4};
  CHECK(baselines(series, origins, 2, {.mean = 0, .season = 3}).back().forecasts[0] == Forecast{3, 3});
  CHECK(baselines(series, origins, 2, {.mean = 0}).back().name == "moving average");
}

TEST_CASE("an interval that holds four of five errors holds four of five of the next ones") {
  Random random(2);
  Numbers values;
  for (int t = 0; t < 2001; ++t) values.push_back(random.normal());
  const std::vector<Index> known = from_to(0, 1000), next = from_to(1000, 2000);
  const std::vector<Forecast> zeros(1000, Forecast{0, 0});
  const std::vector<double> widths = interval_widths(zeros, values, known, 0.8);
  REQUIRE(widths.size() == 2);
  CHECK(widths[0] == doctest::Approx(1.2816).epsilon(0.06));
  CHECK(coverage(zeros, values, next, widths) == doctest::Approx(0.8).epsilon(0.04));
  const Numbers five = {1, -2, 3, -4, 0};
  CHECK(interval_widths(std::vector<Forecast>(4, Forecast{0}), five, from_to(0, 4), 0.8) == std::vector<double>{4});
  CHECK(interval_widths(std::vector<Forecast>(4, Forecast{0}), five, from_to(0, 4), 0.6) == std::vector<double>{3});
}
