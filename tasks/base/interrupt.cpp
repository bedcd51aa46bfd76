#include <carousel/tasks/base/interrupt.hpp>

#include <unistd.h>

#include <csignal>
#include <cstdint>
#include <ctime>

#include <carousel/tasks/base/progress.hpp>

namespace carousel {

namespace {
// What a signal handler may set.
std::atomic<bool> interrupt_came = false;
static_assert(std::atomic<bool>::is_always_lock_free);
static_assert(std::atomic<std::int64_t>::is_always_lock_free);
}  // namespace

const std::atomic<bool>& interrupted() {
  return interrupt_came;
}

namespace {
void handle(int signal, void (*handler)(int)) {
  struct sigaction action = {};
  action.sa_handler = handler;
  sigaction(signal, &action, nullptr);
}

[[noreturn]] void exit_now() {
  clear_line();
  _exit(exit_interrupted);
}

constexpr std::int64_t millisecond = 1'000'000;

/// Whether a signal comes again, so many nanoseconds or more after it came first.
bool comes_again(std::atomic<std::int64_t>& first, std::int64_t after) {
  timespec time{};
  clock_gettime(CLOCK_MONOTONIC, &time);
  const std::int64_t now = std::int64_t{time.tv_sec} * 1000 * millisecond + time.tv_nsec + 1;
  std::int64_t before = 0;
  return !first.compare_exchange_strong(before, now) && now - before >= after;
}
}  // namespace

void exit_at_interrupt() {
  for (const int signal : {SIGINT, SIGTERM}) handle(signal, [](int) { exit_now(); });
}

void watch_for_interrupt() {
  // A hand is not as fast as timeout(1), which sends a signal to the program and at once to its group.
  handle(SIGINT, [](int) {
    static std::atomic<std::int64_t> first = 0;
    interrupt_came = true;
    if (comes_again(first, 50 * millisecond)) exit_now();
  });
  handle(SIGTERM, [](int) {
    static std::atomic<std::int64_t> first = 0;
    interrupt_came = true;
    if (comes_again(first, 1000 * millisecond)) exit_now();
  });
  const auto only_once = [](int) { interrupt_came = true; };  // a terminal that is closed may say so several times
  for (const int signal : {SIGPIPE, SIGXCPU, SIGUSR1, SIGUSR2}) std::signal(signal, only_once);
  if (std::signal(SIGHUP, only_once) == SIG_IGN) std::signal(SIGHUP, SIG_IGN);  // nohup(1)
}

}  // namespace carousel
