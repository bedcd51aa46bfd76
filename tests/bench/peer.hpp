#pragma once
/// The processes that run the implementations, seen from the program that asks them.

#include <sys/types.h>

#include <map>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>

namespace bench {

/// A program of the benchmark at work. It is stopped while it is not asked anything, so that threads which spin for a while after
/// their work take no time from whose turn it is.
class Peer {
 public:
  /// Starts `path` for a number of threads, which OpenMP and OpenBLAS are told too. Throws std::runtime_error.
  Peer(const std::string& path, int threads);
  ~Peer();
  Peer(const Peer&) = delete;
  Peer& operator=(const Peer&) = delete;

  /// The answer to a line. Throws std::runtime_error if the program ends instead.
  std::string ask(const std::string& question);

 private:
  std::string path_;
  pid_t process_ = -1;
  int to_ = -1, from_ = -1;
};

/// The programs beside this one, started when first wanted.
class Peers {
 public:
  /// The program for an implementation, or null, the reason said once, if its library was not found.
  Peer* find(const std::string& implementation, int threads);
  /// A process of its own for one question; empty where find() gives null.
  std::string ask_fresh(const std::string& implementation, int threads, const std::string& question);

 private:
  std::string path_of(const std::string& implementation);
  std::map<std::string, std::string> paths_;  // by the name of the program; empty: not there
  std::map<std::pair<std::string, int>, std::unique_ptr<Peer>> peers_;
};

}  // namespace bench
