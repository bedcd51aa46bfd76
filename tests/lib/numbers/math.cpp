#include <carousel/lib/numbers/math.hpp>

#include <cmath>
#include <cstring>
#include <functional>

#include <doctest/doctest.h>

#include <carousel/lib/numbers/math_pair.hpp>
#include <carousel/lib/numbers/random.hpp>

using namespace carousel;

namespace {

template <class T>
using Lanes = std::function<Lane<T>(Lane<T>)>;
using Exact = std::function<long double(long double)>;

template <class T>
T one(const Lanes<T>& f, T x) {
  return f(Lane<T>(x)).data[0];
}

/// The largest error of f on random numbers within lo … hi, in units of the last place of the right result. Each lane must give
/// what it gives with other neighbours.
template <class T>
double worst_error(const Lanes<T>& f, const Exact& exact, double lo, double hi, bool logarithmic = false) {
  Random random(1);
  double worst = 0;
  constexpr auto width = static_cast<std::size_t>(simd::width<T>);
  for (int round = 0; round < 3000; ++round) {
    T x[width], y[width], alone[width] = {};
    for (T& v : x) v = static_cast<T>(logarithmic ? lo * std::exp(random.uniform() * std::log(hi / lo)) : random.uniform(lo, hi));
    simd::store(y, f(simd::load(x)));
    alone[1] = x[0];
    simd::store(alone, f(simd::load(alone)));
    REQUIRE(std::memcmp(&alone[1], &y[0], sizeof(T)) == 0);
    for (std::size_t i = 0; i < width; ++i) {
      const long double wanted = exact(static_cast<long double>(x[i]));
      const T rounded = std::abs(static_cast<T>(wanted));
      const T place = std::nextafter(rounded, std::numeric_limits<T>::infinity()) - rounded;
      const auto error = static_cast<double>(std::abs(static_cast<long double>(y[i]) - wanted) / static_cast<long double>(place));
      if (!(error <= worst)) worst = error;
    }
  }
  return worst;
}

/// Both with the same sign, or both NaN.
template <class T>
bool same(T a, T b) {
  return std::isnan(b) ? std::isnan(a) : a == b && std::signbit(a) == std::signbit(b);
}

template <class T>
const std::vector<T>& special() {
  using L = std::numeric_limits<T>;
  static const std::vector<T> all{T(0),           T(-0.0),        T(1),     T(-1),    T(2),      T(-2),   T(3),
                                  T(-3),          T(0.5),         T(-0.5),  T(1.5),   T(1e4),    T(-1e4), L::infinity(),
                                  -L::infinity(), L::quiet_NaN(), L::min(), L::max(), -L::max(), T(1e30)};
  return all;
}

}  // namespace

#define FUNCTION(...) Lanes<T>([](Lane<T> x) { return __VA_ARGS__; })
#define EXACT(...) [](long double x) -> long double { return __VA_ARGS__; }

TEST_CASE_TEMPLATE("functions are right to a few units in the last place, each lane by itself", T, float, double) {
  const bool is_float = sizeof(T) == 4;
  const double small = is_float ? 1e-38 : 1e-308, tiny = is_float ? 1e-44 : 1e-320;

  CHECK(worst_error<T>(FUNCTION(simd::exp(x)), EXACT(std::exp(x)), -80, 80) < 1.1);
  CHECK(worst_error<T>(FUNCTION(simd::expm1(x)), EXACT(std::expm1(x)), -30, 80) < 2);
  CHECK(worst_error<T>(FUNCTION(simd::expm1(x)), EXACT(std::expm1(x)), 1e-8, 1, true) < 2);
  CHECK(worst_error<T>(FUNCTION(simd::sigmoid(x)), EXACT(1 / (1 + std::exp(-x))), -80, 80) < 2.6);
  CHECK(worst_error<T>(FUNCTION(simd::tanh(x)), EXACT(std::tanh(x)), -10, 10) < 2.5);
  CHECK(worst_error<T>(FUNCTION(simd::tanh(x)), EXACT(std::tanh(x)), 1e-10, 1, true) < 2.5);
  CHECK(worst_error<T>(FUNCTION(simd::log(x)), EXACT(std::log(x)), 0.5, 2) < 0.52);
  CHECK(worst_error<T>(FUNCTION(simd::log(x)), EXACT(std::log(x)), small, 1, true) < 0.52);
  CHECK(worst_error<T>(FUNCTION(simd::log(x)), EXACT(std::log(x)), tiny, small, true) < 0.52);
  CHECK(worst_error<T>(FUNCTION(simd::log1p(x)), EXACT(std::log1p(x)), 1e-10, 1e10, true) < 0.8);
  CHECK(worst_error<T>(FUNCTION(simd::sin(x)), EXACT(std::sin(x)), -4, 4) < 1.6);
  CHECK(worst_error<T>(FUNCTION(simd::sin(x)), EXACT(std::sin(x)), -1e4, 1e4) < 1.6);
  CHECK(worst_error<T>(FUNCTION(simd::sin(x)), EXACT(std::sin(x)), -1e12, 1e12) < 1.6);
  CHECK(worst_error<T>(FUNCTION(simd::cos(x)), EXACT(std::cos(x)), -4, 4) < 1.6);
  CHECK(worst_error<T>(FUNCTION(simd::cos(x)), EXACT(std::cos(x)), -1e5, 1e5) < 1.6);
  CHECK(worst_error<T>(FUNCTION(simd::normal_cdf(x)), EXACT(std::erfc(-x / std::sqrt(2.0L)) / 2), -6, 6) < 5);
  CHECK(worst_error<T>(FUNCTION(simd::normal_cdf(x)), EXACT(std::erfc(-x / std::sqrt(2.0L)) / 2), is_float ? -12.5 : -37, 0) < 5);
  CHECK(worst_error<T>(FUNCTION(simd::normal_density(x)), EXACT(std::exp(-x * x / 2) * 0.398942280401432677939946059934L), -1,
                       1) < 3);
  CHECK(worst_error<T>(FUNCTION(simd::pow(x, Lane<T>(T(2)))), EXACT(x * x), 1e-10, 1e10, true) < 0.7);
  CHECK(worst_error<T>(FUNCTION(simd::pow(x, Lane<T>(T(-1)))), EXACT(1 / x), 1e-10, 1e10, true) < 0.7);
  CHECK(worst_error<T>(FUNCTION(simd::pow(x, Lane<T>(T(1.5)))), EXACT(std::pow(x, 1.5L)), 1e-10, 1e10, true) < 0.7);
  CHECK(worst_error<T>(FUNCTION(simd::pow(Lane<T>(T(1.375)), x)), EXACT(std::pow(1.375L, x)), -100, 100) < 0.7);
  CHECK(worst_error<T>(FUNCTION(simd::pow(x, Lane<T>(T(40)))), EXACT(std::pow(x, 40.0L)), 0.2, 8, true) < 0.8);
  if (!is_float) CHECK(worst_error<T>(FUNCTION(simd::pow(x, Lane<T>(T(300)))), EXACT(std::pow(x, 300.0L)), 0.2, 8, true) < 1.2);
}

TEST_CASE_TEMPLATE("at the edges functions are those of the standard library", T, float, double) {
  const std::pair<Lanes<T>, std::function<T(T)>> functions[] = {
      {FUNCTION(simd::exp(x)), [](T x) { return std::exp(x); }},
      {FUNCTION(simd::expm1(x)), [](T x) { return std::expm1(x); }},
      {FUNCTION(simd::tanh(x)), [](T x) { return std::tanh(x); }},
      {FUNCTION(simd::log(x)), [](T x) { return std::log(x); }},
      {FUNCTION(simd::sin(x)), [](T x) { return std::sin(x); }},
      {FUNCTION(simd::cos(x)), [](T x) { return std::cos(x); }},
      {FUNCTION(simd::sigmoid(x)),
       [](T x) { return std::abs(x) > T(80) ? T(x > 0) : T(1 / (1 + std::exp(-static_cast<long double>(x)))); }},
      {FUNCTION(simd::normal_cdf(x)),
       [](T x) { return static_cast<T>(std::erfc(-static_cast<long double>(x) / std::sqrt(2.0L)) / 2); }},
  };
  for (std::size_t i = 0; i < std::size(functions); ++i)
    for (const T x : special<T>()) {
      const T got = one(functions[i].first, x), wanted = functions[i].second(x);
      INFO("function ", i, " at ", x, ": ", got, ", wanted ", wanted);
      CHECK((same(got, wanted) || (wanted == 0 && got == 0) ||
             std::abs(got - wanted) <= 4 * std::numeric_limits<T>::epsilon() * std::abs(wanted)));
    }
}

TEST_CASE_TEMPLATE("powers have the special cases of IEC 60559, and whole powers that have a number are that number", T, float,
                   double) {
  for (const T x : special<T>())
    for (const T y : special<T>()) {
      const T got = simd::pow(Lane<T>(x), Lane<T>(y)).data[0], wanted = std::pow(x, y);
      INFO(x, " to the power ", y, ": ", got, ", wanted ", wanted);
      CHECK((same(got, wanted) || std::abs(got - wanted) <= 2 * std::numeric_limits<T>::epsilon() * std::abs(wanted)));
    }
  for (int x = -20; x <= 20; ++x) {
    T wanted = 1;
    for (int n = 0; n <= 5; ++n, wanted *= T(x)) CHECK(simd::pow(Lane<T>(T(x)), Lane<T>(T(n))).data[0] == wanted);
  }
}

TEST_CASE_TEMPLATE("saturated, functions are exact", T, float, double) {
  for (const T far : {T(1e4), T(200), std::numeric_limits<T>::max()}) {
    CHECK(one<T>(FUNCTION(simd::sigmoid(x)), far) == 1);
    CHECK(one<T>(FUNCTION(simd::tanh(x)), far) == 1);
    CHECK(one<T>(FUNCTION(simd::tanh(x)), -far) == -1);
    CHECK(one<T>(FUNCTION(simd::expm1(x)), -far) == -1);
    CHECK(one<T>(FUNCTION(simd::normal_cdf(x)), far) == 1);
    CHECK(one<T>(FUNCTION(simd::normal_cdf(x)), -far) == 0);
  }
  CHECK(one<T>(FUNCTION(simd::sigmoid(x)), T(-1e4)) == 0);
  CHECK(one<T>(FUNCTION(simd::exp(x)), T(-1e4)) == 0);
}

TEST_CASE_TEMPLATE("the last registers of a row are read and written in part", T, float, double) {
  constexpr Index width = simd::width<T>;
  for (Index count = 1; count < width; ++count) {
    T from[3 * width], to[3 * width];
    for (Index i = 0; i < 3 * width; ++i) from[i] = T(i + 1), to[i] = T(-1);
    simd::store_some(to + 1, simd::load_some(from, count), count);
    for (Index i = 0; i < 3 * width; ++i) CHECK(to[i] == (i >= 1 && i <= count ? T(i) : T(-1)));
    T mixed[width];
    simd::store(mixed, simd::first_of(simd::load(from), count, Lane<T>(T(7))));
    for (Index i = 0; i < width; ++i) CHECK(mixed[i] == (i < count ? T(i + 1) : T(7)));
  }
  for (Index length = 0; length <= 2 * width + 3; ++length) {
    Index seen = 0;
    simd::for_each_lane<T>(length, [&](Index at, auto lanes) {
      CHECK(at == seen);
      seen += static_cast<Index>(simd::sum(simd::only(Lane<T>(T(1)), lanes, T(0))));
    });
    CHECK(seen == length);
  }
}
