#include <carousel/tasks/eeg/data.hpp>

#include <algorithm>
#include <cmath>
#include <map>
#include <optional>
#include <sstream>
#include <string_view>

#include <fmt/format.h>

#include <carousel/lib/error.hpp>
#include <carousel/tasks/base/options.hpp>
#include <carousel/tasks/eeg/low_pass.hpp>

namespace carousel {

float* EegFrames::put(Index first, Index count, float* to) const {
  const double* from = values.data() + first * channels;
  for (Index i = 0; i < count; ++i)
    for (Index c = 0; c < channels; ++c)
      *to++ = static_cast<float>(*from++ - (offset.empty() ? 0 : offset[static_cast<std::size_t>(c)]));
  return to;
}

EegFrames frames_of(const EegSeries& series, const EegFilter& filter) {
  const std::size_t channels = series.channels.size();
  EegFrames frames{
      .name = series.name, .channels = static_cast<Index>(channels), .subsample = filter.subsample, .events = series.events};
  frames.values.reserve(static_cast<std::size_t>(frames.frames()) * channels);
  std::optional<LowPass> low_pass;
  if (filter.low_pass > 0) low_pass.emplace(3, filter.low_pass / eeg_rate);
  std::vector<double> row(channels);
  for (Index r = 0; r < series.rows(); ++r) {
    const auto from = series.signals.begin() + r * frames.channels;
    std::copy(from, from + frames.channels, row.begin());
    if (low_pass) (*low_pass)(row);
    if (r % filter.subsample == 0) frames.values.insert(frames.values.end(), row.begin(), row.end());
  }
  return frames;
}

EegParts<std::string> divide(const std::string& what, std::span<const std::string> names, const EegSplit& split) {
  std::map<std::string, Index> left;  // series of each subject that are still to come
  for (const std::string& name : names) ++left[subject_of(name)];
  for (const auto& [subject, count] : left)
    if (count <= split.validation + split.test)
      bad_file(what, ": has ", count, " series", subject.empty() ? "" : " of " + subject, ": must have at least ",
               split.validation + split.test + 1, ", ", split.validation, " of them to validate and ", split.test, " to test");
  EegParts<std::string> parts;
  for (const std::string& name : names) {
    const Index behind = --left[subject_of(name)];
    (behind < split.test ? parts.test : behind < split.test + split.validation ? parts.validation : parts.train).push_back(name);
  }
  return parts;
}

std::vector<EegFrames> read_frames(const EegSource& source, std::span<const std::string> names, const EegFilter& filter,
                                   std::vector<std::string>& channels) {
  std::vector<EegFrames> all;
  unsigned somewhere = 0, everywhere = ~0U;
  for (const std::string& name : names) {
    const EegSeries series = source.read(name);
    if (channels.empty()) channels = series.channels;
    if (series.channels != channels)
      bad_file(source.about, ": ", name, " has the channels ", list_words(series.channels), ": must be ", list_words(channels));
    for (const std::uint8_t marked : series.events) somewhere |= marked, everywhere &= marked;
    all.push_back(frames_of(series, filter));
  }
  for (std::size_t k = 0; k < eeg_events.size(); ++k)
    if ((somewhere >> k & 1) == 0 || (everywhere >> k & 1) != 0)
      bad_file(source.about, ": ", eeg_events[k], " is marked ", (everywhere >> k & 1) != 0 ? "everywhere" : "nowhere", " in ",
               list_words({names.begin(), names.end()}), ": must be somewhere, and not everywhere");
  return all;
}

namespace {

/// Mean and deviation of each channel.
struct Moments {
  std::vector<double> mean, deviation;
};
template <class ForEachFrame>
Moments moments_of(std::size_t channels, const ForEachFrame& for_each_frame) {
  Moments all{std::vector<double>(channels), std::vector<double>(channels)};
  double count = 0;
  for_each_frame([&](const auto*) { ++count; });
  for_each_frame([&](const auto* x) {
    for (std::size_t c = 0; c < channels; ++c) all.mean[c] += static_cast<double>(x[c]) / count;
  });
  for_each_frame([&](const auto* x) {
    for (std::size_t c = 0; c < channels; ++c) {
      const double off = static_cast<double>(x[c]) - all.mean[c];
      all.deviation[c] += off * off / count;
    }
  });
  for (double& square : all.deviation) square = std::sqrt(square);
  return all;
}

}  // namespace

std::vector<double> offsets_of(std::span<const EegFrames> series) {
  const Moments all = moments_of(static_cast<std::size_t>(series[0].channels), [&](const auto& f) {
    for (const EegFrames& one : series)
      for (Index frame = 0; frame < one.frames(); ++frame) f(one.values.data() + frame * one.channels);
  });
  std::vector<double> offsets;
  for (std::size_t c = 0; c < all.mean.size(); ++c)
    offsets.push_back(all.deviation[c] > 0 && std::abs(all.mean[c]) > 1000 * all.deviation[c] ? all.mean[c] : 0);
  if (std::count(offsets.begin(), offsets.end(), 0) == std::ssize(offsets)) offsets.clear();
  return offsets;
}

std::vector<double> parse_offsets(const std::string& text, Index channels) {
  std::vector<double> offsets;
  std::istringstream words(text);
  for (std::string word; std::getline(words, word, ',');) detail::read_value("offsets", word, {}, offsets.emplace_back());
  if (!offsets.empty() && std::ssize(offsets) != channels)
    wrong_argument("offsets: are ", offsets.size(), ": must be ", channels, ", one for each channel");
  return offsets;
}

std::string identity_of(const EegParts<EegFrames>& data) {
  std::uint64_t hash = 0;
  for (const auto* part : {&data.train, &data.validation})
    for (const EegFrames& one : *part) {
      std::vector<float> read(one.values.size());
      one.put(0, one.frames(), read.data());
      const std::string_view values(reinterpret_cast<const char*>(read.data()), read.size() * sizeof(float));
      const std::string_view marks(reinterpret_cast<const char*>(one.events.data()), one.events.size());
      hash = mix(mix(hash, detail::hash(values)), detail::hash(marks));
    }
  return fmt::format("{} series and {} to validate, hash {:016x}", data.train.size(), data.validation.size(), hash);
}

EegScale scale_of(std::span<const EegFrames> series) {
  std::vector<float> x(static_cast<std::size_t>(series[0].channels));
  const Moments all = moments_of(x.size(), [&](const auto& f) {
    for (const EegFrames& one : series)
      for (Index frame = 0; frame < one.frames(); ++frame) {
        one.put(frame, 1, x.data());
        f(x.data());
      }
  });
  EegScale scale;
  for (std::size_t c = 0; c < x.size(); ++c) {
    const bool constant = all.deviation[c] <= 1e-6 * std::abs(all.mean[c]);  // but for rounding
    scale.mean.push_back(static_cast<float>(all.mean[c]));
    scale.deviation.push_back(constant ? 1 : static_cast<float>(all.deviation[c]));
  }
  return scale;
}

EegStreams::EegStreams(std::span<const EegFrames> series, const Options& options)
    : series_(series), options_(options), random_(Random(options.seed).split("streams")), mean_(scale_of(series).mean) {
  Index windows = 0;
  for (const EegFrames& one : series) windows += windows_of(one);
  batches_ = windows / options.batch;
  if (batches_ == 0)
    wrong_argument("streams: ", windows, " windows of ", options.steps, " frames to train on: must be at least ", options.batch,
                   ", one for each stream of a batch");
  if (options.mix > 0)
    for (const EegFrames& one : series)
      for (Index frame = 0; frame < one.frames(); ++frame) frames_.emplace_back(&one, frame);
}

Index EegStreams::windows_of(const EegFrames& series) const {
  const Index whole = series.frames() / options_.steps;
  return whole > 1 ? whole - 1 : whole;
}

std::vector<EegStreams::Window> EegStreams::windows(Index epoch) const {
  Random random = random_.split(static_cast<std::uint64_t>(epoch));
  std::vector<const EegFrames*> order;
  for (const EegFrames& one : series_) order.push_back(&one);
  random.shuffle(order);
  std::vector<Window> all;
  for (const EegFrames* one : order) {
    const Index count = windows_of(*one);
    const Index first = random.below(one->frames() - count * options_.steps + 1);
    for (Index w = 0; w < count; ++w) all.push_back({one, first + w * options_.steps, w == 0});
  }
  return all;
}

std::vector<Index> EegStreams::fill(Index epoch, Index batch, Index from, Index to, float* inputs, float* targets) const {
  const std::vector<Window> all = windows(epoch);
  const Index streams = to - from;
  std::vector<Index> anew;
  for (Index s = 0; s < streams; ++s) {
    const Window& window = all[static_cast<std::size_t>((from + s) * batches_ + batch)];
    if (window.begins || batch == 0) anew.push_back(s);
    const Index channels = window.series->channels;
    for (Index t = 0; t < options_.steps; ++t) {
      const Index frame = window.first + t, place = t * streams + s;
      window.series->put(frame, 1, inputs + place * channels);
      put_events(window.series->events_of(frame), targets + place * std::ssize(eeg_events));
    }
    if (options_.mix > 0) mix_into(epoch, batch, from + s, streams * channels, inputs + s * channels);
  }
  return anew;
}

void EegStreams::mix_into(Index epoch, Index batch, Index stream, Index stride, float* inputs) const {
  Random random = random_.split(static_cast<std::uint64_t>(epoch)).split("mix").split(static_cast<std::uint64_t>(stream));
  const Index count = std::ssize(frames_), first = random.below(count) + batch * options_.steps;
  const auto weight = static_cast<float>(options_.mix);
  const float norm = std::sqrt(1 + weight * weight);
  std::vector<float> other(mean_.size());
  for (Index t = 0; t < options_.steps; ++t) {
    const auto [series, frame] = frames_[static_cast<std::size_t>((first + t) % count)];
    series->put(frame, 1, other.data());
    float* const x = inputs + t * stride;
    for (std::size_t c = 0; c < mean_.size(); ++c) x[c] = mean_[c] + ((x[c] - mean_[c]) + weight * (other[c] - mean_[c])) / norm;
  }
}

void put_events(std::uint8_t marked, float* targets) {
  for (std::size_t k = 0; k < eeg_events.size(); ++k) targets[k] = static_cast<float>(marked >> k & 1);
}

}  // namespace carousel
