#include <carousel/tasks/base/child.hpp>

#include <fcntl.h>
#include <spawn.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <csignal>
#include <cstring>
#include <filesystem>
#include <thread>

#include <carousel/lib/error.hpp>
#include <carousel/tasks/base/interrupt.hpp>

namespace carousel {

namespace {

/// A file without a name, for what a child writes.
class Scratch {
 public:
  Scratch() {
    std::error_code error;
    const std::filesystem::path folder = std::filesystem::temp_directory_path(error);
    if (error) bad_file("TMPDIR: ", error.message(), ": must be a folder to write in");
    std::string path = (folder / "carousel-XXXXXX").string();
    file_ = mkostemp(path.data(), O_CLOEXEC);
    if (file_ < 0) bad_file("write ", path, ": ", std::strerror(errno));
    unlink(path.c_str());
  }
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;
  ~Scratch() { close(file_); }

  int descriptor() const { return file_; }
  std::string text() const {
    std::string all;
    std::array<char, 4096> part;
    off_t at = 0;
    for (ssize_t got; (got = pread(file_, part.data(), part.size(), at)) > 0; at += got)
      all.append(part.data(), static_cast<std::size_t>(got));
    return all;
  }

 private:
  int file_;
};

double seconds(const timeval& time) {
  return static_cast<double>(time.tv_sec) + 1e-6 * static_cast<double>(time.tv_usec);
}

}  // namespace

ChildEnd run_child(const std::vector<std::string>& words, const std::function<bool()>& go_on) {
  std::vector<char*> arguments;
  for (const std::string& word : words) arguments.push_back(const_cast<char*>(word.c_str()));
  arguments.push_back(nullptr);
  const Scratch out, err;
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_adddup2(&actions, out.descriptor(), STDOUT_FILENO);
  posix_spawn_file_actions_adddup2(&actions, err.descriptor(), STDERR_FILENO);
  pid_t child = 0;
  const int error = posix_spawnp(&child, arguments[0], &actions, nullptr, arguments.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  if (error != 0) bad_file("run ", words[0], ": ", std::strerror(error));

  int status = 0;
  rusage used{};
  for (bool told = false; wait4(child, &status, WNOHANG, &used) == 0;) {
    const bool stop = interrupted() || (go_on && !go_on());
    if (stop && !told) told = kill(child, SIGTERM) == 0;
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
  return {.code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status),
          .cpu_seconds = seconds(used.ru_utime) + seconds(used.ru_stime),
          .out = out.text(),
          .err = err.text()};
}

}  // namespace carousel
