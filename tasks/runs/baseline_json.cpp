#include <carousel/tasks/runs/baseline_json.hpp>

#include <fmt/format.h>

namespace carousel {

std::string baseline_json(const std::optional<Baseline>& baseline, std::span<const Metric> metrics) {
  if (!baseline) return "";
  return fmt::format(R"(,"baseline":{{"guess":{},"metric":{},"value":{},"train_loss":{},"not_better":{}}})",
                     json_word(baseline->guess), json_word(baseline->metric), json_number(baseline->value),
                     json_number(baseline->train_loss), is_not_better(*baseline, metrics));
}

StoredBaseline stored_baseline(const Json& line) {
  StoredBaseline stored;
  const auto found = line.find("baseline");
  if (found == line.end() || !found->is_object()) return stored;
  const auto guess = found->find("guess"), loss = found->find("train_loss"), not_better = found->find("not_better");
  if (guess == found->end() || !guess->is_string()) return stored;
  stored.guess = *guess;
  if (loss != found->end() && loss->is_number()) stored.train_loss = *loss;
  stored.not_better = not_better != found->end() && *not_better == true;
  return stored;
}

}  // namespace carousel
