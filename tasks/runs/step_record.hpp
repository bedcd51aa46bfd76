#pragma once
/// What a training notes of some of its steps: a line each in the file steps.jsonl of its run, about 300 however long it is.

#include <optional>
#include <string>
#include <vector>

#include <carousel/lib/training/fit.hpp>
#include <carousel/tasks/runs/run_folder.hpp>

namespace carousel {

/// One step, as it is noted.
struct StepRecord {
  Index step, epoch;  ///< from 1
  double loss, rate;
  double gradient_norm;  ///< before clipping
  struct Of {
    std::string path;
    double gradient_norm;  ///< before clipping
    double update_ratio;   ///< ‖Δw‖/‖w‖: how far the step moved it, beside what it was
  };
  std::vector<Of> parameters;  ///< all that are not frozen
};

/// Looks at one step in a few, before and after the optimiser moved the parameters. The other steps cost nothing.
template <class T>
class StepRecorder {
 public:
  /// `steps` is how many the training will have.
  StepRecorder(const Registry<T>& registry, Index steps) : registry_(registry), every_(std::max<Index>(1, steps / 300)) {}

  /// For FitOptions::before_update: notes gradients, and what the parameters are.
  void before(const StepReport& report);
  /// For FitOptions::after_step: the record, where this step is one of those. `loss` as it is to be shown.
  std::optional<StepRecord> after(const StepReport& report, double loss, double rate) const;

 private:
  const Registry<T>& registry_;
  Index every_;
  std::vector<Tensor<T>> values_;  // before the step
  std::vector<double> gradient_norms_;
};

/// The file steps.jsonl.
class StepsFile {
 public:
  /// A training that goes on keeps the lines of the steps that are done; a new one begins with none.
  StepsFile(const std::string& folder, Index steps_done) : file_(folder + "/steps.jsonl", "step", steps_done) {}
  /// Throws std::runtime_error if it cannot be written.
  void add(const StepRecord& record);

 private:
  LinesFile file_;
};

extern template class StepRecorder<float>;
extern template class StepRecorder<double>;

}  // namespace carousel
