#pragma once
/// How people write numbers: with a point or a comma before the decimals, and with some mark, or none, between thousands.

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace carousel {

/// A way to write numbers.
struct Writing {
  char decimal;    ///< '.' or ','
  char thousands;  ///< '.', ',', ' ' for any blank, '\'' for any apostrophe; 0: none
};
/// All that there are.
inline constexpr std::array<Writing, 8> all_writings = {
    {{'.', 0}, {'.', ','}, {'.', ' '}, {'.', '\''}, {',', 0}, {',', '.'}, {',', ' '}, {',', '\''}}};

/// A set of them: bit k is all_writings[k].
using Writings = std::uint8_t;
/// Those for which f(writing) holds.
template <class F>
constexpr Writings writings_where(F f) {
  unsigned set = 0;
  for (std::size_t k = 0; k < all_writings.size(); ++k) set |= static_cast<unsigned>(f(all_writings[k])) << k;
  return static_cast<Writings>(set);
}
inline constexpr Writings any_writing = 0xff;

/// Those that words allow. Throws std::invalid_argument, with the names of the options, if there is none.
///   decimal: auto, a point or a comma;  thousands: auto, none, a point, a comma, blank, apostrophe
Writings writings_of(const std::string& decimal, const std::string& thousands);

/// Without the blanks around it.
std::string_view trimmed(std::string_view field);

/// Those in which a field is a number, whatever blanks are around it: of "1.5" all with a point, of "1.500" also that with a
/// comma and points between thousands, of "12" all, of a word none. Marks between thousands have three digits between them and no
/// 0 before them.
Writings writings_of_number(std::string_view field);
/// The number that a field is in a writing, if it is one and finite.
std::optional<double> number_in(std::string_view field, std::size_t writing);

/// Whether nothing stands there, or a word for that: NA, NaN, null, a dash; also a number that is not finite.
bool is_hole(std::string_view field);

}  // namespace carousel
