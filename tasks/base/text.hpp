#pragma once
/// Text that comes from files and goes to them: whole files, lines, names, words, times.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <ctime>
#include <string>
#include <string_view>
#include <vector>

#include <carousel/lib/numbers/shape.hpp>

namespace carousel {

/// The whole of a file; throws std::runtime_error if it cannot be read.
std::string read_file(const std::string& path);

/// What some programs begin UTF-8 with.
inline constexpr std::string_view byte_order_mark = "\xef\xbb\xbf";
inline bool starts_with_mark(std::string_view text) {
  return text.starts_with(byte_order_mark);
}

/// Calls f(line, number) for each line of a text, without its end and without a byte order mark before the first;
/// the first is number 1.
template <class F>
void for_each_line(std::string_view text, const F& f) {
  Index number = 1;
  if (starts_with_mark(text)) text.remove_prefix(byte_order_mark.size());
  for (std::size_t from = 0; from < text.size(); ++number) {
    const std::size_t to = std::min(text.find('\n', from), text.size());
    f(text.substr(from, to - from), number);
    from = to + 1;
  }
}

/// Throws std::runtime_error, which says how the file becomes UTF-8, for a text that begins as UTF-16 does.
void refuse_utf16(std::string_view text, const std::string& name);
/// Throws std::runtime_error, which says how the file becomes UTF-8, of the byte text[bad], where it stands and what it is.
[[noreturn]] void refuse_not_utf8(std::string_view text, std::size_t bad, const std::string& name, Index line,
                                  std::uint64_t byte);

/// The parts of a text, one more than there are marks between them: of "a,,b" at "," "a", "" and "b".
std::vector<std::string> split(std::string_view text, std::string_view between);

/// With small letters for the capital ones of ASCII.
std::string lowered(std::string_view text);

/// A word of a command line as a shell must be given it: in quotes where it needs them.
std::string shell_word(const std::string& word);

/// "2026-03-09 14:05", or as the format of strftime(3) says it, here.
std::string local_time(std::time_t time, const char* format = "%Y-%m-%d %H:%M");

/// The last name of a path, without the folders that it lies in: "my.txt", "recordings".
std::string last_name(const std::string& path);

/// The whole of a regular file. Throws std::runtime_error if it cannot be read or has more bytes than `most`.
std::string read_text(const std::string& path, std::uint64_t most);
/// Writes a whole file, or changes nothing. Throws std::runtime_error as NewFile does.
void write_text(const std::string& path, const std::string& text);

}  // namespace carousel
