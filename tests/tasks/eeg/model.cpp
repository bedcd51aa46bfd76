#include <carousel/tasks/eeg/model.hpp>

#include <algorithm>
#include <cmath>

#include <doctest/doctest.h>
#include <carousel/models/losses/loss.hpp>
#include <carousel/ops/reduce.hpp>

using namespace carousel;

namespace {

EegOptions small_options() {
  EegOptions options;
  options.hidden = 5;
  options.layers = 2;
  options.filters = 2;
  return options;
}

/// Random frames of `channels`, each event near at some rows.
EegFrames random_frames(Index frames, Index channels, Index subsample, std::uint64_t seed) {
  Random random(seed);
  EegFrames series{.name = "s", .channels = channels, .subsample = subsample};
  for (Index i = 0; i < frames * channels; ++i)
    series.values.push_back(static_cast<double>(static_cast<float>(random.normal(3, 2))));
  for (Index r = 0; r < frames * subsample; ++r) series.events.push_back(static_cast<std::uint8_t>(random.below(64)));
  return series;
}

}  // namespace

TEST_CASE("a series that is read piece by piece gives what it gives as a whole") {
  Registry<float> registry;
  Random random(1);
  const EegModel model(Scope<float>(registry, random), small_options(), 3);
  const EegFrames series = random_frames(600, 3, 1, 2);
  const EegLogits pieces = logits_of(model, series);  // of 256 frames
  CHECK(pieces.size() == 3600);
  Tape<float> tape;
  EegModel::State state = model.start(1);
  const Var<float> xs = tape.constant(Shape{600, 1, 3});
  series.put(0, series.frames(), tape.data(xs));
  const Tensor<float> whole = model(xs, state).value();
  for (std::size_t i = 0; i < pieces.size(); ++i) CHECK(pieces[i] == doctest::Approx(whole.data()[i]).epsilon(1e-5));
}

TEST_CASE("a prediction depends on frames until then, and on none behind") {
  Registry<float> registry;
  Random random(1);
  const EegModel model(Scope<float>(registry, random), small_options(), 3);
  EegFrames series = random_frames(40, 3, 1, 2);
  const EegLogits before = logits_of(model, series);
  series.values[20 * 3] += 1;
  const EegLogits after = logits_of(model, series);
  CHECK(std::equal(before.begin(), before.begin() + 20 * 6, after.begin()));
  CHECK(!std::equal(before.begin() + 20 * 6, before.begin() + 21 * 6, after.begin() + 20 * 6));
  CHECK(!std::equal(before.begin() + 30 * 6, before.begin() + 31 * 6, after.begin() + 30 * 6));
}

TEST_CASE("inputs are standardised by parameters that no training moves") {
  Registry<float> registry;
  Random random(1);
  EegModel model(Scope<float>(registry, random), small_options(), 2);
  model.standardise().set({.mean = {3, 5}, .deviation = {2, 4}});
  Tape<float> tape;
  const Var<float> xs = tape.constant(Shape{1, 1, 2});
  tape.data(xs)[0] = 7, tape.data(xs)[1] = 3;
  const Tensor<float> standardised = model.standardise()(xs).value();
  CHECK(standardised.data()[0] == 2);
  CHECK(standardised.data()[1] == -0.5F);
  EegModel::State state = model.start(1);
  backward(sum(model(xs, state)));
  CHECK(!registry.at("input/mean").has_gradient);
  CHECK(registry.at("readout/w").has_gradient);
}

TEST_CASE("the original's parameters start uniform in ±0.08, its forget biases at 1.5") {
  EegOptions options = small_options();
  options.preset = "source";
  options.filters = 0;
  Registry<float> registry;
  Random random(1);
  const EegModel model(Scope<float>(registry, random), options, 3);
  for (const Parameter<float>& p : registry) {
    CAPTURE(p.path);
    if (p.path.starts_with("input/")) continue;
    float largest = 0;
    Index forget = 0;
    for (const float value : p.value) {
      if (value == 1.5F)
        ++forget;
      else
        largest = std::max(largest, std::abs(value));
    }
    CHECK(largest <= 0.08F);
    CHECK(largest > 0.04F);
    CHECK(forget == (p.path.starts_with("layer") && p.path.ends_with("/b") ? 5 : 0));
  }
}

TEST_CASE("logistic regression finds what a frame alone tells, and nothing where there is nothing") {
  std::vector<EegFrames> series = {random_frames(2000, 4, 1, 3), random_frames(2000, 4, 1, 4)};
  for (EegFrames& one : series)
    for (std::size_t r = 0; r < one.events.size(); ++r)  // event 2 follows from channels 1 and 3
      one.events[r] =
          static_cast<std::uint8_t>((one.events[r] & 0b111011) | (one.values[4 * r + 1] > one.values[4 * r + 3] ? 4 : 0));
  Registry<float> registry;
  Random random(1);
  MemorylessModel model(Scope<float>(registry, random), 4);
  model.standardise.set(scale_of(series));
  fit_memoryless(registry, model, std::span(series).first(1), 1);
  const std::vector<EegLogits> logits = {logits_of(model, series[1])};
  const EegAreas found = areas(std::span(series).last(1), logits);
  CHECK(found.of_event[2] > 0.999);
  for (const std::size_t k : {0U, 1U, 3U, 4U, 5U}) CHECK(std::abs(found.of_event[k] - 0.5) < 0.05);
  CHECK(found.mean() == doctest::Approx((found.of_event[0] + found.of_event[1] + found.of_event[2] + found.of_event[3] +
                                         found.of_event[4] + found.of_event[5]) /
                                        6));
}

TEST_CASE("areas are over all rows of all series, each row with the logits of the last frame") {
  EegFrames first{.name = "a", .channels = 1, .subsample = 3, .values = {0, 0}, .events = {0, 63, 63, 0}};
  EegFrames second{.name = "b", .channels = 1, .subsample = 3, .values = {0}, .events = {63, 0, 63}};
  const std::vector<EegFrames> series = {first, second};
  const std::vector<EegLogits> logits = {{1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 0, 0}, {2, 2, 2, 2, 2, 2}};
  // Scores 1 1 1 0 2 2 2, labels 0 1 1 0 1 0 1: of 12 pairs, in order are 1 > 0 twice, 2 > 0 and 2 > 1 twice each; ties are
  // 1 = 1 twice and 2 = 2 twice; 1 < 2 twice.
  for (const double area : areas(series, logits).of_event) CHECK(area == doctest::Approx((6 + 4 * 0.5) / 12));
}
