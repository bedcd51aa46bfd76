#pragma once
/// The property that expressions rest on: a fused statement gives, bit for bit, the values and the gradients of a tape with one
/// node per operation. Here are the expressions and the harness; float and double are instantiated in files of their own.

#include <cstring>
#include <functional>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include <carousel/lib/numbers/random.hpp>
#include <carousel/ops/elementwise.hpp>
#include <carousel/ops/reduce.hpp>
#include <carousel/ops/shape.hpp>

namespace fused {

using namespace carousel;

template <class T>
struct Case {
  std::string text;
  std::function<Var<T>(Var<T> a, Var<T> b, Var<T> c)> f;
};

inline constexpr auto softsign = elementwise(
    "softsign", [](auto x) { return x / (1 + simd::abs(x)); },
    [](auto dy, auto, auto x) { return dy / ((1 + simd::abs(x)) * (1 + simd::abs(x))); });

#define EXPRESSION(...)                                                        \
  {                                                                            \
#__VA_ARGS__, [](V a, V b, V c) -> V { (void)b, (void)c; return __VA_ARGS__; } \
  }
template <class T>
std::vector<Case<T>> cases() {
  using V = Var<T>;
  return {
      EXPRESSION(a * a),
      EXPRESSION(a * b + c),
      EXPRESSION(a * a * a),
      EXPRESSION(a * b * a),
      EXPRESSION((a + b) * (a - b)),
      EXPRESSION(a / (b * b + 1)),
      EXPRESSION(-a * b),
      EXPRESSION(-(a - b) - c),
      EXPRESSION(sigmoid(a) * b + sigmoid(c) * tanh(a)),
      EXPRESSION(sigmoid(a) * tanh(b)),
      EXPRESSION(a + b * (c - a)),
      EXPRESSION(tanh(a * b) * tanh(a * b)),
      EXPRESSION(exp(a) * exp(-a)),
      EXPRESSION(log(square(a) + 1) * b),
      EXPRESSION(sqrt(square(a) + square(b) + c * c)),
      EXPRESSION(abs(a) * b - abs(b) * a),
      EXPRESSION(sin(a) * cos(b) + sin(c)),
      EXPRESSION(cos(a * 3 + b)),
      EXPRESSION(pow(abs(a) + 0.5, b)),
      EXPRESSION(pow(a, 3) * b + pow(a, 2)),
      EXPRESSION(minimum(a, b) * maximum(a, b)),
      EXPRESSION(maximum(a, maximum(b, c))),
      EXPRESSION(clamp(a * b, -1, 1) + c),
      EXPRESSION(clamp(a, b, c) * a),
      EXPRESSION(where(a > 0, a * b, b * c)),
      EXPRESSION(where(a < b, a, b) * where(b >= c, b, c)),
      EXPRESSION((a <= b) * c),
      EXPRESSION(relu(a * b) + relu(a)),
      EXPRESSION(leaky_relu(a, b) * c),
      EXPRESSION(elu(a * b, 0.7) + elu(c)),
      EXPRESSION(gelu(a) * b),
      EXPRESSION(softplus(a) - softplus(b) * c),
      EXPRESSION(1 - a * 2),
      EXPRESSION(2 / a + a / 2),
      EXPRESSION((1 - sigmoid(a)) * b + sigmoid(a) * c),
      EXPRESSION(a * b + b * c + c * a),
      EXPRESSION(a * b * c * a * b * c),
      EXPRESSION(((a + b) + c) + (a + (b + c))),
      EXPRESSION(exp(a - maximum(a, b))),
      EXPRESSION(square(a - b) * 0.5),
      EXPRESSION(a * (b * (a * (b * (a + c))))),
      EXPRESSION(tanh(a + tanh(b + tanh(c)))),
      EXPRESSION(softsign(a) * b),
      EXPRESSION(square(square(a)) / (1 + square(b))),
  };
}
#undef EXPRESSION

/// Leaves for an expression whose result is to have a given shape, the same each time for the same random numbers.
template <class T>
class Leaves {
 public:
  Leaves(Tape<T>& tape, Registry<T>& registry, const Shape& shape, Random random, bool special)
      : tape_(tape), registry_(registry), shape_(shape), random_(random), special_(special) {
    for (Var<T>& leaf : leaves_) {
      leaf = draw();
      ++drawn_;
    }
  }

  Var<T> operator[](std::size_t i) const { return leaves_[i]; }
  /// The tensors whose gradients are compared.
  const std::vector<Var<T>>& roots() const { return roots_; }
  const std::string& description() const { return description_; }

 private:
  Index below(Index bound) { return random_.below(bound); }
  bool chance(double p) { return random_.uniform() < p; }

  Tensor<T> values(const Shape& shape) {
    static constexpr T odd[] = {T(0), T(-0.0), T(1), T(-1), T(1e4), T(-1e4), T(INFINITY), T(-INFINITY), T(NAN)};
    Tensor<T> out = empty<T>(shape);
    for (T& x : out) {
      x = static_cast<T>(random_.uniform(-2, 2));
      if (special_ && chance(0.1)) x = odd[below(std::size(odd))];
    }
    return out;
  }
  Var<T> root(const Shape& shape) {
    if (chance(0.1)) {
      const std::string path = "p" + std::to_string(registry_.size());
      return Param<T>(registry_.parameter(path, shape, [&] { return values(shape); }));
    }
    roots_.push_back(tape_.variable(values(shape)));
    return roots_.back();
  }

  /// The shape of the result, or one that broadcasts to it.
  Shape smaller() {
    const int from = chance(0.3) ? static_cast<int>(below(shape_.rank() + 1)) : 0;
    Shape shape;
    for (int axis = from; axis < shape_.rank(); ++axis) shape.push_back(chance(0.4) ? 1 : shape_[axis]);
    return shape;
  }
  /// A view of that shape, of a new tensor or of one that other leaves may have.
  Var<T> view(const Shape& shape) {
    if (shape.rank() == 0) return at(root({3}), 0, below(3));
    const int axis = static_cast<int>(below(shape.rank()));
    Shape around = shape;
    switch (below(6)) {
      case 0: {
        const int other = static_cast<int>(below(shape.rank()));
        std::swap(around[axis], around[other]);
        note("transposed");
        return transpose(root(around), axis, other);
      }
      case 1:
        around[axis] += 2;
        note("slice");
        return slice(root(around), axis, 1, 1 + shape[axis]);
      case 2: {  // gates
        around[axis] *= 3;
        const Var<T> all = root(around);
        Var<T> parts[3];
        detail::split(all, axis, Index{3}, parts);
        gates_.insert(gates_.end(), parts, parts + 3);
        note("gate");
        return parts[below(3)];
      }
      case 3: {  // a step of a sequence
        if (shape.rank() == max_rank) return root(shape);
        Shape all{4};
        for (Index extent : shape) all.push_back(extent);
        note("step");
        return at(root(all), 0, below(4));
      }
      case 4: {  // two that overlap
        around[axis] += 1;
        const Var<T> all = root(around);
        gates_.push_back(slice(all, axis, 0, shape[axis]));
        note("overlapping slice");
        return slice(all, axis, 1, 1 + shape[axis]);
      }
      default:
        note("reshaped");
        return reshape(root({shape.size()}), shape);
    }
  }
  Var<T> draw() {
    if (drawn_ > 0 && chance(0.2)) {
      note("again");
      return leaves_[below(static_cast<Index>(drawn_))];
    }
    if (drawn_ > 0 && chance(0.15)) {
      const Var<T> other = leaves_[below(static_cast<Index>(drawn_))];
      const Shape shape = other.shape();
      note("view of another");
      if (shape.rank() == 2 && shape[0] == shape[1]) return transpose(other);
      return chance(0.5) || shape.rank() == 0 ? reshape(other, shape) : slice(other, 0, 0, shape[0]);
    }
    if (!gates_.empty() && chance(0.5)) {
      const Var<T> gate = gates_[static_cast<std::size_t>(below(static_cast<Index>(gates_.size())))];
      note("its sister");
      return gate;
    }
    if (chance(0.1)) {
      note("constant");
      return tape_.constant(values(shape_));
    }
    const bool broadcast = chance(0.4);
    const Shape shape = broadcast ? smaller() : shape_;
    if (broadcast) note("broadcast");
    return chance(0.5) ? view(shape) : root(shape);
  }
  void note(const char* word) { description_ += std::string(word) + " (" + "abc"[drawn_] + "), "; }

  Tape<T>& tape_;
  Registry<T>& registry_;
  Shape shape_;
  Random random_;
  bool special_;
  Var<T> leaves_[3];
  std::size_t drawn_ = 0;
  std::vector<Var<T>> roots_, gates_;
  std::string description_;
};

/// Values and gradients, and how they came about.
template <class T>
struct Outcome {
  std::vector<Tensor<T>> tensors;
  std::size_t nodes;
  std::string description;
};

template <class T>
Outcome<T> run(const Case<T>& c, const Shape& shape, const Random& random, bool special, bool composed) {
  Registry<T> registry;
  Tape<T> tape;
  tape.composed = composed;
  const Leaves<T> leaves(tape, registry, shape, random, special);
  const std::size_t before = tape.size();
  // Twice, so that the second finds gradients that the first has left.
  const Var<T> y = c.f(leaves[0], leaves[1], leaves[2]), z = c.f(leaves[2], leaves[0], leaves[1]);
  Outcome<T> out{{y.value(), z.value()}, tape.size() - before, leaves.description()};
  Random weights = random.split("weights");
  const auto weighted = [&](Var<T> v) {
    Tensor<T> w = empty<T>(v.shape());
    for (T& x : w) x = static_cast<T>(weights.uniform(-1, 1));
    return sum(v * tape.constant(w));
  };
  const Var<T> loss = weighted(y) + weighted(z);
  if (!tape.needs_gradient(loss)) return out;
  backward(loss);
  for (const Var<T> root : leaves.roots()) out.tensors.push_back(tape.gradient(root));
  for (const Parameter<T>& p : registry) out.tensors.push_back(p.has_gradient ? p.gradient : zeros<T>(p.shape()));
  return out;
}

/// Bit for bit, where any NaN is as good as another: which of two a sum hands on is not said.
template <class T>
bool same_bits(const Tensor<T>& a, const Tensor<T>& b) {
  if (!(shape_of(a) == shape_of(b))) return false;
  for (std::size_t i = 0; i < a.size(); ++i) {
    const T x = a.data()[i], y = b.data()[i];
    if (std::memcmp(&x, &y, sizeof(T)) != 0 && !(std::isnan(x) && std::isnan(y))) return false;
  }
  return true;
}

template <class T>
void check_all(int rounds) {
  static const Shape some[] = {{2, 3}, {3, 2, 4}, {5, 19},      {2, 37}, {40}, {},
                               {4, 4}, {3, 1, 5}, {2, 3, 2, 5}, {1, 7},  {64}, {3, 48}};
  const auto all = cases<T>();
  CHECK(all.size() >= 40);
  Random random(20260);
  std::size_t fused_nodes = 0, composed_nodes = 0;
  for (const Case<T>& c : all)
    for (int round = 0; round < rounds; ++round) {
      const Shape& shape = some[random.below(std::size(some))];
      const Random leaves = random.split(c.text + std::to_string(round));
      const bool special = round % 4 == 3;
      const Outcome<T> fused = run(c, shape, leaves, special, false), composed = run(c, shape, leaves, special, true);
      INFO(c.text, ", shape ", text(shape), ", round ", round, ": ", fused.description);
      REQUIRE(fused.tensors.size() == composed.tensors.size());
      for (std::size_t i = 0; i < fused.tensors.size(); ++i) {
        INFO("tensor ", i, " (two values, then gradients)");
        CHECK(same_bits(fused.tensors[i], composed.tensors[i]));
      }
      fused_nodes += fused.nodes, composed_nodes += composed.nodes;
    }
  CHECK(fused_nodes * 2 < composed_nodes);  // most were fused
}

}  // namespace fused
