#pragma once
/// What the program says: results on standard output, remarks and progress on standard error.

#include <chrono>
#include <string>
#include <string_view>

namespace carousel {

/// Prints a line of results on standard output.
void print(std::string_view line);

/// Prints a remark on standard error: "carousel: …".
void note(std::string_view line);

/// Progress of a long job on standard error: one line that is drawn over on a terminal, elsewhere a line now and then.
///
///     Progress progress(options.quiet);
///     … if (progress.due()) progress.show("epoch 2: loss 1.52");
class Progress {
 public:
  explicit Progress(bool quiet);
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;
  ~Progress();

  /// Whether the next text would be shown: ten times a second on a terminal, every ten seconds elsewhere, never if quiet.
  bool due() const;
  /// Shows a text in place of the one before, due or not, unless quiet.
  void show(std::string_view text);
  /// Prints a line that stays, unless quiet.
  void line(std::string_view text);

 private:
  using Clock = std::chrono::steady_clock;

  bool quiet_;
  Clock::duration interval_;
  Clock::time_point next_;
};

}  // namespace carousel
