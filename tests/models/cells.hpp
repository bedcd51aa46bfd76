#pragma once
/// What the tests of all cells share.

#include <cmath>
#include <vector>

#include <doctest/doctest.h>

#include "tests/support/allocations.hpp"

#include <carousel/models/layers/linear.hpp>
#include <carousel/models/losses/loss.hpp>
#include <carousel/models/proof/check.hpp>
#include <carousel/models/sequence/scan.hpp>

namespace cells {

using namespace carousel;

/// Parameters that a program elsewhere can make too: element k of the j-th one is ((7k + 3j) mod 11 − 5) / 10.
template <class T>
void set_pattern(Registry<T>& registry) {
  Index j = 0;
  for (Parameter<T>& p : registry) {
    for (Index k = 0; k < p.shape().size(); ++k) p.change().data()[k] = static_cast<T>((7 * k + 3 * j) % 11 - 5) / 10;
    ++j;
  }
}

/// One step from x = [0.5, −0.25], h = [0.3, −0.6], c = [0.8, −0.4] under set_pattern: the members of the next state, one after
/// the other.
template <class Cell>
std::vector<double> one_step() {
  Registry<double> registry;
  Random random(1);
  const Cell cell(Scope<double>(registry, random), 2, 2);
  set_pattern(registry);
  Tape<double> tape;
  typename Cell::State state = cell.start(1);
  const auto members = carousel::detail::members_of(state);
  members[0] = tape.constant(tensor<double>({1, 2}, {0.3, -0.6}));
  if (members.count == 2) members[1] = tape.constant(tensor<double>({1, 2}, {0.8, -0.4}));
  typename Cell::State next = cell(tape.constant(tensor<double>({1, 2}, {0.5, -0.25})), state);
  std::vector<double> values;
  const auto after = carousel::detail::members_of(next);
  for (std::size_t m = 0; m < after.count; ++m)
    for (double v : after[m].value()) values.push_back(v);
  return values;
}

inline void check_values(const std::vector<double>& values, const std::vector<double>& expected) {
  REQUIRE(values.size() == expected.size());
  for (std::size_t i = 0; i < values.size(); ++i) {
    CAPTURE(i);
    CHECK(std::abs(values[i] - expected[i]) <= 4e-16);
  }
}

/// The check of a cell with random parameters, all lengths, ragged or not, both directions, first state given or not.
template <class Cell>
void passes_gradcheck(CellCheckOptions options = {}) {
  Registry<double> registry;
  Random random(options.seed);
  const Cell cell(Scope<double>(registry, random) / "cell", options.in, 4,
                  {.forget_bias = {}, .init = init::uniform<double>(-0.8, 0.8)});
  const CellCheck check = check_cell(cell, registry, options);
  CHECK_MESSAGE(check.passed, check.describe());
  CHECK(check.worst_error <= 1e-6);
  CHECK(check.checks > 24 * registry.elements());
  for (const CheckedCellTensor& tensor : check.tensors) {
    CAPTURE(tensor.numeric.name);
    CHECK(tensor.numeric.worst_error > 0);  // something was compared
    CHECK(tensor.by_hand.has_value() == static_cast<bool>(options.by_hand));
  }
}

/// A float cell and a double one start from the same numbers, and give the same outputs to float's digits.
template <template <class> class Cell>
void float_agrees_with_double() {
  Registry<float> floats;
  Registry<double> doubles;
  Random one(5), same(5), data(6);
  const Cell<float> cell(Scope<float>(floats, one), 3, 5);
  const Cell<double> reference(Scope<double>(doubles, same), 3, 5);
  const Tensor<double> xs = init::normal<double>(0, 1)({7, 4, 3}, data);
  Tensor<float> rounded = empty<float>({7, 4, 3});
  std::copy(xs.begin(), xs.end(), rounded.begin());
  Tape<float> float_tape;
  Tape<double> tape;
  const Tensor<float> a = scan(cell, float_tape.constant(rounded)).outputs.value();
  const Tensor<double> b = scan(reference, tape.constant(xs)).outputs.value();
  for (std::size_t i = 0; i < b.size(); ++i) CHECK(std::abs(static_cast<double>(a.data()[i]) - b.data()[i]) < 2e-6);
}

/// A step of training after the first: the loss, all gradients, nothing taken from the heap.
template <template <class> class Cell>
void trains_without_allocations() {
  Registry<float> registry;
  Random random(1);
  const Scope<float> scope(registry, random);
  const Cell<float> cell(scope / "cell", 3, 5);
  const Linear<float> readout(scope / "readout", 5, 7);
  const Tensor<float> xs = init::normal<float>(0, 1)({6, 4, 3}, random);
  const std::vector<Index> labels(24, 2);
  const std::vector<Index> lengths{6, 3, 0, 1};
  Tape<float> tape;
  std::uint64_t before = 0;
  for (int step = 0; step < 4; ++step) {
    if (step == 2) before = allocations();
    tape.clear();
    backward(cross_entropy(readout(scan(cell, tape.variable(xs), {.lengths = lengths}).outputs), labels, {.ignore_label = 7}));
  }
  CHECK(allocations() == before);
}

}  // namespace cells
