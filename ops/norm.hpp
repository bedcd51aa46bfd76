#pragma once
/// Normalisation.

#include <carousel/lib/tape/expression.hpp>

namespace carousel {

/// Layer normalisation over the last axis. Ba, Kiros, Hinton 2016, arXiv:1607.06450, eq. (3) and (4).
///   y = gain∘(x − μ) / √(σ² + ε) + bias,  μ and σ² the mean and the variance of a row of x
///   x: [..., n]
///   gain, bias: [n]
///   epsilon: ε, not negative
///   result: [..., n]
/// Throws std::invalid_argument for shapes that do not fit, and a negative ε.
Var<float> layer_norm(Var<float> x, Var<float> gain, Var<float> bias, float epsilon = 1e-5F);
Var<double> layer_norm(Var<double> x, Var<double> gain, Var<double> bias, double epsilon = 1e-5);

}  // namespace carousel
