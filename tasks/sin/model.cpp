#include <carousel/tasks/sin/model.hpp>

#include <cmath>
#include <numbers>
#include <numeric>

#include <carousel/models/losses/loss.hpp>
#include <carousel/ops/shape.hpp>
#include <carousel/tasks/nets/numpy_start.hpp>

namespace carousel {

namespace {

bool as_source(const SinOptions& options) {
  return options.preset == "source";
}

/// The windows of sequences, side by side, the first of which begins with the point `first`.
///   result: [windows, batch, window]
Var<double> windows_of(std::span<const std::vector<double>> sequences, Index first, std::span<const std::vector<double>> noise) {
  Tape<double>& tape = Tape<double>::active();
  const auto batch = static_cast<Index>(sequences.size());
  const Var<double> xs = tape.constant(Shape{sin_windows, batch, sin_window});
  double* to = tape.data(xs);
  for (Index t = first; t < first + sin_windows; ++t)
    for (std::size_t n = 0; n < sequences.size(); ++n)
      for (Index k = t; k < t + sin_window; ++k) {
        const auto at = static_cast<std::size_t>(k);
        *to++ = sequences[n][at] + (noise.empty() ? 0 : noise[n][at]);
      }
  return xs;
}

std::vector<double> ten_starts(double first) {
  std::vector<double> starts;
  for (int k = 0; k < 10; ++k) starts.push_back(first + 5 * k);
  return starts;
}

double wave(double x) {
  return std::sin(2 * std::numbers::pi / static_cast<double>(sin_period) * x);
}

}  // namespace

std::vector<std::vector<double>> sin_sequences(std::span<const double> starts, Index length, double amplitude) {
  std::vector<std::vector<double>> sequences;
  for (const double start : starts) {
    std::vector<double>& sequence = sequences.emplace_back();
    for (Index k = 0; k < length; ++k) sequence.push_back(amplitude * wave(start + static_cast<double>(k)));
  }
  return sequences;
}

std::vector<double> sin_starts(const SinOptions& options, Index epoch) {
  std::vector<double> starts(static_cast<std::size_t>(options.sequences));
  if (as_source(options)) {
    std::iota(starts.begin(), starts.end(), 0.0);
    NumpyRandom(2).shuffle(starts);
  } else {
    Random random = Random(static_cast<std::uint64_t>(options.seed)).split("starts").split(static_cast<std::uint64_t>(epoch));
    for (double& start : starts) start = random.uniform(0, static_cast<double>(sin_period));
  }
  return starts;
}

std::vector<double> sin_test_starts() {
  return ten_starts(0.5);
}
std::vector<double> sin_validation_starts() {
  return ten_starts(2.25);
}

Predictor sin_net(Registry<double>& registry, const SinOptions& options) {
  Random random = Random(static_cast<std::uint64_t>(options.seed)).split("parameters");
  if (!as_source(options)) return {Scope<double>(registry, random), sin_window, 1, options};
  const Predictor net(Scope<double>(registry, random), sin_window, 1, options,
                      {.readout = {.bias = false, .w = init::constant<double>(0)}});
  for (const Parameter<double>& p : registry)
    if (p.path.ends_with("/wh") && p.shape()[1] == 4 * p.shape()[0])
      start_with_equal_gates(registry, p.path.substr(0, p.path.size() - 3), 0);
  return net;
}

Var<double> sin_loss(const Predictor& net, std::span<const std::vector<double>> sequences,
                     std::span<const std::vector<double>> noise, const std::optional<DropoutKey>& key) {
  Tape<double>& tape = Tape<double>::active();
  const Var<double> ys = tape.constant(Shape{sin_windows, static_cast<Index>(sequences.size()), 1});
  double* to = tape.data(ys);
  for (Index t = sin_window; t < sin_length; ++t)
    for (const std::vector<double>& sequence : sequences) *to++ = sequence[static_cast<std::size_t>(t)];
  return sum_of_squares(net.after_each(windows_of(sequences, 0, noise), key), ys);
}

Var<double> sin_last_loss(const Predictor& net, const std::vector<double>& sequence) {
  const Var<double> said = net.after_all(windows_of(std::span(&sequence, 1), 0, {}));
  return sum_of_squares(said, Tape<double>::active().constant(full<double>({1, 1}, sequence[sin_length - 1])));
}

std::vector<double> sin_predictions(const Predictor& net, std::span<const double> sequence) {
  Tape<double> tape;
  const NoGrad<double> no_gradient;
  const std::vector<std::vector<double>> one = {{sequence.begin(), sequence.end()}};
  const Tensor<double> said = net.after_each(windows_of(one, 0, {})).value();
  return {said.begin(), said.end()};
}

std::vector<std::vector<double>> roll_out(const Predictor& net, std::vector<std::vector<double>> sequences, Index steps) {
  Tape<double> tape;
  const NoGrad<double> no_gradient;
  std::vector<std::vector<double>> made(sequences.size());
  for (Index t = 0; t < steps; ++t) {
    tape.clear();
    const Tensor<double> next = net.after_all(windows_of(sequences, 1, {})).value();
    for (std::size_t n = 0; n < sequences.size(); ++n) {
      const double y = next.data()[n];
      sequences[n].erase(sequences[n].begin());
      sequences[n].push_back(y);
      made[n].push_back(y);
    }
  }
  return made;
}

double roll_out_error(std::span<const std::vector<double>> made, std::span<const double> starts, Index steps, double amplitude) {
  double sum = 0;
  for (std::size_t n = 0; n < made.size(); ++n)
    for (Index t = 0; t < steps; ++t) {
      const double truth = amplitude * wave(starts[n] + static_cast<double>(sin_length + t));
      sum += std::pow(made[n][static_cast<std::size_t>(t)] - truth, 2);
    }
  return std::sqrt(sum / static_cast<double>(steps * static_cast<Index>(made.size())));
}

}  // namespace carousel
