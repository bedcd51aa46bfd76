#pragma once
/// What there is to see of a net that reads lines of digits.

#include <carousel/tasks/nets/inside.hpp>
#include <carousel/tasks/ocr/model.hpp>

namespace carousel {

/// Adds lines with what the net reads in them, those that it misreads, and where it looks.
void add_ocr_views(Views& views, const OcrModel& model, std::span<const PrintedLine> lines);

/// One line, see SampleFunction.
Sample<float> ocr_sample(const OcrModel& model, const OcrOptions& options, const PrintedLine& line, const std::string& cell);

}  // namespace carousel
