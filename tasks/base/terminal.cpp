#include <carousel/tasks/base/terminal.hpp>

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <cstdlib>

#include <fmt/format.h>

namespace carousel {

namespace {

std::string_view variable(const char* name) {
  const char* const value = std::getenv(name);
  return value ? value : "";
}

bool can_draw_over(int file) {
  const std::string_view kind = variable("TERM");
  return isatty(file) == 1 && !kind.empty() && kind != "dumb";
}

}  // namespace

bool locale_is_utf8() {
  for (const char* name : {"LC_ALL", "LC_CTYPE", "LANG"})
    if (const std::string_view value = variable(name); !value.empty()) {
      std::string letters;
      for (const char c : value)
        if (c != '-') letters += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
      return letters.find("utf8") != std::string::npos;
    }
  return false;
}

std::optional<Terminal> terminal(int file) {
  static const bool can_out = can_draw_over(STDOUT_FILENO), can_err = can_draw_over(STDERR_FILENO);
  static const bool utf8 = locale_is_utf8(), colours = variable("NO_COLOR").empty();
  if (!(file == STDOUT_FILENO ? can_out : can_err)) return {};
  if (const pid_t foreground = tcgetpgrp(file); foreground > 0 && foreground != getpgrp()) return {};
  Terminal now{.utf8 = utf8, .colours = colours};
  winsize size = {};
  if (ioctl(file, TIOCGWINSZ, &size) == 0 && size.ws_col > 0) now.columns = size.ws_col;
  return now;
}

std::string_view cut(std::string_view text, Index columns) {
  std::size_t at = 0;
  for (Index used = 0; at < text.size(); ++at) {
    const bool starts_character = (static_cast<unsigned char>(text[at]) & 0xc0) != 0x80;
    if (starts_character && ++used > columns) break;
  }
  return text.substr(0, at);
}

std::string coloured(std::string_view text, std::string_view rendition, const Terminal& terminal) {
  return terminal.colours && !text.empty() ? fmt::format("\033[{}m{}\033[0m", rendition, text) : std::string(text);
}

}  // namespace carousel
