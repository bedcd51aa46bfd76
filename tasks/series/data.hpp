#pragma once
/// The data of the task series: columns of numbers in the order of time, cut into a part to train on, one to validate and one to
/// test; what is learned of them before the net is; and the forecasts that a net has to beat.

#include <span>
#include <string>
#include <vector>

#include <carousel/tasks/csv/csv.hpp>
#include <carousel/tasks/csv/dates.hpp>

namespace carousel {

/// Columns of numbers, a row for each moment.
struct Series {
  std::string name;                         ///< of the file, or "the built-in series"
  std::vector<std::string> columns;         ///< their names, or their numbers in the file
  std::vector<std::vector<double>> values;  ///< [columns][rows]
  Index predict = 0;                        ///< the column to forecast that is looked at
  std::vector<std::string> left = {};       ///< columns that are not read, for they hold no numbers
  RowLines lines = {};                      ///< of the rows in the file; none: built in

  std::vector<Index> targets = {};     ///< all columns to forecast; none: that one
  std::string date = {};               ///< the column of dates; none: there is none
  std::vector<double> moments = {};    ///< of each row, seconds since 1970; none: there is no such column
  Moment last = {};                    ///< the last of them, as it was written
  TimeStep step = {};                  ///< between rows
  std::vector<Index> begins = {};      ///< of each row: where the rows without a hole begin that it is in; none: no hole at all
  std::vector<bool> filled = {};       ///< of each row: its value of the column to forecast was filled in; none: of no row
  std::vector<std::string> remarks{};  ///< what users should know of how it was read

  Index rows() const { return std::ssize(values.front()); }
  const std::vector<double>& target() const { return values[static_cast<std::size_t>(predict)]; }
  /// How many columns are to be forecast.
  Index target_count() const { return targets.empty() ? 1 : std::ssize(targets); }
  Index target_column(Index k) const { return targets.empty() ? predict : targets[static_cast<std::size_t>(k)]; }
  const std::string& target_name(Index k) const { return columns[static_cast<std::size_t>(target_column(k))]; }
  /// The same with another column to look at.
  Series looking_at(Index k) const;
  /// Whether no hole lies between any of these rows.
  bool is_whole(Index first, Index last_row) const {
    return begins.empty() || last_row <= first || begins[static_cast<std::size_t>(last_row - 1)] <= first;
  }
  /// The rows from which a forecast of `horizon` rows ends before `last_row`, begins at `first` or later, has a window before it,
  /// runs across no hole, and is of values that were not filled in.
  std::vector<Index> origins(Index first, Index last_row, Index window, Index horizon) const;
  /// "2024-04-03 12:00" of a row, be it after the last one; its number, from 1, where there are no dates to say it.
  std::string row_name(Index row) const;
};

/// Which columns of a file to read: names, or numbers from 1.
struct SeriesColumns {
  std::vector<std::string> read = {};  ///< empty: all that hold numbers
  std::string predict = {};            ///< with commas between them; empty: the last of those
  std::string date = "auto";           ///< auto: the first of which every cell is a date; none; or a column
  DateOrder order = DateOrder::automatic;
  std::string missing = "error";  ///< what is done about empty cells: error, fill, skip
};

/// Reads the columns of a table. Rows whose dates fall are sorted by date; empty cells are filled with the value before, or their
/// rows left out, as columns.missing says; where a row is left out, or a step of time is longer than the others, is a hole.
/// Throws std::runtime_error where there is no number, or a number so large that squares of such overflow, with file, line and
/// column, and for dates with two meanings; std::invalid_argument for a column that is not there.
Series read_series(const Csv& csv, const SeriesColumns& columns);
/// The same columns of another table. Throws std::runtime_error too for a column that is not there.
///   names: all that are to be read;  predict: some of them;  columns: the rest
Series read_same_columns(const Csv& csv, const std::vector<std::string>& names, const std::vector<std::string>& predict,
                         const SeriesColumns& columns = {});

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

}  // namespace carousel
