#include <carousel/ops/embedding.hpp>

#include <array>
#include <vector>

#include <doctest/doctest.h>

#include <carousel/lib/training/gradcheck.hpp>
#include <carousel/models/sequence/scan.hpp>
#include <carousel/ops/affine.hpp>
#include <carousel/ops/elementwise.hpp>
#include <carousel/ops/reduce.hpp>
#include <carousel/ops/shape.hpp>

#include "tests/support/allocations.hpp"
#include "tests/support/values.hpp"

using namespace carousel;

namespace {

using V = Var<double>;
using Vars = std::span<const V>;

const std::vector<Index> ids{3, 0, 3, 1, 3, 0};

}  // namespace

TEST_CASE("embed takes rows of the table and sends their gradients back") {
  Tape<double> tape;
  const V table = tape.variable(tensor<double>({4, 2}, {1, 2, 3, 4, 5, 6, 7, 8}));
  const V y = embed(table, std::array<Index, 4>{3, 0, 3, 1}, {2, 2});
  CHECK(difference(y.value(), tensor<double>({2, 2, 2}, {7, 8, 1, 2, 7, 8, 3, 4})) == 0);
  backward(sum(y * tape.constant(tensor<double>({2, 2, 2}, {1, 2, 10, 20, 100, 200, 1000, 2000}))));
  CHECK(difference(tape.gradient(table), tensor<double>({4, 2}, {10, 20, 1000, 2000, 0, 0, 101, 202})) == 0);
}

TEST_CASE("embed takes integers of any kind, and gives them the shape that is asked for") {
  Tape<float> tape;
  const Var<float> table = tape.constant(random_tensor<float>({256, 3}, 1));
  const Tensor<float> expected = embed(table, std::vector<Index>{7, 200, 0}).value();
  CHECK(shape_of(expected) == Shape{3, 3});
  CHECK(difference(embed(table, std::vector<std::uint8_t>{7, 200, 0}).value(), expected) == 0);
  CHECK(difference(embed(table, std::vector<int>{7, 200, 0}).value(), expected) == 0);
  CHECK(difference(embed(table, std::array<std::uint64_t, 3>{7, 200, 0}).value(), expected) == 0);
  CHECK(embed(table, std::vector<int>{7}, {}).shape() == Shape{3});
  CHECK(embed(table, std::vector<int>{7, 1, 2, 3, 4, 5}, {2, 3}).shape() == Shape{2, 3, 3});
  CHECK(embed(table, std::vector<int>{}).shape() == Shape{0, 3});
}

TEST_CASE("embed keeps the ids that it was given") {
  Tape<double> tape;
  const V table = tape.variable(random_tensor({4, 2}, 1));
  std::vector<Index> changing{1, 2};
  const V y = embed(table, changing);
  changing = {0, 0};
  backward(sum(y));
  CHECK(difference(tape.gradient(table), tensor<double>({4, 2}, {0, 0, 1, 1, 1, 1, 0, 0})) == 0);
}

TEST_CASE("embed has the right gradient for a table of any kind") {
  const auto check = [](const Shape& shape, const std::function<V(V)>& f) {
    const GradcheckResult result = gradcheck([&](Vars v) { return f(v[0]); }, {{"table", random_tensor(shape, 1)}});
    INFO(result.worst().describe());
    CHECK(result.passed);
  };
  check({5, 3}, [](V table) { return embed(table, ids); });
  check({5, 3}, [](V table) { return embed(table, ids, {2, 3}); });
  check({3, 5}, [](V table) { return embed(transpose(table), ids); });
  check({7, 3}, [](V table) { return embed(slice(table, 0, 1, 6), ids); });
  check({5, 8}, [](V table) { return embed(slice(table, 1, 2, 5), ids); });
  check({2, 5, 3}, [](V table) { return embed(at(table, 0, 1), ids); });
  check({5, 3}, [](V table) { return embed(tanh(table), ids); });
  check({5, 3}, [](V table) -> V { return embed(table, ids) * embed(table, std::vector<int>{1, 4, 4, 4, 0, 2}); });
  check({5, 3}, [](V table) -> V { return embed(table, ids) * sum(table, 0); });
  check({5, 3}, [](V table) { return affine(embed(table, ids), transpose(table)); });
}

TEST_CASE("the gradient of a table that is a parameter has zeros where no id points, step after step") {
  Registry<double> registry;
  const Param<double> table = registry.parameter("table", {5, 2}, [] { return random_tensor({5, 2}, 1); });
  Tape<double> tape;
  for (const Index id : {1, 3}) {
    tape.clear();
    backward(sum(embed(table, std::array<Index, 2>{id, 4})));
    Tensor<double> expected = zeros<double>({5, 2});
    for (const Index row : {id, Index{4}}) expected.data()[2 * row] = expected.data()[2 * row + 1] = 1;
    CHECK(difference(table->gradient, expected) == 0);
  }
  tape.clear();
  backward(sum(embed(table, std::array<Index, 1>{0})), Gradients::add);
  CHECK(difference(table->gradient, tensor<double>({5, 2}, {1, 1, 0, 0, 0, 0, 1, 1, 1, 1})) == 0);
}

TEST_CASE("embed in the steps of a scan equals one embed of all ids") {
  const auto gradient = [](bool in_steps) {
    Tape<double> tape;
    const V table = tape.variable(random_tensor({5, 3}, 1)), w = tape.variable(random_tensor({3, 3}, 2)),
            u = tape.variable(random_tensor({3, 3}, 3));
    const V all = embed(table, std::vector<Index>{3, 0, 3, 1, 3, 0, 4, 1, 2, 2}, {5, 2});
    std::size_t step = 0;
    const auto cell = [&](V x, V h) -> V {
      V e = in_steps ? embed(table,
                             std::vector<Index>{std::vector<Index>{3, 3, 3, 4, 2}[step], std::vector<Index>{0, 1, 0, 1, 2}[step]})
                     : x;
      ++step;
      return tanh(affine(e, w, h, u));
    };
    backward(sum(scan(cell, all, tape.constant(zeros<double>({2, 3}))).outputs));
    return tape.gradient(table);
  };
  CHECK(difference(gradient(true), gradient(false)) < 1e-14);
}

TEST_CASE("embed says which id is outside the table") {
  Tape<float> tape;
  const Var<float> table = tape.constant(zeros<float>({96, 4}));
  CHECK_THROWS_WITH_AS(embed(table, std::vector<int>{0, 1, 95, 2, 97}),
                       "embed: id 97 at position 4 is outside a table of 96 rows", std::invalid_argument);
  CHECK_THROWS_WITH_AS(embed(table, std::vector<int>{-1}), "embed: id -1 at position 0 is outside a table of 96 rows",
                       std::invalid_argument);
  CHECK_THROWS_WITH_AS(embed(table, std::vector<int>{0, 96}), "embed: id 96 at position 1 is outside a table of 96 rows",
                       std::invalid_argument);
  CHECK_THROWS_WITH_AS(embed(table, std::vector<int>{1, 2, 3}, {2, 2}), "embed: 3 ids for [2, 2]: must be 4",
                       std::invalid_argument);
  CHECK_THROWS_WITH_AS(embed(tape.constant(zeros<float>({4})), std::vector<int>{1}), "embed: table is [4]: must have two axes",
                       std::invalid_argument);
}

TEST_CASE("embed takes nothing from the heap once it is warm") {
  Registry<float> registry;
  const Param<float> table = registry.parameter("table", {96, 32}, [] { return random_tensor<float>({96, 32}, 1); });
  std::vector<std::uint8_t> characters(50);
  Tape<float> tape;
  std::uint64_t before = 0;
  for (std::uint8_t i = 0; i < 6; ++i) {
    if (i == 3) before = allocations();
    for (std::size_t k = 0; k < characters.size(); ++k) characters[k] = static_cast<std::uint8_t>((k * 7 + i) % 96);
    tape.clear();
    backward(sum(embed(table, characters, {10, 5})));
  }
  CHECK(allocations() == before);
}
