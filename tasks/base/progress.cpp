#include <carousel/tasks/base/progress.hpp>

#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cctype>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <system_error>

#include <fmt/format.h>

#include <carousel/lib/error.hpp>
#include <carousel/tasks/base/interrupt.hpp>
#include <carousel/tasks/base/terminal.hpp>

namespace carousel {

namespace {
std::atomic<bool> a_line_is_unread = false;
std::atomic<bool> line_is_drawn = false;                // on the terminal, by a Progress
static_assert(std::atomic<bool>::is_always_lock_free);  // a signal handler may ask for it
/// On standard error. Where that cannot be written, nobody can be told.
void say(const std::string& text) {
  static_cast<void>(std::fwrite(text.data(), 1, text.size(), stderr));
}

}  // namespace

void clear_line() noexcept {
  constexpr std::string_view to_nothing = "\r\033[K";
  if (line_is_drawn.exchange(false)) [[maybe_unused]]
    const ssize_t written = write(STDERR_FILENO, to_nothing.data(), to_nothing.size());
}

void print(std::string_view line) {
  clear_line();
  try {
    fmt::print("{}\n", line);
  } catch (const std::system_error& error) {
    if (error.code().value() == EPIPE && interrupted()) {  // nobody reads it: it ends, and saves
      a_line_is_unread = true;
      return;
    }
    bad_file("standard output: could not be written: must have room");
  }
}

bool is_unread() {
  return a_line_is_unread;
}

std::string as_started(std::string_view text) {
  constexpr std::string_view name = "carousel ";
  constexpr std::string_view commands[] = {"train", "eval",    "sample", "predict", "gradcheck", "scoreboard", "data",    "list",
                                           "runs",  "compare", "report", "graph",   "explain",   "[COMMAND]",  "COMMAND", "--"};
  const char* const started = std::getenv("CAROUSEL_STARTED_AS");
  if (!started || !*started) return std::string(text);
  std::string out;
  std::size_t from = 0;
  for (std::size_t at; (at = text.find(name, from)) != std::string_view::npos;) {
    const std::string_view rest = text.substr(at + name.size());
    const bool whole = at == 0 || text[at - 1] == ' ' || text[at - 1] == '\n' || text[at - 1] == '(' || text[at - 1] == '`';
    const bool command = std::any_of(std::begin(commands), std::end(commands), [&](std::string_view word) {
      return rest.starts_with(word) &&
             (word == "--" || rest.size() == word.size() || std::isalpha(static_cast<unsigned char>(rest[word.size()])) == 0);
    });
    out.append(text, from, at - from);
    out += whole && command ? std::string(started) + " " : std::string(name);
    from = at + name.size();
  }
  return out.append(text, from);
}

void note(std::string_view line) {
  clear_line();
  say(fmt::format("carousel: {}\n", as_started(line)));
}

Progress::Progress(bool quiet)
    : quiet_(quiet),
      interval_(terminal() ? std::chrono::milliseconds(100) : std::chrono::milliseconds(10000)),
      next_(Clock::now() + interval_) {}

Progress::~Progress() {
  clear_line();
}

bool Progress::due() const {
  return !quiet_ && Clock::now() >= next_;
}

bool Progress::live() const {
  return !quiet_ && terminal();
}

void Progress::show(std::string_view text) {
  if (quiet_) return;
  if (const std::optional<Terminal> screen = terminal())
    draw(std::string(cut(text, screen->columns - 1)));
  else
    say(std::string(text) + "\n");
  next_ = Clock::now() + interval_;
}

void Progress::phase(std::string_view text) {
  if (live()) show(text);
}

void Progress::line(std::string_view text) {
  if (quiet_) return;
  const bool drawn = line_is_drawn && !drawn_.empty();  // by this one
  clear_line();
  say(std::string(text) + "\n");
  if (drawn) draw(std::move(drawn_));
}

void Progress::draw(std::string line) {
  line_is_drawn = true;
  drawn_ = std::move(line);
  say("\r\033[K" + drawn_);
  std::fflush(stderr);
  next_ = Clock::now() + interval_;
}

}  // namespace carousel
