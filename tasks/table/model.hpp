#pragma once
/// The net of the task table: it reads rows one after the other and gives an output for each.

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <carousel/lib/training/fit.hpp>
#include <carousel/models/layers/linear.hpp>
#include <carousel/tasks/nets/layers.hpp>
#include <carousel/tasks/table/counts.hpp>
#include <carousel/tasks/table/data.hpp>

namespace carousel {

struct TableOptions : TrainOptions {
  std::string label = "label", name = "name";        ///< columns of the file
  std::string decimal = "auto", thousands = "auto";  ///< see Csv
  std::string ignore = {};                           ///< columns that are not read, with commas between them
  std::string missing = "error";                     ///< what is done about empty cells: error, fill, skip
  std::string date = {}, date_order = "auto";        ///< column of dates that puts rows in order; which of day and month is first
  std::string class_weights = "none";                ///< none, balanced
  std::string readout = "linear";                    ///< linear, first
  double held_out = 0;                               ///< share of the rows that is not learned
  bool series = false;                               ///< rows are in the order of time
  Index window = 0;                                  ///< rows that an output depends on; 1: its own; 0: all before it
  Index passes = 0;                                  ///< over the table, in an epoch
  Index sweep = 0;                                   ///< configurations to try
  std::string import_from = {}, export_to = {};
  bool as_imported = false;  ///< nothing is trained
};

/// Whether rows have nothing to do with each other: the rows to test are drawn from all of them, not the last ones.
bool has_independent_rows(const TableOptions& options);

/// Of the rows, those that are learned; the others come after them. Throws std::invalid_argument if none would be left, or
/// options.held_out is more than 0 but less than a row.
Index rows_to_learn(const TableOptions& options, const Table& table);

/// The rows that end with some rows each, `window` of them or as many as there are: [longest, batch, columns], with NaN beyond
/// the lengths. No window runs across a hole.
struct Windows {
  Tensor<double> xs;
  std::vector<Index> lengths;
};
Windows windows_before(const Table& table, Index window, std::span<const Index> rows);

/// What the metadata of a run say whose means are sums of two parameters.
inline constexpr const char* exact_means = "columns-exact";

/// A mean as the sum of two floats, so that a column far from 0 keeps its digits.
std::pair<float, float> split_mean(double mean);

/// With x the columns less their mean, by their deviation (of the rows that are learned):
///   h' = cell(x, h);  output = σ(h' W + b), and for more than two classes softmax(h' W + b)
/// An x that is missing counts as the mean. As in the source, x is the columns themselves and the output is h'₀ (`--readout
/// first`).
class TableModel {
 public:
  /// `table`: from the rows of it that are learned the means come; none: they are to be loaded.
  /// `exact`: a mean is the sum of two parameters; runs that were saved before that have one.
  TableModel(Scope<float> p, const TableOptions& options, Index columns, const Table* table = nullptr, bool exact = true,
             Index classes = 2);

  /// What outputs are made of, logits or the outputs themselves: of every row of a series, or of the last ones of windows.
  ///   rows: [rows, columns];  result: [rows, 1], of more than two classes [rows, classes]
  Var<float> of_series(const Tensor<double>& rows, const std::optional<DropoutKey>& key = {}) const;
  ///   result: [batch, 1 or classes]
  Var<float> of_windows(const Windows& windows, const std::optional<DropoutKey>& key = {}) const;
  bool has_readout() const { return readout_.has_value(); }
  Index classes() const { return classes_; }

 private:
  Var<float> enter(const Tensor<double>& xs) const;
  Var<float> answers(Var<float> hs) const;

  Param<float> mean_;
  std::optional<Param<float>> rest_;  // of the mean, which is the sum of both; none in nets of runs that had floats
  Param<float> scale_;
  Index classes_;
  Layers<float> layers_;
  std::optional<Linear<float>> readout_;
};

/// What a model says of rows, as a loss: of rows of a series, of the last ones of windows.
///   scores: [rows, 1 or classes];  labels: of the rows;  weights: of the classes, or empty;  share: what the sum is divided by
Var<float> loss_of(const TableModel& model, Var<float> scores, std::span<const Index> labels, std::span<const float> weights,
                   double share);

/// The probabilities of all rows: of the second of two classes, or row by row of all classes. Without a read-out the outputs.
std::vector<double> outputs_of(const TableModel& model, const TableOptions& options, const Table& table);
/// The counts on the rows that were held out or, if none were, on all.
TableCounts counts_of(const std::vector<double>& outputs, const TableOptions& options, const Table& table);
/// The commonest class of the rows that are learned.
Index majority_of(const TableOptions& options, const Table& table);
/// n / (classes · rows of the class) for each class, of the rows that are learned: what makes rare ones count as much as others.
std::vector<float> balanced_weights(const TableOptions& options, const Table& table);

/// A model and how it learns a table. A pass is one update if the table is a series, else as many as its windows make batches.
struct TableTraining {
  Registry<float> registry;
  Random random;
  TableModel model;
  std::unique_ptr<Optimizer<float>> optimizer;
  DataSet data;
  int shards;
  LossFunction<float> loss;

  TableTraining(const TableOptions& options, const Table& table);
};

}  // namespace carousel
