#include <carousel/tasks/series/baselines.hpp>

#include <algorithm>
#include <cmath>
#include <numeric>

namespace carousel {

namespace {

double average_of(std::span<const double> values) {
  return std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
}

/// The values less the straight line through them of least squares.
std::vector<double> without_line(std::span<const double> values) {
  const double mean = average_of(values), middle = (static_cast<double>(values.size()) - 1) / 2;
  double slope = 0, squares = 0;
  for (std::size_t t = 0; t < values.size(); ++t) {
    const double at = static_cast<double>(t) - middle;
    slope += at * (values[t] - mean);
    squares += at * at;
  }
  if (squares > 0) slope /= squares;
  std::vector<double> rest;
  for (std::size_t t = 0; t < values.size(); ++t) rest.push_back(values[t] - mean - slope * (static_cast<double>(t) - middle));
  return rest;
}

double product_at(std::span<const double> values, std::size_t lag) {
  return std::inner_product(values.begin(), values.end() - static_cast<std::ptrdiff_t>(lag),
                            values.begin() + static_cast<std::ptrdiff_t>(lag), 0.0);
}

}  // namespace

Index find_season(std::span<const double> values) {
  const std::vector<double> rest = without_line(values);
  const std::size_t longest = std::min<std::size_t>(rest.size() / 3, 1000);
  const double power = product_at(rest, 0);
  if (!(power > 0)) return 1;
  std::vector<double> likeness = {1};
  for (std::size_t lag = 1; lag <= longest + 1 && lag < rest.size(); ++lag) {
    const auto pairs = static_cast<double>(rest.size() - lag);
    likeness.push_back(product_at(rest, lag) / pairs * static_cast<double>(rest.size()) / power);
  }
  std::vector<std::size_t> peaks;
  for (std::size_t lag = 2; lag + 1 < likeness.size(); ++lag)
    if (likeness[lag] > likeness[lag - 1] && likeness[lag] >= likeness[lag + 1]) peaks.push_back(lag);
  double highest = 0;
  for (const std::size_t lag : peaks) highest = std::max(highest, likeness[lag]);
  if (highest < 0.3) return 1;
  for (const std::size_t lag : peaks)
    if (likeness[lag] >= 0.9 * highest) return static_cast<Index>(lag);
  return 1;
}

Index find_average(std::span<const double> values, Index horizon) {
  std::vector<double> sums = {0};
  for (const double x : values) sums.push_back(sums.back() + x);
  const Index rows = std::ssize(values), first = std::max<Index>(2, rows / 2), stride = std::max<Index>(1, rows / 4000);
  Index best = 2;
  double least = HUGE_VAL;
  for (Index average = 2; average <= first; average += std::max<Index>(1, average / 2)) {
    double squares = 0;
    for (Index origin = first; origin + horizon <= rows; origin += stride) {
      const auto at = static_cast<std::size_t>(origin);
      const double mean = (sums[at] - sums[at - static_cast<std::size_t>(average)]) / static_cast<double>(average);
      for (std::size_t step = 0; step < static_cast<std::size_t>(horizon); ++step)
        squares += std::pow(values[at + step] - mean, 2);
    }
    if (squares < least) least = squares, best = average;
  }
  return best;
}

Forecast naive_forecast(std::span<const double> values, Index origin, Index horizon) {
  return Forecast(static_cast<std::size_t>(horizon), values[static_cast<std::size_t>(origin - 1)]);
}

Forecast seasonal_forecast(std::span<const double> values, Index origin, Index horizon, Index season) {
  if (origin < season) return naive_forecast(values, origin, horizon);
  Forecast forecast;
  for (Index step = 0; step < horizon; ++step)
    forecast.push_back(values[static_cast<std::size_t>(origin - season + step % season)]);
  return forecast;
}

Forecast drift_forecast(std::span<const double> values, Index origin, Index horizon) {
  const double last = values[static_cast<std::size_t>(origin - 1)];
  const double slope = origin > 1 ? (last - values.front()) / static_cast<double>(origin - 1) : 0;
  Forecast forecast;
  for (Index step = 1; step <= horizon; ++step) forecast.push_back(last + slope * static_cast<double>(step));
  return forecast;
}

Forecast average_forecast(std::span<const double> values, Index origin, Index horizon, Index average) {
  const auto count = static_cast<std::size_t>(std::min(origin, average));
  const double mean = average_of(values.subspan(static_cast<std::size_t>(origin) - count, count));
  return Forecast(static_cast<std::size_t>(horizon), mean);
}

std::vector<SeriesBaseline> baselines(const Series& series, std::span<const Index> origins, Index horizon,
                                      const BaselineOptions& options) {
  const std::vector<double>& values = series.target();
  std::vector<SeriesBaseline> all = {{"mean of the training part", "mean", {}},
                                     {"last value", "naive", {}},
                                     {"drift", "drift", {}},
                                     {"moving average", "moving_average", {}}};
  if (options.season > 1) all.push_back({"seasonal naive", "seasonal", {}});
  for (const Index origin : origins) {
    all[0].forecasts.emplace_back(static_cast<std::size_t>(horizon), options.mean);
    all[1].forecasts.push_back(naive_forecast(values, origin, horizon));
    all[2].forecasts.push_back(drift_forecast(values, origin, horizon));
    all[3].forecasts.push_back(average_forecast(values, origin, horizon, options.average));
    if (options.season <= 1) continue;
    const bool known = origin >= options.season && series.is_whole(origin - options.season, origin);
    all[4].forecasts.push_back(seasonal_forecast(values, origin, horizon, known ? options.season : 1));
  }
  return all;
}

ForecastError forecast_error(std::span<const Forecast> forecasts, std::span<const double> values,
                             std::span<const Index> origins) {
  ForecastError sum;
  double count = 0;
  for (std::size_t n = 0; n < forecasts.size(); ++n)
    for (std::size_t step = 0; step < forecasts[n].size(); ++step, ++count) {
      const double off = forecasts[n][step] - values[static_cast<std::size_t>(origins[n]) + step];
      sum.mse += off * off;
      sum.mae += std::abs(off);
    }
  return {sum.mse / count, sum.mae / count};
}

Skill skill_of(std::span<const Forecast> net, std::span<const SeriesBaseline> baselines, std::span<const double> values,
               std::span<const Index> origins) {
  Skill all{.net = forecast_error(net, values, origins), .baselines = {}};
  for (const SeriesBaseline& one : baselines) {
    all.baselines.push_back(forecast_error(one.forecasts, values, origins));
    if (all.baselines.back().mse < all.baselines[all.best].mse) all.best = all.baselines.size() - 1;
  }
  if (!(all.baselines[all.best].mse > 0)) return all;
  all.skill = 1 - all.net.mse / all.baselines[all.best].mse;
  const std::size_t count = std::min<std::size_t>(5, origins.size());
  for (std::size_t block = 0; block < count; ++block) {
    const std::size_t from = block * origins.size() / count, size = (block + 1) * origins.size() / count - from;
    const std::span<const Forecast> other = baselines[all.best].forecasts;
    const double best = forecast_error(other.subspan(from, size), values, origins.subspan(from, size)).mse;
    if (best > 0)
      all.blocks.push_back(1 - forecast_error(net.subspan(from, size), values, origins.subspan(from, size)).mse / best);
  }
  return all;
}

std::vector<double> interval_widths(std::span<const Forecast> forecasts, std::span<const double> values,
                                    std::span<const Index> origins, double part) {
  std::vector<double> widths;
  for (std::size_t step = 0; step < forecasts.front().size(); ++step) {
    std::vector<double> off;
    for (std::size_t n = 0; n < forecasts.size(); ++n)
      off.push_back(std::abs(forecasts[n][step] - values[static_cast<std::size_t>(origins[n]) + step]));
    std::sort(off.begin(), off.end());
    const auto place = static_cast<std::size_t>(std::ceil(static_cast<double>(off.size() + 1) * part));
    widths.push_back(off[std::min(place, off.size()) - 1]);
  }
  return widths;
}

double coverage(std::span<const Forecast> forecasts, std::span<const double> values, std::span<const Index> origins,
                std::span<const double> widths) {
  double within = 0, count = 0;
  for (std::size_t n = 0; n < forecasts.size(); ++n)
    for (std::size_t step = 0; step < forecasts[n].size(); ++step, ++count)
      within += std::abs(forecasts[n][step] - values[static_cast<std::size_t>(origins[n]) + step]) <= widths[step];
  return within / count;
}

}  // namespace carousel
