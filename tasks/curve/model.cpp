#include <carousel/tasks/curve/model.hpp>

#include <algorithm>
#include <cmath>
#include <numeric>

#include <carousel/models/losses/loss.hpp>

namespace carousel {

namespace {

double f(Index i) {
  const double t = 0.01 * static_cast<double>(i);
  return 0.5 * std::sin(2 * t) - 0.05 * std::cos(17 * t + 0.8) + 0.05 * std::sin(25 * t + 10) - 0.02 * std::cos(45 * t + 0.3);
}

/// The input of so many steps.
///   result: [steps, 1, 1]
Var<double> nothing(Index steps) {
  Tape<double>& tape = Tape<double>::active();
  const Var<double> xs = tape.constant(Shape{steps, 1, 1});
  std::fill_n(tape.data(xs), steps, 0.0);
  return xs;
}

}  // namespace

std::vector<double> curve(Index learned, Index length) {
  std::vector<double> points(static_cast<std::size_t>(std::max(learned, length)));
  for (std::size_t i = 0; i < points.size(); ++i) points[i] = f(static_cast<Index>(i));
  const auto end = points.begin() + learned;
  const double largest =
      std::abs(*std::max_element(points.begin(), end, [](double a, double b) { return std::abs(a) < std::abs(b); }));
  const double mean = std::accumulate(points.begin(), end, 0.0) / largest / static_cast<double>(learned);
  for (double& y : points) y = y / largest - mean;
  points.resize(static_cast<std::size_t>(length));
  return points;
}

Predictor curve_net(Registry<double>& registry, const CurveOptions& options) {
  Random random = Random(static_cast<std::uint64_t>(options.seed)).split("parameters");
  const Scope<double> place(registry, random);
  if (options.preset != "source") return {place, 1, 1, options, {.cell = {.forget_bias = options.forget}}};
  const Init<double> small = init::normal<double>(0, 0.1);
  return {place, 1, 1, options, {.cell = {.forget_bias = options.forget, .wx = small, .wh = small}, .readout = {.w = small}}};
}

Var<double> curve_loss(const Predictor& net, const std::vector<double>& points, const std::optional<DropoutKey>& key) {
  Tape<double>& tape = Tape<double>::active();
  const auto steps = static_cast<Index>(points.size());
  const Var<double> ys = tape.constant(Shape{steps, 1, 1});
  std::copy(points.begin(), points.end(), tape.data(ys));
  return mean_squared_error(net.after_each(nothing(steps), key), ys);
}

std::vector<double> generate(const Predictor& net, Index length) {
  Tape<double> tape;
  const NoGrad<double> no_gradient;
  const Tensor<double> made = net.after_each(nothing(length)).value();
  return {made.begin(), made.end()};
}

double curve_error(const std::vector<double>& made, const std::vector<double>& points, Index count) {
  double sum = 0;
  for (std::size_t i = 0; i < static_cast<std::size_t>(count); ++i) sum += (made[i] - points[i]) * (made[i] - points[i]);
  return std::sqrt(sum / static_cast<double>(count));
}

}  // namespace carousel
