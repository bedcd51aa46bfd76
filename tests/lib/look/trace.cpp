#include <carousel/lib/look/trace.hpp>

#include <cmath>
#include <limits>

#include <doctest/doctest.h>

#include <carousel/lib/training/init.hpp>
#include <carousel/ops/affine.hpp>
#include <carousel/ops/elementwise.hpp>
#include <carousel/ops/matmul.hpp>
#include <carousel/ops/reduce.hpp>
#include <carousel/ops/softmax.hpp>

#include "tests/support/values.hpp"

using namespace carousel;

namespace {

using V = Var<double>;
constexpr double infinity = std::numeric_limits<double>::infinity();

template <class F>
std::string traced(const F& loss_of) {
  Tape<double> tape;
  Trace<double> trace;
  return trace.find(trace.follow(loss_of));
}

V constant(const Shape& shape, std::initializer_list<double> values) {
  return Tape<double>::active().constant(tensor<double>(shape, values));
}
V variable(const Shape& shape, std::initializer_list<double> values) {
  return Tape<double>::active().variable(tensor<double>(shape, values));
}

}  // namespace

TEST_CASE("where everything is finite there is nothing to find") {
  CHECK(traced([] { return V(sum(log(variable({2}, {1, 2})))); }).empty());
}

TEST_CASE("a parameter that is not finite is named") {
  Registry<double> registry;
  Random random(1);
  const Param<double> w = Scope<double>(registry, random).parameter("net/w", {2, 3}, init::constant<double>(1));
  registry.at("net/w").change()[5] = NAN;
  CHECK(traced([&] {
          return V(sum(tanh(affine(constant({1, 2}, {1, 2}), w))));
        }) == "forward: parameter net/w is nan at [1, 2] of [2, 3]: so it was before this step");
}

TEST_CASE("an input that is NaN is found before what comes of it") {
  CHECK(traced([] {
          return V(sum(variable({2}, {1, 2}) * constant({2}, {1, NAN})));
        }) == "forward: what was put in, constant, is nan at [1] of [2]");
}

TEST_CASE("NaN behind the end of a shorter example does not hide where another one began") {
  const auto loss_of = [](double x0, double factor) {
    return [=] {
      const V padded = constant({2, 2}, {x0, 2, x0, NAN}) / constant({2}, {1, 2});  // as numbers are standardised
      const V x = variable({2, 2}, {1, 1, 1, 1});
      const V xs = where(constant({2, 2}, {1, 1, 1, 0}), padded, 0) * x;  // as a loop leaves it out
      return V(sum(sqrt(xs * factor + 1)));
    };
  };
  CHECK(traced(loss_of(1, 1)).empty());
  const std::string made = traced(loss_of(1, -2));
  CHECK(made.starts_with("forward: sqrt("));
  CHECK(made.find(" is nan at [0, 0] of [2, 2]") != std::string::npos);
  CHECK(traced(loss_of(1, -1)).starts_with("backward: sqrt("));
  CHECK(traced(loss_of(NAN, 1)) == "forward: what was put in, constant, is nan at [0, 0] of [2, 2]");
}

TEST_CASE("an op that makes an infinity is found, with its place and what it was made from") {
  CHECK(traced([] {
          const V x = variable({2, 3}, {1, 2, 3, 4, 800, 6});
          const At<double> cell(&Recorder<double>::Here::in_cell, true), layer(&Place::layer, 1), step(&Place::step, 7);
          const V y = exp(x) - 1;
          return V(sum(y * 0));
        }) ==
        "forward, layer 1, step 7: exp(%0) − 1 is inf at [1, 1] of [2, 3]\n"
        "  %0 is 800 at [1, 1] of [2, 3]: variable");
}

TEST_CASE("of a product the largest elements of the operands are shown") {
  CHECK(traced([] {
          const V x = variable({1, 2}, {1e200, 2}), w = variable({2, 2}, {1e200, 3, 4, 5});
          return V(sum(matmul(x, w)));
        }) ==
        "forward: matmul of %0, %1 is inf at [0, 0] of [1, 2]\n"
        "  %0 is at most 1e+200 at [0, 0] of [1, 2]: variable\n"
        "  %1 is at most 1e+200 at [0, 0] of [2, 2]: variable");
}

TEST_CASE("a gradient that is not finite is found where it is made") {
  CHECK(traced([] {
          const V x = variable({2, 2}, {1, 2, 0, 4});
          const V y = 2 * x;
          const At<double> cell(&Recorder<double>::Here::in_cell, true), direction(&Place::backward, true), step(&Place::step, 3);
          const V z = maximum(log(y), -5);
          return V(sum(sqrt(z * 0)));
        }) ==
        "backward, layer 0 backwards in time, step 3: sqrt(%2·0) sends %2 a gradient of nan at [0, 0] of [2, 2]\n"
        "  the gradient that came is at most 1 at [0, 0] of [2, 2]\n"
        "  %2 is 0.693147 at [0, 0] of [2, 2]: maximum(log(%1), −5)");
}

TEST_CASE("log(0) under a condition shows in backward, for 0/0 is sent where nothing was to be sent") {
  CHECK(traced([] {
          const V x = variable({3}, {1, 0, 2});
          return V(sum(where(x, log(x), 0)));
        }) ==
        "backward: where(%0, log(%0), 0) sends %0 a gradient of nan at [1] of [3]\n"
        "  the gradient that came is at most 1 at [0] of [3]\n"
        "  %0 is 0 at [1] of [3]: variable");
  CHECK(traced([] {
          const V x = variable({3}, {1, 0, 2});
          return V(sum(x * log(x)));
        }) ==
        "forward: %0∘log(%0) is nan at [1] of [3]\n"
        "  %0 is 0 at [1] of [3]: variable");
}

TEST_CASE("infinities that a formula holds, as masks do, are passed over") {
  CHECK(traced([] {
          const V x = variable({1, 3}, {1, 2, 3}), mask = constant({1, 3}, {1, 0, 1});
          return V(sum(softmax(where(mask, x, -infinity)) * x));
        }).empty());
}

TEST_CASE("a sum of gradients that overflows names the parameter") {
  Registry<double> registry;
  Random random(1);
  const Param<double> w = Scope<double>(registry, random).parameter("w", {1, 1}, init::constant<double>(1e-200));
  CHECK(traced([&] {
          return V(sum(1e200 * matmul(constant({2, 1}, {1e200, 1e200}), w)));
        }) == "backward: the gradient of parameter w is inf at [0, 0] of [1, 1]: a sum of products of which each is finite");
}

TEST_CASE("a trace leaves the gradients of parameters alone") {
  Registry<double> registry;
  Random random(1);
  const Param<double> w = Scope<double>(registry, random).parameter("w", {1, 1}, init::constant<double>(2));
  Tape<double> tape;
  Trace<double> trace;
  const V loss = trace.follow([&] { return V(sum(matmul(constant({1, 1}, {3}), w))); });
  backward(loss);
  CHECK(registry.at("w").gradient(0, 0) == 3);
  CHECK(trace.find(loss).empty());
  CHECK(registry.at("w").gradient(0, 0) == 3);
  CHECK(tape.observer == nullptr);
  CHECK(Recorder<double>::listening() == nullptr);
}
