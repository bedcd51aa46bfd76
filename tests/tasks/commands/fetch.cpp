#include <carousel/tasks/commands/fetch.hpp>

#include <sys/resource.h>

#include <algorithm>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <stdexcept>
#include <utility>

#include <doctest/doctest.h>

#include <carousel/lib/error.hpp>
#include <carousel/tasks/base/child.hpp>

#include "tests/support/folder.hpp"
#include "tests/tasks/commands/file_server.hpp"

using namespace carousel;
using carousel::test::FileServer;

namespace {

bool has_curl() {
  static const bool found = [] {
    setenv("no_proxy", "127.0.0.1", 1);
    try {
      return run_child({"curl", "--version"}).code == 0;
    } catch (const std::runtime_error&) {
      MESSAGE("curl is not installed: nothing is fetched");
      return false;
    }
  }();
  return found;
}

/// A folder that is served with a file of 300,000 bytes in it, and a place for what is fetched.
struct Fetching {
  test::Folder served, fetched;
  std::string content;
  FileServer server{served / ""};
  PublicFile file{.name = "a", .path = "a", .bytes = 300000, .sha256 = ""};
  std::string path = fetched / "a";

  Fetching() {
    for (std::uint32_t i = 0, x = 1; i < file.bytes; ++i) content += static_cast<char>((x = x * 1664525 + 1013904223) >> 24);
    test::write_text(served / "a", content);
    file.sha256 = run_child({"sha256sum", served / "a"}).out.substr(0, 64);
  }
  bool fetch(const std::string& how) { return fetch_file(file, server.url() + how, path); }
  std::string error_of(const std::string& how) {
    try {
      fetch(how);
    } catch (const std::runtime_error& error) {
      std::string text = error.what();
      if (const std::size_t at = text.find(server.url()); at != std::string::npos) text.replace(at, server.url().size(), "URL/");
      if (const std::size_t at = text.find(path); at != std::string::npos) text.replace(at, path.size(), "PATH");
      return text;
    }
    return "no error";
  }
  void write_part(const std::string& bytes) const { test::write_text(path + ".part", bytes); }
  std::string part() const { return test::read_text(path + ".part"); }
  /// There, whole, and nothing beside it.
  bool is_whole() const { return fetched.count() == 1 && test::read_text(path) == content; }
};

}  // namespace

TEST_CASE("a file is fetched whole, also from where it has moved to") {
  if (!has_curl()) return;
  for (const char* how : {"whole/a", "norange/a", "away/a"}) {
    Fetching place;
    CHECK(place.fetch(how));
    CHECK(place.is_whole());
  }
}

TEST_CASE("a connection that was cut leaves a part, and the next fetch goes on from there") {
  if (!has_curl()) return;
  Fetching place;
  const std::string error = place.error_of("cut/100000/a");
  CHECK(error.starts_with("fetch URL/cut/100000/a: "));  // then curl's words, which its releases change
  CHECK(error.find(" 200000 bytes ") != std::string::npos);
  CHECK(error.ends_with("; 100000 of 300000 bytes are kept, and the same command goes on with them"));
  CHECK(place.part() == place.content.substr(0, 100000));
  CHECK_FALSE(std::filesystem::exists(place.path));
  CHECK(place.error_of("cut/50000/a").find("150000 of 300000") != std::string::npos);
  CHECK(place.fetch("ranges/a"));  // refuses to send what is there already
  CHECK(place.is_whole());
}

TEST_CASE("a server that knows no ranges, or has fewer bytes than the part, sends from the beginning") {
  if (!has_curl()) return;
  Fetching place;
  place.write_part(place.content.substr(0, 1000));
  CHECK(place.fetch("norange/a"));
  CHECK(place.is_whole());

  Fetching other;
  other.write_part(other.content.substr(0, 1000));
  test::write_text(other.served / "short", "short");
  CHECK(other.error_of("whole/short") == "fetch URL/whole/short: has 5 bytes: must have 300000; nothing was kept");
  CHECK(other.fetched.count() == 0);
}

TEST_CASE("a part that is whole is only checked, and one that is too long is no part") {
  if (!has_curl()) return;
  Fetching place;
  place.write_part(place.content);
  CHECK(place.fetch("whole/nowhere"));
  CHECK(place.is_whole());
  CHECK(place.server.requests() == 0);

  Fetching other;
  other.write_part(other.content + "x");
  CHECK(other.fetch("whole/a"));
  CHECK(other.is_whole());
}

TEST_CASE("what has another check sum or size is not kept") {
  if (!has_curl()) return;
  Fetching place;
  std::string changed = place.content;
  changed[7] = static_cast<char>(changed[7] + 1);
  test::write_text(place.served / "b", changed);
  const std::string error = place.error_of("whole/b");
  CHECK(error.starts_with("fetch URL/whole/b: has SHA-256 "));
  CHECK(error.ends_with(": must have " + place.file.sha256 + "; nothing was kept"));
  CHECK(place.fetched.count() == 0);
  CHECK(place.error_of("endless/a") == "fetch URL/endless/a: has more bytes: must have 300000; nothing was kept");
  CHECK(place.fetched.count() == 0);
}

TEST_CASE("no such file, no server and no such machine are an error each, and leave nothing") {
  if (!has_curl()) return;
  Fetching place;
  CHECK(place.error_of("whole/nowhere") == "fetch URL/whole/nowhere: The requested URL returned error: 404");
  CHECK(place.fetched.count() == 0);
  const auto error_at = [&](const std::string& url) {
    try {
      fetch_file(place.file, url, place.path);
    } catch (const std::runtime_error& error) {
      return std::string(error.what());
    }
    return std::string("no error");
  };
  CHECK(error_at("http://127.0.0.1:1/a").starts_with("fetch http://127.0.0.1:1/a: Failed to connect to 127.0.0.1 port 1"));
  CHECK(error_at("http://nobody.invalid/a") == "fetch http://nobody.invalid/a: Could not resolve host: nobody.invalid");
  CHECK(error_at("gopher://127.0.0.1/a").starts_with("fetch gopher://127.0.0.1/a: Protocol \"gopher\""));
  CHECK(place.fetched.count() == 0);
}

TEST_CASE("a part is kept when another file cannot be fetched") {
  if (!has_curl()) return;
  Fetching place;
  place.write_part("abc");
  CHECK(place.error_of("whole/nowhere") ==
        "fetch URL/whole/nowhere: The requested URL returned error: 404; 3 of 300000 bytes are "
        "kept, and the same command goes on with them");
  CHECK(place.part() == "abc");
}

TEST_CASE("a full disk is an error, what fitted is kept, and goes on when there is room") {
  if (!has_curl()) return;
  Fetching place;
  rlimit before{};
  getrlimit(RLIMIT_FSIZE, &before);
  const auto handler = std::signal(SIGXFSZ, SIG_IGN);
  rlimit full = before;
  full.rlim_cur = 100000;
  setrlimit(RLIMIT_FSIZE, &full);
  const std::string error = place.error_of("whole/a");
  setrlimit(RLIMIT_FSIZE, &before);
  std::signal(SIGXFSZ, handler);
  CHECK(error.starts_with("write PATH.part: "));
  CHECK(error.find(": must have room on its disk") != std::string::npos);
  CHECK(place.part() == place.content.substr(0, place.part().size()));
  CHECK_FALSE(std::filesystem::exists(place.path));
  CHECK(place.fetch("whole/a"));
  CHECK(place.is_whole());
}

TEST_CASE("two processes do not fetch one file at the same time") {
  if (!has_curl()) return;
  Fetching place;
  bool asked = false;
  CHECK(fetch_file(place.file, place.server.url() + "whole/a", place.path, [&](std::uint64_t) {
    if (std::exchange(asked, true)) return;
    CHECK(place.error_of("whole/a") == "write PATH.part: another process is at it: must have ended");
  }));
  CHECK(asked);
  CHECK(place.is_whole());
}

TEST_CASE("the public sets can be told apart, and their check sums be such") {
  std::vector<std::string> paths;
  for (const PublicSet& set : public_sets()) {
    CHECK(set.from.starts_with("https://"));
    CHECK(set.from.ends_with('/'));
    for (const PublicFile& file : set.files) {
      CHECK(file.sha256.size() == 64);
      CHECK(file.sha256.find_first_not_of("0123456789abcdef") == std::string::npos);
      CHECK(file.bytes > 0);
      paths.push_back(file.path);
    }
  }
  std::sort(paths.begin(), paths.end());
  CHECK(std::adjacent_find(paths.begin(), paths.end()) == paths.end());
}
