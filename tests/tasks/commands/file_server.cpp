#include "tests/tasks/commands/file_server.hpp"

#include <arpa/inet.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <optional>
#include <stdexcept>

namespace carousel::test {

namespace {

bool send_all(int connection, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t count = ::send(connection, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (count <= 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(count));
  }
  return true;
}

/// What stands up to the next slash; taken away.
std::string next_word(std::string& path) {
  const std::size_t slash = path.find('/');
  std::string word = path.substr(0, slash);
  path = slash == std::string::npos ? "" : path.substr(slash + 1);
  return word;
}

std::optional<std::size_t> range_begin(const std::string& request) {
  const std::size_t at = request.find("\r\nRange: bytes=");
  if (at == std::string::npos) return std::nullopt;
  return static_cast<std::size_t>(std::stoull(request.substr(at + 15)));
}

}  // namespace

FileServer::FileServer(std::string folder) : folder_(std::move(folder)) {
  listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  if (::bind(listener_, reinterpret_cast<sockaddr*>(&address), size) != 0 || ::listen(listener_, 8) != 0 ||
      ::getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size) != 0 || ::pipe(stop_) != 0)
    throw std::runtime_error("no server");
  port_ = ntohs(address.sin_port);
  thread_ = std::thread([this] { serve(); });
}

FileServer::~FileServer() {
  ::close(stop_[1]);  // what waits in poll() sees it
  thread_.join();
  ::close(stop_[0]);
  ::close(listener_);
}

std::string FileServer::url() const {
  return "http://127.0.0.1:" + std::to_string(port_) + "/";
}

void FileServer::serve() {
  while (true) {
    pollfd waits[] = {{listener_, POLLIN, 0}, {stop_[0], POLLIN, 0}};
    ::poll(waits, 2, -1);
    if (waits[1].revents != 0) return;
    const int connection = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
    if (connection < 0) continue;
    answer(connection);
    ++requests_;
    ::close(connection);
  }
}

void FileServer::answer(int connection) {
  std::string request;
  char piece[4096];
  while (request.find("\r\n\r\n") == std::string::npos) {
    const ssize_t count = ::recv(connection, piece, sizeof piece, 0);
    if (count <= 0) return;
    request.append(piece, static_cast<std::size_t>(count));
  }
  std::string path = request.substr(5, request.find(' ', 5) - 5);  // behind "GET /"
  const std::string how = next_word(path);
  const std::size_t most =
      how == "cut" || how == "stall" ? static_cast<std::size_t>(std::stoull(next_word(path))) : ~std::size_t{0};
  const auto fail = [&](const std::string& status) {
    send_all(connection, "HTTP/1.1 " + status + "\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
  };
  if (how == "away") {
    send_all(connection, "HTTP/1.1 302 Found\r\nLocation: /whole/" + path + "\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
    return;
  }
  if (how == "endless") {
    if (!send_all(connection, "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n")) return;
    while (send_all(connection, std::string(1 << 16, 'x'))) {
    }
    return;
  }
  std::ifstream file(folder_ + "/" + path, std::ios::binary);
  if (!file || !std::filesystem::is_regular_file(folder_ + "/" + path)) return fail("404 Not Found");
  const std::string content{std::istreambuf_iterator<char>(file), {}};
  std::optional<std::size_t> from = range_begin(request);
  if (how == "norange") from.reset();
  if (how == "ranges" && !from) return fail("500 Internal Server Error");
  if (from && *from >= content.size()) return fail("416 Range Not Satisfiable");
  std::string head = from ? "HTTP/1.1 206 Partial Content\r\n" : "HTTP/1.1 200 OK\r\n";
  if (from)
    head += "Content-Range: bytes " + std::to_string(*from) + "-" + std::to_string(content.size() - 1) + "/" +
            std::to_string(content.size()) + "\r\n";
  const std::string body = content.substr(from.value_or(0));
  head += "Content-Length: " + std::to_string(body.size()) + "\r\nConnection: close\r\n\r\n";
  if (!send_all(connection, head + body.substr(0, most)) || how != "stall") return;
  pollfd waits[] = {{connection, POLLIN, 0}, {stop_[0], POLLIN, 0}};  // until the other one goes, or this one
  ::poll(waits, 2, -1);
}

}  // namespace carousel::test
