#pragma once
/// The options of the task table, how its files are read and divided, and what is said of that.

#include <string>

#include <carousel/tasks/table/model.hpp>
#include <carousel/tasks/training/arguments.hpp>

namespace carousel {

/// All of them, with the presets.
Arguments<TableOptions> table_arguments();

/// A file, or, for "-", standard input, with progress.
Csv read_table_file(const std::string& input, const TableOptions& options);
/// Reads a table, and says its remarks unless options.quiet.
Table read_with_remarks(const std::string& input, const TableColumns& columns, const TableOptions& options);
/// How the file of a training is read.
TableColumns columns_of(const TableOptions& options);
Table training_table(const TableOptions& options);

/// What metadata say of how rows were divided; those of runs that were saved before have none: the last rows were tested.
inline constexpr const char* split_key = "split";
/// Whether the rows to test are drawn from each class.
bool is_drawn(const TableOptions& options);
/// The rows to learn first, then those to test.
Table divided(const Table& table, const TableOptions& options, bool drawn);
/// With what was not given and depends on the data: the window, the share of rows to test, passes over the table.
TableOptions decided(TableOptions options, const Table& table);

/// Says what is to be known of the data before a training.
void say_data(const TableOptions& options, const Table& table, bool drawn);
/// Says of a file that is sorted by label what that does.
void say_sorted(const TableOptions& options, const Table& table, bool drawn);
void say_what_is_counted(const TableOptions& options);
/// "not better than always saying 0"; empty where it is better.
std::string verdict_of(const TableCounts& counts, Index majority, const Table& table);
/// Always saying the majority class, which the accuracy is compared with: on the rows that are tested, or on all.
Baseline baseline_of(Index majority, const TableOptions& options, const Table& table);

}  // namespace carousel
