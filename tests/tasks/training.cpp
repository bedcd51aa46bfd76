#include <carousel/tasks/training.hpp>

#include <unistd.h>

#include <cmath>
#include <exception>
#include <filesystem>
#include <limits>
#include <optional>
#include <sstream>

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include <carousel/lib/checkpoint.hpp>
#include <carousel/lib/expression.hpp>

#include <carousel/tasks/run_lock.hpp>
#include <carousel/tasks/runs.hpp>

#include "tests/tasks/written.hpp"

using namespace carousel;

namespace {

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
  std::optional<bool> viewed = {};  // whether the views were asked for a training that is done
  bool blind = false;               // whether they can not be made

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
    err = test::written_to(STDERR_FILENO, [&] { out = test::written_to(STDOUT_FILENO, train_or_fail); });
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
    std::istringstream text(test::read_text(file("metrics.jsonl")));
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

}  // namespace

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

TEST_CASE("a loss that explodes ends with what was there before it, and code 1") {
  const test::Folder folder;
  Trial<double> trial(folder / "run");
  trial.explode_at = 7;
  CHECK(trial.run() == exit_bad_result);
  CHECK(trial.out.empty());
  CHECK(trial.err.find("carousel: fit: the loss is ") != std::string::npos);
  CHECK(trial.err.ends_with("carousel: the model as it was before that: " + trial.file("last.safetensors") +
                            "\ncarousel: where it began: carousel train trial --resume " + trial.options.out +
                            " --trace-nonfinite\ncarousel: report: " + trial.file("report.html") + "\n"));
  REQUIRE(trial.metrics().size() == 2);
  CHECK(trial.metrics()[1].at("ended") == "exploded");
}

TEST_CASE("a run tells what validates it, what it cost, and why it has no result") {
  const test::Folder folder;
  const NoInterrupt after;
  Trial<double> trial(folder / "run");
  trial.options.metadata["task"] = "echo";  // one that the program has
  trial.validations = {4, 2, 3, 3};
  trial.stop_after = 12;
  REQUIRE(trial.run() == exit_interrupted);
  RunRecord run = read_run(trial.options.out);
  CHECK(run.state == "interrupted");
  CHECK(run.epochs.size() == 2);
  CHECK(run.validation == "validation_loss");
  CHECK_FALSE(run.higher_is_better);
  const double cpu_seconds = run.cpu_seconds, seconds = run.seconds;
  CHECK(cpu_seconds > 0);
  CHECK(seconds > 0);
  const_cast<std::atomic<bool>&>(interrupted()) = false;
  REQUIRE(trial.resumed().run() == exit_done);
  run = read_run(trial.options.out);
  CHECK(run.state == "finished");
  CHECK(run.cpu_seconds > cpu_seconds - 1e-3);  // that of the epoch that had to be gone on with is lost
  CHECK(run.outcome()->name == "x");
}

TEST_CASE("one training at a time runs in a folder") {
  const test::Folder folder;
  Trial<double> trial(folder / "run");
  std::filesystem::create_directory(trial.options.out);
  std::optional<RunLock> lock(trial.options.out);
  const std::string error =
      "--out " + trial.options.out + ": another training runs there: must be another folder, or wait for its end";
  CHECK_THROWS_WITH_AS(trial.run(), error.c_str(), std::runtime_error);
  CHECK(std::filesystem::is_empty(trial.options.out));
  lock.reset();
  REQUIRE(trial.run() == exit_done);
  lock.emplace(trial.options.out);
  CHECK_THROWS_WITH_AS(trial.resumed().run(), error.c_str(), std::runtime_error);
}

TEST_CASE("a cosine that more epochs stretch is said") {
  const test::Folder folder;
  Trial<double> trial(folder / "run");
  trial.options.schedule = "cosine";
  trial.options.metadata["epochs"] = "4";
  REQUIRE(trial.run() == exit_done);
  Trial<double> more = trial.resumed();
  REQUIRE(more.run() == exit_done);
  CHECK(more.err.find("cosine") == std::string::npos);
  more.options.epochs = 6;
  REQUIRE(more.run() == exit_done);
  CHECK(more.err.find(
            "carousel: --epochs 6 instead of 4: the cosine of the rate spans them all, and goes on as if it always had\n") !=
        std::string::npos);
}

TEST_CASE("what the task leaves in the folder of a run is named") {
  const test::Folder folder;
  Trial<double> trial(folder / "run");
  std::filesystem::create_directory(trial.options.out);
  test::write_text(trial.file("picture.svg"), "");
  test::write_text(trial.file("a.txt"), "");
  REQUIRE(trial.run() == exit_done);
  CHECK(trial.err.find("carousel: saved in " + trial.options.out + " with a.txt, picture.svg\n") != std::string::npos);
}

TEST_CASE("what can not be drawn is said, views of an earlier state are gone, and there is a report") {
  const test::Folder folder;
  const NoInterrupt after;
  Trial<double> trial(folder / "run");
  REQUIRE(trial.run() == exit_done);
  for (const Index stop_after : {2, 0}) {  // stopped, and done
    CAPTURE(stop_after);
    test::write_text(trial.file("views.json"), "old");
    test::write_text(trial.file("report.html"), "old");
    Trial<double> more = trial.resumed();
    more.options.epochs = 6, more.blind = true;
    if (stop_after > 0) more.stop_after = 20 + stop_after;
    REQUIRE(more.run() == (stop_after > 0 ? exit_interrupted : exit_done));
    const_cast<std::atomic<bool>&>(interrupted()) = false;
    CHECK(more.err.ends_with(
        "\ncarousel: not everything is drawn: it sees nothing\ncarousel: report: " + trial.file("report.html") + "\n"));
    CHECK_FALSE(std::filesystem::exists(trial.file("views.json")));
    CHECK(test::read_text(trial.file("report.html")).size() > 3);
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
  CHECK_THROWS_WITH_AS(trial.run(), ("--out " + run + ": holds a best.safetensors already: must be another folder").c_str(),
                       std::runtime_error);
  std::filesystem::remove(trial.file("best.safetensors"));
  CHECK(trial.run() == exit_done);

  test::write_text(folder / "file", "");
  trial.options.out = folder / "file/x";
  CHECK_THROWS_WITH_AS(trial.run(),
                       ("--out " + trial.options.out + ": Not a directory: must be a folder, or a place for one").c_str(),
                       std::runtime_error);
}
