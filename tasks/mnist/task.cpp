/// Handwritten digits, read row by row: the MNIST task of fmscole/lstm (lstm_batch_mnist_train.py).

#include <algorithm>
#include <cmath>
#include <limits>
#include <memory>
#include <utility>

#include <fmt/format.h>

#include <carousel/lib/training/checkpoint.hpp>
#include <carousel/models/losses/loss.hpp>
#include <carousel/tasks/answers/answers.hpp>
#include <carousel/tasks/answers/image_files.hpp>
#include <carousel/tasks/answers/unsure.hpp>
#include <carousel/tasks/base/idx.hpp>
#include <carousel/tasks/base/interrupt.hpp>
#include <carousel/tasks/base/metric.hpp>
#include <carousel/tasks/base/progress.hpp>
#include <carousel/tasks/base/task.hpp>
#include <carousel/tasks/base/text.hpp>
#include <carousel/tasks/mnist/model.hpp>
#include <carousel/tasks/mnist/own_digits.hpp>
#include <carousel/tasks/mnist/views.hpp>
#include <carousel/tasks/training/arguments.hpp>
#include <carousel/tasks/training/training.hpp>

namespace carousel {

namespace {

std::vector<Preset<MnistOptions>> presets() {
  MnistOptions usual, source;
  usual.epochs = 10, usual.hidden = 128, usual.batch = 64, usual.rate = 3e-3, usual.clip = 1, usual.dropout = 0.2;
  usual.schedule = "cosine", usual.warm_up = 100, usual.shift = 2, usual.validation = 2000;
  source.cell = "lstm-linear", source.epochs = 5, source.seed = 0, source.hidden = 100, source.batch = 10;
  source.optimizer = "sgd", source.rate = 0.001, source.readout_rate = 0.05;
  return {{"default", "our tuned settings: moved images, dropout, Adam, a rate that falls along a cosine", usual},
          {"source", "in double, the start, the order and the descent of the original, whose lines it prints digit for digit",
           source}};
}

Arguments<MnistOptions> arguments() {
  Arguments<MnistOptions> all("mnist", presets());
  constexpr double most_images = 1 << 20;
  all.add_data()
      .add_threads()
      .add_net({.hidden = "units of each layer, in each direction",
                .bidirectional = "layers that read from the end too",
                .dropout = dropped_each})
      .add_flag("--pixels", &MnistOptions::pixels, "784 steps of a pixel each, not 28 of a row")
      .add_flag("--permuted", &MnistOptions::permuted, "784 steps of a pixel each, in one random order")
      .add_training({.batch = "images per update"})
      .add("--readout-rate", "R", &MnistOptions::readout_rate, "learning rate of the read-out; 0: the same", {.at_least = 0})
      .add("--shift", "N", &MnistOptions::shift, "pixels by which an image is moved at most, at random, in training",
           {.at_least = 0, .at_most = image_side - 1})
      .add("--images", "N", &MnistOptions::images, "of the training set, its first; 0: all",
           {.at_least = 0, .at_most = most_images})
      .add("--validation", "N", &MnistOptions::validation,
           "of these, the last, to choose the best epoch by; 0: no choice, and a test after each epoch",
           {.at_least = 0, .at_most = most_images});
  return all;
}

/// The digits to train on and to test with: MNIST where it is, else drawn ones, as many as that to train on. A folder that was
/// named must have it.
DigitSets digit_sets(const std::string& named, Index drawn_images) {
  const std::string data = named.empty() ? detail::data_folder() : named;
  if (!data.empty())
    if (const std::optional<std::string> folder = find_mnist(data)) return read_mnist(*folder);
  if (!named.empty())
    bad_file("--data ", named, ": there is no train-images-idx3-ubyte, with or without .gz, neither here nor in mnist/");
  return drawn_sets(drawn_images);
}

/// What tells one training set from another.
std::string identity_of(const DigitImages& images) {
  const std::string_view pixels(reinterpret_cast<const char*>(images.pixels.data()), images.pixels.size());
  const std::string_view labels(reinterpret_cast<const char*>(images.labels.data()), images.labels.size());
  return fmt::format("{} images, hash {:016x}", images.count(), mix(detail::hash(pixels), detail::hash(labels)));
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
        of_shards_(options.preset == "source" ? 1 : static_cast<std::size_t>(options.shards())) {
    if (options.readout_rate > 0) optimizer_->group("readout", {.rate = options.readout_rate});
  }

  int run() {
    TrainPlan<T> plan{
        .about = sets_.name,
        .parts = {.unit = "images", .train = images_, .validation = options_.validation, .test = sets_.test.count()},
        .identity = identity_of(sets_.train),
        .metadata = {{"drawn", sets_.drawn ? "yes" : "no"}},
        .optimizer = *optimizer_,
        .data = {.examples = images_, .batch = options_.batch, .shuffle = !source()},
        .loss = [this](const Batch& batch, const Shard& shard) { return loss(batch, shard); },
        .loss_scale = source() ? static_cast<double>(options_.batch) : 1,  // the source sums over a batch
        .shards = static_cast<int>(of_shards_.size()),
        .after_step = [this](const StepReport&) { count_step(); },
        .after_epoch = [this](const EpochReport& epoch) { return after_epoch(epoch); },
        .save = [this](Safetensors& file) { put_counts(file); },
        .restore = [this](const Safetensors& file) { take_counts(file); },
        .views = [this](Views& views) { add_views(views); },
        .sample = [this](const std::string& cell) { return mnist_sample(model_, options_, sets_.train, shown_first(), cell); },
        .result = [this](const TrainOutcome& trained) { return test(trained); },
        .baseline = baseline()};
    if (options_.validation > 0)
      plan.validation = {.name = "validation_accuracy", .measure = [this] { return validate(); }, .higher_is_better = true};
    return train_model<T>(options_, plan);
  }

 private:
  bool source() const { return options_.preset == "source"; }

  /// Always the digit that is the most frequent of those to learn from.
  Baseline baseline() const {
    const auto count = [](const std::vector<std::uint8_t>& labels) {
      std::vector<double> counts(10);
      for (const std::uint8_t label : labels) counts[label] += 1;
      return counts;
    };
    const std::vector<double> train = count(sets_.train.labels), test = count(sets_.test.labels);
    const auto most = std::max_element(train.begin(), train.end()) - train.begin();
    double entropy = 0;
    for (const double n : train)
      if (n > 0) entropy -= n / static_cast<double>(sets_.train.count()) * std::log(n / static_cast<double>(sets_.train.count()));
    return {.metric = "test_accuracy",
            .guess = fmt::format("always {}, the most frequent digit", most),
            .value = test[static_cast<std::size_t>(most)] / static_cast<double>(sets_.test.count()),
            .perfect = 1,
            .train_loss = entropy};
  }

  /// The accuracy on the images to validate on; on the way it is measured when an answer is unsure.
  double validate() {
    std::vector<DigitReading> readings;
    const Confusion confusion = measure(model_, sets_.train, images_, sets_.train.count(), &readings);
    std::vector<JudgedAnswer> answers;
    for (std::size_t n = 0; n < readings.size(); ++n)
      answers.push_back(
          {readings[n].probability, readings[n].digit == sets_.train.labels[static_cast<std::size_t>(images_) + n]});
    unsure_below_ = detail::text_of(unsure_threshold(std::move(answers)));
    return confusion.accuracy();
  }

  std::vector<Metric> after_epoch(const EpochReport& epoch) {
    std::vector<Metric> metrics = {{"train_accuracy", std::exchange(epoch_, {}).accuracy()}};
    if (options_.validation == 0) {  // it decides nothing, for there is no choice where nothing validates
      metrics.push_back({"test_accuracy", measure(model_, sets_.test, 0, sets_.test.count()).accuracy()});
      print(fmt::format("epoch {}: test_accuracy {:.4f}", epoch.epoch + 1, metrics.back().value));
    }
    return metrics;
  }

  /// The first image that is shown of a training that did not come to its end: one to validate on, where there is any.
  Index shown_first() const { return options_.validation > 0 ? images_ : std::max<Index>(0, images_ - 1000); }
  void add_views(Views& views) const {
    if (views.done)
      add_mnist_views(views, model_, sets_.test, 0, sets_.test.count());
    else
      add_mnist_views(views, model_, sets_.train, shown_first(), sets_.train.count());
  }

  std::vector<Metric> test(const TrainOutcome& trained) const {
    const Confusion confusion = measure(model_, sets_.test, 0, sets_.test.count());
    write_text(trained.folder + "/confusion.txt", text(confusion) + "\n");
    Progress(options_.quiet).line(text(confusion));
    std::vector<Metric> metrics = {{"test_accuracy", confusion.accuracy()}};
    if (options_.validation > 0) metrics.push_back({"validation_accuracy", trained.best});
    return metrics;
  }

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
    if (!unsure_below_.empty()) file.metadata[unsure_key] = unsure_below_;
  }
  void take_counts(const Safetensors& file) {
    const Tensor<std::int64_t> counts = detail::tensor_of<std::int64_t>(file, "mnist:counts", {3, 3}, options_.out);
    if (const auto saved = file.metadata.find(unsure_key); saved != file.metadata.end()) unsure_below_ = saved->second;
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
  std::string unsure_below_ = {};  // as the checkpoint says it; empty: nothing has validated yet
};

int train(const MnistOptions& options) {
  constexpr Index largest_seed = std::numeric_limits<std::uint32_t>::max();
  if (options.preset == "source" && options.seed > largest_seed)
    wrong_argument("--seed ", options.seed, ": preset source draws as numpy does: must be at most ", largest_seed);
  DigitSets sets = digit_sets(options.data, options.images > 0 ? options.images : 12000);
  if (sets.drawn)
    note(
        "no MNIST (carousel data fetch mnist gets it; --data DIR or $CAROUSEL_DATA names its folder): this is on digits that the "
        "program draws, the same each time");
  if (options.images > sets.train.count())
    wrong_argument("--images ", options.images, ": the training set has ", sets.train.count(), ": must be at most that");
  if (options.images > 0) sets.train.keep_first(options.images);
  if (options.validation >= sets.train.count())
    wrong_argument("--validation ", options.validation, ": there are ", sets.train.count(),
                   " images to train on: must be fewer than these");
  return options.preset == "source" ? Training<double>(options, sets).run() : Training<float>(options, sets).run();
}

template <class T>
int evaluate_in(const MnistOptions& options, const EvalOptions& eval, const DigitSets& sets) {
  Registry<T> registry;
  const MnistModel<T> model(registry, options);
  load(registry, eval.checkpoint, eval.file);
  const Confusion confusion = measure(model, sets.test, 0, sets.test.count());
  Progress(eval.quiet).line(text(confusion));
  return print_result("mnist", {{"test_accuracy", confusion.accuracy()}});
}

int evaluate(const EvalOptions& eval) {
  const MnistOptions options = arguments().read(eval.checkpoint, eval.file);
  // A model of drawn digits is measured on drawn ones, unless another folder is named.
  const bool drawn = detail::saved_value(eval.checkpoint.metadata, "drawn", eval.file) == "yes" && eval.data.empty();
  const DigitSets sets = drawn ? drawn_sets(0) : digit_sets(eval.data, 0);
  if (sets.drawn && !drawn)
    bad_file(eval.file, ": learned from MNIST, which is not there: --data DIR or $CAROUSEL_DATA must name its folder");
  return options.preset == "source" ? evaluate_in<double>(options, eval, sets) : evaluate_in<float>(options, eval, sets);
}

/// The images of a file: an IDX file has many, a PNG has one.
DigitImages images_of(const std::string& path, bool& is_idx) {
  DigitImages images;
  if ((is_idx = begins_as_idx(path))) {
    IdxBytes idx = read_idx(path, 3);
    if (idx.shape[1] != image_side || idx.shape[2] != image_side)
      bad_file("read ", path, ": images of ", idx.shape[1], " x ", idx.shape[2], ": must be 28 x 28");
    if (idx.shape[0] == 0) bad_file("read ", path, ": has no images: must have one at least");
    images.pixels = std::move(idx.values);
    images.labels.resize(static_cast<std::size_t>(idx.shape[0]));  // they are not known
  } else {
    images.pixels = own_digit(read_png(path), path);
    images.labels.resize(1);
  }
  return images;
}

template <class T>
int predict_in(const MnistOptions& options, const PredictOptions& given) {
  Registry<T> registry;
  const MnistModel<T> model(registry, options);
  load(registry, given.checkpoint, given.file);
  const double threshold = unsure_below(given);
  Answers answers(given, {"file", "image", "digit", "probability", "remark"});
  ImageFiles files(given.input);
  while (files.next()) {
    bool is_idx = false;
    const DigitImages images = images_of(files.path(), is_idx);
    for (Index first = 0; first < images.count(); first += 1000) {
      Index number = first;
      for (const auto [digit, probability] : read_images(model, images, first, std::min(first + 1000, images.count())))
        if (!answers.add({files.path(), is_idx ? AnswerValue(number++) : AnswerValue(), digit, probability,
                          unsure_remark(probability, threshold)}))
          return answers.finish();
    }
  }
  return answers.finish();
}

int predict(const PredictOptions& given) {
  const MnistOptions options = arguments().read(given.checkpoint, given.file);
  return options.preset == "source" ? predict_in<double>(options, given) : predict_in<float>(options, given);
}

}  // namespace

namespace tasks {
Task mnist() {
  return {
      .name = "mnist",
      .about = "which digit an image shows, read row by row: MNIST, or drawn digits where there is none",
      .example = "carousel train mnist --data mnist --cell gru",
      .train = [](CLI::App& app) { return arguments().declare(app, train); },
      .eval = evaluate,
      .predict = predict,
      .eval_takes = {"--data"},
      .predict_takes = {"--input", "--threshold"},
      .predict_about = std::string("pictures of a digit each: a PNG, a folder of them, an IDX file of images, or with - their "
                                   "names, one a line. The answer is the digit, its probability, and the remark unsure below "
                                   "--threshold (measured on the validation images: above it 99 of 100 were right; without "
                                   "these 0.5). How it is read: ") +
                       own_digit_help + ". Columns: file, image (its number in an IDX file, from 0), digit, probability, remark",
      .data = OutsideData{.what = "MNIST, four IDX files",
                          .option = "--data DIR",
                          .without = "digits that the program draws",
                          .find = [](const std::string& folder) { return mnist_files(find_mnist(folder).value_or(folder)); }}};
}
}  // namespace tasks

}  // namespace carousel
