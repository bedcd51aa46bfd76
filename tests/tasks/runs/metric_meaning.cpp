#include <carousel/tasks/runs/metric_meaning.hpp>

#include <doctest/doctest.h>

#include <carousel/tasks/commands/scoreboard.hpp>

using namespace carousel;

TEST_CASE("a metric says what it is, and of what") {
  CHECK(meaning_of("accuracy") == "share of right answers; 1 is all");
  CHECK(meaning_of("test_accuracy") == "share of right answers; 1 is all; on the test data, which the net never saw");
  CHECK(meaning_of("best_validation_loss") == "loss, lower is better; of the best epoch, on the validation data");
  CHECK(meaning_of("error_of_20_halves") == "how far it is off after 20 times 0.5");
  CHECK(meaning_of("") == "");
  CHECK(meaning_of("test_") == "");
  CHECK(meaning_of("loss_") == "");
  CHECK(meaning_of("wholly_new") == "");
}

TEST_CASE("every metric of the scoreboard has a meaning") {
  for (const ScoreRun& run : score_runs())
    for (const ScoreMetric& metric : run.metrics) {
      CAPTURE(metric.name);
      CHECK(meaning_of(metric.name) != "");
    }
}
