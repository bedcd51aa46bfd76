// Elementwise functions of two and three operands, and arithmetic.

#include <cstring>
#include <functional>

#include <carousel/ops/elementwise.hpp>
#include <carousel/ops/reduce.hpp>

#include "tests/ops/gradients.hpp"

using namespace carousel;

namespace {

using V = Var<double>;

/// A function of two operands.
struct Pair {
  std::string name;
  std::function<V(V, V)> f;
  double lo = -2, hi = 2;  // where its derivative is smooth, but for kinks where the operands are equal
};

#define PAIR(...)                                           \
  {                                                         \
#__VA_ARGS__, [](V a, V b) -> V { return __VA_ARGS__; } \
  }
const std::vector<Pair>& functions_of_two() {
  static const std::vector<Pair> all = [] {
    std::vector<Pair> pairs{
        PAIR(a + b), PAIR(a - b), PAIR(a * b), PAIR(minimum(a, b)), PAIR(maximum(a, b)), PAIR(leaky_relu(a, b)), PAIR(elu(a, b))};
    std::vector<Pair> positive{PAIR(a / b), PAIR(pow(a, b))};
    for (Pair& p : positive) {
      p.lo = 0.5, p.hi = 2.5;
      pairs.push_back(p);
    }
    return pairs;
  }();
  return all;
}
#undef PAIR

V constant(std::initializer_list<double> elements) {
  return Tape<double>::active().constant(tensor<double>({static_cast<Index>(elements.size())}, elements));
}

void check_elements(V v, std::initializer_list<double> wanted) {
  const Tensor<double> got = v.value();
  REQUIRE(got.size() == wanted.size());
  for (std::size_t i = 0; i < got.size(); ++i) {
    INFO("element ", i, ": ", got.data()[i]);
    const double w = wanted.begin()[i];
    CHECK((std::isnan(w) ? std::isnan(got.data()[i]) : got.data()[i] == w));
  }
}

/// The gradients of Σ f(a, b) at one place.
std::pair<double, double> derivatives(const std::function<V(V, V)>& f, double a, double b) {
  Tape<double> tape;
  const V va = tape.variable(full<double>({}, a)), vb = tape.variable(full<double>({}, b));
  backward(f(va, vb));
  return {tape.gradient(va).data()[0], tape.gradient(vb).data()[0]};
}

}  // namespace

TEST_CASE("gradients of functions of two operands, however they broadcast") {
  for (const Pair& p : functions_of_two())
    for (const auto& [shape_a, shape_b] : shapes_of_two()) {
      const std::string shapes = text(shape_a) + " and " + text(shape_b);
      INFO(p.name, " of ", shapes);
      CheckedInput a = input_between("a", shape_a, p.lo, p.hi, 5), b = input_between("b", shape_b, p.lo, p.hi, 6);
      // Off kinks: a on multiples of 0.02, b between them, and both away from 0.
      for (double& x : a.value) x = std::round(x * 50) / 50 + (std::abs(x) < 0.02 ? 0.04 : 0);
      for (double& x : b.value) x = std::round(x * 50) / 50 + 0.01;
      check_gradients([&](VarsOfDouble v) { return p.f(v[0], v[1]); }, {a, b});
    }
}

TEST_CASE("functions of two operands, and numbers among them, have the values of hand") {
  Tape<double> tape;
  const double inf = INFINITY;
  const V a = constant({-2, 0.5, 3}), b = constant({2, 4, 3});
  check_elements(a + b, {0, 4.5, 6});
  check_elements(a - b, {-4, -3.5, 0});
  check_elements(a * b, {-4, 2, 9});
  check_elements(a / b, {-1, 0.125, 1});
  check_elements(1 + a, {-1, 1.5, 4});
  check_elements(a - 1, {-3, -0.5, 2});
  check_elements(2 * a, {-4, 1, 6});
  check_elements(3 / a, {-1.5, 6, 1});
  check_elements(pow(a, b), {4, 0.0625, 27});
  check_elements(pow(a, 3), {-8, 0.125, 27});
  check_elements(pow(2, b), {4, 16, 8});
  check_elements(pow(constant({0, 0, -8, 4}), constant({0, -1, 0.5, 0.5})), {1, inf, NAN, 2});
  check_elements(minimum(a, b), {-2, 0.5, 3});
  check_elements(maximum(a, b), {2, 4, 3});
  check_elements(maximum(a, 1), {1, 1, 3});
  check_elements(minimum(1, a), {-2, 0.5, 1});
  check_elements(clamp(a, -1, 2), {-1, 0.5, 2});
  check_elements(clamp(a, b, 10), {2, 4, 3});
  check_elements(clamp(constant({5}), 3, 1), {1});
  check_elements(leaky_relu(a, 0.25), {-0.5, 0.5, 3});
  check_elements(elu(a, 2), {2 * std::expm1(-2.0), 0.5, 3});
}

TEST_CASE("comparisons are 1 and 0, and nothing for NaN") {
  Tape<double> tape;
  const V a = constant({1, 2, 3, NAN, 1}), b = constant({2, 2, 2, 1, NAN});
  check_elements(a < b, {1, 0, 0, 0, 0});
  check_elements(a <= b, {1, 1, 0, 0, 0});
  check_elements(a > b, {0, 0, 1, 0, 0});
  check_elements(a >= b, {0, 1, 1, 0, 0});
  check_elements(a < 2, {1, 0, 0, 0, 1});
  check_elements(2 >= a, {1, 1, 0, 0, 1});
  const auto [da, db] = derivatives([](V x, V y) -> V { return (x < y) + (x >= y) + (x > y) + (x <= y) + x; }, 1, 2);
  CHECK(da == 1);
  CHECK(db == 0);
}

TEST_CASE("where chooses, and what is not chosen does no harm") {
  Tape<double> tape;
  const V condition = constant({1, 0, -3, 0});
  check_elements(where(condition, constant({1, 2, 3, NAN}), constant({NAN, 20, INFINITY, 40})), {1, 20, 3, 40});
  check_elements(where(condition, 7, constant({1, 2, 3, 4})), {7, 2, 7, 4});
  check_gradients(
      [](VarsOfDouble v) -> V { return where(v[0] > 0, v[1] * v[0], exp(v[2])); },
      {input_between("c", {2, 3}, 0.1, 1, 1), input_between("a", {3}, -1, 1, 2), input_between("b", {2, 1}, -1, 1, 3)});
  check_gradients(
      [](VarsOfDouble v) -> V { return where(v[0], v[1], v[2]) * v[0]; },
      {input_between("c", {2, 1}, 0.1, 1, 1), input_between("a", {2, 3}, -1, 1, 2), input_between("b", {}, -1, 1, 3)});
  const auto [da, db] = derivatives([](V a, V b) -> V { return where(a > 0, a * 2, b * INFINITY); }, 1, 1);
  CHECK(da == 2);
  CHECK(std::isnan(db));  // 0 · ∞: what its comment says
}

TEST_CASE("clamp sends its gradient to what it gives") {
  for (const auto& [x, low, high] : {std::tuple(Shape{2, 3}, Shape{3}, Shape{}),
                                     {Shape{}, Shape{2, 1}, Shape{1, 3}},
                                     {Shape{2, 3}, Shape{2, 3}, Shape{2, 3}}}) {
    CheckedInput inner = input_between("x", x, -2, 2, 1);
    for (double& e : inner.value) e = std::round(e * 50) / 50 + 0.01;  // off the bounds
    CheckedInput lower = input_between("low", low, -1, 0, 2), upper = input_between("high", high, 0.1, 1, 3);
    for (double& e : lower.value) e = std::round(e * 50) / 50;
    for (double& e : upper.value) e = std::round(e * 50) / 50;
    check_gradients([](VarsOfDouble v) -> V { return clamp(v[0], v[1], v[2]); }, {inner, lower, upper});
  }
}

TEST_CASE("where two are equal, the first receives the gradient of minimum and maximum") {
  CHECK(derivatives([](V a, V b) -> V { return minimum(a, b); }, 2, 2) == std::pair(1.0, 0.0));
  CHECK(derivatives([](V a, V b) -> V { return maximum(a, b); }, 2, 2) == std::pair(1.0, 0.0));
}

TEST_CASE("powers have derivatives at the edges") {
  const auto power = [](V a, V b) -> V { return pow(a, b); };
  CHECK(derivatives(power, 0, 2) == std::pair(0.0, 0.0));
  CHECK(derivatives(power, 0, 1) == std::pair(1.0, 0.0));
  CHECK(derivatives(power, 0, 0) == std::pair(0.0, 0.0));
  CHECK(derivatives(power, -2, 3).first == 12);
  CHECK(std::isnan(derivatives(power, -2, 3).second));
  check_gradients([](VarsOfDouble v) -> V { return pow(v[0], 3) + pow(v[0], -2) + pow(v[0], 0) + pow(3, v[0]); },
                  {input_between("x", {2, 3}, -2, -0.5, 1)});
}

TEST_CASE("NaN goes through functions of two and three operands") {
  Tape<double> tape;
  const V nan = constant({NAN, 1, NAN}), other = constant({1, NAN, NAN});
  for (const Pair& p : functions_of_two()) {
    INFO(p.name);
    for (const double x : p.f(nan, other).value()) {
      const bool is_slope_of_nothing = p.name == "leaky_relu(a, b)" || p.name == "elu(a, b)" || p.name == "pow(a, b)";
      if (!is_slope_of_nothing) CHECK(std::isnan(x));
    }
    CHECK(std::isnan(p.f(nan, constant({2, 2, 2})).value().data()[0]));
  }
  check_elements(clamp(constant({NAN, 1, 1}), constant({0, NAN, 0}), constant({2, 2, NAN})), {NAN, NAN, NAN});
  check_elements(clamp(nan, 0, 2), {NAN, 1, NAN});
}

TEST_CASE("shapes that do not broadcast are named, with the rule") {
  Tape<double> tape;
  const V a = tape.constant(zeros<double>({2, 3})), b = tape.constant(zeros<double>({2, 4}));
  CHECK_THROWS_WITH_AS(V(a + b), "add: a is [2, 3], b is [2, 4]: extents must be equal or 1, from the last axis backwards",
                       std::invalid_argument);
  CHECK_THROWS_WITH_AS(V(minimum(a, tape.constant(zeros<double>({2})))),
                       "minimum: a is [2, 3], b is [2]: extents must be equal or 1, from the last axis backwards",
                       std::invalid_argument);
  CHECK_THROWS_WITH_AS(V(tanh(a * b) + 1),
                       "multiply: a is [2, 3], b is [2, 4]: extents must be equal or 1, from the last axis backwards",
                       std::invalid_argument);
  CHECK_THROWS_WITH_AS(V(where(a, a, b)),
                       "where: a is [2, 3], b is [2, 4]: extents must be equal or 1, from the last axis backwards",
                       std::invalid_argument);
}

TEST_CASE("float gives what double gives, rounded") {
  Tape<double> tape;
  Tape<float> tape_float;
  const Tensor<float> a = random_tensor<float>({3, 5}, 1), b = random_tensor<float>({5}, 2);
  Tensor<double> wide_a = zeros<double>({3, 5}), wide_b = zeros<double>({5});
  std::copy(a.begin(), a.end(), wide_a.begin());
  std::copy(b.begin(), b.end(), wide_b.begin());
  const Var<float> x = tape_float.variable(a), y = tape_float.variable(b);
  const V wide_x = tape.variable(wide_a), wide_y = tape.variable(wide_b);
  const Var<float> z = pow(abs(x) + 1, y) / maximum(x, y + 2) - clamp(x * 3, -y, 1) * leaky_relu(x, y);
  const V wide_z =
      pow(abs(wide_x) + 1, wide_y) / maximum(wide_x, wide_y + 2) - clamp(wide_x * 3, -wide_y, 1) * leaky_relu(wide_x, wide_y);
  CHECK(difference(z.value(), wide_z.value()) < 1e-6);
  backward(sum(z));
  backward(sum(wide_z));
  CHECK(difference(tape_float.gradient(x), tape.gradient(wide_x)) < 1e-6);
  CHECK(difference(tape_float.gradient(y), tape.gradient(wide_y)) < 1e-6);
}
