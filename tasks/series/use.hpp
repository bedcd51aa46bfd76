#pragma once
/// What is done with a trained net of the task series.

#include <carousel/tasks/base/task.hpp>

namespace carousel {

int eval_series(const EvalOptions& options);
int sample_series(const SampleOptions& options);
int predict_series(const PredictOptions& options);

}  // namespace carousel
