#pragma once
/// Text that goes on from lines of the user's.

#include <carousel/tasks/base/task.hpp>
#include <carousel/tasks/text/model.hpp>

namespace carousel {

/// What the help says of predict_text().
inline constexpr const char* text_prediction =
    "each line of the input is a beginning, and the answer is the text that follows it: --length characters (200), drawn with "
    "--temperature and --seed, one higher for each line, as sample draws them. Columns: line, prime, text";

/// Goes on from each line of the input. Throws std::runtime_error, `read PATH: line 3: …`, for a character that the model does
/// not know.
int predict_text(const TextModel& model, const PredictOptions& options);

}  // namespace carousel
