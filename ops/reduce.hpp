#pragma once
/// Sums and their relatives, over all elements or along one axis. Along an axis it stays with extent 1, so that the result
/// broadcasts against the operand ([2, 3] along axis 1: [2, 1]); a negative axis counts from the last. An axis that x has not
/// throws std::invalid_argument. Over all elements the result is a scalar, [].

#include <concepts>

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

/// The largest of all elements, or along an axis; a NaN counts as the largest. The first of the largest receives the gradient.
/// Throws std::invalid_argument if there are none.
Var<float> max(Var<float> x);
Var<double> max(Var<double> x);
Var<float> max(Var<float> x, int axis);
Var<double> max(Var<double> x, int axis);
/// Element by element, with a number: that is maximum(x, number).
void max(Var<float> x, std::floating_point auto number) = delete;
void max(Var<double> x, std::floating_point auto number) = delete;

}  // namespace carousel
