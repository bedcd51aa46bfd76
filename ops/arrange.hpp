#pragma once
/// Values arranged anew: joined, reversed, repeated, picked. All of these copy.

#include <initializer_list>
#include <span>

#include <carousel/lib/tape/expression.hpp>

namespace carousel {

/// Values one after the other along an axis. Throws std::invalid_argument unless they have that axis and all others are the same.
Var<float> concat(std::span<const Var<float>> values, int axis = -1);
Var<double> concat(std::span<const Var<double>> values, int axis = -1);
inline Var<float> concat(std::initializer_list<Var<float>> values, int axis = -1) {
  return concat(std::span(values.begin(), values.size()), axis);
}
inline Var<double> concat(std::initializer_list<Var<double>> values, int axis = -1) {
  return concat(std::span(values.begin(), values.size()), axis);
}

/// The elements of an axis in reverse order. Throws std::invalid_argument for an axis that x has not.
Var<float> flip(Var<float> x, int axis);
Var<double> flip(Var<double> x, int axis);

/// Repeated along axes of one element, and along new ones in front, up to a shape; throws std::invalid_argument when that is not
/// what x broadcasts to. Arithmetic does so by itself.
Var<float> broadcast_to(Var<float> x, Shape shape);
Var<double> broadcast_to(Var<double> x, Shape shape);

/// The elements of an axis that the indices name, in their order, any of them many times; throws std::invalid_argument for one
/// outside it. The gradient of an element is the sum over its places.
Var<float> gather(Var<float> x, int axis, std::span<const Index> indices);
Var<double> gather(Var<double> x, int axis, std::span<const Index> indices);
inline Var<float> gather(Var<float> x, int axis, std::initializer_list<Index> indices) {
  return gather(x, axis, std::span(indices.begin(), indices.size()));
}
inline Var<double> gather(Var<double> x, int axis, std::initializer_list<Index> indices) {
  return gather(x, axis, std::span(indices.begin(), indices.size()));
}

}  // namespace carousel
