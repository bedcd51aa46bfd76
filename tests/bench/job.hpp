#pragma once
/// What the programs of the benchmark share: sizes, the numbers that all implementations start from, and jobs.
///
/// Each implementation runs in a process of its own, so that thread pools and libraries of one cannot meet those of another. The
/// program `bench` starts them, and asks one after the other through pipes.

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace bench {

/// The sizes of a recurrent layer over a sequence.
struct Size {
  std::ptrdiff_t steps = 1, batch = 1, in = 1, hidden = 1;
};

/// Steps, or nodes, in a run of what is too short for a clock.
inline constexpr std::ptrdiff_t repeats = 1000;
/// Batches in a run of a task; of the text, in whole, a little more, as 5 % of it is not trained on.
inline constexpr std::ptrdiff_t batches = 20, text_batches = 22;
/// Different characters in the text, and different digits.
inline constexpr std::ptrdiff_t characters = 65, digits = 10;

/// Which array of a model: parameters count from 0, in the order in which carousel's cell makes them.
inline constexpr unsigned input_array = 100;

/// A number in [−1, 1) for each place of each array: the same in all programs, so that they compute the same.
inline float number(unsigned array, std::size_t place) {
  std::uint64_t z = (std::uint64_t{array} << 40) + place + 1;  // SplitMix64
  z *= 0x9e3779b97f4a7c15U;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9U;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebU;
  return static_cast<float>(static_cast<std::int32_t>((z ^ (z >> 31)) >> 32)) * 0x1p-31F;
}

/// Fills an array, row by row.
inline void fill(float* to, std::size_t size, unsigned array, float scale = 1) {
  for (std::size_t i = 0; i < size; ++i) to[i] = scale * number(array, i);
}
/// The scale of all parameters of a layer.
inline float parameter_scale(Size size) {
  return 1 / std::sqrt(static_cast<float>(size.hidden));
}

/// The character or digit at a place, of so many.
inline std::ptrdiff_t symbol(std::size_t place, std::ptrdiff_t count) {
  return static_cast<std::ptrdiff_t>((number(input_array + 1, place) + 1) / 2 * static_cast<float>(count)) % count;
}

inline double sum(const float* from, std::size_t size) {
  double sum = 0;
  for (std::size_t i = 0; i < size; ++i) sum += static_cast<double>(from[i]);
  return sum;
}
inline double sum_of_squares(const float* from, std::size_t size) {
  double sum = 0;
  for (std::size_t i = 0; i < size; ++i) sum += static_cast<double>(from[i]) * static_cast<double>(from[i]);
  return sum;
}

/// Something to be timed.
struct Job {
  std::function<void()> run;
  /// What the last run computed, in numbers that do not depend on layouts: the same from every implementation. For a training
  /// step: the loss, the norm of the gradient of the input, the norm of the gradient of all parameters.
  std::function<std::vector<double>()> result = {};
};

/// The job of an object that has run() and result().
template <class Step, class... Arguments>
Job job(Arguments... arguments) {
  const auto step = std::make_shared<Step>(arguments...);
  return {[step] { step->run(); }, [step] { return step->result(); }};
}

/// By name, what makes a job of a size.
using Jobs = std::map<std::string, std::function<Job(Size)>>;

/// Answers the questions of `bench` on standard input until it ends; returns the exit code. `about` describes the implementation
/// in one line.
int serve(const std::string& about, const Jobs& jobs);

/// The threads that the program is told to use, by its argument.
int threads(int argc, char** argv);

}  // namespace bench
