#include <carousel/tasks/base/idx.hpp>

#include <filesystem>
#include <stdexcept>

#include <doctest/doctest.h>

#include "tests/support/folder.hpp"
#include "tests/support/message_of.hpp"
#include "tests/tasks/idx_files.hpp"

using namespace carousel;
using namespace std::string_literals;

namespace {

/// What read_idx says of a file of that content, without the file's name.
std::string complaint(const std::string& content, int rank, const std::string& name = "file") {
  const test::Folder folder;
  const std::string path = folder / name;
  test::write_text(path, content);
  const std::string what = message_of<std::runtime_error>([&] { read_idx(path, rank); }), begin = "read " + path + ": ";
  return what.starts_with(begin) ? what.substr(begin.size()) : what;
}

}  // namespace

TEST_CASE("an IDX file is read with its shape, plain or gzipped, whatever the name of a gzipped one") {
  const std::string file = test::idx_file({8, 2}, {2, 3}, "\x01\x02\x03\xff\x00\x7f"s);
  const test::Folder folder;
  test::write_text(folder / "plain", file);
  test::write_text(folder / "zipped.gz", test::gzip(file));
  test::write_text(folder / "zipped", test::gzip(file));
  for (const char* name : {"plain", "zipped.gz", "zipped"}) {
    CAPTURE(name);
    const IdxBytes idx = read_idx(folder / name, 2);
    CHECK(idx.shape == Shape{2, 3});
    CHECK(idx.values == std::vector<std::uint8_t>{1, 2, 3, 255, 0, 127});
  }
}

TEST_CASE("values of several megabytes come back from gzip as they were") {
  std::string values(5'000'000, '\0');
  for (std::size_t i = 0; i < values.size(); ++i) values[i] = static_cast<char>(static_cast<std::uint8_t>(i * i >> 7));
  const test::Folder folder;
  test::write_text(folder / "file.gz", test::gzip(test::idx_file({8, 1}, {5'000'000}, values)));
  const IdxBytes idx = read_idx(folder / "file.gz", 1);
  CHECK(std::string(idx.values.begin(), idx.values.end()) == values);
}

TEST_CASE("an IDX file is known by how it begins") {
  const test::Folder folder;
  const std::string path = folder / "file", idx = test::idx_file({8, 1}, {1}, "x");
  for (const auto& [content, known] :
       {std::pair(idx, true), {test::gzip(idx), true}, {"\x89PNG"s, false}, {"\0\0"s, false}, {""s, false}}) {
    CAPTURE(content);
    test::write_text(path, content);
    CHECK(begins_as_idx(path) == known);
  }
}

TEST_CASE("a file whose extents multiply to nothing has no values") {
  const test::Folder folder;
  test::write_text(folder / "file", test::idx_file({8, 3}, {0, 28, 28}, ""));
  CHECK(read_idx(folder / "file", 3).shape == Shape{0, 28, 28});
}

TEST_CASE("a file that is not what its header says is refused in one line") {
  CHECK(complaint("", 1) == "ends after 0 bytes: must have a header of 8");
  CHECK(complaint("\0\0\x08\x01\0\0\0"s, 1) == "ends after 7 bytes: must have a header of 8");
  CHECK(complaint("a text of some length", 1) ==
        "begins with 61 20 74 65: must begin with 00 00 08 01, as IDX files of bytes with 1 axis do");
  CHECK(complaint(test::idx_file({8, 1}, {2}, "ab"), 3) == "ends after 10 bytes: must have a header of 16");
  CHECK(complaint(test::idx_file({8, 1}, {2}, "abcdefghij"), 3) ==
        "begins with 00 00 08 01: must begin with 00 00 08 03, as IDX files of bytes with 3 axes do");
  CHECK(complaint(test::idx_file({13, 1}, {2}, "abcdefgh"), 1) ==
        "begins with 00 00 0d 01: must begin with 00 00 08 01, as IDX files of bytes with 1 axis do");
  CHECK(complaint(test::idx_file({8, 2}, {2, 3}, "abcde"), 2) == "ends after 5 values: must have 6, as its header says [2, 3]");
  CHECK(complaint(test::idx_file({8, 2}, {2, 3}, "abcdefg"), 2) ==
        "goes on after 6 values: must end there, as its header says [2, 3]");
}

TEST_CASE("a header that promises more than there is takes no memory for it") {
  CHECK(complaint(test::idx_file({8, 1}, {1U << 30}, "ab"), 1) ==
        "ends after 2 values: must have 1073741824, as its header says [1073741824]");
  CHECK(complaint(test::gzip(test::idx_file({8, 1}, {1U << 30}, "ab")), 1) ==
        "ends after 2 values: must have 1073741824, as its header says [1073741824]");
  CHECK(complaint(test::idx_file({8, 1}, {(1U << 30) + 1}, "ab"), 1) ==
        "its header says [1073741825]: must be at most 1073741824 values");
  CHECK(complaint(test::idx_file({8, 3}, {~0U, ~0U, ~0U}, ""), 3) ==
        "its header says [4294967295, 4294967295, 4294967295]: must be at most 1073741824 values");
}

TEST_CASE("a gzipped file that is cut, changed or followed by something is refused") {
  const std::string whole = test::gzip(test::idx_file({8, 1}, {20}, "abcdefghijklmnopqrst"));
  for (std::size_t length = 2; length < whole.size(); ++length) {
    CAPTURE(length);
    CHECK(complaint(whole.substr(0, length), 1) == "its gzip data break off: must be whole");
  }
  std::string changed = whole;
  changed[changed.size() - 6] = static_cast<char>(changed[changed.size() - 6] ^ 1);  // in the checksum
  CHECK(complaint(changed, 1) == "its gzip data are damaged (incorrect data check): must be whole");
  CHECK(complaint(whole + "more", 1) == "4 bytes follow its gzip data: must end there");
  CHECK(complaint(test::idx_file({8, 1}, {2}, "ab"), 1, "file.gz") == "does not begin as gzip does: must be gzip by its name");
  CHECK(complaint("", 1, "file.gz") == "does not begin as gzip does: must be gzip by its name");
}

TEST_CASE("a file that is not there or no file is refused") {
  const test::Folder folder;
  CHECK_THROWS_WITH_AS(read_idx(folder / "none", 1),
                       ("read " + (folder / "none") + ": No such file or directory: must be a readable file").c_str(),
                       std::runtime_error);
  std::filesystem::create_directory(folder / "folder");
  CHECK_THROWS_WITH_AS(read_idx(folder / "folder", 1),
                       ("read " + (folder / "folder") + ": not a regular file: must be one").c_str(), std::runtime_error);
}
