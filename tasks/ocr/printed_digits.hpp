#pragma once
/// Photographs of printed digits, made by a program: a line of digits in one of several fonts, seen from a slant, not quite
/// sharp, on paper of any brightness.

#include <vector>

#include <carousel/lib/numbers/random.hpp>
#include <carousel/tasks/drawing/image.hpp>
#include <carousel/tasks/ocr/glyphs.hpp>

namespace carousel {

/// How such images are made.
struct PrintOptions {
  Index height = 32, width = 120;
  Index least = 3, most = 5;  ///< digits of a line
  /// How far they are apart: 0, all alike but for digits and fonts; 1, each digit up to 0.05 em off the line, the line turned up
  /// to 6°, slanted up to 14°, stretched up to a fifth, in perspective up to 1 : 1.4, of two thirds of the largest size that fits
  /// or more, anywhere; a contrast of 0.35 to 1, one in four bright on dark, light falling off by up to a fifth, blur up to 1 and
  /// noise up to 0.08 in deviation (of pixels; of the distance from black to white).
  double jitter = 1;
};

/// An image and what it shows.
struct PrintedLine {
  GreyImage image;
  std::vector<Index> digits;
  std::size_t face;  ///< number of the font
};

/// Draws a line, the same one from the same state of `random`. Throws std::invalid_argument without faces, or for options that
/// cannot be.
PrintedLine print_line(const std::vector<Face>& faces, const PrintOptions& options, Random random);

}  // namespace carousel
