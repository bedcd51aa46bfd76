#pragma once
/// exp, expm1, tanh and sigmoid on SIMD registers: right to a few units in the last place, clean where they saturate, NaN only
/// for NaN.
///
/// All stand on one reduction, x = k ln 2 + r with |r| ≤ ln 2 / 2 and e^x = 2^k (1 + p(r)), where p is the Taylor series of
/// e^r − 1, which at this range reaches the last place. k ln 2 is subtracted in two parts (Cody & Waite 1980), the first with so
/// few bits that its product with k is exact.

#include <array>
#include <cstdint>
#include <limits>

#include <carousel/lib/numbers/simd.hpp>

namespace carousel::simd {

namespace detail {

template <class T>
struct ExpConstants;
template <>
struct ExpConstants<float> {
  static constexpr float ln2_high = 0.693359375F, ln2_low = -2.12194440e-4F;
  static constexpr float largest = 88.72283F, smallest = -103.9721F;  // beyond: infinity, zero
  static constexpr float round = 12582912.0F;                         // 1.5 · 2^23: adding it rounds to an integer
  static constexpr std::size_t terms = 7;
  static constexpr int mantissa = 23, bias = 127;
};
template <>
struct ExpConstants<double> {
  static constexpr double ln2_high = 6.93147180369123816490e-01, ln2_low = 1.90821492927058770002e-10;
  static constexpr double largest = 709.782712893384, smallest = -745.1332191019411;
  static constexpr double round = 6755399441055744.0;  // 1.5 · 2^52
  static constexpr std::size_t terms = 13;
  static constexpr int mantissa = 52, bias = 1023;
};

/// The smaller and the greater of a bound and x; NaN where x is NaN.
template <class T>
Lane<T> at_most(T bound, Lane<T> x) {
#ifdef __x86_64__
  return min(Lane<T>(bound), x);  // whose instruction gives the second where they cannot be compared
#else
  return select(x > Lane<T>(bound), Lane<T>(bound), x);
#endif
}
template <class T>
Lane<T> at_least(T bound, Lane<T> x) {
#ifdef __x86_64__
  return max(Lane<T>(bound), x);
#else
  return select(x < Lane<T>(bound), Lane<T>(bound), x);
#endif
}

/// 1 / n! for n = 0 … 18.
template <class T>
inline constexpr auto inverse_factorials = [] {
  std::array<T, 19> table{1};
  double factorial = 1;
  for (std::size_t n = 1; n < table.size(); ++n) table[n] = static_cast<T>(1 / (factorial *= static_cast<double>(n)));
  return table;
}();

/// (e^r − 1 − r) / r² for |r| ≤ ln 2 / 2.
template <class T>
Lane<T> exp_series(Lane<T> r) {
  constexpr auto& coefficient = inverse_factorials<T>;
  Lane<T> q(coefficient[ExpConstants<T>::terms]);
#pragma GCC unroll 16
  for (std::size_t n = ExpConstants<T>::terms - 1; n >= 2; --n) q = fma(q, r, Lane<T>(coefficient[n]));
  return q;
}

/// x / ln 2, rounded.
template <class T>
Lane<T> round_to_powers(Lane<T> x) {
  using C = ExpConstants<T>;
  return fma(x, Lane<T>(T(1.4426950408889634)), Lane<T>(C::round)) - Lane<T>(C::round);
}

/// e^x − 1 = 2^k p + (2^k − 1): p, and k as a whole number in a lane, for x within the range of a finite, normal 2^k.
template <class T>
struct Reduced {
  Lane<T> p, k;
};

template <class T>
Reduced<T> reduce(Lane<T> x) {
  using C = ExpConstants<T>;
  const Lane<T> k = round_to_powers(x);
  const Lane<T> r = fma(k, Lane<T>(-C::ln2_low), fma(k, Lane<T>(-C::ln2_high), x));
  return {fma(exp_series(r), r * r, r), k};
}

/// 2^k for a whole k within the normal exponents.
template <class T>
Lane<T> power_of_two(Lane<T> k) {
  using C = ExpConstants<T>;
  using Integer = std::conditional_t<sizeof(T) == 4, std::int32_t, std::int64_t>;
  // k + 1.5 · 2^m holds k + bias in its low bits, which a shift moves to the exponent.
  const auto bits = bits_as<Integer>(k + Lane<T>(C::round + T(C::bias)));
  return bits_as<T>(bits << C::mantissa);
}

/// 2^k for a whole k in two factors: alone it would leave the range of normal numbers at both ends of exp.
template <class T>
std::array<Lane<T>, 2> two_powers(Lane<T> k) {
  using C = ExpConstants<T>;
  const Lane<T> half = (k * Lane<T>(T(0.5)) + Lane<T>(C::round)) - Lane<T>(C::round);
  return {power_of_two(half), power_of_two(k - half)};
}

}  // namespace detail

/// e^x.
template <class T>
Lane<T> exp(Lane<T> x) {
  using C = detail::ExpConstants<T>;
  const Lane<T> clamped = min(max(x, Lane<T>(C::smallest)), Lane<T>(C::largest));
  const auto [p, k] = detail::reduce(clamped);
  const auto [first, second] = detail::two_powers(k);
  Lane<T> y = fma(p, first, first) * second;
  y = select(x > Lane<T>(C::largest), Lane<T>(std::numeric_limits<T>::infinity()), y);
  y = select(x < Lane<T>(C::smallest), Lane<T>(T(0)), y);
  return select(x == x, y, x);
}

/// e^x − 1, exact near zero.
template <class T>
Lane<T> expm1(Lane<T> x) {
  constexpr T bound = sizeof(T) == 4 ? T(-20) : T(-40);  // from here down the result rounds to −1
  const auto [p, k] = detail::reduce(min(max(x, Lane<T>(bound)), Lane<T>(detail::ExpConstants<T>::largest)));
  const Lane<T> half = detail::power_of_two(k - Lane<T>(T(1)));  // 2^k itself may be infinite
  const Lane<T> y = fma(p, half, half - Lane<T>(T(0.5))) * Lane<T>(T(2));
  return select(x <= Lane<T>(detail::ExpConstants<T>::largest), y, x + x);  // infinity, and NaN
}

/// σ(x) = 1 / (1 + e^−x).
template <class T>
Lane<T> sigmoid(Lane<T> x) {
  // Where e^−x would leave the normal numbers, σ(x) rounds to 1, or is below the normal numbers itself and taken for 0.
  constexpr T bound = sizeof(T) == 4 ? T(87.3) : T(708.3);
  const Lane<T> clamped = detail::at_most(bound, detail::at_least(-bound, -x));
  const auto [p, k] = detail::reduce(clamped);
  const Lane<T> scale = detail::power_of_two(k);
  const Lane<T> y = Lane<T>(T(1)) / (Lane<T>(T(1)) + fma(p, scale, scale));
  return select(x < Lane<T>(-bound), Lane<T>(T(0)), y);
}

/// tanh x = e / (e + 2) with e = e^2|x| − 1, and the sign of x: exact near zero, where 2σ(2x) − 1 is not.
template <class T>
Lane<T> tanh(Lane<T> x) {
  constexpr T bound = sizeof(T) == 4 ? T(20) : T(44);  // from here on the result rounds to 1
  const Lane<T> sign = sign_bit(x);
  const Lane<T> twice = detail::at_most(bound, (x ^ sign) * Lane<T>(T(2)));
  const auto [p, k] = detail::reduce(twice);
  const Lane<T> scale = detail::power_of_two(k);
  const Lane<T> e = fma(p, scale, scale - Lane<T>(T(1)));
  return (e / (e + Lane<T>(T(2)))) | sign;
}

}  // namespace carousel::simd
