#include <carousel/lib/files/file.hpp>

#include <array>
#include <cerrno>
#include <csignal>
#include <filesystem>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <doctest/doctest.h>

#include "tests/support/folder.hpp"
#include "tests/support/message_of.hpp"

using namespace carousel;
using test::Folder;
using test::read_text;
using test::write_text;

namespace {

/// What is put on disk while it lives, by fsync(2): a file, with its bytes, or a folder, and what stood under `path` then.
class Syncs {
 public:
  explicit Syncs(std::string path) : path_(std::move(path)) { now = this; }
  ~Syncs() { now = nullptr; }
  void add(int file) {
    struct stat status {};
    REQUIRE(::fstat(file, &status) == 0);
    all.push_back((S_ISDIR(status.st_mode) ? "folder" : std::to_string(status.st_size) + " bytes") +
                  ", there: " + read_text(path_));
  }
  std::vector<std::string> all;
  static inline Syncs* now = nullptr;

 private:
  std::string path_;
};

}  // namespace

// In place of the C library's, for this program.
extern "C" int fsync(int file) {
  if (Syncs::now) Syncs::now->add(file);
  return static_cast<int>(::syscall(SYS_fsync, file));
}

namespace {

std::span<const std::byte> bytes_of(const std::string& text) {
  return std::as_bytes(std::span(text));
}

// No file of this process may grow past the limit, as on a full disk.
class FileSizeLimit {
 public:
  explicit FileSizeLimit(rlim_t bytes) : handler_(std::signal(SIGXFSZ, SIG_IGN)) {
    ::getrlimit(RLIMIT_FSIZE, &before_);
    const rlimit limit{bytes, before_.rlim_max};
    ::setrlimit(RLIMIT_FSIZE, &limit);
  }
  ~FileSizeLimit() {
    ::setrlimit(RLIMIT_FSIZE, &before_);
    std::signal(SIGXFSZ, handler_);
  }

 private:
  void (*handler_)(int);
  rlimit before_{};
};

}  // namespace

TEST_CASE("a file is read from any offset") {
  const Folder folder;
  write_text(folder / "a", "carousel");
  const InputFile file(folder / "a");
  CHECK(file.size() == 8);
  std::array<char, 3> part{};
  file.read(5, std::as_writable_bytes(std::span(part)));
  CHECK(std::string(part.data(), 3) == "sel");
  CHECK_THROWS_WITH_AS(file.read(6, std::as_writable_bytes(std::span(part))),
                       ("read " + (folder / "a") + ": ends at byte 8: must not shrink while it is read").c_str(),
                       std::runtime_error);
}

TEST_CASE("what is no file cannot be read, and a pipe does not hang") {
  const Folder folder;
  CHECK_THROWS_WITH_AS(InputFile(folder / "none"),
                       ("read " + (folder / "none") + ": No such file or directory: must be a readable file").c_str(),
                       std::runtime_error);
  CHECK_THROWS_WITH_AS(InputFile(folder / ""), ("read " + (folder / "") + ": not a regular file: must be one").c_str(),
                       std::runtime_error);
  REQUIRE(::mkfifo((folder / "pipe").c_str(), 0600) == 0);
  CHECK_THROWS_WITH_AS(InputFile(folder / "pipe"), ("read " + (folder / "pipe") + ": not a regular file: must be one").c_str(),
                       std::runtime_error);
}

TEST_CASE("a new file takes its name when it is published, and not before") {
  const Folder folder;
  write_text(folder / "a", "old");
  {
    NewFile file(folder / "a", 6);
    file.write(bytes_of("new"));
    file.write(bytes_of("est"));
    CHECK(read_text(folder / "a") == "old");
    CHECK(folder.count() == 2);
    file.publish();
    CHECK(read_text(folder / "a") == "newest");
  }
  CHECK(read_text(folder / "a") == "newest");
  CHECK(folder.count() == 1);
}

TEST_CASE("a new file is on disk before it takes its name, and its folder is once it has") {
  const Folder folder;
  for (const std::string& path : {folder / "a", folder / "b"}) {
    write_text(path, "old");
    const Syncs syncs(path);
    NewFile file(path, 6);
    file.write(bytes_of("newest"));
    CHECK(syncs.all.empty());
    file.publish();
    CHECK(syncs.all == std::vector<std::string>{"6 bytes, there: old", "folder, there: newest"});
  }
}

TEST_CASE("a file that grows has what is added whole, or not at all") {
  const Folder folder;
  {
    GrowingFile file(folder / "a", true);
    file.add(bytes_of("one\n"));
    CHECK(read_text(folder / "a") == "one\n");
  }
  GrowingFile file(folder / "a");
  file.add(bytes_of("two\n"));
  {
    const FileSizeLimit limit(10);
    CHECK(message_of<std::runtime_error>([&] { file.add(bytes_of("three\n")); }) ==
          "write " + (folder / "a") + ": File too large: must have room on its disk");
  }
  CHECK(read_text(folder / "a") == "one\ntwo\n");
  file.add(bytes_of("four\n"));
  CHECK(read_text(folder / "a") == "one\ntwo\nfour\n");
  CHECK(message_of<std::runtime_error>([&] { GrowingFile(folder / "a", true); }) ==
        "write " + (folder / "a") + ": File exists: must be a file that can be written");
  CHECK(message_of<std::runtime_error>([&] { GrowingFile{folder / "b"}; }) ==
        "write " + (folder / "b") + ": No such file or directory: must be a file that can be written");
  REQUIRE(::mkfifo((folder / "pipe").c_str(), 0600) == 0);
  CHECK(message_of<std::runtime_error>([&] { GrowingFile{folder / "pipe"}; }) ==
        "write " + (folder / "pipe") + ": No such device or address: must be a file that can be written");
}

TEST_CASE("a new file that is not published leaves nothing behind") {
  const Folder folder;
  write_text(folder / "a", "old");
  {
    NewFile file(folder / "a", 6);
    file.write(bytes_of("new"));
  }
  CHECK(read_text(folder / "a") == "old");
  CHECK(folder.count() == 1);
}

TEST_CASE("two new files of one name do not meet") {
  const Folder folder;
  NewFile first(folder / "a", 1), second(folder / "a", 1);
  first.write(bytes_of("1"));
  second.write(bytes_of("2"));
  second.publish();
  CHECK(read_text(folder / "a") == "2");
  first.publish();
  CHECK(read_text(folder / "a") == "1");
}

TEST_CASE("a full disk is an error, and the old file stands") {
  const Folder folder;
  write_text(folder / "a", "old");
  const std::string text(10000, 'x');
  {
    std::optional<NewFile> file;
    file.emplace(folder / "a", 10000);
    std::string message;
    {
      const FileSizeLimit limit(4096);
      try {
        file->write(bytes_of(text));
      } catch (const std::runtime_error& error) {
        message = error.what();
      }
    }
    CHECK(message ==
          "write " + (folder / "a") + ": File too large after 4096 of 10000 bytes: nothing under that name was changed");
  }
  CHECK(read_text(folder / "a") == "old");
  CHECK(folder.count() == 1);
}

TEST_CASE("a file is not written over a folder, a device, or into a folder that is not there") {
  const Folder folder;
  CHECK_THROWS_WITH_AS(NewFile(folder / "", 1), ("write " + (folder / "") + ": not a regular file: must be one, or new").c_str(),
                       std::runtime_error);
  CHECK_THROWS_WITH_AS(NewFile("/dev/null", 1), "write /dev/null: not a regular file: must be one, or new", std::runtime_error);
  CHECK_THROWS_WITH_AS(
      NewFile(folder / "none/a", 5),
      ("write " + (folder / "none/a") + ": No such file or directory after 0 of 5 bytes: nothing under that name was changed")
          .c_str(),
      std::runtime_error);
  CHECK(folder.count() == 0);
}

TEST_CASE("what a killed process left unfinished is removed, and nothing else") {
  const test::Folder folder;
  const std::vector<std::string> kept = {"a.safetensors", "a.tmp",    "a.1.tmp",  "a-1.tmp",
                                         ".1-2.tmp",      "a.1-.tmp", "a.-2.tmp", "a.1-2.tmpx"};
  for (const std::string& name : kept) test::write_text(folder / name, "x");
  for (const char* name : {"a.safetensors.13071-47.tmp", "report.html.1-0.tmp"}) test::write_text(folder / name, "x");
  std::filesystem::create_directory(folder / "b.1-2.tmp");
  remove_unfinished(folder / "");
  for (const std::string& name : kept) CHECK(std::filesystem::exists(folder / name));
  CHECK(std::filesystem::exists(folder / "b.1-2.tmp"));
  CHECK_FALSE(std::filesystem::exists(folder / "a.safetensors.13071-47.tmp"));
  CHECK_FALSE(std::filesystem::exists(folder / "report.html.1-0.tmp"));
  CHECK_NOTHROW(remove_unfinished(folder / "nowhere"));
}

TEST_CASE("a name that is taken by a folder meanwhile is left to it") {
  const Folder folder;
  NewFile file(folder / "a", 1);
  file.write(bytes_of("1"));
  std::filesystem::create_directory(folder / "a");
  CHECK_THROWS_WITH_AS(
      file.publish(),
      ("write " + (folder / "a") + ": Is a directory after 1 of 1 bytes: nothing under that name was changed").c_str(),
      std::runtime_error);
  CHECK(std::filesystem::is_directory(folder / "a"));
}
