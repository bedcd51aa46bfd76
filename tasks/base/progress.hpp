#pragma once
/// What the program says: results on standard output, remarks and progress on standard error.

#include <chrono>
#include <string>
#include <string_view>

namespace carousel {

/// Prints a line of results on standard output. Throws std::runtime_error if it cannot be written; where nobody reads it any
/// more and interrupted() says so, it is unread, and nothing is thrown.
void print(std::string_view line);
/// Whether a line of results was.
bool is_unread();

/// A text whose command lines, `carousel train …`, begin with what the user typed: with $CAROUSEL_STARTED_AS, which tasks/run
/// sets.
std::string as_started(std::string_view text);

/// Prints a remark on standard error: "carousel: …", as_started().
void note(std::string_view line);

/// Takes away the line that a Progress has drawn, if there is one; also a signal handler may ask for it.
void clear_line() noexcept;

/// Progress of a long job on standard error: one line that is drawn over on a terminal, elsewhere a line now and then. Whatever
/// else is printed takes that line away first, and so does the end of the program by Ctrl-C.
///
///     Progress progress(options.quiet);
///     progress.phase("reading the tables");
///     … if (progress.due()) progress.show("table 2 of 12");
class Progress {
 public:
  explicit Progress(bool quiet);
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;
  ~Progress();

  /// Whether the next text would be shown: ten times a second on a terminal, every ten seconds elsewhere, never if quiet.
  bool due() const;
  /// Whether there is a line to draw over.
  bool live() const;
  /// Shows a text in place of the one before, due or not, unless quiet; as much of it as fits on a line.
  void show(std::string_view text);
  /// Says on a line that is drawn over what begins now and may take a while; elsewhere it says nothing.
  void phase(std::string_view text);
  /// Prints a line that stays, above the one that is drawn over, unless quiet.
  void line(std::string_view text);

 protected:
  /// Draws a line that fits.
  void draw(std::string line);

 private:
  using Clock = std::chrono::steady_clock;

  bool quiet_;
  std::string drawn_ = {};
  Clock::duration interval_;
  Clock::time_point next_;
};

}  // namespace carousel
