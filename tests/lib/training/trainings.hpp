#pragma once
/// Trainings small enough to know all of them.

#include <algorithm>
#include <cstring>
#include <functional>
#include <span>
#include <vector>

#include <carousel/lib/numbers/random.hpp>
#include <carousel/lib/training/fit.hpp>
#include <carousel/ops/affine.hpp>
#include <carousel/ops/elementwise.hpp>
#include <carousel/ops/reduce.hpp>

namespace carousel::test {

/// y = x·(1, −2, 3) + 0.5 from a hundred and three examples, and a linear model of it.
template <class T>
struct Regression {
  static constexpr Index examples = 103, in = 3;
  std::vector<T> xs, ys;
  Registry<T> registry;
  Param<T> w, b;

  Regression()
      : w(registry.parameter("w", {in, 1},
                             [] {
                               return zeros<T>({in, 1});
                             })),
        b(registry.parameter("b", {1}, [] { return zeros<T>({1}); })) {
    Random random(5);
    for (Index i = 0; i < examples; ++i) {
      for (Index j = 0; j < in; ++j) xs.push_back(static_cast<T>(random.normal()));
      const T* x = xs.data() + i * in;
      ys.push_back(x[0] - 2 * x[1] + 3 * x[2] + T(0.5));
    }
  }

  LossFunction<T> loss() const {
    return [this](const Batch& batch, const Shard& shard) -> Var<T> {
      Tape<T>& tape = Tape<T>::active();
      const std::span<const Index> mine = shard.of(batch.examples);
      const auto count = static_cast<Index>(mine.size());
      const Var<T> x = tape.constant(Shape{count, in}), y = tape.constant(Shape{count, 1});
      for (Index i = 0; i < count; ++i) {
        const Index example = mine[static_cast<std::size_t>(i)];
        std::copy_n(xs.data() + example * in, in, tape.data(x) + i * in);
        tape.data(y)[i] = ys[static_cast<std::size_t>(example)];
      }
      return sum(square(affine(x, w, b) - y)) / batch.examples.size();
    };
  }
  DataSet data(Index batch = 20) const { return {.examples = examples, .batch = batch}; }
};

/// A parameter that a rate of 1 lowers by the gradient, which is `slope`.
struct Slope {
  Registry<double> registry;
  Param<double> p;
  double slope = 1;
  std::vector<double> steps = {};  // how far each step went
  double before = 0;

  Slope() : p(registry.parameter("p", {2}, [] { return zeros<double>({2}); })) {}
  LossFunction<double> loss() {
    return [this](const Batch&, const Shard&) -> Var<double> { return sum(p * slope); };
  }
  std::function<void(const StepReport&)> recorder() {
    return [this](const StepReport&) {
      steps.push_back(before - p->value.data()[0]);
      before = p->value.data()[0];
    };
  }
};

/// All parameters, one behind the other.
template <class T>
std::vector<T> values(const Registry<T>& registry) {
  std::vector<T> all;
  for (const Parameter<T>& p : registry) all.insert(all.end(), p.value.data(), p.value.data() + p.value.size());
  return all;
}

template <class T>
bool same_bits(const std::vector<T>& a, const std::vector<T>& b) {
  return a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size() * sizeof(T)) == 0;
}

}  // namespace carousel::test
