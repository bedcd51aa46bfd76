#pragma once
/// Other programs, run to their end.

#include <functional>
#include <string>
#include <vector>

namespace carousel {

/// How a program ended.
struct ChildEnd {
  int code = 0;            ///< its exit code, or 128 and the number of the signal that ended it
  double cpu_seconds = 0;  ///< user and system time
  std::string out, err;    ///< what it wrote on standard output and standard error
};

/// Runs a program, found as a shell finds it, and waits; may be called on several threads at once. When interrupted() becomes
/// true meanwhile, or `go_on`, which is asked now and then, says false, the program gets SIGTERM. Throws std::runtime_error, "run
/// PROGRAM: …", if it cannot be started.
ChildEnd run_child(const std::vector<std::string>& words, const std::function<bool()>& go_on = {});

}  // namespace carousel
