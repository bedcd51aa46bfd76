#pragma once
/// Clipping: bounds of gradients, between backward() and an optimiser's step().

#include <carousel/lib/tape/parameter.hpp>

namespace carousel {

/// √Σg² over all gradients that have arrived and are of parameters that are not frozen, summed in double.
template <class T>
double gradient_norm(const Registry<T>& registry);

/// Scales all gradients so that their norm together is at most `max_norm`; returns the norm before. One that is not finite is
/// returned too, and nothing is scaled then. Throws std::invalid_argument unless max_norm > 0.
/// Pascanu, Mikolov, Bengio 2013, "On the difficulty of training recurrent neural networks", algorithm 1.
template <class T>
double clip_by_norm(Registry<T>& registry, double max_norm);

/// Brings every element of all gradients into [−limit, limit]; NaN stays. Throws std::invalid_argument unless limit > 0.
template <class T>
void clip_by_value(Registry<T>& registry, double limit);

}  // namespace carousel
