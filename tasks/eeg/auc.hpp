#pragma once
/// The area under a ROC curve.

#include <span>
#include <vector>

namespace carousel {

/// The chance that a score of the label true is higher than one of the label false, a tie counting half: the area below the curve
/// of the true-positive rate over the false-positive rate. Exact, by ranks: Mann & Whitney 1947; Fawcett 2006, "An introduction
/// to ROC analysis". Throws std::invalid_argument unless there are as many labels, of both kinds, and no score is NaN.
double auc(std::span<const float> scores, std::span<const bool> labels);

/// A ROC curve: of the rows whose score is at least a threshold, from none to all, the part of the false labels and the part of
/// the true ones that are among them; of rows that are tied, a point. Throws as auc() does.
struct RocCurve {
  std::vector<double> false_rate, true_rate;
};
RocCurve roc(std::span<const float> scores, std::span<const bool> labels);

}  // namespace carousel
