#pragma once
/// What there is to see of a net that finds events in brain waves.

#include <carousel/tasks/eeg/model.hpp>
#include <carousel/tasks/nets/inside.hpp>

namespace carousel {

/// Adds what the model says beside the signal, of all events over a stretch of the first series, and ROC curves of all series.
void add_eeg_views(Views& views, std::span<const EegFrames> series, std::span<const EegLogits> logits,
                   const std::vector<std::string>& channels);

/// The frames of a series up to the first that has an event, 60 at most, and the loss of that one; see SampleFunction.
Sample<float> eeg_sample(const EegModel& model, const EegOptions& options, const EegScale& scale, const EegFrames& series,
                         const std::string& cell);

}  // namespace carousel
