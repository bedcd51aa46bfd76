#include <carousel/lib/tape/describe.hpp>

#include <doctest/doctest.h>

#include <carousel/ops/elementwise.hpp>

using namespace carousel;

namespace {

/// The formula of the node that an expression becomes; its operands are called a, b, … in the order of their making.
template <class F>
std::string formula_of(const F& f) {
  Tape<double> tape;
  std::vector<Var<double>> operands;
  for (int i = 0; i < 4; ++i) operands.push_back(tape.variable(full<double>({2, 3}, i + 1)));
  const Var<double> y = f(operands[0], operands[1], operands[2], operands[3]);
  const detail::Description description = tape.describe(y.index());
  return detail::written(description.formula,
                         [&](std::size_t k) { return std::string(1, static_cast<char>('a' + description.operands[k])); });
}
using V = Var<double>;

}  // namespace

TEST_CASE("a statement is written as the formula that it is") {
  CHECK(formula_of([](V f, V c, V i, V g) { return V(sigmoid(f) * c + sigmoid(i) * tanh(g)); }) == "σ(a)∘b + σ(c)∘tanh(d)");
  CHECK(formula_of([](V a, V, V, V) { return V(tanh(a)); }) == "tanh(a)");
  CHECK(formula_of([](V a, V b, V, V) { return V(a + b); }) == "a + b");
}

TEST_CASE("parentheses stand where they are needed, and only there") {
  CHECK(formula_of([](V a, V b, V c, V d) { return V((a + b) * (c - d)); }) == "(a + b)∘(c − d)");
  CHECK(formula_of([](V a, V b, V c, V d) { return V(a + b * c + d); }) == "a + b∘c + d");
  CHECK(formula_of([](V a, V b, V c, V) { return V(a - (b - c)); }) == "a − (b − c)");
  CHECK(formula_of([](V a, V b, V c, V) { return V(a - b - c); }) == "a − b − c");
  CHECK(formula_of([](V a, V b, V c, V) { return V(a / (b * c)); }) == "a / (b∘c)");
  CHECK(formula_of([](V a, V b, V, V) { return V(-(a + b)); }) == "−(a + b)");
  CHECK(formula_of([](V a, V b, V, V) { return V(square(a + b) + abs(a)); }) == "(a + b)² + |a|");
}

TEST_CASE("numbers stand as they are") {
  CHECK(formula_of([](V a, V, V, V) { return V(2 * tanh(0.5 * a)); }) == "2·tanh(0.5·a)");
  CHECK(formula_of([](V a, V b, V, V) { return V(a * b - 1); }) == "a∘b − 1");
  CHECK(formula_of([](V a, V, V, V) { return V(maximum(a, -HUGE_VAL)); }) == "maximum(a, −∞)");
  CHECK(formula_of([](V a, V b, V c, V) { return V(where(a, b, c)); }) == "where(a, b, c)");
}
