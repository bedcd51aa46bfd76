#pragma once
/// The lines of digits of the task ocr: any number to train on, others to validate and to test on.

#include <string>
#include <vector>

#include <carousel/tasks/ocr/printed_digits.hpp>

namespace carousel {

/// Lines drawn from streams of random numbers of their own for training, validation and test: no image is in two of them. What
/// they say may be the same, as there are only so many lines of three digits.
class OcrData {
 public:
  /// Throws as load_faces() and print_line() do.
  ///   fonts: a folder, or empty, see load_faces();  seed: of the lines to train on; those held out are always the same
  OcrData(const std::string& fonts, const PrintOptions& options, std::uint64_t seed);

  /// Line number n to train on.
  PrintedLine training(Index n) const { return draw(training_, static_cast<std::uint64_t>(n)); }
  /// 500 of them.
  std::vector<PrintedLine> validation() const { return draw_all("validation", 500); }
  /// 2,000 others.
  std::vector<PrintedLine> test() const { return draw_all("test", 2000); }
  /// Line number n of those that are only looked at.
  PrintedLine example(std::uint64_t n) const;

  /// The names of the fonts, "DejaVuSans, …".
  std::string fonts() const;
  /// What tells these lines from those of other fonts, be they of the same names: names, and a hash of the digits' drawings.
  std::string identity() const;

 private:
  PrintedLine draw(const Random& random, std::uint64_t n) const { return print_line(faces_, options_, random.split(n)); }
  std::vector<PrintedLine> draw_all(const char* set, std::uint64_t count) const;

  std::vector<Face> faces_;
  PrintOptions options_;
  Random training_;
};

}  // namespace carousel
