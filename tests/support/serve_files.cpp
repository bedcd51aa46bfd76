/// The files of a folder by HTTP on this machine, for tests/check/data.sh: prints its URL, ends with its standard input.

#include <cstdio>

#include "tests/tasks/commands/file_server.hpp"

int main(int count, char** arguments) {
  if (count != 2) return 2;
  const carousel::test::FileServer server(arguments[1]);
  std::printf("%s\n", server.url().c_str());
  std::fflush(stdout);
  while (std::getchar() != EOF) {
  }
}
