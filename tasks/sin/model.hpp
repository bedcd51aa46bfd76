#pragma once
/// The data and the net of the task sin: fmscole/lstm's (lstm_sin_train.py, lstm_sin_test.py, 2019).
///
/// A sequence is 100 points of sin(2π x / 50). After each of the 60 windows of 40 points in it the net is to say the point that
/// follows. In closed loop it begins with 100 points, and what it says becomes the next of them.

#include <span>
#include <vector>

#include <carousel/lib/numbers/random.hpp>
#include <carousel/tasks/nets/predictor.hpp>

namespace carousel {

struct SinOptions : TrainOptions {
  Index sequences = 500;    ///< in an epoch
  double readout_rate = 0;  ///< of the read-out; 0: as rate
  double noise = 0;         ///< deviation of what is added to the points that the net reads in training
};

inline constexpr Index sin_period = 50, sin_window = 40, sin_length = 100, sin_windows = sin_length - sin_window;

/// Sequences, each of `length` points from where it starts on.
///   result: [starts][length]
std::vector<std::vector<double>> sin_sequences(std::span<const double> starts, Index length, double amplitude = 1);

/// Where the sequences of an epoch start. The original's are the whole numbers below `sequences`, shuffled once as numpy does
/// after seed(2); else they are new in each epoch, uniform within a period.
std::vector<double> sin_starts(const SinOptions& options, Index epoch);
/// Where the sequences start that measure the net, and those by which the best epoch is chosen: at no whole number.
std::vector<double> sin_test_starts();
std::vector<double> sin_validation_starts();

/// Makes the net. That of the preset source starts with lstm_batch's numbers, and a read-out of zeros without a bias.
Predictor sin_net(Registry<double>& registry, const SinOptions& options);

/// Σ over the windows of (prediction − point)², of all sequences.
///   noise: what is added to the points that are read, [batch][length]; empty: nothing
Var<double> sin_loss(const Predictor& net, std::span<const std::vector<double>> sequences,
                     std::span<const std::vector<double>> noise = {}, const std::optional<DropoutKey>& key = {});

/// (prediction − point)² after the last window of one sequence.
Var<double> sin_last_loss(const Predictor& net, const std::vector<double>& sequence);

/// What the net says of the points of a sequence after its first window, each after the true ones.
///   sequence: [100];  result: [60]
std::vector<double> sin_predictions(const Predictor& net, std::span<const double> sequence);

/// Continues sequences of 100 points by what the net says, `steps` times. Each point is made from the latest 60 windows, read
/// from the net's start, as it learned to. (The original, which does the same, leaves the latest point out, and so runs late.)
///   result: [starts][steps]
std::vector<std::vector<double>> roll_out(const Predictor& net, std::vector<std::vector<double>> sequences, Index steps);

/// √ of the mean (made − true)² over the first `steps` points of all sequences, those that start there.
double roll_out_error(std::span<const std::vector<double>> made, std::span<const double> starts, Index steps,
                      double amplitude = 1);

}  // namespace carousel
