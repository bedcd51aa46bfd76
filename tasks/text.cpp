/// A net that learns to write, character by character: Karpathy's char-rnn (2015).

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <filesystem>
#include <limits>
#include <optional>

#include <fmt/format.h>

#include <carousel/lib/checkpoint.hpp>
#include <carousel/lib/utf8.hpp>
#include <carousel/models/loss.hpp>
#include <carousel/tasks/task.hpp>
#include <carousel/tasks/text_model.hpp>
#include <carousel/tasks/training.hpp>

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

std::vector<Preset<TrainOptions>> presets() {
  TrainOptions usual, source;
  usual.epochs = 10, usual.hidden = 256, usual.batch = 16, usual.steps = 50, usual.rate = 7e-3, usual.clip = 1;
  source.epochs = 50, source.hidden = 128, source.layers = 2, source.batch = 50, source.steps = 50, source.rate = 2e-3,
  source.clip = 5;
  source.optimizer = "rmsprop";
  return {{"default", "the best that we know: small batches, Adam, a rate that falls along a cosine", usual},
          {"source", "char-rnn's defaults", source}};
}

std::string input_name(const std::string& path) {
  return path.empty() ? "the built-in text" : path;
}

std::string input_text(const std::string& path) {
  return path.empty() ? std::string(carousel_text_begin, carousel_text_end) : read_file(path);
}

/// What tells one text from another.
std::string identity_of(std::string_view text) {
  return fmt::format("{} bytes, hash {:016x}", text.size(), detail::hash(text));
}

bool says(const Metadata& metadata, const char* name, const std::string& value) {
  const auto found = metadata.find(name);
  return found != metadata.end() && found->second == value;
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
    const int shards = static_cast<int>(std::min<Index>(2, options.batch));
    for (Index s = 0; s < shards; ++s) {
      const Shard shard{s, shards};
      states_.push_back(model_.start(shard.last(options.batch) - shard.first(options.batch)));
      const auto places = static_cast<std::size_t>((shard.last(options.batch) - shard.first(options.batch)) * options.steps);
      inputs_.emplace_back(places);
      targets_.emplace_back(places);
    }
    next_states_ = states_;
  }

  Registry<float>& registry() { return registry_; }
  const TrainOptions& options() const { return options_; }
  const Streams& streams() const { return streams_; }

  FitResult run(FitOptions fitting) {
    const Index batches = streams_.train_batches();
    fitting.shards = static_cast<int>(states_.size());
    fitting.explosion = 3;
    fitting.validate = [&] { return validation_loss(model_, streams_, validation_); };
    fitting.save = [&](Safetensors& file) { put_states(file); };
    if (source_) {
      fitting.clip_value = options_.clip;
      fitting.epoch_schedule = ExponentialDecay{.factor = 0.97, .after = 9};
    } else {
      fitting.clip_norm = options_.clip;
      fitting.schedule = WarmUp{.steps = 50, .then = CosineDecay{.steps = batches * options_.epochs, .to = 0.02}};
    }
    Progress progress(options_.quiet);
    auto began = std::chrono::steady_clock::now();
    Index done = 0;  // steps since then
    double smoothed = std::numeric_limits<double>::quiet_NaN();
    fitting.after_step = [&](const StepReport& step) {
      states_.swap(next_states_);
      ++done;
      const double loss = step.loss / loss_scale();
      smoothed = std::isnan(smoothed) ? loss : 0.99 * smoothed + 0.01 * loss;
      if (progress.due())
        progress.show(fmt::format("epoch {}/{}  batch {}/{}  loss {:.3f}", step.epoch + 1, options_.epochs, step.batch + 1,
                                  batches, smoothed));
    };
    fitting.after_epoch = [&](const EpochReport& epoch) {
      std::string line = fmt::format("epoch {}/{}  train_loss {:.4f}  validation_loss {:.4f}", epoch.epoch + 1, options_.epochs,
                                     epoch.loss / loss_scale(), epoch.validation);
      if (done > 0) {
        const std::chrono::duration<double, std::milli> took = std::chrono::steady_clock::now() - began;
        milliseconds_ = took.count() / static_cast<double>(done);
        line += fmt::format("  {:.1f} ms/batch", *milliseconds_);
      }
      progress.line(line);
      began = std::chrono::steady_clock::now();
      done = 0;
      return false;
    };
    const DataSet data{.examples = batches * options_.batch, .batch = options_.batch, .shuffle = false};
    return fit(
        *optimizer_, data, [this](const Batch& batch, const Shard& shard) { return loss(batch, shard); }, fitting,
        start_state(*optimizer_, options_, [&](const Safetensors& file) { take_states(file); }));
  }

  /// Losses are per character in reports; the source sums over time for its gradient.
  double loss_scale() const { return source_ ? static_cast<double>(options_.steps) : 1; }
  /// Of the last epoch; none where none ran.
  std::optional<double> milliseconds_per_batch() const { return milliseconds_; }
  const TextModel& model() const { return model_; }

 private:
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
  std::optional<double> milliseconds_;
};

int train(TrainOptions options) {
  const std::string text = input_text(options.input), name = input_name(options.input);
  const Vocabulary vocabulary = Vocabulary::of(text, name);
  std::vector<std::uint32_t> symbols = vocabulary.encode(text, name);
  const std::size_t characters = symbols.size();
  const std::string identity = identity_of(text);
  if (options.resume && !says(options.resumed, "text", identity))
    bad_file(detail::last_file(options.out), ": saved for another text than ", name, ": must be the same to go on");
  Streams streams(std::move(symbols), options.batch, options.steps, 0.95, name);
  if (options.out.empty()) options.out = new_run_folder("text");
  Metadata metadata = metadata_of("text", options);
  metadata["vocabulary"] = vocabulary.characters();
  metadata["text"] = identity;
  if (!options.input.empty()) {
    const std::string path = std::filesystem::absolute(options.input).lexically_normal();
    if (is_utf8(path)) metadata["input"] = path;  // metadata can hold no other
  }
  FitOptions fitting = fit_options(options, metadata);
  Training training(options, vocabulary, std::move(streams));
  if (!options.quiet)
    note(fmt::format("{}: {} characters, {} different; {} of {} {} units, {} parameters; {} batches to train on, {} to validate",
                     name, characters, vocabulary.size(),
                     options.layers == 1 ? "a layer" : fmt::format("{} layers", options.layers), options.hidden, options.cell,
                     training.registry().elements(), training.streams().train_batches(),
                     training.streams().batches() - training.streams().train_batches()));

  const FitResult result = training.run(std::move(fitting));
  if (const int code = report_end(result, training.options()); code != exit_done) return code;

  std::string sample;
  sample_text(training.model(), {.length = 400, .temperature = 0.7}, [&](const std::string& character) {
    sample += character;
    return true;
  });
  print(sample + "\n");
  const EpochReport& last = result.state.history.back();
  note(fmt::format("saved in {0}; try: carousel sample {0}", training.options().out));
  std::vector<Metric> metrics = {{"validation_loss", last.validation},
                                 {"best_validation_loss", result.state.best},
                                 {"train_loss", last.loss / training.loss_scale()},
                                 {"bits_per_character", last.validation / std::log(2.0)}};
  if (const auto milliseconds = training.milliseconds_per_batch()) metrics.push_back({"ms_per_batch", *milliseconds});
  print(result_line("text", metrics));
  return exit_done;
}

Command declare_training(CLI::App& app) {
  Arguments<TrainOptions> arguments(app, presets());
  arguments
      .add("--input", "FILE", &TrainOptions::input, "text to learn from, UTF-8; none: a text of our own, built in",
           {.may_change = true})  // what counts is what it says
      .add_threads()
      .add("--hidden", "N", &TrainOptions::hidden, "units of each layer", size_rule())
      .add("--layers", "N", &TrainOptions::layers, "layers", layers_rule())
      .add("--batch", "N", &TrainOptions::batch, "streams read side by side", size_rule())
      .add("--steps", "N", &TrainOptions::steps, "characters of each stream per update", size_rule())
      .add("--optimizer", "NAME", &TrainOptions::optimizer, "how parameters follow gradients", {.one_of = optimizer_names()})
      .add("--rate", "R", &TrainOptions::rate, "learning rate", {.above = 0})
      .add("--clip", "C", &TrainOptions::clip, "bound of the gradient's norm; source: of each of its elements; 0: none",
           {.at_least = 0})
      .add("--dropout", "P", &TrainOptions::dropout, "part of each layer's outputs that is dropped in training",
           {.at_least = 0, .below = 1});
  return [arguments] { return train(arguments.options()); };
}

/// The model that a checkpoint holds.
struct Loaded {
  Registry<float> registry;
  Random random{1};
  TextModel model;

  Loaded(const Safetensors& checkpoint, const std::string& file)
      : model(Scope<float>(registry, random), saved_options(checkpoint, file), vocabulary(checkpoint, file)) {
    load(registry, checkpoint, file);
  }

 private:
  static Vocabulary vocabulary(const Safetensors& checkpoint, const std::string& file) {
    const auto found = checkpoint.metadata.find("vocabulary");
    if (found == checkpoint.metadata.end())
      bad_file(file, ": its metadata have no vocabulary: must be saved by carousel train text");
    return Vocabulary::of(found->second, file);
  }
};

/// The loss per character over a text, read as one stream.
int evaluate_whole(const TextModel& model, const std::string& path) {
  const std::vector<std::uint32_t> symbols = model.vocabulary.encode(read_file(path), path);
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
  print_result("text", {{"loss", loss}, {"bits_per_character", loss / std::log(2.0)}, {"perplexity", std::exp(loss)}});
  return exit_done;
}

/// The loss per character over the validation part of the text that the model was trained on, as the training measured it.
int evaluate_validation(const TextModel& model, const EvalOptions& options) {
  const Metadata& metadata = options.checkpoint.metadata;
  const auto input = metadata.find("input");
  const std::string path = input == metadata.end() ? "" : input->second, name = input_name(path);
  const auto refuse = [&](const char* what) {
    bad_file(options.file, ": trained on ", name, ", which ", what, ": must be as it was, or --input FILE gives another text");
  };
  if (!path.empty() && !std::filesystem::exists(path)) refuse("is not there any more");
  const std::string text = input_text(path);
  if (!says(metadata, "text", identity_of(text))) refuse("has changed since then");
  const TrainOptions saved = saved_options(options.checkpoint, options.file);
  Tape<float> tape{Tape<float>::Idle{}};
  const double loss =
      validation_loss(model, Streams(model.vocabulary.encode(text, name), saved.batch, saved.steps, 0.95, name), tape);
  print_result("text", {{"validation_loss", loss}, {"bits_per_character", loss / std::log(2.0)}, {"perplexity", std::exp(loss)}});
  return exit_done;
}

int evaluate(const EvalOptions& options) {
  const Loaded loaded(options.checkpoint, options.file);
  return options.input ? evaluate_whole(loaded.model, *options.input) : evaluate_validation(loaded.model, options);
}

int sample(const SampleOptions& options) {
  const Loaded loaded(options.checkpoint, options.file);
  TextSampling sampling{.argmax = options.argmax, .seed = static_cast<std::uint64_t>(options.seed)};
  if (options.length) sampling.length = *options.length;
  if (options.temperature) sampling.temperature = *options.temperature;
  if (options.prime) sampling.prime = *options.prime;
  watch_for_interrupt();
  sample_text(loaded.model, sampling, [](const std::string& character) {
    std::fputs(character.c_str(), stdout);
    return !interrupted();
  });
  std::fputc('\n', stdout);
  return interrupted() ? exit_interrupted : exit_done;
}

}  // namespace

namespace tasks {
Task text() {
  return {.name = "text",
          .about = "learns to write like a text, character by character: Karpathy's char-rnn",
          .example = "carousel train text --input shakespeare.txt",
          .train = declare_training,
          .eval = evaluate,
          .sample = sample,
          .eval_takes = {"--input"},
          .sample_takes = {"--length", "--temperature", "--prime", "--argmax", "--seed"},
          .next = {{"carousel train text --input FILE", "learn from a text of your own"},
                   {"carousel sample runs/text-… --temperature 0.5", "let the net write more"}}};
}
}  // namespace tasks

}  // namespace carousel
