#pragma once
/// Noise in training that a step, an element and a key decide, and nothing else (see RandomStep).

#include <carousel/models/state.hpp>
#include <carousel/ops/elementwise.hpp>

namespace carousel::detail {

/// `value` with the probability p, else 0, for each element of each example; a constant.
///   shape: [batch, ...], or [time, batch, ...] with `with_time`, where random.time is that of the first step
template <class T>
Var<T> random_mask(const Shape& shape, bool with_time, double p, T value, const RandomStep& random) {
  Tape<T>& tape = Tape<T>::active();
  const Var<T> mask = tape.constant(shape);
  T* to = tape.data(mask);
  const Index steps = with_time ? shape[0] : 1, batch = shape[with_time ? 1 : 0];
  const Index size = steps == 0 || batch == 0 ? 0 : shape.size() / (steps * batch);
  const double limit = p * 0x1p32;
  for (Index t = 0; t < steps; ++t) {
    const std::uint64_t step = mix(*random.key, static_cast<std::uint64_t>(random.time + t));
    for (Index b = 0; b < batch; ++b) {
      const std::uint64_t example = mix(step, static_cast<std::uint64_t>(random.example + b));
      for (Index j = 0; j < size; ++j) *to++ = random_bits(example, static_cast<std::uint64_t>(j)) < limit ? value : T(0);
    }
  }
  return mask;
}

/// Dropout, of the elements at one step or of a sequence of steps; nothing without a key. Elements that stay grow by 1 / (1 −
/// rate). Srivastava et al. 2014, "Dropout: A Simple Way to Prevent Neural Networks from Overfitting".
template <class T>
Var<T> dropped(Var<T> x, bool with_time, double rate, const RandomStep& random) {
  if (!random.key || rate == 0) return x;
  return x * random_mask<T>(x.shape(), with_time, 1 - rate, static_cast<T>(1 / (1 - rate)), random);
}

}  // namespace carousel::detail
