#include <carousel/tasks/eeg/data.hpp>

#include <algorithm>
#include <cmath>
#include <set>
#include <stdexcept>

#include <doctest/doctest.h>

using namespace carousel;

namespace {

/// A series of two channels, r and 1000 + r at row r; event 0 is near at every third row.
EegSeries ramp(const std::string& name, Index rows) {
  EegSeries series{.name = name, .channels = {"A", "B"}};
  for (Index r = 0; r < rows; ++r) {
    series.signals.push_back(static_cast<double>(r));
    series.signals.push_back(static_cast<double>(1000 + r));
    series.events.push_back(r % 3 == 0 ? 0b000001 : 0b111110);
  }
  return series;
}

const EegFilter as_it_is{.low_pass = 0, .subsample = 1};

}  // namespace

TEST_CASE("of so many rows the first is a frame, behind a filter that sees all of them") {
  const EegSeries series = ramp("s", 1000);
  const EegFrames frames = frames_of(series, {.low_pass = 0, .subsample = 3});
  CHECK(frames.rows() == 1000);
  CHECK(frames.frames() == 334);
  CHECK(frames.values.size() == 668);
  CHECK(frames.values[2] == 3);
  CHECK(frames.values[667] == 1999);
  CHECK(frames.events_of(5) == 0b000001);

  const EegFrames all = frames_of(series, {.low_pass = 3, .subsample = 1}),
                  some = frames_of(series, {.low_pass = 3, .subsample = 10});
  for (std::size_t frame = 0; frame < 100; ++frame) CHECK(some.values[2 * frame] == all.values[20 * frame]);
  // It lags behind by 1 / (π · 3 Hz), for two poles of damping 1 and one of its own: 53 rows.
  CHECK(all.values[2 * 999] == doctest::Approx(999 - 500 / (3 * 3.14159265)).epsilon(1e-3));
}

TEST_CASE("the last series of each subject are held out") {
  const std::vector<std::string> names = {"a_series1", "a_series2", "a_series3", "a_series4",
                                          "b_series1", "b_series2", "b_series3", "b_series4"};
  const EegParts<std::string> parts = divide("it", names, {.validation = 1, .test = 2});
  CHECK(parts.train == std::vector<std::string>{"a_series1", "b_series1"});
  CHECK(parts.validation == std::vector<std::string>{"a_series2", "b_series2"});
  CHECK(parts.test == std::vector<std::string>{"a_series3", "a_series4", "b_series3", "b_series4"});
  CHECK_THROWS_WITH_AS(divide("it", names, {.validation = 2, .test = 2}),
                       "it: has 4 series of a: must have at least 5, 2 of them to validate and 2 to test", std::runtime_error);
}

TEST_CASE("series must agree on their channels, and have all events somewhere") {
  EegSource source{.about = "it", .names = {"a", "b"}, .read = [](const std::string& name) { return ramp(name, 10); }};
  std::vector<std::string> channels;
  CHECK(read_frames(source, source.names, as_it_is, channels).size() == 2);
  CHECK(channels == std::vector<std::string>{"A", "B"});
  source.read = [](const std::string& name) {
    EegSeries series = ramp(name, 10);
    if (name == "b") series.channels = {"B", "A"};
    return series;
  };
  CHECK_THROWS_WITH_AS(read_frames(source, source.names, as_it_is, channels), "it: b has the channels B, A: must be A, B",
                       std::runtime_error);
  source.read = [](const std::string& name) { return ramp(name, 1); };
  CHECK_THROWS_WITH_AS(read_frames(source, source.names, as_it_is, channels),
                       "it: HandStart is marked everywhere in a, b: must be somewhere, and not everywhere", std::runtime_error);
  source.read = [](const std::string& name) {
    EegSeries series = ramp(name, 10);
    for (std::uint8_t& marked : series.events) marked = marked & 0b1111;
    return series;
  };
  CHECK_THROWS_WITH_AS(read_frames(source, source.names, as_it_is, channels),
                       "it: Replace is marked nowhere in a, b: must be somewhere, and not everywhere", std::runtime_error);
}

TEST_CASE("a scale is of all series together, and leaves alone what never changes") {
  EegFrames first{.name = "a", .channels = 2, .values = {1, 7, 2, 7}, .events = {0, 0}};
  EegFrames second{.name = "b", .channels = 2, .values = {6, 7}, .events = {0}};
  const std::vector<EegFrames> series = {first, second};
  const EegScale scale = scale_of(series);
  CHECK(scale.mean == std::vector<float>{3, 7});
  CHECK(scale.deviation[0] == doctest::Approx(std::sqrt(14.0 / 3)));
  CHECK(scale.deviation[1] == 1);
}

TEST_CASE("what is far from 0 reaches a net as what is near it does") {
  EegSeries far = ramp("s", 100);
  for (double& value : far.signals) value += 1e12;
  EegFrames frames = frames_of(far, as_it_is), near = frames_of(ramp("s", 100), as_it_is);
  CHECK(offsets_of(std::vector<EegFrames>{near}).empty());
  frames.offset = offsets_of(std::vector<EegFrames>{frames});
  CHECK(frames.offset == std::vector<double>{1e12 + 49.5, 1e12 + 1049.5});
  const EegScale scale = scale_of(std::vector<EegFrames>{frames}), other = scale_of(std::vector<EegFrames>{near});
  CHECK(scale.deviation == other.deviation);
  std::vector<float> xs(200), ys(200);
  CHECK(frames.put(0, 100, xs.data()) == xs.data() + 200);
  near.put(0, 100, ys.data());
  for (std::size_t i = 0; i < xs.size(); ++i) CHECK(xs[i] - scale.mean[i % 2] == doctest::Approx(ys[i] - other.mean[i % 2]));
}

TEST_CASE("offsets are read as they were written") {
  CHECK(parse_offsets("", 2).empty());
  CHECK(parse_offsets("1000000000049.5,0", 2) == std::vector<double>{1000000000049.5, 0});
  CHECK_THROWS_WITH_AS(parse_offsets("1", 2), "offsets: are 1: must be 2, one for each channel", std::invalid_argument);
  CHECK_THROWS_AS(parse_offsets("1,x", 2), std::invalid_argument);
}

TEST_CASE("streams read each series frame after frame, and begin anew where a series does") {
  const std::vector<EegFrames> series = {frames_of(ramp("a", 57), as_it_is), frames_of(ramp("b", 43), as_it_is)};
  const EegStreams streams(series, {.batch = 2, .steps = 5, .seed = 1});  // windows: 10 of a, 7 of b
  CHECK(streams.batches() == 8);
  std::set<float> starts;
  for (Index epoch = 0; epoch < 20; ++epoch) {
    std::vector<float> last(2);
    for (Index batch = 0; batch < streams.batches(); ++batch) {
      std::vector<float> inputs(5 * 2 * 2), targets(5 * 2 * 6);
      const std::vector<Index> anew = streams.fill(epoch, batch, 0, 2, inputs.data(), targets.data());
      for (Index s = 0; s < 2; ++s) {
        const auto at = [&](Index t) { return inputs[static_cast<std::size_t>((t * 2 + s) * 2)]; };
        const bool begins = std::find(anew.begin(), anew.end(), s) != anew.end();
        CHECK(begins == (batch == 0 || at(0) != last[static_cast<std::size_t>(s)] + 1));
        if (begins && batch > 0) starts.insert(at(0));
        for (Index t = 0; t < 5; ++t) {
          CHECK(at(t) == at(0) + static_cast<float>(t));
          CHECK(inputs[static_cast<std::size_t>((t * 2 + s) * 2 + 1)] == 1000 + at(t));
          const float near = static_cast<Index>(at(t)) % 3 == 0 ? 1 : 0;
          CHECK(targets[static_cast<std::size_t>((t * 2 + s) * 6)] == near);
          CHECK(targets[static_cast<std::size_t>((t * 2 + s) * 6 + 5)] == 1 - near);
        }
        last[static_cast<std::size_t>(s)] = at(4);
      }
    }
  }
  CHECK(starts.size() > 3);
  CHECK(*starts.rbegin() <= 8);
}

TEST_CASE("a part of the streams is read as it is among all, and each seed has its own order") {
  const std::vector<EegFrames> series = {frames_of(ramp("a", 57), as_it_is), frames_of(ramp("b", 43), as_it_is)};
  const EegStreams streams(series, {.batch = 2, .steps = 5, .seed = 1}), other(series, {.batch = 2, .steps = 5, .seed = 2});
  bool differs = false;
  for (Index batch = 0; batch < streams.batches(); ++batch) {
    std::vector<float> both(20), second(10), others(20), targets(60);
    const std::vector<Index> anew = streams.fill(3, batch, 0, 2, both.data(), targets.data());
    CHECK(streams.fill(3, batch, 1, 2, second.data(), targets.data()).size() ==
          static_cast<std::size_t>(std::count(anew.begin(), anew.end(), 1)));
    for (std::size_t t = 0; t < 5; ++t) CHECK(second[2 * t] == both[4 * t + 2]);
    other.fill(3, batch, 0, 2, others.data(), targets.data());
    differs |= others != both;
  }
  CHECK(differs);
  CHECK_THROWS_WITH_AS(EegStreams(series, {.batch = 18, .steps = 5, .seed = 1}),
                       "streams: 17 windows of 5 frames to train on: must be at least 18, one for each stream of a batch",
                       std::invalid_argument);
}

TEST_CASE("what is mixed in goes on from window to window, is another stretch in each epoch, and leaves mean and events alone") {
  const std::vector<EegFrames> series = {frames_of(ramp("a", 57), as_it_is), frames_of(ramp("b", 43), as_it_is)};
  const EegStreams plain(series, {.batch = 2, .steps = 5, .seed = 1}),
      mixed(series, {.batch = 2, .steps = 5, .mix = 0.5, .seed = 1});
  const std::vector<float> mean = scale_of(series).mean;
  std::set<Index> firsts;
  for (Index epoch = 0; epoch < 10; ++epoch) {
    Index last = -1;
    for (Index batch = 0; batch < plain.batches(); ++batch) {
      std::vector<float> x(10), y(10), events(30), same(30);
      plain.fill(epoch, batch, 1, 2, x.data(), events.data());
      mixed.fill(epoch, batch, 1, 2, y.data(), same.data());
      CHECK(events == same);
      for (std::size_t t = 0; t < 5; ++t) {
        const float a = mean[0], z = ((y[2 * t] - a) * std::sqrt(1.25F) - (x[2 * t] - a)) / 0.5F + a;  // of the other stretch
        const float b = mean[1], other = ((y[2 * t + 1] - b) * std::sqrt(1.25F) - (x[2 * t + 1] - b)) / 0.5F + b;
        CHECK(other == doctest::Approx(1000 + z).epsilon(1e-4));
        const Index row = std::lround(z);
        CHECK(z == doctest::Approx(static_cast<double>(row)).epsilon(1e-3));
        if (last >= 0) CHECK((row == last + 1 || (row == 0 && (last == 56 || last == 42))));
        if (last < 0) firsts.insert(row);
        last = row;
      }
    }
  }
  CHECK(firsts.size() > 5);
}
