#include <carousel/lib/utf8.hpp>

namespace carousel {

std::size_t first_not_utf8(std::string_view text) {
  const auto byte = [&](std::size_t i) { return i < text.size() ? static_cast<unsigned char>(text[i]) : 0u; };
  for (std::size_t at = 0; at < text.size();) {
    const unsigned lead = byte(at);
    if ((lead >= 0x80 && lead < 0xc2) || lead > 0xf4) return at;
    const std::size_t more = lead < 0x80 ? 0 : lead < 0xe0 ? 1 : lead < 0xf0 ? 2 : 3;
    const unsigned lowest = lead == 0xe0 ? 0xa0 : lead == 0xf0 ? 0x90 : 0x80;   // below are longer forms of smaller numbers
    const unsigned highest = lead == 0xed ? 0x9f : lead == 0xf4 ? 0x8f : 0xbf;  // above are surrogates, numbers past the last
    if (more > 0 && (byte(at + 1) < lowest || byte(at + 1) > highest)) return at;
    for (std::size_t i = 2; i <= more; ++i)
      if ((byte(at + i) & 0xc0) != 0x80) return at;
    at += more + 1;
  }
  return std::string_view::npos;
}

std::string in_quotes(std::string_view word) {
  constexpr std::size_t longest = 60;
  std::string_view shown = word.substr(0, longest);
  if (shown.size() < word.size())
    while (!shown.empty() && (static_cast<unsigned char>(word[shown.size()]) & 0xc0) == 0x80)
      shown.remove_suffix(1);  // whole letters
  const bool readable = is_utf8(shown);
  std::string out = "\"";
  for (char letter : shown) {
    constexpr std::string_view digits = "0123456789abcdef";
    const auto code = static_cast<unsigned char>(letter);
    if (code >= 0x20 && code != 0x7f && (code < 0x80 || readable)) {
      out += letter;
    } else {
      out += "\\x";
      out += digits[code >> 4];
      out += digits[code & 15];
    }
  }
  return out + (shown.size() < word.size() ? "…\"" : "\"");
}

}  // namespace carousel
