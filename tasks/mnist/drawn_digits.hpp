#pragma once
/// Digits drawn by a program, for those who have no MNIST at hand.

#include <cstdint>
#include <string_view>
#include <vector>

#include <carousel/lib/numbers/shape.hpp>

namespace carousel {

inline constexpr Index image_side = 28, image_size = image_side * image_side, digit_count = 10;

/// Images and what digit each shows.
struct DigitImages {
  std::vector<std::uint8_t> pixels;  // [count, image_side, image_side], 0 paper, 255 ink
  std::vector<std::uint8_t> labels;  // [count], 0 … 9

  Index count() const { return static_cast<Index>(labels.size()); }
  const std::uint8_t* image(Index n) const { return pixels.data() + n * image_size; }
  /// Drops all but the first `count`.
  void keep_first(Index count) {
    pixels.resize(static_cast<std::size_t>(count * image_size));
    labels.resize(static_cast<std::size_t>(count));
  }
};

/// Draws a digit on each of `count` images: strokes, bent, slanted, turned, stretched, shifted and of varied breadth at random,
/// on most images beside a stray one. The same set has the same images each time, sets of other names have others.
DigitImages draw_digits(std::string_view set, Index count);

}  // namespace carousel
