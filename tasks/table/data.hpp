#pragma once
/// Tables with a label in each row: the data of the task table.

#include <string>
#include <utility>
#include <vector>

#include <carousel/lib/numbers/tensor.hpp>
#include <carousel/tasks/csv/csv.hpp>
#include <carousel/tasks/csv/dates.hpp>

namespace carousel {

/// A column of a file, and what a net reads of it.
struct TableColumn {
  enum class Kind { number, text, date } kind = Kind::number;
  std::string name = {};
  std::vector<std::string> words = {};  ///< of a text: each is a feature, 1 where it stands (one-hot)

  /// What a net reads: the number; a word each; of a date its seconds and what a calendar says.
  std::vector<std::string> features() const;
};

/// Rows as they stand in the file.
struct Table {
  std::vector<std::string> columns;       ///< names of the features that a net reads
  std::vector<std::string> names;         ///< of the rows; empty: they are called by their numbers
  Tensor<double> xs;                      ///< [rows, columns]; NaN: an empty cell or an unknown word, which is read as the mean
  std::vector<Index> labels;              ///< of each row, one of `classes`; empty: they are not known
  std::vector<std::string> remarks = {};  ///< what users should know of how it was read

  std::vector<std::string> classes = {"0", "1"};  ///< names of the labels
  std::vector<TableColumn> read = {};             ///< the columns of the file; empty: each is a feature
  std::vector<Index> begins = {};                 ///< of each row: the first that no hole divides from it; empty: there is none
  std::vector<Index> lines = {};                  ///< of each row in the file; empty: there is none

  Index rows() const { return shape_of(xs)[0]; }
  std::string name(Index row) const { return names.empty() ? std::to_string(row + 1) : names[static_cast<std::size_t>(row)]; }
  /// The table that the first rows make.
  Table first(Index count) const;
  /// These rows in this order. Holes are those of the rows before: right for the first rows only.
  Table chosen(const std::vector<Index>& rows) const;
  /// What tells it from other tables.
  std::string identity() const;
  /// What runs said that were saved when values were floats.
  std::string identity_of_floats() const;
};

/// How a file is read.
struct TableColumns {
  std::string label = "label";             ///< the column of labels
  std::string name = "name";               ///< the column of names; where there is none, rows are called by their numbers
  std::vector<std::string> ignore = {};    ///< columns that are not read
  std::vector<TableColumn> inputs = {};    ///< the columns that a net reads; empty: all others
  std::vector<std::string> classes = {};   ///< names of the labels; empty: those of the file
  bool may_lack_labels = false;            ///< a file without the column of labels will do
  std::string missing = "error";           ///< what is done about empty cells: error, fill, skip
  DateOrder order = DateOrder::automatic;  ///< of dates such as 03/04/2024
  std::string date = {};                   ///< the column of dates that rows are sorted by; empty: they stay as they stand
};

/// Reads a file of values apart by tabs, semicolons or commas: a line of the columns' names, then a row in each line; empty lines
/// are passed over. Columns of words become a feature for each word, columns of dates what a calendar says of them. Labels are 0
/// and 1, or names. Throws std::runtime_error as Csv does, with file, line and column, and for a number beyond ±1e37, a label
/// that the model does not know, columns that are missing or of one name, and a column of words that hardly ever come twice.
Table read_table(const std::string& path, const TableColumns& columns = {}, CsvOptions options = {});
/// The same of a file that was opened with a header and empty lines to skip.
Table read_table(const Csv& csv, const TableColumns& columns);

/// The rows 1 … 44: the six bits of n, from the highest, and whether n + 1 is prime. Alfiuman's WhydahGally-LSTM-MLP (2017).
Table prime_table();

/// The table with the rows to test, `held` of them, behind the others: as many of each class as it has part in all, drawn by
/// `seed`.
Table stratified(const Table& table, Index held, Index seed);

/// Whether the rows are sorted by label, or nearly so: there are at least 20 and fewer than a tenth of the changes from row to
/// row that shuffled rows would have.
bool is_sorted_by_label(const Table& table);

}  // namespace carousel
