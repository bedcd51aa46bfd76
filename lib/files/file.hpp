#pragma once
/// Files of the system, with every call checked: reading at offsets, writing that replaces a file whole or not at all, and files
/// that grow. What lies below a HeldFolder is looked for in that very folder.

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

#include <carousel/lib/files/descriptor.hpp>

namespace carousel {

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
  /// Opens a file of another name in the same folder. `size`: number of bytes to come, for errors; 0: it is not known. A `path`
  /// that is a device or a folder is refused: a file would take its place.
  NewFile(const std::string& path, std::uint64_t size);
  NewFile(const NewFile&) = delete;
  NewFile& operator=(const NewFile&) = delete;
  ~NewFile();

  void write(std::span<const std::byte> bytes);
  void publish();

 private:
  [[noreturn]] void fail(int error) const;

  std::string path_, last_, name_;  // of the file to be, its last name, and that of the file that is, in the same folder
  std::uint64_t size_, written_ = 0;
  detail::Descriptor folder_, file_;
  bool published_ = false;
};

/// A file that grows: what is added is in it whole or not at all. Errors are std::runtime_error: `write PATH: …`.
class GrowingFile {
 public:
  /// A file that is there goes on at its end; with `fresh` it must be new.
  explicit GrowingFile(const std::string& path, bool fresh = false);

  void add(std::span<const std::byte> bytes);
  const std::string& path() const { return path_; }

 private:
  std::string path_;
  detail::Descriptor file_;
  std::uint64_t size_ = 0;
};

/// Removes a file; one that is not there, or may not be removed, is passed over.
void remove_file(const std::string& path);

/// Removes what NewFile left in a folder when its process was killed; nobody may be writing there.
void remove_unfinished(const std::string& folder);

}  // namespace carousel
