#include <carousel/tasks/answers/image_files.hpp>

#include <stdexcept>

#include <doctest/doctest.h>

#include "tests/support/folder.hpp"

using namespace carousel;

namespace {

std::vector<std::string> images_of(const std::string& input) {
  ImageFiles files(input);
  std::vector<std::string> paths;
  while (files.next()) paths.push_back(files.path());
  return paths;
}

}  // namespace

TEST_CASE("images are a file, or the PNGs of a folder by name") {
  const test::Folder folder;
  for (const char* name : {"b.png", "a.PNG", "c.jpg", "d.txt"}) test::write_text(folder / name, "x");
  CHECK(images_of(folder / "d.txt") == std::vector<std::string>{folder / "d.txt"});
  CHECK(images_of(folder / ".") == std::vector<std::string>{folder / "./a.PNG", folder / "./b.png"});
}

TEST_CASE("a folder without a PNG is refused, and says how those that it has become some") {
  const test::Folder folder;
  const std::string path = folder / ".";
  CHECK_THROWS_WITH_AS(images_of(path), ("read " + path + ": has no *.png: must have at least one").c_str(), std::runtime_error);
  test::write_text(folder / "a.jpg", "x");
  test::write_text(folder / "b.JPG", "x");
  CHECK_THROWS_WITH_AS(
      images_of(path),
      ("read " + path + ": has no *.png, but 2 *.jpg; ImageMagick makes PNGs of them: mogrify -format png *.jpg").c_str(),
      std::runtime_error);
}
