#pragma once
/// Images in grey and in colours, and PNG files of them.

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include <carousel/lib/numbers/shape.hpp>

namespace carousel {

struct GreyImage {
  Index height = 0, width = 0;
  std::vector<std::uint8_t> pixels;  // [height, width], 0 black, 255 white

  std::uint8_t at(Index row, Index column) const { return pixels[static_cast<std::size_t>(row * width + column)]; }
};

struct Colour {
  std::uint8_t red, green, blue;

  bool operator==(const Colour&) const = default;
};

struct ColourImage {
  Index height = 0, width = 0;
  std::vector<Colour> pixels;  // [height, width]

  Colour at(Index row, Index column) const { return pixels[static_cast<std::size_t>(row * width + column)]; }
};

/// Reads a PNG of any size and kind: colours become grey, what is transparent lies on white. Throws std::runtime_error, "read
/// PATH: …", for a file that is none or is broken, and for an image of more than 2^26 pixels.
GreyImage read_png(const std::string& path);
/// The image of another size: each pixel is the mean of those that it covers, or lies between those that it falls between, by
/// weights that fall off linearly.
GreyImage resized(const GreyImage& image, Index height, Index width);
/// The median of the pixels along the edge.
std::uint8_t edge_colour(const GreyImage& image);

/// The bytes of a PNG file.
std::vector<std::byte> png_of(const GreyImage& image);
std::vector<std::byte> png_of(const ColourImage& image);
/// Writes one; the file appears whole or not at all. Throws std::runtime_error, "write PATH: …".
void write_png(const std::string& path, const GreyImage& image);
void write_png(const std::string& path, const ColourImage& image);

/// What stands on the paper, with an eighth of its height as margin where there is as much: the box around all that differs from
/// the colour of the edge by at least half of what most does. An image of a single colour stays as it is.
GreyImage without_margin(const GreyImage& image);

/// The whole image, resized() until it just fits, in the middle of one of that size; around it lies the colour of its edge.
GreyImage fit_into(const GreyImage& image, Index height, Index width);

}  // namespace carousel
