#include <carousel/tasks/nets/diagnosis.hpp>

#include <functional>

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include "tests/support/folder.hpp"

using namespace carousel;

namespace {

constexpr double none = std::numeric_limits<double>::quiet_NaN();

TrainOptions options() {
  TrainOptions all;
  all.cell = "lstm", all.rate = 0.01, all.hidden = 8;
  all.metadata = {{"clip", "0"}, {"patience", "0"}, {"dropout", "0"}};
  return all;
}

/// Steps whose loss and norm are functions of their number; the warnings on the way.
std::vector<std::string> said(const TrainOptions& options, Index steps, const std::function<double(Index)>& loss,
                              const std::function<double(Index)>& norm) {
  Diagnosis diagnosis(options, steps);
  std::vector<std::string> all;
  for (Index step = 0; step < steps; ++step) {
    if (const auto warning = diagnosis.step({0, step, step, loss(step), norm(step)}, loss(step))) all.push_back(warning->text);
    if (diagnosis.stands_still()) all.push_back(diagnosis.why_it_stands_still({}, {}).text);
  }
  return all;
}

double falling(Index step) {
  return 2 * std::exp(-0.01 * static_cast<double>(step)) + 0.1;
}

/// What is said of epochs with these losses and validations.
std::string said_of_epochs(const TrainOptions& options, const std::vector<double>& losses, const std::vector<double>& validations,
                           bool higher_is_better = false) {
  Diagnosis diagnosis(options, 1000, 0, higher_is_better);
  for (std::size_t i = 0; i < losses.size(); ++i)
    if (const auto warning = diagnosis.epoch(losses[i], validations[i])) return warning->text;
  return "";
}

StepRecord noted(double update_ratio) {
  return {.step = 1,
          .epoch = 1,
          .loss = 1,
          .rate = 1,
          .gradient_norm = 1,
          .parameters = {{"a", 1, update_ratio}, {"b", 1, update_ratio}, {"c", 0, none}}};
}

}  // namespace

TEST_CASE("of a training that goes well nothing is said") {
  CHECK(said(options(), 2000, falling, [](Index step) { return 1 + 0.9 * static_cast<double>(step % 7); }).empty());
  CHECK(said(options(), 2000, falling, [](Index step) { return std::exp(-0.01 * static_cast<double>(step)); }).empty());
  // Single batches with large gradients, after which the loss falls on.
  CHECK(said(options(), 2000, falling, [](Index step) { return step % 500 == 499 ? 1e6 : 1.0; }).empty());
  // Almost nothing is left of the loss, and what is left wavers by orders.
  CHECK(said(
            options(), 2000, [](Index step) { return step < 500         ? falling(3 * step) - 0.1
                                                     : step % 300 < 100 ? 1e-3
                                                                        : 1e-6; },
            [](Index step) { return step < 500         ? 1.0
                                    : step % 300 < 100 ? 1e-2
                                                       : 1e-6; })
            .empty());
}

TEST_CASE("a gradient that jumps is said when the loss is higher after it") {
  const auto loss = [](Index step) { return falling(step) + (step > 300 ? 1.5 : 0.0); };
  const auto norm = [](Index step) { return step == 300 ? 500.0 : 1.0; };
  const auto warnings = said(options(), 1000, loss, norm);
  REQUIRE(warnings.size() == 1);
  CHECK(warnings[0].starts_with("the gradient grew to 5e+02 times of what it was by step 301, and the loss rose from 0."));
  CHECK(warnings[0].ends_with(": try --clip 2, or --rate 0.003"));
  TrainOptions clipped = options();
  clipped.clip = 5;
  CHECK(said(clipped, 1000, loss, norm).at(0).ends_with(": try --rate 0.003"));
}

TEST_CASE("a gradient that grows by orders while the loss rises is said") {
  const auto warnings = said(
      options(), 1000,
      [](Index step) { return step < 300 ? falling(step) : falling(300) + 1e-3 * static_cast<double>(step - 300); },
      [](Index step) { return std::exp(0.02 * static_cast<double>(step > 300 ? step - 300 : 0)); });
  REQUIRE_FALSE(warnings.empty());
  CHECK(warnings[0].find("the gradient grew to 1e+02 times of what it was") == 0);
}

TEST_CASE("a bound that cuts off nearly all of every gradient is said") {
  TrainOptions clipped = options();
  clipped.clip = 0.001;
  const auto warnings = said(clipped, 1000, falling, [](Index) { return 3.0; });
  REQUIRE(warnings.size() == 1);
  CHECK(warnings[0] ==
        "--clip 0.001 cuts more than 99 % off the gradient in nearly every step, whose norm is about 3: try --clip 3, or a "
        "smaller --rate");
  clipped.clip = 0.1;
  CHECK(said(clipped, 1000, falling, [](Index) { return 3.0; }).empty());
}

TEST_CASE("a loss that does not move is said once, with a rate to try") {
  const auto still = [](Index step) { return 0.7 - 1e-6 * static_cast<double>(step); };
  const auto warnings = said(options(), 1000, still, [](Index) { return 1.0; });
  REQUIRE(warnings.size() == 1);
  CHECK(warnings[0] == "the loss has not moved in 250 steps, 0.7 at first and 0.6998 now: try --rate 0.001, or --rate 0.1");
  CHECK(said(
            options(), 1000, [](Index step) { return 0.7 + 1e-4 * static_cast<double>(step); }, [](Index) { return 1.0; })
            .at(0)
            .ends_with(" now: try --rate 0.001"));
  CHECK(said(options(), 99, still, [](Index) { return 1.0; }).empty());  // too few steps to say
  Diagnosis resumed(options(), 1000, 500);
  for (Index step = 500; step < 1000; ++step) {
    resumed.step({0, step, step, 0.7, 1}, 0.7);
    CHECK_FALSE(resumed.stands_still());  // where it began is not known
  }
}

TEST_CASE("why a loss does not move is told by the size of steps and by the gradients inside") {
  Diagnosis diagnosis(options(), 1000);
  const auto why = [&](const std::optional<StepRecord>& record, const std::optional<Inside>& inside) {
    const Warning warning = diagnosis.why_it_stands_still(record, inside);
    return warning.kind + warning.text.substr(warning.text.find(" now") + 4);
  };
  CHECK(why(noted(1e-7), {}) == "loss not moving: a step moves the parameters by 1e-07 of what they are: try --rate 0.1");
  CHECK(why(noted(0.3), {}) == "loss not moving: a step moves the parameters by 0.3 of what they are: try --rate 0.001");
  CHECK(why(noted(1e-3), Inside{}) == "loss not moving: try --rate 0.001, or --rate 0.1");
  const Inside steps{.first_step = 1e-9, .steps = 200};
  TrainOptions plain = options();
  plain.cell = "rnn-tanh";
  CHECK(Diagnosis(plain, 1000)
            .why_it_stands_still(noted(1e-3), steps)
            .text.ends_with(", and the gradient of the first of 200 steps is 1e-09 of the largest: try --cell lstm"));
  CHECK(why(noted(1e-3), steps) ==
        "vanishing gradient, and the gradient of the first of 200 steps is 1e-09 of the largest: try --rate 0.1");
  CHECK(why(noted(1e-3), Inside{.lowest_layer = 1e-8, .layers = 8}) ==
        "vanishing gradient, and the gradient of the lowest of 8 layers is 1e-08 of that of the highest: try --layers 7");
}

TEST_CASE("a loss that falls to the baseline and stays there is said at half of the training, with the guess that does as well") {
  const Baseline mean{.metric = "mse", .guess = "always the mean", .value = 1.0 / 6, .train_loss = 1.0 / 6};
  const auto said_with = [&](const std::string& cell, const std::optional<Baseline>& baseline, double end) {
    TrainOptions all = options();
    all.cell = cell;
    Diagnosis diagnosis(all, 4000, 0, false, baseline);
    std::vector<std::string> texts;
    for (Index step = 0; step < 4000; ++step) {
      const double loss = end + std::exp(-0.02 * static_cast<double>(step)) + (step % 2 == 0 ? 0.05 : -0.05);
      CHECK_FALSE(diagnosis.step({0, step, step, loss, 1}, loss));
      if (!diagnosis.stands_still()) continue;
      CHECK(step == 1999);
      texts.push_back(diagnosis.why_it_stands_still({}, {}).text);
    }
    return texts;
  };
  using Texts = std::vector<std::string>;
  CHECK(said_with("rnn-tanh", mean, 1.0 / 6) ==
        Texts{"after 2000 steps the loss is 0.1664, not better than always the mean: 0.1667: a simple recurrent net forgets what "
              "is many steps back: try --cell lstm"});
  CHECK(said_with("lstm", mean, 1.0 / 6) ==
        Texts{"after 2000 steps the loss is 0.1664, not better than always the mean: 0.1667: try --rate 0.001, or --rate 0.1"});
  CHECK(said_with("lstm", mean, 0.15).empty());
  CHECK(said_with("lstm", std::nullopt, 1.0 / 6).empty());
  CHECK(said_with("lstm", Baseline{.metric = "mse", .guess = "unknown loss", .value = 1.0 / 6}, 1.0 / 6).empty());
}

TEST_CASE("gates are told when almost all of a layer are open or shut") {
  const Diagnosis diagnosis(options(), 1000);
  CHECK_FALSE(diagnosis.gates(Inside{.saturated = 0.7}));
  CHECK(diagnosis.gates(Inside{.saturated = 0.97})->text ==
        "97 % of the gates of a layer are fully open or shut over a sample and let no gradient through: try --rate 0.001, or "
        "--clip 1");
  CHECK(diagnosis.gates(Inside{.saturated = 1, .what = "relu"})->text ==
        "100 % of the units of a layer are 0 at every step of a sample and cannot learn any more: try --rate 0.001, or --cell "
        "lstm");
  CHECK(diagnosis.gates(Inside{.saturated = 1, .what = "tanh"})->kind == "saturated gates");
}

TEST_CASE("a validation that rises while the loss falls is said") {
  const std::vector<double> falls = {4, 3, 2, 1, 0.5, 0.4};
  CHECK(said_of_epochs(options(), falls, {4, 3, 3.1, 3.2, 3.5, 4}) ==
        "the validation was best in epoch 2, 3, and is 3.5 now, while the loss fell from 3 to 0.5: it learns its examples by "
        "heart; the best "
        "is kept; try --patience 3, which ends it then, or --dropout 0.2, or a smaller --hidden");
  CHECK(said_of_epochs(options(), falls, {4, 3, 3.1, 3.2, 3.2, 3.2}).empty());            // no more than it wavers
  CHECK(said_of_epochs(options(), {4, 3, 3, 3, 3, 3}, {4, 3, 3.5, 4, 4, 4}).empty());     // the loss does not fall
  CHECK(said_of_epochs(options(), falls, {none, none, none, none, none, none}).empty());  // nothing validates
  CHECK(said_of_epochs(options(), falls, {0.9, 0.99, 0.98, 0.98, 0.98, 0.98}, true)
            .find("best in epoch 2, 0.99, and is 0.98 now") != std::string::npos);
  CHECK(said_of_epochs(options(), falls, {0.5, 0.8, 0.79, 0.79, 0.79, 0.79}, true).empty());
}

TEST_CASE("a loss that exploded has a remedy that fits what the training was told") {
  TrainOptions told = options();
  const auto text = [&](Index step) { return Diagnosis(told, 100).exploded({.epoch = 1, .step = step}).text; };
  CHECK(text(8) == "the loss exploded in epoch 2, step 9: try --rate 0.001, or --clip 1");
  told.clip = 1, told.rate = 50;
  CHECK(text(8) == "the loss exploded in epoch 2, step 9: try --rate 0.1");
  CHECK(text(0).find("--rate") == std::string::npos);  // none was used yet
}

TEST_CASE("warnings are kept in the folder of the run, one of each kind, and a training that goes on does not say them again") {
  const test::Folder folder;
  {
    WarningsFile file(folder / "", 0);
    CHECK_FALSE(std::filesystem::exists(folder / "warnings.jsonl"));
    CHECK(file.add({"a", "\"first\""}, 10));
    CHECK_FALSE(file.add({"a", "again"}, 20));
    CHECK(file.add({"b", "second"}, 30));
  }
  CHECK(test::read_text(folder / "warnings.jsonl") ==
        "{\"step\":10,\"kind\":\"a\",\"text\":\"\\\"first\\\"\"}\n{\"step\":30,\"kind\":\"b\",\"text\":\"second\"}\n");
  WarningsFile file(folder / "", 20);
  CHECK_FALSE(file.add({"a", "again"}, 25));
  CHECK(file.add({"b", "second"}, 28));
}
