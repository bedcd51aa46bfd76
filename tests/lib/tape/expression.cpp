#include <carousel/lib/tape/expression.hpp>

#include <type_traits>

#include <doctest/doctest.h>

#include <carousel/ops/elementwise.hpp>
#include <carousel/ops/reduce.hpp>
#include <carousel/ops/shape.hpp>

#include "tests/ops/gradients.hpp"

using namespace carousel;

namespace {

using V = Var<double>;

V row(std::initializer_list<double> elements) {
  return Tape<double>::active().variable(tensor<double>({static_cast<Index>(elements.size())}, elements));
}

V function_of_a_value(V v) {
  return v * 10;
}

}  // namespace

TEST_CASE("a named expression is one node, whatever stands in it") {
  Tape<double> tape;
  const V a = row({1, 2}), b = row({3, 4}), c = row({5, 6});
  const std::size_t before = tape.size();
  const V y = sigmoid(a) * tanh(b) + where(c > 0, exp(a - b), 1) / (2 - c);
  CHECK(tape.size() == before + 1);
  CHECK(std::string(tape.node(y).operation->name) == "fused");
  const V z = a + b;
  CHECK(std::string(tape.node(z).operation->name) == "add");
  tape.composed = true;
  const V w = sigmoid(a) * tanh(b) + where(c > 0, exp(a - b), 1) / (2 - c);
  CHECK(tape.size() == before + 2 + 10);
  tape.composed = false;
  CHECK(difference(w.value(), y.value()) == 0);
}

TEST_CASE("an expression computes nothing until it is named, and is computed where a value is wanted") {
  Tape<double> tape;
  const V a = row({1, 2});
  const std::size_t before = tape.size();
  (void)(a * 2 + 1);
  CHECK(tape.size() == before);
  check_elements(function_of_a_value(a + 1), {2}, {20, 30});
  CHECK(sum(a * a).item() == 5);
  const Var deduced = a * 3;
  static_assert(std::is_same_v<decltype(deduced), const Var<double>>);
  check_elements(deduced, {2}, {3, 6});
}

TEST_CASE("numbers of any kind and parameters stand beside values") {
  Registry<double> registry;
  const Param<double> p = registry.parameter("p", {2}, [] { return tensor<double>({2}, {10, 20}); });
  Tape<double> tape;
  const V a = row({1, 2});
  check_elements(a + 1 + 1.5F - 2L + p, {2}, {11.5, 22.5});
  check_elements(p * p, {2}, {100, 400});
  check_elements(-p + true, {2}, {-9, -19});
  const Var entered = p;
  check_elements(entered, {2}, {10, 20});
  Tape<float> tape_float;
  const Var<float> f = tape_float.constant(full<float>({}, 0.5F));
  CHECK(Var<float>(f * 0.1).item() == 0.5F * 0.1F);  // the number becomes a float first
}

TEST_CASE("broadcasting follows NumPy") {
  Tape<double> tape;
  const V x = tape.variable(tensor<double>({2, 3}, {1, 2, 3, 4, 5, 6}));
  const V column = tape.variable(tensor<double>({2, 1}, {10, 20})), one = tape.variable(full<double>({}, 100));
  check_elements(x + row({7, 8, 9}), {2, 3}, {8, 10, 12, 11, 13, 15});
  check_elements(x + column, {2, 3}, {11, 12, 13, 24, 25, 26});
  check_elements(one - x, {2, 3}, {99, 98, 97, 96, 95, 94});
  check_elements(column * row({1, 2, 3}), {2, 3}, {10, 20, 30, 20, 40, 60});
  check_elements(one + one, {}, {200});
  check_elements(x + tape.constant(zeros<double>({1, 1, 1})), {1, 2, 3}, {1, 2, 3, 4, 5, 6});
  check_elements(column + tape.constant(zeros<double>({2, 0})), {2, 0}, {});
  check_elements(x * tape.constant(zeros<double>({0, 1, 1})), {0, 2, 3}, {});
  check_elements(transpose(x) + row({10, 20}), {3, 2}, {11, 24, 12, 25, 13, 26});
}

TEST_CASE("a part that is smaller than the whole is computed at its own size") {
  Tape<double> tape;
  const V x = tape.variable(random_tensor({4, 5}, 1)), bias = tape.variable(random_tensor({5}, 2));
  const std::size_t before = tape.size();
  const V y = x * sigmoid(bias);
  CHECK(tape.size() == before + 2);
  CHECK(tape.node(y.index() - 1).shape == Shape{5});
  check_gradients([](VarsOfDouble v) -> V { return v[0] * sigmoid(v[1] * 2) + tanh(v[1]); },
                  {{"x", random_tensor({4, 5}, 1)}, {"bias", random_tensor({5}, 2)}});
}

TEST_CASE("gradients of statements with many leaves, strides and broadcasts") {
  const auto f = [](VarsOfDouble v) -> V {
    const auto [i, g] = split<2>(v[0]);
    return sigmoid(i) * tanh(g) + transpose(v[1]) * i * v[2] - square(g) / (3 + v[3]) + i * i * i;
  };
  check_gradients(f, {{"gates", random_tensor({3, 10}, 1)},
                      {"turned", random_tensor({5, 3}, 2)},
                      {"column", random_tensor({3, 1}, 3)},
                      {"one", random_tensor({}, 4)}});
  check_gradients([](VarsOfDouble v) -> V { return v[0] * v[1] + v[2] * v[0] * v[3] + transpose(v[0], 0, 2) * v[4]; },
                  {{"cube", random_tensor({2, 3, 2}, 1)},
                   {"outer", random_tensor({2, 1, 1}, 2)},
                   {"middle", random_tensor({3, 1}, 3)},
                   {"inner", random_tensor({2}, 4)},
                   {"new", random_tensor({2, 1, 3, 2}, 5)}});
  // A leaf in three places of a statement, beside one that is broadcast: each place's gradient arrives once.
  check_gradients([](VarsOfDouble v) -> V { return leaky_relu(v[0] + 9, v[1]) + square(v[0]) + exp(v[0]) * v[0]; },
                  {{"x", random_tensor({2, 3}, 1)}, {"slope", random_tensor({3}, 2)}});
}

TEST_CASE("a value and a part of it, or two parts that overlap, in one statement") {
  check_gradients([](VarsOfDouble v) -> V { return v[0] * transpose(v[0]) * v[0] + transpose(v[0]); },
                  {{"x", random_tensor({3, 3}, 1)}});
  check_gradients(
      [](VarsOfDouble v) -> V {
        return slice(v[0], 0, 0, 20) * slice(v[0], 0, 1, 21) + slice(v[0], 0, 2, 22) * slice(v[0], 0, 0, 20);
      },
      {{"x", random_tensor({22}, 1)}});
  check_gradients([](VarsOfDouble v) -> V { return v[0] * at(v[0], 0, 1) + at(v[0], 1, 0) * at(v[0], 0, 0); },
                  {{"x", random_tensor({3, 3}, 1)}});
}

TEST_CASE("a statement of 32 operands") {
  Tape<double> tape;
  const V a = row({1}), b = tape.constant(zeros<double>({2, 1}));
  const V most = a + b + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a + a +
                 a + a + a + a;
  check_elements(most, {2, 1}, {31, 31});
}
