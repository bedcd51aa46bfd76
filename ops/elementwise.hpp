#pragma once
/// Elementwise functions, each one line for the value and one for the derivative. They take Vars, parameters, numbers and
/// expressions, broadcast like NumPy, and fuse into the statement in which they stand.

#include <numbers>

#include <carousel/lib/expression.hpp>
#include <carousel/lib/math.hpp>

namespace carousel {

namespace functions {

template <class L>
using ScalarOfLane = typename L::value_type;

inline constexpr auto exp = elementwise(
    "exp", [](auto x) { return simd::exp(x); }, [](auto dy, auto y, auto) { return dy * y; });
inline constexpr auto log = elementwise(
    "log", [](auto x) { return xsimd::log(x); }, [](auto dy, auto, auto x) { return dy / x; });
inline constexpr auto sqrt = elementwise(
    "sqrt", [](auto x) { return xsimd::sqrt(x); }, [](auto dy, auto y, auto) { return dy / (y + y); });
inline constexpr auto square = elementwise(
    "square", [](auto x) { return x * x; }, [](auto dy, auto, auto x) { return dy * (x + x); });
inline constexpr auto abs = elementwise(
    "abs", [](auto x) { return xsimd::abs(x); }, [](auto dy, auto, auto x) { return dy * xsimd::sign(x); });
inline constexpr auto sin = elementwise(
    "sin", [](auto x) { return xsimd::sin(x); }, [](auto dy, auto, auto x) { return dy * xsimd::cos(x); });
inline constexpr auto cos = elementwise(
    "cos", [](auto x) { return xsimd::cos(x); }, [](auto dy, auto, auto x) { return -(dy * xsimd::sin(x)); });
inline constexpr auto sigmoid = elementwise(
    "sigmoid", [](auto x) { return simd::sigmoid(x); }, [](auto dy, auto y, auto) { return dy * y * (1 - y); });
inline constexpr auto tanh = elementwise(
    "tanh", [](auto x) { return simd::tanh(x); }, [](auto dy, auto y, auto) { return dy * (1 - y * y); });
inline constexpr auto where = elementwise(
    "where", [](auto condition, auto a, auto b) { return xsimd::select(condition != 0, a, b); },
    [](auto dy, auto, auto condition, auto, auto) {
      const decltype(dy) zero(0);
      return std::tuple(zero, xsimd::select(condition != 0, dy, zero), xsimd::select(condition != 0, zero, dy));
    });

}  // namespace functions

/// e^x.
template <class A>
  requires detail::Operands<A> || detail::NamedOperands<A>
auto exp(A&& x) {
  return functions::exp(std::forward<A>(x));
}
/// The natural logarithm; −∞ at 0, NaN below.
template <class A>
  requires detail::Operands<A> || detail::NamedOperands<A>
auto log(A&& x) {
  return functions::log(std::forward<A>(x));
}
/// √x; NaN below 0.
template <class A>
  requires detail::Operands<A> || detail::NamedOperands<A>
auto sqrt(A&& x) {
  return functions::sqrt(std::forward<A>(x));
}
/// x².
template <class A>
  requires detail::Operands<A> || detail::NamedOperands<A>
auto square(A&& x) {
  return functions::square(std::forward<A>(x));
}
/// |x|; its derivative at 0 is 0.
template <class A>
  requires detail::Operands<A> || detail::NamedOperands<A>
auto abs(A&& x) {
  return functions::abs(std::forward<A>(x));
}
/// sin x, x in radians.
template <class A>
  requires detail::Operands<A> || detail::NamedOperands<A>
auto sin(A&& x) {
  return functions::sin(std::forward<A>(x));
}
/// cos x, x in radians.
template <class A>
  requires detail::Operands<A> || detail::NamedOperands<A>
auto cos(A&& x) {
  return functions::cos(std::forward<A>(x));
}
/// σ(x) = 1 / (1 + e^−x), the logistic function.
template <class A>
  requires detail::Operands<A> || detail::NamedOperands<A>
auto sigmoid(A&& x) {
  return functions::sigmoid(std::forward<A>(x));
}
/// The hyperbolic tangent.
template <class A>
  requires detail::Operands<A> || detail::NamedOperands<A>
auto tanh(A&& x) {
  return functions::tanh(std::forward<A>(x));
}
/// a where the condition is not 0, else b. The condition receives no gradient, and what is not chosen a gradient of 0.
template <class C, class A, class B>
  requires detail::Operands<C, A, B> || detail::NamedOperands<C, A, B>
auto where(C&& condition, A&& a, B&& b) {
  return functions::where(std::forward<C>(condition), std::forward<A>(a), std::forward<B>(b));
}

}  // namespace carousel
