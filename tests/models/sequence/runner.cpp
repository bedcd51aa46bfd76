#include <carousel/models/sequence/runner.hpp>

#include <stdexcept>

#include <doctest/doctest.h>

#include <carousel/models/cells/lstm.hpp>
#include <carousel/models/sequence/stacked.hpp>
#include <carousel/models/sequence/zoneout.hpp>

#include "tests/models/sequences.hpp"
#include "tests/support/allocations.hpp"

using namespace carousel;

TEST_CASE("a runner's outputs are those of the whole sequence") {
  const auto check = [&]<class T>(T) {
    for (const std::string& name : all_cells()) {
      CAPTURE(name);
      Registry<T> registry;
      Random random(3);
      const Scope scope(registry, random);
      const Stacked<AnyCell<T>> model(
          {make_cell<T>(name, scope / "0", 3, 5, lively<T>()), make_cell<T>(name, scope / "1", 5, 5, lively<T>())}, 0.5);
      const Tensor<T> xs = random_tensor<T>({40, 2, 3}, 7);
      Tape<T> tape;
      auto [hs, end] = scan(model, tape.constant(xs));
      Runner run(model, 2);
      for (const int pass : {1, 2}) {
        CAPTURE(pass);
        for (Index t = 0; t < 40; ++t) {
          Tensor<T> x = empty<T>({2, 3});
          std::copy_n(xs.data() + t * 6, 6, x.data());
          CHECK(same_bits(run(x), at(hs, 0, t).value()));
        }
        for (std::size_t k = 0; k < run.state().tensors().size(); ++k)
          CHECK(same_bits(run.state().tensors()[k], detail::members_of(end)[k].value()));
        run.reset();
      }
    }
  };
  check(0.0);
  check(0.0F);
}

TEST_CASE("after its first step a runner takes nothing from the heap") {
  Registry<float> registry;
  Random random(3);
  const Zoneout<AnyCell<float>> cell(make_cell<float>("lstm-peephole", Scope(registry, random), 3, 16), {0.1});
  Runner run(cell, 4);
  const Tensor<float> x = random_tensor<float>({4, 3}, 1);
  run(x);
  const std::uint64_t before = allocations();
  for (int i = 0; i < 100; ++i) run(x);
  CHECK(allocations() == before);
}

TEST_CASE("a runner leaves the active tape alone, and needs none") {
  Registry<double> registry;
  Random random(3);
  const Lstm<double> cell(Scope(registry, random), 3, 4, lively<double>());
  const Tensor<double> x = random_tensor({2, 3}, 1);
  Runner run(cell, 2);
  const Tensor<double> first = run(x);
  Tape<double> tape;
  const Var<double> v = tape.variable(x);
  run.reset();
  CHECK(same_bits(run(x), first));
  CHECK(tape.size() == 1);
  CHECK(&Tape<double>::active() == &tape);
  CHECK(tape.recording());
  backward(sum(v * v));
  CHECK(tape.gradient(v)(1, 2) == 2 * x(1, 2));
}

TEST_CASE("a runner uses the parameters as they are at each step, and its state may be changed") {
  Registry<double> registry;
  Random random(3);
  const Lstm<double> cell(Scope(registry, random), 3, 4, lively<double>());
  const Tensor<double> x = random_tensor({2, 3}, 1);
  Runner run(cell, 2);
  const Tensor<double> first = run(x);
  for (double& w : cell.gates.wx->change()) w += 0.5;
  run.reset();
  CHECK_FALSE(same_bits(run(x), first));
  const Tensor<double> second = run(x);
  run.reset();
  run.state().tensors()[1] = full<double>({2, 4}, 1);
  CHECK_FALSE(same_bits(run(x), second));
  run.reset();
  run(x);
  CHECK(same_bits(run(x), second));
}

TEST_CASE("a runner that goes on from a state of training draws no noise") {
  Registry<double> registry;
  Random random(3);
  const Zoneout zoned(Lstm<double>(Scope(registry, random), 3, 4, lively<double>()), {0.3, 0.6});
  const Tensor<double> x = random_tensor({2, 3}, 1);
  Runner run(zoned, 2), clean(zoned, 2);
  {
    Tape<double> tape;
    run.state() = scan(zoned, tape.constant(random_tensor({5, 2, 3}, 2)), zoned.start(2), {.key = DropoutKey{.step = 1}}).state;
  }
  std::copy_n(run.state().tensors().begin(), 2, clean.state().tensors().begin());
  CHECK(same_bits(run(x), clean(x)));
}

TEST_CASE("a runner with what stands around its cell") {
  Registry<double> registry;
  Random random(3);
  const Scope scope(registry, random);
  const Lstm<double> cell(scope / "cell", 3, 4, lively<double>());
  const Linear<double> readout(scope / "readout", 4, 2);
  const Tensor<double> raw = random_tensor({1, 3}, 1);
  Tape<double> tape;
  const Var<double> expected = readout(cell(tape.constant(raw) * 2, cell.start(1)).h);
  Runner run(cell, 1);
  const auto input = [&]() -> Var<double> { return Tape<double>::active().constant(raw) * 2; };
  const auto result = [&](Var<double> h) { return readout(h); };
  CHECK(same_bits(run(input, result), expected.value()));
  CHECK(shape_of(run(input, result)) == Shape{1, 2});
}

TEST_CASE("an error in a step leaves the runner's state as it was") {
  Registry<double> registry;
  Random random(3);
  const Lstm<double> cell(Scope(registry, random), 3, 4, lively<double>());
  const Tensor<double> x = random_tensor({2, 3}, 1);
  Runner run(cell, 2), other(cell, 2);
  run(x);
  other(x);
  CHECK_THROWS_WITH_AS(run(zeros<double>({1, 3})), "Runner: x is [1, 3]: its first axis must be the batch, 2",
                       std::invalid_argument);
  CHECK_THROWS_AS(run(zeros<double>({2, 5})), std::invalid_argument);
  CHECK_THROWS_AS(Tape<double>::active(), std::logic_error);
  CHECK(same_bits(run(x), other(x)));
  CHECK_THROWS_WITH_AS(Runner(cell, 0), "Runner: a batch of 0: must be at least 1", std::invalid_argument);
}
