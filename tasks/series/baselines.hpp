#pragma once
/// Forecasts that need no net, and the skill of a net beside the best of them.

#include <optional>
#include <span>
#include <string>
#include <vector>

#include <carousel/tasks/base/metric.hpp>
#include <carousel/tasks/series/data.hpp>

namespace carousel {

/// The season of some values: the lag, of at most a third of them and at most 1,000, at which they are most like themselves once
/// a straight line has been taken off: the first peak of their autocorrelation that comes to nine tenths of the highest. 1 if no
/// peak comes to 0.3: there is no season.
Index find_season(std::span<const double> values);
/// How many values a moving average is best made of, by its error over `horizon` steps in these values.
Index find_average(std::span<const double> values, Index horizon);

/// A forecast: `horizon` values from row `origin` on.
using Forecast = std::vector<double>;

/// The value before the origin, again and again.
Forecast naive_forecast(std::span<const double> values, Index origin, Index horizon);
/// The value of the latest season before the origin at the same place in it. Before the first season has passed: the naive one.
Forecast seasonal_forecast(std::span<const double> values, Index origin, Index horizon, Index season);
/// The straight line through the first value and the one before the origin, continued.
Forecast drift_forecast(std::span<const double> values, Index origin, Index horizon);
/// The mean of the last values before the origin.
Forecast average_forecast(std::span<const double> values, Index origin, Index horizon, Index average);

/// What the baselines know of the part to train on.
struct BaselineOptions {
  double mean = 0;    ///< of the column to forecast
  Index season = 1;   ///< rows; 1: there is none
  Index average = 2;  ///< rows of the moving average
};

/// Forecasts by one of them.
struct SeriesBaseline {
  std::string name;  ///< "mean of the training part"
  std::string key;   ///< "mean"
  std::vector<Forecast> forecasts;
};
/// All of them, from each of the origins on: the mean, the last value (naive), drift, moving average, and, where there is a
/// season, seasonal naive.
std::vector<SeriesBaseline> baselines(const Series& series, std::span<const Index> origins, Index horizon,
                                      const BaselineOptions& options);

/// Means over forecasts of all their steps, in the units of the column: of (forecast − true)² and |forecast − true|.
struct ForecastError {
  double mse = 0, mae = 0;
};
///   forecasts: one for each origin
ForecastError forecast_error(std::span<const Forecast> forecasts, std::span<const double> values, std::span<const Index> origins);

/// A net beside the baselines, on the same forecasts.
struct Skill {
  ForecastError net;
  std::vector<ForecastError> baselines;  ///< in their order
  std::size_t best = 0;                  ///< the baseline of the least mse
  std::optional<double> skill = {};      ///< 1 − mse / mse of that one; none where it makes no error
  std::vector<double> blocks = {};       ///< the same of up to five consecutive parts of the origins: the backtest

  /// Whether it is at most little_skill.
  bool is_none() const { return skill ? *skill <= little_skill : net.mse > 0; }
};
Skill skill_of(std::span<const Forecast> net, std::span<const SeriesBaseline> baselines, std::span<const double> values,
               std::span<const Index> origins);

/// Half the width of an interval for each step ahead, in the units of the column: of the distances between forecasts and what
/// came, the one that `part` of them do not exceed, with n of them the ⌈(n + 1) · part⌉-th least. Split conformal prediction:
/// Vovk et al. 2005, "Algorithmic Learning in a Random World"; Lei et al. 2018, arXiv:1604.04173.
std::vector<double> interval_widths(std::span<const Forecast> forecasts, std::span<const double> values,
                                    std::span<const Index> origins, double part);
/// The part of all steps of all forecasts that lie within the intervals.
double coverage(std::span<const Forecast> forecasts, std::span<const double> values, std::span<const Index> origins,
                std::span<const double> widths);

}  // namespace carousel
