#pragma once
/// Random masks that a key decides, not the order of calls: dropout, and masks for zoneout.

#include <carousel/lib/tape/expression.hpp>

namespace carousel {

/// What the mask of an element is made from, beside its place in its example. So the backward pass sees the mask of the forward
/// pass, the parts of a divided batch get the masks of the whole, and a step alone that of its place in the sequence.
struct DropoutKey {
  std::uint64_t seed = 0;   ///< of the run
  std::uint64_t step = 0;   ///< of training: another mask each time
  std::uint64_t place = 0;  ///< in the model: another mask for each dropout
  Index first_time = 0;     ///< number of the value's first time step in its sequence
  Index first_example = 0;  ///< number of the value's first example in its batch
  int batch_axis = 0;       ///< 0 for [batch, ...], 1 for [time, batch, ...]
};

/// Sets elements to zero, each with the probability `rate`, and lets the others grow by 1 / (1 − rate), so that the expectation
/// stays. Srivastava, Hinton, Krizhevsky, Sutskever, Salakhutdinov 2014, "Dropout: A Simple Way to Prevent Neural Networks from
/// Overfitting", in its inverted form (section 10). With a rate of 0 the result is x itself.
///   x: [batch, ...] or [time, batch, ...]
/// Throws std::invalid_argument for a rate outside [0, 1), or an x without the batch axis.
Var<float> dropout(Var<float> x, double rate, const DropoutKey& key);
Var<double> dropout(Var<double> x, double rate, const DropoutKey& key);

/// A constant: 1 with the probability `rate`, else 0; exactly where dropout with that rate and key sets zeros. Throws
/// std::invalid_argument for a rate outside [0, 1], or a shape without the batch axis.
template <class T>
Var<T> random_mask(const Shape& shape, double rate, const DropoutKey& key);
extern template Var<float> random_mask(const Shape&, double, const DropoutKey&);
extern template Var<double> random_mask(const Shape&, double, const DropoutKey&);

}  // namespace carousel
