// Views on the tape: parts of a value that several uses reach, in every order.

#include <algorithm>
#include <cmath>
#include <vector>

#include <doctest/doctest.h>

#include <carousel/lib/numbers/random.hpp>
#include <carousel/ops/elementwise.hpp>
#include <carousel/ops/reduce.hpp>
#include <carousel/ops/shape.hpp>

#include "tests/support/values.hpp"

using namespace carousel;

namespace {

using V = Var<double>;

void check_same(const Tensor<double>& a, const Tensor<double>& b) {
  REQUIRE(shape_of(a) == shape_of(b));
  for (std::size_t i = 0; i < a.size(); ++i) {
    INFO("element ", i);
    CHECK(a.data()[i] == b.data()[i]);
  }
}

/// Draws views of a value, and views of views.
class Views {
 public:
  Views(V root, Random& random) : random_(random), views_{root} {}

  void add() {
    const V of = views_[static_cast<std::size_t>(random_.below(static_cast<Index>(views_.size())))];
    const Shape shape = of.shape();
    const int axis = static_cast<int>(random_.below(shape.rank()));
    const auto below = [&](Index n) { return static_cast<Index>(random_.below(n)); };
    switch (random_.below(7)) {
      case 0: {
        const Index from = below(shape[axis]), to = from + 1 + below(shape[axis] - from);
        views_.push_back(slice(of, axis, from, to));
        break;
      }
      case 1:
        if (shape.rank() > 1) views_.push_back(at(of, axis, below(shape[axis])));
        break;
      case 2:
        views_.push_back(transpose(of, axis, static_cast<int>(random_.below(shape.rank()))));
        break;
      case 3:
        views_.push_back(reshape(of, {-1, shape[axis]}));
        break;
      default:  // a division of the whole, twice in a row now and then
        for (Index parts : {6, 4, 3, 2})
          if (shape[axis] % parts == 0) {
            std::vector<V> members(static_cast<std::size_t>(parts));
            detail::split(of, axis, parts, members.data());
            views_.insert(views_.end(), members.begin(), members.end());
            break;
          }
    }
  }
  const std::vector<V>& all() const { return views_; }

 private:
  Random& random_;
  std::vector<V> views_;
};

}  // namespace

TEST_CASE("parts of a value, used in any order and number, send back what they stand for") {
  // Each use of a view v adds Σ w v to the loss, with whole weights: the gradient is the sum of w where v shows an element,
  // exactly.
  Random random(7);
  for (int round = 0; round < 400; ++round) {
    Tape<double> tape;
    const V leaf = tape.variable(counting({4, 6, 2}));
    const bool inner = random.below(2) == 0;
    const V root = inner ? V(leaf * 1) : leaf;
    Tensor<double> expected = zeros<double>({4, 6, 2});
    Views views(root, random);
    V loss = sum(leaf) * 0;
    for (int step = 0; step < 12; ++step) {
      for (auto more = random.below(4); more > 0; --more) views.add();
      const V v = views.all()[static_cast<std::size_t>(random.below(static_cast<Index>(views.all().size())))];
      const double w = static_cast<double>(random.below(9)) - 4;
      const Tensor<double> shown = v.value();
      for (const double place : shown) expected.data()[static_cast<std::size_t>(place)] += w;
      switch (random.below(4)) {
        case 0:
          loss = loss + sum(v * w);
          break;
        case 1:
          loss = loss + sum(v) * w;
          break;
        case 2:
          loss = loss + sum(v * (w - 1) + v);
          break;
        default: {
          const V both[] = {v, v};
          loss = loss + sum(stack(both)) * w - sum(v * w);
        }
      }
    }
    backward(loss);
    INFO("round ", round);
    check_same(tape.gradient(leaf), expected);
  }
}

TEST_CASE("members, a part of them, and the whole, in every order, give the gradients of copies") {
  // One node, its gates, a slice across two of them, and itself: every order of use, by products that need the values.
  std::vector<int> uses{0, 1, 2, 3, 4};
  do {
    const auto gradient = [&](bool copies) {
      Tape<double> tape;
      const V x = tape.variable(counting({2, 6}));
      const V z = tanh(x * 0.3 - 1);
      const auto part = [&](V v) { return copies ? V(v + tape.constant(zeros<double>(v.shape()))) : v; };
      const auto gates = split<3>(z);
      V loss = sum(tape.constant(Shape{0}));
      for (int use : uses) {
        const V v = use < 2    ? part(gates[static_cast<std::size_t>(use)])  // the third gate stays unused
                    : use == 2 ? part(slice(z, 1, 1, 3))
                    : use == 3 ? part(transpose(slice(z, 1, 3, 5)))
                               : part(z);
        loss = loss + mean(v * v * (use + 1));
      }
      backward(loss);
      return tape.gradient(x);
    };
    const Tensor<double> views = gradient(false), copies = gradient(true);
    for (std::size_t i = 0; i < views.size(); ++i)
      CHECK(std::abs(views.data()[i] - copies.data()[i]) <= 1e-15 * std::abs(copies.data()[i]));
  } while (std::next_permutation(uses.begin(), uses.end()));
}

TEST_CASE("gradients of gates of a slice do not get lost when the whole is used too") {
  Tape<double> tape;
  const V x = tape.variable(counting({2, 6}));
  const V early = sum(x * 10);
  const auto [left, right] = split<2>(slice(x, 1, 1, 5));
  backward(early + sum(left * 1) + sum(right * 2));
  check_same(tape.gradient(x), tensor<double>({2, 6}, {10, 11, 11, 12, 12, 10, 10, 11, 11, 12, 12, 10}));
}
