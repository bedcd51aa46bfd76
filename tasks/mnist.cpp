/// Handwritten digits, read row by row: the MNIST task of fmscole/lstm (lstm_batch_mnist_train.py).

#include <algorithm>
#include <limits>
#include <memory>
#include <utility>

#include <fmt/format.h>

#include <carousel/lib/checkpoint.hpp>
#include <carousel/lib/file.hpp>
#include <carousel/models/loss.hpp>
#include <carousel/tasks/mnist_model.hpp>
#include <carousel/tasks/task.hpp>
#include <carousel/tasks/training.hpp>

namespace carousel {

namespace {

std::vector<Preset<MnistOptions>> presets() {
  MnistOptions usual, source;
  usual.epochs = 10, usual.hidden = 128, usual.batch = 64, usual.rate = 3e-3, usual.clip = 1, usual.dropout = 0.2;
  usual.schedule = "cosine", usual.shift = 2, usual.validation = 2000;
  source.cell = "lstm-linear", source.epochs = 5, source.seed = 0, source.hidden = 100, source.batch = 10;
  source.optimizer = "sgd", source.rate = 0.001, source.readout_rate = 0.05;
  return {{"default", "the best that we know: moved images, dropout, Adam, a rate that falls along a cosine", usual},
          {"source", "in double, the start, the order and the descent of the original, whose lines it prints digit for digit",
           source}};
}

/// The digits to train on and to test with: MNIST where it is, else drawn ones, as many as that to train on. A folder that was
/// named must have it.
DigitSets digit_sets(const std::string& data, Index drawn_images) {
  if (!data.empty()) {
    if (const std::optional<std::string> folder = find_mnist(data)) return read_mnist(*folder);
    if (data != detail::data_folder())
      bad_file("--data ", data, ": there is no train-images-idx3-ubyte, with or without .gz, neither here nor in mnist/");
  }
  return drawn_sets(drawn_images);
}

/// What tells one training set from another.
std::string identity_of(const DigitImages& images) {
  const std::string_view pixels(reinterpret_cast<const char*>(images.pixels.data()), images.pixels.size());
  const std::string_view labels(reinterpret_cast<const char*>(images.labels.data()), images.labels.size());
  return fmt::format("{} images, hash {:016x}", images.count(), mix(detail::hash(pixels), detail::hash(labels)));
}

Metadata metadata_of_mnist(const MnistOptions& options, const DigitSets& sets) {
  Metadata metadata = metadata_of("mnist", options);
  metadata["order"] = options.order();
  metadata["bidirectional"] = options.bidirectional ? "yes" : "no";
  metadata["schedule"] = options.schedule;
  metadata["readout-rate"] = detail::text_of(options.readout_rate);
  metadata["shift"] = detail::text_of(options.shift);
  metadata["images"] = detail::text_of(options.images);
  metadata["validation"] = detail::text_of(options.validation);
  metadata["drawn"] = sets.drawn ? "yes" : "no";
  metadata["digits"] = identity_of(sets.train);
  return metadata;
}

/// Examples and how many of them were taken for what they are.
struct Counts {
  std::int64_t batches = 0, examples = 0, right = 0;

  Counts& operator+=(const Counts& more) {
    batches += more.batches, examples += more.examples, right += more.right;
    return *this;
  }
  double accuracy() const { return static_cast<double>(right) / static_cast<double>(examples); }
};

template <class T>
class Training {
 public:
  Training(const MnistOptions& options, const DigitSets& sets)
      : options_(options),
        sets_(sets),
        images_(sets.train.count() - options.validation),
        model_(registry_, options),
        optimizer_(make_optimizer(options.optimizer, registry_, options.rate)),
        of_shards_(options.preset == "source" ? 1 : 2) {
    if (options.readout_rate > 0) optimizer_->group("readout", {.rate = options.readout_rate});
  }

  Registry<T>& registry() { return registry_; }
  const MnistModel<T>& model() const { return model_; }

  FitResult run(FitOptions fitting) {
    const DataSet data{.examples = images_, .batch = options_.batch, .shuffle = !source()};
    fitting.shards = static_cast<int>(of_shards_.size());
    fitting.clip_norm = options_.clip;
    fitting.explosion = 10;
    if (options_.schedule == "cosine")
      fitting.schedule = WarmUp{.steps = 100, .then = CosineDecay{.steps = data.batches() * options_.epochs, .to = 0.01}};
    if (options_.validation > 0) {
      fitting.validate = [&] { return measure(model_, sets_.train, images_, sets_.train.count()).accuracy(); };
      fitting.higher_is_better = true;
    }
    fitting.save = [&](Safetensors& file) { put_counts(file); };
    Progress progress(options_.quiet);
    fitting.after_step = [&](const StepReport& step) {
      count_step();
      if (progress.due())
        progress.show(fmt::format("epoch {}/{}  batch {}/{}  train_accuracy {:.4f}", step.epoch + 1, options_.epochs,
                                  step.batch + 1, data.batches(), epoch_.accuracy()));
    };
    fitting.after_epoch = [&](const EpochReport& epoch) {
      std::string line = fmt::format("epoch {}/{}  train_loss {:.4f}  train_accuracy {:.4f}", epoch.epoch + 1, options_.epochs,
                                     epoch.loss / loss_scale(), std::exchange(epoch_, {}).accuracy());
      if (options_.validation > 0) line += fmt::format("  validation_accuracy {:.4f}", epoch.validation);
      progress.line(line);
      // It decides nothing, for there is no choice where nothing validates.
      if (options_.validation == 0)
        print(fmt::format("epoch {}: test_accuracy {:.4f}", epoch.epoch + 1,
                          measure(model_, sets_.test, 0, sets_.test.count()).accuracy()));
      return false;
    };
    const auto restore = [&](const Safetensors& file) { take_counts(file); };
    FitState state = start_state(*optimizer_, options_, restore);
    return fit(
        *optimizer_, data, [this](const Batch& batch, const Shard& shard) { return loss(batch, shard); }, fitting,
        std::move(state));
  }

 private:
  bool source() const { return options_.preset == "source"; }
  /// Losses are per image in reports; the source sums over a batch.
  double loss_scale() const { return source() ? static_cast<double>(options_.batch) : 1; }

  Var<T> loss(const Batch& batch, const Shard& shard) {
    const std::span<const Index> numbers = shard.of(batch.examples);
    const Index first = shard.first(static_cast<Index>(batch.examples.size()));
    std::vector<PixelOrder::Shift> shifts;
    if (options_.shift > 0)
      for (std::size_t n = 0; n < numbers.size(); ++n) {
        Random random = Random(batch.key).split("shift").split(static_cast<std::uint64_t>(first) + n);
        const auto any = [&] { return random.below(2 * options_.shift + 1) - options_.shift; };
        shifts.push_back({.right = any(), .down = any()});
      }
    std::vector<Index> labels;
    for (const Index n : numbers) labels.push_back(sets_.train.labels[static_cast<std::size_t>(n)]);

    const DropoutKey key{.seed = batch.key, .step = 0, .first_example = first};
    const Var<T> logits = model_(model_.order().template enter<T>(sets_.train, numbers, shifts), key);
    Counts& counts = of_shards_[static_cast<std::size_t>(shard.index)];
    counts = {.examples = static_cast<std::int64_t>(labels.size())};
    const std::vector<Index> taken_for = likeliest(logits);
    for (std::size_t n = 0; n < labels.size(); ++n) counts.right += taken_for[n] == labels[n];
    return cross_entropy(logits, labels, {.divide_by = source() ? 1 : static_cast<double>(batch.examples.size())});
  }

  void count_step() {
    Counts step{.batches = 1};
    for (Counts& shard : of_shards_) step += std::exchange(shard, {});
    for (Counts* counts : {&all_, &epoch_, &window_}) *counts += step;
    constexpr Index batches_in_window = 101;  // the original prints when it has counted more than a hundred
    if (window_.batches < batches_in_window) return;
    if (source()) print(fmt::format("{} {:.4f}", all_.examples, window_.accuracy()));
    window_ = {};
  }

  void put_counts(Safetensors& file) const {
    std::vector<std::int64_t> numbers;
    for (const Counts* c : {&all_, &epoch_, &window_}) numbers.insert(numbers.end(), {c->batches, c->examples, c->right});
    Tensor<std::int64_t> counts = zeros<std::int64_t>({3, 3});
    std::copy(numbers.begin(), numbers.end(), counts.data());
    file.tensors["mnist:counts"] = from_tensor(counts);
  }
  void take_counts(const Safetensors& file) {
    const Tensor<std::int64_t> counts = detail::tensor_of<std::int64_t>(file, "mnist:counts", {3, 3}, options_.out);
    const std::int64_t* from = counts.data();
    for (Counts* c : {&all_, &epoch_, &window_}) *c = {from[0], from[1], from[2]}, from += 3;
  }

  const MnistOptions& options_;
  const DigitSets& sets_;
  const Index images_;  // to train on: the first of the training set
  Registry<T> registry_;
  MnistModel<T> model_;
  std::unique_ptr<Optimizer<T>> optimizer_;
  std::vector<Counts> of_shards_;  // in the step that runs
  Counts all_, epoch_, window_;
};

void write_text(const std::string& path, const std::string& text) {
  NewFile file(path, text.size());
  file.write(std::as_bytes(std::span(text)));
  file.publish();
}

template <class T>
int train_in(const MnistOptions& options, const DigitSets& sets) {
  Training<T> training(options, sets);
  FitOptions fitting = fit_options(options, metadata_of_mnist(options, sets));
  if (options.validation == 0) fitting.best.clear();  // nothing says which epoch was the best
  if (!options.quiet)
    note(fmt::format("{}: {} images to train on, {} to validate, {} to test; {} of {} {} units, {} parameters", sets.name,
                     sets.train.count() - options.validation, options.validation, sets.test.count(),
                     options.layers == 1 ? "a layer" : fmt::format("{} layers", options.layers), options.hidden, options.cell,
                     training.registry().elements()));
  const std::string best = fitting.best;
  const FitResult result = training.run(std::move(fitting));
  if (const int code = report_end(result, options); code != exit_done) return code;

  if (!best.empty()) load(training.registry(), best);
  const Confusion confusion = measure(training.model(), sets.test, 0, sets.test.count());
  write_text(options.out + "/confusion.txt", text(confusion) + "\n");
  Progress(options.quiet).line(text(confusion));
  note("saved in " + options.out);
  std::vector<Metric> metrics = {{"test_accuracy", confusion.accuracy()}};
  if (options.validation > 0) metrics.push_back({"validation_accuracy", result.state.best});
  print(result_line("mnist", metrics));
  return exit_done;
}

/// What a training that goes on began with, as far as it is not in options with values.
void check_resumed(MnistOptions& options, const DigitImages& images) {
  const auto saved = [&](const char* name) {
    const auto found = options.resumed.find(name);
    return found == options.resumed.end() ? std::string() : found->second;
  };
  if (options.order() == "rows") options.set_order(saved("order"));
  options.bidirectional = options.bidirectional || saved("bidirectional") == "yes";
  detail::check_unchanged("pixels as", options.order(), saved("order"), options.out);
  detail::check_unchanged("bidirectional", options.bidirectional ? "yes" : "no", saved("bidirectional"), options.out);
  if (saved("digits") != identity_of(images))
    bad_file(detail::last_file(options.out), ": saved for other digits than these: must be the same to go on");
}

int train(MnistOptions options) {
  constexpr Index largest_seed = std::numeric_limits<std::uint32_t>::max();
  if (options.preset == "source" && options.seed > largest_seed)
    wrong_argument("--seed ", options.seed, ": preset source draws as numpy does: must be at most ", largest_seed);
  DigitSets sets = digit_sets(options.data, options.images > 0 ? options.images : 12000);
  if (sets.drawn)
    note("no MNIST: --data DIR or $CAROUSEL_DATA names its folder; this is on digits that the program draws, the same each time");
  if (options.images > sets.train.count())
    wrong_argument("--images ", options.images, ": the training set has ", sets.train.count(), ": must be at most that");
  if (options.images > 0) sets.train.keep_first(options.images);
  if (options.validation >= sets.train.count())
    wrong_argument("--validation ", options.validation, ": there are ", sets.train.count(),
                   " images to train on: must be fewer than these");
  if (options.resume) check_resumed(options, sets.train);
  if (options.out.empty()) options.out = new_run_folder("mnist");
  return options.preset == "source" ? train_in<double>(options, sets) : train_in<float>(options, sets);
}

Command declare_training(CLI::App& app) {
  Arguments<MnistOptions> arguments(app, presets());
  constexpr double most_images = 1 << 20;
  arguments.add_data()
      .add_threads()
      .add("--hidden", "N", &TrainOptions::hidden, "units of each layer, in each direction", size_rule())
      .add("--layers", "N", &TrainOptions::layers, "layers", layers_rule())
      .add_flag("--bidirectional", &MnistOptions::bidirectional, "layers that read from the end too")
      .add_flag("--pixels", &MnistOptions::pixels, "784 steps of a pixel each, not 28 of a row")
      .add_flag("--permuted", &MnistOptions::permuted, "784 steps of a pixel each, in one random order")
      .add("--batch", "N", &TrainOptions::batch, "images per update", size_rule())
      .add("--optimizer", "NAME", &TrainOptions::optimizer, "how parameters follow gradients", {.one_of = optimizer_names()})
      .add("--rate", "R", &TrainOptions::rate, "learning rate", {.above = 0})
      .add("--readout-rate", "R", &MnistOptions::readout_rate, "that of the read-out; 0: the same", {.at_least = 0})
      .add("--schedule", "NAME", &MnistOptions::schedule, "how the rate goes on: constant, cosine",
           {.one_of = {"constant", "cosine"}})
      .add("--clip", "C", &TrainOptions::clip, "bound of the gradient's norm; 0: none", {.at_least = 0})
      .add("--dropout", "P", &TrainOptions::dropout, "part of each layer's outputs that is dropped in training",
           {.at_least = 0, .below = 1})
      .add("--shift", "N", &MnistOptions::shift, "pixels by which an image is moved at most, at random, in training",
           {.at_least = 0, .at_most = image_side - 1})
      .add("--images", "N", &MnistOptions::images, "of the training set, its first; 0: all",
           {.at_least = 0, .at_most = most_images})
      .add("--validation", "N", &MnistOptions::validation,
           "of these, the last, to choose the best epoch by; 0: no choice, and a test after each epoch",
           {.at_least = 0, .at_most = most_images});
  return [arguments] { return train(arguments.options()); };
}

template <class T>
int evaluate_in(const MnistOptions& options, const EvalOptions& eval, const DigitSets& sets) {
  Registry<T> registry;
  const MnistModel<T> model(registry, options);
  load(registry, eval.checkpoint, eval.file);
  const Confusion confusion = measure(model, sets.test, 0, sets.test.count());
  Progress(eval.quiet).line(text(confusion));
  print_result("mnist", {{"test_accuracy", confusion.accuracy()}});
  return exit_done;
}

int evaluate(const EvalOptions& eval) {
  MnistOptions options{saved_options(eval.checkpoint, eval.file)};
  const auto one_of = [&](const char* name, const std::vector<std::string>& words) {
    const auto found = eval.checkpoint.metadata.find(name);
    const std::string word = found == eval.checkpoint.metadata.end() ? "none" : found->second;
    if (std::find(words.begin(), words.end(), word) == words.end())
      bad_file(eval.file, ": in its metadata, ", name, " is ", word, ": must be one of ", list_words(words));
    return word;
  };
  options.set_order(one_of("order", PixelOrder::names()));
  options.bidirectional = one_of("bidirectional", {"yes", "no"}) == "yes";
  // A model of drawn digits is measured on drawn ones, unless another folder is named.
  const bool drawn = one_of("drawn", {"yes", "no"}) == "yes" && eval.data == detail::data_folder();
  const DigitSets sets = drawn ? drawn_sets(0) : digit_sets(eval.data, 0);
  if (sets.drawn && !drawn)
    bad_file(eval.file, ": learned from MNIST, which is not there: --data DIR or $CAROUSEL_DATA must name its folder");
  return options.preset == "source" ? evaluate_in<double>(options, eval, sets) : evaluate_in<float>(options, eval, sets);
}

}  // namespace

namespace tasks {
Task mnist() {
  return {.name = "mnist",
          .about = "which digit an image shows, read row by row: MNIST, or drawn digits where there is none",
          .example = "carousel train mnist --data mnist --cell gru",
          .train = declare_training,
          .eval = evaluate,
          .eval_takes = {"--data"}};
}
}  // namespace tasks

}  // namespace carousel
