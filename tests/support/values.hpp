#pragma once
/// What tests share: values to compute with, and how near two results are.

#include <algorithm>
#include <cmath>
#include <initializer_list>

#include <doctest/doctest.h>

#include <carousel/lib/numbers/random.hpp>
#include <carousel/lib/tape/tape.hpp>
#include <carousel/lib/training/init.hpp>

/// Uniform numbers in [-1, 1), the same for the same seed.
template <class T = double>
carousel::Tensor<T> random_tensor(const carousel::Shape& shape, std::uint64_t seed) {
  carousel::Random random(seed);
  carousel::Tensor<T> out = carousel::empty<T>(shape);
  for (T& x : out) x = static_cast<T>(random.uniform(-1, 1));
  return out;
}

/// Numbers of the normal distribution, the same for the same seed.
inline carousel::Tensor<double> normal_tensor(const carousel::Shape& shape, std::uint64_t seed) {
  carousel::Random random(seed);
  return carousel::init::normal<double>(0, 1)(shape, random);
}

/// 0, 1, 2, …
inline carousel::Tensor<double> counting(const carousel::Shape& shape) {
  carousel::Tensor<double> out = carousel::empty<double>(shape);
  for (std::size_t i = 0; i < out.size(); ++i) out.data()[i] = static_cast<double>(i);
  return out;
}

/// A value is of that shape and has those elements; a NaN is as good as another.
template <class T>
void check_elements(const carousel::Var<T>& v, const carousel::Shape& shape, std::initializer_list<double> wanted) {
  CHECK(v.shape() == shape);
  const carousel::Tensor<T> got = v.value();
  REQUIRE(got.size() == wanted.size());
  for (std::size_t i = 0; i < got.size(); ++i) {
    const double w = wanted.begin()[i];
    INFO("element ", i, ": ", got.data()[i]);
    CHECK((std::isnan(w) ? std::isnan(got.data()[i]) : static_cast<double>(got.data()[i]) == w));
  }
}
/// The same of a statement.
inline void check_elements(carousel::Var<double> v, const carousel::Shape& shape, std::initializer_list<double> wanted) {
  check_elements<double>(v, shape, wanted);
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
