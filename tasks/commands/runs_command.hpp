#pragma once
/// `carousel runs` and `carousel compare`.

#include <string>
#include <vector>

#include <carousel/lib/numbers/shape.hpp>
#include <carousel/tasks/base/task.hpp>
#include <carousel/tasks/runs/runs.hpp>

namespace carousel {

/// A line for each run under a line of headings; where they are wider than `width`, without size, CPU, time, when and net, in
/// this order, as far as needed. 0: as wide as they are.
std::string runs_page(const std::vector<RunRecord>& runs, Index width = 0);
/// The same and more as a JSON array of objects, one on each line.
std::string runs_json(const std::vector<RunRecord>& runs);

/// Add the commands to the program's; `chosen` is to be what the user asked for.
void declare_runs(CLI::App& app, Command& chosen);
void declare_compare(CLI::App& app, Command& chosen);

}  // namespace carousel
