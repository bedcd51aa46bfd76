#pragma once
/// The net of the text task: recurrent layers over one-hot characters, and a linear read-out. Karpathy 2015, char-rnn.

#include <functional>
#include <string>
#include <vector>

#include <carousel/models/cells/any_cell.hpp>
#include <carousel/models/layers/linear.hpp>
#include <carousel/ops/dropout.hpp>
#include <carousel/tasks/base/options.hpp>
#include <carousel/tasks/text/data.hpp>

namespace carousel {

/// The layers' states off the tape: truncated backpropagation through time carries them from batch to batch.
using TextState = std::vector<Kept<AnyState<float>>>;

struct TextModel {
  Vocabulary vocabulary;
  std::vector<AnyCell<float>> layers;
  Linear<float> readout;

  /// `options` give cell, layers and hidden.
  TextModel(Scope<float> p, const TrainOptions& options, Vocabulary characters, const CellOptions<float>& cell = {},
            const LinearOptions<float>& linear = {});

  /// A state of zeros.
  TextState start(Index batch) const;
  /// The logits of the characters that follow, [steps, batch, characters], and the state after the last step.
  ///   symbols: steps · batch of them, in that order
  /// Each layer's output is dropped out by `dropout`, with masks that follow `key`.
  Var<float> operator()(const std::uint32_t* symbols, Index steps, Index batch, TextState& state, double dropout = 0,
                        DropoutKey key = {}) const;
};

/// Characters drawn from a model one by one.
struct TextSampling {
  Index length = 2000;
  double temperature = 1;                     ///< divides the logits: below 1 more of the likely, above 1 more of the unlikely
  bool argmax = false;                        ///< always the likeliest
  std::string prime = {};                     ///< read first
  std::string prime_name = "the prime text";  ///< and the number of its line there: for errors
  Index prime_line = 1;
  std::uint64_t seed = 1;
};

/// Draws characters and hands each to `print` as UTF-8, the prime text first; returns early when `print` returns false.
void sample_text(const TextModel& model, const TextSampling& sampling, const std::function<bool(const std::string&)>& print);

}  // namespace carousel
