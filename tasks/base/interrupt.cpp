#include <carousel/tasks/base/interrupt.hpp>

#include <unistd.h>

#include <csignal>

#include <carousel/tasks/base/progress.hpp>

namespace carousel {

namespace {
std::atomic<bool> interrupt_came = false;
static_assert(std::atomic<bool>::is_always_lock_free);  // a signal handler may set it
}  // namespace

const std::atomic<bool>& interrupted() {
  return interrupt_came;
}

namespace {
void handle_interrupts(void (*handler)(int)) {
  struct sigaction action = {};
  action.sa_handler = handler;
  sigaction(SIGINT, &action, nullptr);
  sigaction(SIGTERM, &action, nullptr);
}

[[noreturn]] void exit_now() {
  clear_line();
  _exit(exit_interrupted);
}
}  // namespace

void exit_at_interrupt() {
  handle_interrupts([](int) { exit_now(); });
}

void watch_for_interrupt() {
  handle_interrupts([](int) {
    if (interrupt_came.exchange(true)) exit_now();
  });
  const auto only_once = [](int) { interrupt_came = true; };  // a terminal that is closed may say so several times
  std::signal(SIGPIPE, only_once);
  if (std::signal(SIGHUP, only_once) == SIG_IGN) std::signal(SIGHUP, SIG_IGN);  // nohup(1)
}

}  // namespace carousel
