#pragma once
/// Words from outside: are they UTF-8, and how does one show them in an error?

#include <string>
#include <string_view>

namespace carousel {

/// The offset of the first byte that cannot stand in UTF-8, std::string_view::npos if there is none.
/// The Unicode Standard 15.0, table 3-7: shortest forms only, no surrogates, nothing past U+10FFFF.
std::size_t first_not_utf8(std::string_view text);

/// True for text that is UTF-8 from end to end.
inline bool is_utf8(std::string_view text) {
  return first_not_utf8(text) == std::string_view::npos;
}

/// A word of unknown origin for one line of an error: in quotes, at most 60 bytes of it, anything unprintable as `\x0a`.
std::string in_quotes(std::string_view word);

}  // namespace carousel
