#pragma once
/// The data and the net of the task curve: that of junhyukoh/caffe-lstm (examples/lstm_sequence, 2015), after Koutník, Greff,
/// Gomez, Schmidhuber 2014, "A Clockwork RNN", arXiv:1402.3511, section 4.1: a sequence to generate without any input.

#include <vector>

#include <carousel/tasks/nets/predictor.hpp>

namespace carousel {

struct CurveOptions : TrainOptions {
  Index points = 320;  ///< of the curve to learn
  double forget = 1;   ///< bias of forget gates at the start
};

/// The curve that the net of these options learns, and how it goes on: with t = 0.01 i,
///   f = 0.5 sin 2t − 0.05 cos(17t + 0.8) + 0.05 sin(25t + 10) − 0.02 cos(45t + 0.3)
/// divided by the largest |f| of the points to learn, less the mean that these then have, as in the original.
///   result: [length]
std::vector<double> curve(Index learned, Index length);

/// Makes the net, whose only input is 0.
Predictor curve_net(Registry<double>& registry, const CurveOptions& options);

/// Mean of (made − curve)² over the points to learn.
Var<double> curve_loss(const Predictor& net, const std::vector<double>& points, const std::optional<DropoutKey>& key = {});

/// What the net makes from its start.
///   result: [length]
std::vector<double> generate(const Predictor& net, Index length);

/// √ of the mean (made − points)² over the first `count` of both.
double curve_error(const std::vector<double>& made, const std::vector<double>& points, Index count);

}  // namespace carousel
