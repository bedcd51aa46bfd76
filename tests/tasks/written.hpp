#pragma once
/// What a function says on standard output or standard error.

#include <fcntl.h>
#include <unistd.h>

#include <cstdio>
#include <string>

#include "tests/support/folder.hpp"

namespace carousel::test {

/// What `f` writes to a file descriptor of the process.
template <class F>
std::string written_to(int descriptor, F f) {
  const Folder folder;
  const std::string path = folder / "text";
  std::fflush(nullptr);
  const int kept = dup(descriptor), file = open(path.c_str(), O_CREAT | O_WRONLY, 0600);
  dup2(file, descriptor);
  f();
  std::fflush(nullptr);
  dup2(kept, descriptor);
  close(kept);
  close(file);
  return read_text(path);
}

}  // namespace carousel::test
