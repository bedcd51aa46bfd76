#include <carousel/tasks/predictor.hpp>

#include <vector>

#include <carousel/ops/shape.hpp>

namespace carousel {

namespace {
Stacked<AnyCell<double>> make_layers(Scope<double> p, Index in, const TrainOptions& options, const CellOptions<double>& start) {
  std::vector<AnyCell<double>> layers;
  for (Index layer = 0; layer < options.layers; ++layer)
    layers.push_back(make_cell(options.cell, p / std::to_string(layer), layer == 0 ? in : options.hidden, options.hidden, start));
  return Stacked(std::move(layers), options.dropout);
}
}  // namespace

Predictor::Predictor(Scope<double> p, Index in, Index out, const TrainOptions& options, const PredictorStart& start)
    : layers(make_layers(p / "cell", in, options, start.cell)), readout(p / "readout", options.hidden, out, start.readout) {}

Var<double> Predictor::after_each(Var<double> xs, const std::optional<DropoutKey>& key) const {
  return readout(scan(layers, xs, {.key = key}));
}

Var<double> Predictor::after_all(Var<double> xs, const std::optional<DropoutKey>& key) const {
  const Var<double> hs = scan(layers, xs, {.key = key});
  return readout(last(hs));
}

}  // namespace carousel
