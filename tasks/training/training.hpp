#pragma once
/// The one training of all tasks: a task says what it learns from, what the loss is, and how good a model is; the rest is here.
///
///     return train_model<float>(options, {.about = "lists of 10 numbers",
///                                         .parts = {.unit = "lists", .train = 10000, .validation = 500, .test = 2000},
///                                         .optimizer = *optimizer,
///                                         .data = {.examples = 10000, .batch = options.batch},
///                                         .loss = loss,
///                                         .validation = {.name = "validation_loss", .measure = [&] { return …; }},
///                                         .result = [&](const TrainOutcome&) { return std::vector<Metric>{{"token_accuracy",
///                                         …}};
///                                         }});
///
/// It makes the folder of the run, with config.json, metrics.jsonl, steps.jsonl, views.json, best.safetensors (where something
/// validates) and last.safetensors; goes on with --resume where another stopped, bit for bit; shows progress; lets the rate go on
/// by --schedule and bounds gradients by --clip; ends early by --patience, by Ctrl-C and when the loss explodes, and says then
/// what there is; and at the end takes the best parameters, asks for the result once, and prints it.

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include <carousel/lib/training/fit.hpp>
#include <carousel/tasks/base/metric.hpp>
#include <carousel/tasks/base/options.hpp>
#include <carousel/tasks/drawing/views.hpp>
#include <carousel/tasks/nets/inside.hpp>
#include <carousel/tasks/nets/optimizers.hpp>

namespace carousel {

/// Of how many examples the parts of the data are; no example is in two of them.
struct Parts {
  std::string unit;  ///< "images"
  Index train = 0, validation = 0, test = 0;
  bool overfits = true;  ///< it may: else each epoch has examples of its own, or to learn these by heart is the task
};

/// What is measured after each epoch, to tell the best one.
struct Validation {
  std::string name = {};                 ///< "validation_loss"
  std::function<double()> measure = {};  ///< none: nothing validates, and no epoch is the best
  bool higher_is_better = false;
};

/// A training that is done; losses are divided by loss_scale.
struct TrainOutcome {
  std::string folder;                            ///< of the run
  EpochReport last;                              ///< its last epoch
  double best;                                   ///< validation of its best epoch, or the loss of it
  std::optional<double> milliseconds_per_batch;  ///< in the last epoch that this process ran
};

/// What a task gives to its training. What is called at any time must outlive it.
template <class T>
struct TrainPlan {
  std::string about;          ///< what it learns from, in a few words
  Parts parts;                ///< what is left for what
  std::string identity = {};  ///< what tells this data from other: with --resume it must be the same
  Metadata metadata = {};     ///< what checkpoints must say besides the options

  Optimizer<T>& optimizer;
  DataSet data;
  LossFunction<T> loss;
  double loss_scale = 1;  ///< in reports the loss is divided by it
  int shards = 1;         ///< parts of a batch, each on a thread of its own; options.shards() but where a source has it otherwise
  double explosion = 10;  ///< see FitOptions
  Validation validation = {};

  std::function<void(const StepReport&)> after_step = {};
  /// Further metrics of an epoch, for its line and for metrics.jsonl.
  std::function<std::vector<Metric>(const EpochReport&)> after_epoch = {};
  bool silent = false;  ///< no remarks and no lines of epochs: the task prints its own

  std::function<void(Safetensors&)> save = {};  ///< adds what else must be resumed: names with a colon; metadata also to `best`
  std::function<void(const Safetensors&)> restore = {};  ///< takes it back

  /// Adds what there is to see of this task, for the report: asked for once, at the end, after the result; of a training that was
  /// stopped too. Then the parameters are those of the result, or the last ones.
  std::function<void(Views&)> views = {};
  /// A sample of some 10 to 100 steps, batch 1, from which the views into the net are made, see inside.hpp.
  SampleFunction<T> sample = {};

  /// The metrics of the result line, asked for once, when the optimiser's registry holds the best parameters (where nothing
  /// validates, the last ones): here and nowhere else the test part is touched.
  std::function<std::vector<Metric>(const TrainOutcome&)> result;
  std::optional<Baseline> baseline = {};         ///< what its first metric, or another one, is compared with
  std::function<std::string()> result_end = {};  ///< what stands behind them on that line
  bool result_writes = false;  ///< it writes files that were asked for: of a training that is done it is asked again
};

/// Trains and returns the exit code. Throws std::runtime_error if the run's folder cannot be made or holds a training already,
/// if the training to resume was of other data, or a file cannot be read or written.
template <class T>
int train_model(const TrainOptions& options, const TrainPlan<T>& plan);

extern template int train_model(const TrainOptions&, const TrainPlan<float>&);
extern template int train_model(const TrainOptions&, const TrainPlan<double>&);

}  // namespace carousel
