#pragma once
/// The net of the tasks sin, series and curve: recurrent layers and a linear read-out, in double, since small nets that feed on
/// what they make themselves show every rounding.

#include <optional>

#include <carousel/models/layers/linear.hpp>
#include <carousel/tasks/nets/layers.hpp>

namespace carousel {

/// How the parameters of a Predictor start.
struct PredictorStart {
  CellOptions<double> cell = {};
  LinearOptions<double> readout = {};
};

/// With h the outputs of the last layer, of both directions if it has them:
///   y = h W + b
struct Predictor {
  Layers<double> layers;  // below p / "cell"
  Linear<double> readout;

  ///   in: features of x;  out: of y
  Predictor(Scope<double> p, Index in, Index out, const TrainOptions& options, const PredictorStart& start = {});

  /// What it says after every step.
  ///   xs: [time, batch, in];  result: [time, batch, out]
  ///   key: for dropout between layers; none: the model is in use
  Var<double> after_each(Var<double> xs, const std::optional<DropoutKey>& key = {}) const;
  /// What it says after the last step.
  ///   xs: [time, batch, in];  result: [batch, out]
  Var<double> after_all(Var<double> xs, const std::optional<DropoutKey>& key = {}) const;
};

}  // namespace carousel
