#pragma once
/// Connectionist temporal classification: labels for a sequence, without saying at which steps they stand.
/// Graves, Fernández, Gomez, Schmidhuber 2006, "Connectionist Temporal Classification".
///
/// A net gives at each step a distribution over the labels and one class more, the blank. A path takes one class at each step;
/// the labels that it says are what is left when repetitions are joined and then blanks dropped: − 7 7 − 7 1 1 says 7 7 1. The
/// probability of labels is the sum over all their paths.
///   p(labels | x) = Σ_{paths that say them} Π_t softmax(logits_t)[path_t]
/// The recursion of a hidden Markov model adds it up, here in logarithms and in double whatever the scalar.

#include <optional>
#include <span>
#include <vector>

#include <carousel/lib/tape/expression.hpp>

namespace carousel {

/// What ctc_loss reads, and how it divides.
struct CtcOptions {
  /// Steps of each example, [batch]; empty: all have the whole time. What stands beyond is not looked at.
  std::span<const Index> lengths = {};
  Index blank = 0;  ///< the class that is no label
  /// What the sum over the examples is divided by; none: how many there are.
  std::optional<double> divide_by = {};
};

/// −Σ ln p(labels of the example), divided. One node, with the gradient softmax(logits) − (how probable each class is at each
/// step, among the paths that say the labels): Graves et al. 2006, eq. (16). Infinite where logits of −∞ leave no path; the
/// gradient of such an example is 0.
///   logits: [time, batch, classes]
///   labels: of each example, of any number; none is the blank
/// Throws std::invalid_argument for labels that are none, and for more of them than the steps have room for: one step for each,
/// and one more between two that are the same.
Var<float> ctc_loss(Var<float> logits, std::span<const std::vector<Index>> labels, const CtcOptions& options = {});
Var<double> ctc_loss(Var<double> logits, std::span<const std::vector<Index>> labels, const CtcOptions& options = {});

/// What ctc_greedy reads.
struct CtcDecodeOptions {
  std::span<const Index> lengths = {};  ///< as of CtcOptions
  Index blank = 0;
};

/// What the likeliest path of each example says. Graves et al. 2006, section 3.2, "best path decoding".
///   logits: [time, batch, classes]
std::vector<std::vector<Index>> ctc_greedy(const Tensor<float>& logits, const CtcDecodeOptions& options = {});
std::vector<std::vector<Index>> ctc_greedy(const Tensor<double>& logits, const CtcDecodeOptions& options = {});

/// What ctc_beam_search reads, and how widely it searches.
struct CtcBeamOptions {
  std::span<const Index> lengths = {};
  Index blank = 0;
  Index width = 16;  ///< beginnings of labels that are followed at once
};

/// Labels, and the logarithm of the probability of those of their paths that were followed: of all, where no beginning was left
/// out.
struct CtcReading {
  std::vector<Index> labels;
  double log_probability;
};

/// The likeliest labels of each example, the likeliest first, at least one and at most `width` of them. Unlike ctc_greedy it adds
/// up the paths that say the same. Hannun, Maas, Jurafsky, Ng 2014, arXiv:1408.2873, algorithm 1, without a language model.
///   logits: [time, batch, classes]
/// Throws std::invalid_argument for a width below 1, and for a NaN or a step whose logits are all −∞.
std::vector<std::vector<CtcReading>> ctc_beam_search(const Tensor<float>& logits, const CtcBeamOptions& options = {});
std::vector<std::vector<CtcReading>> ctc_beam_search(const Tensor<double>& logits, const CtcBeamOptions& options = {});

}  // namespace carousel
