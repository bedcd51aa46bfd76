/// Four inputs in, four numbers out: the example of nicodjimenez/lstm (test.py, 2015), by which one sees that an LSTM learns.

#include <cmath>

#include <fmt/format.h>

#include <carousel/carousel.hpp>
#include <carousel/models/any_cell.hpp>
#include <carousel/tasks/task.hpp>

namespace carousel {

namespace {

constexpr Index steps = 4, features = 50;
constexpr double targets[steps] = {-0.5, 0.2, 0.1, -0.5};

std::vector<Preset<TrainOptions>> presets() {
  const TrainOptions usual{.cell = "lstm", .epochs = 100, .hidden = 100, .rate = 0.1};
  return {{"default", "what learns fastest", usual}, {"source", "as the original, whose printed lines it repeats", usual}};
}

/// Sequences to learn.
///   xs: [steps, batch, features] uniform in [0, 1)
///   ys: [steps, batch, 1] what the first unit of the output is to be; sequence n has the targets rotated by n steps
struct Sequences {
  Tensor<double> xs, ys;
};

Sequences make_sequences(NumpyRandom& random, Index batch) {
  Sequences out{empty<double>({steps, batch, features}), empty<double>({steps, batch, 1})};
  for (Index n = 0; n < batch; ++n)
    for (Index t = 0; t < steps; ++t) {
      double* const x = out.xs.data() + (t * batch + n) * features;
      for (Index k = 0; k < features; ++k) x[k] = random.random();
      out.ys.data()[t * batch + n] = targets[(t + n) % steps];
    }
  return out;
}

/// As the original starts: numpy's seed(0) before every array, so that all gates are equal. Its weights are [hidden, features +
/// hidden] for each gate. Returns the generator as it stands after the last array.
NumpyRandom initialise_as_source(Registry<double>& registry, Index hidden) {
  NumpyRandom random(0);
  Tensor<double>& wx = registry.at("cell/wx").value;
  Tensor<double>& wh = registry.at("cell/wh").value;
  const Index columns = 4 * hidden;
  for (Index row = 0; row < hidden; ++row)
    for (Index k = 0; k < features + hidden; ++k) {
      const double value = random.uniform(-0.1, 0.1);
      double* const to = k < features ? wx.data() + k * columns : wh.data() + (k - features) * columns;
      for (Index gate = 0; gate < 4; ++gate) to[gate * hidden + row] = value;
    }
  random = NumpyRandom(0);
  Tensor<double>& b = registry.at("cell/b").value;
  for (Index row = 0; row < hidden; ++row) {
    const double value = random.uniform(-0.1, 0.1);
    for (Index gate = 0; gate < 4; ++gate) b.data()[gate * hidden + row] = value;
  }
  for (Parameter<double>& parameter : registry) ++parameter.version;
  return random;
}

/// "iter  0: y_pred = [ 0.04135,  0.06930,  0.11699,  0.16562], loss: 7.535e-01"
std::string line_of(Index iteration, const Tensor<double>& predicted, double loss) {
  const Index batch = static_cast<Index>(predicted.size()) / steps;
  std::string line = fmt::format("iter {:2d}: y_pred = [", iteration);
  for (Index t = 0; t < steps; ++t) line += fmt::format("{}{: 2.5f}", t ? ", " : "", predicted.data()[t * batch]);
  return line + fmt::format("], loss: {:.3e}", loss);
}

int train(const TrainOptions& options) {
  Registry<double> registry;
  Random random(static_cast<std::uint64_t>(options.seed));
  const AnyCell<double> cell = make_cell(options.cell, Scope<double>(registry, random) / "cell", features, options.hidden);
  NumpyRandom inputs = initialise_as_source(registry, options.hidden);
  const Sequences sequences = make_sequences(inputs, options.batch);

  Tape<double> tape;
  double last = 0;
  for (Index iteration = 0; iteration < options.epochs; ++iteration) {
    tape.clear();
    const Var<double> hs = scan(cell, tape.constant(sequences.xs));
    const Var<double> predicted = slice(hs, 2, 0, 1);
    const Var<double> loss = sum(square(predicted - tape.constant(sequences.ys))) * (1.0 / static_cast<double>(options.batch));
    last = loss.item();
    print(line_of(iteration, predicted.value(), last));
    if (interrupted()) return exit_interrupted;
    backward(loss);
    for (Parameter<double>& parameter : registry) {
      for (std::size_t i = 0; i < parameter.value.size(); ++i)
        parameter.value.data()[i] -= options.rate * parameter.gradient.data()[i];
      ++parameter.version;
    }
  }
  print_result("echo", {{"loss", last}});
  return exit_done;
}

Command declare_training(CLI::App& app) {
  Arguments<TrainOptions> arguments(app, presets());
  arguments.add("--hidden", "N", &TrainOptions::hidden, "units of the cell", {.at_least = 1});
  arguments.add("--batch", "N", &TrainOptions::batch, "sequences learned at once; the loss is their mean", {.at_least = 1});
  arguments.add("--rate", "R", &TrainOptions::rate, "learning rate", {.above = 0});
  return [arguments] { return train(arguments.options()); };
}

}  // namespace

namespace tasks {
Task echo() {
  return {.name = "echo",
          .about = "four random inputs, four numbers to give back: the example of nicodjimenez/lstm",
          .example = "carousel train echo --preset source",
          .train = declare_training};
}
}  // namespace tasks

}  // namespace carousel
