#include <carousel/ops/arrange.hpp>

#include <carousel/ops/elementwise.hpp>
#include <carousel/ops/reduce.hpp>
#include <carousel/ops/shape.hpp>

#include "tests/ops/gradients.hpp"

using namespace carousel;

namespace test_arrange {

namespace {

using V = Var<double>;

void check_gradient(const std::function<V(V)>& f, const Shape& shape) {
  check_gradients([&](VarsOfDouble v) { return f(v[0]); }, {{"x", random_tensor(shape, 1)}});
  check_gradients([&](VarsOfDouble v) -> V { return f(v[0] * 2) * f(v[0]) + f(v[0]); }, {{"x", random_tensor(shape, 2)}});
}

}  // namespace

TEST_CASE("concat") {
  Tape<double> tape;
  const V x = tape.variable(counting({2, 2})), y = tape.variable(full<double>({2, 1}, 9));
  check_elements(concat({x, y}), {2, 3}, {0, 1, 9, 2, 3, 9});
  check_elements(concat({y, x, y}, 1), {2, 4}, {9, 0, 1, 9, 9, 2, 3, 9});
  check_elements(concat({x, transpose(x)}, 0), {4, 2}, {0, 1, 2, 3, 0, 2, 1, 3});
  check_elements(concat({x}, -2), {2, 2}, {0, 1, 2, 3});
  check_elements(concat({x, tape.constant(Shape{2, 0})}), {2, 2}, {0, 1, 2, 3});
  check_elements(concat({V(x * 2), y}), {2, 3}, {0, 2, 9, 4, 6, 9});
  CHECK_THROWS_WITH_AS(concat(std::span<const V>()), "concat: no values: must be at least one", std::invalid_argument);
  CHECK_THROWS_WITH_AS(concat({x, tape.constant(Shape{3, 2})}, 1),
                       "concat: value 1 is [3, 2], the first is [2, 2]: all axes but 1 must be the same", std::invalid_argument);
  CHECK_THROWS_WITH_AS(concat({x, tape.constant(Shape{2})}, 0),
                       "concat: value 1 is [2], the first is [2, 2]: all axes but 0 must be the same", std::invalid_argument);
  CHECK_THROWS_WITH_AS(concat({x}, 2), "concat: axis 2 of [2, 2]: there is no such axis", std::invalid_argument);
  for (int axis = -1; axis < 3; ++axis) {
    Shape a{2, 3, 2}, b{2, 3, 2};
    b[axis < 0 ? 2 : axis] = 4;
    check_gradients(
        [&](VarsOfDouble v) -> V {
          return concat({v[0], v[1], v[0] * v[0]}, axis) * 2;
        },
        {{"a", random_tensor(a, 1)}, {"b", random_tensor(b, 2)}});
  }
  check_gradients(
      [](VarsOfDouble v) {
        return concat({transpose(v[0]), slice(v[1], 1, 1, 3)});
      },
      {{"a", random_tensor({2, 3}, 1)}, {"b", random_tensor({3, 4}, 2)}});
}

TEST_CASE("flip") {
  Tape<double> tape;
  const V x = tape.variable(counting({2, 3}));
  check_elements(flip(x, 0), {2, 3}, {3, 4, 5, 0, 1, 2});
  check_elements(flip(x, -1), {2, 3}, {2, 1, 0, 5, 4, 3});
  check_elements(flip(transpose(x), 0), {3, 2}, {2, 5, 1, 4, 0, 3});
  check_elements(flip(flip(x, 1), 1), {2, 3}, {0, 1, 2, 3, 4, 5});
  check_elements(flip(tape.constant(Shape{0, 2}), 0), {0, 2}, {});
  check_elements(flip(slice(x, 0, 1, 2), 0), {1, 3}, {3, 4, 5});
  CHECK_THROWS_WITH_AS(flip(x, 2), "flip: axis 2 of [2, 3]: there is no such axis", std::invalid_argument);
  for (int axis = 0; axis < 3; ++axis) check_gradient([&](V v) { return flip(v, axis); }, {2, 3, 4});
  check_gradient([](V v) { return flip(transpose(v), 1); }, {2, 3});
}

TEST_CASE("broadcast_to") {
  Tape<double> tape;
  const V x = tape.variable(counting({2, 1}));
  check_elements(broadcast_to(x, {2, 3}), {2, 3}, {0, 0, 0, 1, 1, 1});
  check_elements(broadcast_to(x, {2, 2, 1}), {2, 2, 1}, {0, 1, 0, 1});
  check_elements(broadcast_to(x, {2, 1}), {2, 1}, {0, 1});
  check_elements(broadcast_to(x, {0, 2, 3}), {0, 2, 3}, {});
  check_elements(broadcast_to(sum(x), {2}), {2}, {1, 1});
  check_elements(broadcast_to(transpose(tape.constant(counting({1, 2, 3}))), {2, 3, 2}), {2, 3, 2},
                 {0, 3, 1, 4, 2, 5, 0, 3, 1, 4, 2, 5});
  const char* rule = ": extents must be equal, or 1 in x, from the last axis backwards";
  CHECK_THROWS_WITH_AS(broadcast_to(x, {3, 3}), (std::string("broadcast_to: x is [2, 1], wanted [3, 3]") + rule).c_str(),
                       std::invalid_argument);
  CHECK_THROWS_WITH_AS(broadcast_to(x, {2}), (std::string("broadcast_to: x is [2, 1], wanted [2]") + rule).c_str(),
                       std::invalid_argument);
  CHECK_THROWS_WITH_AS(broadcast_to(x, {-1, 1}), (std::string("broadcast_to: x is [2, 1], wanted [-1, 1]") + rule).c_str(),
                       std::invalid_argument);
  for (const auto& [from, to] : shapes_of_two()) {
    bool fits = from.rank() <= to.rank();
    for (int axis = 1; fits && axis <= from.rank(); ++axis)
      fits = from[from.rank() - axis] == 1 || from[from.rank() - axis] == to[to.rank() - axis];
    if (fits) check_gradient([&, wanted = to](V v) { return broadcast_to(v, wanted); }, from);
  }
  check_gradient([](V v) { return broadcast_to(transpose(v), {2, 3, 1}); }, {1, 3});
}

TEST_CASE("gather") {
  Tape<double> tape;
  const V x = tape.variable(counting({3, 2}));
  check_elements(gather(x, 0, {2, 0, 2, 2}), {4, 2}, {4, 5, 0, 1, 4, 5, 4, 5});
  check_elements(gather(x, 1, {1}), {3, 1}, {1, 3, 5});
  check_elements(gather(x, -1, {1, 0, 1}), {3, 3}, {1, 0, 1, 3, 2, 3, 5, 4, 5});
  check_elements(gather(transpose(x), 0, {1, 1}), {2, 3}, {1, 3, 5, 1, 3, 5});
  check_elements(gather(x, 0, {}), {0, 2}, {});
  CHECK_THROWS_WITH_AS(gather(x, 0, {0, 3}), "gather: index 3 at position 1: must lie within axis 0 of [3, 2]",
                       std::invalid_argument);
  CHECK_THROWS_WITH_AS(gather(x, 1, {-1}), "gather: index -1 at position 0: must lie within axis 1 of [3, 2]",
                       std::invalid_argument);
  CHECK_THROWS_WITH_AS(gather(x, 2, {0}), "gather: axis 2 of [3, 2]: there is no such axis", std::invalid_argument);
  backward(sum(gather(x, 0, {2, 0, 2, 2}) * tape.constant(counting({4, 2}))));
  const Tensor<double> dx = tape.gradient(x);
  const double wanted[] = {2, 3, 0, 0, 0 + 4 + 6, 1 + 5 + 7};
  for (std::size_t i = 0; i < 6; ++i) CHECK(dx.data()[i] == wanted[i]);
  const std::vector<Index> often{1, 1, 0, 1};
  for (int axis = 0; axis < 3; ++axis) check_gradient([&](V v) { return gather(v, axis, often); }, {2, 3, 4});
  check_gradient([&](V v) { return gather(transpose(v), 1, often); }, {2, 3});
  check_gradient([&](V v) { return gather(v, 0, {1}); }, {3, 2});  // most receive nothing
}

}  // namespace test_arrange
