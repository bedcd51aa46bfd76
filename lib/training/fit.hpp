#pragma once
/// Training: steps over a data set until the epochs are done, or something else ends them.
///
///     Adam<float> adam(registry, {.rate = 1e-3});
///     const FitResult result = fit(adam, {.examples = 1000, .batch = 50},
///         [&](const Batch& batch, const Shard& shard) -> Var<float> {
///           const std::span<const Index> mine = shard.of(batch.examples);
///           …                                                          // the losses of these examples, [mine.size()]
///           return sum(losses) / batch.examples.size();
///         },
///         {.epochs = 20, .clip_norm = 5, .shards = 2, .threads = 2});
///
/// A batch is computed in `shards` parts, each on a tape of its own, side by side on up to `threads` threads. The loss function
/// is called once for each part; it returns its part's sum divided by the weight of the whole batch, so that the parts add up to
/// the loss of the batch. Terms of parameters alone belong to one part (`if (shard.index == 0)`). Gradients are added in the
/// order of the parts: the same number of parts gives the same bits at any number of threads.

#include <atomic>
#include <cstdint>
#include <functional>
#include <limits>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include <carousel/lib/files/safetensors.hpp>
#include <carousel/lib/training/optimizer.hpp>
#include <carousel/lib/training/schedule.hpp>

namespace carousel {

struct ProfileReport;

/// How many examples there are, and how they are put into batches.
struct DataSet {
  Index examples = 0;
  Index batch = 1;
  bool shuffle = true;     // another order in each epoch
  bool drop_last = false;  // without a last batch that is not full

  /// Batches in an epoch.
  Index batches() const { return examples / batch + (!drop_last && examples % batch != 0 ? 1 : 0); }
};

/// What one step trains on.
struct Batch {
  std::span<const Index> examples;  // numbers of the examples, in the order of this epoch
  Index epoch, index, step;         // from 0: of the batch in its epoch, and steps done so far in all
  std::uint64_t key;                // of this step, for random operations; the same in all parts
};

/// One part of a batch, of those that are computed apart.
struct Shard {
  Index index = 0, count = 1;

  /// Of `size` things in a row, those from first(size) to last(size) − 1 are this part's.
  Index first(Index size) const { return size * index / count; }
  Index last(Index size) const { return size * (index + 1) / count; }
  template <class E>
  std::span<E> of(std::span<E> all) const {
    const auto size = static_cast<Index>(all.size());
    return all.subspan(static_cast<std::size_t>(first(size)), static_cast<std::size_t>(last(size) - first(size)));
  }
};

/// The loss of one part of a batch. With several threads it is called on several at once; parts without an example are left out.
template <class T>
using LossFunction = std::function<Var<T>(const Batch& batch, const Shard& shard)>;

/// One step, as it is reported.
struct StepReport {
  Index epoch, batch, step;  // from 0
  double loss;
  double gradient_norm;  // before clipping
};

/// One epoch, as it is reported.
struct EpochReport {
  Index epoch;        // from 0
  double loss;        // mean over its examples, while they were trained on
  double validation;  // what `validate` returned; NaN without one
  bool best;          // better than all before
};

/// All that a training needs to go on where it stopped, apart from parameters and optimiser. put() and from() keep every bit.
struct FitState {
  std::uint64_t seed = 0;
  Index epoch = 0, batch = 0, step = 0;  // what comes next
  double loss_sum = 0;                   // over this epoch's examples so far
  Index examples_seen = 0;
  double first_loss = std::numeric_limits<double>::quiet_NaN(), smoothed_loss = std::numeric_limits<double>::quiet_NaN();
  double best = std::numeric_limits<double>::quiet_NaN();  // validation of the best epoch, or its loss
  Plateau::State plateau = {};
  std::vector<EpochReport> history = {};

  /// Adds it to a file, under names that begin with "fit:".
  void put(Safetensors& file) const;
  /// Reads what put() wrote; throws std::runtime_error if it is not there or cannot be. `path` is for the error.
  static FitState from(const Safetensors& file, const std::string& path);
};

/// How long a training runs, how gradients are clipped, what is validated, saved and reported.
struct FitOptions {
  Index epochs = 1;
  double clip_value = 0;                // every element of the gradient within ± this; 0: not
  double clip_norm = 0;                 // the norm of the whole gradient at most this; 0: not
  Schedule schedule = {};               // a factor on the rates, by step
  Schedule epoch_schedule = {};         // another one, by epoch
  std::optional<Plateau> plateau = {};  // and one that follows what `validate` says, else the loss of the epoch
  int shards = 1;
  int threads = 1;         // more than there are shards serve nothing
  int accumulate = 1;      // so many times `shards` parts, one group after the other: the same batch in less memory
  std::uint64_t seed = 0;  // of the order of the examples and of Batch::key
  double explosion = 0;    // ends when the smoothed loss rose by more than (this − 1) · |first loss| (char-rnn: 3); 0: never

  std::function<double()> validate = {};                      // after each epoch; lower is better,
  bool higher_is_better = false;                              // or higher
  std::function<void(const StepReport&)> before_update = {};  // when gradients are there, not clipped yet
  std::function<void(const StepReport&)> after_step = {};
  std::function<bool(const EpochReport&)> after_epoch = {};  // before `last` is written; true ends the training
  const std::atomic<bool>* stop = nullptr;                   // true ends it after the step that runs

  std::string best = {};  // file for the parameters of the best epoch
  std::string last = {};  // file for resume(), after each epoch, at any early end, and before there is a first `best`
  std::map<std::string, std::string, std::less<>> metadata = {};  // goes into both
  std::function<void(Safetensors&)> save = {};  // adds what else must be resumed, names with a colon; its metadata go into both

  ProfileReport* profile = nullptr;  // receives what the steps take, at the end; traced steps are not looked at
  bool trace_nonfinite = false;      // the note about a loss or gradient that is not finite says where it began: see Trace
};

/// Why a training ended.
enum class Ended {
  finished,     ///< all epochs are done
  stopped,      ///< after_epoch said so
  interrupted,  ///< the stop flag said so
  exploded,     ///< a loss or gradient was not finite, or the loss exploded; the parameters are those before that step
};

/// How a training ended.
struct FitResult {
  Ended ended;
  std::string note;        // a line about an explosion; epochs and steps in it count from 1
  bool nonfinite = false;  // a loss or gradient was not finite
  FitState state;
};

namespace detail {
template <class T>
FitResult fit(Optimizer<T>& optimizer, const DataSet& data, const LossFunction<T>& loss, const FitOptions& options,
              FitState state);
extern template FitResult fit(Optimizer<float>&, const DataSet&, const LossFunction<float>&, const FitOptions&, FitState);
extern template FitResult fit(Optimizer<double>&, const DataSet&, const LossFunction<double>&, const FitOptions&, FitState);
}  // namespace detail

/// Trains the parameters of an optimiser, from a fresh state or from one that resume() returned. Throws std::invalid_argument
/// when options cannot be, or do not fit the state.
template <class T>
FitResult fit(Optimizer<T>& optimizer, const DataSet& data, const std::type_identity_t<LossFunction<T>>& loss,
              const FitOptions& options = {}, FitState state = {}) {
  return detail::fit<T>(optimizer, data, loss, options, std::move(state));
}

/// Sets parameters and optimiser to what a `last` file holds, and returns the state for fit(). `restore` gets the file, to take
/// from it what FitOptions::save had added, once the rest has been found good; what it throws is passed on. Throws
/// std::runtime_error if the file does not fit. Either way no parameter has changed then.
template <class T>
FitState resume(Optimizer<T>& optimizer, const std::string& path, const std::function<void(const Safetensors&)>& restore = {});

}  // namespace carousel
