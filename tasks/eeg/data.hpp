#pragma once
/// Recordings as a net sees them: filtered, thinned out, divided into what is learned from and what is held out.

#include <functional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <carousel/lib/numbers/random.hpp>
#include <carousel/tasks/eeg/series.hpp>

namespace carousel {

/// What is done to signals, each channel on its own and without a look ahead.
struct EegFilter {
  double low_pass = 3;  ///< Hz: cutoff of a Butterworth filter of order 3; 0: none
  Index subsample = 3;  ///< every such row is a frame, from the first on
};

/// A series of which the net sees a frame each so many rows.
struct EegFrames {
  std::string name;
  Index channels = 0, subsample = 1;
  std::vector<double> values = {};        ///< [frames, channels]
  std::vector<std::uint8_t> events = {};  ///< of all rows, as in EegSeries
  std::vector<double> offset = {};        ///< [channels]: see offsets_of(); empty: nothing is taken off

  Index rows() const { return static_cast<Index>(events.size()); }
  Index frames() const { return (rows() + subsample - 1) / subsample; }
  /// Frames as a net reads them: floats, less the offset. Returns what is behind them.
  ///   to: [count, channels]
  float* put(Index first, Index count, float* to) const;
  /// The events at a frame's own row.
  std::uint8_t events_of(Index frame) const { return events[static_cast<std::size_t>(frame * subsample)]; }
};

EegFrames frames_of(const EegSeries& series, const EegFilter& filter);

/// Series of each subject that are held out: the last ones to test, those before them to validate.
struct EegSplit {
  Index validation = 1, test = 2;
};

/// Something for each purpose.
template <class E>
struct EegParts {
  std::vector<E> train = {}, validation = {}, test = {};
};

/// Divides the names of series, which stand in their order. Throws std::runtime_error, which begins with `what`, if a subject has
/// too few of them.
EegParts<std::string> divide(const std::string& what, std::span<const std::string> names, const EegSplit& split);

/// Where series come from.
struct EegSource {
  std::string about;                                            ///< for errors and reports
  std::vector<std::string> names = {};                          ///< of all series, in their order
  std::function<EegSeries(const std::string& name)> read = {};  ///< throws as read_series does
};

/// Reads series and filters them. Throws std::runtime_error if one has other channels than `channels`, which are set if they are
/// empty, or if an event is marked nowhere, or everywhere.
std::vector<EegFrames> read_frames(const EegSource& source, std::span<const std::string> names, const EegFilter& filter,
                                   std::vector<std::string>& channels);

/// What is to be taken off each channel before its values become floats: its mean, where that is more than a thousand deviations
/// from 0, as an amplifier's may be, and floats of its size have no digits left for the signal. Empty: of none is it so.
std::vector<double> offsets_of(std::span<const EegFrames> series);

/// Those that words with commas between them say, as many as there are channels, or none. Throws std::invalid_argument.
std::vector<double> parse_offsets(const std::string& text, Index channels);

/// What tells the series of one training from those of another.
std::string identity_of(const EegParts<EegFrames>& data);

/// What makes the signals of each channel 0 on average and 1 in their deviation: (x − mean) / deviation, with
/// x less the offset.
struct EegScale {
  std::vector<float> mean, deviation;  ///< [channels]; of a channel that never changes, the deviation is 1
};
EegScale scale_of(std::span<const EegFrames> series);

/// Series as `batch` streams that are read side by side, `steps` frames at a time, so that the state of a net carries over.
///
/// The series stand one behind the other, each cut into windows of `steps` frames, and each stream reads an equal part of the
/// windows, so that a stream may begin within a series and go on with the next; windows that are left over are not read. In each
/// epoch the series stand in another order, and their first windows begin elsewhere, where they are long enough for it.
///
/// Currents in a head add up; so what a stream reads may be mixed with another stretch of the recordings, which is another one in
/// each epoch: with x its frame, z that of the other stretch, and m the mean of all, it is m + ((x − m) + mix (z − m)) / √(1 +
/// mix²), and the events are those of x. So a net hardly meets the same twice, and what it sees has the background of true
/// recordings.
class EegStreams {
 public:
  struct Options {
    Index batch = 1, steps = 1;
    double mix = 0;
    std::uint64_t seed = 0;
  };
  /// The series must outlive it. Throws std::invalid_argument if they make fewer windows than `batch`.
  EegStreams(std::span<const EegFrames> series, const Options& options);

  Index batches() const { return batches_; }

  /// What the streams [from, to) read in a batch of an epoch; returns those that begin anew, at the start of the epoch or of a
  /// series, counted from `from`.
  ///   inputs: [steps, to − from, channels];  targets: [steps, to − from, 6]
  std::vector<Index> fill(Index epoch, Index batch, Index from, Index to, float* inputs, float* targets) const;

 private:
  struct Window {
    const EegFrames* series;
    Index first;  // frame
    bool begins;
  };
  Index windows_of(const EegFrames& series) const;
  std::vector<Window> windows(Index epoch) const;

  void mix_into(Index epoch, Index batch, Index stream, Index stride, float* inputs) const;

  std::span<const EegFrames> series_;
  Options options_;
  Index batches_ = 0;
  Random random_;
  std::vector<float> mean_;                                      // [channels]
  std::vector<std::pair<const EegFrames*, Index>> frames_ = {};  // of all series, if they are to be mixed
};

/// The events as numbers, 0 or 1: [6]
void put_events(std::uint8_t marked, float* targets);

}  // namespace carousel
