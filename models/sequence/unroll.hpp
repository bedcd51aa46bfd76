#pragma once
/// The unrolling of a cell over a sequence, compiled once for all cells: scan.hpp hands it a cell without its type.

#include <optional>
#include <span>

#include <carousel/models/sequence/state.hpp>

namespace carousel {

/// How scan runs.
struct ScanOptions {
  /// Steps of each example, [batch], from its start; empty: all. Beyond its length an example is not read, NaN neither, keeps its
  /// state, and its output is 0.
  std::span<const Index> lengths = {};
  /// From the last step to the first. A shorter example starts at its own last step.
  bool reverse = false;
  /// For dropout between layers and zoneout: the seed of the run, the number of this training step, the first example if a batch
  /// is divided, the first time if a sequence is; none: no noise, the model is in use.
  std::optional<DropoutKey> key = {};
};

namespace detail {

/// The key of the step at t of a sequence.
inline std::optional<DropoutKey> key_at(std::optional<DropoutKey> key, Index t) {
  if (key) key->first_time += t;
  return key;
}

/// A cell with its state, whatever their types.
template <class T>
struct ErasedCell {
  const void* cell;
  void* state;
  /// Replaces the state by the next one; returns its members.
  Members<T> (*step)(const void* cell, void* state, Var<T> x, const std::optional<DropoutKey>& key);
  void (*watch)(void* state);
  Members<T> members;  // of the state before the first step
};

/// The outputs of all steps; the cell's state becomes the one after the last. Throws std::invalid_argument for an empty sequence,
/// lengths that do not fit, or a cell that changes the shapes of its state.
///   xs: [time, batch, ...];  result: [time, batch, ...]
template <class T>
Var<T> unroll(ErasedCell<T> cell, Var<T> xs, ScanOptions options);

extern template Var<float> unroll(ErasedCell<float>, Var<float>, ScanOptions);
extern template Var<double> unroll(ErasedCell<double>, Var<double>, ScanOptions);

}  // namespace detail

}  // namespace carousel
