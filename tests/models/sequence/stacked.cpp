#include <carousel/models/sequence/stacked.hpp>

#include <cmath>
#include <stdexcept>

#include <doctest/doctest.h>

#include <carousel/models/cells/gru.hpp>
#include <carousel/models/cells/lstm.hpp>
#include <carousel/models/sequence/zoneout.hpp>

#include "tests/models/sequences.hpp"

using namespace carousel;

namespace {

using V = Var<double>;

template <class T>
Stacked<AnyCell<T>> stacked_by_name(const std::string& name, Registry<T>& registry, Index layers, double dropout = 0) {
  Random random(3);
  std::vector<AnyCell<T>> cells;
  for (Index layer = 0; layer < layers; ++layer)
    cells.push_back(make_cell<T>(name, Scope(registry, random) / std::to_string(layer), layer == 0 ? 3 : 4, 4, lively<T>()));
  return Stacked<AnyCell<T>>(cells, dropout);
}

/// One step at a time, recorded.
template <class Model>
auto by_steps(const Model& model, const ScanOptions& options = {}) {
  return [&model, options](auto xs, auto state) {
    using State = decltype(state);
    std::vector<InputOf<Model>> outputs;
    for (Index t = 0; t < xs.shape()[0]; ++t) {
      state = step(model, at(xs, 0, t), state, detail::key_at(options.key, t));
      outputs.push_back(output(state));
    }
    return Scanned<State>{stack(std::span<const InputOf<Model>>(outputs)), state};
  };
}

}  // namespace

TEST_CASE("layers are scans of scans") {
  Registry<double> registry;
  Random random(3);
  const Stacked<Lstm<double>> model(Scope(registry, random) / "net", 3, 4, {.layers = 2}, lively<double>());
  CHECK(registry.at("net/0/wx").shape() == Shape{3, 16});
  CHECK(registry.at("net/1/wx").shape() == Shape{4, 16});
  CHECK(model.size() == 2);
  const Given<double> given = given_for(model, 5, 2, 3, 7);
  const Results<double> together = results_of(model, registry, given);
  const Results<double> apart = results_by(model, registry, given, [&](V xs, Stacked<Lstm<double>>::State start) {
    auto [below, first] = scan(model[0], xs, start[0]);
    auto [outputs, second] = scan(model[1], below, start[1]);
    start[0] = first, start[1] = second;
    return Scanned<Stacked<Lstm<double>>::State>{outputs, start};
  });
  CHECK(same_bits(together.all(), apart.all()));
}

TEST_CASE("stacked layers step by step are those of the whole sequence, noise included") {
  for (const std::string& name : all_cells())
    for (const double dropout : {0.0, 0.4}) {
      CAPTURE(name);
      CAPTURE(dropout);
      Registry<double> registry;
      const auto model = stacked_by_name(name, registry, 3, dropout);
      const Given<double> given = given_for(model, 6, 4, 3, 7);
      const ScanOptions options{.key = DropoutKey{.seed = 9, .step = 9, .first_time = 3, .first_example = 5}};
      const Results<double> whole = results_of(model, registry, given, options),
                            steps = results_by(model, registry, given, by_steps(model, options));
      CHECK(same_bits(whole.outputs, steps.outputs));
      CHECK(same_bits(whole.state, steps.state));
      const auto a = whole.all(), b = steps.all();
      for (std::size_t i = 0; i < a.size(); ++i) CHECK(difference(a[i], b[i]) < 1e-13);
    }
}

TEST_CASE("a ragged batch of stacked layers is its examples, noise included") {
  Random lengths_of(5);
  const auto check = [&]<class T>(T tolerance) {
    for (const std::string name : {"lstm", "gru", "rnn-tanh"})
      for (const bool reverse : {false, true})
        for (const bool training : {false, true}) {
          CAPTURE(name);
          CAPTURE(reverse);
          CAPTURE(training);
          Registry<T> registry;
          const auto model = stacked_by_name(name, registry, 2, 0.5);
          std::vector<Index> lengths{1, 8, 0, 1 + lengths_of.below(8), 1 + lengths_of.below(8)};
          lengths_of.shuffle(lengths);
          ScanOptions options{.reverse = reverse};
          if (training) options.key = DropoutKey{.seed = 17, .first_example = 3};
          CHECK(raggedness(model, registry, given_for(model, 8, 5, 3, 9), lengths, options) < tolerance);
        }
  };
  check(1e-12);
  check(1e-5F);
}

TEST_CASE("gradients of stacked layers with dropout") {
  Registry<double> registry;
  Random random(3);
  const Stacked<Gru<double>> model(Scope(registry, random), 2, 3, {.layers = 2, .dropout = 0.3}, lively<double>());
  const Given<double> given = given_for(model, 4, 3, 2, 7);
  const std::vector<Index> lengths{4, 1, 2};
  for (const bool reverse : {false, true}) {
    const GradcheckResult checked =
        check_gradients(model, registry, given, {.lengths = lengths, .reverse = reverse, .key = DropoutKey{.seed = 5}});
    CHECK_MESSAGE(checked.passed, checked.worst().describe());
  }
}

TEST_CASE("dropout between layers: in training only, at its rate, other masks for other keys, steps and examples") {
  Registry<float> registry;
  Random random(3);
  // The upper layer passes its input on: what it gets can be seen.
  struct Through {
    using State = Var<float>;
    State start(Index batch) const { return zero_state<float>(batch, 50); }
    State operator()(Var<float> x, State) const { return x; }
  };
  const Stacked<Through> model({Through(), Through()}, 0.25);
  Tape<float> tape;
  const Var<float> ones = tape.constant(full<float>({40, 10, 50}, 1));
  const auto outputs = [&](const ScanOptions& options) { return scan(model, ones, options).outputs.value(); };
  CHECK(same_bits(outputs({}), full<float>({40, 10, 50}, 1)));
  const Tensor<float> seen = outputs({.key = DropoutKey{.step = 1}});
  double sum = 0, kept = 0;
  for (const float y : seen) {
    CHECK((y == 0 || y == 1 / 0.75F));
    sum += static_cast<double>(y);
    kept += y > 0;
  }
  const double n = 20000;
  CHECK(std::abs(kept / n - 0.75) < 4 * std::sqrt(0.25 * 0.75 / n));
  CHECK(sum / n == doctest::Approx(1).epsilon(0.02));
  CHECK(same_bits(seen, outputs({.key = DropoutKey{.step = 1}})));
  const auto agreement = [&](const Tensor<float>& a, Index from_a, const Tensor<float>& b, Index from_b, Index count) {
    double same = 0;
    for (Index i = 0; i < count; ++i) same += a.data()[from_a + i] == b.data()[from_b + i];
    return same / static_cast<double>(count);
  };
  const double by_chance = 0.25 * 0.25 + 0.75 * 0.75;
  CHECK(std::abs(agreement(seen, 0, outputs({.key = DropoutKey{.step = 2}}), 0, 20000) - by_chance) < 0.02);
  CHECK(std::abs(agreement(seen, 0, seen, 500, 19500) - by_chance) < 0.02);  // the next step
  CHECK(std::abs(agreement(seen, 0, seen, 50, 19950) - by_chance) < 0.02);   // the next example
  CHECK(agreement(seen, 50, outputs({.key = DropoutKey{.step = 1, .first_example = 1}}), 0, 450) == 1);
}

TEST_CASE("what Stacked says of wrong arguments") {
  Registry<double> registry;
  Random random(3);
  const Scope scope(registry, random);
  using Model = Stacked<Gru<double>>;
  CHECK_THROWS_WITH_AS(Model(scope, 3, 4, {.layers = 0}), "Stacked: 0 layers: must be at least 1", std::invalid_argument);
  CHECK_THROWS_WITH_AS(Model(scope, 3, 4, {.layers = 2, .dropout = 1}), "Stacked: dropout 1: must be at least 0 and less than 1",
                       std::invalid_argument);
  CHECK_THROWS_WITH_AS(Model(std::vector<Gru<double>>()), "Stacked: 0 layers: must be at least 1", std::invalid_argument);
  const Model model(scope, 3, 4, {.layers = 2});
  Tape<double> tape;
  const V xs = tape.constant(zeros<double>({5, 2, 3}));
  CHECK_THROWS_WITH_AS(scan(model, xs, Model::State(3)), "scan: a state of 3 layers: this model has 2", std::invalid_argument);
  CHECK_THROWS_WITH_AS(step(model, at(xs, 0, 0), Model::State(1)), "Stacked: a state of 1 layers: this model has 2",
                       std::invalid_argument);
}
