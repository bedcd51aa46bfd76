#include <carousel/tasks/runs/step_record.hpp>

#include <cmath>

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include "tests/support/folder.hpp"

using namespace carousel;

TEST_CASE_TEMPLATE("a record has the norms of gradients, and of moves beside what was there", T, float, double) {
  Registry<T> registry;
  Parameter<T>& w = registry.parameter("cell/w", {2}, [] { return tensor<T>({2}, {T(3), T(4)}); });
  Parameter<T>& b = registry.parameter("cell/b", {2}, [] { return zeros<T>({2}); });
  registry.parameter("frozen", {1}, [] { return zeros<T>({1}); }).frozen = true;
  StepRecorder<T> recorder(registry, 10);
  w.gradient = tensor<T>({2}, {T(6), T(8)}), w.has_gradient = true;
  const StepReport report{.epoch = 1, .batch = 2, .step = 7, .loss = 9, .gradient_norm = 10};
  recorder.before(report);
  w.has_gradient = false;  // as an optimiser leaves it
  w.change()[0] += T(0.5), b.change()[1] = T(1);
  const std::optional<StepRecord> record = recorder.after(report, 4.5, 0.1);
  REQUIRE(record);
  CHECK(record->step == 8);
  CHECK(record->epoch == 2);
  CHECK(record->loss == 4.5);
  CHECK(record->rate == 0.1);
  CHECK(record->gradient_norm == 10);
  REQUIRE(record->parameters.size() == 2);
  CHECK(record->parameters[0].path == "cell/w");
  CHECK(record->parameters[0].gradient_norm == doctest::Approx(10));
  CHECK(record->parameters[0].update_ratio == doctest::Approx(0.1));
  CHECK(record->parameters[1].gradient_norm == 0);
  CHECK(std::isinf(record->parameters[1].update_ratio));
}

TEST_CASE("of a long training some 300 steps are noted, of a short one all") {
  Registry<float> registry;
  registry.parameter("w", {1}, [] { return full<float>({1}, 1); });
  for (const auto& [steps, least, most] : {std::tuple(Index{5}, 5, 5), {Index{299}, 299, 299}, {Index{100000}, 300, 400}}) {
    StepRecorder<float> recorder(registry, steps);
    int noted = 0;
    for (Index step = 0; step < steps; ++step) {
      const StepReport report{.epoch = 0, .batch = step, .step = step, .loss = 1, .gradient_norm = 1};
      recorder.before(report);
      noted += recorder.after(report, 1, 1).has_value();
    }
    CHECK(noted >= least);
    CHECK(noted <= most);
  }
}

TEST_CASE("a training that goes on keeps the records of the steps that are done") {
  const test::Folder folder;
  const auto record = [](Index step) {
    return StepRecord{.step = step,
                      .epoch = 1,
                      .loss = 1.0 / 3,
                      .rate = 0.1,
                      .gradient_norm = std::numeric_limits<double>::infinity(),
                      .parameters = {{"a \"b\"/w", 2, 0.25}, {"c", 0, std::nan("")}}};
  };
  {
    StepsFile file(folder / "", 0);
    for (Index step = 1; step <= 5; ++step) file.add(record(step));
  }
  const std::string all = test::read_text(folder / "steps.jsonl");
  const auto first = nlohmann::json::parse(all.substr(0, all.find('\n')));
  CHECK(first.at("step") == 1);
  CHECK(first.at("loss") == 0.333333);
  CHECK(first.at("gradient_norm").is_null());
  CHECK(first.at("gradients").at("a \"b\"/w") == 2);
  CHECK(first.at("updates").at("a \"b\"/w") == 0.25);
  CHECK(first.at("updates").at("c").is_null());
  test::write_text(folder / "steps.jsonl", all + "half a li");
  {
    StepsFile file(folder / "", 3);
    file.add(record(4));
    file.add(record(5));
  }
  CHECK(test::read_text(folder / "steps.jsonl") == all);
  StepsFile anew(folder / "", 0);
  CHECK(test::read_text(folder / "steps.jsonl").empty());
}
