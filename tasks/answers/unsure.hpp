#pragma once
/// When an answer with a probability is called unsure.

#include <vector>

#include <carousel/tasks/base/task.hpp>

namespace carousel {

/// The probability of an answer to something whose truth is known, and whether it was right.
struct JudgedAnswer {
  double probability;
  bool right;
};

/// The least probability, not below 0.5, at which 99 of 100 of the answers are right that have it or a higher one; 0.99 where
/// there is none.
double unsure_threshold(std::vector<JudgedAnswer> answers);

/// Under what name metadata of a checkpoint hold it.
inline constexpr const char* unsure_key = "unsure_below";
/// --threshold; without it what the checkpoint says, as measured on validation data; without that 0.5. Throws std::runtime_error
/// where the checkpoint says no probability.
double unsure_below(const PredictOptions& options);

/// What stands behind an answer: "unsure" or nothing.
inline std::string unsure_remark(double probability, double threshold) {
  return probability < threshold ? "unsure" : "";
}

}  // namespace carousel
