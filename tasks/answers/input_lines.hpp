#pragma once
/// What `predict` reads: a file or standard input, line by line as they come, or as a whole.

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include <carousel/lib/files/descriptor.hpp>
#include <carousel/lib/numbers/shape.hpp>
#include <carousel/tasks/csv/csv.hpp>

namespace carousel {

/// "standard input" for "-", else the path.
std::string name_of_input(const std::string& input);

/// Lines of a file, a pipe or, for "-", of standard input. Errors are std::runtime_error: `read PATH: line 3: …`.
class InputLines {
 public:
  /// `rule` ends the error of an input without any line: "must have a list a line". Throws for a file that cannot be opened.
  InputLines(const std::string& input, std::string rule);

  /// Goes to the next line. False at the end, and when interrupted(). Throws for what cannot be read, for a line that is not
  /// UTF-8 or has more than 2^24 bytes, and at the end of an input that had no line.
  bool next();
  /// The line, without its end and without a byte order mark before the first; it lasts until the next one.
  const std::string& line() const { return line_; }
  /// The numbers that stand on it, apart by blanks, commas or semicolons. Throws for what is no finite number.
  std::vector<double> numbers() const;
  /// Its number, from 1.
  Index number() const { return number_; }
  /// `read PATH: line 3`: what an error about it begins with.
  std::string where() const;
  /// Throws: there is nothing in any of its lines.
  [[noreturn]] void refuse_blank() const;

 private:
  bool fill();

  std::string name_, rule_;
  detail::Descriptor own_;
  int file_;
  std::string buffer_ = {}, line_ = {};  // what is read and not taken from `at_` on
  std::size_t at_ = 0;
  std::uint64_t taken_ = 0;  // bytes up to there, of the whole input
  bool ended_ = false;
  Index number_ = 0;
};

/// All of a file, a pipe or, for "-", of standard input: as much as `most` bytes. Throws std::runtime_error where that cannot be
/// read or is more; what came until interrupted() is thrown away, and nothing is left.
std::string whole_input(const std::string& input, std::size_t most = std::size_t{1} << 30);

/// The table of a file, a pipe or, for "-", of standard input.
Csv csv_input(const std::string& input, const CsvOptions& options);

}  // namespace carousel
