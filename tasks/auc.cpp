#include <carousel/tasks/auc.hpp>

#include <algorithm>
#include <cmath>
#include <utility>
#include <vector>

#include <carousel/lib/error.hpp>

namespace carousel {

double auc(std::span<const float> scores, std::span<const bool> labels) {
  if (scores.size() != labels.size())
    wrong_argument("auc: ", scores.size(), " scores, ", labels.size(), " labels: must be as many");
  std::vector<std::pair<float, bool>> sorted(scores.size());
  for (std::size_t i = 0; i < scores.size(); ++i) {
    if (std::isnan(scores[i])) wrong_argument("auc: score ", i, " is nan: must be a number");
    sorted[i] = {scores[i], labels[i]};
  }
  std::sort(sorted.begin(), sorted.end());
  double below = 0, wins = 0, trues = 0;  // false labels passed; pairs that are in order; true labels passed
  for (std::size_t from = 0, to = 0; from < sorted.size(); from = to) {
    double tied[2] = {0, 0};  // of each label
    for (; to < sorted.size() && sorted[to].first == sorted[from].first; ++to) ++tied[sorted[to].second ? 1 : 0];
    wins += tied[1] * (below + tied[0] / 2);
    below += tied[0], trues += tied[1];
  }
  if (trues == 0 || below == 0) wrong_argument("auc: labels are all ", trues == 0 ? "false" : "true", ": must be of both kinds");
  return wins / (trues * below);
}

}  // namespace carousel
