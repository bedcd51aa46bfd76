#pragma once
/// A look into a net that is being trained.

#include <carousel/tasks/nets/diagnosis.hpp>
#include <carousel/tasks/training/training.hpp>

namespace carousel {

/// Runs a sample forward and backward, on a tape of its own, and looks at gates, states and the gradients of h. Parameters and
/// their gradients stay as they are.
template <class T>
Inside look_inside(const Sample<T>& sample);

extern template Inside look_inside(const Sample<float>&);
extern template Inside look_inside(const Sample<double>&);

}  // namespace carousel
