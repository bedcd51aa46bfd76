#pragma once
/// Tables of numbers with a label in each row: the data of the task table.

#include <string>
#include <vector>

#include <carousel/lib/numbers/tensor.hpp>
#include <carousel/tasks/csv/csv.hpp>

namespace carousel {

/// Rows in the order of time.
struct Table {
  std::vector<std::string> columns;       ///< names of those that a net reads
  std::vector<std::string> names;         ///< of the rows; empty: they are called by their numbers
  Tensor<double> xs;                      // [rows, columns]
  std::vector<Index> labels;              ///< 0 or 1, of each row; empty: they are not known
  std::vector<std::string> remarks = {};  ///< what users should know of how it was read

  Index rows() const { return shape_of(xs)[0]; }
  std::string name(Index row) const { return names.empty() ? std::to_string(row + 1) : names[static_cast<std::size_t>(row)]; }
  /// The table that the first rows make.
  Table first(Index count) const;
  /// What tells it from other tables.
  std::string identity() const;
  /// What runs said that were saved when values were floats.
  std::string identity_of_floats() const;
};

/// How a file is read.
struct TableColumns {
  std::string label = "label";           ///< the column of labels
  std::string name = "name";             ///< the column of names; where there is none, rows are called by their numbers
  std::vector<std::string> inputs = {};  ///< the columns that a net reads; empty: all others
  bool may_lack_labels = false;          ///< a file without the column of labels will do
};

/// Reads a file of values apart by tabs, semicolons or commas: a line of the columns' names, then a row in each line; empty lines
/// are passed over. Throws std::runtime_error as Csv does, with file, line and column, and for a number beyond ±1e37, a label
/// that is not 0 or 1, columns that are missing or of one name.
Table read_table(const std::string& path, const TableColumns& columns = {}, CsvOptions options = {});

/// The rows 1 … 44: the six bits of n, from the highest, and whether n + 1 is prime. Alfiuman's WhydahGally-LSTM-MLP (2017).
Table prime_table();

/// How labels were told from the rows.
struct TableConfusion {
  Index right1to1 = 0, right0to0 = 0, errors0to1 = 0, errors1to0 = 0;  ///< by the label, and what it was taken for
  Index right() const { return right1to1 + right0to0; }
  Index rows() const { return right() + errors0to1 + errors1to0; }
};
/// What is above `threshold` is taken for 1.
///   outputs, labels: of the same rows
TableConfusion confusion(const std::vector<double>& outputs, const std::vector<Index>& labels, double threshold = 0.5);

}  // namespace carousel
