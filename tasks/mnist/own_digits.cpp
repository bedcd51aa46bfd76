#include <carousel/tasks/mnist/own_digits.hpp>

#include <algorithm>
#include <cmath>

#include <carousel/lib/error.hpp>

namespace carousel {

namespace {

/// Makes the most of the pixels 255, and what is below a part of that 0.
void stretch(GreyImage& ink, double paper_below) {
  const int most = *std::max_element(ink.pixels.begin(), ink.pixels.end());
  for (std::uint8_t& pixel : ink.pixels)
    pixel = pixel < paper_below * most ? std::uint8_t{0} : static_cast<std::uint8_t>(std::lround(255.0 * pixel / most));
}

/// The part of an image that holds all pixels that are not 0.
GreyImage box_of(const GreyImage& ink) {
  Index top = ink.height, bottom = 0, left = ink.width, right = 0;  // bottom and right: behind the last
  for (Index i = 0; i < ink.height; ++i)
    for (Index j = 0; j < ink.width; ++j)
      if (ink.at(i, j) > 0) {
        top = std::min(top, i), bottom = i + 1;
        left = std::min(left, j), right = std::max(right, j + 1);
      }
  GreyImage box{bottom - top, right - left, {}};
  for (Index i = top; i < bottom; ++i) {
    const auto row = ink.pixels.begin() + i * ink.width;
    box.pixels.insert(box.pixels.end(), row + left, row + right);
  }
  return box;
}

}  // namespace

std::vector<std::uint8_t> own_digit(const GreyImage& image, const std::string& name) {
  const int background = edge_colour(image);
  if (image.height == image_side && image.width == image_side && background == 0 &&
      std::any_of(image.pixels.begin(), image.pixels.end(), [](std::uint8_t pixel) { return pixel > 0; }))
    return image.pixels;
  GreyImage ink = image;
  for (std::uint8_t& pixel : ink.pixels) pixel = static_cast<std::uint8_t>(std::abs(pixel - background));
  if (std::all_of(ink.pixels.begin(), ink.pixels.end(), [](std::uint8_t pixel) { return pixel == 0; }))
    bad_file("read ", name, ": is of a single colour: there is no digit in it");
  stretch(ink, 0.2);

  constexpr double longer_side = 20;
  const GreyImage box = box_of(ink);
  const double scale = longer_side / static_cast<double>(std::max(box.height, box.width));
  const auto scaled = [&](Index side) { return std::max<Index>(1, std::lround(static_cast<double>(side) * scale)); };
  GreyImage digit = resized(box, scaled(box.height), scaled(box.width));
  if (std::all_of(digit.pixels.begin(), digit.pixels.end(), [](std::uint8_t pixel) { return pixel == 0; }))
    bad_file("read ", name, ": its lines vanish at 20 x 20 pixels: draw them thicker, or cut the image around the digit");
  stretch(digit, 0);

  double mass = 0, down = 0, right = 0;
  for (Index i = 0; i < digit.height; ++i)
    for (Index j = 0; j < digit.width; ++j) {
      const double here = digit.at(i, j);
      mass += here, down += here * static_cast<double>(i), right += here * static_cast<double>(j);
    }
  const auto place = [](double centre, Index side) {
    return std::clamp<Index>(std::lround(image_side / 2.0 - centre), 0, image_side - side);
  };
  const Index top = place(down / mass, digit.height), left = place(right / mass, digit.width);
  std::vector<std::uint8_t> pixels(image_size);
  for (Index i = 0; i < digit.height; ++i)
    std::copy_n(digit.pixels.begin() + i * digit.width, digit.width, pixels.begin() + (top + i) * image_side + left);
  return pixels;
}

}  // namespace carousel
