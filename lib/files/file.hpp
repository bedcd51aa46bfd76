#pragma once
/// Files of the system, with every call checked: reading at offsets, and writing that replaces a file whole or not at all.

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <utility>

namespace carousel {

namespace detail {
/// A file descriptor that is closed when it goes.
class Descriptor {
 public:
  explicit Descriptor(int number) : number_(number) {}
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  ~Descriptor();
  int get() const { return number_; }
  int release() { return std::exchange(number_, -1); }
  void reset(int number) { number_ = number; }

 private:
  int number_;
};
}  // namespace detail

/// A regular file to read from. Errors are std::runtime_error: `read PATH: what is wrong: what must hold`.
class InputFile {
 public:
  explicit InputFile(const std::string& path);
  std::uint64_t size() const { return size_; }
  /// Fills `bytes` from there on; throws when the file has fewer.
  void read(std::uint64_t offset, std::span<std::byte> bytes) const;

 private:
  std::string path_;
  detail::Descriptor file_;
  std::uint64_t size_;
};

/// A file that takes the name `path` when publish() is called and all of it is on disk; whatever happens before, what stood under
/// that name is unchanged. Errors are std::runtime_error: `write PATH: …`.
class NewFile {
 public:
  /// Opens a file of another name in the same folder. `size` is the number of bytes to come, for errors. A `path` that is a
  /// device or a folder is refused: a file would take its place.
  NewFile(const std::string& path, std::uint64_t size);
  NewFile(const NewFile&) = delete;
  NewFile& operator=(const NewFile&) = delete;
  ~NewFile();

  void write(std::span<const std::byte> bytes);
  void publish();

 private:
  [[noreturn]] void fail(int error) const;

  std::string path_, name_;  // of the file to be, and of the file that is
  std::uint64_t size_, written_ = 0;
  detail::Descriptor file_;
  bool published_ = false;
};

/// Removes what NewFile left in a folder when its process was killed; nobody may be writing there.
void remove_unfinished(const std::string& folder);

}  // namespace carousel
