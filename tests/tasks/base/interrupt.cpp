#include <carousel/tasks/base/interrupt.hpp>

#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <initializer_list>
#include <thread>

#include <doctest/doctest.h>

using namespace carousel;

namespace {

using std::chrono::milliseconds;

/// How a process ends that watches for interrupts and is sent these signals, with a pause before each but the first: with its
/// exit code, where it lives on with 1 if it is interrupted and 0 if not. Without a pause they come within 30 ms.
int end_after(std::initializer_list<int> signals, milliseconds pause = {}) {
  constexpr int too_slow = 99;
  for (int status = 0, tries = 0; tries < 100; ++tries) {
    const pid_t child = fork();
    if (child == 0) {
      watch_for_interrupt();
      const auto began = std::chrono::steady_clock::now();
      bool first = true;
      for (const int signal : signals) {
        if (!first) std::this_thread::sleep_for(pause);
        first = false;
        if (pause.count() == 0 && std::chrono::steady_clock::now() - began > milliseconds(30)) _exit(too_slow);
        raise(signal);
      }
      _exit(interrupted() ? 1 : 0);
    }
    REQUIRE(waitpid(child, &status, 0) == child);
    if (!WIFEXITED(status)) return -WTERMSIG(status);
    if (WEXITSTATUS(status) != too_slow) return WEXITSTATUS(status);
  }
  return too_slow;
}

}  // namespace

TEST_CASE("signals that batch systems send together interrupt, and do not end what has still to be saved") {
  CHECK(end_after({}) == 0);
  for (const int signal : {SIGINT, SIGTERM, SIGHUP, SIGPIPE, SIGXCPU, SIGUSR1, SIGUSR2}) {
    CAPTURE(signal);
    CHECK(end_after({signal}) == 1);
    CHECK(end_after({signal, signal}) == 1);
  }
  CHECK(end_after({SIGHUP, SIGTERM}) == 1);
  CHECK(end_after({SIGHUP, SIGTERM, SIGHUP, SIGTERM, SIGINT, SIGINT, SIGTERM}) == 1);
  CHECK(end_after({SIGTERM, SIGINT, SIGHUP, SIGUSR1}, milliseconds(400)) == 1);  // each is the first of its kind
  CHECK(end_after({SIGTERM, SIGTERM}, milliseconds(100)) == 1);
}

TEST_CASE("a second Ctrl-C ends at once, and so does a SIGTERM a second after the first") {
  CHECK(end_after({SIGINT, SIGINT}, milliseconds(60)) == exit_interrupted);
  CHECK(end_after({SIGTERM, SIGINT, SIGINT}, milliseconds(60)) == exit_interrupted);
  CHECK(end_after({SIGTERM, SIGTERM, SIGTERM}, milliseconds(510)) == exit_interrupted);
  CHECK(end_after({SIGHUP, SIGHUP}, milliseconds(1010)) == 1);  // a terminal closes once, whoever tells it again
}
