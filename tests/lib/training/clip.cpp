#include <carousel/lib/training/clip.hpp>

#include <cmath>
#include <limits>
#include <numeric>
#include <stdexcept>

#include <doctest/doctest.h>

#include "tests/lib/tape/given.hpp"

using namespace carousel;
using test::give_gradient;
using test::make;

TEST_CASE("clipping by norm takes all gradients together and reports what it found") {
  Registry<float> registry;
  Parameter<float>&a = make(registry, "a", {3.0f, 0.0f}), &b = make(registry, "b", {0.0f}), &absent = make(registry, "c", {0.0f});
  give_gradient(a, {3.0f, 0.0f});
  give_gradient(b, {4.0f});
  absent.gradient = full<float>({1}, 1000.0f);  // of an earlier step
  CHECK(gradient_norm(registry) == 5);
  CHECK(clip_by_norm(registry, 10) == 5);
  CHECK(a.gradient.data()[0] == 3);
  CHECK(clip_by_norm(registry, 2.5) == 5);
  CHECK(a.gradient.data()[0] == 1.5f);
  CHECK(b.gradient.data()[0] == 2);
  give_gradient(b, {std::numeric_limits<float>::quiet_NaN()});
  CHECK(std::isnan(clip_by_norm(registry, 1)));
  CHECK(a.gradient.data()[0] == 1.5f);
  give_gradient(b, {std::numeric_limits<float>::infinity()});
  CHECK(std::isinf(clip_by_norm(registry, 1)));
  CHECK(a.gradient.data()[0] == 1.5f);
  CHECK_THROWS_WITH_AS(clip_by_norm(registry, 0), "clip_by_norm: max_norm is 0: must be above 0", std::invalid_argument);
}

TEST_CASE("the norm of many small gradients is summed in double") {
  Registry<float> registry;
  const Index size = (Index{1} << 22) + 5;
  Parameter<float>& p = registry.parameter("p", {size}, [&] { return zeros<float>({size}); });
  p.gradient = full<float>({size}, 0.1f);
  p.has_gradient = true;
  CHECK(gradient_norm(registry) == doctest::Approx(0.1f * std::sqrt(static_cast<double>(size))).epsilon(1e-10));
}

TEST_CASE("clipping by value bounds each element and lets NaN through") {
  Registry<double> registry;
  Parameter<double>& p = registry.parameter("p", {11}, [] { return zeros<double>({11}); });
  std::iota(p.gradient.data(), p.gradient.data() + 11, -5.0);
  p.gradient.data()[3] = std::nan("");
  p.gradient.data()[9] = std::nan("");
  p.has_gradient = true;
  clip_by_value(registry, 2.5);
  const double expected[] = {-2.5, -2.5, -2.5, NAN, -1, 0, 1, 2, 2.5, NAN, 2.5};
  for (int i = 0; i < 11; ++i) {
    CAPTURE(i);
    if (std::isnan(expected[i]))
      CHECK(std::isnan(p.gradient.data()[i]));
    else
      CHECK(p.gradient.data()[i] == expected[i]);
  }
  CHECK_THROWS_WITH_AS(clip_by_value(registry, -1), "clip_by_value: limit is -1: must be above 0", std::invalid_argument);
}
