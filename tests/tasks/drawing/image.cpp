#include <carousel/tasks/drawing/image.hpp>

#include <png.h>
#include <zlib.h>

#include <cmath>
#include <stdexcept>

#include <doctest/doctest.h>

#include <carousel/lib/numbers/random.hpp>

#include "tests/support/folder.hpp"
#include "tests/support/message_of.hpp"

using namespace carousel;
using carousel::test::Folder;

namespace {

GreyImage random_image(Index height, Index width) {
  Random random(1);
  GreyImage image{height, width, {}};
  for (Index i = 0; i < height * width; ++i) image.pixels.push_back(static_cast<std::uint8_t>(random.below(256)));
  return image;
}

/// A PNG of another format of libpng's.
template <class Pixel>
void write_other(const std::string& path, png_uint_32 format, png_uint_32 height, png_uint_32 width,
                 const std::vector<Pixel>& pixels) {
  png_image image{};
  image.version = PNG_IMAGE_VERSION;
  image.width = width, image.height = height, image.format = format;
  REQUIRE(png_image_write_to_file(&image, path.c_str(), 0, pixels.data(), 0, nullptr) != 0);
}

std::string error_of(const std::string& path) {
  return message_of<std::runtime_error>([&] { read_png(path); });
}

std::string big_endian(std::uint32_t number) {
  std::string bytes;
  for (const int shift : {24, 16, 8, 0}) bytes += static_cast<char>(number >> shift & 255);
  return bytes;
}

/// The first bytes of a PNG of that size, with the right check sum.
std::string header_of(std::uint32_t width, std::uint32_t height) {
  const std::string chunk = "IHDR" + big_endian(width) + big_endian(height) + std::string("\x08\x00\x00\x00\x00", 5);
  const auto sum = crc32(0, reinterpret_cast<const Bytef*>(chunk.data()), static_cast<uInt>(chunk.size()));
  return "\x89PNG\r\n\x1a\n" + big_endian(13) + chunk + big_endian(static_cast<std::uint32_t>(sum));
}

}  // namespace

TEST_CASE("an image that is written and read again is the same") {
  const Folder folder;
  for (const GreyImage& image : {random_image(32, 120), random_image(1, 1), random_image(3, 1000)}) {
    write_png(folder / "a.png", image);
    const GreyImage back = read_png(folder / "a.png");
    CHECK(back.height == image.height);
    CHECK(back.width == image.width);
    CHECK(back.pixels == image.pixels);
  }
  CHECK(folder.count() == 1);
}

TEST_CASE("an image in colours is written as it is, with a palette where there are few") {
  const Folder folder;
  const std::string path = folder / "a.png";
  for (const std::pair<int, int>& both : {std::pair(1, 3), {256, 3}, {257, 2}, {700, 2}}) {  // PNG, 11.2.2: 3 has a palette
    const int colours = both.first, colour_type = both.second;
    CAPTURE(colours);
    ColourImage drawn{40, 30, {}};
    for (int i = 0; i < 40 * 30; ++i) {
      const int n = i % colours;
      drawn.pixels.push_back({static_cast<std::uint8_t>(n % 256), static_cast<std::uint8_t>(n / 256), 200});
    }
    write_png(path, drawn);
    CHECK(test::read_text(path).at(25) == colour_type);
    png_image image{};
    image.version = PNG_IMAGE_VERSION;
    REQUIRE(png_image_begin_read_from_file(&image, path.c_str()) != 0);
    image.format = PNG_FORMAT_RGB;
    CHECK(image.width == 30);
    std::vector<Colour> back(drawn.pixels.size());
    REQUIRE(png_image_finish_read(&image, nullptr, back.data(), 0, nullptr) != 0);
    CHECK(back == drawn.pixels);
  }
}

TEST_CASE("colours become grey, by how bright they look, and what is transparent lies on white") {
  const Folder folder;
  const std::string path = folder / "a.png";
  write_other<std::uint8_t>(path, PNG_FORMAT_RGB, 1, 5, {0, 0, 0, 255, 255, 255, 255, 0, 0, 0, 255, 0, 0, 0, 255});
  const GreyImage rgb = read_png(path);
  CHECK(rgb.at(0, 0) == 0);
  CHECK(rgb.at(0, 1) == 255);
  CHECK(rgb.at(0, 3) > rgb.at(0, 2));  // green, red, blue
  CHECK(rgb.at(0, 2) > rgb.at(0, 4));
  write_other<std::uint8_t>(path, PNG_FORMAT_RGBA, 1, 3, {0, 0, 0, 0, 0, 0, 0, 255, 255, 255, 255, 128});
  const GreyImage rgba = read_png(path);
  CHECK(rgba.pixels == std::vector<std::uint8_t>{255, 0, 255});
  write_other<std::uint16_t>(path, PNG_FORMAT_LINEAR_Y, 2, 2, {0, 65535, 65535, 0});
  CHECK(read_png(path).pixels == std::vector<std::uint8_t>{0, 255, 255, 0});
}

TEST_CASE("files that are no PNG, and those that end too early, are refused by name") {
  const Folder folder;
  const std::string path = folder / "a.png", not_one = "read " + path + ": does not begin as a PNG does: must be one";
  CHECK(error_of(path).starts_with("read " + path + ": "));
  test::write_text(path, "");
  CHECK(error_of(path) == not_one);
  for (const char* text : {"a", "RIFF", "a text", "a text of some length"}) {
    test::write_text(path, text);
    CHECK(error_of(path) == not_one);
  }
  test::write_text(path, "a text");
  CHECK(error_of(path) == not_one);
  for (const auto& [begin, kind] : {std::pair<std::string, std::string>{"GIF89a, say", "GIF"},
                                    {"\xff\xd8\xff\xe0", "JPEG"},
                                    {"RIFF1234WEBPVP8 ", "WebP"},
                                    {"\x01\x02\x03\x18"
                                     "ftypheic",
                                     "HEIC or AVIF"}}) {
    test::write_text(path, begin);
    CHECK(error_of(path) ==
          "read " + path + ": is a " + kind + " file, and only PNG is read; ImageMagick makes one: convert " + path + " NEW.png");
  }
  write_png(path, random_image(8, 9));
  const std::string whole = test::read_text(path);
  for (std::size_t size = 8; size + 12 < whole.size(); ++size) {  // the last 12 bytes say that it ends
    CAPTURE(size);
    test::write_text(path, whole.substr(0, size));
    const std::string error = error_of(path);
    CHECK(error.starts_with("read " + path + ": "));
    CHECK(error.ends_with(": must be a whole PNG"));
  }
}

TEST_CASE("a PNG that says it is huge is refused before any memory is taken for it, and one of no size too") {
  const Folder folder;
  const std::string path = folder / "a.png";
  test::write_text(path, header_of(1000000, 1000000) + big_endian(0) + "IDAT" + big_endian(0x35af061e));
  CHECK(error_of(path) == "read " + path + ": is of 1000000 x 1000000 pixels: must be at most 67108864");
  test::write_text(path, header_of(0, 5));
  CHECK(error_of(path).ends_with(": must be a whole PNG"));
}

TEST_CASE("a PNG with any byte changed is read or refused, and nothing worse") {
  const Folder folder;
  const std::string path = folder / "a.png";
  write_png(path, random_image(5, 6));
  const std::string whole = test::read_text(path);
  int refused = 0;
  for (std::size_t at = 0; at < whole.size(); ++at)
    for (const int change : {1, 64, 128}) {
      std::string other = whole;
      other[at] = static_cast<char>(other[at] ^ change);
      test::write_text(path, other);
      refused += !error_of(path).empty();
    }
  CHECK(refused > static_cast<int>(whole.size()));
}

TEST_CASE("an image that fits already stays as it is, and one of a single colour keeps it") {
  const GreyImage image = random_image(32, 120);
  CHECK(fit_into(image, 32, 120).pixels == image.pixels);
  for (const Index height : {1, 7, 32, 500})
    for (const Index width : {1, 33, 120, 1000}) {
      const GreyImage grey{height, width, std::vector<std::uint8_t>(static_cast<std::size_t>(height * width), 77)};
      const GreyImage fitted = fit_into(grey, 32, 120);
      CHECK(fitted.height == 32);
      CHECK(fitted.pixels == std::vector<std::uint8_t>(32 * 120, 77));
    }
}

TEST_CASE("an image is made as large as fits, in the middle, with the colour of its edge around it") {
  GreyImage image{6, 6, std::vector<std::uint8_t>(36, 200)};  // a dark square of 2 x 2 in the middle
  for (const std::size_t at : {14U, 15U, 20U, 21U}) image.pixels[at] = 10;
  const GreyImage high = fit_into(image, 12, 30);
  CHECK(high.at(0, 0) == 200);
  CHECK(high.at(11, 29) == 200);
  CHECK(high.at(5, 14) < 60);
  CHECK(high.at(6, 15) < 60);
  CHECK(high.at(5, 8) == 200);
  const GreyImage wide = fit_into(image, 30, 12);
  CHECK(wide.at(14, 5) < 60);
  CHECK(wide.at(8, 5) == 200);
}

TEST_CASE("of an image made smaller each pixel is a mean") {
  GreyImage stripes{64, 240, {}};
  for (Index i = 0; i < stripes.height; ++i)
    for (Index j = 0; j < stripes.width; ++j) stripes.pixels.push_back(j % 2 == 0 ? 0 : 200);
  const GreyImage small = fit_into(stripes, 32, 120);
  for (Index j = 2; j < 118; ++j) CHECK(std::abs(small.at(16, j) - 100) <= 1);
}

TEST_CASE("what stands on the paper is cut out with a margin, dark or bright; an image of one colour, or full, stays as it is") {
  for (const int paper : {0, 100, 255})
    for (const int ink : {0, 160, 255}) {
      if (paper == ink) continue;
      GreyImage image{40, 60, std::vector<std::uint8_t>(40 * 60, static_cast<std::uint8_t>(paper))};
      for (Index i = 10; i < 26; ++i)
        for (Index j = 50; j < 59; ++j) image.pixels[static_cast<std::size_t>(i * 60 + j)] = static_cast<std::uint8_t>(ink);
      image.pixels[0] = static_cast<std::uint8_t>((3 * paper + ink) / 4);  // a spot, paler than half
      const GreyImage inner = without_margin(image);
      CHECK(inner.height == 16 + 2 + 2);
      CHECK(inner.width == 2 + 9 + 1);
      CHECK(inner.at(1, 2) == paper);
      CHECK(inner.at(2, 2) == ink);
      CHECK(inner.at(17, 10) == ink);
      CHECK(inner.at(17, 11) == paper);
    }
  const GreyImage grey{3, 4, std::vector<std::uint8_t>(12, 9)}, full = random_image(20, 30);
  CHECK(without_margin(grey).pixels == grey.pixels);
  CHECK(without_margin(full).width == 30);
}
