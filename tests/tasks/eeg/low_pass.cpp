#include <carousel/tasks/eeg/low_pass.hpp>

#include <array>
#include <cmath>
#include <numbers>
#include <stdexcept>
#include <utility>
#include <vector>

#include <doctest/doctest.h>

using namespace carousel;

namespace {

std::vector<double> product(const std::vector<double>& p, const std::vector<double>& q) {
  std::vector<double> all(p.size() + q.size() - 1);
  for (std::size_t i = 0; i < p.size(); ++i)
    for (std::size_t j = 0; j < q.size(); ++j) all[i + j] += p[i] * q[j];
  return all;
}

/// The sections as one filter: coefficients b of x, a of y.
std::pair<std::vector<double>, std::vector<double>> multiplied(const LowPass& filter) {
  std::pair<std::vector<double>, std::vector<double>> all{{1}, {1}};
  for (const LowPass::Section& s : filter.sections()) {
    all.first = product(all.first, {s.b0, s.b1, s.b2});
    all.second = product(all.second, {1, s.a1, s.a2});
  }
  return all;
}

void check_coefficients(const LowPass& filter, const std::vector<double>& b, const std::vector<double>& a) {
  const auto [of_x, of_y] = multiplied(filter);
  for (std::size_t i = 0; i < b.size(); ++i) {
    CHECK(of_x[i] == doctest::Approx(b[i]).epsilon(1e-12));
    CHECK(of_y[i] == doctest::Approx(a[i]).epsilon(1e-12));
  }
}

/// How much a sine of that frequency keeps of its height.
double gain(int order, double cutoff, double frequency) {
  LowPass filter(order, cutoff);
  double highest = 0;
  for (int t = 0; t < 20000; ++t) {
    std::array<double, 1> x{std::sin(2 * std::numbers::pi * frequency * t)};
    filter(x);
    if (t >= 10000) highest = std::max(highest, std::abs(x[0]));
  }
  return highest;
}

}  // namespace

TEST_CASE("coefficients are those of scipy.signal.butter") {
  check_coefficients(LowPass(3, 3.0 / 500),  // butter(3, 3/250), the original's
                     {6.4518491290909277e-06, 1.9355547387272784e-05, 1.9355547387272784e-05, 6.4518491290909277e-06},
                     {1, -2.9246062354506974, 2.852027818593894, -0.9273699683501638});
  check_coefficients(LowPass(4, 0.1),  // butter(4, 0.2)
                     {0.00482434335771623, 0.01929737343086492, 0.02894606014629739, 0.01929737343086492, 0.00482434335771623},
                     {1, -2.3695130071820376, 2.31398841441588, -1.0546654058785676, 0.18737949236818488});
  check_coefficients(LowPass(1, 0.15), {0.33754015188354686, 0.33754015188354686}, {1, -0.32491969623290634});
}

TEST_CASE("a filtered signal is that of scipy.signal.lfilter, begun in the steady state of its first value") {
  LowPass filter(3, 0.1);  // b, a = butter(3, .2); lfilter(b, a, x, zi=lfilter_zi(b, a) * x[0])
  const std::array<double, 10> xs = {1, 4, 2, 8, 5, 7, 1, 3, 0, 9};
  const std::array<double, 10> ys = {1,
                                     1.054296799022545,
                                     1.2765539703233983,
                                     1.7663989793731474,
                                     2.5979251593606176,
                                     3.706702907905762,
                                     4.7565009296701115,
                                     5.288551658045845,
                                     5.056204736346325,
                                     4.309811953193086};
  for (std::size_t t = 0; t < xs.size(); ++t) {
    std::array<double, 3> row = {xs[t], -xs[t], 7};  // several signals, each on its own
    filter(row);
    CHECK(row[0] == doctest::Approx(ys[t]).epsilon(1e-12));
    CHECK(row[1] == doctest::Approx(-ys[t]).epsilon(1e-12));
    CHECK(row[2] == doctest::Approx(7).epsilon(1e-12));
  }
}

TEST_CASE("at its cutoff a filter lets 1/√2 through, below nearly all, above nearly nothing") {
  CHECK(gain(3, 0.02, 0.02) == doctest::Approx(std::sqrt(0.5)).epsilon(1e-3));
  CHECK(gain(2, 0.02, 0.02) == doctest::Approx(std::sqrt(0.5)).epsilon(1e-3));
  CHECK(gain(3, 0.02, 0.005) == doctest::Approx(1).epsilon(1e-3));
  CHECK(gain(3, 0.02, 0.2) < 1e-3);
}

TEST_CASE("a filter is of an order and a cutoff that there are, and keeps to as many signals") {
  CHECK_THROWS_WITH_AS(LowPass(0, 0.1), "low_pass: order 0, cutoff 0.1: order must be at least 1, cutoff between 0 and 0.5",
                       std::invalid_argument);
  CHECK_THROWS_WITH_AS(LowPass(3, 0.5), "low_pass: order 3, cutoff 0.5: order must be at least 1, cutoff between 0 and 0.5",
                       std::invalid_argument);
  LowPass filter(3, 0.1);
  std::array<double, 3> three{};
  std::array<double, 2> two{};
  filter(three);
  CHECK_THROWS_WITH_AS(filter(two), "low_pass: 2 signals, before 3: must be as many", std::invalid_argument);
}
