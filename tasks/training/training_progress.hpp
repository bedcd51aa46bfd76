#pragma once
/// The line that a training shows while it runs.

#include <chrono>
#include <cmath>
#include <limits>
#include <optional>
#include <string>
#include <vector>

#include <carousel/lib/training/fit.hpp>
#include <carousel/tasks/base/metric.hpp>
#include <carousel/tasks/base/progress.hpp>
#include <carousel/tasks/base/terminal.hpp>
#include <carousel/tasks/drawing/sparkline.hpp>

namespace carousel {

namespace detail {
/// Seconds that have passed.
double seconds_since(std::chrono::steady_clock::time_point start);
}  // namespace detail

/// How far a training is, and how it does.
struct TrainingState {
  Index epoch = 0, epochs = 1;     ///< from 1
  Index step = 0, steps = 1;       ///< of this epoch, from 1
  double loss = 0;                 ///< smoothed
  std::optional<Metric> metric{};  ///< of the last validation
  double steps_per_second = 0;     ///< 0: not known yet
  std::string doing{};             ///< what goes on instead of steps: "validating"
  std::vector<double> losses{};    ///< their course
};

/// In one line, for a file:
///     epoch 3/40  step 12/500  loss 0.1234  validation_loss 0.2011  13.9 steps/s  1:05 left
std::string progress_line(const TrainingState& state);
/// And for a terminal, where it is shorter than a line by at least a column: a bar and the course of the loss besides, less of
/// all that where it is narrow. What goes first: speed, step, bar, course, metric, time left, epoch.
///     epoch 3/40 ━━━━━━──── loss 0.1234 ▇▅▃▂▂▁▁▁  validation_loss 0.2011  1:05 left
std::string progress_line(const TrainingState& state, const Terminal& terminal);

/// "0.1234", or "1.23e-05" of what would lose its digits so or have very many.
std::string number(double value);
/// A count is shown without decimals: "44".
bool is_whole(double value);
std::string count_text(double value);
/// Seconds as a clock shows them: "1:05", "2:00:00"
std::string clock_text(double seconds);

/// A loss as it is shown while it moves: the mean of the last fifty or so, of fewer in the beginning.
class Smoothed {
 public:
  void add(double value) {
    weight_ = 0.98 * weight_ + 1;
    value_ += (value - value_) / weight_;
  }
  double value() const { return value_; }

 private:
  double value_ = 0, weight_ = 0;
};

/// Progress of one training.
class TrainingProgress : public Progress {
 public:
  /// The steps of all its epochs, of `steps` each.
  TrainingProgress(bool quiet, Index epochs, Index steps) : Progress(quiet), now_{.epochs = epochs, .steps = steps} {}

  /// From here on time counts.
  void begin();
  /// After each step.
  void step(const StepReport& report, double loss);
  /// Before an epoch is validated, and after it.
  void validating();
  void validated(const Metric& metric);

 private:
  using Clock = std::chrono::steady_clock;

  void draw();

  TrainingState now_;
  Smoothed smoothed_;
  Course course_;
  Index steps_done_ = 0;  // since begin()
  Clock::time_point began_{}, epoch_began_{};
};

}  // namespace carousel
