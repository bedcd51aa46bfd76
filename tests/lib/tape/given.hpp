#pragma once
/// Parameters and gradients of given numbers.

#include <initializer_list>
#include <string>

#include <carousel/lib/tape/parameter.hpp>

namespace carousel::test {

/// A parameter of one axis.
template <class T>
Parameter<T>& make(Registry<T>& registry, const std::string& path, std::initializer_list<T> values) {
  const Shape shape{static_cast<Index>(values.size())};
  return registry.parameter(path, shape, [&] { return tensor<T>(shape, values); });
}

/// As if backward() had left it there.
template <class T>
void give_gradient(Parameter<T>& parameter, std::initializer_list<T> values) {
  parameter.gradient = tensor<T>(parameter.shape(), values);
  parameter.has_gradient = true;
}

}  // namespace carousel::test
