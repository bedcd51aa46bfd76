#include <carousel/tasks/base/interrupt.hpp>
#include <carousel/tasks/training/training.hpp>

#include "tests/tasks/trial.hpp"

using namespace carousel;
using test::NoInterrupt;
using test::Trial;

TEST_CASE_TEMPLATE("a training leaves its parameters, what it was told, and a line of metrics for each epoch", T, float, double) {
  const test::Folder folder;
  Trial<T> trial(folder / "a/run");
  trial.validations = {4, 2, 3, std::numeric_limits<double>::quiet_NaN()};
  REQUIRE(trial.run() == exit_done);
  CHECK(trial.out.starts_with("result: trial x="));
  CHECK(
      trial.err.starts_with("carousel: ten examples: 10 examples to train on, 3 to validate, 2 to test; a layer of 1 lstm units, "
                            "1 parameters\nepoch 1/4  train_loss "));
  CHECK(trial.err.ends_with("\ncarousel: saved in " + trial.options.out + "\ncarousel: report: " + trial.file("report.html") +
                            "\n"));
  const auto config = nlohmann::json::parse(test::read_text(trial.file("config.json")));
  CHECK(config.at("task") == "trial");
  CHECK(config.at("examples").at("train") == 10);

  const std::vector<nlohmann::json> lines = trial.metrics();
  REQUIRE(lines.size() == 5);
  for (std::size_t i = 0; i < 4; ++i) {
    CHECK(lines[i].at("epoch") == i + 1);
    CHECK(lines[i].at("step") == 5 * (i + 1));
    CHECK(lines[i].at("examples") == 10 * (i + 1));
    CHECK(lines[i].at("rate") == 0.1);
    CHECK(lines[i].at("gradient_norm") > 0);
    CHECK(lines[i].at("train_loss") > 0);
    CHECK(lines[i].at("twice") == 2 * i);
  }
  CHECK(lines[1].at("validation_loss") == 2);
  CHECK(lines[3].at("validation_loss").is_null());
  CHECK(lines[4].at("result") == "trial");

  std::istringstream steps(test::read_text(trial.file("steps.jsonl")));
  int noted = 0;
  for (std::string line; std::getline(steps, line); ++noted) {
    const auto step = nlohmann::json::parse(line);
    CHECK(step.at("step") == noted + 1);
    CHECK(step.at("gradients").at("x").get<double>() == step.at("gradient_norm").get<double>());
  }
  CHECK(noted == 20);
  CHECK(trial.viewed.value());
  CHECK(nlohmann::json::parse(test::read_text(trial.file("views.json"))).at("views").at(0).at("rows").at(0).at(0) ==
        std::to_string(trial.x));

  // The best was the second epoch, and the result is of it.
  Registry<T> best;
  best.parameter("x", {1}, [] { return zeros<T>({1}); });
  const Safetensors file = load(best, trial.file("best.safetensors"));
  CHECK(best.at("x").value.data()[0] == trial.x);
  CHECK(file.metadata.at("more") == "of it");
  Registry<T> last;
  last.parameter("x", {1}, [] { return zeros<T>({1}); });
  load(last, trial.file("last.safetensors"));
  CHECK(last.at("x").value.data()[0] != trial.x);
}

TEST_CASE("where nothing validates no epoch is the best, and the last one counts") {
  const test::Folder folder;
  Trial<double> trial(folder / "run");
  REQUIRE(trial.run() == exit_done);
  CHECK_FALSE(std::filesystem::exists(trial.file("best.safetensors")));
  CHECK(trial.x == to_tensor<double>(read_safetensors(trial.file("last.safetensors")).tensors.at("x"), "x").data()[0]);
}

TEST_CASE("a training ends when its patience does, and stays ended when it is resumed") {
  const test::Folder folder;
  Trial<double> trial(folder / "run");
  trial.options.epochs = 20, trial.options.patience = 2;
  trial.validations = {3, 4, 2, 2, 5, 1, 1};
  REQUIRE(trial.run() == exit_done);
  CHECK(trial.metrics().size() == 5 + 1);
  CHECK(trial.err.find("carousel: ended after epoch 5: 2 epochs without a better validation_loss\n") != std::string::npos);
  Trial<double> again = trial.resumed();
  REQUIRE(again.run() == exit_done);
  CHECK(again.rates.empty());
  CHECK(again.out == trial.out);
  CHECK(again.metrics() == trial.metrics());
}

TEST_CASE("where nothing validates the loss is what patience looks at") {
  const test::Folder folder;
  Trial<double> trial(folder / "run");
  trial.options.epochs = 20, trial.options.patience = 2, trial.options.optimizer = "sgd", trial.options.rate = 1e-300;
  REQUIRE(trial.run() == exit_done);
  CHECK(trial.err.find(": 2 epochs without a better train_loss\n") != std::string::npos);
}

TEST_CASE_TEMPLATE("a training that was interrupted and goes on ends with the same bits and the same metrics", T, float, double) {
  const test::Folder folder;
  const NoInterrupt after;
  Trial<T> whole(folder / "whole");
  whole.options.schedule = "cosine", whole.options.warm_up = 3;
  REQUIRE(whole.run() == exit_done);
  for (const Index steps : {1, 5, 7, 10, 19}) {
    CAPTURE(steps);
    Trial<T> parted(folder / ("parted" + std::to_string(steps)));
    parted.options.schedule = "cosine", parted.options.warm_up = 3;
    parted.stop_after = steps;
    REQUIRE(parted.run() == exit_interrupted);
    CHECK(parted.out.empty());
    CHECK_FALSE(parted.viewed.value());
    CHECK(std::filesystem::exists(parted.file("views.json")));
    const std::string saved = parted.file("last.safetensors");
    CHECK(parted.err.ends_with(", saved in " + saved + "; to go on: carousel train trial --resume " + parted.options.out +
                               "\ncarousel: report: " + parted.file("report.html") + "\n"));
    const_cast<std::atomic<bool>&>(interrupted()) = false;
    Trial<T> rest = parted.resumed();
    REQUIRE(rest.run() == exit_done);
    CHECK(std::ssize(rest.rates) == 20 - steps);
    CHECK(rest.out == whole.out);
    CHECK(rest.metrics() == whole.metrics());
    for (const char* name : {"steps.jsonl", "views.json"})
      CHECK(test::read_text(rest.file(name)) == test::read_text(whole.file(name)));
    CHECK(test::read_text(saved) == test::read_text(whole.file("last.safetensors")));
  }
}

TEST_CASE("metrics of an epoch that was not saved are written again, and what is no metric is left") {
  const test::Folder folder;
  Trial<double> trial(folder / "run");
  REQUIRE(trial.run() == exit_done);
  const std::string metrics = test::read_text(trial.file("metrics.jsonl"));
  for (const char* more : {"{\"epoch\":5,\"seconds\":1}\n", "{\"epoch\":\"x\"}\n", "half a li", "[1]\n", "null"}) {
    CAPTURE(more);
    test::write_text(trial.file("metrics.jsonl"), metrics + more);
    Trial<double> again = trial.resumed();
    REQUIRE(again.run() == exit_done);
    CHECK(again.metrics() == trial.metrics());
  }
}

TEST_CASE("the rate goes on as its schedule says, and gradients are bounded by norm or each for itself") {
  const test::Folder folder;
  Trial<double> constant(folder / "constant"), cosine(folder / "cosine"), exponential(folder / "exponential");
  REQUIRE(constant.run() == exit_done);
  CHECK(constant.rates == std::vector<double>(20, 0.1));
  cosine.options.schedule = "cosine", cosine.options.warm_up = 2, cosine.options.final_rate = 0.5;
  REQUIRE(cosine.run() == exit_done);
  CHECK(cosine.rates[0] == doctest::Approx(0.05));
  CHECK(cosine.rates[1] == doctest::Approx(0.1));
  CHECK(cosine.rates[12] == doctest::Approx(0.1 * 0.75));
  CHECK(cosine.rates[19] == doctest::Approx(0.1 * (0.5 + 0.25 * (1 + std::cos(M_PI * 17 / 20)))));
  exponential.options.schedule = "exponential", exponential.options.epochs = 12;
  REQUIRE(exponential.run() == exit_done);
  CHECK(exponential.rates[49] == doctest::Approx(0.1));
  CHECK(exponential.rates[59] == doctest::Approx(0.1 * 0.97 * 0.97));

  Trial<double> clipped(folder / "clipped"), elements(folder / "elements");
  for (Trial<double>* trial : {&clipped, &elements}) {
    trial->options.optimizer = "sgd", trial->options.clip = 0.001, trial->options.epochs = 1;
    trial->options.clip_elements = trial == &elements;
    REQUIRE(trial->run() == exit_done);
    CHECK(trial->x == doctest::Approx(5 * 0.1 * 0.001));
  }
}

TEST_CASE("a new training does not begin where another one lies, and one of other data does not go on") {
  const test::Folder folder;
  Trial<double> trial(folder / "run");
  trial.validations = {1, 1, 1, 1};
  REQUIRE(trial.run() == exit_done);
  const std::string run = trial.options.out, error = "--out " + run +
                                                     ": holds a training already: must be another folder, or --resume " + run +
                                                     " goes on with it";
  CHECK_THROWS_WITH_AS(trial.run(), error.c_str(), std::runtime_error);
  Trial<double> other = trial.resumed();
  other.identity = "eleven examples";
  CHECK_THROWS_WITH_AS(
      other.run(),
      (trial.file("last.safetensors") + ": saved for other data than ten examples: must be the same to go on").c_str(),
      std::runtime_error);
  std::filesystem::remove(trial.file("last.safetensors"));  // without it no training goes on
  CHECK_THROWS_WITH_AS(
      trial.run(),
      ("--out " + run +
       ": holds a best.safetensors already, and no last.safetensors to go on from: must be another folder, or without that file")
          .c_str(),
      std::runtime_error);
  std::filesystem::remove(trial.file("best.safetensors"));
  CHECK(trial.run() == exit_done);

  test::write_text(folder / "file", "");
  trial.options.out = folder / "file/x";
  CHECK_THROWS_WITH_AS(trial.run(),
                       ("--out " + trial.options.out + ": Not a directory: must be a folder, or a place for one").c_str(),
                       std::runtime_error);
}
