#pragma once
/// Sums and their relatives, over all elements or along one axis. Along an axis it stays with extent 1, so that the result
/// broadcasts against the operand ([2, 3] along axis 1: [2, 1]); a negative axis counts from the last. An axis that x has not
/// throws std::invalid_argument. Over all elements the result is a scalar, [].

#include <carousel/lib/tape/expression.hpp>

namespace carousel {

/// Σ x over all elements, or along an axis; added in double, in an order that depends on the shape alone.
Var<float> sum(Var<float> x);
Var<double> sum(Var<double> x);
Var<float> sum(Var<float> x, int axis);
Var<double> sum(Var<double> x, int axis);

/// The mean of all elements, or along an axis; throws std::invalid_argument if there are none.
Var<float> mean(Var<float> x);
Var<double> mean(Var<double> x);
Var<float> mean(Var<float> x, int axis);
Var<double> mean(Var<double> x, int axis);

/// An axis where a number might be meant as a value.
struct Axis {
  int at;
};

/// The largest of all elements, or along an axis: `max(x, Axis{0})`, as `max(x, 0)` is read as a rectifier. A NaN counts as the
/// largest. The first of the largest receives the gradient. Throws std::invalid_argument if there are none.
Var<float> max(Var<float> x);
Var<double> max(Var<double> x);
Var<float> max(Var<float> x, Axis axis);
Var<double> max(Var<double> x, Axis axis);

inline namespace refused {

/// In one sentence.
template <class A, class B>
requires detail::Operands<A, B>
auto max(A&&, B&&) {
  static_assert(!detail::Operands<A, B>, "max of two, element by element, is maximum(a, b); along an axis it is max(x, Axis{0})");
  return Var<detail::scalar_of_t<A, B>>();
}

}  // namespace refused

}  // namespace carousel
