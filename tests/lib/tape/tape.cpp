#include <carousel/lib/tape/tape.hpp>

#include <algorithm>
#include <functional>
#include <memory>
#include <vector>

#include <doctest/doctest.h>

#include <carousel/lib/numbers/random.hpp>
#include <carousel/ops/elementwise.hpp>
#include <carousel/ops/matmul.hpp>
#include <carousel/ops/reduce.hpp>
#include <carousel/ops/shape.hpp>

#include "tests/support/allocations.hpp"
#include "tests/support/values.hpp"

using namespace carousel;

namespace {

using V = Var<double>;

V vector(Tape<double>& tape, std::initializer_list<double> elements) {
  return tape.variable(tensor<double>({static_cast<Index>(elements.size())}, elements));
}

void check_equal(const Tensor<double>& a, const Tensor<double>& b) {
  REQUIRE(shape_of(a) == shape_of(b));
  for (std::size_t i = 0; i < a.size(); ++i) {
    INFO("element ", i);
    CHECK(a.data()[i] == b.data()[i]);
  }
}

constexpr const char* stale_message =
    "var: its tape has forgotten it, by clear(), at the end of a step without gradients, or with its own end: keep() what must "
    "live longer";

}  // namespace

TEST_CASE("a value used twice receives both gradients") {
  Tape<double> tape;
  const V x = vector(tape, {2, -3});
  const V y = x * x;
  const V z = y + x;
  backward(sum(z * y));  // x⁴ + x³
  const Tensor<double> dx = tape.gradient(x);
  CHECK(dx.data()[0] == 4 * 8 + 3 * 4);
  CHECK(dx.data()[1] == 4 * -27 + 3 * 9);
}

TEST_CASE("the gradient of a leaf that the loss does not reach is zeros") {
  Tape<double> tape;
  const V x = vector(tape, {2, 3}), unreached = vector(tape, {4, 5}), late = vector(tape, {6});
  const V loss = sum(x);
  const V after = sum(unreached * 2);
  backward(loss);
  check_equal(tape.gradient(x), tensor<double>({2}, {1, 1}));
  check_equal(tape.gradient(unreached), tensor<double>({2}, {0, 0}));
  check_equal(tape.gradient(late), tensor<double>({1}, {0}));
  CHECK(after.item() == 18);
}

TEST_CASE("a handle is of its tape and of its step") {
  Tape<double> tape;
  const V x = vector(tape, {1, 2});
  SUBCASE("clear() makes it stale") {
    tape.clear();
    CHECK_THROWS_WITH_AS(x.value(), stale_message, std::logic_error);
    CHECK_THROWS_WITH_AS((void)x.shape(), stale_message, std::logic_error);
    const V y = vector(tape, {3, 4});  // has the place of x
    CHECK_THROWS_WITH_AS(sum(x), stale_message, std::logic_error);
    CHECK_THROWS_WITH_AS(V(x * y), stale_message, std::logic_error);
    CHECK(y.index() == x.index());
  }
  SUBCASE("one of an outer tape cannot enter an inner one, and is good again after it") {
    {
      Tape<double> inner;
      CHECK(&Tape<double>::active() == &inner);
      const V y = vector(inner, {5});
      CHECK_THROWS_WITH_AS(V(x + y), "var: it is of another tape than the active one: must be used while its own is active",
                           std::logic_error);
      CHECK(V(y * 2).item() == 10);
    }
    CHECK(&Tape<double>::active() == &tape);
    CHECK(sum(x).item() == 3);
  }
  SUBCASE("one of an inner tape is stale when that is gone") {
    V y;
    {
      Tape<double> inner;
      y = vector(inner, {5});
    }
    CHECK_THROWS_WITH_AS(V(y + x), stale_message, std::logic_error);
  }
  SUBCASE("a tape with no value") {
    CHECK_THROWS_WITH_AS(V().value(), "var: used before a value was given to it", std::logic_error);
    CHECK_THROWS_WITH_AS(V(V() + 1), "var: used before a value was given to it", std::logic_error);
  }
}

TEST_CASE("an inner tape runs forward and backward while an outer one records") {
  Tape<double> outer;
  const V x = vector(outer, {3});
  const V y = x * x;
  {
    Tape<double> inner;
    const V a = vector(inner, {7});
    backward(sum(a * a));
    CHECK(inner.gradient(a).data()[0] == 14);
  }
  {
    Tape<float> other;  // tapes of float and double do not meet
    const Var<float> a = other.variable(tensor<float>({1}, {2}));
    backward(sum(V(y * 2) * 1));
    backward(sum(a * a));
    CHECK(other.gradient(a).data()[0] == 4);
  }
  CHECK(outer.gradient(x).data()[0] == 12);
}

TEST_CASE("tapes may end in any order, and an idle one is active where it is activated") {
  auto first = std::make_unique<Tape<double>>();
  auto second = std::make_unique<Tape<double>>();
  first.reset();
  CHECK(&Tape<double>::active() == second.get());
  Tape<double> idle{Tape<double>::Idle()};
  CHECK(&Tape<double>::active() == second.get());
  {
    const Activation<double> activation(idle);
    const V x = vector(idle, {2});
    CHECK(V(x * x).item() == 4);
  }
  second.reset();
  CHECK_THROWS_WITH_AS(Tape<double>::active(),
                       "tape: no tape is active on this thread: construct a Tape before computing with Vars", std::logic_error);
}

TEST_CASE("a tape that ends while another is activated over it is not active again") {
  auto tape = std::make_unique<Tape<double>>();
  Tape<double> idle{Tape<double>::Idle()};
  {
    const Activation<double> outer(idle);
    const Activation<double> inner(idle);
    tape.reset();
    CHECK(&Tape<double>::active() == &idle);
  }
  CHECK_THROWS_AS(Tape<double>::active(), std::logic_error);
}

TEST_CASE("a parameter that has changed enters a tape anew") {
  Registry<double> registry;
  const Param<double> p = registry.parameter("p", {2}, [] { return full<double>({2}, 3); });
  Tape<double> tape;
  const V before = sum(p * 1.0);
  p->set(full<double>({2}, 5));
  CHECK(V(sum(p * 1.0)).item() == 10);
  CHECK_THROWS_WITH_AS(p->set(full<double>({3}, 5)), "parameter: p is [2], to be set to [3]: must keep its shape",
                       std::invalid_argument);
  CHECK(before.item() == 6);
}

TEST_CASE("within NoGrad ops compute and leave no way back") {
  Tape<double> tape;
  const V x = vector(tape, {2, 3});
  const V y = x * 3;
  V z;
  {
    const NoGrad<double> outer;
    {
      const NoGrad<double> inner;
      CHECK(!tape.recording());
    }
    CHECK(!tape.recording());
    z = x * x;
    CHECK(!tape.needs_gradient(y));
    const auto parts = split<2>(y);  // must not count as a division of y later
    CHECK(parts[0].item() == 6);
  }
  CHECK(tape.recording());
  check_equal(z.value(), tensor<double>({2}, {4, 9}));
  const auto parts = split<2>(y);
  CHECK_THROWS_WITH_AS(backward(sum(z)), "backward: the loss depends on nothing that receives a gradient", std::invalid_argument);
  backward(sum(x * z) + sum(parts[1]));
  check_equal(tape.gradient(x), tensor<double>({2}, {4, 12}));
}

TEST_CASE("detach stops gradients") {
  Tape<double> tape;
  const V x = vector(tape, {2, 3});
  const V y = x * x;
  backward(sum(detach(y) * x + y * detach(x)));
  check_equal(tape.gradient(x), tensor<double>({2}, {4 + 8, 9 + 18}));
  CHECK_THROWS_WITH_AS(tape.gradient(detach(y)), "gradient: the value depends on nothing that receives a gradient",
                       std::invalid_argument);
}

TEST_CASE("keep_gradient keeps that of an inner value and of a view") {
  Tape<double> tape;
  const V x = vector(tape, {1, 2, 3, 4});
  const V y = x * 2, dropped = x * 3;
  const auto [low, high] = split<2>(y);
  const V middle = slice(dropped, 0, 1, 3);
  tape.keep_gradient(y);
  tape.keep_gradient(high);
  tape.keep_gradient(middle);
  const V z = low * low + high;  // dy = 2y, 2y, 1, 1
  const V long_gone = z + middle;
  const V one_more = long_gone * long_gone;
  backward(sum(one_more));
  Tensor<double> dz = V(long_gone * 2).value();
  check_equal(tape.gradient(high), dz);
  check_equal(tape.gradient(middle), dz);
  check_equal(tape.gradient(y), tensor<double>({4}, {dz.data()[0] * 4, dz.data()[1] * 8, dz.data()[0], dz.data()[1]}));
  CHECK_THROWS_WITH_AS(tape.gradient(z), "gradient: of an inner value: pass it to keep_gradient() before backward()",
                       std::invalid_argument);
  CHECK_THROWS_WITH_AS(tape.keep_gradient(tape.constant(Shape{1})),
                       "keep_gradient: the value depends on nothing that receives a gradient", std::invalid_argument);
}

TEST_CASE("backward says what it wants") {
  Tape<double> tape;
  const V x = tape.variable(counting({2, 3}));
  CHECK_THROWS_WITH_AS(tape.gradient(x), "gradient: backward() has not run on this tape", std::logic_error);
  CHECK_THROWS_WITH_AS(backward(x), "backward: loss is [2, 3]: must hold one number; take mean() or sum()",
                       std::invalid_argument);
  CHECK_THROWS_WITH_AS(backward(sum(tape.constant(counting({2})))),
                       "backward: the loss depends on nothing that receives a gradient", std::invalid_argument);
  const V loss = sum(x);
  backward(loss);
  CHECK_THROWS_WITH_AS(backward(loss),
                       "backward: this tape was consumed by an earlier backward(): add several losses first, then call it once",
                       std::logic_error);
  tape.clear();
  const V again = tape.variable(counting({1, 1}));
  CHECK_NOTHROW(backward(again));
  CHECK(tape.gradient(again).data()[0] == 1);
}

TEST_CASE("values go in and out as tensors") {
  Tape<double> tape;
  const V x = tape.variable(counting({2, 3}));
  check_equal(x.value(), counting({2, 3}));
  CHECK_THROWS_WITH_AS(x.item(), "item: value is [2, 3]: must hold one number", std::invalid_argument);
  check_equal(transpose(x).value(), tensor<double>({3, 2}, {0, 3, 1, 4, 2, 5}));
  CHECK_THROWS_WITH_AS(tape.data(transpose(x)), "data: [3, 2] is a view with gaps: must be packed", std::invalid_argument);
  const V filled = tape.constant(Shape{2});
  tape.data(filled)[0] = 5, tape.data(filled)[1] = 6;
  CHECK(sum(filled).item() == 11);
  Tensor<double> reused = zeros<double>({2, 3});
  const double* memory = reused.data();
  tape.copy_value(x, reused);
  CHECK(reused.data() == memory);
  tape.copy_value(transpose(x), reused);
  CHECK(shape_of(reused) == Shape{3, 2});
}

TEST_CASE("gradients of parameters") {
  Registry<double> registry;
  const Param<double> a = registry.parameter("a", {2}, [] { return tensor<double>({2}, {2, 3}); });
  const Param<double> b = registry.parameter("b", {2}, [] { return tensor<double>({2}, {5, 7}); });
  Tape<double> tape;
  const auto loss = [&](double factor) { return sum(a * a * factor); };

  SUBCASE("replace those of the pass before; a parameter that is not reached has none") {
    backward(sum(a * b));
    CHECK(a->has_gradient);
    CHECK(b->has_gradient);
    tape.clear();
    backward(loss(1));
    check_equal(a->gradient, tensor<double>({2}, {4, 6}));
    CHECK(!b->has_gradient);
  }
  SUBCASE("are added when asked to be") {
    backward(loss(1));
    tape.clear();
    backward(loss(10) + sum(b * 1), Gradients::add);
    check_equal(a->gradient, tensor<double>({2}, {44, 66}));
    check_equal(b->gradient, tensor<double>({2}, {1, 1}));
    tape.clear();
    backward(sum(b * 1), Gradients::add);
    check_equal(a->gradient, tensor<double>({2}, {44, 66}));
    check_equal(b->gradient, tensor<double>({2}, {2, 2}));
  }
  SUBCASE("stay on the tape when asked to, and are added from there") {
    backward(sum(b * 3));
    tape.clear();
    backward(loss(1), Gradients::keep);
    CHECK(!a->has_gradient);
    check_equal(b->gradient, tensor<double>({2}, {3, 3}));
    check_equal(tape.gradient(a), tensor<double>({2}, {4, 6}));
    tape.add_to_parameters();
    check_equal(a->gradient, tensor<double>({2}, {4, 6}));
    tape.add_to_parameters();
    check_equal(a->gradient, tensor<double>({2}, {8, 12}));
    check_equal(b->gradient, tensor<double>({2}, {3, 3}));
  }
  SUBCASE("do not reach a frozen one") {
    registry.freeze("b");
    backward(sum(a * b));
    check_equal(a->gradient, tensor<double>({2}, {5, 7}));
    CHECK(!b->has_gradient);
    CHECK_THROWS_WITH_AS(tape.gradient(b), "gradient: the value depends on nothing that receives a gradient",
                         std::invalid_argument);
  }
  SUBCASE("are refused when a parameter has changed since the forward pass") {
    const V l = loss(1);
    a->change()[0] += 1;
    CHECK_THROWS_WITH_AS(backward(l), "backward: parameter a has changed since the forward pass: update it after backward()",
                         std::logic_error);
  }
  SUBCASE("reach one that had entered under NoGrad") {
    {
      const NoGrad<double> no_gradient;
      CHECK(V(a * 2).value().data()[0] == 4);
    }
    backward(loss(1));
    check_equal(a->gradient, tensor<double>({2}, {4, 6}));
  }
  SUBCASE("a parameter enters a tape once") {
    const V first = a, second = a;
    CHECK(first.index() == second.index());
  }
}

// ---- size, depth, memory ------------------------------------------------------------------------------------------------------

TEST_CASE("a chain of a million nodes runs forward, backward and is freed") {
  constexpr int count = 1'000'000;
  Tape<float> tape;
  const Var<float> x = tape.variable(tensor<float>({1}, {1}));
  SUBCASE("of operations") {
    Var<float> y = x;
    for (int i = 0; i < count; ++i) y = y + 1;
    CHECK(y.item() == 1'000'001);
    CHECK(tape.size() == count + 1);
    backward(y);
  }
  SUBCASE("of views") {
    Var<float> y = x;
    for (int i = 0; i < count / 3; ++i) {
      y = slice(y, 0, 0, 1);
      y = split<1>(y)[0];
      y = reshape(y, {1});
    }
    backward(y * 1);
  }
  SUBCASE("of uses of one value") {
    const Var<float> y = x * 1;
    Var<float> last = y;
    for (int i = 0; i < count; ++i) last = y * 1;
    backward(last);
  }
  CHECK(tape.gradient(x).data()[0] == 1);
}

TEST_CASE("a step that needs no more than an earlier one takes nothing from the heap") {
  Registry<float> registry;
  const Param<float> w = registry.parameter("w", {8, 8}, [] { return full<float>({8, 8}, 0.1F); });
  const Tensor<float> input = full<float>({4, 8}, 0.5F);
  Tape<float> tape;
  Random random(3);
  const auto step = [&] {
    tape.clear();
    Var<float> h = tape.constant(input);
    // Another length and other rows each time.
    const auto rows = static_cast<Index>(1 + random.below(4));
    h = slice(h, 0, 0, rows);
    for (auto steps = random.below(7); steps >= 0; --steps) {
      const auto [a, b] = split<2>(matmul(h, w));
      h = transpose(reshape(tanh(a) * sigmoid(b) + a * 2, {4, rows}));
      const Var<float> twice[] = {h, h};
      h = reshape(stack(twice), {2, rows, 4});
      h = transpose(h, 0, 1);
      h = reshape(h, {rows, 8});
    }
    backward(mean(square(h)) + sum(h, 0).value().data()[0]);
    return w->gradient.data()[0];
  };
  for (int i = 0; i < 200; ++i) step();
  const std::uint64_t before = allocations();
  const std::size_t bytes = tape.bytes();
  for (int i = 0; i < 1000; ++i) step();
  CHECK(allocations() == before);
  CHECK(tape.bytes() == bytes);

  std::vector<int> counted(1);  // the counter counts, where it can
  CHECK((allocations() > before || allocations() == 0));
  CHECK(counted[0] == 0);
}
