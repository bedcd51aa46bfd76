#include <carousel/ops/affine.hpp>

#include <vector>

#include <doctest/doctest.h>

#include <carousel/lib/training/gradcheck.hpp>
#include <carousel/models/sequence/scan.hpp>
#include <carousel/ops/elementwise.hpp>
#include <carousel/ops/matmul.hpp>
#include <carousel/ops/reduce.hpp>
#include <carousel/ops/shape.hpp>

#include "tests/support/allocations.hpp"
#include "tests/support/values.hpp"

using namespace carousel;

namespace {

using V = Var<double>;
using Vars = std::span<const V>;

}  // namespace

TEST_CASE("affine adds products and a bias") {
  Tape<double> tape;
  const V x = tape.constant(tensor<double>({2, 2}, {1, 2, 3, 4})), w = tape.constant(tensor<double>({2, 3}, {1, 0, 2, 0, 1, -1}));
  const V y = tape.constant(tensor<double>({2, 1}, {10, 100})), u = tape.constant(tensor<double>({1, 3}, {1, 2, 3}));
  const V bias = tape.constant(tensor<double>({3}, {0.5, 0.25, 0}));
  CHECK(difference(affine(x, w).value(), tensor<double>({2, 3}, {1, 2, 0, 3, 4, 2})) == 0);
  CHECK(difference(affine(x, w, y, u).value(), tensor<double>({2, 3}, {11, 22, 30, 103, 204, 302})) == 0);
  CHECK(difference(affine(x, w, y, u, bias).value(), tensor<double>({2, 3}, {11.5, 22.25, 30, 103.5, 204.25, 302})) == 0);
}

TEST_CASE("affine sends gradients to products and bias") {
  Tape<double> tape;
  const V x = tape.variable(tensor<double>({2, 2}, {1, 2, 3, 4})), w = tape.variable(tensor<double>({2, 1}, {5, 7}));
  const V bias = tape.variable(tensor<double>({1}, {0}));
  backward(sum(affine(x, w, bias) * tape.constant(tensor<double>({2, 1}, {1, 10}))));
  CHECK(difference(tape.gradient(x), tensor<double>({2, 2}, {5, 7, 50, 70})) == 0);
  CHECK(difference(tape.gradient(w), tensor<double>({2, 1}, {31, 42})) == 0);
  CHECK(difference(tape.gradient(bias), tensor<double>({1}, {11})) == 0);
}

TEST_CASE("affine takes rows of any rank") {
  const Tensor<double> x = random_tensor({2, 5, 3}, 1), w = random_tensor({3, 4}, 2), bias = random_tensor({4}, 3);
  Tape<double> tape;
  const V whole = affine(tape.constant(x), tape.constant(w), tape.constant(bias));
  CHECK(whole.shape() == Shape{2, 5, 4});
  const V matrix = affine(reshape(tape.constant(x), {10, 3}), tape.constant(w), tape.constant(bias));
  CHECK(difference(reshape(matrix, {2, 5, 4}).value(), whole.value()) == 0);
  const V row = affine(at(at(tape.constant(x), 0, 1), 0, 2), tape.constant(w), tape.constant(bias));
  CHECK(row.shape() == Shape{4});
  CHECK(difference(row.value(), at(at(whole, 0, 1), 0, 2).value()) < 1e-14);
}

TEST_CASE("affine has the right gradient for every operand and form") {
  const auto check = [](const CheckedFunction& f, std::vector<CheckedInput> inputs) {
    const GradcheckResult result = gradcheck(f, std::move(inputs));
    INFO(result.worst().describe());
    CHECK(result.passed);
  };
  const auto in = [](const char* name, const Shape& shape, std::uint64_t seed) {
    return CheckedInput{name, random_tensor(shape, seed)};
  };
  check([](Vars v) -> V { return affine(v[0], v[1]); }, {in("x", {2, 3}, 1), in("w", {3, 5}, 2)});
  check([](Vars v) -> V { return affine(v[0], v[1], v[2]); }, {in("x", {2, 3}, 1), in("w", {3, 5}, 2), in("b", {5}, 3)});
  check([](Vars v) -> V { return affine(v[0], v[1], v[2], v[3], v[4]); },
        {in("x", {2, 3}, 1), in("w", {3, 5}, 2), in("h", {2, 4}, 4), in("u", {4, 5}, 5), in("b", {5}, 3)});
  check([](Vars v) -> V { return affine(v[0], v[1], v[2]); }, {in("x", {2, 4, 3}, 1), in("w", {3, 5}, 2), in("b", {5}, 3)});
  check([](Vars v) -> V { return affine(v[0], v[1], v[2]); }, {in("x", {3}, 1), in("w", {3, 5}, 2), in("b", {5}, 3)});
  check([](Vars v) -> V { return affine(transpose(v[0]), transpose(v[1]), v[2]); },
        {in("x", {3, 2}, 1), in("w", {5, 3}, 2), in("b", {5}, 3)});
  check([](Vars v) -> V { return affine(slice(v[0], 1, 1, 4), slice(v[1], 1, 2, 7), v[2]); },
        {in("x", {2, 6}, 1), in("w", {3, 9}, 2), in("b", {5}, 3)});
  check([](Vars v) -> V { return affine(v[0], v[0]); }, {in("square", {3, 3}, 1)});
  check([](Vars v) -> V { return affine(v[0], v[0], v[0], v[0], at(v[0], 0, 1)); }, {in("square", {3, 3}, 1)});
  check([](Vars v) -> V { return affine(v[0], v[1], v[0], v[1], v[2]); },
        {in("x", {2, 3}, 1), in("w", {3, 5}, 2), in("b", {5}, 3)});
  check(
      [](Vars v) -> V {
        const V x = v[0], w = v[1];
        return affine(x, w, x, w, x, w, x, w, x, w, x, w, x, w, x, w, x * x, w, v[2]);
      },
      {in("x", {2, 3}, 1), in("w", {3, 5}, 2), in("b", {5}, 3)});
  check([](Vars v) -> V { return affine(v[1], v[0], v[1]); }, {in("w", {3, 3}, 1), in("row and bias", {3}, 2)});
}

TEST_CASE("affine takes any number of products") {
  Tape<double> tape;
  const V x = tape.constant(tensor<double>({1, 1}, {2})), w = tape.constant(tensor<double>({1, 1}, {3}));
  CHECK(affine(x, w, x, w, x, w, x, w, x, w, x, w, x, w, x, w, x).item() == 50);
  CHECK(affine(x, w, x, w, x, w, x, w, x, w, x, w, x, w, x, w, x, w).item() == 54);
  CHECK(affine(x, w, x, w, x, w, x, w, x, w, x, w, x, w, x, w, x, w, w).item() == 57);
  const V wide = tape.constant(tensor<double>({2, 1}, {2, 2}));
  CHECK_THROWS_WITH_AS(affine(x, w, x, w, x, w, x, w, x, w, x, w, x, w, x, w, wide, w),
                       "affine: products are [1, 1] and [2, 1]: must be the same", std::invalid_argument);
  CHECK_THROWS_WITH_AS(affine(x), "affine: 1 operands: must be pairs x, w, and a bias or none", std::invalid_argument);
}

TEST_CASE("affine says which shapes do not fit") {
  Tape<float> tape;
  const auto of = [&](const Shape& shape) { return tape.constant(zeros<float>(shape)); };
  CHECK_THROWS_WITH_AS(affine(of({}), of({1, 4})), "affine: x is []: must have at least one axis", std::invalid_argument);
  CHECK_THROWS_WITH_AS(affine(of({2, 3}), of({3})), "affine: w is [3]: must have two axes", std::invalid_argument);
  CHECK_THROWS_WITH_AS(affine(of({2, 3}), of({4, 5})), "affine: x is [2, 3], w is [4, 5]: columns of x must equal rows of w",
                       std::invalid_argument);
  CHECK_THROWS_WITH_AS(affine(of({2, 3}), of({3, 5}), of({4, 3}), of({3, 5})),
                       "affine: x is [4, 3] beside [2, 3]: all but the last axis must be the same", std::invalid_argument);
  CHECK_THROWS_WITH_AS(affine(of({2, 3}), of({3, 5}), of({2, 4}), of({4, 6})),
                       "affine: w is [4, 6] beside w [3, 5]: must have the same number of columns", std::invalid_argument);
  CHECK_THROWS_WITH_AS(affine(of({2, 3}), of({3, 5}), of({4})), "affine: b is [4]: must be [5]", std::invalid_argument);
  CHECK_THROWS_WITH_AS(affine(of({2, 3}), of({3, 5}), of({5, 1})), "affine: b is [5, 1]: must be [5]", std::invalid_argument);

  Registry<float> registry;
  const auto parameter = [&](const char* path, const Shape& shape) {
    return Param<float>(registry.parameter(path, shape, [&] { return zeros<float>(shape); }));
  };
  const Param<float> wx = parameter("lstm/wx", {4, 5}), wh = parameter("lstm/wh", {3, 6}), b = parameter("lstm/b", {4});
  CHECK_THROWS_WITH_AS(affine(of({2, 3}), wx), "affine: x is [2, 3], w (lstm/wx) is [4, 5]: columns of x must equal rows of w",
                       std::invalid_argument);
  CHECK_THROWS_WITH_AS(affine(of({2, 4}), wx, of({2, 3}), wh),
                       "affine: w (lstm/wh) is [3, 6] beside w (lstm/wx) [4, 5]: must have the same number of columns",
                       std::invalid_argument);
  CHECK_THROWS_WITH_AS(affine(of({2, 4}), wx, b), "affine: b (lstm/b) is [4]: must be [5]", std::invalid_argument);
  CHECK_THROWS_WITH_AS(affine(of({2, 4}), b), "affine: w (lstm/b) is [4]: must have two axes", std::invalid_argument);
  CHECK_THROWS_WITH_AS(matmul(of({2, 3}), wx), "matmul: a is [2, 3], b (lstm/wx) is [4, 5]: columns of a must equal rows of b",
                       std::invalid_argument);
}

TEST_CASE("affine of no rows, no columns or no inputs is empty or the bias") {
  Tape<double> tape;
  const V bias = tape.variable(tensor<double>({2}, {3, 5}));
  const V no_rows = tape.variable(zeros<double>({0, 3})), w = tape.variable(zeros<double>({3, 2}));
  const V no_inputs = tape.variable(zeros<double>({2, 0})), empty_w = tape.variable(zeros<double>({0, 2}));
  const V none = affine(no_rows, w, bias), biases = affine(no_inputs, empty_w, bias), zero = affine(no_inputs, empty_w);
  CHECK(none.shape() == Shape{0, 2});
  CHECK(difference(biases.value(), tensor<double>({2, 2}, {3, 5, 3, 5})) == 0);
  CHECK(difference(zero.value(), zeros<double>({2, 2})) == 0);
  CHECK(affine(tape.constant(zeros<double>({2, 3})), tape.constant(zeros<double>({3, 0}))).shape() == Shape{2, 0});
  backward(sum(none) + sum(biases));
  CHECK(difference(tape.gradient(bias), tensor<double>({2}, {2, 2})) == 0);
  CHECK(difference(tape.gradient(w), zeros<double>({3, 2})) == 0);
  CHECK(difference(tape.gradient(no_rows), zeros<double>({0, 3})) == 0);
}

TEST_CASE("products with the input of a scan are computed for all steps at once") {
  Tape<float> tape;
  struct Cell {
    Var<float> wx, wh;
    std::vector<Var<float>>& products;
    Var<float> operator()(Var<float> x, Var<float> h) const {
      products.push_back(affine(x, wx, h, wh));
      products.push_back(matmul(x, wx));
      products.push_back(affine(h, wx));
      return tanh(products[products.size() - 3]);
    }
  };
  std::vector<Var<float>> products;
  const Var<float> w = tape.variable(random_tensor<float>({4, 4}, 1));
  scan(Cell{w, w, products}, tape.variable(random_tensor<float>({7, 5, 4}, 2)), tape.constant(zeros<float>({5, 4})));
  REQUIRE(products.size() == 21);
  for (const std::size_t which : {0U, 1U, 2U}) {
    const std::uint32_t all = tape.node(products[which]).parent;
    REQUIRE(all != detail::none);
    CHECK(tape.node(all).shape == Shape{35, 4});
    CHECK((tape.node(all).operation != nullptr) == (which < 2));
    for (std::size_t step = 1; step < 7; ++step) CHECK(tape.node(products[3 * step + which]).parent == all);
  }
}

TEST_CASE("affine in float stays near double") {
  Tape<float> tape;
  Tape<double> exact;
  const Tensor<float> x = random_tensor<float>({37, 300}, 1), w = random_tensor<float>({300, 21}, 2),
                      bias = random_tensor<float>({21}, 3);
  const Var<float> z = affine(tape.constant(x), tape.constant(w), tape.constant(bias));
  const V reference = affine(exact.constant(random_tensor({37, 300}, 1)), exact.constant(random_tensor({300, 21}, 2)),
                             exact.constant(random_tensor({21}, 3)));
  CHECK(difference(z.value(), reference.value()) < 1e-6);
}

TEST_CASE("affine takes nothing from the heap once it is warm") {
  Registry<float> registry;
  registry.parameter("w", {20, 16}, [] { return random_tensor<float>({20, 16}, 1); });
  registry.parameter("u", {16, 16}, [] { return random_tensor<float>({16, 16}, 2); });
  registry.parameter("b", {16}, [] { return random_tensor<float>({16}, 3); });
  struct Cell {
    Registry<float>& registry;
    Var<float> operator()(Var<float> x, Var<float> h) const {
      return tanh(affine(x, Param<float>(registry.at("w")), h, Param<float>(registry.at("u")), Param<float>(registry.at("b"))));
    }
  };
  const Tensor<float> sequence = random_tensor<float>({12, 9, 20}, 4), start = zeros<float>({9, 16});
  Tape<float> tape;
  std::uint64_t before = 0;
  for (int i = 0; i < 6; ++i) {
    if (i == 3) before = allocations();
    tape.clear();
    backward(sum(Var<float>(scan(Cell{registry}, tape.variable(sequence), tape.constant(start)))));
  }
  CHECK(allocations() == before);
}
