#pragma once
/// Exponentials that are normalised: along an axis, or over all elements, less their largest, so that nothing overflows. softmax
/// and log_softmax have the shape of x. A negative axis counts from the last; one that x has not throws std::invalid_argument.

#include <carousel/lib/tape/expression.hpp>

namespace carousel {

/// e^x / Σ e^x along an axis: positive, with sum 1. Where x is −∞ it is 0; where all of them are, NaN.
Var<float> softmax(Var<float> x, int axis = -1);
Var<double> softmax(Var<double> x, int axis = -1);

/// ln softmax(x) = x − ln Σ e^x along an axis, finite where softmax would be 0.
Var<float> log_softmax(Var<float> x, int axis = -1);
Var<double> log_softmax(Var<double> x, int axis = -1);

/// ln Σ e^x over all elements, or along an axis, which stays with extent 1; −∞ where all are −∞, or there are none.
Var<float> logsumexp(Var<float> x);
Var<double> logsumexp(Var<double> x);
Var<float> logsumexp(Var<float> x, int axis);
Var<double> logsumexp(Var<double> x, int axis);

}  // namespace carousel
