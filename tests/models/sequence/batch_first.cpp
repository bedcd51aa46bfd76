#include <carousel/models/sequence/batch_first.hpp>

#include <stdexcept>

#include <doctest/doctest.h>

#include <carousel/models/cells/lstm.hpp>

#include "tests/models/sequences.hpp"

using namespace carousel;

TEST_CASE("sequences stored example by example are put in the order of time, and back") {
  const Tensor<double> data = tensor<double>({2, 3, 2}, {0, 1, 10, 11, 20, 21, 100, 101, 110, 111, 120, 121});
  const Tensor<double> steps = tensor<double>({3, 2, 2}, {0, 1, 100, 101, 10, 11, 110, 111, 20, 21, 120, 121});
  CHECK(same_bits(time_first(data), steps));
  CHECK(same_bits(batch_first(steps), data));
  CHECK(same_bits(time_first(tensor<float>({2, 3}, {0, 1, 2, 3, 4, 5})), tensor<float>({3, 2}, {0, 3, 1, 4, 2, 5})));
  CHECK(shape_of(time_first(zeros<float>({0, 3, 2}))) == Shape{3, 0, 2});
  Tape<double> tape;
  CHECK(same_bits(time_first(tape.constant(data)).value(), steps));
  CHECK(same_bits(batch_first(tape.constant(steps)).value(), data));
  CHECK(same_bits(batch_first(time_first(tape.constant(data))).value(), data));
}

TEST_CASE("a model reads [batch, length, dim] and answers so, with the gradient of what it read") {
  Registry<double> registry;
  Random random(3);
  const Lstm<double> cell(Scope(registry, random), 2, 4, lively<double>());
  const Tensor<double> data = random_tensor({3, 5, 2}, 1);
  const GradcheckResult checked =
      gradcheck([&](auto v) { return batch_first(scan(cell, time_first(v[0]))); }, {{"data", data}}, &registry);
  CHECK_MESSAGE(checked.passed, checked.worst().describe());
  Tape<double> tape;
  const Var<double> a = batch_first(scan(cell, time_first(tape.constant(data)))), b = scan(cell, tape.constant(time_first(data)));
  CHECK(same_bits(a.value(), batch_first(b.value())));
}

TEST_CASE("what has less than two axes is no batch of sequences") {
  CHECK_THROWS_WITH_AS(time_first(zeros<float>({3})), "time_first: x is [3]: must be [batch, time, ...]", std::invalid_argument);
  CHECK_THROWS_WITH_AS(batch_first(zeros<float>({})), "batch_first: x is []: must be [time, batch, ...]", std::invalid_argument);
  Tape<float> tape;
  CHECK_THROWS_WITH_AS(time_first(tape.constant(zeros<float>({3}))), "time_first: x is [3]: must be [batch, time, ...]",
                       std::invalid_argument);
  CHECK_THROWS_WITH_AS(batch_first(tape.constant(zeros<float>({3}))), "batch_first: x is [3]: must be [time, batch, ...]",
                       std::invalid_argument);
}
