#include <csignal>
#include <cstdio>

#include <carousel/tasks/base/interrupt.hpp>
#include <carousel/tasks/base/progress.hpp>
#include <carousel/tasks/commands/program.hpp>

int main(int count, char** arguments) {
  std::setvbuf(stdout, nullptr, _IOLBF, 0);
  std::signal(SIGXFSZ, SIG_IGN);  // a file beyond the limit of ulimit -f is an error of the write
  carousel::exit_at_interrupt();
  int code = carousel::run_program({arguments + (count > 0), arguments + count});
  const bool written = std::fflush(stdout) == 0 && !std::ferror(stdout);
  if (!written && (code == carousel::exit_done || code == carousel::exit_bad_result)) {  // else there was a line about it
    carousel::note("standard output: could not be written: must have room");
    code = carousel::exit_wrong_usage;
  }
  return code;
}
