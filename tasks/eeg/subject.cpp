#include <carousel/tasks/eeg/subject.hpp>

#include <algorithm>
#include <cmath>
#include <numbers>

#include <carousel/lib/numbers/random.hpp>

namespace carousel {

namespace {

using std::numbers::pi;

constexpr double microvolts = 60;  // of a wave's crest where its source is nearest; other heights below are in such units

struct Place {
  double x, y;  // 1 is the radius of the head: right and front are positive
};

/// Of eeg_channels.
constexpr std::array<Place, 32> electrodes = {
    {{-0.3, 0.95},   {0.3, 0.95},   {-0.8, 0.6},   {-0.4, 0.5},   {0, 0.45},     {0.4, 0.5},    {0.8, 0.6},   {-0.6, 0.25},
     {-0.2, 0.22},   {0.2, 0.22},   {0.6, 0.25},   {-1, 0},       {-0.45, 0},    {0, 0},        {0.45, 0},    {1, 0},
     {-1.05, -0.35}, {-0.6, -0.25}, {-0.2, -0.22}, {0.2, -0.22},  {0.6, -0.25},  {1.05, -0.35}, {-0.8, -0.6}, {-0.4, -0.5},
     {0, -0.45},     {0.4, -0.5},   {0.8, -0.6},   {-0.65, -0.9}, {-0.3, -0.95}, {0, -1},       {0.3, -0.95}, {0.65, -0.9}}};

enum Source : std::size_t { hand, touch, lift, sight, lids, rest, others };
constexpr std::size_t other_sources = 10, all_sources = others + other_sources;
constexpr std::array<Place, others> places = {{{-0.45, 0.2}, {-0.4, -0.3}, {0.05, 0}, {0, -0.9}, {0, 1.05}, {0, -0.6}}};
constexpr std::array<Source, eeg_events.size()> source_of_event = {hand, touch, lift, lift, touch, hand};

using Signal = std::vector<double>;  // of one source, [rows]

/// How strongly each source reaches each electrode.
std::array<std::array<double, electrodes.size()>, all_sources> head_of(Random random) {
  std::array<std::array<double, electrodes.size()>, all_sources> head{};
  for (std::size_t s = 0; s < all_sources; ++s) {
    Place place{};
    if (s < others) {
      place = {places[s].x + random.normal(0, 0.05), places[s].y + random.normal(0, 0.05)};
    } else {
      const double angle = random.uniform(0, 2 * pi), radius = std::sqrt(random.uniform());
      place = {radius * std::cos(angle), radius * std::sin(angle)};
    }
    const double spread = random.uniform(0.3, 0.45);
    for (std::size_t e = 0; e < electrodes.size(); ++e) {
      const double distance = std::hypot(electrodes[e].x - place.x, electrodes[e].y - place.y) / spread;
      head[s][e] = std::exp(-distance * distance / 2) * random.normal(1, 0.2);
    }
  }
  return head;
}

/// Adds a function of the time since `centre`, which is over after `reach` on either side; in seconds.
template <class F>
void add(Signal& signal, double centre, double reach, F f) {
  const auto last = static_cast<std::int64_t>(signal.size()) - 1;
  const auto row = [&](double time) { return std::clamp<std::int64_t>(std::llround(time * eeg_rate), 0, last); };
  for (std::int64_t r = row(centre - reach); r <= row(centre + reach); ++r)
    signal[static_cast<std::size_t>(r)] += f(static_cast<double>(r) / eeg_rate - centre);
}

/// Readiness and rebound; a negative height turns their order around.
void add_wave(Signal& signal, Random& random, double centre, double height) {
  const double width = 0.15 * random.uniform(0.8, 1.25),
               crest = height * std::sqrt(std::numbers::e) * std::exp(random.normal(0, 0.2));
  add(signal, centre, 4 * width, [=](double t) {
    const double u = t / width;
    return crest * u * std::exp(-u * u / 2);
  });
}

/// A hill without a valley.
void add_hill(Signal& signal, double centre, double width, double height) {
  add(signal, centre, 4 * width, [=](double t) { return height * std::exp(-t * t / (2 * width * width)); });
}

/// Noise that forgets within `memory` seconds, of that deviation: Uhlenbeck & Ornstein 1930.
void add_noise(Signal& signal, Random random, double memory, double deviation) {
  const double keep = std::exp(-1 / (memory * eeg_rate)), fresh = deviation * std::sqrt(1 - keep * keep);
  double x = random.normal(0, deviation);
  for (double& value : signal) {
    value += x;
    x = keep * x + fresh * random.normal();
  }
}

/// Calls f(time) at random times, on average each `mean` seconds.
template <class F>
void at_random_times(Random& random, double seconds, double mean, F f) {
  for (double time = 0; (time -= mean * std::log(1 - random.uniform())) < seconds;) f(time);
}

/// Trials one after the other: what they do to the sources, and when events are.
void perform(EegSeries& series, std::vector<Signal>& sources, Random random, double seconds) {
  constexpr std::array<std::array<double, 2>, eeg_events.size()> gaps = {
      {{0.6, 2}, {0.5, 1}, {0.1, 0.3}, {0.2, 0.6}, {1.5, 3.5}, {0.3, 0.8}}};  // before each event
  constexpr double lead = 0.11, longest_trial = 9;
  for (double time = random.uniform(1, 3); time + longest_trial < seconds;) {
    add_hill(sources[sight], time + 0.15, 0.1, 1.5);
    for (std::size_t k = 0; k < eeg_events.size(); ++k) {
      time += random.uniform(gaps[k][0], gaps[k][1]);
      add_wave(sources[source_of_event[k]], random, time - lead + random.normal(0, 0.02), 1);
      const auto first = static_cast<std::size_t>(std::llround(time * eeg_rate) - eeg_rows_of_event / 2);
      for (std::size_t r = first; r < first + eeg_rows_of_event; ++r)
        series.events[r] = static_cast<std::uint8_t>(series.events[r] | 1U << k);
    }
    time += random.uniform(1.5, 4);
  }
}

/// What sources do on their own.
void idle(std::vector<Signal>& sources, Random random, double seconds) {
  for (const Source s : {hand, touch, lift}) {
    add_noise(sources[s], random.split(s), 0.3, 0.35);
    at_random_times(random, seconds, 4, [&](double time) { add_wave(sources[s], random, time, -1); });
  }
  at_random_times(random, seconds, 5, [&](double time) { add_hill(sources[lids], time, 0.08, 4); });
  Signal strength(sources[rest].size(), 1);
  add_noise(strength, random.split("alpha"), 1, 0.5);
  for (std::size_t r = 0; r < strength.size(); ++r)
    sources[rest][r] += strength[r] * std::sin(2 * pi * 10 * static_cast<double>(r) / eeg_rate);
  for (std::size_t s = others; s < all_sources; ++s)
    add_noise(sources[s], random.split(s), 0.1 * std::pow(30, random.uniform()), 0.8);
}

}  // namespace

EegSeries record_series(Index subject, Index number, Index seconds) {
  const Random of_subject = Random(static_cast<std::uint64_t>(subject)).split("eeg");
  const Random random = of_subject.split("series").split(static_cast<std::uint64_t>(number));
  EegSeries series{.name = join("subj", subject, "_series", number), .channels = {eeg_channels.begin(), eeg_channels.end()}};
  const auto rows = static_cast<std::size_t>(seconds * eeg_rate);
  series.events.assign(rows, 0);
  std::vector<Signal> sources(all_sources, Signal(rows));
  perform(series, sources, random.split("trials"), static_cast<double>(seconds));
  idle(sources, random.split("idle"), static_cast<double>(seconds));

  constexpr std::size_t channels = electrodes.size();
  const auto head = head_of(of_subject.split("head"));
  series.signals.resize(rows * channels);
  Random noise = random.split("amplifier"), drifting = random.split("drift");
  std::array<double, channels> drift{};
  for (double& d : drift) d = drifting.normal(0, 0.5);
  constexpr double rows_between = 50, keep = 1 - rows_between / (20 * eeg_rate);  // drifts forget within 20 s
  const double fresh = 0.5 * std::sqrt(1 - keep * keep);
  for (std::size_t r = 0; r < rows; ++r) {
    if (r % static_cast<std::size_t>(rows_between) == 0)
      for (double& d : drift) d = keep * d + fresh * drifting.normal();
    std::array<double, channels> sum = drift;
    for (std::size_t s = 0; s < all_sources; ++s)
      for (std::size_t e = 0; e < channels; ++e) sum[e] += sources[s][r] * head[s][e];
    const double mains = 0.2 * std::sin(2 * pi * 50 * static_cast<double>(r) / eeg_rate);
    for (std::size_t e = 0; e < channels; ++e) {
      const std::uint32_t bits = noise.bits32();  // the sum of two uniform numbers, deviation 1/√6
      const double hiss = static_cast<double>((bits & 0xffff) + (bits >> 16)) / 0x1p16 - 1;
      series.signals[r * channels + e] = std::round(microvolts * (sum[e] + mains + hiss));
    }
  }
  return series;
}

}  // namespace carousel
