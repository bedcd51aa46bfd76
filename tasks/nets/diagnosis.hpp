#pragma once
/// What may be wrong with a training while it runs, each told once, with something to try.

#include <cmath>
#include <limits>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include <carousel/lib/training/fit.hpp>
#include <carousel/tasks/base/metric.hpp>
#include <carousel/tasks/base/options.hpp>
#include <carousel/tasks/runs/run_folder.hpp>
#include <carousel/tasks/runs/step_record.hpp>

namespace carousel {

/// What a look into a net has found; see look_inside().
struct Inside {
  double first_step = 1;    ///< ‖∂L/∂h‖ of the first step of a sample, beside the largest of all steps
  double lowest_layer = 1;  ///< the largest ‖∂L/∂h‖ of the lowest layer, beside that of the highest
  Index steps = 0, layers = 0;
  double saturated = 0;  ///< the largest part, of those of all layers, of gates (else of h) that let no gradient through
  std::string_view what = "gates";  ///< "gates", "tanh" of h, "relu" of h: in that layer
};

/// The kind of the warning after which a training ended: a report shows it by itself.
inline constexpr const char* exploded_loss = "exploded loss";

struct Warning {
  /// "exploding gradient", "vanishing gradient", "saturated gates", "loss not moving", "overfitting", exploded_loss
  std::string kind;
  std::string text;  ///< one line: what is seen, and a remedy that names an option
};

/// Follows a training by what is reported of it, and says what looks wrong. Only what does harm is told: a gradient that explodes
/// while the loss rises, one that vanishes while it does not move.
class Diagnosis {
 public:
  /// Of a training of `steps` steps in all, of which `done` are done already.
  Diagnosis(const TrainOptions& options, Index steps, Index done = 0, bool higher_is_better = false,
            const std::optional<Baseline>& baseline = {});

  /// After each step; `loss` as it is shown.
  std::optional<Warning> step(const StepReport& report, double loss);
  /// After each epoch. Without a validation that is NaN.
  std::optional<Warning> epoch(double loss, double validation);
  /// Of a net in training.
  std::optional<Warning> gates(const Inside& inside) const;
  /// Whether the loss has not moved in a quarter of the training, or stands at its baseline after half of it: true once.
  bool stands_still();
  /// Then: why, by the last step that was noted and what is in the net.
  Warning why_it_stands_still(const std::optional<StepRecord>& noted, const std::optional<Inside>& inside) const;
  /// Of a training that ended before a step for a loss or gradient that was too large or no number: where, with what to try.
  Warning exploded(const FitState& before) const;

 private:
  /// A mean that forgets, of all numbers so far in the beginning.
  class Mean {
   public:
    explicit Mean(double keep) : keep_(keep) {}
    void add(double value) {
      weight_ = keep_ * weight_ + 1;
      value_ += (value - value_) / weight_;
    }
    double value() const { return value_; }

   private:
    double keep_, value_ = 0, weight_ = 0;
  };
  struct Jump {
    Index step;
    double times, loss;  // of the usual norm; before it
  };

  std::optional<Warning> exploding(const Jump& jump) const;
  bool stands_at_baseline() const;
  bool takes(std::string_view option) const { return options_.metadata.contains(option); }

  const TrainOptions options_;
  const Index steps_;
  const bool from_the_start_, higher_is_better_;
  Index seen_ = 0, cut_ = 0;                           // steps; of those, whose gradient was cut to almost nothing
  Mean log_norm_{0.98}, loss_{0.9}, mean_loss_{0.99};  // of the last fifty or so, of the last ten, of the last hundred
  double first_loss_ = 0;                              // mean of the first ten
  double lowest_norm_ = std::numeric_limits<double>::infinity(), lowest_loss_ = lowest_norm_;
  std::optional<Jump> jump_;
  bool asked_ = false, told_ = false;  // at the quarter; that it stands still
  const std::optional<Baseline> baseline_;
  Index epochs_ = 0, best_epoch_ = 0;
  double best_validation_ = std::numeric_limits<double>::quiet_NaN(), loss_at_best_ = 0;
};

/// The file warnings.jsonl of a run: what was said, once of each kind.
class WarningsFile {
 public:
  /// A training that goes on keeps those of the steps that are done.
  WarningsFile(const std::string& folder, Index steps_done);
  /// Notes a warning that came after so many steps; whether it is the first of its kind. Throws std::runtime_error if it cannot
  /// be written.
  bool add(const Warning& warning, Index step);

 private:
  std::string path_;
  std::optional<LinesFile> file_;  // made when there is something to say
  std::set<std::string> kinds_;
};

}  // namespace carousel
