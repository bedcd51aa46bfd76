#pragma once
/// What a training with --tensorboard writes besides, for `tensorboard --logdir runs`:
///
///     step/loss, step/rate, step/gradient_norm       numbers of the steps that steps.jsonl has
///     gradient_norm/PATH, update_ratio/PATH          of each parameter, in these steps
///     epoch/NAME                                     the metrics of an epoch
///     parameters/PATH                                histograms, after each epoch
///     result/NAME                                    the metrics of the result line
///     configuration                                  what the training was told, a table
///     views/TITLE                                    what there is to see of it at the end: images and texts

#include <span>
#include <string>

#include <carousel/lib/tape/parameter.hpp>
#include <carousel/tasks/base/metric.hpp>
#include <carousel/tasks/drawing/views.hpp>
#include <carousel/tasks/report/event_file.hpp>
#include <carousel/tasks/runs/step_record.hpp>

namespace carousel {

/// The event file of a training. Steps count from 1. Throws as EventFile does.
class TensorBoard {
 public:
  /// One more file in the folder of the run. What earlier ones have of steps after `steps_done` counts no more.
  TensorBoard(const std::string& folder, Index steps_done, const Metadata& options);

  void add_step(const StepRecord& record);
  template <class T>
  void add_epoch(Index step, std::span<const Metric> metrics, const Registry<T>& registry);
  void add_result(Index step, std::span<const Metric> metrics);
  /// Charts and fields of colours become pictures; a description says what to look for.
  void add_views(Index step, const Views& views);

 private:
  EventFile file_;
};

extern template void TensorBoard::add_epoch(Index, std::span<const Metric>, const Registry<float>&);
extern template void TensorBoard::add_epoch(Index, std::span<const Metric>, const Registry<double>&);

}  // namespace carousel
