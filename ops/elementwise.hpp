#pragma once
/// Elementwise functions, each one line for the value and one for the derivative. They take Vars, parameters, numbers and
/// expressions, broadcast like NumPy, and fuse into the statement in which they stand. NaN goes through all of them.

#include <carousel/lib/numbers/math_pair.hpp>
#include <carousel/lib/tape/expression.hpp>

namespace carousel {

namespace functions {

/// dy where the condition holds, else 0, whatever dy is there.
template <class Lane, class Condition>
Lane only_where(Condition condition, Lane dy) {
  return simd::select(condition, dy, Lane(0));
}

template <class Lane, class Condition>
Lane one_where(Condition condition, Lane) {
  return simd::select(condition, Lane(1), Lane(0));
}

/// Whether a is what min or max of it and another give: the comparison holds, or a is NaN.
template <class Lane, class Condition>
Condition takes_first(Condition comparison, Lane a) {
  return comparison || !(a == a);
}

/// The gradient of a function of two operands that is constant but for its steps.
inline constexpr auto none_to_two = [](auto dy, auto, auto, auto) { return std::tuple(decltype(dy)(0), decltype(dy)(0)); };

inline constexpr auto exp = elementwise(
    "exp", [](auto x) { return simd::exp(x); }, [](auto dy, auto y, auto) { return dy * y; });
inline constexpr auto log = elementwise(
    "log", [](auto x) { return simd::log(x); }, [](auto dy, auto, auto x) { return dy / x; });
inline constexpr auto sqrt = elementwise(
    "sqrt", [](auto x) { return simd::sqrt(x); }, [](auto dy, auto y, auto) { return dy / (y + y); });
inline constexpr auto square = elementwise(
    "square", [](auto x) { return x * x; }, [](auto dy, auto, auto x) { return dy * (x + x); });
inline constexpr auto abs = elementwise(
    "abs", [](auto x) { return simd::abs(x); }, [](auto dy, auto, auto x) { return dy * simd::sign(x); });
inline constexpr auto sin = elementwise(
    "sin", [](auto x) { return simd::sin(x); }, [](auto dy, auto, auto x) { return dy * simd::cos(x); });
inline constexpr auto cos = elementwise(
    "cos", [](auto x) { return simd::cos(x); }, [](auto dy, auto, auto x) { return -(dy * simd::sin(x)); });
inline constexpr auto pow = elementwise(
    "pow", [](auto x, auto p) { return simd::pow(x, p); },
    [](auto dy, auto y, auto x, auto p) {
      return std::tuple(only_where(!(p == 0), dy * p * simd::pow(x, p - 1)),
                        only_where(!(x == 0) || p < 0, dy * y * simd::log(x)));
    });

inline constexpr auto minimum = elementwise(
    "minimum", [](auto a, auto b) { return simd::select(takes_first(a <= b, a), a, b); },
    [](auto dy, auto, auto a, auto b) {
      const auto first = takes_first(a <= b, a);
      return std::tuple(only_where(first, dy), only_where(!first, dy));
    });
inline constexpr auto maximum = elementwise(
    "maximum", [](auto a, auto b) { return simd::select(takes_first(a >= b, a), a, b); },
    [](auto dy, auto, auto a, auto b) {
      const auto first = takes_first(a >= b, a);
      return std::tuple(only_where(first, dy), only_where(!first, dy));
    });
inline constexpr auto clamp = elementwise(
    "clamp", [](auto x, auto low, auto high) { return minimum.value(maximum.value(x, low), high); },
    [](auto dy, auto, auto x, auto low, auto high) {
      const auto m = maximum.value(x, low);
      const auto inside = takes_first(x >= low, x), below_high = takes_first(m <= high, m);
      return std::tuple(only_where(inside && below_high, dy), only_where(!inside && below_high, dy), only_where(!below_high, dy));
    });

inline constexpr auto less = elementwise(
    "less", [](auto a, auto b) { return one_where(a < b, a); }, none_to_two);
inline constexpr auto less_equal = elementwise(
    "less_equal", [](auto a, auto b) { return one_where(a <= b, a); }, none_to_two);
inline constexpr auto greater = elementwise(
    "greater", [](auto a, auto b) { return one_where(a > b, a); }, none_to_two);
inline constexpr auto greater_equal = elementwise(
    "greater_equal", [](auto a, auto b) { return one_where(a >= b, a); }, none_to_two);
inline constexpr auto where = elementwise(
    "where", [](auto condition, auto a, auto b) { return simd::select(condition == 0, b, a); },
    [](auto dy, auto, auto condition, auto, auto) {
      return std::tuple(decltype(dy)(0), only_where(!(condition == 0), dy), only_where(condition == 0, dy));
    });

inline constexpr auto sigmoid = elementwise(
    "sigmoid", [](auto x) { return simd::sigmoid(x); }, [](auto dy, auto y, auto) { return dy * y * (1 - y); });
inline constexpr auto tanh = elementwise(
    "tanh", [](auto x) { return simd::tanh(x); }, [](auto dy, auto y, auto) { return dy * (1 - y * y); });
inline constexpr auto relu = elementwise(
    "relu", [](auto x) { return simd::select(x <= 0, decltype(x)(0), x); },
    [](auto dy, auto, auto x) { return only_where(!(x <= 0), dy); });
inline constexpr auto leaky_relu = elementwise(
    "leaky_relu", [](auto x, auto slope) { return simd::select(x <= 0, slope * x, x); },
    [](auto dy, auto, auto x, auto slope) {
      return std::tuple(simd::select(x <= 0, dy * slope, dy), only_where(x <= 0, dy * x));
    });
inline constexpr auto elu = elementwise(
    "elu", [](auto x, auto alpha) { return simd::select(x <= 0, alpha * simd::expm1(x), x); },
    [](auto dy, auto, auto x, auto alpha) {
      return std::tuple(simd::select(x <= 0, dy * alpha * simd::exp(x), dy), only_where(x <= 0, dy * simd::expm1(x)));
    });
inline constexpr auto gelu = elementwise(
    "gelu", [](auto x) { return x * simd::normal_cdf(x); },
    [](auto dy, auto, auto x) { return dy * (simd::normal_cdf(x) + x * simd::normal_density(x)); });
inline constexpr auto softplus = elementwise(
    "softplus", [](auto x) { return simd::select(x <= 0, decltype(x)(0), x) + simd::log1p(simd::exp(-simd::abs(x))); },
    [](auto dy, auto, auto x) { return dy * simd::sigmoid(x); });

}  // namespace functions

/// e^x.
template <detail::Operands A>
auto exp(A&& x) {
  return functions::exp(std::forward<A>(x));
}
/// The natural logarithm; −∞ at 0, NaN below.
template <detail::Operands A>
auto log(A&& x) {
  return functions::log(std::forward<A>(x));
}
/// √x; NaN below 0.
template <detail::Operands A>
auto sqrt(A&& x) {
  return functions::sqrt(std::forward<A>(x));
}
/// x².
template <detail::Operands A>
auto square(A&& x) {
  return functions::square(std::forward<A>(x));
}
/// |x|; its derivative at 0 is 0.
template <detail::Operands A>
auto abs(A&& x) {
  return functions::abs(std::forward<A>(x));
}
/// sin x, x in radians.
template <detail::Operands A>
auto sin(A&& x) {
  return functions::sin(std::forward<A>(x));
}
/// cos x, x in radians.
template <detail::Operands A>
auto cos(A&& x) {
  return functions::cos(std::forward<A>(x));
}
/// x^p. A negative x has a power only for whole p, and then no derivative by p (NaN).
template <class X, class P>
requires detail::Operands<X, P>
auto pow(X&& x, P&& p) {
  return functions::pow(std::forward<X>(x), std::forward<P>(p));
}

/// The lesser of a and b, element by element. Where they are equal, a receives the gradient.
template <class A, class B>
requires detail::Operands<A, B>
auto minimum(A&& a, B&& b) {
  return functions::minimum(std::forward<A>(a), std::forward<B>(b));
}
/// The greater of a and b, element by element. Where they are equal, a receives the gradient. (max reduces.)
template <class A, class B>
requires detail::Operands<A, B>
auto maximum(A&& a, B&& b) {
  return functions::maximum(std::forward<A>(a), std::forward<B>(b));
}
/// x within low … high, that is min(max(x, low), high); beyond them, the bound receives the gradient.
template <class X, class Low, class High>
requires detail::Operands<X, Low, High>
auto clamp(X&& x, Low&& low, High&& high) {
  return functions::clamp(std::forward<X>(x), std::forward<Low>(low), std::forward<High>(high));
}

/// 1 where a < b, else 0. No gradient.
template <class A, class B>
requires detail::Operands<A, B>
auto operator<(A&& a, B&& b) {
  return functions::less(std::forward<A>(a), std::forward<B>(b));
}
/// 1 where a ≤ b, else 0. No gradient.
template <class A, class B>
requires detail::Operands<A, B>
auto operator<=(A&& a, B&& b) {
  return functions::less_equal(std::forward<A>(a), std::forward<B>(b));
}
/// 1 where a > b, else 0. No gradient.
template <class A, class B>
requires detail::Operands<A, B>
auto operator>(A&& a, B&& b) {
  return functions::greater(std::forward<A>(a), std::forward<B>(b));
}
/// 1 where a ≥ b, else 0. No gradient.
template <class A, class B>
requires detail::Operands<A, B>
auto operator>=(A&& a, B&& b) {
  return functions::greater_equal(std::forward<A>(a), std::forward<B>(b));
}
/// a where the condition is not 0, else b: `where(x > 0, a, b)`. The condition receives no gradient, and what is not chosen a
/// gradient of 0, of which a function whose derivative is infinite there still makes NaN.
template <class C, class A, class B>
requires detail::Operands<C, A, B>
auto where(C&& condition, A&& a, B&& b) {
  return functions::where(std::forward<C>(condition), std::forward<A>(a), std::forward<B>(b));
}

/// σ(x) = 1 / (1 + e^−x), the logistic function.
template <detail::Operands A>
auto sigmoid(A&& x) {
  return functions::sigmoid(std::forward<A>(x));
}
/// The hyperbolic tangent.
template <detail::Operands A>
auto tanh(A&& x) {
  return functions::tanh(std::forward<A>(x));
}
/// x above 0, else 0. Its derivative at 0 is 0.
template <detail::Operands A>
auto relu(A&& x) {
  return functions::relu(std::forward<A>(x));
}
/// x above 0, else slope · x (Maas et al. 2013); a slope that is learned is He et al.'s PReLU (2015, arXiv:1502.01852).
template <class A, class S>
requires detail::Operands<A, S>
auto leaky_relu(A&& x, S&& slope) {
  return functions::leaky_relu(std::forward<A>(x), std::forward<S>(slope));
}
template <detail::Operands A>
auto leaky_relu(A&& x) {
  return functions::leaky_relu(std::forward<A>(x), 0.01);
}
/// x above 0, else α (e^x − 1). Clevert et al. 2016, arXiv:1511.07289.
template <class A, class Alpha>
requires detail::Operands<A, Alpha>
auto elu(A&& x, Alpha&& alpha) {
  return functions::elu(std::forward<A>(x), std::forward<Alpha>(alpha));
}
template <detail::Operands A>
auto elu(A&& x) {
  return functions::elu(std::forward<A>(x), 1);
}
/// x Φ(x), with Φ the distribution function of the normal distribution: the exact form. Hendrycks & Gimpel 2016,
/// arXiv:1606.08415.
template <detail::Operands A>
auto gelu(A&& x) {
  return functions::gelu(std::forward<A>(x));
}
/// ln(1 + e^x), without overflow.
template <detail::Operands A>
auto softplus(A&& x) {
  return functions::softplus(std::forward<A>(x));
}

namespace detail {

/// Each statement of one of these functions, as CAROUSEL_ARITHMETIC.
#define CAROUSEL_ELEMENTWISE(DO, T)         \
  DO(T, exp, Var<T>)                        \
  DO(T, log, Var<T>)                        \
  DO(T, sqrt, Var<T>)                       \
  DO(T, square, Var<T>)                     \
  DO(T, abs, Var<T>)                        \
  DO(T, sin, Var<T>)                        \
  DO(T, cos, Var<T>)                        \
  DO(T, pow, Var<T>, Var<T>)                \
  DO(T, pow, Var<T>, Constant<T>)           \
  DO(T, minimum, Var<T>, Var<T>)            \
  DO(T, maximum, Var<T>, Var<T>)            \
  DO(T, where, Var<T>, Var<T>, Var<T>)      \
  DO(T, where, Var<T>, Var<T>, Constant<T>) \
  DO(T, sigmoid, Var<T>)                    \
  DO(T, tanh, Var<T>)                       \
  DO(T, relu, Var<T>)                       \
  DO(T, leaky_relu, Var<T>, Constant<T>)    \
  DO(T, elu, Var<T>, Constant<T>)           \
  DO(T, gelu, Var<T>)                       \
  DO(T, softplus, Var<T>)
CAROUSEL_ELEMENTWISE(CAROUSEL_EXTERN_STATEMENT, float)
CAROUSEL_ELEMENTWISE(CAROUSEL_EXTERN_STATEMENT, double)

}  // namespace detail

}  // namespace carousel
