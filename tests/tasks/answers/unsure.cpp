#include <carousel/tasks/answers/unsure.hpp>

#include <stdexcept>

#include <doctest/doctest.h>

using namespace carousel;

TEST_CASE("an answer is unsure below the probability from which on 99 of 100 are right") {
  std::vector<JudgedAnswer> answers;
  for (int n = 0; n < 200; ++n) answers.push_back({0.9, true});
  answers.push_back({0.8, false});
  CHECK(unsure_threshold(answers) == 0.5);  // one of 201 is wrong: all that have half of the chances are good enough
  for (int n = 0; n < 10; ++n) answers.push_back({0.7, false});
  CHECK(unsure_threshold(answers) == 0.8);
  answers.push_back({0.95, false});
  CHECK(unsure_threshold(answers) == 0.8);  // 2 of 202
  for (int n = 0; n < 10; ++n) answers.push_back({0.3, false});
  CHECK(unsure_threshold(answers) == 0.8);  // those are unsure anyway
}

TEST_CASE("where no probability is good enough, 0.99 is asked for") {
  CHECK(unsure_threshold({}) == 0.99);
  CHECK(unsure_threshold({{0.6, false}, {0.7, false}}) == 0.99);
  CHECK(unsure_threshold({{0.4, true}}) == 0.99);
  CHECK(unsure_threshold({{0.9, true}, {0.9, false}}) == 0.99);  // equals stand or fall together
}

TEST_CASE("the threshold is that of the command line, else that of the checkpoint, else a half") {
  PredictOptions options;
  options.file = "run/best.safetensors";
  CHECK(unsure_below(options) == 0.5);
  options.checkpoint.metadata[unsure_key] = "0.875";
  CHECK(unsure_below(options) == 0.875);
  options.threshold = 0.25;
  CHECK(unsure_below(options) == 0.25);
  options.threshold.reset();
  options.checkpoint.metadata[unsure_key] = "2";
  CHECK_THROWS_WITH_AS(unsure_below(options),
                       "run/best.safetensors: its metadata say unsure_below 2: must be a probability, from 0 to 1",
                       std::runtime_error);
}
