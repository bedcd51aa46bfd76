#include <carousel/ops/norm.hpp>

#include <cmath>
#include <functional>
#include <limits>
#include <vector>

#include <doctest/doctest.h>

#include <carousel/lib/training/gradcheck.hpp>
#include <carousel/ops/elementwise.hpp>
#include <carousel/ops/reduce.hpp>
#include <carousel/ops/shape.hpp>

#include "tests/support/allocations.hpp"
#include "tests/support/values.hpp"

using namespace carousel;

namespace {

using V = Var<double>;
using Vars = std::span<const V>;

/// Layer normalisation as a graph of ops.
V composed_layer_norm(V x, V gain, V bias, double epsilon = 1e-5) {
  V centred = x - mean(x, -1);
  V variance = mean(square(centred), -1);
  return gain * (centred / sqrt(variance + epsilon)) + bias;
}

}  // namespace

TEST_CASE("layer_norm brings rows to mean 0 and variance 1, then scales and shifts them") {
  Tape<double> tape;
  const V x = tape.constant(tensor<double>({2, 4}, {1, 3, 1, 3, 0, 0, 0, 8}));
  const V gain = tape.constant(tensor<double>({4}, {1, 2, 3, 4})), bias = tape.constant(tensor<double>({4}, {10, 20, 30, 40}));
  const double r = std::sqrt(3.0);  // the second row: mean 2, variance 12
  CHECK(difference(layer_norm(x, gain, bias, 0).value(),
                   tensor<double>({2, 4}, {9, 22, 27, 44, 10 - 1 / r, 20 - 2 / r, 30 - 3 / r, 40 + 4 * r})) < 1e-15);
  CHECK(difference(layer_norm(x, gain, bias, 3).value(), composed_layer_norm(x, gain, bias, 3).value()) < 1e-15);
}

TEST_CASE("layer_norm sends no gradient along a shift or a scaling of its rows") {
  Tape<double> tape;
  const V x = tape.variable(tensor<double>({1, 4}, {1, 3, 1, 3}));
  const V gain = tape.variable(full<double>({4}, 1)), bias = tape.variable(zeros<double>({4}));
  // x̂ = (−1, 1, −1, 1), σ = 1; with dy = (1, 0, 0, 0): dx = dy − mean(dy) − x̂ mean(dy x̂)
  backward(sum(layer_norm(x, gain, bias, 0) * tape.constant(tensor<double>({1, 4}, {1, 0, 0, 0}))));
  CHECK(difference(tape.gradient(x), tensor<double>({1, 4}, {0.5, 0, -0.5, 0})) < 1e-15);
  CHECK(difference(tape.gradient(gain), tensor<double>({4}, {-1, 0, 0, 0})) < 1e-15);
  CHECK(difference(tape.gradient(bias), tensor<double>({4}, {1, 0, 0, 0})) == 0);
}

TEST_CASE("layer_norm equals its composition, values and gradients, for rows of every length") {
  for (const Index columns : {1, 2, 3, 5, 7, 8, 9, 15, 16, 17, 31, 33, 100}) {
    CAPTURE(columns);
    const auto results = [&](bool fused) {
      Tape<double> tape;
      const V x = tape.variable(random_tensor({3, 2, columns}, 1)), gain = tape.variable(random_tensor({columns}, 2));
      const V bias = tape.variable(random_tensor({columns}, 3)), weights = tape.constant(random_tensor({3, 2, columns}, 4));
      const V y = fused ? layer_norm(x, gain, bias) : composed_layer_norm(x, gain, bias);
      backward(sum(y * weights));
      return std::vector<Tensor<double>>{y.value(), tape.gradient(x), tape.gradient(gain), tape.gradient(bias)};
    };
    const auto fused = results(true), composed = results(false);
    CHECK(difference(fused[0], composed[0]) < 1e-13);
    if (columns > 1) CHECK(difference(fused[1], composed[1]) < 1e-11);
    CHECK(difference(fused[2], composed[2]) < 1e-13);
    CHECK(difference(fused[3], composed[3]) < 1e-13);
  }
}

TEST_CASE("layer_norm has the right gradient for every operand") {
  const auto check = [](const CheckedFunction& f, std::vector<CheckedInput> inputs) {
    const GradcheckResult result = gradcheck(f, std::move(inputs));
    INFO(result.worst().describe());
    CHECK(result.passed);
  };
  const auto in = [](const char* name, const Shape& shape, std::uint64_t seed) {
    return CheckedInput{name, random_tensor(shape, seed)};
  };
  const CheckedFunction plain = [](Vars v) { return layer_norm(v[0], v[1], v[2]); };
  check(plain, {in("x", {2, 3}, 1), in("gain", {3}, 2), in("bias", {3}, 3)});
  check(plain, {in("x", {5}, 1), in("gain", {5}, 2), in("bias", {5}, 3)});
  check(plain, {in("x", {2, 3, 11}, 1), in("gain", {11}, 2), in("bias", {11}, 3)});
  check([](Vars v) { return layer_norm(transpose(v[0]), v[1], v[2], 0.1); },
        {in("x", {5, 2}, 1), in("gain", {5}, 2), in("bias", {5}, 3)});
  check([](Vars v) { return layer_norm(slice(v[0], 1, 1, 6), slice(v[1], 0, 2, 7), at(v[2], 1, 0)); },
        {in("x", {2, 9}, 1), in("gain", {8}, 2), in("bias", {5, 2}, 3)});
  check([](Vars v) { return layer_norm(v[0], v[1], v[1]); }, {in("x", {2, 5}, 1), in("gain and bias", {5}, 2)});
  check([](Vars v) { return layer_norm(v[0], v[0], v[0]); }, {in("x, gain and bias", {5}, 1)});
  check([](Vars v) { return layer_norm(v[0], at(v[0], 0, 1), v[1]); },
        {in("x, its row the gain", {3, 5}, 1), in("bias", {5}, 2)});
  check(
      [](Vars v) {
        const auto [a, b, c] = split<3>(v[0]);
        return layer_norm(a, b, c);
      },
      {in("x, gain and bias side by side", {15}, 1)});
  check([](Vars v) -> V { return layer_norm(v[0], v[1], v[2]) * v[0]; },
        {in("x", {2, 5}, 1), in("gain", {5}, 2), in("bias", {5}, 3)});
}

TEST_CASE("layer_norm asks for no gradient of what is constant") {
  Tape<double> tape;
  const V x = tape.constant(random_tensor({2, 5}, 1)), gain = tape.constant(random_tensor({5}, 2)),
          bias = tape.variable(random_tensor({5}, 3));
  CHECK(!tape.node(layer_norm(x, gain, gain)).needs_gradient);
  backward(sum(layer_norm(x, gain, bias)));
  CHECK(difference(tape.gradient(bias), full<double>({5}, 2)) == 0);
}

TEST_CASE("layer_norm of a row does not depend on the other rows") {
  const Tensor<float> rows = random_tensor<float>({7, 37}, 1), gain = random_tensor<float>({37}, 2),
                      bias = random_tensor<float>({37}, 3);
  Tape<float> tape;
  const Var<float> x = tape.constant(rows), g = tape.constant(gain), b = tape.constant(bias);
  const Var<float> all = layer_norm(x, g, b);
  for (Index row = 0; row < 7; ++row) CHECK(difference(layer_norm(at(x, 0, row), g, b).value(), at(all, 0, row).value()) == 0);
}

TEST_CASE("layer_norm in float stays near double, far from zero too") {
  for (const double offset : {0.0, 1000.0}) {
    Tensor<float> near = random_tensor<float>({4, 203}, 1);
    Tensor<double> same = empty<double>({4, 203});
    for (std::size_t i = 0; i < near.size(); ++i) same.data()[i] = near.data()[i] += static_cast<float>(offset);
    Tape<float> tape;
    Tape<double> exact;
    const Tensor<float> y =
        layer_norm(tape.constant(near), tape.constant(full<float>({203}, 1)), tape.constant(zeros<float>({203}))).value();
    const Tensor<double> reference =
        layer_norm(exact.constant(same), exact.constant(full<double>({203}, 1)), exact.constant(zeros<double>({203}))).value();
    CHECK(difference(y, reference) < (offset > 0 ? 5e-4 : 1e-6));
  }
}

TEST_CASE("layer_norm of equal numbers is the bias, and NaN stays in its row") {
  Tape<float> tape;
  const Var<float> one = tape.constant(full<float>({3}, 1)), bias = tape.constant(tensor<float>({3}, {4, 5, 6}));
  CHECK(difference(layer_norm(tape.constant(full<float>({2, 3}, 7)), one, bias).value(),
                   tensor<float>({2, 3}, {4, 5, 6, 4, 5, 6})) == 0);
  const float nan = std::numeric_limits<float>::quiet_NaN();
  const Tensor<float> y = layer_norm(tape.constant(tensor<float>({2, 3}, {1, nan, 2, 7, 7, 7})), one, bias).value();
  for (int j = 0; j < 3; ++j) CHECK(std::isnan(y.data()[j]));
  for (int j = 3; j < 6; ++j) CHECK(y.data()[j] == static_cast<float>(j + 1));
}

TEST_CASE("layer_norm says what does not fit") {
  Tape<float> tape;
  const auto of = [&](const Shape& shape) { return tape.constant(zeros<float>(shape)); };
  CHECK_THROWS_WITH_AS(layer_norm(of({}), of({1}), of({1})), "layer_norm: x is []: must have at least one axis",
                       std::invalid_argument);
  CHECK_THROWS_WITH_AS(layer_norm(of({2, 3}), of({2}), of({3})), "layer_norm: x is [2, 3], gain is [2]: must be [3]",
                       std::invalid_argument);
  CHECK_THROWS_WITH_AS(layer_norm(of({2, 3}), of({3}), of({1, 3})), "layer_norm: x is [2, 3], bias is [1, 3]: must be [3]",
                       std::invalid_argument);
  CHECK_THROWS_WITH_AS(layer_norm(of({2, 3}), of({3}), of({3}), -1.0F), "layer_norm: epsilon is -1: must not be negative",
                       std::invalid_argument);
}

TEST_CASE("layer_norm of no rows and of empty rows is empty") {
  Tape<double> tape;
  const V gain = tape.variable(full<double>({3}, 1)), nothing = tape.variable(zeros<double>({0}));
  const V y = layer_norm(tape.variable(zeros<double>({0, 3})), gain, gain),
          z = layer_norm(tape.variable(zeros<double>({2, 0})), nothing, nothing);
  CHECK(y.shape() == Shape{0, 3});
  CHECK(z.shape() == Shape{2, 0});
  backward(sum(y) + sum(z));
  CHECK(difference(tape.gradient(gain), zeros<double>({3})) == 0);
}

TEST_CASE("layer_norm takes nothing from the heap once it is warm") {
  const Tensor<float> x = random_tensor<float>({50, 37}, 1), gain = random_tensor<float>({37}, 2),
                      bias = random_tensor<float>({37}, 3);
  Tape<float> tape;
  std::uint64_t before = 0;
  for (int i = 0; i < 6; ++i) {
    if (i == 3) before = allocations();
    tape.clear();
    backward(sum(layer_norm(tape.variable(x), tape.variable(gain), tape.variable(bias))));
  }
  CHECK(allocations() == before);
}
