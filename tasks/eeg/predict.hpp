#pragma once
/// Events in recordings of which nobody knows them.

#include <carousel/tasks/base/task.hpp>
#include <carousel/tasks/eeg/saved.hpp>

namespace carousel {

/// What the help says of predict_eeg().
inline constexpr const char* eeg_prediction =
    "a recording, CSV with the columns id and then the channels that the net learned (as in *_data.csv; ids may be any); a "
    "folder "
    "of *_data.csv; or - for one on standard input. An answer is a stretch of rows, as many as the net thins out by (--subsample "
    "of the training): how probable each event is from what came before, and the likeliest if it reaches --threshold (0.5). "
    "Columns: id (of its first row), rows, event, and the six events";

/// Finds them. `options` are those of the training. Throws std::runtime_error, `read PATH: …`, for a file that is no recording,
/// or has other channels than the net.
int predict_eeg(const SavedEeg& saved, const EegOptions& options, const PredictOptions& given);

}  // namespace carousel
