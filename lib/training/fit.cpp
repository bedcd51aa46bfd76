#include <carousel/lib/training/fit.hpp>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <memory>
#include <numeric>

#include <carousel/lib/look/profile.hpp>
#include <carousel/lib/look/trace.hpp>
#include <carousel/lib/numbers/random.hpp>
#include <carousel/lib/training/checkpoint.hpp>
#include <carousel/lib/training/clip.hpp>
#include <carousel/lib/training/workers.hpp>

namespace carousel {

namespace {

constexpr double smoothing = 0.9;  // of the loss that may explode

void check(const DataSet& data, const FitOptions& options, const FitState& state) {
  const auto not_negative = [](const char* name, double value) {
    if (!(value >= 0)) wrong_argument("fit: ", name, " is ", value, ": must not be negative");
  };
  const auto at_least_one = [](const char* name, Index value) {
    if (value < 1) wrong_argument("fit: ", name, " is ", value, ": must be at least 1");
  };
  at_least_one("batch", data.batch);
  if (data.examples < 0 || data.batches() < 1)
    wrong_argument("fit: ", data.examples, " examples in batches of ", data.batch, ": must make at least one batch");
  not_negative("epochs", static_cast<double>(options.epochs));
  not_negative("clip_value", options.clip_value);
  not_negative("clip_norm", options.clip_norm);
  not_negative("explosion", options.explosion);
  at_least_one("shards", options.shards);
  at_least_one("threads", options.threads);
  at_least_one("accumulate", options.accumulate);
  if (state.batch > data.batches())
    wrong_argument("fit: the state stands before batch ", state.batch, ", an epoch has ", data.batches(),
                   ": must be of the same data");
  if (state.step > 0 && state.seed != options.seed)
    wrong_argument("fit: the state is of seed ", state.seed, ", seed is ", options.seed, ": must be the same");
}

bool is_better(double metric, double best, bool higher) {
  if (std::isnan(best)) return !std::isnan(metric);
  return higher ? metric > best : metric < best;
}

/// The tapes of the parts that run side by side, and the threads that fill them.
template <class T>
class Shards {
 public:
  Shards(const LossFunction<T>& loss, const FitOptions& options)
      : loss_(loss), groups_(options.accumulate), workers_(std::min(options.threads, options.shards)) {
    for (int i = 0; i < options.shards; ++i) tapes_.push_back(std::make_unique<Tape<T>>(typename Tape<T>::Idle()));
    losses_.resize(tapes_.size());
    if (options.trace_nonfinite)
      traces_.resize(tapes_.size());
    else if (options.profile)
      profiles_.resize(tapes_.size());
  }

  /// The loss of a batch; its gradients are with the parameters then.
  double run(const Batch& batch, Registry<T>& registry) {
    if (parts() == 1) {
      run_part(batch, 0, Gradients::replace);
      return losses_[0];
    }
    registry.zero_gradients();
    double sum = 0;
    for (group_ = 0; group_ < groups_; ++group_) {
      auto task = [&](Index i) { run_part(batch, i, Gradients::keep); };
      workers_.run(static_cast<Index>(tapes_.size()), task);
      for (std::size_t i = 0; i < tapes_.size(); ++i) {
        if (shard(static_cast<Index>(i)).of(batch.examples).empty()) continue;
        sum += losses_[i];
        tapes_[i]->add_to_parameters();
      }
    }
    return sum;
  }

  void add_profiles_to(ProfileReport& report) const {
    for (const Profile<T>& profile : profiles_) profile.add_to(report);
  }

  /// Where what is not finite began, of the parts that ran last; nothing if that is not asked for.
  std::string trace(const Batch& batch) {
    for (std::size_t i = 0; i < traces_.size(); ++i) {
      if (shard(static_cast<Index>(i)).of(batch.examples).empty()) continue;
      const Activation<T> active(*tapes_[i]);
      if (const std::string found = traces_[i].trace.find(traces_[i].loss); !found.empty()) return "\n" + found;
    }
    return traces_.empty() ? "" : "\nno value and no gradient of a part is: their sum over the parts";
  }

 private:
  struct Traced {
    Trace<T> trace;
    Var<T> loss;
  };

  Index parts() const { return static_cast<Index>(tapes_.size()) * groups_; }
  Shard shard(Index i) const { return {group_ * static_cast<Index>(tapes_.size()) + i, parts()}; }

  void run_part(const Batch& batch, Index i, Gradients gradients) {
    const Shard part = shard(i);
    if (part.of(batch.examples).empty()) return;
    Tape<T>& tape = *tapes_[static_cast<std::size_t>(i)];
    const Activation<T> active(tape);
    tape.clear();
    const auto at = static_cast<std::size_t>(i);
    const auto forward = [&] { return loss_(batch, part); };
    Profile<T>* const profile = profiles_.empty() ? nullptr : &profiles_[at];
    const Var<T> loss = !traces_.empty() ? traces_[at].trace.follow(forward) : profile ? profile->forward(forward) : forward();
    if (!traces_.empty()) traces_[at].loss = loss;
    losses_[at] = static_cast<double>(loss.item());
    const auto backward = [&] { tape.backward(loss, gradients); };
    if (profile)
      profile->backward(backward);
    else
      backward();
  }

  const LossFunction<T>& loss_;
  const Index groups_;
  Index group_ = 0;
  std::vector<std::unique_ptr<Tape<T>>> tapes_;
  std::vector<double> losses_;
  std::vector<Traced> traces_;  // none: not asked for
  std::vector<Profile<T>> profiles_;
  Workers workers_;
};

/// One run of fit().
template <class T>
class Run {
 public:
  Run(Optimizer<T>& optimizer, const DataSet& data, const LossFunction<T>& loss, const FitOptions& options, FitState state)
      : optimizer_(optimizer),
        registry_(optimizer.registry()),
        data_(data),
        options_(options),
        state_(std::move(state)),
        shards_(loss, options),
        order_(static_cast<std::size_t>(data.examples)) {
    if (state_.step == 0) state_.seed = options.seed;
    if (options_.plateau) options_.plateau->higher_is_better = options_.higher_is_better;
  }

  FitResult run() {
    while (state_.epoch < options_.epochs) {
      put_in_order();
      for (;;) {
        if (options_.stop && *options_.stop) {
          save_last();
          return end(Ended::interrupted);
        }
        if (state_.batch == data_.batches()) break;
        if (const std::string fault = step(); !fault.empty()) {
          std::string trace = nonfinite_ ? shards_.trace(next_batch()) : "";
          registry_.zero_gradients();
          save_last();
          return end(Ended::exploded, fault + trace);
        }
      }
      if (finish_epoch()) return end(Ended::stopped);
    }
    return end(Ended::finished);
  }

 private:
  FitResult end(Ended ended, std::string note = "") {
    if (options_.profile) {
      ProfileReport& report = *options_.profile;
      shards_.add_profiles_to(report);
      for (std::vector<ProfileRow>* rows : {&report.ops, &report.layers})
        rows->push_back({.name = "update of parameters", .backward_seconds = update_seconds_});
      sort(report);
    }
    return {ended, std::move(note), nonfinite_, std::move(state_)};
  }

  void put_in_order() {
    std::iota(order_.begin(), order_.end(), Index{0});
    if (data_.shuffle) Random(state_.seed).split("order").split(static_cast<std::uint64_t>(state_.epoch)).shuffle(order_);
  }

  Batch next_batch() const {
    const Index first = state_.batch * data_.batch, last = first + std::min(data_.batch, data_.examples - first);
    const std::span<const Index> all(order_);
    return {all.subspan(static_cast<std::size_t>(first), static_cast<std::size_t>(last - first)), state_.epoch, state_.batch,
            state_.step, mix(state_.seed, static_cast<std::uint64_t>(state_.step))};
  }

  /// One step; returns what went wrong, and then has changed no parameter.
  std::string step() {
    const Batch batch = next_batch();
    const double loss = shards_.run(batch, registry_);
    nonfinite_ = !std::isfinite(loss);
    if (nonfinite_) return fault(join("the loss is ", loss));
    const double smoothed = std::isnan(state_.smoothed_loss) ? loss : smoothing * state_.smoothed_loss + (1 - smoothing) * loss;
    const double first = std::isnan(state_.first_loss) ? loss : state_.first_loss;
    const double most_rise = (options_.explosion - 1) * std::abs(first);
    if (options_.explosion > 0 && first != 0 && smoothed - first > most_rise)
      return fault(join("the smoothed loss is ", smoothed, ", at first it was ", first));

    const auto update_begins = std::chrono::steady_clock::now();
    const double norm = gradient_norm(registry_);
    nonfinite_ = !std::isfinite(norm);
    if (nonfinite_) return fault(join("the norm of the gradient is ", norm));
    const StepReport report{batch.epoch, batch.index, batch.step, loss, norm};
    if (options_.before_update) options_.before_update(report);
    double clipped = norm, scale = 1;
    if (options_.clip_value > 0) {
      clip_by_value(registry_, options_.clip_value);
      if (options_.clip_norm > 0) clipped = gradient_norm(registry_);
    }
    if (options_.clip_norm > 0 && clipped > options_.clip_norm) scale = options_.clip_norm / clipped;
    optimizer_.set_rate_factor((options_.schedule ? options_.schedule(state_.step) : 1) *
                               (options_.epoch_schedule ? options_.epoch_schedule(state_.epoch) : 1) * state_.plateau.factor);
    optimizer_.step(scale);
    if (options_.profile) {
      update_seconds_ += std::chrono::duration<double>(std::chrono::steady_clock::now() - update_begins).count();
      ++options_.profile->steps;
    }

    const auto count = static_cast<Index>(batch.examples.size());
    state_.loss_sum += loss * static_cast<double>(count);
    state_.examples_seen += count;
    state_.first_loss = first;
    state_.smoothed_loss = smoothed;
    ++state_.batch;
    ++state_.step;
    if (options_.after_step) options_.after_step(report);
    return "";
  }

  std::string fault(const std::string& what) const {
    return join("fit: in epoch ", state_.epoch + 1, ", step ", state_.step + 1, " ", what,
                ": ended, with the parameters before that step");
  }

  /// Whether after_epoch ends the training.
  bool finish_epoch() {
    if (state_.history.empty() && !options_.best.empty()) save_last();  // a `best` without a `last` would be of no training
    EpochReport report{state_.epoch, state_.loss_sum / static_cast<double>(state_.examples_seen),
                       options_.validate ? options_.validate() : std::numeric_limits<double>::quiet_NaN(), false};
    const bool higher = options_.validate && options_.higher_is_better;
    const double metric = options_.validate ? report.validation : report.loss;
    report.best = is_better(metric, state_.best, higher);
    if (report.best) state_.best = metric;
    if (options_.plateau) options_.plateau->observe(state_.plateau, metric);
    state_.history.push_back(report);
    ++state_.epoch;
    state_.batch = 0;
    state_.loss_sum = 0;
    state_.examples_seen = 0;
    if (report.best && !options_.best.empty()) save_best();
    const bool ends = options_.after_epoch && options_.after_epoch(report);
    save_last();  // what after_epoch changed goes with it
    return ends;
  }

  /// What the caller saves with either file.
  Safetensors extra() const {
    Safetensors extra{.tensors = {}, .metadata = options_.metadata};
    if (options_.save) options_.save(extra);
    return extra;
  }

  void save_best() const { save(registry_, options_.best, {.tensors = {}, .metadata = extra().metadata}); }

  void save_last() const {
    if (options_.last.empty()) return;
    Safetensors file = extra();
    state_.put(file);
    save(optimizer_, options_.last, file);
  }

  Optimizer<T>& optimizer_;
  Registry<T>& registry_;
  const DataSet& data_;
  FitOptions options_;
  FitState state_;
  Shards<T> shards_;
  bool nonfinite_ = false;  // the loss or gradient of this step
  double update_seconds_ = 0;
  std::vector<Index> order_;
};

template <class Number>
Tensor<Number> single(Number value) {
  return full<Number>({}, value);
}

}  // namespace

// ---- the state in a file ------------------------------------------------------------------------------------------------------

void FitState::put(Safetensors& file) const {
  const auto add = [&](const std::string& name, const auto& values) { file.tensors["fit:" + name] = from_tensor(values); };
  add("seed", single(seed));
  add("position", tensor<std::int64_t>({5}, {epoch, batch, step, examples_seen, plateau.bad}));
  add("loss", tensor<double>({4}, {loss_sum, first_loss, smoothed_loss, best}));
  add("plateau", tensor<double>({2}, {plateau.factor, plateau.best}));
  Tensor<double> epochs = zeros<double>({static_cast<Index>(history.size()), 3});
  double* to = epochs.data();
  for (const EpochReport& report : history) {
    *to++ = report.loss;
    *to++ = report.validation;
    *to++ = report.best ? 1 : 0;
  }
  add("history", epochs);
}

FitState FitState::from(const Safetensors& file, const std::string& path) {
  FitState state;
  const auto history = file.tensors.find("fit:history");
  if (history == file.tensors.end())
    bad_file("resume: file has no state of a training: must be one that fit() wrote as `last` (", path, ")");
  state.seed = detail::tensor_of<std::uint64_t>(file, "fit:seed", {}, path).data()[0];
  const Tensor<std::int64_t> position = detail::tensor_of<std::int64_t>(file, "fit:position", {5}, path);
  const Tensor<double> loss = detail::tensor_of<double>(file, "fit:loss", {4}, path);
  const Tensor<double> plateau = detail::tensor_of<double>(file, "fit:plateau", {2}, path);
  const auto read = [](const auto& values, auto&... into) {
    const auto* from = values.data();
    ((into = *from++), ...);
  };
  read(position, state.epoch, state.batch, state.step, state.examples_seen, state.plateau.bad);
  read(loss, state.loss_sum, state.first_loss, state.smoothed_loss, state.best);
  read(plateau, state.plateau.factor, state.plateau.best);
  for (Index count : {state.epoch, state.batch, state.step, state.examples_seen, state.plateau.bad})
    if (count < 0) bad_file("resume: file has ", count, " in fit:position: must not be negative (", path, ")");
  const Tensor<double> epochs = detail::tensor_of<double>(file, "fit:history", {state.epoch, 3}, path);
  for (Index i = 0; i < state.epoch; ++i) {
    const double* from = epochs.data() + 3 * i;
    state.history.push_back({i, from[0], from[1], from[2] != 0});
  }
  return state;
}

template <class T>
FitState resume(Optimizer<T>& optimizer, const std::string& path, const std::function<void(const Safetensors&)>& restore) {
  const Safetensors file = read_safetensors(path);
  FitState state = FitState::from(file, path);
  const std::function<void()> assign = detail::take(optimizer, file, path);
  if (restore) restore(file);
  assign();
  return state;
}

template <class T>
FitResult detail::fit(Optimizer<T>& optimizer, const DataSet& data, const LossFunction<T>& loss, const FitOptions& options,
                      FitState state) {
  check(data, options, state);
  return Run<T>(optimizer, data, loss, options, std::move(state)).run();
}

#define CAROUSEL_INSTANTIATE(T)                                                                                       \
  template FitResult detail::fit(Optimizer<T>&, const DataSet&, const LossFunction<T>&, const FitOptions&, FitState); \
  template FitState resume(Optimizer<T>&, const std::string&, const std::function<void(const Safetensors&)>&);
CAROUSEL_INSTANTIATE(float)
CAROUSEL_INSTANTIATE(double)
#undef CAROUSEL_INSTANTIATE

}  // namespace carousel
