#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdio>

#include <carousel/tasks/base/interrupt.hpp>
#include <carousel/tasks/base/progress.hpp>
#include <carousel/tasks/commands/program.hpp>

namespace {

/// Standard input, output and error that were closed lead to /dev/null: else the first files that are opened take their numbers,
/// and what is said lands in them.
void open_standard_files() {
  for (const int number : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO})
    if (fcntl(number, F_GETFD) < 0 && errno == EBADF && open("/dev/null", O_RDWR) < 0)
      open("/", O_RDONLY);  // where there is no /dev: what is said fails
}

}  // namespace

int main(int count, char** arguments) {
  open_standard_files();
  std::setvbuf(stdout, nullptr, _IOLBF, 0);
  std::signal(SIGXFSZ, SIG_IGN);  // a file beyond the limit of ulimit -f is an error of the write
  carousel::exit_at_interrupt();
  int code = carousel::run_program({arguments + (count > 0), arguments + count});
  const bool written = std::fflush(stdout) == 0 && !std::ferror(stdout);
  if (!written && (code == carousel::exit_done || code == carousel::exit_bad_result)) {  // else there was a line about it
    if (carousel::is_unread()) return carousel::exit_interrupted;
    carousel::note("standard output: could not be written: must have room");
    code = carousel::exit_wrong_usage;
  }
  return code;
}
