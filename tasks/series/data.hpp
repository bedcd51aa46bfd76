#pragma once
/// The data of the task series: columns of numbers in the order of time, cut into a part to train on, one to validate and one to
/// test; what is learned of them before the net is; and the forecasts that a net has to beat.

#include <span>
#include <string>
#include <vector>

#include <carousel/tasks/csv/csv.hpp>

namespace carousel {

/// Columns of numbers, a row for each moment.
struct Series {
  std::string name;                         ///< of the file, or "the built-in series"
  std::vector<std::string> columns;         ///< their names, or their numbers in the file
  std::vector<std::vector<double>> values;  ///< [columns][rows]
  Index predict = 0;                        ///< the column to forecast
  std::vector<std::string> left = {};       ///< columns that are not read, for they hold no numbers
  RowLines lines = {};                      ///< of the rows in the file; none: built in

  Index rows() const { return std::ssize(values.front()); }
  const std::vector<double>& target() const { return values[static_cast<std::size_t>(predict)]; }
};

/// Which columns of a file to read: names, or numbers from 1.
struct SeriesColumns {
  std::vector<std::string> read = {};  ///< empty: all that hold numbers
  std::string predict = {};            ///< empty: the last of those
};

/// Names that stand in one word, with commas between them.
std::vector<std::string> split_names(const std::string& word);

/// Reads the columns of a table. Throws std::runtime_error where there is no number, or a number so large that squares of such
/// overflow, with file, line and column; std::invalid_argument for a column that is not there.
Series read_series(const Csv& csv, const SeriesColumns& columns);
/// The same columns of another table. Throws std::runtime_error too for a column that is not there.
///   names: all that are to be read;  predict: one of them
Series read_same_columns(const Csv& csv, const std::vector<std::string>& names, const std::string& predict);

/// The built-in series: 100 days of hourly temperature and load, made by a formula and a generator of a fixed seed. With t in
/// hours, e and u normal of mean 0 and deviation 1:
///   temperature = 12 + 5 sin(2π(t − 9)/24) + 4 sin(2πt/720) + a,   a' = 0.95a + 0.5e
///   load = 50 + 8 sin(2π(t − 8)/24) + 3 sin(4πt/24) + 0.8 max(0, 15 − temperature of 3 hours before) + b,   b' = 0.8b + u
Series built_in_series();

/// Where the parts of a series end: rows [0, train) to train on, [train, validation) to validate, [validation, rows) to test.
struct SeriesParts {
  Index train, validation, rows;
};

/// 70, 15 and 15 of a hundred rows. Throws std::runtime_error if a part has no room for a forecast: one of `horizon` rows to
/// train on after a window of `window`, and one in each other part, whose windows may reach back into the part before.
SeriesParts series_parts(const Series& series, Index window, Index horizon);

/// What is learned of each column from the rows to train on: its mean and deviation, and how far the values of a window are from
/// the last one in it, the root of the mean of squares.
struct Scaling {
  std::vector<double> mean, deviation, change;
};

/// Throws std::runtime_error for a column that is constant in the rows [0, train).
Scaling learn_scaling(const Series& series, Index train, Index window);

/// The season of some values: the lag, of at most a third of them and at most 1,000, at which they are most like themselves once
/// a straight line has been taken off: the first peak of their autocorrelation that comes to nine tenths of the highest. 1 if no
/// peak comes to 0.3: there is no season.
Index find_season(std::span<const double> values);

/// A forecast: `horizon` values from row `origin` on.
using Forecast = std::vector<double>;

/// The value before the origin, again and again.
Forecast naive_forecast(std::span<const double> values, Index origin, Index horizon);
/// The value of the latest season before the origin at the same place in it. Before the first season has passed: the naive one.
Forecast seasonal_forecast(std::span<const double> values, Index origin, Index horizon, Index season);

/// Means over forecasts of all their steps, in the units of the column: of (forecast − true)² and |forecast − true|.
struct ForecastError {
  double mse = 0, mae = 0;
};

/// forecasts: one for each row in [first, first + forecasts)
ForecastError forecast_error(std::span<const Forecast> forecasts, std::span<const double> values, Index first);

}  // namespace carousel
