/// Saying the next point of a sine, and going on with it in closed loop: fmscole/lstm's lstm_sin_train.py and lstm_sin_test.py
/// (2019). The original changes the read-out while it goes back through time; here it moves by the true gradient, with rates that
/// suit that.

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include <fmt/format.h>

#include <carousel/lib/training/checkpoint.hpp>
#include <carousel/tasks/answers/answers.hpp>
#include <carousel/tasks/answers/input_lines.hpp>
#include <carousel/tasks/base/interrupt.hpp>
#include <carousel/tasks/base/metric.hpp>
#include <carousel/tasks/base/progress.hpp>
#include <carousel/tasks/base/task.hpp>
#include <carousel/tasks/base/text.hpp>
#include <carousel/tasks/drawing/svg.hpp>
#include <carousel/tasks/nets/optimizers.hpp>
#include <carousel/tasks/sin/model.hpp>
#include <carousel/tasks/training/arguments.hpp>
#include <carousel/tasks/training/training.hpp>

namespace carousel {

namespace {

constexpr Index near = 100, far = 1000;  // points in closed loop

std::vector<Preset<SinOptions>> presets() {
  SinOptions usual, source;
  usual.epochs = 40, usual.hidden = 64, usual.batch = 10, usual.rate = 3e-3, usual.noise = 0.02;
  usual.schedule = "cosine", usual.warm_up = 20, usual.final_rate = 1e-3;
  source.cell = "lstm-linear", source.hidden = 100, source.optimizer = "sgd", source.rate = 0.02, source.readout_rate = 0.002;
  return {{"default", "our tuned settings: new sequences in each epoch, a little noise on what is read", usual},
          {"source", "the original's start and its 500 sequences in their order, one per update", source}};
}

Arguments<SinOptions> arguments() {
  Arguments<SinOptions> all("sin", presets());
  all.add_threads()
      .add_net({.one_way = "the model would see the point it has to predict"})
      .add("--sequences", "N", &SinOptions::sequences, "sequences of 100 points in an epoch", {.at_least = 1, .at_most = 1e9})
      .add("--noise", "S", &SinOptions::noise, "deviation of what is added to the points that the net reads in training",
           {.at_least = 0})
      .add_training({.batch = "sequences per update; the loss is their mean"})
      .add("--readout-rate", "R", &SinOptions::readout_rate, "learning rate of the read-out; 0: the same", {.at_least = 0});
  return all;
}

/// The mean loss of sequences that start there.
double loss_from(const Predictor& net, std::span<const double> starts) {
  Tape<double> tape;
  const NoGrad<double> no_gradient;
  return sin_loss(net, sin_sequences(starts, sin_length)).item() / static_cast<double>(starts.size());
}

/// How it does on sequences that it has not learned, and in closed loop; from half the amplitude too, as the original's test.
std::vector<Metric> measure(const Predictor& net) {
  const std::vector<double> starts = sin_test_starts(), zero = {0};
  const auto made = roll_out(net, sin_sequences(starts, sin_length), far);
  const auto half = roll_out(net, sin_sequences(zero, sin_length, 0.5), near);
  return {{"test_loss", loss_from(net, starts)},
          {"closed_loop_rmse", roll_out_error(made, starts, near)},
          {"closed_loop_rmse_1000", roll_out_error(made, starts, far)},
          {"half_amplitude_rmse", roll_out_error(half, zero, near, 0.5)}};
}

/// The sine from 0 on, and what the net makes of its first 100 points.
struct ClosedLoop {
  std::vector<double> truth, made;

  ClosedLoop(const Predictor& net, Index length) {
    const std::vector<double> zero = {0};
    truth = sin_sequences(zero, sin_length + length).front();
    made = roll_out(net, sin_sequences(zero, sin_length), length).front();
  }
};

std::vector<double> numbers_from(Index first, std::size_t count) {
  std::vector<double> numbers(count);
  std::iota(numbers.begin(), numbers.end(), static_cast<double>(first));
  return numbers;
}

Chart closed_loop(const Predictor& net) {
  const ClosedLoop loop(net, far);
  const std::vector<double> said = sin_predictions(net, std::span(loop.truth).first(sin_length));
  return {.title = "sin: 100 points given, 1,000 in closed loop",
          .x_name = "x",
          .y_name = "y",
          .lines = {{.name = "sin 2πx/50", .x = numbers_from(0, loop.truth.size()), .y = loop.truth},
                    {.name = "next point, given the truth", .x = numbers_from(sin_window, said.size()), .y = said},
                    {.name = "closed loop", .x = numbers_from(sin_length, loop.made.size()), .y = loop.made, .dashed = true}},
          .marks = {{static_cast<double>(sin_length), "on its own"}}};
}

/// The sine in closed loop, and how far it is off there.
void add_views(Views& views, const Predictor& net) {
  Chart loop = closed_loop(net);
  const ChartLine &truth = loop.lines.front(), &made = loop.lines.back();
  ChartLine off{.name = "distance", .x = made.x, .y = {}};
  for (std::size_t i = 0; i < made.y.size(); ++i) {
    const auto x = static_cast<std::size_t>(made.x[i]);
    off.y.push_back(std::abs(made.y[i] - truth.y[x]));
  }
  views.add("A sine, and what the net makes of it",
            "Left of the mark it reads the truth and says the next point; right of it it reads nothing but what it said itself. "
            "Look for the place where the dashed line falls out of step.",
            std::move(loop));
  views.add("How far it is off, on its own",
            "Each error is read again and so adds to the next. A line that rises on this logarithmic scale is a loop that drifts "
            "away; one that stays level has found a wave that it can keep up for ever.",
            Chart{.title = "", .x_name = "x", .y_name = "|made − true|", .lines = {std::move(off)}, .log_y = true});
}

/// One of the sequences by which the best epoch is chosen; a step reads a window of 40 points.
Sample<double> sample_of(const Predictor& net, const SinOptions& options, const std::string& cell) {
  const std::vector<double> starts = sin_validation_starts();
  const std::vector<double> sequence = sin_sequences(std::span(starts).first(1), sin_length).front();
  Sample<double> sample{.loss = [sequence, used = net_for<double>(cell, net,
                                                                  [&](Registry<double>& registry) {
                                                                    return sin_net(registry, with_cell(options, cell));
                                                                  })] { return sin_last_loss(*used, sequence); },
                        .input = {}};
  for (Index t = sin_window; t < sin_length; ++t)
    sample.input.push_back(fmt::format("{:.1f}", sequence[static_cast<std::size_t>(t - 1)]));
  return sample;
}

/// The losses of the latest steps, those that hold a hundred sequences.
class LatestLosses {
 public:
  explicit LatestLosses(Index batch)
      : losses_(full<double>({std::max<Index>(1, 100 / batch)}, std::numeric_limits<double>::quiet_NaN())) {}

  void add(double loss) {
    std::rotate(losses_.begin(), losses_.begin() + 1, losses_.end());
    losses_.data()[losses_.size() - 1] = loss;
  }
  double mean() const {
    double sum = 0, count = 0;
    for (const double loss : losses_)
      if (!std::isnan(loss)) sum += loss, ++count;
    return sum / count;
  }
  void put(Safetensors& file) const { file.tensors[name] = from_tensor(losses_); }
  void take(const Safetensors& file, const std::string& path) {
    losses_ = detail::tensor_of<double>(file, name, shape_of(losses_), path);
  }

 private:
  static constexpr const char* name = "sin:latest_losses";
  Tensor<double> losses_;
};

const Baseline baseline{.metric = "closed_loop_rmse", .guess = "always 0, the mean", .value = std::sqrt(0.5)};

int train(const SinOptions& options) {
  const bool source = options.preset == "source";
  Registry<double> registry;
  const Predictor net = sin_net(registry, options);
  const auto optimizer = make_optimizer(options.optimizer, registry, options.rate);
  if (options.readout_rate > 0) optimizer->group("readout", {.rate = options.readout_rate});

  struct Starts {
    std::vector<double> at = {};
    Index epoch = -1;  // that they are of
  };
  std::vector<Starts> starts(static_cast<std::size_t>(options.shards()));  // each shard has its own
  const auto loss = [&](const Batch& batch, const Shard& shard) {
    auto& [at, epoch] = starts[static_cast<std::size_t>(shard.index)];
    if (batch.epoch != epoch) at = sin_starts(options, epoch = batch.epoch);
    std::vector<double> mine;
    for (const Index n : shard.of(batch.examples)) mine.push_back(at[static_cast<std::size_t>(n)]);
    const auto sequences = sin_sequences(mine, sin_length);
    const Index size = std::ssize(batch.examples), first = shard.first(size);
    std::vector<std::vector<double>> noise;
    if (options.noise > 0) {
      noise = sequences;
      for (std::size_t n = 0; n < noise.size(); ++n) {
        Random random = Random(batch.key).split(static_cast<std::uint64_t>(first) + n);
        for (double& x : noise[n]) x = random.normal(0, options.noise);
      }
    }
    const Var<double> sum = sin_loss(net, sequences, noise, DropoutKey{.seed = batch.key, .first_example = first});
    return sum * (1 / static_cast<double>(size));
  };

  LatestLosses latest(options.batch);
  const auto after_step = [&](const StepReport& step) {
    latest.add(step.loss);
    if (source && !options.quiet) print(fmt::format("iter {:2d}: loss: {:.3e}", step.epoch, step.loss));
  };
  return train_model<double>(
      options, {.about = "a sine in windows of 40 points",
                .parts = {.unit = "sequences", .train = options.sequences, .validation = 10, .test = 10, .overfits = source},
                .optimizer = *optimizer,
                .data = {.examples = options.sequences, .batch = options.batch, .shuffle = false},
                .loss = loss,
                .shards = static_cast<int>(starts.size()),
                .validation = {.name = "validation_loss", .measure = [&] { return loss_from(net, sin_validation_starts()); }},
                .after_step = after_step,
                .save = [&](Safetensors& file) { latest.put(file); },
                .restore = [&](const Safetensors& file) { latest.take(file, detail::last_file(options.out)); },
                .views = [&](Views& views) { add_views(views, net); },
                .sample = [&](const std::string& cell) { return sample_of(net, options, cell); },
                .result =
                    [&](const TrainOutcome& trained) {
                      write_text(trained.folder + "/closed-loop.svg", svg(closed_loop(net)));
                      std::vector<Metric> metrics = {{"last_100_loss", latest.mean()}};
                      for (Metric& metric : measure(net)) metrics.push_back(std::move(metric));
                      return metrics;
                    },
                .baseline = baseline});
}

/// A model that was saved.
struct Loaded {
  Registry<double> registry;
  Predictor net;

  Loaded(const Safetensors& checkpoint, const std::string& file) : net(sin_net(registry, arguments().read(checkpoint, file))) {
    load(registry, checkpoint, file);
  }
};

int eval(const EvalOptions& options) {
  const Loaded loaded(options.checkpoint, options.file);
  return print_result("sin", measure(loaded.net), baseline);
}

/// Goes on from the first 100 points of the sine.
int sample(const SampleOptions& options) {
  const Loaded loaded(options.checkpoint, options.file);
  const ClosedLoop loop(loaded.net, options.length.value_or(near));
  print("x,sin,made");
  for (std::size_t i = 0; i < loop.made.size(); ++i) {
    const std::size_t x = i + static_cast<std::size_t>(sin_length);
    print(fmt::format("{},{:.6f},{:.6f}", x, loop.truth[x], loop.made[i]));
  }
  return exit_done;
}

/// Goes on from the last 100 numbers of each line.
int predict(const PredictOptions& options) {
  const Loaded loaded(options.checkpoint, options.file);
  Answers answers(options, {"line", "read", "made"});
  InputLines lines(options.input, "must have lines of numbers to go on from");
  while (lines.next()) {
    std::vector<double> numbers = lines.numbers();
    if (numbers.empty()) continue;
    const Index count = std::ssize(numbers);
    if (count < sin_length)
      bad_file(lines.where(), ": has ", count, " numbers. The net needs ", sin_length,
               " or more on a line; paste -sd' ' FILE makes one line of many");
    numbers.erase(numbers.begin(), numbers.end() - sin_length);
    if (!answers.add({lines.number(), count, roll_out(loaded.net, {numbers}, options.length.value_or(near)).front()})) break;
  }
  answers.refuse_none(lines);
  return answers.finish();
}

}  // namespace

namespace tasks {
Task sin() {
  return {.name = "sin",
          .about = "the next point of a sine, then a thousand in closed loop: fmscole/lstm's",
          .example = "carousel train sin --preset source",
          .train = [](CLI::App& app) { return arguments().declare(app, train); },
          .eval = eval,
          .sample = sample,
          .predict = predict,
          .sample_takes = {"--length"},
          .predict_takes = {"--input", "--length"},
          .predict_about =
              "100 numbers a line or more, apart by blanks or commas, of a wave like a sine of period 50; the answer is "
              "how it goes on, --length numbers (100). Columns: line, read (how many numbers), made"};
}
}  // namespace tasks

}  // namespace carousel
