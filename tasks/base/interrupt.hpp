#pragma once
/// How a command ends, and how it hears that it should.

#include <atomic>

namespace carousel {

/// How a command ends.
enum ExitCode : int {
  exit_done = 0,
  exit_bad_result =
      1,  ///< it ran to its end and what it found is bad: a failed check, an exploded loss, a result that is not finite
  exit_wrong_usage = 2,    ///< wrong arguments or data that cannot be used
  exit_interrupted = 130,  ///< Ctrl-C
};

/// From now on Ctrl-C and SIGTERM end the program at once with exit_interrupted.
void exit_at_interrupt();
/// From now on they only make interrupted() true: a training then ends after the step that it is in, saves, and exits with
/// exit_interrupted. A second Ctrl-C ends the program at once, and so does a SIGTERM a second or more after the first: batch
/// systems send several signals at the same moment. It is interrupted, too, however often it is told, when its terminal is
/// closed, when nobody reads its results any more, and by what batch systems warn with: SIGXCPU, SIGUSR1, SIGUSR2.
void watch_for_interrupt();
const std::atomic<bool>& interrupted();

}  // namespace carousel
