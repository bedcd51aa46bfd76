#pragma once
/// The options of the task series, and how its files are read.

#include <string>

#include <carousel/tasks/series/forecasts.hpp>
#include <carousel/tasks/training/arguments.hpp>

namespace carousel {

/// All of them, with the presets.
Arguments<SeriesOptions> series_arguments();

/// A file, or, for "-", standard input, with progress.
Csv read_series_file(const std::string& input, const SeriesOptions& options);
/// What a training is to learn from. Says what users should know of it.
Series training_series(const SeriesOptions& options);
/// What tells this series from others.
std::string identity_of(const Series& series);

/// The best baseline on the forecasts from these rows on, which a result's mse is compared with.
Baseline best_baseline(const Series& series, const std::vector<Index>& origins, Index horizon, const BaselineOptions& options);
/// The metrics of all columns to forecast: of the first as Forecasts::measure() has them, of the others mse, skill and coverage
/// with their names behind. Says the backtest, unless quiet, and where a net is not better than a baseline.
///   targets: a series for each, looking at it
std::vector<Metric> measure_all(const std::vector<Forecasts>& all, const std::vector<Series>& targets, bool quiet);
/// What ends the result line: the best baseline, and the column that was forecast, of each.
std::string end_of_result(const std::vector<Series>& targets, const std::vector<Forecasts>& all);
/// Throws std::runtime_error if there is nothing to forecast in a part.
void check_part(const Series& series, const SeriesOptions& options, const std::vector<Index>& origins, const char* part);

}  // namespace carousel
