/// Counting: what follows a digit, 0 … 8 and round again. The task of qixianbiao/RNN (2016) with the settings of its fork in
/// fmscole/lstm, trained with the true gradient; the original's hand-written one was wrong in five places, and came through
/// because the task asks for no memory.

#include <algorithm>
#include <cmath>
#include <numeric>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <carousel/lib/training/checkpoint.hpp>
#include <carousel/lib/utf8.hpp>
#include <carousel/models/cells/rnn.hpp>
#include <carousel/models/layers/linear.hpp>
#include <carousel/models/losses/loss.hpp>
#include <carousel/ops/softmax.hpp>
#include <carousel/tasks/answers/answers.hpp>
#include <carousel/tasks/answers/input_lines.hpp>
#include <carousel/tasks/base/interrupt.hpp>
#include <carousel/tasks/base/metric.hpp>
#include <carousel/tasks/base/progress.hpp>
#include <carousel/tasks/base/task.hpp>
#include <carousel/tasks/nets/layers.hpp>
#include <carousel/tasks/nets/one_hot.hpp>
#include <carousel/tasks/training/arguments.hpp>
#include <carousel/tasks/training/training.hpp>

namespace carousel {

namespace {

constexpr Index steps = 9, digits = 9, classes = 10;  // the tenth class is never used; the original has it

/// The digit that follows.
Index after(Index digit) {
  return (digit + 1) % digits;
}

struct CountOptions : TrainOptions {
  Index sequences = 2000;  // in an epoch
};

std::vector<Preset<CountOptions>> presets() {
  const CountOptions usual{
      {.cell = "rnn-tanh", .epochs = 1, .hidden = 100, .batch = 20, .optimizer = "adam", .rate = 0.01, .clip_elements = true},
      2000};
  CountOptions source = usual;
  source.epochs = 7;
  source.batch = 1;
  source.rate = 0.001;
  source.clip = 5;
  source.optimizer = "sgd";
  return {{"default", "a start that keeps signals alive, Adam", usual},
          {"source", "the fork's: all parameters uniform in [0, 0.01), descent by 0.001, one sequence at a time", source}};
}

/// Recurrent net and read-out.
struct Counter {
  Stacked<AnyCell<float>> cell;
  Linear<float> readout;

  Counter(Registry<float>& registry, const TrainOptions& options)
      : Counter(registry, options, Random(static_cast<std::uint64_t>(options.seed))) {}

  /// Logits of what follows each digit.
  ///   xs: the digits, [steps, batch] row by row;  result: [steps, batch, classes]
  ///   key: for dropout between layers; none: the model is in use
  Var<float> operator()(std::span<const Index> xs, Index batch, const std::optional<DropoutKey>& key = {}) const {
    return readout(scan(cell, one_hot(xs, batch, classes), {.key = key}));
  }

  /// The likeliest digits after `start`, each of them the input for the next.
  std::vector<Index> roll_out(Index start, Index length) const {
    Tape<float> tape;
    const NoGrad<float> no_grad;
    Kept<State> state;
    std::vector<Index> made;
    for (Index t = 0; t < length; ++t) {
      tape.clear();
      State now = cell(reshape(one_hot(std::span<const Index>(&start, 1), 1, classes), {1, classes}),
                       t == 0 ? cell.start(1) : state.enter());
      const Tensor<float> logits = readout(output(now)).value();
      state = now;
      start = std::max_element(logits.data(), logits.data() + classes) - logits.data();
      made.push_back(start);
    }
    return made;
  }

 private:
  using State = Stacked<AnyCell<float>>::State;

  Counter(Registry<float>& registry, const TrainOptions& options, Random random)
      : cell(make(Scope<float>(registry, random) / "cell", options)),
        readout(Scope<float>(registry, random) / "readout", options.hidden, classes, linear(options)) {}

  static bool as_source(const TrainOptions& options) { return options.preset == "source"; }
  static Stacked<AnyCell<float>> make(Scope<float> scope, const TrainOptions& options) {
    CellOptions<float> start;
    if (as_source(options)) start.init = init::uniform<float>(0, 0.01);
    if (options.cell != "rnn-tanh") return make_layers(scope, classes, options, start);
    std::vector<AnyCell<float>> layers;
    for (Index layer = 0; layer < options.layers; ++layer)
      layers.emplace_back(
          RnnLearnedStart<float>(scope / std::to_string(layer), layer == 0 ? classes : options.hidden, options.hidden, start));
    return Stacked(std::move(layers), options.dropout);
  }
  static LinearOptions<float> linear(const TrainOptions& options) {
    if (!as_source(options)) return {};
    return {.w = init::uniform<float>(0, 0.01), .b = init::uniform<float>(0, 0.01)};
  }
};

/// Sequences that count on from their starts, and the sum over steps of their cross-entropy, divided by `divide_by`.
Var<float> loss_of(const Counter& counter, std::span<const Index> starts, double divide_by,
                   const std::optional<DropoutKey>& key = {}) {
  const auto batch = static_cast<Index>(starts.size());
  std::vector<Index> xs(static_cast<std::size_t>(steps * batch)), ys(xs.size());
  for (std::size_t i = 0; i < xs.size(); ++i) {
    const Index t = static_cast<Index>(i) / batch, n = static_cast<Index>(i) % batch;
    xs[i] = (starts[static_cast<std::size_t>(n)] + t) % digits;
    ys[i] = after(xs[i]);
  }
  return cross_entropy(counter(xs, batch, key), ys, {.divide_by = divide_by});
}

/// Mean over all starts of the loss of a sequence.
double loss_of_all_starts(const Counter& counter) {
  Tape<float> tape;
  const NoGrad<float> no_grad;
  std::vector<Index> starts(digits);
  std::iota(starts.begin(), starts.end(), Index{0});
  return static_cast<double>(loss_of(counter, starts, digits).item());
}

bool counts_right(Index start, const std::vector<Index>& made) {
  return std::all_of(made.begin(), made.end(), [&](Index digit) { return digit == (start = after(start)); });
}

void print_roll_out(Index start, const std::vector<Index>& made) {
  print(fmt::format("the given start number: {}", start));
  std::string line;
  for (Index digit : made) line += (line.empty() ? "" : ", ") + std::to_string(digit);
  print("the created numbers:    [" + line + "]");
}

Arguments<CountOptions> arguments() {
  Arguments<CountOptions> all("count", presets());
  all.add_net({.one_way = "the model would see the digit it has to predict"})
      .add("--sequences", "N", &CountOptions::sequences, "sequences per epoch", {.at_least = 1, .at_most = 1e9})
      .add_training({.batch = "sequences per update; the loss is their mean",
                     .clip = "bounds every element of the gradient; 0: not",
                     .patience = patience_on_loss})
      .add_threads();
  return all;
}

const double guessing = steps * std::log(digits);
const Baseline baseline{.metric = "loss", .guess = "a uniform guess", .value = guessing, .train_loss = guessing};

/// Rolls out from every start and prints what came.
std::vector<Metric> try_all_starts(const Counter& counter, double loss) {
  Index right = 0;
  for (Index start = 0; start < digits; ++start) {
    const std::vector<Index> made = counter.roll_out(start, steps - 1);
    print_roll_out(start, made);
    right += counts_right(start, made);
  }
  return {{"starts_right", static_cast<double>(right)}, {"starts", static_cast<double>(digits)}, {"loss", loss}};
}

/// What it expects after each digit of a sequence that starts at 0, and what it says if it goes on by itself.
void add_views(Views& views, const Counter& counter) {
  Tape<float> tape;
  const NoGrad<float> no_grad;
  std::vector<Index> read(steps);
  std::iota(read.begin(), read.end(), Index{0});
  const Tensor<float> chances = softmax(counter(read, 1)).value();
  view::HeatMap map{.x_name = "what may follow", .y_name = "read", .width = classes, .values = {chances.begin(), chances.end()}};
  for (const Index digit : read) map.rows.push_back(std::to_string(digit));
  for (Index digit = 0; digit < classes; ++digit) map.columns.push_back(std::to_string(digit));
  views.add("What it expects after each digit",
            "A bright field in each row, one to the right of the digit that was read, and after 8 on the left: it can count. The "
            "last column is a class that never occurs, so that it learns to leave it dark.",
            std::move(map));
  view::Table table{.head = {"start", "what it says by itself", "right"}, .rows = {}};
  for (Index start = 0; start < digits; ++start) {
    const std::vector<Index> made = counter.roll_out(start, steps - 1);
    table.rows.push_back(
        {std::to_string(start), fmt::format("{}", fmt::join(made, " ")), counts_right(start, made) ? "yes" : "no"});
  }
  views.add("Counting by itself",
            "It reads one digit, and then only what it has said: a mistake at one place would be carried on to all that follow.",
            std::move(table));
}

/// Reading 0 to 8, the loss of the last answer.
Sample<float> sample_of(const Counter& counter, const CountOptions& options, const std::string& cell) {
  const auto used =
      net_for<float>(cell, counter, [&](Registry<float>& registry) { return Counter(registry, with_cell(options, cell)); });
  Sample<float> sample{.loss =
                           [used] {
                             std::vector<Index> read(steps);
                             std::iota(read.begin(), read.end(), Index{0});
                             const Index right = after(read.back());
                             return cross_entropy(last((*used)(read, 1)), std::span(&right, 1));
                           },
                       .input = {}};
  for (Index digit = 0; digit < steps; ++digit) sample.input.push_back(std::to_string(digit));
  return sample;
}

/// There are nine sequences in all, and each is learned: nothing is held out.
int train(const CountOptions& options) {
  Registry<float> registry;
  const Counter counter(registry, options);
  const auto optimizer = make_optimizer(options.optimizer, registry, options.rate);
  const Random random = Random(static_cast<std::uint64_t>(options.seed)).split("sequences");
  const auto loss = [&](const Batch& batch, const Shard& shard) {
    std::vector<Index> starts;
    for (Index n : shard.of(batch.examples))
      starts.push_back(random.split(static_cast<std::uint64_t>(batch.epoch * options.sequences + n)).below(digits));
    const Index size = std::ssize(batch.examples);
    return loss_of(counter, starts, static_cast<double>(size), DropoutKey{.seed = batch.key, .first_example = shard.first(size)});
  };
  const auto print_epoch = [](const EpochReport& report) {
    print(fmt::format("epoch {}: loss {:.3f}", report.epoch + 1, report.loss));
    return std::vector<Metric>();
  };
  return train_model<float>(options,
                            {.about = "counting on from 0 to 8",
                             .parts = {.unit = "sequences in each epoch", .train = options.sequences},
                             .optimizer = *optimizer,
                             .data = {.examples = options.sequences, .batch = options.batch, .shuffle = false},
                             .loss = loss,
                             .shards = options.shards(),
                             .after_epoch = print_epoch,
                             .silent = true,
                             .views = [&](Views& views) { add_views(views, counter); },
                             .sample = [&](const std::string& cell) { return sample_of(counter, options, cell); },
                             .result = [&](const TrainOutcome& trained) { return try_all_starts(counter, trained.last.loss); },
                             .baseline = baseline});
}

/// A saved model.
struct Saved {
  Registry<float> registry;
  Counter counter;

  Saved(const Safetensors& checkpoint, const std::string& file) : counter(registry, arguments().read(checkpoint, file)) {
    load(registry, checkpoint, file);
  }
};

int eval(const EvalOptions& options) {
  const Saved saved(options.checkpoint, options.file);
  return print_result("count", try_all_starts(saved.counter, loss_of_all_starts(saved.counter)), baseline);
}

int sample(const SampleOptions& options) {
  const Saved saved(options.checkpoint, options.file);
  Index start = 0;
  if (options.prime) detail::read_value("--prime", *options.prime, {.at_least = 0, .below = digits}, start);
  print_roll_out(start, saved.counter.roll_out(start, options.length.value_or(steps - 1)));
  return exit_done;
}

/// Counts on from the digit of each line.
int predict(const PredictOptions& options) {
  const Saved saved(options.checkpoint, options.file);
  Answers answers(options, {"line", "start", "made"});
  InputLines lines(options.input, "must have a digit a line");
  while (lines.next()) {
    const std::vector<double> numbers = lines.numbers();
    if (numbers.empty()) continue;
    const auto start = static_cast<Index>(std::clamp(numbers.front(), -1.0, 9.0));
    if (numbers.size() > 1 || static_cast<double>(start) != numbers.front() || start < 0 || start >= digits)
      bad_file(lines.where(), ": ", in_quotes(lines.line()), ": must be a digit of 0 to ", digits - 1);
    if (!answers.add({lines.number(), start, saved.counter.roll_out(start, options.length.value_or(steps - 1))})) break;
  }
  answers.refuse_none(lines);
  return answers.finish();
}

}  // namespace

namespace tasks {
Task count() {
  return {.name = "count",
          .about = "what follows a digit, 0 to 8 and round again: the task of qixianbiao/RNN and its fork",
          .example = "carousel train count --preset source",
          .train = [](CLI::App& app) { return arguments().declare(app, train); },
          .eval = eval,
          .sample = sample,
          .predict = predict,
          .sample_takes = {"--length", "--prime", "--argmax"},
          .predict_takes = {"--input", "--length"},
          .predict_about =
              "a digit a line, 0 to 8; the answer is how it is counted on from there, --length digits (8). Columns: "
              "line, start, made"};
}
}  // namespace tasks

}  // namespace carousel
