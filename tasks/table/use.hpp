#pragma once
/// What is done with a trained net of the task table.

#include <carousel/tasks/base/task.hpp>

namespace carousel {

int eval_table(const EvalOptions& options);
int predict_table(const PredictOptions& options);

}  // namespace carousel
