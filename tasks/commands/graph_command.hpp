#pragma once
/// `carousel graph`: a cell, or the model of a task, as a drawing.

#include <carousel/tasks/base/task.hpp>

namespace carousel {

/// Adds the command to the program's; `chosen` is to be what the user asked for.
void declare_graph(CLI::App& app, Command& chosen);

}  // namespace carousel
