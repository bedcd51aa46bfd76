#include <carousel/tasks/ocr/printed_digits.hpp>

#include <algorithm>
#include <map>
#include <set>
#include <stdexcept>

#include <doctest/doctest.h>

#include "tests/support/message_of.hpp"

using namespace carousel;

namespace {

const std::vector<Face>& faces() {
  static const std::vector<Face> all = load_faces();
  return all;
}

PrintedLine line(std::uint64_t n, const PrintOptions& options = {}) {
  return print_line(faces(), options, Random(1).split(n));
}

std::string error_of(const std::vector<Face>& some, const PrintOptions& options) {
  return message_of<std::invalid_argument>([&] { print_line(some, options, Random(1)); });
}

}  // namespace

TEST_CASE("a line is the same from the same random numbers, and another from others") {
  const PrintedLine one = line(1), again = line(1), other = line(2);
  CHECK(one.image.pixels == again.image.pixels);
  CHECK(one.digits == again.digits);
  CHECK(one.image.pixels != other.image.pixels);
  CHECK(one.image.pixels.size() == 32 * 120);
}

TEST_CASE("lines have three to five digits, all digits and all faces, as often as one another") {
  std::map<std::size_t, int> lengths, in_faces;
  std::map<Index, int> digits;
  for (std::uint64_t n = 0; n < 1200; ++n) {
    const PrintedLine some = line(n, {.jitter = 0});
    ++lengths[some.digits.size()];
    ++in_faces[some.face];
    for (const Index digit : some.digits) ++digits[digit];
  }
  REQUIRE(lengths.size() == 3);
  for (const auto& [length, count] : lengths) {
    CHECK(length >= 3);
    CHECK(length <= 5);
    CHECK(std::abs(count - 400) < 80);
  }
  REQUIRE(in_faces.size() == 6);
  for (const auto& [face, count] : in_faces) CHECK(std::abs(count - 200) < 60);
  REQUIRE(digits.size() == 10);
  for (const auto& [digit, count] : digits) CHECK(std::abs(count - 480) < 100);
}

TEST_CASE("without jitter the same digits in the same face look the same, black on white; with it they do not") {
  std::map<std::pair<std::size_t, std::vector<Index>>, std::vector<std::uint8_t>> seen;
  int same = 0;
  for (std::uint64_t n = 0; n < 400; ++n) {
    const PrintedLine some = line(n, {.least = 1, .most = 1, .jitter = 0});
    CHECK(*std::min_element(some.image.pixels.begin(), some.image.pixels.end()) < 30);
    CHECK(some.image.at(0, 0) == 255);
    const auto [found, is_new] = seen.try_emplace({some.face, some.digits}, some.image.pixels);
    same += !is_new;
    CHECK(found->second == some.image.pixels);
  }
  CHECK(same > 300);
  std::set<std::vector<std::uint8_t>> with_jitter;
  for (std::uint64_t n = 0; n < 400; ++n) with_jitter.insert(line(n, {.least = 1, .most = 1}).image.pixels);
  CHECK(with_jitter.size() == 400);
}

TEST_CASE("about one line in four is bright on dark, and no line lacks contrast") {
  int bright = 0;
  for (std::uint64_t n = 0; n < 400; ++n) {
    std::vector<std::uint8_t> pixels = line(n).image.pixels;
    std::sort(pixels.begin(), pixels.end());
    const int darkest = pixels[pixels.size() / 100], middle = pixels[pixels.size() / 2],
              brightest = pixels[pixels.size() * 99 / 100];
    CHECK(brightest - darkest > 50);
    bright += brightest - middle > middle - darkest;
  }
  CHECK(bright > 60);
  CHECK(bright < 140);
}

TEST_CASE("all of the ink lies within the image: the edge is paper, whatever the jitter") {
  // Paper and noise alone: their range, seen at the corners, is not left along the edge.
  int touched = 0;
  for (std::uint64_t n = 0; n < 300; ++n) {
    const GreyImage image = line(n).image;
    std::vector<int> edge;
    for (Index j = 0; j < image.width; ++j) edge.push_back(image.at(0, j)), edge.push_back(image.at(image.height - 1, j));
    std::sort(edge.begin(), edge.end());
    std::vector<std::uint8_t> all = image.pixels;
    std::sort(all.begin(), all.end());
    const int ink = std::max(edge[120] - all[all.size() / 100], all[all.size() * 99 / 100] - edge[120]);
    int far = 0;  // of 240 pixels, those nearer to ink than to paper
    for (const int value : edge) far += std::abs(value - edge[120]) > ink / 2 + 40;
    touched += far > 4;
  }
  CHECK(touched <= 3);
}

TEST_CASE("lines that cannot be are refused") {
  CHECK(error_of({}, {}) == "print_line: no faces: must have one");
  CHECK(error_of(faces(), {.least = 0}) == "print_line: 0 to 5 digits: must be at least one");
  CHECK(error_of(faces(), {.least = 4, .most = 3}) == "print_line: 4 to 3 digits: must be at least one");
  CHECK(error_of(faces(), {.jitter = 1.5}) == "print_line: jitter is 1.5: must lie in [0, 1]");
  CHECK(error_of(faces(), {.height = 4}) == "print_line: 4 x 120 pixels: must be at least 8 x 8");
}
