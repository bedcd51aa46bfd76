#pragma once
/// Nets that see a recording frame by frame and say which events are near: one with a memory, and one without to compare it with.

#include <array>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include <carousel/models/cells/any_cell.hpp>
#include <carousel/models/layers/linear.hpp>
#include <carousel/models/sequence/stacked.hpp>
#include <carousel/tasks/base/options.hpp>
#include <carousel/tasks/eeg/data.hpp>

namespace carousel {

struct EegOptions : TrainOptions {
  Index subject = 0;                                 ///< whose recordings; 0: of a folder all, else subject 1
  Index series = 8;                                  ///< of the subject that is made up
  Index seconds = 200;                               ///< of each of these
  std::string decimal = "auto", thousands = "auto";  ///< see Csv
  double low_pass = 3;
  Index subsample = 3;
  Index validation = 1, test = 2;  ///< series of each subject
  double mix = 0;                  ///< augmentation: weight of a second recording mixed in
  Index filters = 0;               ///< mixtures of the channels that the layers see; 0: they see all channels
  std::string write = {};          ///< folder for the CSV files of the subject that is made up

  EegFilter filter() const { return {.low_pass = low_pass, .subsample = subsample}; }
  EegSplit split() const { return {.validation = validation, .test = test}; }
};

/// Standardises inputs with what the training series have shown: (x − mean) / deviation. Parameters, so that models carry them,
/// but frozen.
///   mean, deviation: [channels]
struct Standardise {
  Param<float> mean, deviation;

  Standardise(Scope<float> p, Index channels);
  void set(const EegScale& scale);
  Var<float> operator()(Var<float> xs) const { return (xs - mean) / deviation; }
};

/// Logits of the events, by what was seen until then: with x a frame, standardised,
///   h' = layers(x F, h);  logits = h' W + b
/// F are spatial filters: few mixtures of many electrodes, as a source in the head reaches many of them. The original has none.
class EegModel {
 public:
  using Layers = Stacked<AnyCell<float>>;
  using State = Kept<Layers::State>;

  /// Preset source: all parameters start uniform in ±0.08, but for forget biases of 1.5.
  EegModel(Scope<float> p, const EegOptions& options, Index channels);

  Standardise& standardise() { return standardise_; }
  State start(Index batch) const;
  /// Goes on from a state, and leaves the one after the last step in it.
  ///   xs: [steps, batch, channels];  result: [steps, batch, 6]
  ///   key: of dropout, without one the model is in use
  Var<float> operator()(Var<float> xs, State& state, const std::optional<DropoutKey>& key = {}) const;

 private:
  double dropout_;
  Standardise standardise_;
  std::optional<Linear<float>> filters_;
  Layers layers_;
  Linear<float> readout_;
};

/// Logistic regression: logits of the events, by what one frame shows.
struct MemorylessModel {
  Standardise standardise;
  Linear<float> readout;

  MemorylessModel(Scope<float> p, Index channels) : standardise(p / "input", channels), readout(p / "readout", channels, 6) {}
  /// xs: [batch, channels];  result: [batch, 6]
  Var<float> operator()(Var<float> xs) const { return readout(standardise(xs)); }
};

/// What a model says of each frame of a series: logits, [frames, 6].
using EegLogits = std::vector<float>;
/// In one pass, from its first frame to its last.
EegLogits logits_of(const EegModel& model, const EegFrames& series);
EegLogits logits_of(const MemorylessModel& model, const EegFrames& series);

/// Trains one on the frames of some series, with Adam, until it gets no better: for twenty epochs, or 2,000 steps if that is
/// more.
void fit_memoryless(Registry<float>& registry, const MemorylessModel& model, std::span<const EegFrames> series,
                    std::uint64_t seed);

/// Areas under ROC curves of the events, each over all rows of some series at once; a row has the logits of the last frame.
struct EegAreas {
  std::array<double, eeg_events.size()> of_event{};
  /// Their mean: the measure of Kaggle's competition.
  double mean() const;
};
EegAreas areas(std::span<const EegFrames> series, std::span<const EegLogits> logits);

}  // namespace carousel
