#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>

#include <doctest/doctest.h>

#include <carousel/lib/training/checkpoint.hpp>
#include <carousel/lib/training/fit.hpp>
#include <carousel/models/losses/loss.hpp>
#include <carousel/tasks/base/interrupt.hpp>
#include <carousel/tasks/commands/program.hpp>
#include <carousel/tasks/text/model.hpp>
#include <carousel/tasks/training/training.hpp>

#include "tests/support/values.hpp"
#include "tests/tasks/written.hpp"

using namespace carousel;

namespace {

struct Ran {
  int code = -1;
  std::string out, err;
};

Ran run(const std::vector<std::string>& arguments) {
  Ran ran;
  ran.out = test::written_to(STDOUT_FILENO,
                             [&] { ran.err = test::written_to(STDERR_FILENO, [&] { ran.code = run_program(arguments); }); });
  return ran;
}

/// A training on `text`, and what it saved last.
struct Trained {
  test::Folder folder;
  std::string input = folder / "text.txt", out = folder / "run", last = folder / "run/last.safetensors";
  Ran ran;

  Trained(const std::string& text, const std::vector<std::string>& options) {
    test::write_text(input, text);
    train(options);
  }
  void train(const std::vector<std::string>& options) { run_train(options, "--out"); }
  void resume(const std::vector<std::string>& options) { run_train(options, "--resume"); }
  void run_train(const std::vector<std::string>& options, const char* into) {
    std::vector<std::string> arguments{"train", "text", "--quiet", "--input", input, into, out};
    arguments.insert(arguments.end(), options.begin(), options.end());
    ran = run(arguments);
    CAPTURE(ran.err);
    REQUIRE(ran.code == exit_done);
  }

  Safetensors checkpoint() const { return read_safetensors(last); }
  std::vector<EpochReport> history() const { return FitState::from(checkpoint(), last).history; }
  Tensor<float> parameter(const std::string& path) const { return to_tensor<float>(checkpoint().tensors.at(path), path); }
};

/// The model that a checkpoint holds.
struct Loaded {
  Registry<float> registry;
  Random random{1};
  Safetensors file;
  TextModel model;

  explicit Loaded(const std::string& path)
      : file(read_safetensors(path)),
        model(Scope<float>(registry, random), options(file.metadata), Vocabulary::of(file.metadata.at("vocabulary"), path)) {
    load(registry, file, path);
  }

 private:
  static TrainOptions options(const Metadata& metadata) {
    return {.cell = metadata.at("cell"), .hidden = std::stol(metadata.at("hidden")), .layers = std::stol(metadata.at("layers"))};
  }
};

std::string random_text(std::size_t length, std::string_view characters, std::uint64_t seed = 1) {
  Random random(seed);
  std::string text;
  // Each character depends on the one two before it: what a net without a state cannot see.
  for (std::size_t i = 0; i < length; ++i) {
    const auto drawn = static_cast<std::size_t>(random.below(static_cast<std::int64_t>(characters.size())));
    text +=
        i < 2 || random.uniform() < 0.2 ? characters[drawn] : characters[(characters.find(text[i - 2]) + 1) % characters.size()];
  }
  return text;
}

/// The loss per character of some batches, read on from a state.
double loss_of(const TextModel& model, const Streams& streams, Index from, Index to, TextState& state) {
  const auto size = static_cast<std::size_t>(streams.batch() * streams.steps());
  std::vector<std::uint32_t> inputs(size);
  std::vector<Index> targets(size);
  double sum = 0;
  for (Index batch = from; batch < to; ++batch) {
    Tape<float> tape;
    streams.fill(batch, 0, streams.batch(), inputs.data(), targets.data());
    const Var<float> logits = model(inputs.data(), streams.steps(), streams.batch(), state);
    sum += static_cast<double>(cross_entropy(logits, targets).item());
  }
  return sum / static_cast<double>(to - from);
}

double number_after(const std::string& text, const std::string& name) {
  const std::size_t at = text.find(name);
  REQUIRE(at != std::string::npos);
  return std::strtod(text.c_str() + at + name.size(), nullptr);
}

// So low a rate changes no parameter: what is saved is what the training began with.
const std::vector<std::string> still = {"--rate", "1e-30"};

std::vector<std::string> operator+(std::vector<std::string> a, const std::vector<std::string>& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}

}  // namespace

TEST_CASE("as in char-rnn, every parameter starts uniform in ±0.08, and the forget gates' biases at 1") {
  std::string characters;
  for (char c = '\n'; c < '\n' + 65; ++c) characters += c;
  const Trained trained(characters + characters + characters,
                        {"--preset", "source", "--epochs", "1", "--batch", "2", "--steps", "16", "--rate", "1e-30"});
  const Loaded loaded(trained.last);
  CHECK(loaded.registry.elements() == 240321 - 2 * 512);
  CHECK(loaded.model.vocabulary.characters() == characters);
  for (const Parameter<float>& p : loaded.registry) {
    CAPTURE(p.path);
    std::vector<float> drawn(p.value.begin(), p.value.end());
    if (p.path.ends_with("/b") && p.path.starts_with("layer")) {
      CHECK(std::all_of(drawn.begin() + 128, drawn.begin() + 256, [](float x) { return x == 1; }));
      drawn.erase(drawn.begin() + 128, drawn.begin() + 256);
    }
    const auto [least, most] = std::minmax_element(drawn.begin(), drawn.end());
    CHECK(*least >= -0.08F);
    CHECK(*least < -0.07F);
    CHECK(*most > 0.07F);
    CHECK(*most <= 0.08F);
    double sum = 0, squares = 0;
    for (double x : drawn) sum += x, squares += x * x;
    const auto n = static_cast<double>(drawn.size());
    CHECK(std::abs(sum / n) < 4 * 0.08 / std::sqrt(3 * n));
    CHECK(squares / n == doctest::Approx(0.08 * 0.08 / 3).epsilon(4 / std::sqrt(n)));
  }
}

TEST_CASE("as in char-rnn, gradients are summed over time and cut at 5, and the rate falls after the tenth epoch") {
  // One batch an epoch, all a: the gradient of the bias of a is 64 (p − 1), far below −5.
  Trained trained(std::string(127, 'a').append("b"), {"--preset", "source", "--optimizer", "sgd", "--hidden", "2", "--layers",
                                                      "1", "--batch", "1", "--steps", "64", "--epochs", "1"});
  Tensor<float> before = trained.parameter("readout/b");
  for (int epoch = 2; epoch <= 14; ++epoch) {
    CAPTURE(epoch);
    trained.resume({"--epochs", std::to_string(epoch)});
    const Tensor<float> after = trained.parameter("readout/b");
    const double step = 5 * 2e-3 * std::pow(0.97, std::max(0, epoch - 10));
    CHECK(static_cast<double>(after.data()[0] - before.data()[0]) == doctest::Approx(step).epsilon(1e-4));
    CHECK(static_cast<double>(after.data()[1] - before.data()[1]) == doctest::Approx(-step).epsilon(1e-4));
    before = after;
  }
}

TEST_CASE("as in char-rnn, training carries the state through all batches and epochs, and validation starts from zeros") {
  const std::string text = random_text(20 * 4 * 5, "\nabcde");
  const Trained trained(text,
                        still + std::vector<std::string>{"--preset", "source", "--batch", "4", "--steps", "5", "--epochs", "2"});
  const EpochReport last = trained.history().back();
  REQUIRE(last.epoch == 1);
  const Loaded loaded(trained.last);
  const Streams streams(loaded.model.vocabulary.encode(text, ""), 4, 5);
  REQUIRE(streams.train_batches() == 19);
  TextState state = loaded.model.start(4);
  const double cut = loss_of(loaded.model, streams, 0, 19, state), carried = loss_of(loaded.model, streams, 0, 19, state);
  const double validation_carried = loss_of(loaded.model, streams, 19, 20, state);
  state = loaded.model.start(4);
  const double validation = loss_of(loaded.model, streams, 19, 20, state);
  CHECK(std::abs(cut / carried - 1) > 5e-6);  // else the next lines would say nothing
  CHECK(std::abs(validation_carried / validation - 1) > 1e-5);
  CHECK(last.loss / 5 == doctest::Approx(carried).epsilon(1e-6));
  CHECK(last.validation == doctest::Approx(validation).epsilon(1e-6));
}

TEST_CASE("dropout acts in training and not in validation") {
  const std::string text = random_text(20 * 4 * 5, "\nabcde");
  for (const char* const preset : {"source", "default"}) {
    CAPTURE(preset);
    const auto options =
        still + std::vector<std::string>{"--preset", preset, "--epochs", "1", "--hidden", "8", "--batch", "4", "--steps", "5"};
    const Trained without(text, options), with(text, options + std::vector<std::string>{"--dropout", "0.5"});
    CHECK(with.history()[0].validation == without.history()[0].validation);
    CHECK(with.history()[0].loss != without.history()[0].loss);
  }
}

TEST_CASE("a seed decides all bits, on one thread and on two") {
  const std::string text = random_text(20 * 4 * 5, "\nabcde");
  const std::vector<std::string> options{"--epochs", "2", "--hidden", "8", "--batch", "4", "--steps", "5", "--dropout", "0.2"};
  const Trained one(text, options), again(text, options), two(text, options + std::vector<std::string>{"--threads", "2"}),
      other(text, options + std::vector<std::string>{"--seed", "2"});
  CHECK(one.ran.out.substr(0, one.ran.out.find(" ms_per_batch")) == again.ran.out.substr(0, again.ran.out.find(" ms_per_batch")));
  CHECK(one.checkpoint().tensors == again.checkpoint().tensors);
  CHECK(one.checkpoint().tensors == two.checkpoint().tensors);
  CHECK(one.checkpoint().tensors != other.checkpoint().tensors);
}

TEST_CASE("a training that is resumed ends with the bits of one that ran through") {
  const std::string text = random_text(20 * 4 * 5, "\nabcde");
  const std::vector<std::string> options{"--preset", "source",  "--hidden", "8",         "--batch",
                                         "4",        "--steps", "5",        "--dropout", "0.2"};
  const Trained straight(text, options + std::vector<std::string>{"--epochs", "3"});
  Trained resumed(text, options + std::vector<std::string>{"--epochs", "1"});
  CHECK(resumed.checkpoint().tensors != straight.checkpoint().tensors);
  resumed.resume(options + std::vector<std::string>{"--epochs", "3"});
  CHECK(resumed.checkpoint().tensors == straight.checkpoint().tensors);
}

TEST_CASE("a text is learned, and what was learned can be evaluated and sampled") {
  std::string text;
  for (int i = 0; i < 400; ++i) text += "abc";
  const Trained trained(text, {"--epochs", "5", "--hidden", "16", "--batch", "4", "--steps", "10"});
  const EpochReport last = trained.history().back();
  const std::string& out = trained.ran.out;
  CHECK(last.validation < 0.1);
  const std::size_t result = out.find("\n\nresult: text validation_loss=");
  CHECK(result == 400);  // a sample before it
  CHECK(number_after(out, "\nresult: text validation_loss=") == doctest::Approx(last.validation).epsilon(1e-5));
  CHECK(number_after(out, " bits_per_character=") == doctest::Approx(last.validation / std::log(2.0)).epsilon(1e-5));
  CHECK(number_after(out, " train_loss=") == doctest::Approx(last.loss).epsilon(1e-5));
  CHECK(out.ends_with('\n'));

  const Ran sampled = run({"sample", trained.out, "--prime", "ab", "--length", "7", "--argmax"});
  CHECK(sampled.code == exit_done);
  CHECK(sampled.out == "abcabcabc\n");
  CHECK(run({"sample", trained.out, "--seed", "3"}).out == run({"sample", trained.out, "--seed", "3"}).out);

  const std::string other = trained.folder / "other.txt", read = random_text(700, "abc", 2);
  test::write_text(other, read);
  const Ran evaluated = run({"eval", trained.last, "--input", other});
  CHECK(evaluated.code == exit_done);
  const Loaded loaded(trained.last);
  const std::vector<std::uint32_t> symbols = loaded.model.vocabulary.encode(read, "");
  const std::vector<Index> targets(symbols.begin() + 1, symbols.end());
  Tape<float> tape;
  TextState state = loaded.model.start(1);
  const auto loss = static_cast<double>(cross_entropy(loaded.model(symbols.data(), 699, 1, state), targets).item());
  CHECK(number_after(evaluated.out, "result: text loss=") == doctest::Approx(loss).epsilon(1e-5));
  CHECK(number_after(evaluated.out, " bits_per_character=") == doctest::Approx(loss / std::log(2.0)).epsilon(1e-5));
  CHECK(number_after(evaluated.out, " perplexity=") == doctest::Approx(std::exp(loss)).epsilon(1e-4));
}

TEST_CASE("what is sampled is the text to the last byte, zero bytes too") {
  std::string text;
  for (int i = 0; i < 400; ++i) text += std::string("ab\0", 3);
  const Trained trained(text, {"--epochs", "5", "--hidden", "16", "--batch", "4", "--steps", "10"});
  const Ran sampled = run({"sample", trained.out, "--prime", "ab", "--length", "7", "--argmax"});
  CHECK(sampled.out == std::string("ab\0ab\0ab\0\n", 10));
}

TEST_CASE("a byte order mark is not learned, and a text with one is that without it") {
  const std::string text = random_text(1200, "abc", 2), mark = "\xef\xbb\xbf";
  const Trained with(mark + text, {"--epochs", "1", "--hidden", "4", "--batch", "4", "--steps", "10"}),
      without(text, {"--epochs", "1", "--hidden", "4", "--batch", "4", "--steps", "10"});
  CHECK(Loaded(with.last).model.vocabulary.characters() == "abc");
  const Ran evaluated = run({"eval", with.last});
  CHECK(evaluated.code == exit_done);
  CHECK(evaluated.out == run({"eval", without.last}).out);
  CHECK(evaluated.err.find("begins with a byte order mark, which is not read") != std::string::npos);
  CHECK(run({"eval", with.last, "--quiet"}).err.empty());
  const std::string other = with.folder / "other.txt";
  test::write_text(other, mark + "abcabcabc");
  CHECK(run({"eval", with.last, "--input", other}).code == exit_done);
}

TEST_CASE("a text that cannot be learned from is refused in one line") {
  const test::Folder folder;
  const std::string input = folder / "text.txt";
  const auto refusal = [&](const std::string& text) {
    test::write_text(input, text);
    const Ran ran = run({"train", "text", "--quiet", "--input", input, "--out", folder / "run"});
    CHECK(ran.code == exit_wrong_usage);
    CHECK(ran.out.empty());
    CHECK(std::count(ran.err.begin(), ran.err.end(), '\n') == 1);
    return ran.err;
  };
  const auto too_short = [](const std::string& error, int characters) {
    return error.find(" " + std::to_string(characters) +
                      " characters for batches of 16 streams of 50 steps: must be at least 1600;") != std::string::npos;
  };
  CHECK(too_short(refusal(""), 0));
  CHECK(too_short(refusal("a"), 1));
  CHECK(too_short(refusal("ä€😀"), 3));
  CHECK(too_short(refusal(std::string(1599, 'a')), 1599));
  CHECK(refusal("ab\ncd\xff" + std::string(2000, 'a')) ==
        "carousel: read " + input +
            ": line 2, byte 5: \"\\xff\": must be UTF-8; iconv -f LATIN1 -t UTF-8 makes it so, if that is what it is\n");
  CHECK_FALSE(std::filesystem::exists(folder / "run"));
}
