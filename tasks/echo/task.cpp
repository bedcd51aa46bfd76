/// Four inputs in, four numbers out: the example of nicodjimenez/lstm (test.py, 2015), by which one sees that an LSTM learns.

#include <algorithm>
#include <cstdint>
#include <limits>
#include <numeric>

#include <fmt/format.h>

#include <carousel/lib/training/checkpoint.hpp>
#include <carousel/models/layers/linear.hpp>
#include <carousel/models/losses/loss.hpp>
#include <carousel/tasks/base/interrupt.hpp>
#include <carousel/tasks/base/metric.hpp>
#include <carousel/tasks/base/progress.hpp>
#include <carousel/tasks/base/task.hpp>
#include <carousel/tasks/nets/layers.hpp>
#include <carousel/tasks/nets/numpy_start.hpp>
#include <carousel/tasks/training/arguments.hpp>
#include <carousel/tasks/training/training.hpp>

namespace carousel {

namespace {

constexpr Index steps = 4, features = 50;
constexpr double targets[steps] = {-0.5, 0.2, 0.1, -0.5};

struct EchoOptions : TrainOptions {
  std::string readout = "linear";
};

std::vector<Preset<EchoOptions>> presets() {
  const EchoOptions usual{
      {.cell = "lstm", .epochs = 100, .seed = 0, .hidden = 100, .optimizer = "adam", .rate = 0.003, .clip_elements = true},
      "linear"};
  EchoOptions source = usual;
  source.cell = "lstm-linear";
  source.rate = 0.1;
  source.optimizer = "sgd";
  source.readout = "first";
  return {{"default", "a random start, a read-out, Adam", usual},
          {"source", "the start, the loss and the descent of the original, whose lines it prints digit for digit", source}};
}

/// Sequences to learn.
///   xs: [steps, batch, features] uniform in [0, 1)
///   ys: [steps, batch] what the first unit of the output is to be; sequence n has the targets rotated by n steps
struct Sequences {
  Tensor<double> xs, ys;
};

Sequences make_sequences(NumpyRandom& random, Index batch) {
  Sequences out{empty<double>({steps, batch, features}), empty<double>({steps, batch})};
  for (Index n = 0; n < batch; ++n)
    for (Index t = 0; t < steps; ++t) {
      double* const x = out.xs.data() + (t * batch + n) * features;
      for (Index k = 0; k < features; ++k) x[k] = random.random();
      out.ys.data()[t * batch + n] = targets[(t + n) % steps];
    }
  return out;
}

/// The generator of the original as it stands when it draws the inputs: behind the last array of parameters, a bias.
NumpyRandom input_random(std::uint32_t seed, Index hidden) {
  NumpyRandom random(seed);
  for (Index k = 0; k < hidden; ++k) random.random();
  return random;
}

/// The model and its data.
struct Echo {
  Registry<double> registry;
  Stacked<AnyCell<double>> cell;
  std::optional<Linear<double>> readout;  // none: the first unit of h is the prediction
  Sequences sequences;
  Tensor<double> predicted;  // [steps, of shard 0], by the latest loss()

  /// Throws std::invalid_argument for a seed that numpy's generator does not take.
  explicit Echo(const EchoOptions& options) : Echo(options, Random(static_cast<std::uint64_t>(options.seed))) {
    constexpr Index largest = std::numeric_limits<std::uint32_t>::max();
    if (options.seed > largest) wrong_argument("--seed ", options.seed, ": echo draws as numpy does: must be at most ", largest);
    const auto seed = static_cast<std::uint32_t>(options.seed);
    if (options.preset == "source" && (options.cell == "lstm" || options.cell == "lstm-linear"))
      for (Index layer = 0; layer < options.layers; ++layer)
        start_with_equal_gates(registry, fmt::format("cell/{}", layer), seed);
    NumpyRandom random = input_random(seed, options.hidden);
    sequences = make_sequences(random, options.batch);
  }

  /// Σ over steps of (prediction − target)², of the shard's sequences, divided by the number of all.
  ///   key: for dropout between layers; none: the model is in use
  Var<double> loss(const Shard& shard, std::optional<DropoutKey> key = {}) {
    Tape<double>& tape = Tape<double>::active();
    const Index batch = shape_of(sequences.ys)[1], first = shard.first(batch), last = shard.last(batch);
    const Var<double> ys = packed(slice(tape.constant(sequences.ys), 1, first, last));
    if (key) key->first_example = first;
    Var<double> hs = scan(cell, packed(slice(tape.constant(sequences.xs), 1, first, last)), {.key = key});
    if (readout) hs = (*readout)(hs);
    if (shard.index == 0) tape.copy_value(packed(reshape(slice(hs, 2, 0, 1), ys.shape())), predicted);
    return first_element_loss(hs, ys) * (1.0 / static_cast<double>(batch));
  }

  /// (prediction − target)² of the last step, of the first sequence.
  Var<double> loss_of_last() const {
    Tape<double>& tape = Tape<double>::active();
    Var<double> h = last(scan(cell, packed(slice(tape.constant(sequences.xs), 1, 0, 1))));
    if (readout) h = (*readout)(h);
    const Var<double> wanted = tape.constant(Shape{1, 1});
    *tape.data(wanted) = targets[steps - 1];
    return sum_of_squares(slice(h, 1, 0, 1), wanted);
  }

  /// What it says of the sequences, and what it is to say.
  Chart answers() {
    Tape<double> tape;
    const NoGrad<double> no_gradient;
    loss({});
    ChartLine wanted{.name = "target", .x = {}, .y = {}, .dashed = true}, said{.name = "answer", .x = {}, .y = {}};
    const Index batch = shape_of(predicted)[1];
    const Index shown = std::min<Index>(batch, 8);  // one after the other, apart
    for (Index n = 0; n < shown; ++n)
      for (Index t = 0; t < steps + (n + 1 < shown ? 1 : 0); ++t)
        for (auto& [line, values] : {std::pair(&wanted, &sequences.ys), {&said, &predicted}}) {
          line->x.push_back(static_cast<double>(n * (steps + 1) + t + 1));
          line->y.push_back(t < steps ? values->data()[t * shape_of(*values)[1] + n] : std::numeric_limits<double>::quiet_NaN());
        }
    return {.title = "", .x_name = "step", .y_name = "number", .lines = {std::move(wanted), std::move(said)}};
  }

  /// "y_pred = [ 0.04135,  0.06930,  0.11699,  0.16562], loss: 7.535e-01", of the first sequence.
  std::string describe(double loss) const {
    const Index batch = shape_of(predicted)[1];
    std::string line = "y_pred = [";
    for (Index t = 0; t < steps; ++t) line += fmt::format("{}{: 2.5f}", t ? ", " : "", predicted.data()[t * batch]);
    return line + fmt::format("], loss: {:.3e}", loss);
  }

 private:
  Echo(const EchoOptions& options, Random random)
      : cell(make_layers(Scope<double>(registry, random) / "cell", features, options)) {
    if (options.readout == "linear") readout.emplace(Scope<double>(registry, random) / "readout", options.hidden, 1);
  }
};

Arguments<EchoOptions> arguments() {
  Arguments<EchoOptions> all("echo", presets());
  all.add_net({.one_way = "each number is answered before the next inputs come"})
      .add("--readout", "NAME", &EchoOptions::readout,
           "what is compared with the four numbers: linear, a sum of h with weights; first, its first unit",
           {.one_of = {"linear", "first"}})
      .add_training({.batch = "sequences learned at once, each with inputs of its own and the four numbers in another order; the "
                              "loss is their mean",
                     .clip = "bounds every element of the gradient; 0: not",
                     .patience = patience_on_loss})
      .add_threads("processor cores to use: 2 compute a half of the --batch each, more gain nothing, nor do 2 with a batch of 1");
  return all;
}

/// The first sequence, the loss of its last answer.
Sample<double> sample_of(const Echo& echo, const EchoOptions& options, const std::string& cell) {
  const auto used = net_for<double>(cell, echo, [&](Registry<double>&) { return Echo(with_cell(options, cell)); });
  Sample<double> sample{.loss = [used] { return used->loss_of_last(); }, .input = {}};
  for (Index t = 1; t <= steps; ++t) sample.input.push_back(fmt::format("inputs {}", t));
  return sample;
}

/// Always the mean of the four numbers.
Baseline baseline() {
  const double mean = std::accumulate(std::begin(targets), std::end(targets), 0.0) / steps;
  double loss = 0;
  for (const double target : targets) loss += (target - mean) * (target - mean);
  return {.metric = "loss", .guess = "always the mean of the four", .value = loss, .train_loss = loss};
}

/// Every step sees all that there is to learn: it is an epoch, and nothing is held out.
int train(const EchoOptions& options) {
  Echo echo(options);
  const auto optimizer = make_optimizer(options.optimizer, echo.registry, options.rate);
  return train_model<double>(
      options,
      {.about = "four numbers after four random inputs",
       .parts = {.unit = "sequences", .train = options.batch},
       .optimizer = *optimizer,
       .data = {.examples = options.batch, .batch = options.batch, .shuffle = false},
       .loss = [&](const Batch& batch, const Shard& shard) { return echo.loss(shard, DropoutKey{.seed = batch.key}); },
       .shards = options.shards(),
       .after_step =
           [&](const StepReport& report) { print(fmt::format("iter {:2d}: {}", report.step, echo.describe(report.loss))); },
       .silent = true,
       .views =
           [&](Views& views) {
             views.add(
                 "Four numbers, and what it says",
                 "The inputs are noise; what it says must come from its memory of where it is. The lines lie on each other when "
                 "it has learned the numbers by heart, as four steps can always be.",
                 echo.answers());
           },
       .sample = [&](const std::string& cell) { return sample_of(echo, options, cell); },
       .result =
           [](const TrainOutcome& trained) {
             return std::vector<Metric>{{"loss", trained.last.loss}};
           },
       .baseline = baseline()});
}

int eval(const EvalOptions& options) {
  Echo echo(arguments().read(options.checkpoint, options.file));
  load(echo.registry, options.checkpoint, options.file);
  Tape<double> tape;
  const double loss = echo.loss({}).item();
  print(echo.describe(loss));
  const std::vector<Metric> found = {{"loss", loss}};
  return print_result("echo", found, baseline());
}

}  // namespace

namespace tasks {
Task echo() {
  return {.name = "echo",
          .about = "four random inputs, four numbers to give back: the example of nicodjimenez/lstm",
          .example = "carousel train echo --preset source",
          .train = [](CLI::App& app) { return arguments().declare(app, train); },
          .eval = eval,
          .predict_about =
              "it learns four numbers by heart after four steps of noise, so that there is nothing new to answer. "
              "carousel eval RUN prints what it says"};
}
}  // namespace tasks

}  // namespace carousel
