#pragma once
/// Lazy elementwise expressions: written as formulas, recorded as one node each.
///
/// Arithmetic on Vars builds a typed tree and computes nothing. Giving the result a name, `Var<T> y = a * tanh(b) + c;`, runs one
/// SIMD loop over memory and records one node. Its backward pass is one loop too: per register it evaluates the tree again, and
/// sends the adjoint down the tree, which the compiler has unrolled. No value of the tree but the named one is ever stored.
///
/// A fused statement gives the same bits as one statement per operation, values and gradients: a register goes through the same
/// instructions in the same order either way. One case would not, a part of the tree that is smaller than the whole, like
/// `sigmoid(bias) * x`; such a statement is recorded one operation at a time, which is also less work.

#include <tuple>
#include <utility>

#include <carousel/lib/numbers/simd.hpp>
#include <carousel/lib/tape/parameter.hpp>
#include <carousel/lib/tape/tape.hpp>

namespace carousel {

namespace detail {

struct AnyExpression {};

template <class T>
struct Constant {
  T value;
};

/// A function object applied to Vars, Constants and Expressions.
template <class T, class Op, class... Args>
struct Expression : AnyExpression {
  using Scalar = T;
  [[no_unique_address]] Op op;
  std::tuple<Args...> args;

  Expression(Op o, Args... a) : op(o), args(a...) {}
};

template <class A>
struct ScalarOf;
template <class T>
struct ScalarOf<Var<T>> {
  using type = T;
};
template <class T>
struct ScalarOf<Param<T>> {
  using type = T;
};
template <class T, class Op, class... Args>
struct ScalarOf<Expression<T, Op, Args...>> {
  using type = T;
};

template <class A>
concept Number = std::is_arithmetic_v<std::remove_cvref_t<A>>;
template <class A>
concept Differentiable = requires {
  typename ScalarOf<std::remove_cvref_t<A>>::type;
};
/// What may stand in an expression, and at least one operand that makes it one.
template <class... A>
concept Operands = ((Number<A> || Differentiable<A>)&&...) && (Differentiable<A> || ...);

template <class A, class... More>
auto scalar_of() {
  if constexpr (Differentiable<A>)
    return typename ScalarOf<std::remove_cvref_t<A>>::type{};
  else
    return scalar_of<More...>();
}
template <class... A>
using scalar_of_t = decltype(scalar_of<A...>());

/// Whether an expression has a name, and could be used, and so computed, more than once.
template <class A>
constexpr bool is_named_expression() {
  return std::is_lvalue_reference_v<A> && std::derived_from<std::remove_cvref_t<A>, AnyExpression>;
}

template <class T, class A>
constexpr bool is_of_scalar() {
  if constexpr (Differentiable<A>) return std::is_same_v<scalar_of_t<A>, T>;
  return true;
}

template <class T>
Var<T> operand(Var<T> v) {
  return v;
}
template <class T>
Var<T> operand(const Param<T>& p) {
  return p;
}
template <class T, Number A>
Constant<T> operand(A number) {
  return {static_cast<T>(number)};
}
template <class T, class Op, class... Args>
Expression<T, Op, Args...> operand(const Expression<T, Op, Args...>& e) {
  return e;
}

template <class T, class Op, class... A>
auto make_expression(Op op, const A&... a) {
  return Expression<T, Op, decltype(operand<T>(a))...>(op, operand<T>(a)...);
}

}  // namespace detail

/// An elementwise function: its value, and the product of its derivative with the gradient that arrives, written for a SIMD
/// register of any width (see elementwise).
template <class Value, class Gradient>
struct Function {
  const char* name;
  [[no_unique_address]] Value value;
  [[no_unique_address]] Gradient gradient;

  template <class... A>
  requires detail::Operands<A...>
  auto operator()(A&&... a) const {
    using T = detail::scalar_of_t<A...>;
    static_assert(!(detail::is_named_expression<A>() || ...),
                  "an expression held by auto would be computed again at each use: name it Var<T>");
    static_assert((detail::is_of_scalar<T, A>() && ...), "float and double do not mix in one expression");
    return detail::make_expression<T>(*this, a...);
  }
  /// The value of registers, so that one function may be written by another.
  template <class... A>
  requires(!detail::Operands<A...> && (!detail::Number<A> || ...)) auto operator()(const A&... a) const { return value(a...); }
};

/// The name of a function, known when it is compiled: a tape shows it, however long that lives.
struct Name {
  const char* text;
  consteval Name(const char* literal) : text(literal) {}
};

/// Makes an elementwise function of one line for the value and one for the derivative:
///
///     inline constexpr auto softsign = elementwise("softsign",
///         [](auto x) { return x / (1 + abs(x)); },
///         [](auto dy, auto y, auto x) { return dy / ((1 + abs(x)) * (1 + abs(x))); });
///
/// `value(x…)` takes one register per operand; `gradient(dy, y, x…)`, with y the value, gives ∂L/∂x, or with several operands a
/// std::tuple of one register each.
template <class Value, class Gradient>
constexpr Function<Value, Gradient> elementwise(Name name, Value value, Gradient gradient) {
  return {name.text, value, gradient};
}

namespace functions {
inline constexpr auto add = elementwise(
    "add", [](auto a, auto b) { return a + b; }, [](auto dy, auto, auto, auto) { return std::tuple(dy, dy); });
inline constexpr auto subtract = elementwise(
    "subtract", [](auto a, auto b) { return a - b; }, [](auto dy, auto, auto, auto) { return std::tuple(dy, -dy); });
inline constexpr auto multiply = elementwise(
    "multiply", [](auto a, auto b) { return a * b; }, [](auto dy, auto, auto a, auto b) { return std::tuple(dy * b, dy * a); });
inline constexpr auto divide = elementwise(
    "divide", [](auto a, auto b) { return a / b; },
    [](auto dy, auto y, auto, auto b) { return std::tuple(dy / b, -(dy * y / b)); });
inline constexpr auto negate = elementwise(
    "negate", [](auto a) { return -a; }, [](auto dy, auto, auto) { return -dy; });
}  // namespace functions

/// a + b, element by element.
template <class A, class B>
requires detail::Operands<A, B>
auto operator+(A&& a, B&& b) {
  return functions::add(std::forward<A>(a), std::forward<B>(b));
}
/// a − b, element by element.
template <class A, class B>
requires detail::Operands<A, B>
auto operator-(A&& a, B&& b) {
  return functions::subtract(std::forward<A>(a), std::forward<B>(b));
}
/// a · b, element by element; matmul multiplies matrices.
template <class A, class B>
requires detail::Operands<A, B>
auto operator*(A&& a, B&& b) {
  return functions::multiply(std::forward<A>(a), std::forward<B>(b));
}
/// a / b, element by element.
template <class A, class B>
requires detail::Operands<A, B>
auto operator/(A&& a, B&& b) {
  return functions::divide(std::forward<A>(a), std::forward<B>(b));
}
/// −a.
template <detail::Operands A>
auto operator-(A&& a) {
  return functions::negate(std::forward<A>(a));
}

}  // namespace carousel

#include <carousel/lib/tape/statement.hpp>
