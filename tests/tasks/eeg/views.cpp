#include <carousel/tasks/eeg/views.hpp>

#include <cmath>

#include <doctest/doctest.h>

using namespace carousel;

namespace {

/// A recording of two channels; the second one rises while a hand starts. The others come after it.
EegFrames recording(Index frames, Index subsample) {
  Random random(3);
  EegFrames series{.name = "s", .channels = 2, .subsample = subsample};
  for (Index frame = 0; frame < frames; ++frame) {
    const Index at = frame % 40;
    for (Index k = 0; k < subsample; ++k) series.events.push_back(static_cast<std::uint8_t>(1 << std::min<Index>(6, at / 5)));
    series.values.push_back(random.normal(0, 1));
    series.values.push_back(at < 5 ? 5 : 0);
  }
  return series;
}

EegLogits random_logits(const EegFrames& series) {
  Random random(4);
  EegLogits logits;
  for (Index i = 0; i < series.frames() * 6; ++i) logits.push_back(static_cast<float>(random.normal(0, 2)));
  return logits;
}

}  // namespace

TEST_CASE("the views of a recording: beside the channel that tells most, all events, and ROC curves") {
  const std::vector<EegFrames> series = {recording(800, 20)};
  const std::vector<EegLogits> logits = {random_logits(series[0])};
  Views views;
  add_eeg_views(views, series, logits, {"Fp1", "Cz"});
  REQUIRE(views.all.size() == 3);
  const Chart& beside = std::get<Chart>(views.all[0].what);
  CHECK(beside.lines[0].name == "Cz, scaled");
  CHECK(beside.lines[0].y == beside.lines[1].y);  // from 0 to 1 as the event is there
  for (const double p : beside.lines[2].y) CHECK((p > 0 && p < 1));
  CHECK(beside.lines[0].x.back() == doctest::Approx(299 * 20 / 500.0));  // 12 seconds

  const view::HeatMap& map = std::get<view::HeatMap>(views.all[1].what);
  CHECK(map.width == 30);
  CHECK(map.rows.size() == 12);
  CHECK(map.values.size() == 12 * 30);
  CHECK(map.values[0] >= beside.lines[2].y[0]);  // the greatest of ten
  CHECK(map.values[30] == 1);
  CHECK(map.values[31] == 0);
  CHECK(map.columns[5] == "2");

  const Chart& roc = std::get<Chart>(views.all[2].what);
  REQUIRE(roc.lines.size() == 7);
  for (const ChartLine& line : roc.lines) {
    CHECK(line.x.front() == 0);
    CHECK(line.y.back() == 1);
  }
  CHECK_NOTHROW(json_text(views));
}

TEST_CASE("a recording that is shorter than a field of the picture can be shown") {
  const std::vector<EegFrames> series = {recording(40, 1)};
  const std::vector<EegLogits> logits = {random_logits(series[0])};
  Views views;
  add_eeg_views(views, series, logits, {"a", "b"});
  CHECK(std::get<view::HeatMap>(views.all[1].what).width == 1);
  CHECK_NOTHROW(json_text(views));
}

TEST_CASE("the sample ends at an event, and is read by the net itself or by another one with that cell") {
  EegOptions options;
  options.hidden = 5;
  Registry<float> registry;
  Random random(1);
  const EegModel model(Scope<float>(registry, random), options, 2);
  const EegFrames series = recording(200, 20);
  const EegScale scale = scale_of(std::span(&series, 1));
  const Sample<float> own = eeg_sample(model, options, scale, series, ""),
                      other = eeg_sample(model, options, scale, series, "gru");
  CHECK(own.input.size() == 60);
  CHECK(own.input[1] == "0.04 s");
  Tape<float> tape;
  CHECK(std::isfinite(own.loss().item()));
  CHECK(own.loss().item() == own.loss().item());
  CHECK(other.loss().item() != own.loss().item());
}
