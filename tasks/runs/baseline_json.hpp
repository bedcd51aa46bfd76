#pragma once
/// The baseline of a result, as the last line of metrics.jsonl has it.

#include <limits>
#include <optional>
#include <span>
#include <string>

#include <carousel/tasks/base/metric.hpp>
#include <carousel/tasks/drawing/json.hpp>

namespace carousel {

/// ,"baseline":{"guess":"always the mean","metric":"mse","value":0.1667,"train_loss":0.1667,"not_better":true}
/// or nothing where there is none.
std::string baseline_json(const std::optional<Baseline>& baseline, std::span<const Metric> metrics);

/// What a line of metrics.jsonl says of a baseline; all is empty where it says nothing.
struct StoredBaseline {
  std::string guess;
  double train_loss = std::numeric_limits<double>::quiet_NaN();
  bool not_better = false;
};
StoredBaseline stored_baseline(const Json& line);

}  // namespace carousel
