#pragma once
/// Checkpoints: parameters, and what a training needs to go on, in one safetensors file.
///
///     save(registry, "model.safetensors", {.metadata = {{"cell", "lstm"}}});
///     load(registry, "model.safetensors");
///
/// Parameters lie under their paths. A name with a colon is something else: "optimizer:v/lstm/wx", "fit:epoch", or what the
/// program adds. Saving replaces a file whole or not at all; loading checks all names, dtypes and shapes before it changes
/// anything.

#include <functional>
#include <string>

#include <carousel/lib/files/safetensors.hpp>
#include <carousel/lib/tape/parameter.hpp>
#include <carousel/lib/training/optimizer.hpp>

namespace carousel {

/// Writes the parameters, and what `extra` holds besides. Throws std::invalid_argument when the name of an extra tensor has no
/// colon or begins with "optimizer:", std::runtime_error when the file cannot be written.
template <class T>
void save(const Registry<T>& registry, const std::string& path, const Safetensors& extra = {});

/// Writes the parameters, and with them what their optimiser remembers.
template <class T>
void save(const Optimizer<T>& optimizer, const std::string& path, const Safetensors& extra = {});

/// What load() takes from a file.
struct LoadOptions {
  /// Only the parameters at or below this path; the model's others stay, the file's others are passed over.
  std::string prefix = {};
  /// Parameters with a NaN or an infinity in them too: such a net computes nothing, so that it is asked for where it is wanted.
  bool nonfinite = false;
};

/// Sets every parameter to the file's tensor of that name, rounded to T where the file has another type of numbers, and returns
/// all that the file holds. Throws std::runtime_error if the file is bad, lacks a parameter, has one that the model lacks, has
/// another shape or type: `load: file has cell/wx [64, 128], the model wants [64, 256] (PATH)`, or a number that is not finite,
/// or not finite as a T. Then nothing has changed.
template <class T>
Safetensors load(Registry<T>& registry, const std::string& path, const LoadOptions& options = {});

/// As above, from what was read already; `path` is its name in errors.
template <class T>
void load(Registry<T>& registry, const Safetensors& file, const std::string& path, const LoadOptions& options = {});

/// Sets the parameters and what their optimiser remembers, so that training goes on bit for bit. The optimiser must be of the
/// same kind, and its options are its own: they are not in the file.
template <class T>
Safetensors load(Optimizer<T>& optimizer, const std::string& path);
template <class T>
void load(Optimizer<T>& optimizer, const Safetensors& file, const std::string& path);

namespace detail {
/// Checks a file for load(); the function that is returned assigns, and throws nothing.
template <class T>
std::function<void()> take(Optimizer<T>& optimizer, const Safetensors& file, const std::string& path);

/// The tensor of that name and shape, else std::runtime_error.
template <class T>
Tensor<T> tensor_of(const Safetensors& file, const std::string& name, const Shape& shape, const std::string& path);
}  // namespace detail

}  // namespace carousel
