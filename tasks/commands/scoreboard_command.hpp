#pragma once
/// `carousel scoreboard`.

#include <carousel/tasks/base/task.hpp>

namespace carousel {

/// Adds the command to the program's; `chosen` is to be what the user asked for.
void declare_scoreboard(CLI::App& app, Command& chosen);

}  // namespace carousel
