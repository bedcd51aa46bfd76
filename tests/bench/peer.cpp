#include "peer.hpp"

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>

namespace bench {

namespace {

/// The program that runs an implementation, and what it needs.
struct Program {
  const char* implementation;
  const char* name;
  const char* package;  // null: it is always there
};
constexpr Program programs[] = {{"carousel", "bench-carousel", nullptr},
                                {"handwritten", "bench-carousel", nullptr},
                                {"onednn", "bench-onednn", "libdnnl-dev"},
                                {"libtorch", "bench-libtorch", "libtorch-dev"},
                                {"libtorch-eager", "bench-libtorch", "libtorch-dev"}};

[[noreturn]] void fail(const std::string& what) {
  throw std::runtime_error(what + ": " + std::strerror(errno));
}

}  // namespace

Peer::Peer(const std::string& path, int threads) : path_(path) {
  std::array<int, 2> questions, answers;
  if (pipe2(questions.data(), O_CLOEXEC) != 0 || pipe2(answers.data(), O_CLOEXEC) != 0) fail("pipe");
  process_ = fork();
  if (process_ < 0) fail("fork");
  const std::string count = std::to_string(threads);
  if (process_ == 0) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);  // stopped as it may be, it shall not outlive this program
    dup2(questions[0], STDIN_FILENO);
    dup2(answers[1], STDOUT_FILENO);
    setenv("OMP_NUM_THREADS", count.c_str(), 1);
    setenv("OPENBLAS_NUM_THREADS", count.c_str(), 1);
    execl(path.c_str(), path.c_str(), count.c_str(), nullptr);
    std::perror(path.c_str());
    _exit(127);
  }
  close(questions[0]);
  close(answers[1]);
  to_ = questions[1];
  from_ = answers[0];
}

Peer::~Peer() {
  close(to_);
  close(from_);
  kill(process_, SIGCONT);
  waitpid(process_, nullptr, 0);
}

std::string Peer::ask(const std::string& question) {
  kill(process_, SIGCONT);
  const std::string line = question + "\n";
  if (write(to_, line.data(), line.size()) != static_cast<ssize_t>(line.size())) fail(path_);
  std::string answer;
  for (char c = 0; read(from_, &c, 1) == 1;) {
    if (c == '\n') {
      kill(process_, SIGSTOP);
      return answer;
    }
    answer += c;
  }
  throw std::runtime_error(path_ + ": ended when asked: " + question);
}

std::string Peers::path_of(const std::string& implementation) {
  const auto program = std::find_if(std::begin(programs), std::end(programs),
                                    [&](const Program& p) { return p.implementation == implementation; });
  if (program == std::end(programs)) throw std::logic_error("no program for " + implementation);
  if (const auto found = paths_.find(program->name); found != paths_.end()) return found->second;
  const auto path = std::filesystem::read_symlink("/proc/self/exe").parent_path() / program->name;
  if (access(path.c_str(), X_OK) == 0) return paths_[program->name] = path.string();
  if (!program->package) throw std::runtime_error(path.string() + " is missing: it must be built with this program");
  std::printf("without %s: %s was not built, as its library was not found (Debian: %s)\n", program->implementation, program->name,
              program->package);
  return paths_[program->name] = "";
}

Peer* Peers::find(const std::string& implementation, int threads) {
  const std::string path = path_of(implementation);
  if (path.empty()) return nullptr;
  auto& peer = peers_[{path, threads}];
  if (!peer) peer = std::make_unique<Peer>(path, threads);
  return peer.get();
}

std::string Peers::ask_fresh(const std::string& implementation, int threads, const std::string& question) {
  const std::string path = path_of(implementation);
  return path.empty() ? "" : Peer(path, threads).ask(question);
}

}  // namespace bench
