#include <carousel/tasks/mnist/drawn_digits.hpp>

#include <algorithm>
#include <array>
#include <numeric>

#include <doctest/doctest.h>

using namespace carousel;

TEST_CASE("a set of drawn digits is the same each time, however many are asked for; another set has others") {
  const DigitImages few = draw_digits("train", 20), many = draw_digits("train", 50), others = draw_digits("test", 20);
  CHECK(few.count() == 20);
  CHECK(many.pixels.size() == 50 * image_size);
  CHECK(std::equal(few.pixels.begin(), few.pixels.end(), many.pixels.begin()));
  CHECK(std::equal(few.labels.begin(), few.labels.end(), many.labels.begin()));
  CHECK(few.pixels != others.pixels);
  for (Index a = 0; a < few.count(); ++a)
    for (Index b = 0; b < others.count(); ++b) {
      CAPTURE(a);
      CAPTURE(b);
      CHECK_FALSE(std::equal(few.image(a), few.image(a) + image_size, others.image(b)));
    }
}

TEST_CASE("the first of a set of images are kept as they are") {
  DigitImages images = draw_digits("train", 5);
  const DigitImages before = images;
  images.keep_first(3);
  CHECK(images.count() == 3);
  CHECK(std::equal(images.pixels.begin(), images.pixels.end(), before.pixels.begin(), before.pixels.begin() + 3 * image_size));
}

TEST_CASE("drawn digits of all ten kinds look like their kind: most lie nearest to its mean") {
  const DigitImages train = draw_digits("train", 1500), test = draw_digits("test", 500);
  std::array<std::array<double, image_size>, digit_count> means{};
  std::array<Index, digit_count> counts{};
  for (Index n = 0; n < train.count(); ++n) {
    const std::size_t label = train.labels[static_cast<std::size_t>(n)];
    REQUIRE(label < means.size());
    ++counts[label];
    for (std::size_t k = 0; k < image_size; ++k) means[label][k] += train.image(n)[k];
  }
  for (std::size_t digit = 0; digit < means.size(); ++digit) {
    CAPTURE(digit);
    REQUIRE(counts[digit] > 90);  // of 150: uniform draws
    for (double& mean : means[digit]) mean /= static_cast<double>(counts[digit]);
  }
  Index right = 0;
  for (Index n = 0; n < test.count(); ++n) {
    std::array<double, digit_count> distance{};
    for (std::size_t digit = 0; digit < means.size(); ++digit)
      for (std::size_t k = 0; k < image_size; ++k)
        distance[digit] += (test.image(n)[k] - means[digit][k]) * (test.image(n)[k] - means[digit][k]);
    right += std::min_element(distance.begin(), distance.end()) - distance.begin() == test.labels[static_cast<std::size_t>(n)];
  }
  CHECK(right > 300);  // by chance 50
}

TEST_CASE("drawn digits have ink, and paper in the corners") {
  const DigitImages images = draw_digits("train", 200);
  for (Index n = 0; n < images.count(); ++n) {
    CAPTURE(n);
    const std::uint8_t* const image = images.image(n);
    CHECK(*std::max_element(image, image + image_size) > 150);
    for (const Index corner : {Index{0}, image_side - 1, image_size - image_side, image_size - 1}) CHECK(image[corner] == 0);
  }
}
