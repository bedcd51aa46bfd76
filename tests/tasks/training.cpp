#include <carousel/tasks/training.hpp>

#include <cmath>
#include <filesystem>
#include <set>

#include <doctest/doctest.h>

#include <carousel/lib/expression.hpp>
#include <carousel/tasks/task.hpp>

#include "tests/lib/folder.hpp"

using namespace carousel;

namespace {

/// One step of x ↦ x²/2 from x = 1 by the optimiser of that name.
double after_a_step(const std::string& name) {
  Registry<double> registry;
  Parameter<double>& x = registry.parameter("x", {1}, [] { return full<double>({1}, 1); });
  const auto optimizer = make_optimizer(name, registry, 0.1);
  CHECK(optimizer->name() == std::string(name == "momentum" ? "sgd" : name));
  Tape<double> tape;
  for (int i = 0; i < 2; ++i) {
    tape.clear();
    const Var<double> v = Param<double>(x);
    backward(v * v * 0.5);
    optimizer->step();
  }
  return x.value.data()[0];
}

const TrainOptions trained{.preset = "source", .cell = "gru", .seed = 7, .hidden = 20, .layers = 2, .batch = 3, .steps = 50};

Safetensors checkpoint() {
  Safetensors file;
  file.metadata = metadata_of("echo", trained);
  return file;
}

}  // namespace

TEST_CASE("every optimiser goes downhill, each in its own way") {
  std::set<double> ends;
  for (const std::string& name : optimizer_names()) {
    CAPTURE(name);
    const double end = after_a_step(name);
    CHECK(std::abs(end) < 1);
    CHECK(ends.insert(end).second);
  }
  CHECK(after_a_step("sgd") == doctest::Approx(0.81));
  CHECK(after_a_step("momentum") == doctest::Approx(0.72));
}

TEST_CASE("an optimiser that is not there is refused with those that are") {
  Registry<float> registry;
  CHECK_THROWS_WITH_AS(make_optimizer("adamm", registry, 0.1),
                       "optimizer: there is no adamm: must be one of sgd, momentum, rmsprop, adagrad, adadelta, adam, adamw",
                       std::invalid_argument);
}

TEST_CASE("a checkpoint gives back the options that it was made with") {
  const TrainOptions options = saved_options(checkpoint(), "a.safetensors");
  CHECK(options.preset == "source");
  CHECK(options.cell == "gru");
  CHECK(options.seed == 7);
  CHECK(options.hidden == 20);
  CHECK(options.layers == 2);
  CHECK(options.batch == 3);
  CHECK(options.steps == 50);
}

TEST_CASE("a checkpoint without an option, or with one that can not be, is refused") {
  Safetensors file = checkpoint();
  file.metadata["hidden"] = "-1";
  CHECK_THROWS_WITH_AS(saved_options(file, "a.safetensors"),
                       "a.safetensors: in its metadata, hidden -1: must be a whole number of 1 to 1048576", std::runtime_error);
  file = checkpoint();
  file.metadata["layers"] = "1000000000000";
  CHECK_THROWS_WITH_AS(saved_options(file, "a.safetensors"),
                       "a.safetensors: in its metadata, layers 1000000000000: must be a whole number of 1 to 1000",
                       std::runtime_error);
  file = checkpoint();
  file.metadata["batch"] = "4611686018427387904";
  CHECK_THROWS_WITH_AS(saved_options(file, "a.safetensors"),
                       "a.safetensors: in its metadata, batch 4611686018427387904: must be a whole number of 1 to 1048576",
                       std::runtime_error);
  file.metadata.erase("hidden");
  CHECK_THROWS_WITH_AS(saved_options(file, "a.safetensors"),
                       "a.safetensors: its metadata have no hidden: must be saved by carousel train", std::runtime_error);
}

TEST_CASE("with --out a training saves into that folder, which is made; without, nowhere") {
  const test::Folder folder;
  TrainOptions options = trained;
  CHECK(fit_options(options, {}).last.empty());
  CHECK(fit_options(options, {}).best.empty());
  options.out = folder / "a/b";
  const FitOptions fitting = fit_options(options, {{"task", "echo"}});
  CHECK(std::filesystem::is_directory(options.out));
  CHECK(fitting.last == options.out + "/last.safetensors");
  CHECK(fitting.best == options.out + "/best.safetensors");
  CHECK(fitting.metadata.at("task") == "echo");
  CHECK(fitting.seed == 7);
  CHECK(fitting.stop == &interrupted());
  test::write_text(folder / "file", "");
  options.out = folder / "file/x";
  CHECK_THROWS_WITH_AS(fit_options(options, {}),
                       ("--out " + options.out + ": Not a directory: must be a folder, or a place for one").c_str(),
                       std::runtime_error);
}

TEST_CASE("a new training does not begin where another one lies; that one goes on") {
  const test::Folder folder;
  Registry<float> registry;
  registry.parameter("x", {1}, [] { return full<float>({1}, 1); });
  const auto optimizer = make_optimizer("sgd", registry, 0.1);
  TrainOptions options = trained;
  options.out = folder / "run";
  CHECK(start_state(*optimizer, options).step == 0);
  FitOptions fitting = fit_options(options, metadata_of("echo", trained));
  fitting.epochs = 3;
  const auto loss = [&](const Batch&, const Shard&) -> Var<float> {
    const Var<float> x = Param<float>(registry.at("x"));
    return x * x;
  };
  fit(*optimizer, {.examples = 1}, loss, fitting);
  const std::string error =
      "--out " + options.out + ": holds a training already: must be another folder, or --resume goes on with it";
  CHECK_THROWS_WITH_AS(fit_options(options, {}), error.c_str(), std::runtime_error);
  std::filesystem::remove(fitting.last);
  CHECK_THROWS_WITH_AS(fit_options(options, {}), error.c_str(), std::runtime_error);
  fit(*optimizer, {.examples = 1}, loss, fitting);
  std::filesystem::remove(fitting.best);
  CHECK_THROWS_WITH_AS(fit_options(options, {}), error.c_str(), std::runtime_error);
  options.resume = true;
  CHECK(fit_options(options, {}).last == fitting.last);
  CHECK(start_state(*optimizer, options).step == 3);
}

TEST_CASE("metadata have every option that a training which goes on must have too") {
  TrainOptions options = trained;
  options.epochs = 9;
  options.rate = 0.1;
  options.dropout = 0.25;
  options.clip = 5;
  options.optimizer = "momentum";
  CHECK(metadata_of("echo", options) == Metadata{{"task", "echo"},
                                                 {"preset", "source"},
                                                 {"cell", "gru"},
                                                 {"epochs", "9"},
                                                 {"seed", "7"},
                                                 {"hidden", "20"},
                                                 {"layers", "2"},
                                                 {"batch", "3"},
                                                 {"steps", "50"},
                                                 {"rate", "0.1"},
                                                 {"dropout", "0.25"},
                                                 {"clip", "5"},
                                                 {"update_rule", "momentum"}});
}

TEST_CASE("the end of a training gives the exit code") {
  CHECK(report_end({.ended = Ended::finished, .note = "", .state = {}}, {}) == exit_done);
  CHECK(report_end({.ended = Ended::stopped, .note = "", .state = {}}, {}) == exit_done);
  CHECK(report_end({.ended = Ended::exploded, .note = "fit: (from a test) the loss exploded", .state = {}}, {}) ==
        exit_bad_result);
  CHECK(report_end({.ended = Ended::interrupted, .note = "", .state = {}}, {}) == exit_interrupted);
}
