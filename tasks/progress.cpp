#include <carousel/tasks/progress.hpp>

#include <sys/ioctl.h>
#include <unistd.h>

#include <cstdio>

#include <fmt/format.h>

namespace carousel {

namespace {

bool line_is_drawn = false;  // on the terminal, by a Progress

void clear_line() {
  if (line_is_drawn) fmt::print(stderr, "\r\033[K");
  line_is_drawn = false;
}

bool on_terminal() {
  static const bool is = isatty(STDERR_FILENO) == 1;
  return is;
}

/// The text without what does not fit on one line of the terminal.
std::string_view cut(std::string_view text) {
  winsize size = {};
  if (ioctl(STDERR_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_col == 0) return text;
  std::size_t columns = 0, at = 0;
  for (; at < text.size(); ++at) {
    const bool starts_character = (static_cast<unsigned char>(text[at]) & 0xc0) != 0x80;
    if (starts_character && ++columns == size.ws_col) break;
  }
  return text.substr(0, at);
}

}  // namespace

void print(std::string_view line) {
  clear_line();
  fmt::print("{}\n", line);
}

void note(std::string_view line) {
  clear_line();
  fmt::print(stderr, "carousel: {}\n", line);
}

Progress::Progress(bool quiet)
    : quiet_(quiet),
      interval_(on_terminal() ? std::chrono::milliseconds(100) : std::chrono::milliseconds(10000)),
      next_(Clock::now() + interval_) {}

Progress::~Progress() {
  clear_line();
}

bool Progress::due() const {
  return !quiet_ && Clock::now() >= next_;
}

void Progress::show(std::string_view text) {
  if (quiet_) return;
  next_ = Clock::now() + interval_;
  if (on_terminal()) {
    fmt::print(stderr, "\r\033[K{}", cut(text));
    std::fflush(stderr);
    line_is_drawn = true;
  } else {
    fmt::print(stderr, "{}\n", text);
  }
}

void Progress::line(std::string_view text) {
  if (quiet_) return;
  clear_line();
  fmt::print(stderr, "{}\n", text);
}

}  // namespace carousel
