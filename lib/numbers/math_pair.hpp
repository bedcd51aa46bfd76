#pragma once
/// log, log1p, pow, sin, cos and the normal distribution on SIMD registers: functions that on their way need numbers of more
/// digits than a lane has, and carry them in a pair of lanes.
///
/// They are right to a few units in the last place, and each lane is by itself. They stay out of line, for a statement has two
/// copies of each of its functions.

#include <bit>
#include <cmath>

#include <carousel/lib/numbers/math.hpp>

namespace carousel::simd {

namespace detail {

template <class T>
using Bits = std::conditional_t<sizeof(T) == 4, std::uint32_t, std::uint64_t>;

/// A number as the sum of two lanes, the second some bits below the last of the first.
template <class T>
struct Pair {
  Lane<T> high, low;
};

/// a + b, exactly (Knuth 1969).
template <class T>
Pair<T> two_sum(Lane<T> a, Lane<T> b) {
  const Lane<T> sum = a + b, part = sum - a;
  return {sum, (a - (sum - part)) + (b - part)};
}

/// a + b, exactly, for |a| ≥ |b| or a = 0 (Dekker 1971).
template <class T>
Pair<T> fast_two_sum(Lane<T> a, Lane<T> b) {
  const Lane<T> sum = a + b;
  return {sum, b - (sum - a)};
}

/// a · b, exactly.
template <class T>
Pair<T> two_product(Lane<T> a, Lane<T> b) {
  const Lane<T> product = a * b;
#if defined(__FMA__) || defined(__ARM_FEATURE_FMA)
  return {product, fma(a, b, -product)};
#else  // in halves whose products are exact (Veltkamp 1968, Dekker 1971)
  const Lane<T> split(T(1 + (Bits<T>(1) << ((ExpConstants<T>::mantissa + 2) / 2))));
  const Lane<T> a_part = a * split, a_high = a_part - (a_part - a), a_low = a - a_high;
  const Lane<T> b_part = b * split, b_high = b_part - (b_part - b), b_low = b - b_high;
  return {product, a_low * b_low - (((product - a_high * b_high) - a_low * b_high) - a_high * b_low)};
#endif
}

/// c − a · b, exactly where c is near the product.
template <class T>
Lane<T> less_product(Lane<T> c, Lane<T> a, Lane<T> b) {
#if defined(__FMA__) || defined(__ARM_FEATURE_FMA)
  return fma(-a, b, c);
#else
  const auto product = two_product(a, b);
  return (c - product.high) - product.low;
#endif
}

/// ln x to some eleven bits beyond the last place, for finite x > 0.
///   x = 2^k m with √½ ≤ m < √2;  s = (m − 1) / (m + 1);  ln m = 2 artanh s = 2s + s z (2/3 + z (2/5 + 2/7 z + …)), z = s²
template <class T>
[[gnu::noinline]] Pair<T> log_pair(Lane<T> x) {
  using C = ExpConstants<T>;
  constexpr auto root_half = std::bit_cast<Bits<T>>(T(0.70710678118654752));
  constexpr Bits<T> shift = std::bit_cast<Bits<T>>(T(1)) - root_half, mantissa = (Bits<T>(1) << C::mantissa) - 1;
  constexpr std::size_t terms = sizeof(T) == 4 ? 4 : 9;

  const auto tiny = x < Lane<T>(std::numeric_limits<T>::min());
  const Lane<T> normal = select(tiny, x * Lane<T>(T(2) / std::numeric_limits<T>::epsilon()), x);
  const auto bits = bits_as<Bits<T>>(normal) + Lane<Bits<T>>(shift);
  const Lane<T> m = bits_as<T>((bits & Lane<Bits<T>>(mantissa)) + Lane<Bits<T>>(root_half));
  // A whole number in the low bits of 1.5 · 2^mantissa is added to it.
  const Lane<T> biased = bits_as<T>((bits >> C::mantissa) + Lane<Bits<T>>(std::bit_cast<Bits<T>>(C::round)));
  const Lane<T> k = (biased - Lane<T>(C::round)) - select(tiny, Lane<T>(T(C::bias + C::mantissa + 1)), Lane<T>(T(C::bias)));

  const Lane<T> f = m - Lane<T>(T(1));
  const auto below = fast_two_sum(Lane<T>(T(2)), f);
  const Lane<T> s = f / below.high;
  const Lane<T> s_low = (less_product(f, s, below.high) - s * below.low) / below.high;
  auto z = two_product(s, s);
  z.low = fma(s + s, s_low, z.low);
  Lane<T> q(T(2) / T(2 * terms + 3));
#pragma GCC unroll 16
  for (std::size_t n = terms; n >= 2; --n) q = fma(q, z.high, Lane<T>(T(2) / T(2 * n + 1)));
  constexpr double third = sizeof(T) == 4 ? -1.98682155e-8 : 3.7007434154171883e-17;  // 2/3 less its rounded value
  const auto c = fast_two_sum(Lane<T>(T(2) / T(3)), z.high * q);
  auto t = two_product(z.high, c.high);
  t.low = t.low + fma(z.high, c.low + Lane<T>(T(third)), z.low * c.high);
  auto u = two_product(s, t.high);
  u.low = u.low + fma(s, t.low, s_low * t.high);
  const auto ln_m = fast_two_sum(s + s, u.high);
  const auto sum = fast_two_sum(k * Lane<T>(C::ln2_high), ln_m.high);
  return fast_two_sum(sum.high, sum.low + fma(k, Lane<T>(C::ln2_low), ln_m.low + (u.low + (s_low + s_low))));
}

/// ln of zero, of infinity, and of what has none.
template <class T>
Lane<T> log_at_edges(Lane<T> x, Lane<T> y) {
  constexpr T infinity = std::numeric_limits<T>::infinity();
  y = select(x == Lane<T>(T(0)), Lane<T>(-infinity), y);
  y = select(x < Lane<T>(T(0)), Lane<T>(std::numeric_limits<T>::quiet_NaN()), y);
  return select(x < Lane<T>(infinity), y, x);
}

}  // namespace detail

/// ln x; −∞ at 0, NaN below.
template <class T>
Lane<T> log(Lane<T> x) {
  return detail::log_at_edges(x, detail::log_pair(x).high);
}

/// ln(1 + x) for x ≥ 0, exact near zero.
template <class T>
Lane<T> log1p(Lane<T> x) {
  const auto sum = detail::two_sum(Lane<T>(T(1)), x);
  const auto ln = detail::log_pair(sum.high);
  return select(x < Lane<T>(std::numeric_limits<T>::infinity()), ln.high + (ln.low + sum.low / sum.high), x);
}

/// x^y, to the last place but for results near the ends of the range; the special cases are those of C (IEC 60559).
template <class T>
[[gnu::noinline]] Lane<T> pow(Lane<T> x, Lane<T> y) {
  using C = detail::ExpConstants<T>;
  constexpr T infinity = std::numeric_limits<T>::infinity();
  const Lane<T> zero(T(0)), one(T(1)), size = abs(x);
  const auto ln = detail::log_pair(size);
  const Lane<T> high = detail::log_at_edges(size, ln.high);
  const auto [p, p_rest] = detail::two_product(y, high);
  // Beyond, the product with 2^k gives infinity and zero by itself.
  const Lane<T> clamped = min(max(p, Lane<T>(C::smallest - 1)), Lane<T>(C::largest + 1));
  // Without fused multiply-add the rest of a product with a huge y is NaN; of |x| = 1, whose logarithm is 0, there is none.
  const Lane<T> p_low = select(clamped == p && high != zero, p_rest + y * ln.low, zero);

  const Lane<T> k = detail::round_to_powers(clamped);
  const auto r = detail::two_sum(fma(k, Lane<T>(-C::ln2_high), clamped), fma(k, Lane<T>(-C::ln2_low), p_low));
  const auto sum = detail::fast_two_sum(one, r.high);
  const Lane<T> tail = fma(detail::exp_series(r.high), r.high * r.high, fma(r.low, r.high, r.low));
  const auto [first, second] = detail::two_powers(k);
  Lane<T> z = (sum.high + (sum.low + tail)) * first * second;

  const auto whole = floor(y) == y;
  const Lane<T> half = y * Lane<T>(T(0.5));
  z = select(whole && floor(half) != half, z | sign_bit(x), z);
  z = select(x < zero && !whole && size != Lane<T>(infinity), Lane<T>(std::numeric_limits<T>::quiet_NaN()), z);
  z = select(x == x && y == y, z, x + y);
  return select(x == one || y == zero || (size == one && abs(y) == Lane<T>(infinity)), one, z);
}

// ---- sine and cosine ----------------------------------------------------------------------------------------------------------

namespace detail {

template <class T>
struct TurnConstants;
template <>
struct TurnConstants<float> {
  static constexpr float half_pi[] = {0x1.921fb6p+0F, -0x1.777a5cp-25F, -0x1.ee59dap-50F};  // π/2 is their sum
  static constexpr float largest = 1e5F;                                                    // beyond, the third is too short
};
template <>
struct TurnConstants<double> {
  static constexpr double half_pi[] = {0x1.921fb54442d18p+0, 0x1.1a62633145c07p-54, -0x1.f1976b7ed8fbcp-110};
  static constexpr double largest = 1e9;
};

/// sin(x + Quarters π/2): x = n π/2 + r with |r| ≤ π/4, then the Taylor series of the sine or the cosine of r. Far from zero,
/// where that would take more of π, each lane for itself by the standard library.
template <int Quarters, class T>
[[gnu::noinline]] Lane<T> sine(Lane<T> x) {
  using C = TurnConstants<T>;
  constexpr auto& coefficient = inverse_factorials<T>;
  constexpr std::size_t last = sizeof(T) == 4 ? 9 : 17;
  constexpr T round = ExpConstants<T>::round;
  const Lane<T> turned = fma(x, Lane<T>(T(0.63661977236758134)), Lane<T>(round)), n = turned - Lane<T>(round);
  Lane<T> r = x;
  for (T part : C::half_pi) r = less_product(r, n, Lane<T>(part));

  const Lane<T> z = r * r;
  T sign = 1;
  Lane<T> s(coefficient[last]), c(-coefficient[last + 1]);
#pragma GCC unroll 8
  for (std::size_t i = last - 2; i >= 3; i -= 2) {
    sign = -sign;
    s = fma(s, z, Lane<T>(sign * coefficient[i]));
    c = fma(c, z, Lane<T>(-sign * coefficient[i + 1]));
  }
  s = fma(s * z, r, r);
  const auto first = fast_two_sum(Lane<T>(T(1)), z * Lane<T>(T(-0.5)));
  c = first.high + fma(c, z * z, first.low);

  // n stands in the low bits of 1.5 · 2^mantissa + n.
  const auto quarter = bits_as<Bits<T>>(turned) + Lane<Bits<T>>(Bits<T>(Quarters));
  const auto bit = [&](Bits<T> which, int to) { return bits_as<T>((quarter & Lane<Bits<T>>(which)) << to); };
  Lane<T> y = select(bit(1, ExpConstants<T>::mantissa) == Lane<T>(T(0)), s, c) ^ bit(2, sizeof(T) * 8 - 2);

  if (const auto far = abs(x) > Lane<T>(C::largest); any(far)) {
    T from[width<T>], to[width<T>];
    store(from, x);
    store(to, y);
    for (std::size_t i = 0; i < std::size(to); ++i)
      if (std::abs(from[i]) > C::largest) to[i] = Quarters == 0 ? std::sin(from[i]) : std::cos(from[i]);
    y = load(to);
  }
  return y;
}

}  // namespace detail

/// sin x.
template <class T>
Lane<T> sin(Lane<T> x) {
  return detail::sine<0>(x);
}

/// cos x.
template <class T>
Lane<T> cos(Lane<T> x) {
  return detail::sine<1>(x);
}

// ---- the normal distribution --------------------------------------------------------------------------------------------------

namespace detail {

/// (1 + u) e^(u²/2) Φ(−u) as a polynomial in (u − 4) / (u + 4), the highest power first: a Chebyshev fit to 1 part in 10^9 and
/// 10^16 over all u at which Φ(−u) is not 0, in the manner of Shepherd & Laframboise 1981.
template <class T>
struct NormalTail;
template <>
struct NormalTail<float> {
  static constexpr float bound = 14.5F;
  static constexpr float coefficient[] = {-7.39324634e-5F, -6.57207547e-5F, 0.000691233524F, -0.000300497001F,
                                          -0.00500252108F, 0.0179395481F,   -0.0321977281F,  0.0286000275F,
                                          0.0139996304F,   -0.0967034679F,  0.472053206F};
};
template <>
struct NormalTail<double> {
  static constexpr double bound = 39;
  static constexpr double coefficient[] = {
      1.9844072305621601e-10,  4.347202324981508e-9,   1.1340649996126789e-8,  -1.8881377257031632e-8, -1.0111129755671242e-7,
      2.8055596826956696e-9,   5.4321008276125774e-7,  4.0209663796175195e-7,  -2.6080391995656582e-6, -3.4305539444945168e-6,
      1.3625128702085319e-5,   2.1249416709821007e-5,  -8.7852781004236426e-5, -9.4430109323005176e-5, 0.00069489704589332037,
      -0.00028562311726743208, -0.0050023785859874212, 0.017936097481063276,   -0.032197837428313235,  0.028600364053505538,
      0.013999634724429484,    -0.096703477326525379,  0.47205320650984467};
};

}  // namespace detail

/// Φ(x) = (1 + erf(x / √2)) / 2, the distribution function of the normal distribution, as exact in its lower tail as elsewhere.
template <class T>
[[gnu::noinline]] Lane<T> normal_cdf(Lane<T> x) {
  using C = detail::NormalTail<T>;
  const Lane<T> one(T(1)), u = min(abs(x), Lane<T>(C::bound));
  const Lane<T> t = (u - Lane<T>(T(4))) / (u + Lane<T>(T(4)));
  Lane<T> q(C::coefficient[0]);
  for (std::size_t i = 1; i < std::size(C::coefficient); ++i) q = fma(q, t, Lane<T>(C::coefficient[i]));
  const auto square = detail::two_product(u, u);  // its rounding error, times e^−u²/2, would be seen
  const Lane<T> e = exp(square.high * Lane<T>(T(-0.5)));
  const Lane<T> tail = fma(e, square.low * Lane<T>(T(-0.5)), e) * q / (one + u);
  const Lane<T> y = select(x < Lane<T>(T(0)), tail, one - tail);
  return select(x == x, y, x);
}

/// φ(x) = e^(−x²/2) / √2π, its density.
template <class T>
Lane<T> normal_density(Lane<T> x) {
  return exp(x * x * Lane<T>(T(-0.5))) * Lane<T>(T(0.39894228040143268));
}

}  // namespace carousel::simd
