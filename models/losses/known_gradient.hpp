#pragma once
/// For losses whose gradient is known when their value is.

#include <carousel/lib/tape/tape.hpp>

namespace carousel::detail {

/// Closure of a node with one number as value: ∂loss/∂x for a gradient of 1, as many elements as x has.
template <class T>
struct KnownGradient {
  std::uint32_t x;
  const T* gradient;
};

template <class T>
void known_gradient_backward(Tape<T>& tape, std::uint32_t self, const void* closure) {
  const auto& [x, gradient] = *static_cast<const KnownGradient<T>*>(closure);
  const bool add = tape.claim(x);
  const T dy = *tape.gradient_buffer(self);
  T* dx = tape.gradient_buffer(x);
  const Index size = tape.node(x).shape.size();
  if (add)
    for (Index i = 0; i < size; ++i) dx[i] += dy * gradient[i];
  else
    for (Index i = 0; i < size; ++i) dx[i] = dy * gradient[i];
}

}  // namespace carousel::detail
