#include <carousel/tasks/nets/predictor.hpp>

namespace carousel {

Predictor::Predictor(Scope<double> p, Index in, Index out, const TrainOptions& options, const PredictorStart& start)
    : layers(p / "cell", in, options, start.cell), readout(p / "readout", layers.outputs(), out, start.readout) {}

Var<double> Predictor::after_each(Var<double> xs, const std::optional<DropoutKey>& key) const {
  return readout(layers.read(xs, {.key = key}).outputs);
}

Var<double> Predictor::after_all(Var<double> xs, const std::optional<DropoutKey>& key) const {
  return readout(layers.after_all(xs, {.key = key}));
}

}  // namespace carousel
