#pragma once
/// Losses: functions of predictions and targets with one number as result, for backward().
///
/// Each is a sum of terms, one per element or per position, divided by how many terms there are: a mean. Two options change that,
/// and are the same everywhere. `mask` gives terms a weight, 0 for those that do not count; `divide_by` is the number to divide
/// by, when that is not the weight of the terms at hand:
///
///     cross_entropy(logits, labels)                                // the mean
///     cross_entropy(logits, labels, {.divide_by = 1})              // the sum
///     cross_entropy(logits, labels, {.mask = m, .divide_by = 50})  // this shard's share of the mean of a batch of 50
///
/// Losses take logits: what a sigmoid or a softmax would saturate stays exact.

#include <optional>
#include <span>

#include <carousel/lib/tape/expression.hpp>

namespace carousel {

/// Options of a loss with one term per element.
template <class T>
struct LossOptions {
  /// The weight of each element, or of each row along the last axis; empty: 1. What stands at a place of weight 0 is not looked
  /// at. Read during the call only.
  std::span<const T> mask = {};
  /// What the sum of the terms is divided by; none: the weight of all elements, which makes a mean.
  std::optional<double> divide_by = {};
};

/// Options of a loss with one term per position, which is right or wrong about a label.
template <class T>
struct LabelOptions {
  /// Positions with this label do not count.
  std::optional<Index> ignore_label = {};
  /// The weight of each position; empty: 1. What stands at a position of weight 0 is not looked at. Read during the call only.
  std::span<const T> mask = {};
  /// ε: the target is 1 − ε for the label plus ε spread over all classes. Szegedy et al. 2015, arXiv:1512.00567, section 7.
  double label_smoothing = 0;
  /// What the sum of the terms is divided by; none: the weight of the positions that count, which makes a mean.
  std::optional<double> divide_by = {};
};

/// Σ (prediction − target)² / number of elements. Throws std::invalid_argument unless both have the same shape.
Var<float> mean_squared_error(Var<float> prediction, Var<float> target, const LossOptions<float>& options = {});
Var<double> mean_squared_error(Var<double> prediction, Var<double> target, const LossOptions<double>& options = {});

/// Σ (prediction − target)². Throws std::invalid_argument unless both have the same shape.
Var<float> sum_of_squares(Var<float> prediction, Var<float> target);
Var<double> sum_of_squares(Var<double> prediction, Var<double> target);

/// Σ (h₀ − target)², where h₀ is the first feature of h: the loss of nicodjimenez/lstm, which leaves the others free.
///   h: [..., hidden];  target: [...]
Var<float> first_element_loss(Var<float> h, Var<float> target);
Var<double> first_element_loss(Var<double> h, Var<double> target);

/// −Σ log softmax(logits)[label], per position: the cost in nats of the labels under the predicted distribution. One node, with
/// the gradient softmax(logits) − target.
///   logits: [..., classes];  labels: one for each position, row by row, in 0 … classes − 1
/// Throws std::invalid_argument for a label that is none, or when no position counts and there is no options.divide_by.
Var<float> cross_entropy(Var<float> logits, std::span<const Index> labels, const LabelOptions<float>& options = {});
Var<double> cross_entropy(Var<double> logits, std::span<const Index> labels, const LabelOptions<double>& options = {});

/// −Σ log_probabilities[label], per position; see cross_entropy, which it is without the softmax.
///   log_probabilities: [..., classes]
Var<float> nll(Var<float> log_probabilities, std::span<const Index> labels, const LabelOptions<float>& options = {});
Var<double> nll(Var<double> log_probabilities, std::span<const Index> labels, const LabelOptions<double>& options = {});

/// −Σ y log σ(x) + (1 − y) log(1 − σ(x)), per element: of questions answered by yes or no, each by a logit x. In the form
/// (1 − y) x + max(−x, 0) + log(1 + e^−|x|), which neither overflows nor loses digits.
///   logits, targets: of one shape;  targets in [0, 1]
Var<float> binary_cross_entropy(Var<float> logits, Var<float> targets, const LossOptions<float>& options = {});
Var<double> binary_cross_entropy(Var<double> logits, Var<double> targets, const LossOptions<double>& options = {});

}  // namespace carousel
