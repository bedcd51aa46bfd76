#include <carousel/tasks/answers/input_lines.hpp>

#include <fcntl.h>
#include <unistd.h>

#include <stdexcept>
#include <vector>

#include <doctest/doctest.h>

#include "tests/support/folder.hpp"
#include "tests/support/message_of.hpp"

using namespace carousel;

namespace {

std::vector<std::string> lines_of(const std::string& input) {
  InputLines lines(input, "must have a word a line");
  std::vector<std::string> all;
  while (lines.next()) all.push_back(lines.line());
  return all;
}

/// What is wrong with a file of this text.
std::string refused(const std::string& text) {
  const test::Folder folder;
  const std::string path = folder / "input";
  test::write_text(path, text);
  std::string message = message_of<std::runtime_error>([&] { lines_of(path); });
  if (const std::size_t at = message.find(path); at != std::string::npos) message.replace(at, path.size(), "PATH");
  return message;
}

using Words = std::vector<std::string>;

}  // namespace

TEST_CASE("an input is read line by line, whatever ends them, without a byte order mark") {
  const test::Folder folder;
  const std::string path = folder / "input";
  for (const auto& [text, lines] : std::vector<std::pair<std::string, Words>>{{"a\nb\n", {"a", "b"}},
                                                                              {"a\nb", {"a", "b"}},
                                                                              {"\n\nb\n", {"", "", "b"}},
                                                                              {"\xef\xbb\xbf"
                                                                               "a\r\n\r\nä\r\n",
                                                                               {"a", "", "ä"}},
                                                                              {"\n", {""}}}) {
    CAPTURE(text);
    test::write_text(path, text);
    CHECK(lines_of(path) == lines);
  }
  std::string all;
  for (int n = 0; n < 100000; ++n) all += std::to_string(n) + "\n";
  test::write_text(path, all);
  const Words lines = lines_of(path);
  CHECK(lines.size() == 100000);
  CHECK(lines[77777] == "77777");
}

TEST_CASE("lines of a pipe come as soon as they are written, and those of standard input have its name") {
  int ends[2];
  REQUIRE(pipe(ends) == 0);
  const int kept = dup(STDIN_FILENO);
  dup2(ends[0], STDIN_FILENO);
  REQUIRE(write(ends[1], "first\nsec", 9) == 9);
  InputLines lines("-", "must have a word a line");
  CHECK(lines.next());
  CHECK(lines.line() == "first");
  REQUIRE(write(ends[1], "ond\n", 4) == 4);
  CHECK(lines.next());
  CHECK(lines.line() == "second");
  CHECK(lines.number() == 2);
  CHECK(lines.where() == "read standard input: line 2");
  close(ends[1]);
  CHECK_FALSE(lines.next());
  CHECK_THROWS_WITH_AS(lines_of("-"), "read standard input: is empty: must have a word a line", std::runtime_error);
  dup2(kept, STDIN_FILENO);
  close(kept);
  close(ends[0]);
}

TEST_CASE("an input that cannot be read, is empty or is no text is refused in one line") {
  const test::Folder folder;
  CHECK_THROWS_WITH_AS(lines_of("nowhere"), "read nowhere: No such file or directory: must be a readable file",
                       std::runtime_error);
  CHECK_THROWS_WITH_AS(lines_of(folder / ""), ("read " + folder / "" + ": Is a directory: must be a readable file").c_str(),
                       std::runtime_error);
  CHECK(refused("") == "read PATH: is empty: must have a word a line");
  CHECK(refused("one\ntwo \xff\n") ==
        "read PATH: line 2, byte 8: \"\\xff\": must be UTF-8; iconv -f LATIN1 -t UTF-8 makes it so, if that is what it is");
  CHECK(refused(std::string("\xff\xfe"
                            "a\0",
                            4)) == "read PATH: line 1, byte 0: is UTF-16: must be UTF-8; iconv -f UTF-16 -t UTF-8 makes it so");
  CHECK(refused("a\n" + std::string((1 << 24) + 1, 'x')) ==
        "read PATH: line 2: has more than 16777216 bytes: must have a word a line");
}

TEST_CASE("an input is read as a whole, up to a bound") {
  const test::Folder folder;
  const std::string path = folder / "input";
  test::write_text(path, std::string(200000, 'x'));
  CHECK(whole_input(path).size() == 200000);
  CHECK_THROWS_WITH_AS(whole_input(path, 1000), ("read " + path + ": has more than 1000 bytes: must be at most that").c_str(),
                       std::runtime_error);
}
