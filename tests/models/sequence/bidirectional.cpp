#include <carousel/models/sequence/bidirectional.hpp>

#include <stdexcept>

#include <doctest/doctest.h>

#include <carousel/models/cells/gru.hpp>
#include <carousel/models/cells/lstm.hpp>
#include <carousel/models/layers/linear.hpp>
#include <carousel/models/sequence/stacked.hpp>
#include <carousel/models/sequence/zoneout.hpp>

#include "tests/models/sequences.hpp"

using namespace carousel;

namespace {

using V = Var<double>;

template <class T>
Bidirectional<AnyCell<T>> both_ways(const std::string& name, Scope<T> p, Index in, Index hidden) {
  return {make_cell<T>(name, p / "forward", in, hidden, lively<T>()), make_cell<T>(name, p / "backward", in, hidden, lively<T>()),
          2 * hidden};
}

/// An LSTM whose output is a projection of h to fewer features. Sak, Senior, Beaufays 2014, arXiv:1402.1128.
template <class T>
struct Projected {
  using State = LstmState<T>;  // h: [batch, outputs];  c: [batch, hidden]
  Lstm<T> lstm;
  Linear<T> back, out;
  Index outputs;

  Projected(Scope<T> p, Index in, Index hidden, Index features)
      : lstm(p / "lstm", in, hidden, lively<T>()),
        back(p / "back", features, hidden),
        out(p / "out", hidden, features),
        outputs(features) {}
  State start(Index batch) const { return {zero_state<T>(batch, outputs), zero_state<T>(batch, lstm.gates.hidden)}; }
  State operator()(Var<T> x, State s) const {
    const State next = lstm(x, {back(s.h), s.c});
    return {out(next.h), next.c};
  }
};

}  // namespace

TEST_CASE("a cell with fewer outputs than units: each wrapper asks it how many") {
  Registry<double> registry;
  Random random(3);
  const Scope scope(registry, random);
  using Cell = Projected<double>;
  Tape<double> tape;
  const V xs = tape.constant(random_tensor({4, 2, 3}, 1));
  const auto outputs = [&](const auto& model) { return scan(model, xs).outputs.shape().back(); };
  const Bidirectional<Cell> both(scope / "both", 3, 5, 2);
  CHECK(both.outputs == 4);
  CHECK(outputs(both) == 4);
  const Stacked<Cell> layers(scope / "layers", 3, 5, {.layers = 3}, Index(2));
  CHECK(outputs(layers) == 2);
  const Stacked<Bidirectional<Cell>> deep(scope / "deep", 3, 5, {.layers = 3}, Index(2));
  CHECK(registry.at("deep/1/backward/lstm/wx").shape() == Shape{4, 20});
  CHECK(outputs(deep) == 4);
  const Bidirectional<Stacked<Cell>> sides(scope / "sides", 3, 5, StackedOptions{.layers = 2}, Index(2));
  CHECK(sides.outputs == 4);
  CHECK(outputs(sides) == 4);
  const AnyCell<double> any = Zoneout<Cell>(both.forward, {0.1});
  CHECK(any.outputs_of(5) == 2);
  CHECK(AnyCell<double>(layers).outputs_of(5) == 2);
  CHECK(AnyCell<double>(both.forward.lstm).outputs_of(5) == 5);
}

TEST_CASE("both directions are two scans, side by side") {
  Registry<double> registry;
  Random random(3);
  const Bidirectional<Lstm<double>> model(Scope(registry, random) / "net", 3, 4, lively<double>());
  CHECK(registry.at("net/forward/wx").shape() == Shape{3, 16});
  CHECK(registry.at("net/backward/wh").shape() == Shape{4, 16});
  Tape<double> tape;
  const V xs = tape.constant(random_tensor({5, 2, 3}, 7));
  const std::vector<Index> lengths{3, 5};
  const auto [outputs, state] = scan(model, xs, {.lengths = lengths});
  const auto ahead = scan(model.forward, xs, {.lengths = lengths}),
             back = scan(model.backward, xs, {.lengths = lengths, .reverse = true});
  CHECK(outputs.shape() == Shape{5, 2, 8});
  CHECK(same_bits(slice(outputs, 2, 0, 4).value(), ahead.outputs.value()));
  CHECK(same_bits(slice(outputs, 2, 4, 8).value(), back.outputs.value()));
  CHECK(same_bits(state.forward.c.value(), ahead.state.c.value()));
  CHECK(same_bits(state.backward.h.value(), back.state.h.value()));
  // The backward cell of the shorter example began at its own last step.
  const V own = at(slice(back.outputs, 1, 0, 1), 0, 2);
  CHECK(same_bits(own.value(), model.backward(slice(at(xs, 0, 2), 0, 0, 1), model.backward.start(1)).h.value()));
}

TEST_CASE("a ragged batch read both ways is its examples, in layers too") {
  Random lengths_of(5);
  const auto check = [&]<class T>(T tolerance) {
    for (const std::string& name : all_cells()) {
      CAPTURE(name);
      Registry<T> registry;
      Random random(3);
      const Scope scope(registry, random);
      const auto model = both_ways<T>(name, scope, 3, 4);
      const Stacked<Bidirectional<AnyCell<T>>> layers(
          {both_ways<T>(name, scope / "0", 3, 4), both_ways<T>(name, scope / "1", 8, 4)}, 0.4);
      for (const bool training : {false, true}) {
        CAPTURE(training);
        std::vector<Index> lengths{1, 8, 0, 1 + lengths_of.below(8), 1 + lengths_of.below(8)};
        lengths_of.shuffle(lengths);
        ScanOptions options;
        if (training) options.key = DropoutKey{.seed = 3, .first_example = 2};
        CHECK(raggedness(model, registry, given_for(model, 8, 5, 3, 9), lengths, options) < tolerance);
        CHECK(raggedness(layers, registry, given_for(layers, 8, 5, 3, 9), lengths, options) < tolerance);
      }
    }
  };
  check(1e-12);
  check(1e-5F);
}

TEST_CASE("gradients of both directions, in layers, with noise and ragged") {
  Registry<double> registry;
  Random random(3);
  const Stacked<Bidirectional<Gru<double>>> model(Scope(registry, random), 2, 3, {.layers = 2, .dropout = 0.3}, lively<double>());
  CHECK(registry.at("1/forward/wx").shape() == Shape{6, 9});
  const Given<double> given = given_for(model, 4, 3, 2, 7);
  const std::vector<Index> lengths{4, 1, 2};
  const GradcheckResult checked = check_gradients(model, registry, given, {.lengths = lengths, .key = DropoutKey{.seed = 5}});
  CHECK_MESSAGE(checked.passed, checked.worst().describe());
}

TEST_CASE("without gradients both directions give the same bits") {
  Registry<float> registry;
  Random random(3);
  const Stacked<Bidirectional<Lstm<float>>> model(Scope(registry, random), 3, 4, {.layers = 2}, lively<float>());
  const std::vector<Index> lengths{3, 50, 33, 1};
  Tape<float> tape;
  const Var<float> xs = tape.constant(random_tensor<float>({50, 4, 3}, 7));
  const Tensor<float> recorded = scan(model, xs, {.lengths = lengths}).outputs.value();
  const NoGrad<float> no_gradient;
  CHECK(same_bits(scan(model, xs, {.lengths = lengths}).outputs.value(), recorded));
}

TEST_CASE("the directions do not share their noise") {
  Registry<double> registry;
  Random random(3);
  const Scope scope(registry, random);
  const Gru<double> gru(scope, 3, 20, lively<double>());
  const Bidirectional<Zoneout<Gru<double>>> model({gru, {0.5}}, {gru, {0.5}}, 40);
  Tape<double> tape;
  const auto [outputs, state] = scan(model, tape.constant(random_tensor({1, 2, 3}, 7)), {.key = DropoutKey{}});
  CHECK_FALSE(same_bits(slice(outputs, 2, 0, 20).value(), slice(outputs, 2, 20, 40).value()));
}

TEST_CASE("a Bidirectional is not read in reverse") {
  Registry<double> registry;
  Random random(3);
  const Bidirectional<Lstm<double>> model(Scope(registry, random), 3, 4);
  Tape<double> tape;
  CHECK_THROWS_WITH_AS(scan(model, tape.constant(zeros<double>({5, 2, 3})), {.reverse = true}),
                       "scan: reverse of a Bidirectional: it runs both ways already", std::invalid_argument);
}
