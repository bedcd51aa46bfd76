#include <carousel/models/sequence/state.hpp>

#include <array>
#include <span>
#include <stdexcept>
#include <utility>
#include <vector>

#include <doctest/doctest.h>

#include <carousel/models/cells/gru.hpp>
#include <carousel/models/cells/lstm.hpp>
#include <carousel/models/decoding/search.hpp>
#include <carousel/models/sequence/bidirectional.hpp>
#include <carousel/models/sequence/runner.hpp>
#include <carousel/models/sequence/stacked.hpp>
#include <carousel/models/sequence/zoneout.hpp>
#include <carousel/ops/arrange.hpp>
#include <carousel/ops/shape.hpp>

#include "tests/models/counting_cell.hpp"
#include "tests/models/sequences.hpp"
#include "tests/support/allocations.hpp"

using namespace carousel;

namespace {

using V = Var<double>;

/// A state that lists its members as a range, and holds something else besides.
struct Listed {
  using Scalar = double;
  std::array<V, 3> values;
  int note = 0;
  std::span<V> members() { return values; }
};

struct Many {
  using Scalar = double;
  std::array<V, 100> values;
  std::span<V> members() { return values; }
};

/// The outputs of steps that are taken one by one: [time, batch, ...].
template <class Cell>
Tensor<double> by_steps(const Cell& cell, V xs) {
  typename Cell::State state = cell.start(xs.shape()[1]);
  std::vector<V> outputs;
  for (Index t = 0; t < xs.shape()[0]; ++t) {
    state = step(cell, at(xs, 0, t), state);
    outputs.push_back(output(state));
  }
  return stack(std::span<const V>(outputs)).value();
}

/// The same by a Runner.
template <class Cell>
Tensor<double> by_runner(const Cell& cell, V xs) {
  Runner<Cell> run(cell, xs.shape()[1]);
  std::vector<V> outputs;
  for (Index t = 0; t < xs.shape()[0]; ++t) outputs.push_back(Tape<double>::active().constant(run(at(xs, 0, t).value())));
  return stack(std::span<const V>(outputs)).value();
}

/// The same by two scans, with the state kept between.
template <class Cell>
Tensor<double> in_windows(const Cell& cell, V xs) {
  const auto [first, state] = scan(cell, slice(xs, 0, 0, 2));
  const Kept<typename Cell::State> kept = keep(state);
  const auto [second, end] = scan(cell, slice(xs, 0, 2, xs.shape()[0]), kept.enter());
  return concat({first, second}, 0).value();
}

}  // namespace

TEST_CASE("the members of a state, in order, and its output") {
  Tape<double> tape;
  const V a = tape.constant(tensor<double>({1}, {1})), b = tape.constant(tensor<double>({1}, {2})),
          c = tape.constant(tensor<double>({1}, {3}));
  LstmState<double> tied{a, b};
  CHECK(detail::members_of(tied).count == 2);
  CHECK(&detail::members_of(tied)[1] == &tied.c);
  CHECK(output(tied).item() == 1);
  Listed listed{{c, a, b}};
  CHECK(detail::members_of(listed).count == 3);
  CHECK(detail::members_of(listed)[2].item() == 2);
  CHECK(output(listed).item() == 3);
  V alone = b;
  CHECK(detail::members_of(alone).count == 1);
  CHECK(output(alone).item() == 2);
  StackedState<LstmState<double>> stacked(2);
  stacked[0] = {a, b};
  stacked[1] = {c, a};
  CHECK(detail::members_of(stacked).count == 4);
  CHECK(output(stacked).item() == 3);  // the top layer's
  CHECK(&detail::members_of(stacked)[3] == &stacked[0].c);
  Many many;
  CHECK(detail::members_of(many).count == 100);
  CHECK(&detail::members_of(many)[99] == &many.values[99]);
  const auto copy = detail::members_of(many);
  CHECK(&copy[50] == &many.values[50]);
}

TEST_CASE("what a state holds besides its members goes with it everywhere") {
  Registry<double> registry;
  Random random(3);
  const Scope scope(registry, random);
  using Cell = CountingCell<double>;
  const Cell cell(scope / "cell", 3, 4), upper(scope / "upper", 4, 4);
  Tape<double> tape;
  const V xs = tape.constant(random_tensor({5, 2, 3}, 1));
  const auto agrees = [&](const auto& model, const Tensor<double>& wanted) {
    CHECK(difference(scan(model, xs).outputs.value(), wanted) < 1e-14);
    CHECK(difference(by_steps(model, xs), wanted) < 1e-14);
    CHECK(difference(by_runner(model, xs), wanted) < 1e-14);
    CHECK(difference(in_windows(model, xs), wanted) < 1e-14);
    const NoGrad<double> no_gradient;
    CHECK(difference(scan(model, xs).outputs.value(), wanted) < 1e-14);
  };

  Cell::State state = cell.start(2), above = upper.start(2);
  std::vector<V> outputs, of_two;
  for (Index t = 0; t < 5; ++t) {
    state = cell(at(xs, 0, t), {state.h, t});  // the count by hand
    above = upper(state.h, {above.h, t});
    outputs.push_back(state.h);
    of_two.push_back(above.h);
  }
  const Tensor<double> one = stack(std::span<const V>(outputs)).value(), two = stack(std::span<const V>(of_two)).value();
  agrees(cell, one);
  agrees(AnyCell<double>(cell), one);
  agrees(Zoneout<Cell>(cell, {0.0}), one);
  agrees(Zoneout<AnyCell<double>>(cell, {0.0}), one);
  agrees(AnyCell<double>(Zoneout<AnyCell<double>>(cell, {0.0})), one);
  agrees(Stacked<Cell>(std::vector{cell, upper}), two);
  agrees(Stacked<AnyCell<double>>(std::vector<AnyCell<double>>{cell, upper}), two);
  agrees(AnyCell<double>(Stacked<Cell>(std::vector{cell, upper})), two);
  CHECK(scan(AnyCell<double>(cell), xs).state.as<Cell::State>()->steps == 5);

  const auto halves = [&](const auto& both) {
    const Tensor<double> all = scan(both, xs).outputs.value();
    const V ahead = slice(tape.constant(all), 2, 0, 4);
    CHECK(difference(ahead.value(), one) < 1e-14);
    const Tensor<double> back = scan(cell, xs, {.reverse = true}).outputs.value();
    CHECK(difference(slice(tape.constant(all), 2, 4, 8).value(), back) < 1e-14);
  };
  halves(Bidirectional<Cell>(cell, cell, 8));
  halves(Bidirectional<AnyCell<double>>(cell, cell, 8));
}

TEST_CASE("a search hands on what a state holds besides its members") {
  Registry<double> registry;
  Random random(3);
  const CountingCell<double> cell(Scope(registry, random), 3, 4);
  const AnyCell<double> any = cell;
  Tape<double> tape;
  std::vector<Index> counts;
  const auto step_of = [&](std::span<const Index>, AnyState<double> state) {
    const Index rows = output(state).shape()[0];
    counts.push_back(state.as<CountingCell<double>::State>()->steps);
    state = any(tape.constant(zeros<double>({rows, 3})), state);
    return std::pair(output(state), state);
  };
  search(any.start(1), 1, step_of, {.most = 3, .beam = 2});
  CHECK(counts == std::vector<Index>{0, 1, 2});
}

TEST_CASE("a kept state outlives its tape, and gradients stop at it") {
  Kept<Listed> kept;
  CHECK(kept.empty());
  {
    Tape<double> tape;
    const V x = tape.variable(random_tensor({2, 3}, 1));
    kept = Listed{{x, V(x * 2), transpose(x)}, 7};
    CHECK_FALSE(kept.empty());
  }
  Tape<double> tape;
  const Listed entered = kept.enter();
  CHECK(entered.note == 7);
  const Tensor<double> x = random_tensor({2, 3}, 1);
  CHECK(same_bits(entered.values[0].value(), x));
  CHECK(entered.values[1].value()(1, 2) == 2 * x(1, 2));
  CHECK(entered.values[2].shape() == Shape{3, 2});
  CHECK(entered.values[2].value()(2, 1) == x(1, 2));
  CHECK_FALSE(tape.node(entered.values[0]).needs_gradient);
  kept.tensors()[1](0, 0) = 5;
  CHECK(kept.enter().values[1].value()(0, 0) == 5);
  CHECK(entered.values[1].value()(0, 0) != 5);

  const double* const memory = kept.tensors()[0].data();
  const std::uint64_t before = allocations();
  kept = entered;  // its memory is used again
  CHECK(allocations() == before);
  CHECK(kept.tensors()[0].data() == memory);
  kept.reset();
  CHECK(kept.empty());
  CHECK_THROWS_WITH_AS(kept.enter(), "keep: no state has been kept yet: begin with the start of the cell", std::logic_error);
}

TEST_CASE("truncated backpropagation: the values of the whole sequence, the gradients of the windows") {
  for (const std::string name : {"lstm", "gru-reset-before"}) {
    Registry<double> registry;
    Random random(3);
    using Model = Stacked<AnyCell<double>>;
    const Model model({make_cell<double>(name, Scope(registry, random) / "0", 3, 4, lively<double>()),
                       make_cell<double>(name, Scope(registry, random) / "1", 4, 4, lively<double>())});
    const Tensor<double> xs = random_tensor({9, 2, 3}, 5), weights = random_tensor({9, 2, 4}, 6);
    const auto part = [](const Tensor<double>& x, Index window) {
      Tensor<double> out = empty<double>({3, 2, static_cast<Index>(x.size()) / 18});
      std::copy_n(x.data() + window * static_cast<Index>(out.size()), out.size(), out.data());
      return out;
    };
    std::vector<Tensor<double>> whole;
    {
      // One tape, on which detach() stops gradients between windows.
      Tape<double> tape;
      Model::State state = model.start(2);
      V loss = sum(tape.constant(zeros<double>({1})));
      for (Index window = 0; window < 3; ++window) {
        auto [hs, after] = scan(model, tape.constant(part(xs, window)), state);
        loss = loss + sum(hs * tape.constant(part(weights, window)));
        const auto members = detail::members_of(after);
        for (std::size_t k = 0; k < members.count; ++k) members[k] = detach(members[k]);
        state = after;
      }
      backward(loss);
      for (const Parameter<double>& p : registry) whole.push_back(p.gradient);
      tape.clear();
      whole.push_back(scan(model, tape.constant(xs)).outputs.value());
    }
    Tape<double> tape;
    Kept<Model::State> kept;
    registry.zero_gradients();
    for (Index window = 0; window < 3; ++window) {
      auto [hs, after] = scan(model, tape.constant(part(xs, window)), kept.empty() ? model.start(2) : kept.enter());
      tape.backward(sum(hs * tape.constant(part(weights, window))), Gradients::add);
      kept = after;
      CHECK(std::equal(whole.back().data() + window * 24, whole.back().data() + (window + 1) * 24, hs.value().data()));
      tape.clear();
    }
    std::size_t next = 0;
    for (const Parameter<double>& p : registry) {
      CAPTURE(p.path);
      CHECK(difference(p.gradient, whole[next++]) < 1e-14);
    }
  }
}

TEST_CASE("the places of a step draw apart, and none without a key") {
  const DropoutKey key{.seed = 7, .step = 3, .first_time = 5, .first_example = 2};
  CHECK(detail::at_place(key, 1)->place != detail::at_place(key, 2)->place);
  CHECK(detail::at_place(key, 1)->place == detail::at_place(key, 1)->place);
  CHECK(detail::at_place(detail::at_place(key, 1), 2)->place != detail::at_place(detail::at_place(key, 2), 1)->place);
  CHECK(detail::at_place(key, 1)->first_time == 5);
  CHECK(detail::at_place(key, 1)->first_example == 2);
  CHECK_FALSE(detail::at_place({}, 1).has_value());
}
