#include <carousel/tasks/base/text.hpp>

#include <algorithm>
#include <filesystem>
#include <span>

#include <carousel/lib/error.hpp>
#include <carousel/lib/files/file.hpp>
#include <carousel/lib/utf8.hpp>

namespace carousel {

std::string read_file(const std::string& path) {
  const InputFile file(path);
  std::string content(file.size(), '\0');
  file.read(0, std::as_writable_bytes(std::span(content)));
  return content;
}

void refuse_utf16(std::string_view text, const std::string& name) {
  if (text.starts_with("\xff\xfe") || text.starts_with("\xfe\xff"))
    bad_file("read ", name, ": line 1, byte 0: is UTF-16: must be UTF-8; iconv -f UTF-16 -t UTF-8 makes it so");
}

void refuse_not_utf8(std::string_view text, std::size_t bad, const std::string& name, Index line, std::uint64_t byte) {
  // Latin-1 has no letters at 0x80 to 0x9f, Windows has.
  const char* const from = static_cast<unsigned char>(text[bad]) < 0xa0 ? "CP1252" : "LATIN1";
  bad_file("read ", name, ": line ", line, ", byte ", byte, ": ", in_quotes(text.substr(bad, 1)), ": must be UTF-8; iconv -f ",
           from, " -t UTF-8 makes it so, if that is what it is");
}

std::vector<std::string> split(std::string_view text, std::string_view between) {
  std::vector<std::string> parts;
  for (std::size_t from = 0;;) {
    const std::size_t to = std::min(text.find(between, from), text.size());
    parts.emplace_back(text.substr(from, to - from));
    if (to == text.size()) return parts;
    from = to + between.size();
  }
}

std::string lowered(std::string_view text) {
  std::string small(text);
  for (char& letter : small)
    if (letter >= 'A' && letter <= 'Z') letter = static_cast<char>(letter - 'A' + 'a');
  return small;
}

std::string shell_word(const std::string& word) {
  constexpr std::string_view plain = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-+=./:,@%";
  if (!word.empty() && word.find_first_not_of(plain) == std::string::npos) return word;
  std::string out = "'";
  for (const char c : word) out += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return out + "'";
}

std::string local_time(std::time_t time, const char* format) {
  std::tm parts{};
  localtime_r(&time, &parts);
  char text[32];
  return {text, std::strftime(text, sizeof text, format, &parts)};
}

std::string last_name(const std::string& path) {
  const std::filesystem::path whole = std::filesystem::path(path).lexically_normal();
  const std::string name = (whole.has_filename() ? whole : whole.parent_path()).filename().string();
  return name.empty() ? path : name;
}

std::string read_text(const std::string& path, std::uint64_t most) {
  const InputFile file(path);
  if (file.size() > most) bad_file("read ", path, ": ", file.size(), " bytes: must be at most ", most);
  std::string text(file.size(), '\0');
  file.read(0, std::as_writable_bytes(std::span(text)));
  return text;
}

void write_text(const std::string& path, const std::string& text) {
  NewFile file(path, text.size());
  file.write(std::as_bytes(std::span(text)));
  file.publish();
}

}  // namespace carousel
