#include <carousel/tasks/mnist/own_digits.hpp>

#include <algorithm>
#include <numeric>
#include <stdexcept>

#include <doctest/doctest.h>

using namespace carousel;

namespace {

struct Rectangle {
  Index top, left, height, width;
};

/// A picture of one colour with a rectangle of another.
GreyImage picture(Index height, Index width, Rectangle ink, std::uint8_t paper, std::uint8_t dark) {
  GreyImage image{height, width, std::vector<std::uint8_t>(static_cast<std::size_t>(height * width), paper)};
  for (Index i = ink.top; i < ink.top + ink.height; ++i)
    for (Index j = ink.left; j < ink.left + ink.width; ++j) image.pixels[static_cast<std::size_t>(i * width + j)] = dark;
  return image;
}

/// The box around what is not 0, and where the centre of mass is.
struct Found {
  Index height, width;
  double down, right;

  explicit Found(const std::vector<std::uint8_t>& pixels) {
    Index top = 99, bottom = -1, left = 99, end = -1;
    double mass = 0;
    down = right = 0;
    for (Index i = 0; i < image_side; ++i)
      for (Index j = 0; j < image_side; ++j) {
        const double here = pixels[static_cast<std::size_t>(i * image_side + j)];
        mass += here, down += here * static_cast<double>(i), right += here * static_cast<double>(j);
        if (here > 0) top = std::min(top, i), bottom = std::max(bottom, i), left = std::min(left, j), end = std::max(end, j);
      }
    down /= mass, right /= mass;
    height = bottom - top + 1, width = end - left + 1;
  }
};

}  // namespace

TEST_CASE("a digit of one's own fills 20 pixels, keeps its shape, and has its centre of mass in the middle") {
  for (const auto& [paper, dark] : {std::pair<std::uint8_t, std::uint8_t>{255, 0}, {200, 90}, {0, 255}, {40, 90}}) {
    CAPTURE(int{paper});
    const std::vector<std::uint8_t> pixels = own_digit(picture(300, 400, {17, 250, 200, 100}, paper, dark), "x.png");
    REQUIRE(pixels.size() == image_size);
    CHECK(*std::max_element(pixels.begin(), pixels.end()) == 255);
    CHECK(std::accumulate(pixels.begin(), pixels.end(), 0) == doctest::Approx(255 * 20 * 10).epsilon(0.02));
    const Found found(pixels);
    CHECK(found.height == 20);
    CHECK(found.width == 10);
    CHECK(std::abs(found.down - 14) <= 0.5);
    CHECK(std::abs(found.right - 14) <= 0.5);
  }
}

TEST_CASE("a digit smaller than 20 pixels is made larger, and faint paper is left out") {
  GreyImage small = picture(12, 12, {3, 4, 5, 2}, 255, 0);
  small.pixels[13] = 230;  // a tenth as dark as the ink: else the box would reach there
  const Found found(own_digit(small, "x.png"));
  CHECK(found.height == 20);
  CHECK(found.width == 8);
}

TEST_CASE("the heavier part of a digit comes to the middle, as far as nothing is cut off") {
  GreyImage image = picture(100, 100, {0, 0, 0, 0}, 255, 0);
  for (Index j = 0; j < 100; ++j)
    for (Index i = 10; i < 90; ++i)
      if (j < 15 || i < 12) image.pixels[static_cast<std::size_t>(i * 100 + j)] = 0;
  for (Index i = 0; i < 100; ++i)
    image.pixels[static_cast<std::size_t>(i * 100)] = image.pixels[static_cast<std::size_t>(i * 100 + 99)] = 255;
  const Found found(own_digit(image, "x.png"));
  CHECK(std::max(found.height, found.width) == 20);
  CHECK(found.right > 8);  // it would be at 14, but for what stands on the right
  CHECK(found.right < 13);
}

TEST_CASE("an image that has the form of MNIST's stays as it is") {
  const DigitImages drawn = draw_digits("test", 20);
  for (Index n = 0; n < drawn.count(); ++n) {
    const std::vector<std::uint8_t> pixels(drawn.image(n), drawn.image(n) + image_size);
    const GreyImage image{image_side, image_side, pixels};
    if (edge_colour(image) == 0) CHECK(own_digit(image, "x.png") == pixels);
  }
}

TEST_CASE("an image without a digit, and one whose lines vanish, are refused") {
  CHECK_THROWS_WITH_AS(own_digit(picture(50, 50, {0, 0, 0, 0}, 255, 0), "x.png"),
                       "read x.png: is of a single colour: there is no digit in it", std::runtime_error);
  CHECK_THROWS_WITH_AS(own_digit(picture(28, 28, {0, 0, 0, 0}, 0, 255), "x.png"),
                       "read x.png: is of a single colour: there is no digit in it", std::runtime_error);
  GreyImage thin = picture(3, 40000, {1, 1, 1, 1}, 255, 0);
  thin.pixels[2 * 40000 - 2] = 0;
  CHECK_THROWS_WITH_AS(own_digit(thin, "x.png"),
                       "read x.png: its lines vanish at 20 x 20 pixels: draw them thicker, or cut the image around the digit",
                       std::runtime_error);
}
