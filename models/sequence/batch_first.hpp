#pragma once
/// Sequences stored example by example, [batch, time, ...], as many data sets and the seed of this library have them. Everything
/// else here is [time, batch, ...], where the steps of a loop lie side by side.

#include <carousel/lib/tape/tape.hpp>

namespace carousel {

/// From [batch, time, ...] to [time, batch, ...]. Throws std::invalid_argument for less than two axes.
template <class T>
Tensor<T> time_first(const Tensor<T>& sequences);
/// The same on the tape: gradients go back through it.
Var<float> time_first(Var<float> sequences);
Var<double> time_first(Var<double> sequences);

/// From [time, batch, ...] to [batch, time, ...]. Throws std::invalid_argument for less than two axes.
template <class T>
Tensor<T> batch_first(const Tensor<T>& steps);
/// The same on the tape: gradients go back through it.
Var<float> batch_first(Var<float> steps);
Var<double> batch_first(Var<double> steps);

extern template Tensor<float> time_first(const Tensor<float>&);
extern template Tensor<double> time_first(const Tensor<double>&);
extern template Tensor<float> batch_first(const Tensor<float>&);
extern template Tensor<double> batch_first(const Tensor<double>&);

}  // namespace carousel
