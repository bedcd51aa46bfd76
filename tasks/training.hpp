#pragma once
/// What trainings share: optimisers by name, where things are saved, how a training ends.

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <carousel/lib/fit.hpp>
#include <carousel/lib/optimizer.hpp>
#include <carousel/tasks/options.hpp>

namespace carousel {

/// The optimisers that --optimizer may name.
const std::vector<std::string>& optimizer_names();

/// Makes the optimiser of that name, its other options as they are by default. Throws std::invalid_argument for another name.
template <class T>
std::unique_ptr<Optimizer<T>> make_optimizer(const std::string& name, Registry<T>& registry, double rate);

/// What a checkpoint says of its training: the task, and the options of TrainOptions that a resumed training must have too.
Metadata metadata_of(std::string_view task, const TrainOptions& options);
/// Those that a model depends on. Throws std::runtime_error, with the file's name, for a file without them, or with numbers that
/// can not be.
TrainOptions saved_options(const Safetensors& checkpoint, const std::string& file);

/// A folder for a training without --out: runs/TASK-DATE-TIME of this moment.
std::string new_run_folder(std::string_view task);

/// The options of fit() that the command line decides: epochs, seed, threads, Ctrl-C, and with --out, whose folder is made, the
/// files best.safetensors and last.safetensors. Throws std::runtime_error if that folder can not be made, or holds such files
/// already without --resume.
FitOptions fit_options(const TrainOptions& options, const Metadata& metadata);

/// The state that fit() starts from: a fresh one, or with --resume that of last.safetensors in --out, whose parameters and
/// optimiser come with it; `restore` gets the file too, as in resume().
template <class T>
FitState start_state(Optimizer<T>& optimizer, const TrainOptions& options,
                     const std::function<void(const Safetensors&)>& restore = {});

/// Says on standard error what there is to say about the end of a training, and returns the exit code.
int report_end(const FitResult& result, const TrainOptions& options);

extern template FitState start_state(Optimizer<float>&, const TrainOptions&, const std::function<void(const Safetensors&)>&);
extern template FitState start_state(Optimizer<double>&, const TrainOptions&, const std::function<void(const Safetensors&)>&);
extern template std::unique_ptr<Optimizer<float>> make_optimizer(const std::string&, Registry<float>&, double);
extern template std::unique_ptr<Optimizer<double>> make_optimizer(const std::string&, Registry<double>&, double);

}  // namespace carousel
