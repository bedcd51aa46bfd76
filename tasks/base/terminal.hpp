#pragma once
/// What the terminal on standard error or output can show.

#include <optional>
#include <string>
#include <string_view>

#include <carousel/lib/numbers/shape.hpp>

namespace carousel {

/// A terminal whose last line can be drawn over.
struct Terminal {
  Index columns = 80;
  bool utf8 = false;     ///< the locale says that it shows UTF-8: else only ASCII is drawn
  bool colours = false;  ///< NO_COLOR is not set, https://no-color.org
};

/// Whether the locale says that text is UTF-8: the first of LC_ALL, LC_CTYPE and LANG that is set decides, as POSIX has it
/// (XBD 8.2).
bool locale_is_utf8();

/// Standard error (2) or standard output (1), as wide as it is now; nothing if it is no terminal, a dumb one, or another
/// program's while this one is in the background of it.
std::optional<Terminal> terminal(int file = 2);

/// As much of a text as fits into so many columns, a character of UTF-8 in each.
std::string_view cut(std::string_view text, Index columns);

/// A text in a colour or another rendition of ECMA-48, 8.3.117 ("36" is cyan), where the terminal has colours.
std::string coloured(std::string_view text, std::string_view rendition, const Terminal& terminal);

}  // namespace carousel
