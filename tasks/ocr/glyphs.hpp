#pragma once
/// Digits of real fonts, drawn by FreeType.

#include <array>
#include <string>
#include <vector>

#include <carousel/lib/numbers/shape.hpp>

namespace carousel {

/// A digit of a font, as it is printed.
struct Glyph {
  Index height = 0, width = 0;
  std::vector<float> ink;   // [height, width], 0 … 1: the share of a pixel that is covered
  Index left = 0, top = 0;  // of its first pixel: to the right of the pen, above the baseline
  double advance = 0;       // of the pen, to the next digit
};

/// The digits of one font.
struct Face {
  std::string name;  ///< of the file, without folder and ending
  std::array<Glyph, 10> digits;
};

/// Pixels of an em, the height of a line: the size at which digits are drawn.
inline constexpr Index em = 32;

/// Draws the digits of fonts: of the files *.ttf and *.otf of a folder, by name; without one, of six faces of DejaVu (sans, mono
/// and serif, each plain and bold), of Debian's package fonts-dejavu-core. Throws std::runtime_error, which names that package,
/// for fonts that are not there, and for a file that is no font or has no digits.
std::vector<Face> load_faces(const std::string& folder = "");

}  // namespace carousel
