#include <carousel/tasks/eeg/views.hpp>

#include <algorithm>
#include <cmath>
#include <functional>
#include <memory>

#include <fmt/format.h>

#include <carousel/models/losses/loss.hpp>
#include <carousel/tasks/eeg/auc.hpp>

namespace carousel {

namespace {

constexpr std::size_t events = eeg_events.size();

/// Some frames of a series, in a row.
struct Stretch {
  const EegFrames& series;
  Index first, last;  // behind the last

  double second_of(Index frame) const { return static_cast<double>(frame * series.subsample) / static_cast<double>(eeg_rate); }
  bool is_near(Index frame, std::size_t event) const { return (series.events_of(frame) >> event & 1) != 0; }
  double signal(Index frame, Index channel) const {
    return series.values[static_cast<std::size_t>(frame * series.channels + channel)];
  }
};

Index first_frame_with(const EegFrames& series, std::size_t event) {
  for (Index frame = 0; frame < series.frames(); ++frame)
    if ((series.events_of(frame) >> event & 1) != 0) return frame;
  return 0;
}

/// Some 12 seconds around the first time that a hand starts.
Stretch stretch_of(const EegFrames& series) {
  const Index second = std::max<Index>(1, eeg_rate / series.subsample);
  const Index first = std::max<Index>(0, first_frame_with(series, 0) - 2 * second);
  return {series, first, std::min(series.frames(), first + 12 * second)};
}

double probability(const EegLogits& logits, Index frame, std::size_t event) {
  return 1 / (1 + std::exp(-static_cast<double>(logits[static_cast<std::size_t>(frame) * events + event])));
}

/// The channel that is most different while the event is near: in means, by its deviation.
Index telling_channel(const Stretch& stretch, std::size_t event) {
  Index best = 0;
  double most = -1;
  for (Index channel = 0; channel < stretch.series.channels; ++channel) {
    double sums[2] = {0, 0}, counts[2] = {0, 0}, all = 0, squares = 0;
    for (Index frame = stretch.first; frame < stretch.last; ++frame) {
      const double x = stretch.signal(frame, channel);
      const int near = stretch.is_near(frame, event) ? 1 : 0;
      sums[near] += x, ++counts[near], all += x, squares += x * x;
    }
    const double count = counts[0] + counts[1], variance = squares / count - all / count * (all / count);
    if (counts[0] == 0 || counts[1] == 0 || variance <= 0) continue;
    const double difference = std::abs(sums[1] / counts[1] - sums[0] / counts[0]) / std::sqrt(variance);
    if (difference > most) most = difference, best = channel;
  }
  return best;
}

/// One channel, from 0 to 1, the event, and how probable it is said to be.
Chart beside_signal(const Stretch& stretch, const EegLogits& logits, std::size_t event,
                    const std::vector<std::string>& channels) {
  const Index channel = telling_channel(stretch, event);
  ChartLine signal{.name = channels[static_cast<std::size_t>(channel)] + ", scaled",
                   .x = {},
                   .y = {},
                   .dashed = true,
                   .colour = net_colour + 1};
  ChartLine truth{.name = "is near", .x = {}, .y = {}, .colour = truth_colour},
      said{.name = "probability", .x = {}, .y = {}, .colour = net_colour};
  for (Index frame = stretch.first; frame < stretch.last; ++frame) {
    signal.x.push_back(stretch.second_of(frame));
    signal.y.push_back(stretch.signal(frame, channel));
    truth.y.push_back(stretch.is_near(frame, event) ? 1 : 0);
    said.y.push_back(probability(logits, frame, event));
  }
  truth.x = said.x = signal.x;
  const auto [least, greatest] = std::minmax_element(signal.y.begin(), signal.y.end());
  const double low = *least, range = std::max(*greatest - low, 1e-12);
  for (double& y : signal.y) y = (y - low) / range;
  return {.title = "", .x_name = "seconds", .y_name = std::string(eeg_events[event]), .lines = {signal, truth, said}};
}

/// Each event in two rows: what is said, and what is so; a field is 0.4 seconds, what is most in it.
view::HeatMap all_events(const Stretch& stretch, const EegLogits& logits) {
  const Index frames = stretch.last - stretch.first;
  const Index apart = std::clamp<Index>(eeg_rate * 2 / 5 / stretch.series.subsample, 1, frames), fields = frames / apart;
  view::HeatMap map{.x_name = "seconds", .y_name = "event", .width = static_cast<std::size_t>(fields), .values = {}};
  const auto add_row = [&](std::string name, const std::function<double(Index)>& value) {
    map.rows.push_back(std::move(name));
    for (Index field = 0; field < fields; ++field) {
      double most = 0;
      for (Index k = 0; k < apart; ++k) most = std::max(most, value(stretch.first + field * apart + k));
      map.values.push_back(most);
    }
  };
  for (std::size_t event = 0; event < events; ++event) {
    add_row(std::string(eeg_events[event]), [&](Index frame) { return probability(logits, frame, event); });
    add_row("truth", [&](Index frame) { return stretch.is_near(frame, event) ? 1.0 : 0.0; });
  }
  for (Index field = 0; field < fields; ++field)
    map.columns.push_back(field % 5 == 0 ? fmt::format("{:.0f}", stretch.second_of(stretch.first + field * apart)) : "");
  return map;
}

Chart roc_curves(std::span<const EegFrames> series, std::span<const EegLogits> logits) {
  std::size_t frames = 0;
  for (const EegFrames& one : series) frames += static_cast<std::size_t>(one.frames());
  std::vector<float> scores(frames);
  const auto labels = std::make_unique<bool[]>(frames);
  Chart chart{.title = "", .x_name = "false alarms", .y_name = "events found", .lines = {}};
  for (std::size_t event = 0; event < events; ++event) {
    std::size_t at = 0;
    for (std::size_t s = 0; s < series.size(); ++s)
      for (Index frame = 0; frame < series[s].frames(); ++frame, ++at) {
        scores[at] = logits[s][static_cast<std::size_t>(frame) * events + event];
        labels[at] = (series[s].events_of(frame) >> event & 1) != 0;
      }
    RocCurve curve = roc(scores, {labels.get(), frames});
    chart.lines.push_back({.name = std::string(eeg_events[event]),
                           .x = std::move(curve.false_rate),
                           .y = std::move(curve.true_rate),
                           .colour = event + 1});
  }
  chart.lines.push_back({.name = "chance", .x = {0, 1}, .y = {0, 1}, .dashed = true, .colour = 0});
  return chart;
}

}  // namespace

void add_eeg_views(Views& views, std::span<const EegFrames> series, std::span<const EegLogits> logits,
                   const std::vector<std::string>& channels) {
  const Stretch stretch = stretch_of(series.front());
  views.add("The start of a hand, beside the signal",
            "The dashed line is the electrode that shows it best here. Could you tell the event from it alone? Look whether the "
            "probability rises before the event is over, and whether it rises elsewhere, too.",
            beside_signal(stretch, logits.front(), 0, channels));
  views.add("All events over a stretch of time",
            "Below each row of probabilities stands what is so. Events follow each other in a fixed order: a net with a memory "
            "waits for "
            "the next; look for steps from the upper left to the lower right.",
            all_events(stretch, logits.front()));
  views.add("Events found, against false alarms (ROC)",
            "Each point is a threshold. The further a curve bends to the upper left, the better; the area below it is the task's "
            "measure. "
            "The diagonal is chance.",
            roc_curves(series, logits));
}

Sample<float> eeg_sample(const EegModel& model, const EegOptions& options, const EegScale& scale, const EegFrames& series,
                         const std::string& cell) {
  const auto used = net_for<float>(cell, model, [&](Registry<float>& registry) {
    Random random(1);
    EegModel other(Scope<float>(registry, random), with_cell(options, cell), series.channels);
    other.standardise().set(scale);
    return other;
  });
  constexpr Index most = 60;
  const Index last = std::max(first_frame_with(series, 0), std::min(most, series.frames()) - 1),
              first = std::max<Index>(0, last - most + 1);
  Sample<float> sample{.loss =
                           [used, &series, first, last] {
                             Tape<float>& tape = Tape<float>::active();
                             const Index steps = last - first + 1;
                             const Var<float> xs = tape.constant(Shape{steps, 1, series.channels});
                             series.put(first, steps, tape.data(xs));
                             const Var<float> ys = tape.constant(Shape{1, std::ssize(eeg_events)});
                             put_events(series.events_of(last), tape.data(ys));
                             EegModel::State state = used->start(1);
                             return binary_cross_entropy(carousel::last((*used)(xs, state)), ys);
                           },
                       .input = {}};
  const Stretch stretch{series, first, last + 1};
  for (Index frame = first; frame <= last; ++frame) sample.input.push_back(fmt::format("{:.2f} s", stretch.second_of(frame)));
  return sample;
}

}  // namespace carousel
