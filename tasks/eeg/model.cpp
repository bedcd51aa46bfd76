#include <carousel/tasks/eeg/model.hpp>

#include <algorithm>
#include <memory>
#include <numeric>

#include <carousel/lib/error.hpp>
#include <carousel/lib/training/fit.hpp>
#include <carousel/models/losses/loss.hpp>
#include <carousel/tasks/eeg/auc.hpp>

namespace carousel {

namespace {

constexpr auto event_count = static_cast<Index>(eeg_events.size());

bool as_source(const EegOptions& options) {
  return options.preset == "source";
}
CellOptions<float> cell_options(const EegOptions& options) {
  return as_source(options) ? CellOptions<float>{.forget_bias = 1.5, .init = init::uniform<float>(-0.08, 0.08)}
                            : CellOptions<float>{};
}
LinearOptions<float> readout_options(const EegOptions& options) {
  if (!as_source(options)) return {};
  return {.w = init::uniform<float>(-0.08, 0.08), .b = init::uniform<float>(-0.08, 0.08)};
}

}  // namespace

Standardise::Standardise(Scope<float> p, Index channels)
    : mean(p.parameter("mean", {channels}, init::constant<float>(0))),
      deviation(p.parameter("deviation", {channels}, init::constant<float>(1))) {
  mean->frozen = deviation->frozen = true;
}

void Standardise::set(const EegScale& scale) {
  std::copy(scale.mean.begin(), scale.mean.end(), mean->change().data());
  std::copy(scale.deviation.begin(), scale.deviation.end(), deviation->change().data());
}

EegModel::EegModel(Scope<float> p, const EegOptions& options, Index channels)
    : dropout_(options.dropout),
      standardise_(p / "input", channels),
      layers_([&] {
        if (options.filters > 0) filters_.emplace(p / "filters", channels, options.filters, LinearOptions<float>{.bias = false});
        Index in = options.filters > 0 ? options.filters : channels;
        std::vector<AnyCell<float>> layers;
        for (Index layer = 0; layer < options.layers; ++layer, in = options.hidden)
          layers.push_back(
              make_cell(options.cell, p / ("layer" + std::to_string(layer)), in, options.hidden, cell_options(options)));
        return Layers(std::move(layers), options.dropout);
      }()),
      readout_(p / "readout", options.hidden, event_count, readout_options(options)) {}

EegModel::State EegModel::start(Index batch) const {
  Tape<float> tape;  // the state is copied from it at once
  return State(layers_.start(batch));
}

Var<float> EegModel::operator()(Var<float> xs, State& state, const std::optional<DropoutKey>& key) const {
  Var<float> x = standardise_(xs);
  if (filters_) x = (*filters_)(x);
  const auto scanned = scan(layers_, x, state.enter(), {.key = key});
  state = scanned.state;
  x = scanned.outputs;
  if (key) {
    DropoutKey last = *key;
    last.place = mix(key->place, 2 * layers_.size() - 1);  // the one behind those between layers
    last.batch_axis = 1;
    x = dropout(x, dropout_, last);
  }
  return readout_(x);
}

EegLogits logits_of(const EegModel& model, const EegFrames& series) {
  constexpr Index chunk = 256;
  Tape<float> tape;
  const NoGrad<float> no_gradient;
  EegModel::State state = model.start(1);
  EegLogits all(static_cast<std::size_t>(series.frames() * event_count));
  for (Index from = 0; from < series.frames(); from += chunk) {
    tape.clear();
    const Index steps = std::min(chunk, series.frames() - from);
    const Var<float> xs = tape.constant(Shape{steps, 1, series.channels});
    series.put(from, steps, tape.data(xs));
    tape.copy_elements(model(xs, state), all.data() + from * event_count);
  }
  return all;
}

EegLogits logits_of(const MemorylessModel& model, const EegFrames& series) {
  Tape<float> tape;
  const NoGrad<float> no_gradient;
  const Var<float> xs = tape.constant(Shape{series.frames(), series.channels});
  series.put(0, series.frames(), tape.data(xs));
  EegLogits all(static_cast<std::size_t>(series.frames() * event_count));
  tape.copy_elements(model(xs), all.data());
  return all;
}

void fit_memoryless(Registry<float>& registry, const MemorylessModel& model, std::span<const EegFrames> series,
                    std::uint64_t seed) {
  const Index channels = series[0].channels;
  std::vector<std::pair<const EegFrames*, Index>> frames;
  for (const EegFrames& one : series)
    for (Index frame = 0; frame < one.frames(); ++frame) frames.emplace_back(&one, frame);
  Adam<float> adam(registry, {.rate = 1e-2});
  const DataSet data{.examples = std::ssize(frames), .batch = 500};
  const auto loss = [&](const Batch& batch, const Shard&) {
    Tape<float>& tape = Tape<float>::active();
    const Index count = std::ssize(batch.examples);
    const Var<float> xs = tape.constant(Shape{count, channels}), ys = tape.constant(Shape{count, event_count});
    float *x = tape.data(xs), *y = tape.data(ys);
    for (const Index n : batch.examples) {
      const auto [one, frame] = frames[static_cast<std::size_t>(n)];
      x = one->put(frame, 1, x);
      put_events(one->events_of(frame), y);
      y += event_count;
    }
    return binary_cross_entropy(model(xs), ys);
  };
  const Index epochs = std::max<Index>(20, 2000 / data.batches());
  fit(adam, data, loss, {.epochs = epochs, .schedule = CosineDecay{.steps = data.batches() * epochs}, .seed = seed});
}

double EegAreas::mean() const {
  return std::accumulate(of_event.begin(), of_event.end(), 0.0) / static_cast<double>(of_event.size());
}

EegAreas areas(std::span<const EegFrames> series, std::span<const EegLogits> logits) {
  std::size_t rows = 0;
  for (const EegFrames& one : series) rows += one.events.size();
  std::vector<float> scores(rows);
  const auto labels = std::make_unique<bool[]>(rows);
  EegAreas areas;
  for (std::size_t k = 0; k < eeg_events.size(); ++k) {
    std::size_t at = 0;
    for (std::size_t s = 0; s < series.size(); ++s)
      for (std::size_t r = 0; r < series[s].events.size(); ++r, ++at) {
        scores[at] = logits[s][r / static_cast<std::size_t>(series[s].subsample) * eeg_events.size() + k];
        labels[at] = (series[s].events[r] >> k & 1) != 0;
      }
    areas.of_event[k] = auc(scores, {labels.get(), rows});
  }
  return areas;
}

}  // namespace carousel
