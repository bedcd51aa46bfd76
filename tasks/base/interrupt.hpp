#pragma once
/// How a command ends, and how it hears that it should.

#include <atomic>

namespace carousel {

/// How a command ends.
enum ExitCode : int {
  exit_done = 0,
  exit_bad_result = 1,     ///< it ran to its end and what it found is bad: a failed check, an exploded loss
  exit_wrong_usage = 2,    ///< wrong arguments or data that can not be used
  exit_interrupted = 130,  ///< Ctrl-C
};

/// From now on Ctrl-C and SIGTERM end the program at once with exit_interrupted.
void exit_at_interrupt();
/// From now on the first of them only makes interrupted() true: a training then ends after the step that it is in, saves, and
/// exits with exit_interrupted. The second ends the program at once. It is interrupted, too, when its terminal is closed, or
/// nobody reads its results any more.
void watch_for_interrupt();
const std::atomic<bool>& interrupted();

}  // namespace carousel
