/// Who dies first: whichever of registry, parameter, optimiser, tape, handle and scope it is, the answer is defined.
#include <array>
#include <memory>
#include <optional>
#include <thread>

#include <doctest/doctest.h>

#include <carousel/lib/error.hpp>
#include <carousel/lib/numbers/random.hpp>
#include <carousel/lib/training/optimizer.hpp>
#include <carousel/ops/elementwise.hpp>
#include <carousel/ops/matmul.hpp>
#include <carousel/ops/reduce.hpp>

#include "tests/lib/tape/given.hpp"

using namespace carousel;

namespace {

using V = Var<double>;

constexpr const char* forgotten =
    "var: its tape has forgotten it, by clear(), at the end of a step without gradients, or with its own end: keep() what must "
    "live longer";

std::unique_ptr<Registry<double>> registry_of(const Tensor<double>& w) {
  auto registry = std::make_unique<Registry<double>>();
  registry->parameter("w", shape_of(w), [&] { return w; });
  return registry;
}

}  // namespace

// ---- registry, parameter, optimiser
// --------------------------------------------------------------------------------------------

TEST_CASE("a registry may go before the tape that its parameters entered") {
  Tape<double> tape;
  auto registry = registry_of(tensor<double>({2}, {3, 4}));
  const V w = Param<double>(registry->at("w"));
  const V loss = sum(w * w);
  registry.reset();
  CHECK(w.value() == tensor<double>({2}, {3, 4}));
  backward(loss);
  CHECK(tape.gradient(w) == tensor<double>({2}, {6, 8}));
  tape.clear();
  CHECK_THROWS_WITH_AS(w.value(), forgotten, std::logic_error);
}

TEST_CASE("a registry may go before a Param, and before its optimiser") {
  auto registry = registry_of(tensor<double>({1}, {3}));
  const Param<double> w = registry->at("w");
  Sgd<double> sgd(*registry, {.rate = 1});
  registry.reset();
  Tape<double> tape;
  backward(sum(w * w));
  sgd.step();
  CHECK(w->value.data()[0] == -3);
  CHECK(sgd.registry().size() == 1);
}

TEST_CASE("a tape that is cleared lets go of parameters that nothing else refers to") {
  Tape<double> tape;
  auto registry = registry_of(tensor<double>({1}, {3}));
  const std::uint32_t id = registry->at("w").id();
  CHECK(V(Param<double>(registry->at("w")) * 2.0).item() == 6);
  registry.reset();
  CHECK(registry_of(tensor<double>({1}, {0}))->at("w").id() != id);
  tape.clear();
  const auto first = registry_of(tensor<double>({1}, {0})), second = registry_of(tensor<double>({1}, {0}));
  CHECK((first->at("w").id() == id || second->at("w").id() == id));  // it was given out again
}

TEST_CASE("a parameter keeps its place and its shape, and every change of it is known") {
  const auto registry = registry_of(tensor<double>({2}, {1, 5}));
  Parameter<double>& w = registry->at("w");
  const double* const at = w.value.data();
  Tape<double> tape;
  SUBCASE("set() between forward and backward") {
    const V loss = max(V(Param<double>(w) * 1.0), Axis{0});
    w.set(tensor<double>({2}, {7, 7}));
    CHECK_THROWS_WITH_AS(backward(loss), "backward: parameter w has changed since the forward pass: update it after backward()",
                         std::logic_error);
  }
  SUBCASE("change() between forward and backward") {
    const V loss = sum(Param<double>(w) * 1.0);
    w.change()[0] = 2;
    CHECK_THROWS_WITH_AS(backward(loss), "backward: parameter w has changed since the forward pass: update it after backward()",
                         std::logic_error);
  }
  SUBCASE("another shape") {
    CHECK_THROWS_WITH_AS(w.set(tensor<double>({3}, {7, 7, 7})), "parameter: w is [2], to be set to [3]: must keep its shape",
                         std::invalid_argument);
  }
  SUBCASE("a gradient of another shape") {
    const V loss = sum(Param<double>(w) * 1.0);
    w.gradient = zeros<double>({1});
    CHECK_THROWS_WITH_AS(backward(loss), "backward: parameter w is [2], its gradient was made [1]: must have its shape",
                         std::logic_error);
  }
  CHECK(w.value.data() == at);
}

TEST_CASE("tape.gradient(parameter) is of that tape, or refused") {
  const auto registry = registry_of(tensor<double>({1}, {3}));
  const Param<double> w = registry->at("w");
  Tape<double> first;
  const V in_first = w;
  backward(sum(in_first * 2));
  CHECK(first.gradient(in_first).data()[0] == 2);
  const char* const message = "gradient: that of parameter w is no longer of this tape alone: read the parameter's own .gradient";
  {
    Tape<double> second;
    SUBCASE("after another tape replaced it") {
      backward(sum(w * 5.0));
    }
    SUBCASE("after another tape added to it") {
      backward(sum(w * 5.0), Gradients::add);
    }
    SUBCASE("after another tape added what it had kept") {
      backward(sum(w * 5.0), Gradients::keep);
      CHECK(second.gradient(w).data()[0] == 5);
      second.add_to_parameters();
    }
  }
  CHECK_THROWS_WITH_AS(first.gradient(in_first), message, std::logic_error);
}

// ---- handles
// -------------------------------------------------------------------------------------------------------------------

TEST_CASE("a handle whose index was given out again is known for what it is") {
  Tape<double> tape;
  const V x = tape.variable(tensor<double>({1}, {1}));
  const std::size_t count = tape.size();
  const auto mark = tape.arena().mark();
  const V y = x * 2;
  tape.rewind(count, mark);
  const V z = x * 3;
  CHECK(y.index() == z.index());
  CHECK(z.item() == 3);
  CHECK(x.item() == 1);
  CHECK_THROWS_WITH_AS(y.item(), forgotten, std::logic_error);
  CHECK_THROWS_WITH_AS(V(y + z), forgotten, std::logic_error);
}

TEST_CASE("a tape of the other scalar is named when none of the right one is active") {
  const Tape<double> tape;
  CHECK_THROWS_WITH_AS(
      Tape<float>::active(),
      "tape: no tape of float is active on this thread, one of double is: values and their tape must be of one scalar type",
      std::logic_error);
}

// ---- scopes
// --------------------------------------------------------------------------------------------------------------------

TEST_CASE("activations may end in any order") {
  Tape<double> a{Tape<double>::Idle()}, b{Tape<double>::Idle()}, c{Tape<double>::Idle()};
  std::optional<Activation<double>> first, second, third;
  first.emplace(a), second.emplace(b), third.emplace(c);
  second.reset();
  CHECK(&Tape<double>::active() == &c);
  third.reset();
  CHECK(&Tape<double>::active() == &a);
  second.emplace(b);
  first.reset();
  CHECK(&Tape<double>::active() == &b);
  second.reset();
  CHECK_THROWS_AS(Tape<double>::active(), std::logic_error);
}

TEST_CASE("a scope may outlive its tape") {
  auto tape = std::make_unique<Tape<double>>();
  std::optional<NoGrad<double>> outer, inner;
  std::optional<Activation<double>> active;
  outer.emplace(), inner.emplace(), active.emplace(*tape);
  SUBCASE("which is destroyed") {
    tape.reset();
    active.reset(), outer.reset(), inner.reset();
    CHECK_THROWS_AS(Tape<double>::active(), std::logic_error);
  }
  SUBCASE("or not, and the scopes end in any order") {
    outer.reset();
    CHECK_FALSE(tape->recording());
    inner.reset();
    CHECK(tape->recording());
  }
}

TEST_CASE("a tape may be destroyed on another thread than its maker's") {
  auto tape = std::make_unique<Tape<double>>();
  const Activation<double> active(*tape);
  std::thread([&] { tape.reset(); }).join();
  CHECK_THROWS_AS(Tape<double>::active(), std::logic_error);
  const Tape<double> next;
  CHECK(&Tape<double>::active() == &next);
}

TEST_CASE("a tape may outlive the thread that made it") {
  std::unique_ptr<Tape<double>> tape;
  std::thread([&] { tape = std::make_unique<Tape<double>>(); }).join();
  {
    const Activation<double> active(*tape);
    CHECK(V(tape->constant(tensor<double>({1}, {4})) * 2).item() == 8);
  }
  tape.reset();
  CHECK_THROWS_AS(Tape<double>::active(), std::logic_error);
}

// ---- backward
// ------------------------------------------------------------------------------------------------------------------

TEST_CASE("an op whose backward is made of ops is right, and these leave nothing on the tape") {
  using detail::Operation;
  static constexpr Operation<double> cube{"cube", [](Tape<double>& tape, std::uint32_t self, const void* closure) {
                                            const auto x = *static_cast<const std::uint32_t*>(closure);
                                            const V v = tape.handle(x);
                                            V d = v * v * 3;
                                            for (int i = 0; i < 1000; ++i) d = d + 0;  // the tape's array grows
                                            Tensor<double> dx = d.value();
                                            for (double& e : dx) e *= *tape.gradient_buffer(self);
                                            detail::add_to_gradient(tape, x, std::as_const(dx).data());
                                          }};
  Tape<double> tape;
  const V x = tape.variable(tensor<double>({2}, {2, 3}));
  const auto cubed = [&](V v) {
    const Tensor<double> values = v.value();
    const V out = tape.record({}, tape.needs_gradient(v));
    *tape.data(out) =
        values.data()[0] * values.data()[0] * values.data()[0] + values.data()[1] * values.data()[1] * values.data()[1];
    tape.set_backward(out, cube, v.index());
    return out;
  };
  const V loss = cubed(x) + cubed(x * 2);
  const std::size_t size = tape.size();
  backward(loss);
  CHECK(tape.gradient(x) == tensor<double>({2}, {3 * 4 + 2 * 3 * 16, 3 * 9 + 2 * 3 * 36}));
  CHECK(tape.size() == size);
  CHECK(tape.recording());
}
