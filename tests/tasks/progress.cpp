#include <carousel/tasks/progress.hpp>

#include <fcntl.h>
#include <unistd.h>

#include <cstdio>

#include <doctest/doctest.h>

#include "tests/lib/folder.hpp"

using namespace carousel;

namespace {

/// What `f` writes to a file descriptor of the process.
template <class F>
std::string written_to(int descriptor, F f) {
  const test::Folder folder;
  const std::string path = folder / "text";
  std::fflush(nullptr);
  const int kept = dup(descriptor), file = open(path.c_str(), O_CREAT | O_WRONLY, 0600);
  dup2(file, descriptor);
  f();
  std::fflush(nullptr);
  dup2(kept, descriptor);
  close(kept);
  close(file);
  return test::read_text(path);
}

}  // namespace

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
