#include <carousel/ops/dropout.hpp>

#include <cmath>
#include <functional>
#include <limits>

#include <doctest/doctest.h>

#include <carousel/lib/training/gradcheck.hpp>
#include <carousel/ops/elementwise.hpp>
#include <carousel/ops/reduce.hpp>
#include <carousel/ops/shape.hpp>

#include "tests/support/allocations.hpp"
#include "tests/support/values.hpp"

using namespace carousel;

namespace {

using V = Var<double>;
using Vars = std::span<const V>;

Tensor<double> mask_of(const Shape& shape, double rate, const DropoutKey& key) {
  Tape<double> tape;
  return random_mask<double>(shape, rate, key).value();
}

double share_of_ones(const Tensor<double>& mask) {
  double ones = 0, others = 0;
  for (double m : mask) {
    ones += m == 1;
    others += m != 0 && m != 1;
  }
  REQUIRE(others == 0);
  return ones / static_cast<double>(mask.size());
}

/// The share of elements in which two masks agree.
double agreement(const Tensor<double>& a, const Tensor<double>& b) {
  REQUIRE(a.size() == b.size());
  double same = 0;
  for (std::size_t i = 0; i < a.size(); ++i) same += a.data()[i] == b.data()[i];
  return same / static_cast<double>(a.size());
}

}  // namespace

TEST_CASE("dropout zeroes some elements, and the others grow by 1 / (1 - rate), forward and backward") {
  Tape<double> tape;
  const Tensor<double> values = random_tensor({6, 50}, 1), weights = random_tensor({6, 50}, 2);
  const V x = tape.variable(values);
  const V y = dropout(x, 0.75, {.seed = 1});
  backward(sum(y * tape.constant(weights)));
  const Tensor<double> out = y.value(), gradient = tape.gradient(x), mask = mask_of({6, 50}, 0.75, {.seed = 1});
  CHECK(share_of_ones(mask) > 0.6);
  CHECK(share_of_ones(mask) < 0.9);
  for (std::size_t i = 0; i < out.size(); ++i) {
    const double scale = mask.data()[i] == 1 ? 0 : 4;
    REQUIRE(out.data()[i] == values.data()[i] * scale);
    REQUIRE(gradient.data()[i] == weights.data()[i] * scale);
  }
}

TEST_CASE("dropout with a rate of 0 is x itself") {
  Tape<float> tape;
  const Var<float> x = tape.variable(random_tensor<float>({3, 4}, 1));
  CHECK(dropout(x, 0, {.seed = 1}).index() == x.index());
  CHECK(dropout(transpose(x), 0, {.seed = 1}).index() == x.index() + 1);
}

TEST_CASE("dropout drops the share that is asked for") {
  for (const double rate : {0.01, 0.1, 0.3, 0.5, 0.9, 0.999}) {
    CAPTURE(rate);
    const double deviation = std::sqrt(rate * (1 - rate) / 200000);
    CHECK(std::abs(share_of_ones(mask_of({200, 1000}, rate, {.seed = 7})) - rate) < 4 * deviation);
  }
  CHECK(share_of_ones(mask_of({100, 100}, 0, {})) == 0);
  CHECK(share_of_ones(mask_of({100, 100}, 1, {})) == 1);
  Tape<double> tape;
  const V x = tape.constant(full<double>({500, 1000}, 1));
  CHECK(mean(dropout(x, 0.3, {.seed = 3})).item() == doctest::Approx(1).epsilon(0.005));
}

TEST_CASE("masks of different seeds, steps, places, times and examples are independent") {
  const DropoutKey key{.seed = 5, .step = 6, .place = 7, .first_time = 8, .first_example = 900};
  const Shape shape{100, 1000};
  const Tensor<double> mask = mask_of(shape, 0.5, key);
  const auto differs = [&](const std::function<void(DropoutKey&)>& change) {
    DropoutKey other = key;
    change(other);
    CHECK(std::abs(agreement(mask, mask_of(shape, 0.5, other)) - 0.5) < 0.01);
  };
  CHECK(agreement(mask, mask_of(shape, 0.5, key)) == 1);
  differs([](DropoutKey& k) { k.seed = 6; });
  differs([](DropoutKey& k) { k.step = 7; });
  differs([](DropoutKey& k) { k.place = 8; });
  differs([](DropoutKey& k) { k.first_time = 9; });
  differs([](DropoutKey& k) { k.first_example = 1000; });
  differs([](DropoutKey& k) { std::swap(k.seed, k.step); });
  differs([](DropoutKey& k) { std::swap(k.step, k.place); });
  differs([](DropoutKey& k) { k.first_example = 901; });
}

TEST_CASE("the parts of a divided batch get the masks of the whole") {
  Tape<double> tape;
  const V x = tape.constant(random_tensor({7, 4, 5}, 1));
  const V whole = dropout(x, 0.4, {.seed = 1, .step = 2});
  const V first = dropout(slice(x, 0, 0, 3), 0.4, {.seed = 1, .step = 2}),
          second = dropout(slice(x, 0, 3, 7), 0.4, {.seed = 1, .step = 2, .first_example = 3});
  CHECK(difference(first.value(), slice(whole, 0, 0, 3).value()) == 0);
  CHECK(difference(second.value(), slice(whole, 0, 3, 7).value()) == 0);
}

TEST_CASE("the parts of a divided batch of sequences get the masks of the whole, and so do their steps") {
  Tape<double> tape;
  const V xs = tape.constant(random_tensor({6, 5, 3}, 1));
  const DropoutKey key{.seed = 1, .place = 2, .batch_axis = 1};
  const V whole = dropout(xs, 0.4, key);
  DropoutKey part = key;
  part.first_example = 2;
  CHECK(difference(dropout(slice(xs, 1, 2, 5), 0.4, part).value(), slice(whole, 1, 2, 5).value()) == 0);
  part.first_time = 4;
  CHECK(difference(dropout(slice(slice(xs, 0, 4, 6), 1, 2, 5), 0.4, part).value(),
                   slice(slice(whole, 0, 4, 6), 1, 2, 5).value()) == 0);
  for (Index t = 0; t < 6; ++t)
    CHECK(difference(dropout(at(xs, 0, t), 0.4, {.seed = 1, .place = 2, .first_time = t}).value(), at(whole, 0, t).value()) == 0);
}

TEST_CASE("dropout has the right gradient for values of any kind") {
  const auto check = [](const Shape& shape, const std::function<V(V)>& f) {
    const GradcheckResult result = gradcheck([&](Vars v) { return f(v[0]); }, {{"x", random_tensor(shape, 1)}});
    INFO(result.worst().describe());
    CHECK(result.passed);
  };
  const DropoutKey key{.seed = 3};
  check({5, 7}, [&](V x) { return dropout(x, 0.5, key); });
  check({5}, [&](V x) { return dropout(x, 0.5, key); });
  check({3, 4, 2, 3}, [&](V x) { return dropout(x, 0.2, {.batch_axis = 2}); });
  check({7, 5}, [&](V x) { return dropout(transpose(x), 0.5, key); });
  check({5, 9}, [&](V x) { return dropout(slice(x, 1, 2, 6), 0.5, key); });
  check({5, 7}, [&](V x) { return dropout(tanh(x), 0.5, key); });
  check({5, 7}, [&](V x) -> V { return dropout(x, 0.5, key) * x; });
  check({5, 7}, [&](V x) -> V { return dropout(x, 0.5, key) * dropout(x, 0.3, {.seed = 4}); });
}

TEST_CASE("float and double drop the same elements") {
  Tape<float> tape;
  CHECK(difference(random_mask<float>({20, 30}, 0.3, {.seed = 1}).value(), mask_of({20, 30}, 0.3, {.seed = 1})) == 0);
  const Tensor<float> values = random_tensor<float>({20, 30}, 1);
  const Tensor<float> y = dropout(tape.constant(values), 0.3, {.seed = 1}).value();
  const Tensor<double> mask = mask_of({20, 30}, 0.3, {.seed = 1});
  for (std::size_t i = 0; i < y.size(); ++i)
    CHECK(y.data()[i] == (mask.data()[i] == 1 ? 0.0F : values.data()[i] * static_cast<float>(1 / 0.7)));
}

TEST_CASE("a mask is the one that another program computes from the definition") {
  // mix and random_bits written in Python: element i of example e has random_bits(mix(mix(mix(mix(1, 2), 3), 0), e), i).
  CHECK(difference(mask_of({2, 8}, 0.5, {.seed = 1, .step = 2, .place = 3}),
                   tensor<double>({2, 8}, {1, 1, 0, 0, 1, 1, 0, 1, 1, 1, 0, 1, 0, 0, 1, 0})) == 0);
}

TEST_CASE("dropout keeps a NaN that it does not drop") {
  Tape<float> tape;
  const Tensor<float> y =
      dropout(tape.constant(full<float>({4, 50}, std::numeric_limits<float>::quiet_NaN())), 0.5, {.seed = 1}).value();
  const Tensor<double> mask = mask_of({4, 50}, 0.5, {.seed = 1});
  for (std::size_t i = 0; i < y.size(); ++i) CHECK(std::isnan(y.data()[i]) == (mask.data()[i] == 0));
}

TEST_CASE("dropout says what a rate and an axis must be") {
  Tape<float> tape;
  const Var<float> x = tape.constant(zeros<float>({2, 3}));
  CHECK_THROWS_WITH_AS(dropout(x, 1, {}), "dropout: rate is 1: must be at least 0 and less than 1", std::invalid_argument);
  CHECK_THROWS_WITH_AS(dropout(x, -0.5, {}), "dropout: rate is -0.5: must be at least 0 and less than 1", std::invalid_argument);
  CHECK_THROWS_WITH_AS(dropout(x, std::nan(""), {}), "dropout: rate is nan: must be at least 0 and less than 1",
                       std::invalid_argument);
  CHECK_THROWS_WITH_AS(dropout(x, 0.5, {.batch_axis = 2}), "dropout: axis 2 of [2, 3]: there is no such axis",
                       std::invalid_argument);
  CHECK_THROWS_WITH_AS(dropout(tape.constant(zeros<float>({})), 0.5, {}), "dropout: axis 0 of []: there is no such axis",
                       std::invalid_argument);
  CHECK_THROWS_WITH_AS(random_mask<float>({2}, 1.5, {}), "random_mask: rate is 1.5: must lie in [0, 1]", std::invalid_argument);
  CHECK_THROWS_WITH_AS(random_mask<float>({}, 0.5, {}), "random_mask: axis 0 of []: there is no such axis",
                       std::invalid_argument);
}

TEST_CASE("dropout takes nothing from the heap once it is warm") {
  const Tensor<float> x = random_tensor<float>({10, 5, 30}, 1);
  Tape<float> tape;
  std::uint64_t before = 0;
  for (std::uint64_t i = 0; i < 6; ++i) {
    if (i == 3) before = allocations();
    tape.clear();
    backward(sum(dropout(tape.variable(x), 0.3, {.seed = 1, .step = i, .batch_axis = 1}) *
                 random_mask<float>({10, 5, 30}, 0.5, {.step = i})));
  }
  CHECK(allocations() == before);
}
