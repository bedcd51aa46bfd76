#include <unistd.h>

#include <algorithm>
#include <filesystem>

#include <doctest/doctest.h>

#include <carousel/lib/training/fit.hpp>
#include <carousel/tasks/base/interrupt.hpp>
#include <carousel/tasks/commands/program.hpp>
#include <carousel/tasks/mnist/data.hpp>

#include "tests/tasks/idx_files.hpp"
#include "tests/tasks/written.hpp"

using namespace carousel;

namespace {

/// A folder of 300 digits to learn and 100 to test with, and what commands say about them.
struct Digits {
  test::Folder folder;
  std::string out, err;

  Digits() {
    write("train", draw_digits("train", 300));
    write("t10k", draw_digits("test", 100));
  }

  int run(const std::vector<std::string>& arguments) {
    int code = -1;
    out = test::written_to(STDOUT_FILENO, [&] { err = test::written_to(STDERR_FILENO, [&] { code = run_program(arguments); }); });
    CAPTURE(err);
    return code;
  }
  /// Trains a small net into folder / name.
  void train(const std::string& name, const std::vector<std::string>& more, const char* into = "--out") {
    std::vector<std::string> arguments{"train",   "mnist", "--quiet",      "--data", folder / ".", "--hidden",   "8",
                                       "--batch", "30",    "--validation", "60",     into,         folder / name};
    arguments.insert(arguments.end(), more.begin(), more.end());
    const int code = run(arguments);
    CAPTURE(err);
    REQUIRE(code == exit_done);
  }
  Safetensors last(const std::string& name) const { return read_safetensors(folder / (name + "/last.safetensors")); }

 private:
  void write(const std::string& set, const DigitImages& images) const {
    const std::string pixels(images.pixels.begin(), images.pixels.end()), labels(images.labels.begin(), images.labels.end());
    test::write_text(folder / (set + "-images-idx3-ubyte"), test::image_file(static_cast<std::uint32_t>(images.count()), pixels));
    test::write_text(folder / (set + "-labels-idx1-ubyte"), test::label_file(labels));
  }
};

bool same_tensors(const Safetensors& a, const Safetensors& b) {
  return a.tensors == b.tensors;
}

}  // namespace

TEST_CASE("a training of digits that is resumed ends bit for bit as one that was not stopped") {
  Digits digits;
  digits.train("whole", {"--epochs", "3", "--schedule", "constant"});
  const std::string result = digits.out;
  digits.train("parts", {"--epochs", "1", "--schedule", "constant"});
  CHECK_FALSE(same_tensors(digits.last("whole"), digits.last("parts")));
  digits.train("parts", {"--epochs", "3", "--schedule", "constant"}, "--resume");
  CHECK(same_tensors(digits.last("whole"), digits.last("parts")));
  CHECK(digits.out == result);
}

TEST_CASE("the windows of preset source go on where a training was stopped") {
  Digits digits;
  const std::vector<std::string> source = {"--preset", "source", "--batch", "2"};
  const auto with = [&](std::vector<std::string> more) {
    more.insert(more.begin(), source.begin(), source.end());
    return more;
  };
  digits.train("whole", with({"--epochs", "2"}));
  const std::string whole = digits.out;
  // 240 images in 120 batches an epoch: windows of 101 batches end within the epochs.
  CHECK(whole.starts_with("202 0."));
  CHECK(whole.find("\n404 0.") != std::string::npos);
  digits.train("parts", with({"--epochs", "1"}));
  digits.train("parts", with({"--epochs", "2"}), "--resume");
  CHECK(whole.ends_with(digits.out));
  CHECK(digits.out.starts_with("404 0."));
}

TEST_CASE("any number of threads learns digits bit for bit alike") {
  Digits digits;
  digits.train("one", {"--epochs", "1", "--threads", "1"});
  digits.train("two", {"--epochs", "1", "--threads", "2"});
  CHECK(same_tensors(digits.last("one"), digits.last("two")));
}

TEST_CASE("digits are chosen by validation and tested at the end; without a validation part, after each epoch") {
  Digits digits;
  digits.train("chosen", {"--epochs", "2"});
  CHECK(digits.out.starts_with("result: mnist test_accuracy=0."));
  CHECK(digits.out.find(" validation_accuracy=0.") != std::string::npos);
  const std::string chosen = digits.out;
  REQUIRE(digits.run({"eval", digits.folder / "chosen", "--data", digits.folder / "."}) == exit_done);
  CHECK(chosen.starts_with(digits.out.substr(0, digits.out.size() - 1) + " validation_accuracy="));
  CHECK(digits.err == test::read_text(digits.folder / "chosen/confusion.txt"));

  digits.train("last", {"--epochs", "2", "--validation", "0"});
  CHECK(digits.out.starts_with("epoch 1: test_accuracy 0."));
  CHECK(digits.out.find("\nepoch 2: test_accuracy 0.") != std::string::npos);
  CHECK(digits.out.find("validation") == std::string::npos);
  REQUIRE(digits.run({"eval", digits.folder / "last", "--data", digits.folder / ".", "--quiet"}) == exit_done);
  CHECK(digits.err.empty());
}

TEST_CASE("a training of digits whose last epoch is not its best is tested with the net of the best") {
  Digits digits;
  const auto is_best = [&](const std::string& run) {
    const auto history = FitState::from(digits.last(run), "").history;
    return std::all_of(history.begin(), history.end(),
                       [&](auto& epoch) { return epoch.validation < history.back().validation || &epoch == &history.back(); });
  };
  // A rate that is too high: the accuracy goes up and down.
  std::string run = "1";
  const auto train = [&] {
    digits.train(run, {"--epochs", "4", "--rate", "0.1", "--schedule", "constant", "--warm-up", "0", "--seed", run});
  };
  for (train(); is_best(run) && run != "9"; train()) ++run[0];
  REQUIRE_FALSE(is_best(run));
  const std::string trained = digits.out;
  REQUIRE(digits.run({"eval", digits.folder / (run + "/best.safetensors"), "--data", digits.folder / "."}) == exit_done);
  CHECK(trained.starts_with(digits.out.substr(0, digits.out.size() - 1) + " validation_accuracy="));
  const std::string best = digits.out;
  REQUIRE(digits.run({"eval", digits.folder / (run + "/last.safetensors"), "--data", digits.folder / "."}) == exit_done);
  CHECK(digits.out != best);
}

TEST_CASE("a net that read pixels by one order reads them so when it is measured") {
  Digits digits;
  for (const char* order : {"--pixels", "--permuted"}) {
    CAPTURE(order);
    digits.train(order, {order, "--epochs", "1", "--images", "61", "--bidirectional"});
    const std::string trained = digits.out;
    REQUIRE(digits.run({"eval", digits.folder / order, "--data", digits.folder / "."}) == exit_done);
    CHECK(trained.starts_with(digits.out.substr(0, digits.out.size() - 1)));
  }
}

TEST_CASE("a training of digits that is resumed keeps what its net looks like and reads, and learns from the same digits") {
  Digits digits;
  digits.train("run", {"--permuted", "--bidirectional", "--epochs", "1", "--images", "61"});
  const auto resumed = [&](std::vector<std::string> more) {
    more.insert(more.begin(),
                {"train", "mnist", "--quiet", "--data", digits.folder / ".", "--resume", digits.folder / "run", "--epochs", "2"});
    const int code = digits.run(more);
    return code == exit_done ? "done" : digits.err;
  };
  const std::string in = ": the training in " + (digits.folder / "run") + " has ";
  CHECK(resumed({"--pixels"}) == "carousel: --pixels yes" + in + "no: must be the same to go on, or left out\n");
  CHECK(resumed({"--images", "62"}) == "carousel: --images 62" + in + "61: must be the same to go on, or left out\n");
  CHECK(resumed({}) == "done");
  CHECK(FitState::from(digits.last("run"), "").epoch == 2);
  CHECK(digits.last("run").metadata.at("permuted") == "yes");

  digits.train("rows", {"--epochs", "1", "--images", "61"});
  std::filesystem::remove_all(digits.folder / "run");
  std::filesystem::rename(digits.folder / "rows", digits.folder / "run");
  CHECK(resumed({"--bidirectional"}) == "carousel: --bidirectional yes" + in + "no: must be the same to go on, or left out\n");
  test::write_text(digits.folder / "train-labels-idx1-ubyte", test::label_file(std::string(300, '\1')));
  CHECK(resumed({}) == "carousel: " + (digits.folder / "run/last.safetensors") + ": saved for other data than MNIST of " +
                           (digits.folder / ".") + ": must be the same to go on\n");
}

TEST_CASE("a training of digits with what cannot be is refused in one line") {
  Digits digits;
  const auto refused = [&](std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), {"train", "mnist", "--out", digits.folder / "run"});
    CHECK(digits.run(arguments) == exit_wrong_usage);
    CHECK(digits.out.empty());
    return digits.err;
  };
  const std::string data = digits.folder / ".", none = digits.folder / "none";
  CHECK(refused({"--data", none}) ==
        "carousel: --data " + none + ": there is no train-images-idx3-ubyte, with or without .gz, neither here nor in mnist/\n");
  CHECK(refused({"--data", data, "--images", "301"}) ==
        "carousel: --images 301: the training set has 300: must be at most that\n");
  CHECK(refused({"--data", data, "--validation", "300"}) ==
        "carousel: --validation 300: there are 300 images to train on: must be fewer than these\n");
  CHECK(refused({"--data", data, "--shift", "28"}) == "carousel: --shift 28: must be a whole number of 0 to 27\n");
  CHECK(refused({"--data", data, "--preset", "source", "--seed", "4294967296"}) ==
        "carousel: --seed 4294967296: preset source draws as numpy does: must be at most 4294967295\n");
  test::write_text(digits.folder / "t10k-labels-idx1-ubyte", test::label_file(std::string(100, '\x0a')));
  CHECK(refused({"--data", data}) == "carousel: read " + data + "/t10k-labels-idx1-ubyte: label 10 of image 0: must be 0 to 9\n");
}
