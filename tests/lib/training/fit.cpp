#include <carousel/lib/training/fit.hpp>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <stdexcept>
#include <utility>
#include <vector>

#include <doctest/doctest.h>
#include <carousel/lib/numbers/random.hpp>
#include <carousel/lib/training/checkpoint.hpp>
#include <carousel/lib/training/clip.hpp>
#include <carousel/models/cells/lstm.hpp>
#include <carousel/ops/elementwise.hpp>
#include <carousel/ops/matmul.hpp>
#include <carousel/ops/reduce.hpp>

#include "tests/lib/training/trainings.hpp"
#include "tests/support/allocations.hpp"

using namespace carousel;
using test::Regression;
using test::same_bits;
using test::Slope;
using test::values;

namespace {

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

TEST_CASE("a batch as large as a number can be is all examples at once") {
  constexpr Index largest = std::numeric_limits<Index>::max();
  CHECK(DataSet{.examples = 10, .batch = largest}.batches() == 1);
  CHECK(DataSet{.examples = 10, .batch = largest, .drop_last = true}.batches() == 0);
  CHECK(DataSet{.examples = largest, .batch = 2}.batches() == largest / 2 + 1);
  CHECK(DataSet{.examples = 10, .batch = 5}.batches() == 2);
  CHECK(DataSet{.examples = 11, .batch = 5}.batches() == 3);
  CHECK(DataSet{.examples = 11, .batch = 5, .drop_last = true}.batches() == 2);
  Regression<double> one, all;
  for (auto [model, batch] : {std::pair(&one, largest), std::pair(&all, Regression<double>::examples)}) {
    Sgd<double> sgd(model->registry, {.rate = 0.1});
    CHECK(fit(sgd, model->data(batch), model->loss(), {.epochs = 2}).state.step == 2);
  }
  CHECK(same_bits(values(one.registry), values(all.registry)));
}

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

TEST_CASE("schedules by step and by epoch multiply") {
  Slope model;
  Sgd<double> sgd(model.registry, {.rate = 1});
  fit(sgd, {.examples = 3}, model.loss(),
      {.epochs = 2, .schedule = WarmUp{.steps = 4}, .epoch_schedule = StepDecay{.factor = 0.5}, .after_step = model.recorder()});
  CHECK(model.steps == std::vector<double>{0.25, 0.5, 0.75, 0.5, 0.5, 0.5});
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
  CHECK(model.steps == std::vector<double>{1, 1, 1, 1, 0.5, 0.5});
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

TEST_CASE("options that cannot be are refused, and states of other trainings") {
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
