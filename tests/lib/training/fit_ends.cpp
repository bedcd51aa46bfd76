// How trainings end before their time, and how they go on.

#include <carousel/lib/training/fit.hpp>

#include <atomic>
#include <cmath>
#include <filesystem>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include <doctest/doctest.h>

#include <carousel/lib/training/checkpoint.hpp>

#include "tests/lib/training/trainings.hpp"
#include "tests/support/folder.hpp"

using namespace carousel;
using test::Folder;
using test::Regression;
using test::same_bits;
using test::Slope;
using test::values;

TEST_CASE("a loss that is not a number ends the training before it does harm, and saves what was there before it") {
  const Folder folder;
  const double bad_numbers[] = {std::nan(""), INFINITY};
  for (const double bad : bad_numbers) {
    Slope model;
    Sgd<double> sgd(model.registry, {.rate = 1});
    const auto loss = [&](const Batch& batch, const Shard&) -> Var<double> {
      return sum(model.p * 1.0) + (batch.step == 4 ? bad : 0.0);
    };
    const FitResult result = fit(sgd, {.examples = 3}, loss, {.epochs = 5, .best = folder / "best", .last = folder / "last"});
    CHECK(result.ended == Ended::exploded);
    CHECK(result.note == std::string("fit: in epoch 2, step 5 the loss is ") + (std::isnan(bad) ? "nan" : "inf") +
                             ": ended, with the parameters before that step");
    CHECK(model.p->value.data()[0] == -4);
    CHECK_FALSE(model.p->has_gradient);
    CHECK(result.state.history.size() == 1);
    CHECK(resume(sgd, folder / "last").step == 4);
    CHECK(model.p->value.data()[0] == -4);
    load(model.registry, folder / "best");
    CHECK(model.p->value.data()[0] == -3);
  }
}

TEST_CASE("a gradient that is not finite ends the training too") {
  Slope model;
  Sgd<double> sgd(model.registry, {.rate = 1});
  const auto loss = [&](const Batch&, const Shard&) -> Var<double> { return sum(sqrt(model.p * model.p)); };  // 0/0 at 0
  const FitResult result = fit(sgd, {.examples = 1}, loss, {.clip_value = 5});
  CHECK(result.ended == Ended::exploded);
  CHECK(result.note == "fit: in epoch 1, step 1 the norm of the gradient is nan: ended, with the parameters before that step");
  CHECK(result.nonfinite);
  CHECK(model.p->value.data()[0] == 0);
}

TEST_CASE("a training that traces says where what is not finite began, in whichever part") {
  const auto run = [](double most, int shards) {
    Slope model;
    Sgd<double> sgd(model.registry, {.rate = 1});
    const auto loss = [&](const Batch&, const Shard& shard) -> Var<double> {
      const Var<double> x = Tape<double>::active().variable(full<double>({1}, shard.index + 1 == shards ? most : 0));
      const Var<double> y = exp(x);
      return sum(model.p * 0.0) + sum(y);
    };
    return fit(sgd, {.examples = 4, .batch = 4}, loss, {.shards = shards, .threads = shards, .trace_nonfinite = true});
  };
  for (const int shards : {1, 2}) {
    CAPTURE(shards);
    const FitResult result = run(1000, shards);
    CHECK(result.ended == Ended::exploded);
    CHECK(result.note ==
          "fit: in epoch 1, step 1 the loss is inf: ended, with the parameters before that step\n"
          "forward: exp(%0) is inf at [0] of [1]\n"
          "  %0 is 1000 at [0] of [1]: variable");
    CHECK(run(1, shards).note.empty());
  }
}

TEST_CASE("a loss that grows beyond what it was ends the training where that is asked for") {
  const auto run = [](double explosion, double spike, double usual = 2) {
    Slope model;
    Sgd<double> sgd(model.registry, {.rate = 0});
    const auto loss = [&](const Batch& batch, const Shard&) -> Var<double> {
      return sum(model.p * 1.0) + (batch.step == 2 ? spike : usual);
    };
    return fit(sgd, {.examples = 10}, loss, {.explosion = explosion});
  };
  CHECK(run(3, 40).ended == Ended::finished);  // 0.9·2 + 0.1·40 is less than 3·2
  CHECK(run(0, 1e30).ended == Ended::finished);
  CHECK(run(3, -1, -2).ended == Ended::finished);  // a density's loss may be negative
  CHECK(run(3, 60, -2).ended == Ended::exploded);
  CHECK(run(3, 1, 0).ended == Ended::finished);
  const FitResult result = run(3, 60);
  CHECK(result.ended == Ended::exploded);
  CHECK(result.note ==
        "fit: in epoch 1, step 3 the smoothed loss is 7.8, at first it was 2: ended, with the parameters before that step");
}

TEST_CASE("whoever watches an epoch may end the training") {
  Slope model;
  Sgd<double> sgd(model.registry, {.rate = 1});
  FitOptions options{.epochs = 10};
  std::vector<Index> seen;
  options.after_epoch = [&](const EpochReport& report) {
    seen.push_back(report.epoch);
    CHECK(std::isnan(report.validation));
    CHECK(report.loss == -4 * static_cast<double>(report.epoch) - 1);  // p falls by 1 a step: −4e and −4e − 2 are the sums
    return report.epoch == 2;
  };
  const FitResult result = fit(sgd, {.examples = 2}, model.loss(), options);
  CHECK(result.ended == Ended::stopped);
  CHECK(seen == std::vector<Index>{0, 1, 2});
  CHECK(result.state.epoch == 3);
  CHECK(result.state.best == -9);
}

TEST_CASE("the best file has the parameters of the best epoch, and the metadata") {
  const Folder folder;
  Slope model;
  Sgd<double> sgd(model.registry, {.rate = 1});
  const double validation[] = {3, 1, 2};
  const double* next = validation;
  FitOptions options{.epochs = 3, .best = folder / "best", .metadata = {{"cell", "lstm"}}};
  options.validate = [&] { return *next++; };
  fit(sgd, {.examples = 1}, model.loss(), options);
  CHECK(model.p->value.data()[0] == -3);
  const Safetensors file = load(model.registry, folder / "best");
  CHECK(model.p->value.data()[0] == -2);
  CHECK(file.metadata.at("cell") == "lstm");
  CHECK(file.tensors.size() == 1);
}

TEST_CASE_TEMPLATE("4 epochs, a file, and 6 more in new objects are 10 epochs, bit for bit", T, float, double) {
  const Folder folder;
  FitOptions options{.epochs = 10,
                     .clip_norm = 1,
                     .schedule = WarmUp{.steps = 30},
                     .plateau = Plateau{.factor = 0.5, .patience = 0},
                     .shards = 2};
  Regression<T> straight;
  Adam<T> adam(straight.registry, {.rate = 0.3});
  const FitResult expected = fit(adam, straight.data(), straight.loss(), options);
  CHECK(expected.state.plateau.factor < 1);

  options.last = folder / "last.safetensors";
  {
    Regression<T> first;
    Adam<T> optimizer(first.registry, {.rate = 0.3});
    options.epochs = 4;
    fit(optimizer, first.data(), first.loss(), options);
  }
  Regression<T> second;
  Adam<T> optimizer(second.registry, {.rate = 0.3});
  options.epochs = 10;
  const FitResult result = fit(optimizer, second.data(), second.loss(), options, resume(optimizer, options.last));
  CHECK(same_bits(values(straight.registry), values(second.registry)));
  CHECK(result.state.step == expected.state.step);
  CHECK(result.state.plateau == expected.state.plateau);
  CHECK(result.state.history.size() == 10);
  for (std::size_t i = 0; i < 10; ++i) CHECK(result.state.history[i].loss == expected.state.history[i].loss);
}

TEST_CASE("an interrupted training finishes its step, saves, and goes on from there bit for bit") {
  const Folder folder;
  Regression<float> straight;
  RmsProp<float> rmsprop(straight.registry, {.rate = 0.01});
  const FitResult expected = fit(rmsprop, straight.data(), straight.loss(), {.epochs = 4});

  std::atomic<bool> stop{false};
  double extra = 0;
  FitOptions options{.epochs = 4, .stop = &stop, .last = folder / "last"};
  options.after_step = [&](const StepReport& report) { stop = report.step == 8; };  // the third of the second epoch
  options.save = [](Safetensors& file) { file.tensors["task:extra"] = from_tensor(full<double>({}, 42)); };
  Regression<float> first;
  RmsProp<float> one(first.registry, {.rate = 0.01});
  const FitResult interrupted = fit(one, first.data(), first.loss(), options);
  CHECK(interrupted.ended == Ended::interrupted);
  CHECK(interrupted.state.step == 9);
  CHECK(interrupted.state.batch == 3);

  stop = false;
  Regression<float> second;
  RmsProp<float> two(second.registry, {.rate = 0.01});
  const FitState state = resume(two, options.last, [&](const Safetensors& file) {
    CHECK(second.w->version() == 0);
    extra = to_tensor<double>(file.tensors.at("task:extra"), "").data()[0];
  });
  CHECK(extra == 42);
  const FitResult result = fit(two, second.data(), second.loss(), {.epochs = 4}, state);
  CHECK(same_bits(values(straight.registry), values(second.registry)));
  CHECK(result.state.history[1].loss == expected.state.history[1].loss);

  stop = true;  // before the first step
  Regression<float> third;
  RmsProp<float> three(third.registry);
  CHECK(fit(three, third.data(), third.loss(), options).state.step == 0);
  CHECK(third.w->version() == 0);
}

TEST_CASE("a loss that had risen before an interruption counts after it") {
  const Folder folder;
  std::atomic<bool> stop{false};
  const auto run = [&](Index stop_after, const FitState& state) {
    Slope model;
    Sgd<double> sgd(model.registry, {.rate = 0});
    const double losses[] = {2, 30, 2, 22, 2};  // smoothed: 2, 4.8, 4.52, 6.268, which is more than 3·2; from 2 on: 2, 4
    FitOptions options{.explosion = 3, .stop = &stop, .last = folder / "last"};
    options.after_step = [&](const StepReport& report) { stop = report.step + 1 == stop_after; };
    const FitResult result = fit(
        sgd, {.examples = 5},
        [&](const Batch& batch, const Shard&) -> Var<double> { return sum(model.p * 0.0) + losses[batch.step]; }, options, state);
    stop = false;
    return result;
  };
  const FitResult straight = run(0, {});
  CHECK(straight.ended == Ended::exploded);
  CHECK(straight.note.find("in epoch 1, step 4 the smoothed loss is 6.268,") != std::string::npos);
  CHECK(run(2, {}).ended == Ended::interrupted);
  Slope model;
  Sgd<double> sgd(model.registry, {.rate = 0});
  CHECK(run(0, resume(sgd, folder / "last")).note == straight.note);
}

TEST_CASE("what after_epoch changes is in the file of that epoch, also where it ends the training") {
  const Folder folder;
  for (const bool ends : {false, true}) {
    double count = 0, saved = 0;
    Slope model;
    Sgd<double> sgd(model.registry, {.rate = 1});
    FitOptions options{.epochs = 2, .last = folder / "last"};
    options.after_epoch = [&](const EpochReport& report) {
      ++count;
      return ends && report.epoch == 0;
    };
    options.save = [&](Safetensors& file) { file.tensors["task:count"] = from_tensor(full<double>({}, count)); };
    fit(sgd, {.examples = 3}, model.loss(), options);
    const FitState state = resume(sgd, folder / "last", [&](const Safetensors& file) {
      saved = to_tensor<double>(file.tensors.at("task:count"), "").data()[0];
    });
    CHECK(state.epoch == (ends ? 1 : 2));
    CHECK(state.batch == 0);
    CHECK(saved == (ends ? 1 : 2));
  }
}

TEST_CASE("a training that ends at any point of its first epoch has a last file wherever it has a best one") {
  const Folder folder;
  const auto train = [&](const FitOptions& options, const std::string& resumed = "") {
    Regression<float> model;
    Adam<float> adam(model.registry, {.rate = 0.3});
    const FitResult result = fit(adam, model.data(), model.loss(), options, resumed.empty() ? FitState{} : resume(adam, resumed));
    return std::pair(values(model.registry), result.state);
  };
  FitOptions options{.epochs = 3, .best = folder / "best", .last = folder / "last"};
  options.validate = [&] {
    if (!std::filesystem::exists(folder / "best")) CHECK(std::filesystem::exists(folder / "last"));
    return 1;
  };
  options.after_epoch = [&](const EpochReport& report) {  // as if it were killed after the first best
    if (report.epoch == 0) std::filesystem::copy_file(folder / "last", folder / "killed");
    return false;
  };
  const auto [expected, whole] = train(options);
  options.after_epoch = {};
  const auto [got, state] = train(options, folder / "killed");
  CHECK(same_bits(got, expected));
  REQUIRE(state.history.size() == 3);
  for (std::size_t i = 0; i < 3; ++i) {
    CHECK(state.history[i].loss == whole.history[i].loss);
    CHECK(state.history[i].best == (i == 0));
  }
}

TEST_CASE("a state in a file keeps every bit, and a file without one is refused") {
  const Folder folder;
  FitState state{.seed = 0xffffffffffffffff,
                 .epoch = 2,
                 .batch = 3,
                 .step = 17,
                 .loss_sum = 0.1,
                 .examples_seen = 60,
                 .first_loss = 1e-300,
                 .smoothed_loss = 0.3,
                 .best = -7};
  state.plateau = {0.25, -3, 2};
  state.history = {{0, 0.5, std::nan(""), true}, {1, 0.25, 7, false}};
  Safetensors file;
  state.put(file);
  write_safetensors(folder / "f", file);
  const FitState back = FitState::from(read_safetensors(folder / "f"), "f");
  Safetensors again;
  back.put(again);
  CHECK(again == file);
  CHECK(back.seed == state.seed);
  CHECK(back.history[1].validation == 7);
  CHECK(back.plateau == state.plateau);
  CHECK(back.loss_sum == 0.1);
  CHECK(back.examples_seen == 60);
  CHECK(back.first_loss == 1e-300);
  CHECK(back.smoothed_loss == 0.3);
  CHECK(back.best == -7);

  Slope model;
  Sgd<double> sgd(model.registry);
  save(sgd, folder / "f");
  CHECK_THROWS_WITH_AS(
      resume(sgd, folder / "f"),
      ("resume: file has no state of a training: must be one that fit() wrote as `last` (" + (folder / "f") + ")").c_str(),
      std::runtime_error);
  file.tensors["fit:position"] = from_tensor(tensor<std::int64_t>({5}, {2, 3, -17, 60, 2}));
  CHECK_THROWS_WITH_AS(FitState::from(file, "f"), "resume: file has -17 in fit:position: must not be negative (f)",
                       std::runtime_error);
  state.epoch = 5;
  state.put(file);
  CHECK_THROWS_WITH_AS(FitState::from(file, "f"), "load: file has fit:history [2, 3], the model wants [5, 3] (f)",
                       std::runtime_error);
}
