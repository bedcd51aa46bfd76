#pragma once
/// A training small enough to follow by hand, for tests of what every training does.

#include <unistd.h>

#include <cmath>
#include <exception>
#include <filesystem>
#include <functional>
#include <limits>
#include <optional>
#include <sstream>

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include <carousel/lib/tape/expression.hpp>
#include <carousel/lib/training/checkpoint.hpp>
#include <carousel/tasks/base/interrupt.hpp>
#include <carousel/tasks/base/metric.hpp>
#include <carousel/tasks/training/training.hpp>

#include "tests/tasks/written.hpp"

namespace carousel::test {

/// A training of x ↦ (x − 1)²: ten examples in batches of two; what was said and saved.
template <class T>
struct Trial {
  TrainOptions options;
  std::vector<double> validations = {};  // of the epochs, in turn; empty: nothing validates
  std::string identity = "ten examples";
  Index stop_after = 0;   // steps, as by Ctrl-C
  double explode_at = 0;  // step whose loss is not finite
  std::string out = {}, err = {};
  std::vector<double> rates = {};
  T x = 0;
  std::optional<bool> viewed = {};             // whether the views were asked for a training that is done
  bool blind = false;                          // whether they cannot be made
  std::function<void(Index)> after_step = {};  // steps, from 1

  explicit Trial(const std::string& folder) {
    options.epochs = 4, options.hidden = 1, options.batch = 2, options.rate = 0.1, options.optimizer = "momentum";
    options.out = folder;
    options.metadata["task"] = "trial";
  }

  int run() {
    int code = -1;
    std::exception_ptr error;
    const auto train_or_fail = [&] {
      try {
        code = train();
      } catch (...) {
        error = std::current_exception();
      }
    };
    err = written_to(STDERR_FILENO, [&] { out = written_to(STDOUT_FILENO, train_or_fail); });
    if (error) std::rethrow_exception(error);
    return code;
  }
  /// Another one, that goes on where this one ended.
  Trial resumed() const {
    Trial next = *this;
    next.options.resume = options.out;
    next.options.resumed = read_safetensors(options.out + "/last.safetensors").metadata;
    next.stop_after = 0, next.rates.clear();
    return next;
  }

  std::string file(const std::string& name) const { return options.out + "/" + name; }
  /// The lines of metrics.jsonl, without times.
  std::vector<nlohmann::json> metrics() const {
    std::vector<nlohmann::json> lines;
    std::istringstream text(read_text(file("metrics.jsonl")));
    for (std::string line; std::getline(text, line);) {
      lines.push_back(nlohmann::json::parse(line));
      CHECK(lines.back().at("seconds").get<double>() >= 0);
      lines.back().erase("seconds"), lines.back().erase("cpu_seconds");
    }
    return lines;
  }

 private:
  int train() {
    Registry<T> registry;
    Parameter<T>& parameter = registry.parameter("x", {1}, [] { return zeros<T>({1}); });
    const auto optimizer = make_optimizer(options.optimizer, registry, options.rate);
    TrainPlan<T> plan{.about = "ten examples",
                      .parts = {.unit = "examples", .train = 10, .validation = 3, .test = 2},
                      .identity = identity,
                      .metadata = {{"more", "of it"}},
                      .optimizer = *optimizer,
                      .data = {.examples = 10, .batch = 2},
                      .loss = [&](const Batch& batch, const Shard&) -> Var<T> {
                        // Each example pulls a little elsewhere, so that their order shows in the bits.
                        const T to = T(1) + T(0.01) * static_cast<T>(batch.examples[0]);
                        const Var<T> v = Param<T>(parameter);
                        if (explode_at > 0 && static_cast<double>(batch.step) == explode_at)
                          return v * std::numeric_limits<T>::infinity();
                        return (v - to) * (v - to);
                      },
                      .loss_scale = 2,
                      .after_step =
                          [&](const StepReport& report) {
                            rates.push_back(options.rate * optimizer->rate_factor());
                            if (after_step) after_step(report.step + 1);
                            if (stop_after > 0 && report.step + 1 == stop_after) raise_interrupt();
                          },
                      .after_epoch = [&](const EpochReport& report) -> std::vector<Metric> {
                        return {{"twice", 2.0 * static_cast<double>(report.epoch)}};
                      },
                      .views =
                          [&](Views& views) {
                            viewed = views.done;
                            if (blind) throw std::runtime_error("it sees nothing");
                            views.add("x", "It nears 1.", view::Table{{"x"}, {{std::to_string(parameter.value.data()[0])}}});
                          },
                      .result = [&](const TrainOutcome& trained) -> std::vector<Metric> {
                        x = parameter.value.data()[0];
                        return {{"x", static_cast<double>(x)}, {"loss", trained.last.loss}};
                      }};
    Index epoch = 0;
    if (!validations.empty()) {
      if (!options.resume.empty()) epoch = FitState::from(read_safetensors(file("last.safetensors")), "").epoch;
      plan.validation = {.name = "validation_loss", .measure = [&] { return validations.at(static_cast<std::size_t>(epoch++)); }};
    }
    return train_model<T>(options, plan);
  }

  void raise_interrupt() const { const_cast<std::atomic<bool>&>(interrupted()) = true; }
};

/// As long as it lives Ctrl-C is what a test makes it; then there was none.
struct NoInterrupt {
  ~NoInterrupt() { const_cast<std::atomic<bool>&>(interrupted()) = false; }
};

}  // namespace carousel::test
