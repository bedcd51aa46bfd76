#include <carousel/ops/shape.hpp>

#include <carousel/ops/elementwise.hpp>
#include <carousel/ops/reduce.hpp>

#include "tests/ops/gradients.hpp"

using namespace carousel;

namespace {

using V = Var<double>;

void check_gradient(const std::function<V(V)>& f, const Shape& shape) {
  check_gradients([&](VarsOfDouble v) { return f(v[0]); }, {{"x", random_tensor(shape, 1)}});
  // Of an inner value, which has another use before and one after.
  check_gradients(
      [&](VarsOfDouble v) -> V {
        const V x = tanh(v[0]), before = sum(x * 2), middle = sum(square(f(x)));
        return before + middle + sum(x);
      },
      {{"x", random_tensor(shape, 2)}});
}

}  // namespace

TEST_CASE("reshape") {
  Tape<double> tape;
  const V x = tape.variable(counting({2, 3}));
  check_elements(reshape(x, {3, 2}), {3, 2}, {0, 1, 2, 3, 4, 5});
  check_elements(reshape(x, {-1}), {6}, {0, 1, 2, 3, 4, 5});
  check_elements(reshape(x, {1, -1, 2}), {1, 3, 2}, {0, 1, 2, 3, 4, 5});
  check_elements(reshape(transpose(x), {-1}), {6}, {0, 3, 1, 4, 2, 5});
  check_elements(reshape(slice(x, 1, 1, 3), {4}), {4}, {1, 2, 4, 5});
  check_elements(reshape(at(at(x, 0, 1), 0, 2), {1, 1}), {1, 1}, {5});
  check_elements(reshape(tape.constant(full<double>({1}, 7)), {}), {}, {7});
  check_elements(reshape(tape.constant(Shape{0, 3}), {3, 0, 2}), {3, 0, 2}, {});
  check_elements(reshape(tape.constant(Shape{0, 3}), {-1, 3}), {0, 3}, {});
  CHECK(tape.data(reshape(x, {6})) == tape.data(x));  // copies nothing
  CHECK_THROWS_WITH_AS(reshape(x, {4}), "reshape: [2, 3] to [4]: must have the same number of elements", std::invalid_argument);
  CHECK_THROWS_WITH_AS(reshape(x, {-1, 4}), "reshape: [2, 3] to [-1, 4]: must have the same number of elements",
                       std::invalid_argument);
  CHECK_THROWS_WITH_AS(reshape(x, {-1, -1}), "reshape: [2, 3] to [-1, -1]: only one extent can be worked out",
                       std::invalid_argument);
  CHECK_THROWS_WITH_AS(reshape(tape.constant(Shape{0, 3}), {0, -1}),
                       "reshape: [0, 3] to [0, -1]: beside an extent of 0 none can be worked out", std::invalid_argument);
  CHECK_THROWS_WITH_AS(reshape(x, {6, -2}), "shape: extent -2 of axis 1: must not be negative", std::invalid_argument);
  check_gradient([](V v) { return reshape(v, {3, 2}); }, {2, 3});
  check_gradient([](V v) { return reshape(transpose(v), {-1}); }, {2, 3});
  check_gradient([](V v) { return reshape(reshape(v, {6}), {1, 2, 3}); }, {2, 3});
}

TEST_CASE("slice and at") {
  Tape<double> tape;
  const V x = tape.variable(counting({2, 3, 2}));
  check_elements(slice(x, 1, 1, 3), {2, 2, 2}, {2, 3, 4, 5, 8, 9, 10, 11});
  check_elements(slice(x, -1, 0, 1), {2, 3, 1}, {0, 2, 4, 6, 8, 10});
  check_elements(slice(x, 0, 1, 1), {0, 3, 2}, {});
  check_elements(slice(slice(x, 1, 1, 3), 1, 1, 2), {2, 1, 2}, {4, 5, 10, 11});
  check_elements(at(x, 0, 1), {3, 2}, {6, 7, 8, 9, 10, 11});
  check_elements(at(x, 1, 2), {2, 2}, {4, 5, 10, 11});
  check_elements(at(at(x, -1, 1), 1, 0), {2}, {1, 7});
  check_elements(last(x), {3, 2}, {6, 7, 8, 9, 10, 11});
  CHECK_THROWS_WITH_AS(slice(x, 3, 0, 1), "slice: axis 3 of [2, 3, 2]: there is no such axis", std::invalid_argument);
  CHECK_THROWS_WITH_AS(slice(x, 1, 2, 4), "slice: 2 to 4 of axis 1 of [2, 3, 2]: must lie within it", std::invalid_argument);
  CHECK_THROWS_WITH_AS(slice(x, 1, -1, 2), "slice: -1 to 2 of axis 1 of [2, 3, 2]: must lie within it", std::invalid_argument);
  CHECK_THROWS_WITH_AS(slice(x, 1, 2, 1), "slice: 2 to 1 of axis 1 of [2, 3, 2]: must lie within it", std::invalid_argument);
  CHECK_THROWS_WITH_AS(at(x, 0, 2), "at: 2 of axis 0 of [2, 3, 2]: must lie within it", std::invalid_argument);
  CHECK_THROWS_WITH_AS(at(x, 0, -1), "at: -1 of axis 0 of [2, 3, 2]: must lie within it", std::invalid_argument);
  CHECK_THROWS_WITH_AS(last(tape.constant(Shape{})), "at: axis 0 of []: there is no such axis", std::invalid_argument);
  CHECK_THROWS_WITH_AS(last(tape.constant(Shape{0, 2})), "at: -1 of axis 0 of [0, 2]: must lie within it", std::invalid_argument);
  check_gradient([](V v) { return slice(v, 1, 1, 3); }, {2, 4});
  check_gradient([](V v) { return at(v, 1, 1); }, {2, 3});
  check_gradient([](V v) { return last(v); }, {2, 3});
  check_gradient([](V v) -> V { return slice(v, 1, 0, 3) * slice(v, 1, 1, 4); }, {2, 4});  // they overlap
  check_gradient([](V v) -> V { return slice(v, 0, 0, 2) * slice(v, 0, 1, 3) + slice(v, 0, 1, 3); }, {3, 4});
}

TEST_CASE("transpose") {
  Tape<double> tape;
  const V x = tape.variable(counting({2, 3, 2}));
  check_elements(transpose(tape.variable(counting({2, 3}))), {3, 2}, {0, 3, 1, 4, 2, 5});
  check_elements(transpose(x, 0, 2), {2, 3, 2}, {0, 6, 2, 8, 4, 10, 1, 7, 3, 9, 5, 11});
  check_elements(transpose(x, 1, 1), {2, 3, 2}, {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11});
  check_elements(transpose(transpose(x, 0, 1), 0, 1), {2, 3, 2}, {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11});
  CHECK_THROWS_WITH_AS(transpose(tape.constant(Shape{3})), "transpose: axis -2 of [3]: there is no such axis",
                       std::invalid_argument);
  check_gradient([](V v) { return transpose(v); }, {2, 3});
  check_gradient([](V v) { return transpose(v, 0, 2); }, {2, 3, 4});
  check_gradient([](V v) -> V { return transpose(v) * v; }, {3, 3});
  check_gradient([](V v) -> V { return tanh(transpose(v)) * transpose(v, 1, 2); }, {2, 2, 2});
}

TEST_CASE("split") {
  Tape<double> tape;
  const V x = tape.variable(counting({2, 6}));
  const auto [a, b, c] = split<3>(x);
  check_elements(a, {2, 2}, {0, 1, 6, 7});
  check_elements(b, {2, 2}, {2, 3, 8, 9});
  check_elements(c, {2, 2}, {4, 5, 10, 11});
  check_elements(split<2>(x, 0)[1], {1, 6}, {6, 7, 8, 9, 10, 11});
  check_elements(split<2>(x * 2)[0], {2, 3}, {0, 2, 4, 12, 14, 16});
  check_elements(split<1>(x)[0], {2, 6}, {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11});
  check_elements(split<2>(tape.constant(Shape{2, 0}))[0], {2, 0}, {});
  CHECK_THROWS_WITH_AS(split<4>(x), "split: axis 1 of [2, 6] into 4: must divide it without remainder", std::invalid_argument);
  CHECK_THROWS_WITH_AS(split<2>(x, 2), "split: axis 2 of [2, 6]: there is no such axis", std::invalid_argument);
  const auto gates = [](V v) -> V {
    const auto [i, f, g] = split<3>(v);
    return sigmoid(i) * g + f * f;
  };
  check_gradient(gates, {2, 6});
  check_gradient([](V v) -> V { return split<3>(v)[1] * split<3>(v)[1]; }, {2, 6});  // twice, in part
  check_gradient([](V v) -> V { return split<3>(v)[1] * split<2>(split<3>(v)[0])[1]; }, {2, 6});
  check_gradient([](V v) -> V { return split<2>(v)[0] * split<2>(v, 0)[1]; }, {2, 2});  // in two ways
}

TEST_CASE("packed") {
  Tape<double> tape;
  const V x = tape.variable(counting({2, 3}));
  CHECK(packed(x).index() == x.index());
  CHECK(packed(transpose(x)).index() != transpose(x).index());
  CHECK_NOTHROW(tape.data(packed(transpose(x))));
  check_elements(packed(transpose(x)), {3, 2}, {0, 3, 1, 4, 2, 5});
  check_gradient([](V v) { return packed(transpose(v)); }, {2, 3});
}

TEST_CASE("stack") {
  Tape<double> tape;
  const V x = tape.variable(counting({2, 2})), y = tape.variable(full<double>({2, 2}, 9));
  check_elements(stack({x, y}), {2, 2, 2}, {0, 1, 2, 3, 9, 9, 9, 9});
  check_elements(stack({transpose(x), y, x}), {3, 2, 2}, {0, 2, 1, 3, 9, 9, 9, 9, 0, 1, 2, 3});
  check_elements(stack({x}), {1, 2, 2}, {0, 1, 2, 3});
  check_elements(stack({at(at(x, 0, 0), 0, 1), at(at(x, 0, 1), 0, 1)}), {2}, {1, 3});
  CHECK_THROWS_WITH_AS(stack(std::span<const V>()), "stack: no values: must be at least one", std::invalid_argument);
  CHECK_THROWS_WITH_AS(stack({x, at(x, 0, 1)}), "stack: value 1 is [2], the first is [2, 2]: must be the same",
                       std::invalid_argument);
  check_gradients(
      [](VarsOfDouble v) -> V {
        return stack({v[0], v[1], v[0]}) * stack({v[1], v[0] * v[0], v[0]});
      },
      {{"a", random_tensor({2, 3}, 1)}, {"b", random_tensor({2, 3}, 2)}});
  check_gradient([](V v) { return stack({transpose(v), transpose(v)}); }, {2, 3});
}

TEST_CASE("float and double views are alike") {
  Tape<float> tape;
  const Var<float> x = tape.variable(random_tensor<float>({2, 6}, 1));
  const auto [a, b] = split<2>(x);
  const Var<float> y = stack({reshape(transpose(a), {6}), at(reshape(slice(b, 1, 0, 3), {1, 6}), 0, 0)});
  backward(sum(y * y));
  CHECK(difference(tape.gradient(x), Var<float>(x * 2).value()) == 0);
}

TEST_CASE("the last element of the first axis, in float and in double") {
  Tape<double> tape;
  check_elements(last(tape.constant(counting({3, 2}))), {2}, {4, 5});
  Tape<float> tape_float;
  check_elements(last(tape_float.constant(tensor<float>({3, 2}, {0, 1, 2, 3, 4, 5}))), {2}, {4, 5});
}

TEST_CASE("extents whose product no number holds are refused, or hold nothing") {
  Tape<double> tape;
  const V x = tape.constant(zeros<double>({2, 3}));
  constexpr Index huge = Index{1} << 40;
  for (const Shape& shape : {Shape{huge, huge, -1}, Shape{huge, huge}, Shape{-1, huge, huge, huge}})
    CHECK_THROWS_AS(reshape(x, shape), std::invalid_argument);
  const V nothing = tape.constant(zeros<double>({0, 3}));
  CHECK(reshape(nothing, {0, huge, huge}).shape() == Shape{0, huge, huge});
}
