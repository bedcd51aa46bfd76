// affine within a loop, which it computes for all steps at once where it can: as if it did not.

#include <carousel/ops/affine.hpp>

#include <functional>
#include <stdexcept>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include <carousel/models/sequence/scan.hpp>
#include <carousel/ops/elementwise.hpp>
#include <carousel/ops/matmul.hpp>
#include <carousel/ops/reduce.hpp>
#include <carousel/ops/shape.hpp>

#include "tests/support/values.hpp"

using namespace carousel;

namespace test_affine_scan {

namespace {

using V = Var<double>;
using Vars = std::span<const V>;

/// affine, or the same by one product after the other.
struct Affine {
  bool composed = false;

  template <class... A>
  V operator()(A&&... operands) const {
    if (!composed) return affine(std::forward<A>(operands)...);
    const V v[] = {V(std::forward<A>(operands))...};
    V z = matmul(v[0], v[1]);
    for (std::size_t i = 2; i + 1 < sizeof...(A); i += 2) z = z + matmul(v[i], v[i + 1]);
    if (sizeof...(A) % 2 == 1) z = z + v[sizeof...(A) - 1];
    return z;
  }
};

/// A recurrent cell of 3 inputs and 4 units: its weights, and one step from x and h to the next h.
struct TestCell {
  std::string name;
  std::vector<Shape> weights;
  std::function<V(const Affine&, V x, V h, Vars w, int step)> step;
  std::function<std::vector<V>(Vars)> before_loop = [](Vars w) { return std::vector<V>(w.begin(), w.end()); };
};

struct Run {
  Index steps = 6, batch = 5;
  bool reverse = false;
  bool variables = false;  // weights are variables, not parameters
  std::vector<std::string> frozen = {};
  Shape between = {};  // axes between batch and features
};

/// The outputs of a sequence and every gradient: by scan and affine, or by a loop of products.
std::vector<Tensor<double>> results_of(const TestCell& test, bool composed, const Run& run, bool history = true) {
  struct Cell {
    const TestCell& test;
    Affine affine;
    std::vector<V> w;
    int& step;
    V operator()(V x, V h) const { return test.step(affine, x, h, w, step++); }
  };
  const auto with_features = [&](Shape shape, Index features) {
    for (Index extent : run.between) shape.push_back(extent);
    shape.push_back(features);
    return shape;
  };
  Registry<double> registry;
  for (std::size_t i = 0; i < test.weights.size(); ++i)
    registry.parameter("w" + std::to_string(i), test.weights[i], [&] { return random_tensor(test.weights[i], 10 + i); });
  for (const std::string& path : run.frozen) registry.freeze(path);

  Tape<double> tape;
  const V xs = tape.variable(random_tensor(with_features({run.steps, run.batch}, 3), 1));
  const V start = tape.variable(random_tensor(with_features({run.batch}, 4), 2));
  std::vector<V> leaves;
  for (Parameter<double>& p : registry) leaves.push_back(run.variables ? tape.variable(p.value) : V(Param<double>(p)));
  std::optional<NoGrad<double>> no_gradient;
  if (!history) no_gradient.emplace();

  int step = 0;
  const Cell cell{test, {composed}, test.before_loop(leaves), step};
  V outputs;
  if (composed) {
    std::vector<V> all(static_cast<std::size_t>(run.steps));
    V h = start;
    for (Index i = 0; i < run.steps; ++i) {
      const Index t = run.reverse ? run.steps - 1 - i : i;
      all[static_cast<std::size_t>(t)] = h = cell(at(xs, 0, t), h);
    }
    outputs = stack(std::span<const V>(all));
  } else {
    outputs = scan(cell, xs, start, {.reverse = run.reverse});
  }

  std::vector<Tensor<double>> results{outputs.value()};
  if (!history) return results;
  backward(sum(outputs * tape.constant(random_tensor(outputs.shape(), 3))));
  results.push_back(tape.gradient(xs));
  results.push_back(tape.gradient(start));
  if (run.variables)
    for (const V leaf : leaves) results.push_back(tape.gradient(leaf));
  else
    for (Parameter<double>& p : registry) results.push_back(p.has_gradient ? p.gradient : zeros<double>(p.shape()));
  return results;
}

void check_cell(const TestCell& test, const Run& run = {}) {
  CAPTURE(test.name);
  const auto fast = results_of(test, false, run), slow = results_of(test, true, run);
  REQUIRE(fast.size() == slow.size());
  for (std::size_t i = 0; i < fast.size(); ++i) {
    CAPTURE(i);
    CHECK(difference(fast[i], slow[i]) < 1e-12);
  }
}

const Shape wx{3, 4}, wh{4, 4}, b{4};

const std::vector<TestCell>& cells() {
  static const std::vector<TestCell> all{
      {"x, h and a bias", {wx, wh, b}, [](auto& f, V x, V h, Vars w, int) -> V { return tanh(f(x, w[0], h, w[1], w[2])); }},
      {"no bias", {wx, wh}, [](auto& f, V x, V h, Vars w, int) -> V { return tanh(f(x, w[0], h, w[1])); }},
      {"h first", {wx, wh, b}, [](auto& f, V x, V h, Vars w, int) -> V { return tanh(f(h, w[1], x, w[0], w[2])); }},
      {"a bias of the step, x and h",
       {wx, wh, b},
       [](auto& f, V x, V h, Vars w, int) -> V {
         V bias = at(h, 0, 0) * w[2];
         return tanh(f(x, w[0], h, w[1], bias));
       }},
      {"a bias of the step, x alone",
       {wx, wh, b},
       [](auto& f, V x, V h, Vars w, int) -> V {
         V bias = w[2] * 2;
         return tanh(f(x, w[0], bias) + f(h, w[1]));
       }},
      {"a bias of the step, h alone",
       {wx, wh, b},
       [](auto& f, V x, V h, Vars w, int) -> V { return tanh(f(x, w[0]) + f(h, w[1], w[2] * 2)); }},
      {"a bias seen as a row",
       {wx, wh, {1, 4}},
       [](auto& f, V x, V h, Vars w, int) -> V { return tanh(f(x, w[0], h, w[1], w[2])); }},
      {"apart, a bias each",
       {wx, wh, b, b},
       [](auto& f, V x, V h, Vars w, int) -> V { return tanh(f(x, w[0], w[2]) * f(h, w[1], w[3])); }},
      {"x twice", {wx, wx, wh}, [](auto& f, V x, V h, Vars w, int) -> V { return tanh(f(x, w[0], x, w[1], h, w[2])); }},
      {"x twice with one weight",
       {wx, wh},
       [](auto& f, V x, V h, Vars w, int) -> V { return tanh(f(x, w[0], h, w[1], x, w[0])); }},
      {"h twice with one weight",
       {wx, wh, b},
       [](auto& f, V x, V h, Vars w, int) -> V { return tanh(f(h, w[1], x, w[0], h, w[1], w[2])); }},
      {"x beside the product",
       {wx, wh},
       [](auto& f, V x, V h, Vars w, int) -> V { return tanh(f(x, w[0], h, w[1])) * sum(x, 1); }},
      {"one weight in two calls",
       {wx, wh, b},
       [](auto& f, V x, V h, Vars w, int) -> V {
         V r = sigmoid(f(x, w[0], h, w[1], w[2]));
         return tanh(f(x, w[0], r * h, w[1], w[2]));
       }},
      {"the same product twice",
       {wx, wh, b},
       [](auto& f, V x, V h, Vars w, int) -> V { return tanh(f(x, w[0], h, w[1], w[2])) * sigmoid(f(x, w[0], h, w[1], w[2])); }},
      {"two products of x, then one of h",
       {wx, wx, wh},
       [](auto& f, V x, V h, Vars w, int) -> V { return tanh(f(x, w[0])) * sigmoid(f(x, w[1])) + tanh(f(h, w[2])); }},
      {"weights that are views of one, cut before the loop",
       {{3, 8}, {4, 8}},
       [](auto& f, V x, V h, Vars w, int) -> V { return tanh(f(x, w[0], h, w[2])) * sigmoid(f(x, w[1], h, w[3])); },
       [](Vars w) {
         const auto [x1, x2] = split<2>(w[0]);
         return std::vector<V>{x1, x2, slice(w[1], 1, 0, 4), slice(w[1], 1, 4, 8)};
       }},
      {"weights that are views of one, cut in the step",
       {{3, 8}, {8, 4}},
       [](auto& f, V x, V h, Vars w, int) -> V { return tanh(f(x, slice(w[0], 1, 2, 6), h, slice(w[1], 0, 1, 5))); }},
      {"transposed weights, before the loop",
       {{4, 3}, wh, b},
       [](auto& f, V x, V h, Vars w, int) -> V { return tanh(f(x, w[0], h, w[1], w[2])); },
       [](Vars w) {
         return std::vector<V>{transpose(w[0]), transpose(w[1]), w[2]};
       }},
      {"transposed weights, in the step",
       {{4, 3}, wh, b},
       [](auto& f, V x, V h, Vars w, int) -> V { return tanh(f(x, transpose(w[0]), h, transpose(w[1]), w[2])); }},
      {"computed weights, before the loop",
       {wx, wh, b},
       [](auto& f, V x, V h, Vars w, int) -> V { return tanh(f(x, w[0], h, w[1], w[2])); },
       [](Vars w) {
         return std::vector<V>{w[0] * w[0], tanh(w[1]), w[2] * 2};
       }},
      {"computed weights, in the step",
       {wx, wh, b},
       [](auto& f, V x, V h, Vars w, int) -> V { return tanh(f(x, w[0] * w[0], h, tanh(w[1]), w[2])); }},
      {"a weight that is also a value",
       {wx, wh},
       [](auto& f, V x, V h, Vars w, int) -> V { return tanh(f(x, w[0], h, f(w[1], w[1]))) * sum(w[1]); }},
      {"a weight made of h",
       {wx},
       [](auto& f, V x, V h, Vars w, int) -> V { return tanh(f(h, matmul(transpose(h), h), x, w[0])); }},
      {"steps that pass the product by",
       {wx, wh, b},
       [](auto& f, V x, V h, Vars w, int step) -> V {
         return step % 3 == 1 ? V(tanh(h * 2)) : V(tanh(f(x, w[0], h, w[1], w[2])));
       }},
      {"only the first step has the product",
       {wx, wh},
       [](auto& f, V x, V h, Vars w, int step) -> V { return step > 0 ? V(tanh(h * 2)) : V(tanh(f(x, w[0], h, w[1]))); }},
      {"all but the first step have the product",
       {wx, wh},
       [](auto& f, V x, V h, Vars w, int step) -> V { return step == 0 ? V(tanh(h * 2)) : V(tanh(f(x, w[0], h, w[1]))); }},
      {"steps that change the order of products",
       {wx, wx, wh},
       [](auto& f, V x, V h, Vars w, int step) -> V {
         V first = step % 2 == 0 ? f(x, w[0]) : f(x, w[1]);
         V second = step % 2 == 0 ? f(x, w[1]) : f(x, w[0]);
         return tanh(first + second * f(h, w[2]));
       }},
      {"steps that exchange x and h",
       {{3, 4}, {3, 4}},
       [](auto& f, V x, V h, Vars w, int step) -> V {
         V part = slice(h, 1, 0, 3);
         return step % 2 == 0 ? V(tanh(f(x, w[0], part, w[1]))) : V(tanh(f(part, w[0], x, w[1])));
       }},
      {"steps that exchange the bias",
       {wx, wh, b, b},
       [](auto& f, V x, V h, Vars w, int step) -> V { return tanh(f(x, w[0], h, w[1], step % 2 == 0 ? w[2] : w[3])); }},
      {"steps of different batches",
       {wx, wh},
       [](auto& f, V x, V h, Vars w, int step) -> V {
         V recurrent = step % 2 == 0 || h.shape()[0] == 0 ? f(h, w[1]) : f(slice(h, 0, 0, 1), w[1]);
         return tanh(recurrent + f(x, w[0]));
       }},
      {"steps with and without a gradient",
       {wx, wh},
       [](auto& f, V x, V h, Vars w, int step) -> V {
         if (step % 2 == 1) return tanh(f(x, w[0], h, w[1]));
         std::optional<NoGrad<double>> none(std::in_place);
         V z = f(x, w[0], h, w[1]);
         none.reset();
         return tanh(z) * h;
       }},
      {"a loop within the step",
       {wx, wh, b},
       [](auto& f, V x, V h, Vars w, int) -> V {
         struct Inner {
           const Affine& affine;
           Vars w;
           V outer;
           V operator()(V part, V s) const { return tanh(affine(part, w[0], s, w[1], w[2]) + affine(outer, w[0])); }
         };
         const V parts[] = {x, x * 2, tanh(x), x + 1};
         if (!f.composed) return scan(Inner{f, w, x}, stack(parts), h).state;
         for (const V part : parts) h = Inner{f, w, x}(part, h);
         return h;
       }},
      {"a loop within the step, with a weight of the step",
       {wx, wh},
       [](auto& f, V x, V h, Vars w, int) -> V {
         struct Inner {
           const Affine& affine;
           V wx, wh;
           V operator()(V part, V s) const { return tanh(affine(part, wx, s, wh)); }
         };
         V scaled = w[1] * sum(at(h, 0, 0));
         const V parts[] = {x, x * 2, tanh(x), x + 1};
         if (!f.composed) return scan(Inner{f, w[0], scaled}, stack(parts), h).state;
         for (const V part : parts) h = Inner{f, w[0], scaled}(part, h);
         return h;
       }},
  };
  return all;
}

}  // namespace

TEST_CASE("affine in a scan equals the composed path") {
  for (const TestCell& cell : cells()) check_cell(cell);
}

TEST_CASE("affine in a scan equals the composed path, from the end to the start") {
  for (const TestCell& cell : cells()) check_cell(cell, {.reverse = true});
}

TEST_CASE("affine in a scan equals the composed path, weights being variables") {
  for (const TestCell& cell : cells()) check_cell(cell, {.variables = true});
}

TEST_CASE("affine in a scan equals the composed path, of few rows, one row and few steps") {
  for (const TestCell& cell : cells()) {
    check_cell(cell, {.steps = 9, .batch = 2});
    check_cell(cell, {.steps = 5, .batch = 1});
    check_cell(cell, {.steps = 3, .batch = 7});
    check_cell(cell, {.steps = 1, .batch = 6});
  }
}

TEST_CASE("affine in a scan equals the composed path, many rows and steps") {
  for (const TestCell& cell : cells()) check_cell(cell, {.steps = 70, .batch = 30});
}

TEST_CASE("affine in a scan without history equals the composed path") {
  for (const TestCell& cell : cells())
    for (const bool reverse : {false, true}) {
      CAPTURE(cell.name);
      const Run run{.steps = 70, .batch = 5, .reverse = reverse};
      CHECK(difference(results_of(cell, false, run, false)[0], results_of(cell, true, run, false)[0]) < 1e-12);
    }
}

TEST_CASE("affine in a scan equals the composed path, some weights frozen") {
  for (const TestCell& cell : cells()) {
    for (std::size_t i = 0; i < cell.weights.size(); ++i) check_cell(cell, {.frozen = {"w" + std::to_string(i)}});
    std::vector<std::string> all;
    for (std::size_t i = 0; i < cell.weights.size(); ++i) all.push_back("w" + std::to_string(i));
    check_cell(cell, {.frozen = all});
  }
}

TEST_CASE("affine in a scan equals the composed path, with rows of rank three") {
  for (const std::size_t i : {0U, 1U, 8U, 12U, 13U, 15U, 17U, 23U}) check_cell(cells()[i], {.between = {2}});
}

TEST_CASE("affine in a scan of no examples gives no outputs and gradients of zero") {
  for (const std::size_t i : {0U, 1U, 7U, 12U, 23U}) check_cell(cells()[i], {.batch = 0});
}

TEST_CASE("affine in a scan over constants with frozen weights asks for no gradient") {
  Registry<double> registry;
  registry.parameter("w", wx, [] { return random_tensor(wx, 1); });
  registry.parameter("u", wh, [] { return random_tensor(wh, 2); });
  registry.freeze("");
  Tape<double> tape;
  struct Cell {
    Registry<double>& registry;
    V operator()(V x, V h) const { return tanh(affine(x, Param<double>(registry.at("w")), h, Param<double>(registry.at("u")))); }
  };
  const auto scanned = scan(Cell{registry}, tape.constant(random_tensor({6, 5, 3}, 3)), tape.constant(random_tensor({5, 4}, 4)));
  CHECK(!tape.node(scanned.outputs).needs_gradient);
  CHECK_THROWS_WITH_AS(backward(sum(scanned.outputs)), "backward: the loss depends on nothing that receives a gradient",
                       std::invalid_argument);
}

TEST_CASE("two scans with the same weights add their gradients") {
  const Tensor<double> sequence = random_tensor({8, 5, 3}, 1), weights = random_tensor({8, 5, 4}, 2);
  struct Cell {
    V wx, wh;
    Affine affine;
    V operator()(V x, V h) const { return tanh(affine(x, wx, h, wh)); }
  };
  const auto gradients = [&](bool composed) {
    Tape<double> tape;
    const V xs = tape.variable(sequence), h0 = tape.constant(zeros<double>({5, 4}));
    const V w1 = tape.variable(random_tensor(wx, 3)), w2 = tape.variable(random_tensor(wh, 4));
    const Cell cell{w1, w2, {composed}};
    V forwards, backwards;
    if (composed) {
      std::vector<V> there(8), back(8);
      V h = h0, g = h0;
      for (Index t = 0; t < 8; ++t) there[static_cast<std::size_t>(t)] = h = cell(at(xs, 0, t), h);
      for (Index t = 8; t-- > 0;) back[static_cast<std::size_t>(t)] = g = cell(at(xs, 0, t), g);
      forwards = stack(std::span<const V>(there)), backwards = stack(std::span<const V>(back));
    } else {
      forwards = scan(cell, xs, h0), backwards = scan(cell, xs, h0, {.reverse = true});
    }
    backward(sum(forwards * backwards * tape.constant(weights)));
    return std::vector<Tensor<double>>{tape.gradient(xs), tape.gradient(w1), tape.gradient(w2)};
  };
  const auto fast = gradients(false), slow = gradients(true);
  for (std::size_t i = 0; i < fast.size(); ++i) CHECK(difference(fast[i], slow[i]) < 1e-12);
}

TEST_CASE("a scan without history packs a weight again for each stretch of steps") {
  // The weights are older than the loop, and what is packed in one stretch of steps is overwritten in the next.
  const Tensor<double> sequence = random_tensor({100, 6, 3}, 1), w = random_tensor(wx, 2), u = random_tensor(wh, 3);
  struct Cell {
    V wx, wh;
    V operator()(V x, V h) const { return tanh(affine(x, wx, h, wh)); }
  };
  Tape<double> tape;
  const Cell cell{tape.constant(w), tape.constant(u)};
  const V xs = tape.constant(sequence), start = tape.constant(zeros<double>({6, 4}));
  const Tensor<double> with_history = V(scan(cell, xs, start)).value();
  tape.clear();
  const NoGrad<double> none;
  const Cell again{tape.constant(w), tape.constant(u)};
  const auto scanned = scan(again, tape.constant(sequence), tape.constant(zeros<double>({6, 4})));
  CHECK(difference(scanned.outputs.value(), with_history) < 1e-14);
  CHECK(difference(V(scan(again, tape.constant(sequence), tape.constant(zeros<double>({6, 4})))).value(), with_history) < 1e-14);
}

}  // namespace test_affine_scan
