#pragma once
/// Timing of implementations side by side in one process: they take turns, and the median of each counts, so that a change of the
/// machine's speed meets all of them alike.

#include <algorithm>
#include <chrono>
#include <functional>
#include <string>
#include <vector>

namespace bench {

/// One implementation in a comparison; `milliseconds` is the median once measured.
struct Contestant {
  std::string name;
  std::function<void()> run;
  double milliseconds = 0;
};

/// The sizes of a recurrent layer over a sequence.
struct Size {
  int steps, batch, in, hidden;
};

inline constexpr Size sizes[] = {{5, 1, 50, 100}, {50, 16, 10, 64}, {28, 64, 28, 128}, {50, 50, 65, 128}, {100, 32, 128, 256}, {100, 64, 256, 512}};

/// Runs the contestants in turn for at least `seconds` and seven rounds; a round repeats short ones until a clock can see them.
inline void measure(std::vector<Contestant>& contestants, double seconds = 3) {
  using Clock = std::chrono::steady_clock;
  const auto since = [](Clock::time_point start) { return std::chrono::duration<double>(Clock::now() - start).count(); };
  std::vector<int> repeats;
  std::vector<std::vector<double>> times(contestants.size());
  for (Contestant& contestant : contestants) {
    for (int i = 0; i < 3; ++i) contestant.run();
    const auto start = Clock::now();
    contestant.run();
    repeats.push_back(std::max(1, static_cast<int>(2e-3 / std::max(since(start), 1e-9))));
  }
  const auto start = Clock::now();
  for (int round = 0; round < 7 || since(start) < seconds; ++round)
    for (std::size_t c = 0; c < contestants.size(); ++c) {
      const auto began = Clock::now();
      for (int i = 0; i < repeats[c]; ++i) contestants[c].run();
      times[c].push_back(since(began) / repeats[c] * 1e3);
    }
  for (std::size_t c = 0; c < contestants.size(); ++c) {
    std::nth_element(times[c].begin(), times[c].begin() + static_cast<std::ptrdiff_t>(times[c].size() / 2), times[c].end());
    contestants[c].milliseconds = times[c][times[c].size() / 2];
  }
}

/// A training step of carousel's LSTM: forward, backward, gradients of weights, bias and input, loss on all steps.
std::function<void()> carousel_lstm(Size size);
/// The same by oneDNN's LSTM primitive; empty where oneDNN was not found.
std::function<void()> onednn_lstm(Size size);
/// What oneDNN says of its implementation.
std::string onednn_description();

}  // namespace bench
