#include <carousel/lib/utf8.hpp>

#include <utility>

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

namespace {

constexpr std::string_view digits = "0123456789abcdef";

/// Whether a letter beyond ASCII shows nothing of its own, or changes what others look like: controls, blanks, joiners, marks of
/// direction and order, tags, and what is no character. The Unicode Standard 15.0, categories Cc, Cf, Zs, Zl, Zp and Cn,
/// variation selectors, and letters that are blank.
bool is_invisible(char32_t letter) {
  constexpr char32_t ranges[][2] = {{0x80, 0xa0},     {0xad, 0xad},       {0x34f, 0x34f},     {0x600, 0x605},    {0x61c, 0x61c},
                                    {0x6dd, 0x6dd},   {0x70f, 0x70f},     {0x115f, 0x1160},   {0x1680, 0x1680},  {0x17b4, 0x17b5},
                                    {0x180b, 0x180f}, {0x2000, 0x200f},   {0x2028, 0x202f},   {0x205f, 0x206f},  {0x2800, 0x2800},
                                    {0x3000, 0x3000}, {0x3164, 0x3164},   {0xfe00, 0xfe0f},   {0xfeff, 0xfeff},  {0xffa0, 0xffa0},
                                    {0xfff0, 0xfffb}, {0x110bd, 0x110bd}, {0x1d173, 0x1d17a}, {0xe0000, 0xe0fff}};
  if ((letter & 0xfffe) == 0xfffe || (letter >= 0xfdd0 && letter <= 0xfdef)) return true;
  for (const auto& [first, last] : ranges)
    if (letter >= first && letter <= last) return true;
  return false;
}

/// The first letter of UTF-8 as a number, and how many bytes it has.
std::pair<char32_t, std::size_t> first_letter(std::string_view text) {
  const auto lead = static_cast<unsigned char>(text[0]);
  const std::size_t bytes = lead < 0x80 ? 1 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
  char32_t letter = bytes == 1 ? lead : lead & (0x7fU >> bytes);
  for (std::size_t i = 1; i < bytes; ++i) letter = letter << 6 | (static_cast<unsigned char>(text[i]) & 0x3fU);
  return {letter, bytes};
}

}  // namespace

std::string in_quotes(std::string_view word) {
  constexpr std::size_t longest = 60;
  std::string_view shown = word.substr(0, longest);
  if (shown.size() < word.size())
    while (!shown.empty() && (static_cast<unsigned char>(word[shown.size()]) & 0xc0) == 0x80)
      shown.remove_suffix(1);  // whole letters
  const bool readable = is_utf8(shown);
  std::string out = "\"";
  while (!shown.empty()) {
    const auto code = static_cast<unsigned char>(shown[0]);
    std::size_t taken = 1;
    if (code < 0x20 || code == 0x7f || (code >= 0x80 && !readable)) {
      out += {'\\', 'x', digits[code >> 4], digits[code & 15]};
    } else if (const auto [letter, bytes] = first_letter(shown); is_invisible(letter)) {
      taken = bytes;
      out += letter < 0x10000 ? "\\u" : "\\U";
      for (int shift = letter < 0x10000 ? 12 : 28; shift >= 0; shift -= 4) out += digits[letter >> shift & 15];
    } else {
      taken = bytes;
      out += shown.substr(0, bytes);
    }
    shown.remove_prefix(taken);
  }
  return out + (word.size() > longest ? "…\"" : "\"");
}

}  // namespace carousel
