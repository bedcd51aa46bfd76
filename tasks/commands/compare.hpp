#pragma once
/// Trainings side by side.

#include <string>
#include <vector>

#include <carousel/tasks/runs/runs.hpp>

namespace carousel {

/// Names of runs that tell them apart: that of their folder, or if several have it the folder as it was given.
std::vector<std::string> short_names(const std::vector<RunRecord>& runs);

/// A column for each run: the options that are not the same, metrics of the last and of the best epoch, results, what it took;
/// and the course of the losses, those of one task on one scale. Where that is wider than `width` columns, names become numbers
/// and the table several below each other; 0: it may be as wide as it is.
std::string compare_page(const std::vector<RunRecord>& runs, bool utf8, Index width = 0);

/// Their losses by epoch as the text of an SVG file. Throws std::runtime_error if no run has one.
std::string losses_chart(const std::vector<RunRecord>& runs);

}  // namespace carousel
