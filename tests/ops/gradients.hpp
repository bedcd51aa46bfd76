#pragma once
/// Gradient checks of ops, over the ways in which shapes broadcast.

#include <string>
#include <utility>
#include <vector>

#include <doctest/doctest.h>

#include <carousel/lib/training/gradcheck.hpp>

#include "tests/support/values.hpp"

using VarsOfDouble = std::span<const carousel::Var<double>>;

/// Random values of that shape within lo … hi.
inline carousel::CheckedInput input_between(const char* name, const carousel::Shape& shape, double lo, double hi,
                                            std::uint64_t seed) {
  carousel::Tensor<double> values = random_tensor(shape, seed);
  for (double& x : values) x = lo + (hi - lo) * (x + 1) / 2;
  return {name, std::move(values)};
}

/// Each input's gradient is that of the numbers, to 1e-6.
inline void check_gradients(const carousel::CheckedFunction& f, std::vector<carousel::CheckedInput> inputs) {
  const carousel::GradcheckResult result = carousel::gradcheck(f, std::move(inputs));
  INFO(result.worst().describe());
  CHECK(result.passed);
}

/// Shapes of two operands: the same, each form of broadcast to either side, and both at once.
inline const std::vector<std::pair<carousel::Shape, carousel::Shape>>& shapes_of_two() {
  static const std::vector<std::pair<carousel::Shape, carousel::Shape>> shapes = [] {
    using carousel::Shape;
    std::vector<std::pair<Shape, Shape>> all{
        {{2, 3}, {3}},       {{2, 3}, {2, 1}},       {{2, 3}, {1, 3}},          {{2, 3}, {}},     {{2, 3}, {1, 1}},
        {{2, 3}, {1}},       {{3, 2, 4}, {3, 1, 4}}, {{3, 2, 4}, {2, 1}},       {{3, 2, 4}, {4}}, {{3, 2, 4}, {3, 1, 1}},
        {{3, 1, 4}, {2, 1}}, {{2, 1}, {1, 3}},       {{2, 3, 2, 2}, {3, 1, 2}}, {{5, 17}, {17}},  {{17, 1}, {5}}};
    const std::size_t count = all.size();
    for (std::size_t i = 0; i < count; ++i) all.emplace_back(all[i].second, all[i].first);
    for (const Shape& shape : {Shape{2, 3}, Shape{}, Shape{19}, Shape{3, 1, 2}}) all.emplace_back(shape, shape);
    return all;
  }();
  return shapes;
}
