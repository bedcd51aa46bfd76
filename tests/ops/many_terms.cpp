/// Sums of so many terms that a float alone would lose them: every sum of ours is right to a few of its last bits.
#include <cmath>
#include <functional>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include <carousel/ops/affine.hpp>
#include <carousel/ops/arrange.hpp>
#include <carousel/ops/conv.hpp>
#include <carousel/ops/elementwise.hpp>
#include <carousel/ops/embedding.hpp>
#include <carousel/ops/norm.hpp>
#include <carousel/ops/reduce.hpp>
#include <carousel/ops/softmax.hpp>

using namespace carousel;

namespace {

using F = Var<float>;

constexpr Index ten_million = 10'000'000, past_float = Index{1} << 25;  // where adding 1 to a float of 2²⁴ changes nothing

F zeros_of(const Shape& shape) {
  return Tape<float>::active().constant(zeros<float>(shape));
}

/// An op that hands a leaf to each of many terms, for each of which 0.1 comes back.
struct Fan {
  std::string name;
  Shape leaf;
  Index terms;  // for each element of the leaf
  std::function<F(F)> op;
};

}  // namespace

TEST_CASE("the gradient of what many terms share is summed without loss") {
  const std::vector<Index> first(ten_million, 1);
  const Fan fans[] = {
      {"a bias",
       {3},
       ten_million / 3,
       [](F b) {
         return affine(zeros_of({ten_million / 3, 1}), zeros_of({1, 3}), b);
       }},
      {"a bias, of more than 2^24 terms",
       {1},
       past_float,
       [](F b) {
         return affine(zeros_of({past_float, 1}), zeros_of({1, 1}), b);
       }},
      {"a row that is broadcast",
       {3},
       ten_million / 3,
       [](F b) -> F {
         return zeros_of({ten_million / 3, 3}) + b;
       }},
      {"a number that is broadcast", {1}, past_float, [](F b) -> F { return zeros_of({past_float}) + b; }},
      {"a column that is broadcast",
       {3, 1},
       ten_million / 3,
       [](F b) -> F {
         return zeros_of({3, ten_million / 3}) + b;
       }},
      {"a middle axis that is broadcast",
       {2, 1, 2},
       2'500'000,
       [](F b) -> F {
         return zeros_of({2, 2'500'000, 2}) + b;
       }},
      {"small rows, often",
       {2},
       5'000'000,
       [](F b) -> F {
         return zeros_of({1'000'000, 5, 2}) + b;
       }},
      {"broadcast_to", {1}, ten_million, [](F b) { return broadcast_to(b, {ten_million}); }},
      {"gather", {2, 1}, ten_million, [&](F b) { return gather(b, 0, first); }},
      {"embed", {2, 1}, ten_million, [&](F table) { return embed(table, first); }},
      {"the bias of layer_norm",
       {2},
       2'000'000,
       [](F b) {
         return layer_norm(zeros_of({2'000'000, 2}), zeros_of({2}) + 1, b);
       }},
      {"the bias of conv2d",
       {1},
       ten_million,
       [](F b) {
         return conv2d(zeros_of({5, 1, 1000, 2000}), zeros_of({1, 1, 1, 1}), b);
       }},
  };
  for (const Fan& fan : fans) {
    CAPTURE(fan.name);
    Tape<float> tape;
    const F leaf = tape.variable(zeros<float>(fan.leaf));
    backward(sum(fan.op(leaf) * 0.1f));
    const Tensor<float> gradient = tape.gradient(leaf);
    const double right = static_cast<double>(fan.terms) * static_cast<double>(0.1f);
    const bool first_is_not_named = fan.name == "gather" || fan.name == "embed";
    for (std::size_t i = first_is_not_named ? 1 : 0; i < gradient.size(); ++i)
      CHECK(std::abs(static_cast<double>(gradient.data()[i]) / right - 1) < 1e-6);
  }
}

TEST_CASE("sums and means of many terms lose nothing") {
  Tape<float> tape;
  const F x = tape.constant(full<float>({past_float / 2, 2}, 0.1f));
  const NoGrad<float> no_gradient;
  const auto off = [](double got, double right) { return std::abs(got / right - 1); };
  const double tenth = static_cast<double>(0.1f), many = static_cast<double>(past_float);
  CHECK(off(static_cast<double>(sum(x).item()), many * tenth) < 1e-7);
  CHECK(off(static_cast<double>(mean(x).item()), tenth) < 1e-7);
  CHECK(off(static_cast<double>(sum(x, 0).value().data()[1]), many / 2 * tenth) < 1e-7);
  CHECK(off(static_cast<double>(mean(x, 0).value().data()[0]), tenth) < 1e-7);
}

TEST_CASE("softmax of many classes sums to 1") {
  Tape<float> tape;
  Tensor<float> logits = zeros<float>({1, ten_million});
  for (Index i = 0; i < ten_million; ++i) logits.data()[i] = i % 2 == 0 ? 0.0f : -0.1f;
  const NoGrad<float> no_gradient;
  const F z = tape.constant(logits);
  const double total = static_cast<double>(ten_million) / 2 * (1 + std::exp(-static_cast<double>(0.1f)));
  CHECK(std::abs(static_cast<double>(softmax(z).value().data()[0]) * total - 1) < 1e-6);
  CHECK(std::abs(static_cast<double>(logsumexp(z, 1).item()) - std::log(total)) < 2e-6);
}
