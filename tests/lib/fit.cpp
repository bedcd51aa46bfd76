#include <carousel/lib/fit.hpp>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <cstring>
#include <memory>
#include <numeric>
#include <stdexcept>
#include <string>
#include <vector>

#include <doctest/doctest.h>
#include <carousel/lib/checkpoint.hpp>
#include <carousel/lib/random.hpp>
#include <carousel/models/lstm.hpp>
#include <carousel/ops/elementwise.hpp>
#include <carousel/ops/matmul.hpp>
#include <carousel/ops/reduce.hpp>

#include "../allocations.hpp"
#include "folder.hpp"

using namespace carousel;
using test::Folder;

namespace {

/// y = x·(1, −2, 3) + 0.5 from a hundred and three examples, and a linear model of it.
template <class T>
struct Regression {
  static constexpr Index examples = 103, in = 3;
  std::vector<T> xs, ys;
  Registry<T> registry;
  Param<T> w, b;

  Regression()
      : w(registry.parameter("w", {in, 1},
                             [] {
                               return zeros<T>({in, 1});
                             })),
        b(registry.parameter("b", {1}, [] { return zeros<T>({1}); })) {
    Random random(5);
    for (Index i = 0; i < examples; ++i) {
      for (Index j = 0; j < in; ++j) xs.push_back(static_cast<T>(random.normal()));
      const T* x = xs.data() + i * in;
      ys.push_back(x[0] - 2 * x[1] + 3 * x[2] + T(0.5));
    }
  }

  LossFunction<T> loss() const {
    return [this](const Batch& batch, const Shard& shard) -> Var<T> {
      Tape<T>& tape = Tape<T>::active();
      const std::span<const Index> mine = shard.of(batch.examples);
      const auto count = static_cast<Index>(mine.size());
      const Var<T> x = tape.constant(Shape{count, in}), y = tape.constant(Shape{count, 1});
      for (Index i = 0; i < count; ++i) {
        const Index example = mine[static_cast<std::size_t>(i)];
        std::copy_n(xs.data() + example * in, in, tape.data(x) + i * in);
        tape.data(y)[i] = ys[static_cast<std::size_t>(example)];
      }
      return sum(square(affine(x, w, b) - y)) / batch.examples.size();
    };
  }
  DataSet data(Index batch = 20) const { return {.examples = examples, .batch = batch}; }
};

/// An LSTM that is to remember the first of six signs; sequence n is the six lowest bits of n.
struct Remembered {
  static constexpr Index examples = 64, steps = 6;
  Registry<float> registry;
  Random random{3};
  Lstm<float> lstm;
  Param<float> w;

  Remembered()
      : lstm(Scope<float>(registry, random) / "lstm", 1, 8),
        w(Scope<float>(registry, random).parameter("w", {8, 1}, init::xavier_uniform<float>())) {}

  LossFunction<float> loss() const {
    return [this](const Batch& batch, const Shard& shard) -> Var<float> {
      Tape<float>& tape = Tape<float>::active();
      const std::span<const Index> mine = shard.of(batch.examples);
      const auto count = static_cast<Index>(mine.size());
      const Var<float> xs = tape.constant(Shape{steps, count, 1}), y = tape.constant(Shape{count, 1});
      for (Index t = 0; t < steps; ++t)
        for (Index i = 0; i < count; ++i)
          tape.data(xs)[t * count + i] = (mine[static_cast<std::size_t>(i)] >> t & 1) ? 1.f : -1.f;
      std::copy_n(tape.data(xs), count, tape.data(y));
      const auto run = scan(lstm, xs);
      return sum(square(affine(run.state.h, w) - y)) / batch.examples.size();
    };
  }
};

template <class T>
std::vector<T> values(const Registry<T>& registry) {
  std::vector<T> all;
  for (const Parameter<T>& p : registry) all.insert(all.end(), p.value.data(), p.value.data() + p.value.size());
  return all;
}

template <class T>
bool same_bits(const std::vector<T>& a, const std::vector<T>& b) {
  return a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size() * sizeof(T)) == 0;
}

/// What an LSTM becomes in 3 epochs.
std::vector<float> trained(const FitOptions& options) {
  Remembered memory;
  Adam<float> adam(memory.registry, {.rate = 0.01});
  FitOptions three = options;
  three.epochs = 3;
  fit(adam, {.examples = Remembered::examples, .batch = 24}, memory.loss(), three);
  return values(memory.registry);
}

}  // namespace

TEST_CASE("a linear regression finds its weights") {
  Regression<double> model;
  Adam<double> adam(model.registry, {.rate = 0.1});
  const FitResult result =
      fit(adam, model.data(), model.loss(), {.epochs = 100, .epoch_schedule = ExponentialDecay{.factor = 0.95}});
  CHECK(result.ended == Ended::finished);
  CHECK(result.note.empty());
  CHECK(result.state.history.size() == 100);
  CHECK(result.state.step == 600);
  CHECK(result.state.history.front().loss > 5);
  CHECK(result.state.history.back().loss < 1e-6);
  const double expected[] = {1, -2, 3};
  for (int i = 0; i < 3; ++i) CHECK(model.w->value.data()[i] == doctest::Approx(expected[i]).epsilon(1e-3));
  CHECK(model.b->value.data()[0] == doctest::Approx(0.5).epsilon(1e-3));
}

TEST_CASE("an LSTM learns to remember") {
  Remembered memory;
  Adam<float> adam(memory.registry, {.rate = 0.02});
  const FitResult result =
      fit(adam, {.examples = Remembered::examples, .batch = 16}, memory.loss(), {.epochs = 60, .clip_norm = 1});
  CHECK(result.state.history.front().loss > 0.5);
  CHECK(result.state.history.back().loss < 0.01);
}

TEST_CASE("the same number of parts gives the same bits at any number of threads, run after run") {
  const std::vector<float> two = trained({.shards = 2});
  CHECK(same_bits(two, trained({.shards = 2})));
  CHECK(same_bits(two, trained({.shards = 2, .threads = 2})));
  CHECK(same_bits(two, trained({.shards = 2, .threads = 8})));
  const std::vector<float> six = trained({.shards = 3, .accumulate = 2});
  CHECK(same_bits(six, trained({.shards = 3, .threads = 2, .accumulate = 2})));
  CHECK(same_bits(trained({}), trained({})));
  CHECK_FALSE(same_bits(trained({}), trained({.seed = 1})));
}

TEST_CASE("the parts of a batch add up to the batch, the short last one too") {
  Regression<double> whole;
  Sgd<double> sgd(whole.registry, {.rate = 0.05});
  const FitResult expected = fit(sgd, whole.data(), whole.loss(), {.epochs = 2});
  for (int shards : {2, 3, 5})
    for (int accumulate : {1, 2}) {
      Regression<double> parts;
      Sgd<double> optimizer(parts.registry, {.rate = 0.05});
      const FitResult result =
          fit(optimizer, parts.data(), parts.loss(), {.epochs = 2, .shards = shards, .accumulate = accumulate});
      CHECK(result.state.step == 12);
      CHECK(result.state.history.back().loss == doctest::Approx(expected.state.history.back().loss).epsilon(1e-13));
      const std::vector<double> a = values(whole.registry), b = values(parts.registry);
      for (std::size_t i = 0; i < a.size(); ++i) CHECK(b[i] == doctest::Approx(a[i]).epsilon(1e-13));
    }
}

TEST_CASE("parts without an example are left out") {
  Regression<double> model;
  Sgd<double> sgd(model.registry, {.rate = 0.01});
  int calls = 0;
  const auto loss = [&](const Batch& batch, const Shard& shard) -> Var<double> {
    ++calls;
    CHECK_FALSE(shard.of(batch.examples).empty());
    CHECK(shard.count == 4);
    return model.loss()(batch, shard);
  };
  fit(sgd, {.examples = 7, .batch = 5}, loss, {.shards = 4});
  CHECK(calls == 4 + 2);
}

TEST_CASE("a part's share of a row is what lies between its first and its last") {
  std::vector<int> all(11);
  std::iota(all.begin(), all.end(), 0);
  std::vector<int> joined;
  for (Index i = 0; i < 4; ++i) {
    const std::span<int> part = Shard{i, 4}.of(std::span(all));
    CHECK((part.size() == 2 || part.size() == 3));
    joined.insert(joined.end(), part.begin(), part.end());
  }
  CHECK(joined == all);
}

TEST_CASE("each epoch takes every example once, in an order that the seed decides") {
  Regression<double> model;
  const auto orders = [&](const DataSet& data, std::uint64_t seed) {
    Sgd<double> sgd(model.registry, {.rate = 0});
    std::vector<std::vector<Index>> epochs(2);
    std::vector<std::uint64_t> keys;
    const auto loss = [&](const Batch& batch, const Shard& shard) {
      std::vector<Index>& epoch = epochs[static_cast<std::size_t>(batch.epoch)];
      CHECK(batch.index * data.batch == static_cast<Index>(epoch.size()));
      CHECK(batch.step == static_cast<Index>(keys.size()));
      epoch.insert(epoch.end(), batch.examples.begin(), batch.examples.end());
      keys.push_back(batch.key);
      return model.loss()(batch, shard);
    };
    fit(sgd, data, loss, {.epochs = 2, .seed = seed});
    std::sort(keys.begin(), keys.end());
    CHECK(std::adjacent_find(keys.begin(), keys.end()) == keys.end());
    return epochs;
  };
  const auto sorted = [](std::vector<Index> v) {
    std::sort(v.begin(), v.end());
    return v;
  };
  std::vector<Index> all(103);
  std::iota(all.begin(), all.end(), Index{0});
  const auto shuffled = orders({.examples = 103, .batch = 20}, 1);
  CHECK(sorted(shuffled[0]) == all);
  CHECK(sorted(shuffled[1]) == all);
  CHECK(shuffled[0] != all);
  CHECK(shuffled[0] != shuffled[1]);
  CHECK(orders({.examples = 103, .batch = 20}, 1) == shuffled);
  CHECK(orders({.examples = 103, .batch = 20}, 2) != shuffled);
  CHECK(orders({.examples = 103, .batch = 20, .shuffle = false}, 1) == std::vector(2, all));
  CHECK(orders({.examples = 103, .batch = 20, .drop_last = true}, 1)[0].size() == 100);
}

namespace {

/// A parameter that a rate of 1 lowers by the gradient, which is `slope`.
struct Slope {
  Registry<double> registry;
  Param<double> p;
  double slope = 1;
  std::vector<double> steps = {};  // how far each step went
  double before = 0;

  Slope() : p(registry.parameter("p", {2}, [] { return zeros<double>({2}); })) {}
  LossFunction<double> loss() {
    return [this](const Batch&, const Shard&) -> Var<double> { return sum(p * slope); };
  }
  std::function<void(const StepReport&)> recorder() {
    return [this](const StepReport&) {
      steps.push_back(before - p->value.data()[0]);
      before = p->value.data()[0];
    };
  }
};

using Steps = std::vector<double>;

}  // namespace

TEST_CASE("schedules by step and by epoch multiply") {
  Slope model;
  Sgd<double> sgd(model.registry, {.rate = 1});
  fit(sgd, {.examples = 3}, model.loss(),
      {.epochs = 2, .schedule = WarmUp{.steps = 4}, .epoch_schedule = StepDecay{.factor = 0.5}, .after_step = model.recorder()});
  CHECK(model.steps == Steps{0.25, 0.5, 0.75, 0.5, 0.5, 0.5});
}

TEST_CASE("on a plateau of the validation the rate falls") {
  Slope model;
  Sgd<double> sgd(model.registry, {.rate = 1});
  const double accuracy[] = {0.5, 0.6, 0.6, 0.6, 0.7, 0.6};
  const double* next = accuracy;
  FitOptions options{
      .epochs = 6, .plateau = Plateau{.factor = 0.5, .patience = 1}, .higher_is_better = true, .after_step = model.recorder()};
  options.validate = [&] { return *next++; };
  const FitResult result = fit(sgd, {.examples = 1}, model.loss(), options);
  CHECK(model.steps == Steps{1, 1, 1, 1, 0.5, 0.5});
  CHECK(result.state.best == 0.7);
  std::vector<bool> best;
  for (const EpochReport& epoch : result.state.history) best.push_back(epoch.best);
  CHECK(best == std::vector{true, true, false, false, true, false});
}

TEST_CASE("gradients are clipped by value, then by norm, and reported as they were") {
  const auto first_step = [](const FitOptions& options, double slope) {
    Slope model;
    model.slope = slope;
    Sgd<double> sgd(model.registry, {.rate = 1});
    FitOptions with = options;
    with.before_update = [&](const StepReport& report) {
      CHECK(report.gradient_norm == doctest::Approx(gradient_norm(model.registry)).epsilon(1e-15));
      CHECK(model.p->value.data()[0] == 0);
    };
    with.after_step = [&](const StepReport& report) {
      CHECK(report.gradient_norm == doctest::Approx(slope * std::sqrt(2.)).epsilon(1e-15));
    };
    fit(sgd, {.examples = 1}, model.loss(), with);
    return -model.p->value.data()[0];
  };
  CHECK(first_step({}, 8) == 8);
  CHECK(first_step({.clip_value = 2}, 8) == 2);
  CHECK(first_step({.clip_norm = 3}, 8) == doctest::Approx(3 / std::sqrt(2.)).epsilon(1e-15));
  CHECK(first_step({.clip_norm = 300}, 8) == 8);
  CHECK(first_step({.clip_value = 2, .clip_norm = 3}, 8) == 2);
  CHECK(first_step({.clip_value = 2, .clip_norm = 1}, 8) == doctest::Approx(1 / std::sqrt(2.)).epsilon(1e-15));
}

TEST_CASE("a loss that is not a number ends the training before it does harm, and saves what was there before it") {
  const Folder folder;
  const double bad_numbers[] = {std::nan(""), INFINITY};
  for (const double bad : bad_numbers) {
    Slope model;
    Sgd<double> sgd(model.registry, {.rate = 1});
    const auto loss = [&](const Batch& batch, const Shard&) -> Var<double> {
      return sum(model.p * 1.0) + (batch.step == 4 ? bad : 0.0);
    };
    const FitResult result = fit(sgd, {.examples = 3}, loss, {.epochs = 5, .best = folder / "best", .last = folder / "last"});
    CHECK(result.ended == Ended::exploded);
    CHECK(result.note == std::string("fit: the loss is ") + (std::isnan(bad) ? "nan" : "inf") +
                             " in epoch 2, step 5: ended, with the parameters before that step");
    CHECK(model.p->value.data()[0] == -4);
    CHECK_FALSE(model.p->has_gradient);
    CHECK(result.state.history.size() == 1);
    CHECK(resume(sgd, folder / "last").step == 4);
    CHECK(model.p->value.data()[0] == -4);
    load(model.registry, folder / "best");
    CHECK(model.p->value.data()[0] == -3);
  }
}

TEST_CASE("a gradient that is not finite ends the training too") {
  Slope model;
  Sgd<double> sgd(model.registry, {.rate = 1});
  const auto loss = [&](const Batch&, const Shard&) -> Var<double> { return sum(sqrt(model.p * model.p)); };  // 0/0 at 0
  const FitResult result = fit(sgd, {.examples = 1}, loss, {.clip_value = 5});
  CHECK(result.ended == Ended::exploded);
  CHECK(result.note == "fit: the norm of the gradient is nan in epoch 1, step 1: ended, with the parameters before that step");
  CHECK(result.nonfinite);
  CHECK(model.p->value.data()[0] == 0);
}

TEST_CASE("a training that traces says where what is not finite began, in whichever part") {
  const auto run = [](double most, int shards) {
    Slope model;
    Sgd<double> sgd(model.registry, {.rate = 1});
    const auto loss = [&](const Batch&, const Shard& shard) -> Var<double> {
      const Var<double> x = Tape<double>::active().variable(full<double>({1}, shard.index + 1 == shards ? most : 0));
      const Var<double> y = exp(x);
      return sum(model.p * 0.0) + sum(y);
    };
    return fit(sgd, {.examples = 4, .batch = 4}, loss, {.shards = shards, .threads = shards, .trace_nonfinite = true});
  };
  for (const int shards : {1, 2}) {
    CAPTURE(shards);
    const FitResult result = run(1000, shards);
    CHECK(result.ended == Ended::exploded);
    CHECK(result.note ==
          "fit: the loss is inf in epoch 1, step 1: ended, with the parameters before that step\n"
          "forward: exp(%0) is inf at [0] of [1]\n"
          "  %0 is 1000 at [0] of [1]: variable");
    CHECK(run(1, shards).note.empty());
  }
}

TEST_CASE("a loss that grows beyond what it was ends the training where that is asked for") {
  const auto run = [](double explosion, double spike, double usual = 2) {
    Slope model;
    Sgd<double> sgd(model.registry, {.rate = 0});
    const auto loss = [&](const Batch& batch, const Shard&) -> Var<double> {
      return sum(model.p * 1.0) + (batch.step == 2 ? spike : usual);
    };
    return fit(sgd, {.examples = 10}, loss, {.explosion = explosion});
  };
  CHECK(run(3, 40).ended == Ended::finished);  // 0.9·2 + 0.1·40 is less than 3·2
  CHECK(run(0, 1e30).ended == Ended::finished);
  CHECK(run(3, -1, -2).ended == Ended::finished);  // a density's loss may be negative
  CHECK(run(3, 60, -2).ended == Ended::exploded);
  CHECK(run(3, 1, 0).ended == Ended::finished);
  const FitResult result = run(3, 60);
  CHECK(result.ended == Ended::exploded);
  CHECK(result.note ==
        "fit: the smoothed loss is 7.8, at first it was 2 in epoch 1, step 3: ended, with the parameters before that step");
}

TEST_CASE("whoever watches an epoch may end the training") {
  Slope model;
  Sgd<double> sgd(model.registry, {.rate = 1});
  FitOptions options{.epochs = 10};
  std::vector<Index> seen;
  options.after_epoch = [&](const EpochReport& report) {
    seen.push_back(report.epoch);
    CHECK(std::isnan(report.validation));
    CHECK(report.loss == -4 * static_cast<double>(report.epoch) - 1);  // p falls by 1 a step: −4e and −4e − 2 are the sums
    return report.epoch == 2;
  };
  const FitResult result = fit(sgd, {.examples = 2}, model.loss(), options);
  CHECK(result.ended == Ended::stopped);
  CHECK(seen == std::vector<Index>{0, 1, 2});
  CHECK(result.state.epoch == 3);
  CHECK(result.state.best == -9);
}

TEST_CASE("the best file has the parameters of the best epoch, and the metadata") {
  const Folder folder;
  Slope model;
  Sgd<double> sgd(model.registry, {.rate = 1});
  const double validation[] = {3, 1, 2};
  const double* next = validation;
  FitOptions options{.epochs = 3, .best = folder / "best", .metadata = {{"cell", "lstm"}}};
  options.validate = [&] { return *next++; };
  fit(sgd, {.examples = 1}, model.loss(), options);
  CHECK(model.p->value.data()[0] == -3);
  const Safetensors file = load(model.registry, folder / "best");
  CHECK(model.p->value.data()[0] == -2);
  CHECK(file.metadata.at("cell") == "lstm");
  CHECK(file.tensors.size() == 1);
}

TEST_CASE_TEMPLATE("4 epochs, a file, and 6 more in new objects are 10 epochs, bit for bit", T, float, double) {
  const Folder folder;
  FitOptions options{.epochs = 10,
                     .clip_norm = 1,
                     .schedule = WarmUp{.steps = 30},
                     .plateau = Plateau{.factor = 0.5, .patience = 0},
                     .shards = 2};
  Regression<T> straight;
  Adam<T> adam(straight.registry, {.rate = 0.3});
  const FitResult expected = fit(adam, straight.data(), straight.loss(), options);
  CHECK(expected.state.plateau.factor < 1);

  options.last = folder / "last.safetensors";
  {
    Regression<T> first;
    Adam<T> optimizer(first.registry, {.rate = 0.3});
    options.epochs = 4;
    fit(optimizer, first.data(), first.loss(), options);
  }
  Regression<T> second;
  Adam<T> optimizer(second.registry, {.rate = 0.3});
  options.epochs = 10;
  const FitResult result = fit(optimizer, second.data(), second.loss(), options, resume(optimizer, options.last));
  CHECK(same_bits(values(straight.registry), values(second.registry)));
  CHECK(result.state.step == expected.state.step);
  CHECK(result.state.plateau == expected.state.plateau);
  CHECK(result.state.history.size() == 10);
  for (std::size_t i = 0; i < 10; ++i) CHECK(result.state.history[i].loss == expected.state.history[i].loss);
}

TEST_CASE("an interrupted training finishes its step, saves, and goes on from there bit for bit") {
  const Folder folder;
  Regression<float> straight;
  RmsProp<float> rmsprop(straight.registry, {.rate = 0.01});
  const FitResult expected = fit(rmsprop, straight.data(), straight.loss(), {.epochs = 4});

  std::atomic<bool> stop{false};
  double extra = 0;
  FitOptions options{.epochs = 4, .stop = &stop, .last = folder / "last"};
  options.after_step = [&](const StepReport& report) { stop = report.step == 8; };  // the third of the second epoch
  options.save = [](Safetensors& file) { file.tensors["task:extra"] = from_tensor(full<double>({}, 42)); };
  Regression<float> first;
  RmsProp<float> one(first.registry, {.rate = 0.01});
  const FitResult interrupted = fit(one, first.data(), first.loss(), options);
  CHECK(interrupted.ended == Ended::interrupted);
  CHECK(interrupted.state.step == 9);
  CHECK(interrupted.state.batch == 3);

  stop = false;
  Regression<float> second;
  RmsProp<float> two(second.registry, {.rate = 0.01});
  const FitState state = resume(two, options.last, [&](const Safetensors& file) {
    CHECK(second.w->version == 0);
    extra = to_tensor<double>(file.tensors.at("task:extra"), "").data()[0];
  });
  CHECK(extra == 42);
  const FitResult result = fit(two, second.data(), second.loss(), {.epochs = 4}, state);
  CHECK(same_bits(values(straight.registry), values(second.registry)));
  CHECK(result.state.history[1].loss == expected.state.history[1].loss);

  stop = true;  // before the first step
  Regression<float> third;
  RmsProp<float> three(third.registry);
  CHECK(fit(three, third.data(), third.loss(), options).state.step == 0);
  CHECK(third.w->version == 0);
}

TEST_CASE("a state in a file keeps every bit, and a file without one is refused") {
  const Folder folder;
  FitState state{
      .seed = 0xffffffffffffffff, .epoch = 2, .batch = 3, .step = 17, .loss_sum = 0.1, .examples_seen = 60, .first_loss = 1e-300};
  state.plateau = {0.25, -3, 2};
  state.history = {{0, 0.5, std::nan(""), true}, {1, 0.25, 7, false}};
  Safetensors file;
  state.put(file);
  write_safetensors(folder / "f", file);
  const FitState back = FitState::from(read_safetensors(folder / "f"), "f");
  Safetensors again;
  back.put(again);
  CHECK(again == file);
  CHECK(back.seed == state.seed);
  CHECK(back.history[1].validation == 7);
  CHECK(back.plateau == state.plateau);

  Slope model;
  Sgd<double> sgd(model.registry);
  save(sgd, folder / "f");
  CHECK_THROWS_WITH_AS(
      resume(sgd, folder / "f"),
      ("resume: file has no state of a training: must be one that fit() wrote as `last` (" + (folder / "f") + ")").c_str(),
      std::runtime_error);
  file.tensors["fit:position"] = from_tensor(tensor<std::int64_t>({5}, {2, 3, -17, 60, 2}));
  CHECK_THROWS_WITH_AS(FitState::from(file, "f"), "resume: file has -17 in fit:position: must not be negative (f)",
                       std::runtime_error);
  state.epoch = 5;
  state.put(file);
  CHECK_THROWS_WITH_AS(FitState::from(file, "f"), "load: file has fit:history [2, 3], the model wants [5, 3] (f)",
                       std::runtime_error);
}

TEST_CASE("options that can not be are refused, and states of other trainings") {
  Slope model;
  Sgd<double> sgd(model.registry);
  const auto run = [&](const DataSet& data, const FitOptions& options, const FitState& state = {}) {
    fit(sgd, data, model.loss(), options, state);
  };
  CHECK_THROWS_WITH_AS(run({.examples = 0}, {}), "fit: 0 examples in batches of 1: must make at least one batch",
                       std::invalid_argument);
  CHECK_THROWS_WITH_AS(run({.examples = 5, .batch = 6, .drop_last = true}, {}),
                       "fit: 5 examples in batches of 6: must make at least one batch", std::invalid_argument);
  CHECK_THROWS_WITH_AS(run({.examples = 5, .batch = 0}, {}), "fit: batch is 0: must be at least 1", std::invalid_argument);
  CHECK_THROWS_WITH_AS(run({.examples = 5}, {.shards = 0}), "fit: shards is 0: must be at least 1", std::invalid_argument);
  CHECK_THROWS_WITH_AS(run({.examples = 5}, {.clip_norm = -1}), "fit: clip_norm is -1: must not be negative",
                       std::invalid_argument);
  CHECK_THROWS_WITH_AS(run({.examples = 5}, {.seed = 2}, {.seed = 1, .step = 3}),
                       "fit: the state is of seed 1, seed is 2: must be the same", std::invalid_argument);
  CHECK_THROWS_WITH_AS(run({.examples = 5}, {}, {.batch = 6, .step = 3}),
                       "fit: the state stands before batch 6, an epoch has 5: must be of the same data", std::invalid_argument);
}

TEST_CASE("what a loss function throws reaches the caller from any thread, and the caller's tape stays active") {
  Regression<double> model;
  Sgd<double> sgd(model.registry);
  Tape<double> mine;
  const auto loss = [&](const Batch& batch, const Shard& shard) -> Var<double> {
    if (shard.index == 1) throw std::runtime_error("no such data");
    return model.loss()(batch, shard);
  };
  CHECK_THROWS_WITH_AS(fit(sgd, model.data(), loss, {.shards = 2, .threads = 2}), "no such data", std::runtime_error);
  CHECK(&Tape<double>::active() == &mine);
  fit(sgd, model.data(), model.loss(), {.shards = 2, .threads = 2});
  CHECK(&Tape<double>::active() == &mine);
}

TEST_CASE("training takes nothing from the heap once it is warm, in one part or several") {
  for (int parts : {1, 2})
    for (double clip : {0.0, 1.0}) {
      Remembered memory;
      AdamW<float> adam(memory.registry);
      std::vector<std::uint64_t> counts(3 * Remembered::examples);
      fit(adam, {.examples = Remembered::examples, .batch = 8, .shuffle = true}, memory.loss(),
          {.epochs = 3,
           .clip_value = clip,
           .clip_norm = clip,
           .schedule = CosineDecay{.steps = 100},
           .shards = parts,
           .after_step = [&](const StepReport& report) { counts[static_cast<std::size_t>(report.step)] = allocations(); }});
      CHECK(counts[7] == counts[3]);
      CHECK(counts[23] == counts[17]);
    }
}
