#include <carousel/ops/reduce.hpp>

#include <carousel/ops/elementwise.hpp>
#include <carousel/ops/shape.hpp>

#include "tests/ops/gradients.hpp"

using namespace carousel;

namespace {

using V = Var<double>;

Tensor<double> table() {
  return tensor<double>({2, 3}, {1, 2, 4, 8, 16, 32});
}

/// Random values, each at least 0.02 from all others: the largest stays the largest within the steps of a check.
Tensor<double> apart(const Shape& shape, std::uint64_t seed) {
  Tensor<double> x = empty<double>(shape);
  for (std::size_t i = 0; i < x.size(); ++i) x.data()[i] = 0.02 * static_cast<double>(i) - 1;
  Random(seed).shuffle(x);
  return x;
}

/// Every reduction, over all and along each axis, of a packed value and of a view with gaps.
void check_reduction(const std::function<V(V)>& of_all, const std::function<V(V, int)>& along) {
  for (const Shape& shape : {Shape{2, 3}, Shape{3, 1, 4}, Shape{2, 3, 2, 2}, Shape{37}, Shape{2, 70}, Shape{70, 2}}) {
    INFO(text(shape));
    check_gradients([&](VarsOfDouble v) { return of_all(v[0]); }, {{"x", apart(shape, 1)}});
    for (int axis = -shape.rank(); axis < shape.rank(); ++axis)
      check_gradients([&](VarsOfDouble v) -> V { return along(v[0], axis) * v[0] + along(v[0], axis); },
                      {{"x", apart(shape, 2)}});
  }
  check_gradients([&](VarsOfDouble v) { return along(transpose(v[0]), 0); }, {{"x", apart({2, 3}, 3)}});
  check_gradients([&](VarsOfDouble v) { return along(slice(v[0], 1, 1, 3), 1); }, {{"x", apart({2, 5}, 3)}});
  check_gradients([&](VarsOfDouble v) { return of_all(v[0]); }, {{"x", random_tensor({}, 3)}});
}

}  // namespace

TEST_CASE("sums") {
  Tape<double> tape;
  const V x = tape.variable(table());
  check_elements(sum(x), {}, {63});
  check_elements(sum(x, 0), {1, 3}, {9, 18, 36});
  check_elements(sum(x, 1), {2, 1}, {7, 56});
  check_elements(sum(x, -1), {2, 1}, {7, 56});
  check_elements(sum(transpose(x), 0), {1, 2}, {7, 56});
  check_elements(sum(x * 2), {}, {126});
  check_elements(sum(tape.constant(zeros<double>({0, 3}))), {}, {0});
  check_elements(sum(tape.constant(zeros<double>({0, 3})), 0), {1, 3}, {0, 0, 0});
  check_elements(sum(tape.constant(zeros<double>({3, 0})), 0), {1, 0}, {});
  check_elements(sum(tape.constant(full<double>({}, 5))), {}, {5});
  CHECK(std::isnan(sum(tape.constant(tensor<double>({3}, {1, NAN, 2}))).item()));
  check_reduction([](V v) { return sum(v); }, [](V v, int axis) { return sum(v, axis); });
}

TEST_CASE("means") {
  Tape<double> tape;
  const V x = tape.variable(table());
  check_elements(mean(x), {}, {10.5});
  check_elements(mean(x, 0), {1, 3}, {4.5, 9, 18});
  check_elements(mean(x, 1), {2, 1}, {7 / 3.0, 56 / 3.0});
  check_reduction([](V v) { return mean(v); }, [](V v, int axis) { return mean(v, axis); });
}

TEST_CASE("sums of float are added in double") {
  // 2^24 + 1 is no float: added in float, ones get lost.
  Tape<float> tape;
  Tensor<float> x = full<float>({3, 40}, 1);
  for (Index i = 0; i < 3; ++i) x.data()[40 * i] = 16777216;
  check_elements(sum(tape.constant(x), 1), {3, 1}, {16777256, 16777256, 16777256});
  check_elements(sum(transpose(tape.constant(x)), 0), {1, 3}, {16777256, 16777256, 16777256});
  Tensor<float> tall = full<float>({40, 3}, 1);
  for (std::size_t i = 0; i < 3; ++i) tall.data()[i] = 16777216;
  check_elements(sum(tape.constant(tall), 0), {1, 3}, {16777256, 16777256, 16777256});
  CHECK(sum(tape.constant(full<float>({5000, 5000}, 1))).item() == 25'000'000.0F);
}

TEST_CASE("a row's sum depends on the row alone") {
  Tape<float> tape;
  const Tensor<float> x = random_tensor<float>({5, 43}, 1);
  const Tensor<float> all = sum(tape.constant(x), 1).value();
  for (Index row = 0; row < 5; ++row) CHECK(sum(at(tape.constant(x), 0, row)).item() == all.data()[row]);
}

TEST_CASE("largest values") {
  Tape<double> tape;
  const V x = tape.variable(tensor<double>({2, 3}, {3, -1, 3, 2, 7, -5}));
  check_elements(max(x), {}, {7});
  check_elements(max(x, Axis{0}), {1, 3}, {3, 7, 3});
  check_elements(max(x, Axis{1}), {2, 1}, {3, 7});
  backward(sum(max(x, Axis{1}) * tape.constant(tensor<double>({2, 1}, {10, 20}))));
  const Tensor<double> dx = tape.gradient(x);  // the first of two that are equal
  for (std::size_t i = 0; i < 6; ++i) CHECK(dx.data()[i] == (i == 0 ? 10 : i == 4 ? 20 : 0));
  check_reduction([](V v) { return max(v); }, [](V v, int axis) { return max(v, Axis{axis}); });
}

TEST_CASE("a NaN is the largest, and receives the gradient") {
  Tape<double> tape;
  const V x = tape.variable(tensor<double>({2, 3}, {3, NAN, NAN, INFINITY, 1, -INFINITY}));
  check_elements(max(x), {}, {NAN});
  check_elements(max(x, Axis{1}), {2, 1}, {NAN, INFINITY});
  check_elements(max(x, Axis{0}), {1, 3}, {INFINITY, NAN, NAN});
  backward(sum(max(x, Axis{1})));
  const Tensor<double> dx = tape.gradient(x);
  for (std::size_t i = 0; i < 6; ++i) CHECK(dx.data()[i] == (i == 1 || i == 3 ? 1 : 0));
  check_elements(max(tape.constant(full<double>({3}, -INFINITY))), {}, {-INFINITY});
}

TEST_CASE("reductions refuse what has no result") {
  Tape<double> tape;
  const V none = tape.constant(zeros<double>({3, 0})), x = tape.constant(table());
  CHECK_THROWS_WITH_AS(sum(x, 2), "sum: axis 2 of [2, 3]: there is no such axis", std::invalid_argument);
  CHECK_THROWS_WITH_AS(mean(x, -3), "mean: axis -3 of [2, 3]: there is no such axis", std::invalid_argument);
  CHECK_THROWS_WITH_AS(max(tape.constant(Shape{}), Axis{0}), "max: axis 0 of []: there is no such axis", std::invalid_argument);
  CHECK_THROWS_WITH_AS(mean(none), "mean: [3, 0] has no elements: there is no mean", std::invalid_argument);
  CHECK_THROWS_WITH_AS(mean(none, 1), "mean: axis 1 of [3, 0] has no elements: there is no mean", std::invalid_argument);
  CHECK_THROWS_WITH_AS(max(none), "max: [3, 0] has no elements: there is no largest", std::invalid_argument);
  CHECK_THROWS_WITH_AS(max(none, Axis{-1}), "max: axis -1 of [3, 0] has no elements: there is no largest", std::invalid_argument);
  check_elements(max(none, Axis{0}), {1, 0}, {});
}
