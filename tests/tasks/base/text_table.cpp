#include <carousel/tasks/base/text_table.hpp>

#include <doctest/doctest.h>

using namespace carousel;

TEST_CASE("columns of a table are as wide as their widest cell, in characters") {
  CHECK(text_table({{"a", "bb", "c"}, {"dé", "e", "long"}}) == "a   bb  c\ndé  e   long");
  CHECK(text_table({{"a", "1"}, {"b", "10"}}, {1}) == "a   1\nb  10");
  CHECK(text_table({{"head"}, {"  row", "1"}, {"", ""}}) == "head\n  row  1\n");
  CHECK(text_table({{"a long heading"}, {"a", "1"}}) == "a long heading\na  1");
  CHECK(widest_line("é\nabc\n") == 3);
  CHECK(text_table({}).empty());
}

TEST_CASE("a word that a terminal might take for a command is in quotes") {
  CHECK(plain_or_quoted("runs/my run é") == "runs/my run é");
  CHECK(plain_or_quoted("a\033[31m\n") == "\"a\\x1b[31m\\x0a\"");
  CHECK(plain_or_quoted("\xff") == "\"\\xff\"");
  CHECK(plain_or_quoted(std::string(61, 'a')) == "\"" + std::string(60, 'a') + "…\"");
}
