#pragma once
/// Optimisers and schedules by name.

#include <memory>
#include <string>
#include <vector>

#include <carousel/lib/training/optimizer.hpp>
#include <carousel/lib/training/schedule.hpp>
#include <carousel/tasks/base/options.hpp>

namespace carousel {

/// The optimisers that --optimizer may name.
const std::vector<std::string>& optimizer_names();

/// Makes the optimiser of that name, its other options as they are by default. Throws std::invalid_argument for another name.
template <class T>
std::unique_ptr<Optimizer<T>> make_optimizer(const std::string& name, Registry<T>& registry, double rate);

/// The schedule of the rate, step by step, that the options name, with its warm-up.
///   steps: of the whole training
Schedule make_schedule(const TrainOptions& options, Index steps);

extern template std::unique_ptr<Optimizer<float>> make_optimizer(const std::string&, Registry<float>&, double);
extern template std::unique_ptr<Optimizer<double>> make_optimizer(const std::string&, Registry<double>&, double);

}  // namespace carousel
