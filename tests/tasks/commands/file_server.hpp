#pragma once
/// A server of HTTP on this machine, with the faults that a fetch must stand.

#include <atomic>
#include <cstdint>
#include <string>
#include <thread>

namespace carousel::test {

/// Serves the files of a folder on 127.0.0.1, one request at a time, until it goes. The first word of a path says how:
///
///     /whole/NAME        the file; parts of it where a Range is asked for
///     /ranges/NAME       the same, and 500 where none is asked for
///     /norange/NAME      the file, always from its begin
///     /cut/N/NAME        as whole, but the connection ends after N bytes
///     /stall/N/NAME      as whole, but nothing comes after N bytes
///     /endless/NAME      bytes without an end, their number not said
///     /away/NAME         is at /whole/NAME now (302)
class FileServer {
 public:
  explicit FileServer(std::string folder);
  FileServer(const FileServer&) = delete;
  FileServer& operator=(const FileServer&) = delete;
  ~FileServer();

  /// "http://127.0.0.1:PORT/"
  std::string url() const;
  /// Requests answered so far.
  int requests() const { return requests_; }

 private:
  void serve();
  void answer(int connection);

  std::string folder_;
  int listener_ = -1, stop_[2] = {-1, -1};
  std::uint16_t port_ = 0;
  std::atomic<int> requests_ = 0;
  std::thread thread_;
};

}  // namespace carousel::test
