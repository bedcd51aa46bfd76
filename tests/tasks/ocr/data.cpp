#include <carousel/tasks/ocr/data.hpp>

#include <filesystem>
#include <set>

#include <doctest/doctest.h>

#include "tests/support/folder.hpp"

using namespace carousel;

TEST_CASE("the held-out lines are the same each time, whatever the seed; those to train on follow it") {
  const OcrData data("", {}, 1), again("", {}, 1), other("", {}, 2);
  CHECK(data.training(5).image.pixels == again.training(5).image.pixels);
  CHECK(data.training(5).image.pixels != other.training(5).image.pixels);
  CHECK(data.example(5).image.pixels == other.example(5).image.pixels);
  const std::vector<PrintedLine> test = data.test(), same = other.test();
  REQUIRE(test.size() == 2000);
  REQUIRE(data.validation().size() == 500);
  for (const std::size_t n : {0U, 7U, 1999U}) CHECK(test[n].image.pixels == same[n].image.pixels);
}

TEST_CASE("no image is in two of training, validation, test and examples, and none is twice in one") {
  const OcrData data("", {}, 0);  // of the seed from which the held-out ones are drawn, too
  std::set<std::vector<std::uint8_t>> images;
  std::size_t count = 0;
  const auto add = [&](const PrintedLine& line) { images.insert(line.image.pixels), ++count; };
  for (const PrintedLine& line : data.validation()) add(line);
  for (const PrintedLine& line : data.test()) add(line);
  for (Index n = 0; n < 1000; ++n) add(data.training(n));
  for (std::uint64_t n = 0; n < 50; ++n) add(data.example(n));
  CHECK(images.size() == count);
}

TEST_CASE("other fonts are other data, though they have the same names; the same fonts are the same data") {
  const test::Folder folder;
  const std::string from = "/usr/share/fonts/truetype/dejavu/", file = folder / "a.ttf";
  std::filesystem::copy_file(from + "DejaVuSans.ttf", file);
  const OcrData sans(folder / "", {}, 1), again(folder / "", {}, 2);
  std::filesystem::copy_file(from + "DejaVuSerif.ttf", file, std::filesystem::copy_options::overwrite_existing);
  const OcrData serif(folder / "", {}, 1);
  CHECK(sans.fonts() == serif.fonts());
  CHECK(sans.identity() == again.identity());
  CHECK(sans.identity() != serif.identity());
}

TEST_CASE("the fonts are named") {
  CHECK(OcrData("", {}, 1).fonts() ==
        "DejaVuSans, DejaVuSans-Bold, DejaVuSansMono, DejaVuSansMono-Bold, DejaVuSerif, DejaVuSerif-Bold");
}
