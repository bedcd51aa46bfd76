#include <carousel/tasks/runs/baseline_json.hpp>

#include <cmath>
#include <vector>

#include <doctest/doctest.h>

using namespace carousel;

TEST_CASE("a line of metrics.jsonl keeps the baseline of a result") {
  const Baseline mean{.metric = "mse", .guess = "always the \"mean\"", .value = 0.5, .train_loss = 0.25};
  const std::vector<Metric> good = {{"mse", 0.1}}, bad = {{"mse", 0.5}};
  const auto stored = [](const std::string& json) { return stored_baseline(parsed_json("{\"result\":\"add\"" + json + "}")); };
  CHECK(stored(baseline_json(mean, good)).guess == mean.guess);
  CHECK(stored(baseline_json(mean, good)).train_loss == 0.25);
  CHECK_FALSE(stored(baseline_json(mean, good)).not_better);
  CHECK(stored(baseline_json(mean, bad)).not_better);
  CHECK(std::isnan(stored(baseline_json(Baseline{.metric = "mse", .guess = "g", .value = 1}, good)).train_loss));

  for (const char* other : {"1", "[]", "{}", R"({"guess":1,"not_better":true})"})
    CHECK_FALSE(stored(std::string(",\"baseline\":") + other).not_better);
  CHECK(stored(",\"baseline\":{}").guess == "");
  CHECK(baseline_json(std::nullopt, good) == "");
  CHECK_FALSE(stored_baseline(parsed_json(R"({"result":"add"})")).not_better);
}
