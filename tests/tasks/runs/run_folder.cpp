#include <carousel/tasks/base/text.hpp>

#include <doctest/doctest.h>

using namespace carousel;

TEST_CASE("a word of a command line is in quotes where a shell would read it as something else") {
  CHECK(shell_word("runs/my-1.2_x") == "runs/my-1.2_x");
  CHECK(shell_word("") == "''");
  CHECK(shell_word("a b") == "'a b'");
  CHECK(shell_word("it's $HOME") == "'it'\\''s $HOME'");
  CHECK(shell_word("~") == "'~'");
}
