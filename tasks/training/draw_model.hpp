#pragma once
/// `--graph`: the model of a training as a drawing.

#include <carousel/tasks/training/training.hpp>

namespace carousel {

/// Draws the model, as the loss of the first batch shows it, to where the options say, with its cell beside it; returns the exit
/// code.
template <class T>
int draw_model(const TrainOptions& options, const TrainPlan<T>& plan);

extern template int draw_model(const TrainOptions&, const TrainPlan<float>&);
extern template int draw_model(const TrainOptions&, const TrainPlan<double>&);

}  // namespace carousel
