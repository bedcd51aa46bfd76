#pragma once
/// Optimisers by name.

#include <memory>
#include <string>
#include <vector>

#include <carousel/lib/training/optimizer.hpp>

namespace carousel {

/// The optimisers that --optimizer may name.
const std::vector<std::string>& optimizer_names();

/// Makes the optimiser of that name, its other options as they are by default. Throws std::invalid_argument for another name.
template <class T>
std::unique_ptr<Optimizer<T>> make_optimizer(const std::string& name, Registry<T>& registry, double rate);

extern template std::unique_ptr<Optimizer<float>> make_optimizer(const std::string&, Registry<float>&, double);
extern template std::unique_ptr<Optimizer<double>> make_optimizer(const std::string&, Registry<double>&, double);

}  // namespace carousel
