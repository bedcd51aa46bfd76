#pragma once
/// carousel's part of the benchmark, by its public headers, as a user would write it.

#include <carousel/lib/tape/parameter.hpp>

#include "../job.hpp"

namespace bench {

/// Training steps of the cells: "train-lstm", "train-gru", …
void add_training(Jobs& jobs, int threads);
/// A step and a sequence without gradients.
void add_inference(Jobs& jobs);
/// Nodes of small arrays.
void add_tape(Jobs& jobs);
/// The tasks text and mnist.
void add_tasks(Jobs& jobs, int threads);
/// The two statements of an LSTM without its products; and the same by hand.
void add_statements(Jobs& jobs);
void add_handwritten(Jobs& jobs);

/// Gives all parameters the numbers that all implementations start from.
inline void fill(carousel::Registry<float>& registry, float scale) {
  unsigned array = 0;
  for (carousel::Parameter<float>& parameter : registry) fill(parameter.change().data(), parameter.value.size(), array++, scale);
}

}  // namespace bench
