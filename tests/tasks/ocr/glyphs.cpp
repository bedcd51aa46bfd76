#include <carousel/tasks/ocr/glyphs.hpp>

#include <algorithm>
#include <filesystem>
#include <numeric>
#include <set>
#include <stdexcept>

#include <doctest/doctest.h>

#include "tests/support/folder.hpp"
#include "tests/support/message_of.hpp"

using namespace carousel;
using carousel::test::Folder;

namespace {

std::string error_of(const std::string& folder) {
  return message_of<std::runtime_error>([&] { load_faces(folder); });
}

}  // namespace

TEST_CASE("six faces of DejaVu have ten digits each, all of them different, which stand on the line") {
  const std::vector<Face> faces = load_faces();
  REQUIRE(faces.size() == 6);
  std::set<std::string> names;
  std::set<std::vector<float>> drawings;
  for (const Face& face : faces) {
    names.insert(face.name);
    for (const Glyph& glyph : face.digits) {
      CAPTURE(face.name);
      REQUIRE(glyph.ink.size() == static_cast<std::size_t>(glyph.height * glyph.width));
      CHECK(*std::min_element(glyph.ink.begin(), glyph.ink.end()) >= 0);
      CHECK(*std::max_element(glyph.ink.begin(), glyph.ink.end()) == 1);
      CHECK(glyph.height > em / 2);
      CHECK(glyph.height < em);
      CHECK(std::abs(glyph.top - glyph.height) <= 1);
      CHECK(glyph.advance > 0.5 * em);
      CHECK(glyph.advance < 0.8 * em);
      CHECK(static_cast<double>(glyph.width) <= glyph.advance);
      drawings.insert(glyph.ink);
    }
  }
  CHECK(names == std::set<std::string>{"DejaVuSans", "DejaVuSans-Bold", "DejaVuSansMono", "DejaVuSansMono-Bold", "DejaVuSerif",
                                       "DejaVuSerif-Bold"});
  CHECK(drawings.size() == 60);
}

TEST_CASE("a font's name may end in capitals, and what is no font by its name is passed over") {
  const Folder folder;
  std::filesystem::copy_file("/usr/share/fonts/truetype/dejavu/DejaVuSans.ttf", folder / "ARIAL.TTF");
  std::filesystem::copy_file("/usr/share/fonts/truetype/dejavu/DejaVuSans-Bold.ttf", folder / "bold.Otf");
  std::filesystem::copy_file("/usr/share/fonts/truetype/dejavu/DejaVuSans.ttf", folder / "other.ttx");
  const std::vector<Face> faces = load_faces(folder / "");
  REQUIRE(faces.size() == 2);
  CHECK(faces[0].name == "ARIAL");
  CHECK(faces[1].name == "bold");
}

TEST_CASE("bold digits have more ink, and a 1 has less than an 8") {
  const auto ink = [](const Face& face, std::size_t digit) {
    const std::vector<float>& all = face.digits[digit].ink;
    return std::accumulate(all.begin(), all.end(), 0.0);
  };
  const std::vector<Face> faces = load_faces();
  for (std::size_t plain = 0; plain < 6; plain += 2)
    for (std::size_t digit = 0; digit < 10; ++digit) CHECK(ink(faces[plain + 1], digit) > 1.2 * ink(faces[plain], digit));
  for (const Face& face : faces) CHECK(ink(face, 8) > 1.2 * ink(face, 1));
}

TEST_CASE("fonts of a folder are taken by name; other files are passed over") {
  const Folder folder;
  const std::string from = "/usr/share/fonts/truetype/dejavu/";
  std::filesystem::copy_file(from + "DejaVuSerif.ttf", folder / "b.ttf");
  std::filesystem::copy_file(from + "DejaVuSans.ttf", folder / "a.otf");
  test::write_text(folder / "c.txt", "not a font");
  const std::vector<Face> faces = load_faces(folder / ""), usual = load_faces();
  REQUIRE(faces.size() == 2);
  CHECK(faces[0].name == "a");
  CHECK(faces[0].digits[7].ink == usual[0].digits[7].ink);
  CHECK(faces[1].digits[3].ink == usual[4].digits[3].ink);
}

TEST_CASE("folders and files that are no fonts are refused by name") {
  const Folder folder;
  const std::string path = folder / "";
  CHECK(error_of(folder / "none") == "--fonts " + (folder / "none") + ": No such file or directory: must be a folder of fonts");
  CHECK(error_of(path) == "--fonts " + path + ": has no *.ttf or *.otf: must be a folder of fonts");
  test::write_text(folder / "a.ttf", "");
  const std::string no_font = "read " + (folder / "a.ttf") + ": must be a font, TrueType or OpenType";
  CHECK(error_of(path) == no_font);
  test::write_text(folder / "a.ttf", "not a font");
  CHECK(error_of(path) == no_font);
  const std::string whole = test::read_text("/usr/share/fonts/truetype/dejavu/DejaVuSans.ttf");
  for (const std::size_t size : {10U, 100U, 1000U, 10000U, 100000U}) {
    test::write_text(folder / "a.ttf", whole.substr(0, size));
    CAPTURE(size);
    CHECK(error_of(path).starts_with("read " + (folder / "a.ttf") + ": "));
  }
}
