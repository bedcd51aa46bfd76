#include <carousel/tasks/base/progress.hpp>

#include <unistd.h>

#include <cstdlib>

#include <doctest/doctest.h>

#include "tests/tasks/written.hpp"

using namespace carousel;
using test::written_to;

TEST_CASE("progress that goes to a file is a line each time, unless it is quiet") {
  CHECK(written_to(STDERR_FILENO, [] {
          Progress progress(false);
          CHECK_FALSE(progress.due());
          progress.show("epoch 1: loss 2");
          progress.line("epoch 1 done");
        }) == "epoch 1: loss 2\nepoch 1 done\n");
  CHECK(written_to(STDERR_FILENO, [] {
          Progress progress(true);
          CHECK_FALSE(progress.due());
          progress.show("epoch 1: loss 2");
          progress.line("epoch 1 done");
        }).empty());
}

TEST_CASE("results go to standard output, remarks to standard error under the program's name") {
  CHECK(written_to(STDOUT_FILENO, [] { print("result: x"); }) == "result: x\n");
  CHECK(written_to(STDERR_FILENO, [] { print("result: x"); }).empty());
  CHECK(written_to(STDERR_FILENO, [] { note("stopped"); }) == "carousel: stopped\n");
  CHECK(written_to(STDOUT_FILENO, [] { note("stopped"); }).empty());
}

TEST_CASE("command lines begin with what the user typed") {
  const std::string lines =
      "try: carousel train echo; carousel --help lists them; carousel trains nets: /carousel train\nusage: carousel [COMMAND]";
  CHECK(as_started(lines) == lines);
  setenv("CAROUSEL_STARTED_AS", "./tasks/run", 1);
  CHECK(as_started("carousel list") == "./tasks/run list");
  CHECK(as_started("carousel trains") == "carousel trains");
  CHECK(as_started("carousel: what is carousel") == "carousel: what is carousel");
  CHECK(as_started("try: carousel train echo; carousel --help lists them; /carousel train\nusage: carousel [COMMAND]") ==
        "try: ./tasks/run train echo; ./tasks/run --help lists them; /carousel train\nusage: ./tasks/run [COMMAND]");
  unsetenv("CAROUSEL_STARTED_AS");
}
