#pragma once
/// What the tests of ops share: values to compute with, and how near two results are.

#include <algorithm>
#include <cmath>

#include <carousel/lib/random.hpp>
#include <carousel/lib/tape.hpp>

/// Uniform numbers in [-1, 1), the same for the same seed.
template <class T = double>
carousel::Tensor<T> random_tensor(const carousel::Shape& shape, std::uint64_t seed) {
  carousel::Random random(seed);
  carousel::Tensor<T> out = carousel::empty<T>(shape);
  for (T& x : out) x = static_cast<T>(random.uniform(-1, 1));
  return out;
}

/// The largest |a − b| by the largest |b|; 0 for empty tensors, infinity for shapes that differ or a NaN.
template <class A, class B>
double difference(const A& a, const B& b) {
  if (!(carousel::shape_of(a) == carousel::shape_of(b))) return HUGE_VAL;
  double largest = 0, worst = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    const double x = static_cast<double>(a.data()[i]), y = static_cast<double>(b.data()[i]);
    if (!(std::abs(x - y) >= 0)) return HUGE_VAL;
    worst = std::max(worst, std::abs(x - y));
    largest = std::max(largest, std::abs(y));
  }
  return worst == 0 ? 0 : worst / largest;
}
