#pragma once
/// Sums and their relatives, over all elements or along one axis.

#include <carousel/lib/expression.hpp>

namespace carousel {

/// Σ x over all elements. Result: [] of one number, summed in double.
Var<float> sum(Var<float> x);
Var<double> sum(Var<double> x);

/// Σ x along an axis, which stays with extent 1; a negative axis counts from the last.
Var<float> sum(Var<float> x, int axis);
Var<double> sum(Var<double> x, int axis);

/// The mean of all elements; throws std::invalid_argument if there are none.
Var<float> mean(Var<float> x);
Var<double> mean(Var<double> x);

/// The mean along an axis, which stays with extent 1.
Var<float> mean(Var<float> x, int axis);
Var<double> mean(Var<double> x, int axis);

}  // namespace carousel
