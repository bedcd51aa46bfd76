#include <carousel/tasks/eeg/auc.hpp>

#include <algorithm>
#include <cmath>
#include <utility>
#include <vector>

#include <carousel/lib/error.hpp>

namespace carousel {

namespace {

using Scored = std::vector<std::pair<float, bool>>;

/// The rows by their scores.
Scored sorted_rows(std::span<const float> scores, std::span<const bool> labels) {
  if (scores.size() != labels.size())
    wrong_argument("auc: ", scores.size(), " scores, ", labels.size(), " labels: must be as many");
  Scored sorted(scores.size());
  for (std::size_t i = 0; i < scores.size(); ++i) {
    if (std::isnan(scores[i])) wrong_argument("auc: score ", i, " is nan: must be a number");
    sorted[i] = {scores[i], labels[i]};
  }
  std::sort(sorted.begin(), sorted.end());
  const auto trues = std::count(labels.begin(), labels.end(), true);
  if (trues == 0 || trues == std::ssize(labels))
    wrong_argument("auc: labels are all ", trues == 0 ? "false" : "true", ": must be of both kinds");
  return sorted;
}

/// Calls f(false labels, true labels) for all rows of one score, from the least one on.
template <class F>
void for_each_tie(const Scored& sorted, F f) {
  for (std::size_t from = 0, to = 0; from < sorted.size(); from = to) {
    double tied[2] = {0, 0};  // of each label
    for (; to < sorted.size() && sorted[to].first == sorted[from].first; ++to) ++tied[sorted[to].second ? 1 : 0];
    f(tied[0], tied[1]);
  }
}

}  // namespace

double auc(std::span<const float> scores, std::span<const bool> labels) {
  double below = 0, wins = 0, trues = 0;  // false labels passed; pairs that are in order; true labels passed
  for_each_tie(sorted_rows(scores, labels), [&](double false_ones, double true_ones) {
    wins += true_ones * (below + false_ones / 2);
    below += false_ones, trues += true_ones;
  });
  return wins / (trues * below);
}

RocCurve roc(std::span<const float> scores, std::span<const bool> labels) {
  double below = 0, missed = 0;  // false and true labels whose score is too low
  RocCurve curve{{0}, {0}};      // counted as below and missed, until all are known
  for_each_tie(sorted_rows(scores, labels), [&](double false_ones, double true_ones) {
    curve.false_rate.push_back(below += false_ones), curve.true_rate.push_back(missed += true_ones);
  });
  for (double& rate : curve.false_rate) rate = 1 - rate / below;
  for (double& rate : curve.true_rate) rate = 1 - rate / missed;
  std::reverse(curve.false_rate.begin(), curve.false_rate.end());
  std::reverse(curve.true_rate.begin(), curve.true_rate.end());
  return curve;
}

}  // namespace carousel
