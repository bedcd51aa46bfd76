/// A net that learns to write, character by character: Karpathy's char-rnn (2015).

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <filesystem>
#include <limits>
#include <memory>
#include <optional>

#include <fmt/format.h>

#include <carousel/lib/training/checkpoint.hpp>
#include <carousel/lib/utf8.hpp>
#include <carousel/models/losses/loss.hpp>
#include <carousel/ops/shape.hpp>
#include <carousel/tasks/base/interrupt.hpp>
#include <carousel/tasks/base/metric.hpp>
#include <carousel/tasks/base/progress.hpp>
#include <carousel/tasks/base/task.hpp>
#include <carousel/tasks/base/text.hpp>
#include <carousel/tasks/runs/run_folder.hpp>
#include <carousel/tasks/text/model.hpp>
#include <carousel/tasks/text/predict.hpp>
#include <carousel/tasks/text/views.hpp>
#include <carousel/tasks/training/arguments.hpp>
#include <carousel/tasks/training/training.hpp>

// The built-in text, as it stands in the tree.
__asm__(
    ".section .rodata\n"
    ".global carousel_text_begin\n"
    ".global carousel_text_end\n"
    "carousel_text_begin: .incbin \"" CAROUSEL_DEFAULT_TEXT
    "\"\n"
    "carousel_text_end: .byte 0\n"
    ".text\n");
extern "C" const char carousel_text_begin[], carousel_text_end[];

namespace carousel {

namespace {

constexpr const char* shelf = "text";  // the folder of texts, in the folder of data sets

std::vector<Preset<TrainOptions>> presets() {
  TrainOptions usual, source;
  usual.epochs = 10, usual.hidden = 256, usual.batch = 16, usual.steps = 50, usual.rate = 7e-3, usual.clip = 1,
  usual.schedule = "cosine", usual.warm_up = 50, usual.final_rate = 0.02;
  source.epochs = 50, source.hidden = 128, source.layers = 2, source.batch = 50, source.steps = 50, source.rate = 2e-3,
  source.clip = 5, source.clip_elements = true, source.optimizer = "rmsprop", source.schedule = "exponential";
  return {{"default", "our tuned settings: small batches, Adam, a rate that falls along a cosine", usual},
          {"source", "char-rnn's defaults", source}};
}

Arguments<TrainOptions> arguments() {
  Arguments<TrainOptions> all("text", presets());
  all.add("--input", "FILE", &TrainOptions::input,
          "text to learn from, UTF-8, or the name of one in text/ of the folder of data sets; none: a text of our own, built in",
          {.is_path = true, .shelf = shelf})
      .add_threads()
      .add_net({.one_way = "the model would see the character it has to predict", .dropout = dropped_each})
      .add("--steps", "N", &TrainOptions::steps, "characters of each stream per update", size_rule())
      .add_training({.batch = "streams read side by side",
                     .clip = "bound of the gradient's norm; source: of each of its elements; 0: none"});
  return all;
}

std::string input_name(const std::string& path) {
  return path.empty() ? "the built-in text" : path;
}

/// A text without its byte order mark, unless that is among the characters that a model knows: one that was trained before the
/// mark was dropped.
std::string text_of(const std::string& path, bool quiet, std::string_view known = "") {
  std::string text = read_file(path);
  if (!starts_with_mark(text) || known.find(byte_order_mark) != std::string_view::npos) return text;
  if (!quiet) note(path + " begins with a byte order mark, which is not read");
  text.erase(0, byte_order_mark.size());
  return text;
}

std::string input_text(const std::string& path, bool quiet, std::string_view known = "") {
  return path.empty() ? std::string(carousel_text_begin, carousel_text_end) : text_of(path, quiet, known);
}

/// What tells one text from another.
std::string identity_of(std::string_view text) {
  return fmt::format("{} bytes, hash {:016x}", text.size(), detail::hash(text));
}

/// The mean loss over the characters of the validation part, read from a state of zeros on.
double validation_loss(const TextModel& model, const Streams& streams, Tape<float>& tape) {
  const Activation<float> active(tape);
  const NoGrad<float> no_gradient;
  const Index batch = streams.batch(), steps = streams.steps();
  TextState state = model.start(batch);
  std::vector<std::uint32_t> inputs(static_cast<std::size_t>(batch * steps));
  std::vector<Index> targets(inputs.size());
  double sum = 0;
  for (Index at = streams.train_batches(); at < streams.batches(); ++at) {
    tape.clear();
    streams.fill(at, 0, batch, inputs.data(), targets.data());
    sum += static_cast<double>(cross_entropy(model(inputs.data(), steps, batch, state), targets).item());
  }
  return sum / static_cast<double>(streams.batches() - streams.train_batches());
}

/// A training: the streams of a text, a model, and the states that its shards carry from batch to batch.
class Training {
 public:
  Training(const TrainOptions& options, Vocabulary vocabulary, Streams streams)
      : options_(options),
        source_(options.preset == "source"),
        random_(static_cast<std::uint64_t>(options.seed)),
        model_(Scope<float>(registry_, random_), options, std::move(vocabulary), cell_options(), readout_options()),
        streams_(std::move(streams)),
        optimizer_(optimizer()) {
    const int shards = options.shards();
    for (Index s = 0; s < shards; ++s) {
      const Shard shard{s, shards};
      states_.push_back(model_.start(shard.last(options.batch) - shard.first(options.batch)));
      const auto places = static_cast<std::size_t>((shard.last(options.batch) - shard.first(options.batch)) * options.steps);
      inputs_.emplace_back(places);
      targets_.emplace_back(places);
    }
    next_states_ = states_;
  }

  int run(const std::string& about, const std::string& identity, Index characters) {
    const Index batches = streams_.train_batches();
    return train_model<float>(
        options_,
        {.about = about,
         .parts = {.unit = fmt::format("batches of its {} characters ({} different)", characters, model_.vocabulary.size()),
                   .train = batches,
                   .validation = streams_.batches() - batches},
         .identity = identity,
         .metadata = {{"vocabulary", model_.vocabulary.characters()}},
         .optimizer = *optimizer_,
         .data = {.examples = batches * options_.batch, .batch = options_.batch, .shuffle = false},
         .loss = [this](const Batch& batch, const Shard& shard) { return loss(batch, shard); },
         .loss_scale = loss_scale(),
         .shards = static_cast<int>(states_.size()),
         .explosion = 3,
         .validation = {.name = "validation_loss", .measure = [this] { return validation_loss(model_, streams_, validation_); }},
         .after_step = [this](const StepReport&) { states_.swap(next_states_); },
         .save = [this](Safetensors& file) { put_states(file); },
         .restore = [this](const Safetensors& file) { take_states(file); },
         .views = [this](Views& views) { add_text_views(views, model_, streams_); },
         .sample = [this](const std::string& cell) { return sample(cell); },
         .result = [this](const TrainOutcome& trained) { return result(trained); },
         .baseline = frequency_baseline(streams_, model_.vocabulary.size())});
  }

 private:
  /// Losses are per character in reports; the source sums over time for its gradient.
  double loss_scale() const { return source_ ? static_cast<double>(options_.steps) : 1; }

  std::vector<Metric> result(const TrainOutcome& trained) const {
    constexpr double temperature = 0.7;
    std::string sample;
    sample_text(model_, {.length = 400, .temperature = temperature}, [&](const std::string& character) {
      sample += character;
      return true;
    });
    note(fmt::format("what it writes at temperature {} (carousel sample: at 1, or --temperature T):", temperature));
    print(sample + "\n");
    std::vector<Metric> metrics = {{"validation_loss", trained.best},
                                   {"train_loss", trained.last.loss},
                                   {"bits_per_character", trained.best / std::log(2.0)}};
    if (trained.milliseconds_per_batch) metrics.push_back({"ms_per_batch", *trained.milliseconds_per_batch});
    return metrics;
  }

  /// The beginning of the validation part, and the loss of what follows on it.
  Sample<float> sample(const std::string& cell) const {
    const auto net = net_for<float>(cell, model_, [&](Registry<float>& registry) {
      Random random(1);
      return TextModel(Scope<float>(registry, random), with_cell(options_, cell), model_.vocabulary);
    });
    std::vector<std::uint32_t> inputs(static_cast<std::size_t>(streams_.steps()));
    std::vector<Index> targets(inputs.size());
    streams_.fill(streams_.train_batches(), 0, 1, inputs.data(), targets.data());
    inputs.resize(std::min<std::size_t>(inputs.size(), 60));
    Sample<float> sample{.loss =
                             [net, inputs, target = targets[inputs.size() - 1]] {
                               TextState state = net->start(1);
                               const Var<float> logits = (*net)(inputs.data(), std::ssize(inputs), 1, state);
                               return cross_entropy(last(logits), std::span(&target, 1));
                             },
                         .input = {}};
    for (const std::uint32_t symbol : inputs) sample.input.push_back(model_.vocabulary.decode(symbol));
    return sample;
  }

  CellOptions<float> cell_options() const {
    return source_ ? CellOptions<float>{.forget_bias = 1, .init = init::uniform<float>(-0.08, 0.08)} : CellOptions<float>{};
  }
  LinearOptions<float> readout_options() const {
    if (!source_) return {};
    return {.w = init::uniform<float>(-0.08, 0.08), .b = init::uniform<float>(-0.08, 0.08)};
  }

  std::unique_ptr<Optimizer<float>> optimizer() {
    if (source_ && options_.optimizer == "rmsprop")
      return std::make_unique<RmsProp<float>>(registry_, RmsPropOptions{.rate = options_.rate, .alpha = 0.95});
    return make_optimizer(options_.optimizer, registry_, options_.rate);
  }

  /// Calls f(name, tensor) for every tensor of the states that the shards carry.
  template <class F>
  void for_each_state(F f) {
    for (std::size_t s = 0; s < states_.size(); ++s)
      for (std::size_t layer = 0; layer < states_[s].size(); ++layer) {
        const std::span<Tensor<float>> members = states_[s][layer].tensors();
        for (std::size_t m = 0; m < members.size(); ++m) f(fmt::format("text:state/{}/{}/{}", s, layer, m), members[m]);
      }
  }
  void put_states(Safetensors& file) {
    for_each_state([&](const std::string& name, const Tensor<float>& state) { file.tensors[name] = from_tensor(state); });
  }
  void take_states(const Safetensors& file) {
    for_each_state([&](const std::string& name, Tensor<float>& state) {
      state = detail::tensor_of<float>(file, name, shape_of(state), detail::last_file(options_.out));
    });
  }

  Var<float> loss(const Batch& batch, const Shard& shard) {
    const auto s = static_cast<std::size_t>(shard.index);
    const Index from = shard.first(options_.batch), to = shard.last(options_.batch);
    streams_.fill(batch.index, from, to, inputs_[s].data(), targets_[s].data());
    TextState& state = next_states_[s] = states_[s];
    // A net that never starts afresh while it learns may not know how to: now and then all streams do. (char-rnn does not.)
    constexpr std::uint32_t batches_between_starts = 32;
    if (!source_ && random_bits(batch.key, 0) % batches_between_starts == 0)
      for (Kept<AnyState<float>>& layer : state)
        for (Tensor<float>& member : layer.tensors()) std::fill_n(member.data(), member.size(), 0.0F);
    const DropoutKey key{.seed = batch.key, .step = 0, .first_example = from, .batch_axis = 1};
    const Var<float> logits = model_(inputs_[s].data(), options_.steps, to - from, state, options_.dropout, key);
    const double characters = static_cast<double>(options_.batch * options_.steps) / loss_scale();
    return cross_entropy(logits, targets_[s], {.divide_by = characters});
  }

  TrainOptions options_;
  bool source_;  // char-rnn's own initialisation, clipping and rates
  Registry<float> registry_;
  Random random_;
  TextModel model_;
  Streams streams_;
  std::unique_ptr<Optimizer<float>> optimizer_;
  std::vector<TextState> states_, next_states_;  // before and after the step that runs: a step that fails changes nothing
  std::vector<std::vector<std::uint32_t>> inputs_;
  std::vector<std::vector<Index>> targets_;
  Tape<float> validation_{Tape<float>::Idle{}};
};

int train(const TrainOptions& options) {
  const auto resumed = options.resumed.find("vocabulary");
  const std::string text = input_text(options.input, options.quiet, resumed == options.resumed.end() ? "" : resumed->second),
                    name = input_name(options.input);
  const Vocabulary vocabulary = Vocabulary::of(text, name);
  std::vector<std::uint32_t> symbols = vocabulary.encode(text, name);
  const Index characters = std::ssize(symbols);
  Streams streams(std::move(symbols), options.batch, options.steps, 0.95, name);
  return Training(options, vocabulary, std::move(streams)).run(last_name(name), identity_of(text), characters);
}

/// The model that a checkpoint holds.
struct Loaded {
  Registry<float> registry;
  Random random{1};
  TextModel model;

  Loaded(const Safetensors& checkpoint, const std::string& file)
      : model(Scope<float>(registry, random), arguments().read(checkpoint, file), vocabulary(checkpoint, file)) {
    load(registry, checkpoint, file);
  }

 private:
  static Vocabulary vocabulary(const Safetensors& checkpoint, const std::string& file) {
    return Vocabulary::of(detail::saved_value(checkpoint.metadata, "vocabulary", file), file);
  }
};

/// The loss per character over a text, read as one stream.
int evaluate_whole(const TextModel& model, const std::string& path, bool quiet) {
  const std::vector<std::uint32_t> symbols = model.vocabulary.encode(text_of(path, quiet, model.vocabulary.characters()), path);
  if (symbols.size() < 2) bad_file("read ", path, ": has ", symbols.size(), " characters: must be at least 2");
  constexpr std::size_t chunk = 256;
  Tape<float> tape;
  const NoGrad<float> no_gradient;
  TextState state = model.start(1);
  double sum = 0;
  std::vector<Index> targets;
  for (std::size_t at = 0; at + 1 < symbols.size(); at += chunk) {
    const std::size_t count = std::min(chunk, symbols.size() - 1 - at);
    tape.clear();
    targets.assign(symbols.begin() + static_cast<std::ptrdiff_t>(at + 1),
                   symbols.begin() + static_cast<std::ptrdiff_t>(at + 1 + count));
    const Var<float> logits = model(symbols.data() + at, static_cast<Index>(count), 1, state);
    sum += static_cast<double>(cross_entropy(logits, targets, {.divide_by = 1}).item());
  }
  const double loss = sum / static_cast<double>(symbols.size() - 1);
  return print_result("text", {{"loss", loss}, {"bits_per_character", loss / std::log(2.0)}, {"perplexity", std::exp(loss)}});
}

/// The loss per character over the validation part of the text that the model was trained on, as the training measured it.
int evaluate_validation(const TextModel& model, const EvalOptions& options) {
  const Metadata& metadata = options.checkpoint.metadata;
  const auto input = metadata.find("input");
  const std::string path = input == metadata.end() ? "" : input->second, name = input_name(path);
  const auto refuse = [&](const char* what) {
    bad_file(options.file, ": trained on ", name, ", which ", what, ": put it back as it was, or give another text with --input");
  };
  if (!path.empty() && !std::filesystem::exists(path)) refuse("is gone");
  const std::string text = input_text(path, options.quiet, model.vocabulary.characters());
  if (detail::saved_value(metadata, "identity", options.file) != identity_of(text)) refuse("has changed since then");
  const TrainOptions saved = arguments().read(options.checkpoint, options.file);
  Tape<float> tape{Tape<float>::Idle{}};
  const double loss =
      validation_loss(model, Streams(model.vocabulary.encode(text, name), saved.batch, saved.steps, 0.95, name), tape);
  return print_result("text",
                      {{"validation_loss", loss}, {"bits_per_character", loss / std::log(2.0)}, {"perplexity", std::exp(loss)}});
}

int evaluate(const EvalOptions& options) {
  const Loaded loaded(options.checkpoint, options.file);
  return options.input ? evaluate_whole(loaded.model, detail::find_on_shelf(*options.input, shelf), options.quiet)
                       : evaluate_validation(loaded.model, options);
}

/// The texts of a folder of data sets.
std::vector<std::string> texts_in(const std::string& data) {
  std::vector<std::string> files;
  std::error_code not_there;
  for (const auto& file : std::filesystem::directory_iterator(data + "/" + shelf, not_there))
    if (file.is_regular_file(not_there) && file.path().extension() == ".txt") files.push_back(file.path().string());
  std::sort(files.begin(), files.end());
  return files;
}

int sample(const SampleOptions& options) {
  const Loaded loaded(options.checkpoint, options.file);
  TextSampling sampling{.argmax = options.argmax, .seed = static_cast<std::uint64_t>(options.seed)};
  if (options.length) sampling.length = *options.length;
  if (options.temperature) sampling.temperature = *options.temperature;
  if (options.prime) sampling.prime = *options.prime;
  watch_for_interrupt();
  sample_text(loaded.model, sampling, [](const std::string& character) {
    std::fwrite(character.data(), 1, character.size(), stdout);  // it may be a NUL
    return !interrupted();
  });
  std::fputc('\n', stdout);
  return interrupted() ? exit_interrupted : exit_done;
}

}  // namespace

namespace tasks {
Task text() {
  return {
      .name = "text",
      .about = "learns to write like a text, character by character: Karpathy's char-rnn",
      .example = "carousel train text --input shakespeare.txt",
      .train = [](CLI::App& app) { return arguments().declare(app, train); },
      .eval = evaluate,
      .sample = sample,
      .predict = [](const PredictOptions& o) { return predict_text(Loaded(o.checkpoint, o.file).model, o); },
      .eval_takes = {"--input"},
      .sample_takes = {"--length", "--temperature", "--prime", "--argmax", "--seed"},
      .predict_takes = {"--input", "--length", "--temperature", "--argmax", "--seed"},
      .predict_about = text_prediction,
      .data =
          OutsideData{
              .what = "a text in UTF-8", .option = "--input FILE", .without = "a text of our own, built in", .find = texts_in},
      .next = {{"carousel train text --input FILE", "learn from a text of your own"},
               {"carousel sample runs/text-… --temperature 0.5", "let the net write more"}}};
}
}  // namespace tasks

}  // namespace carousel
