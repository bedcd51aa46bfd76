#pragma once
/// A folder that must stay the one that it is while a program writes in it.
///
/// A path says where to look, not which folder is there: after `rm -r RUN; mkdir RUN` it leads to another. While a HeldFolder
/// lives, all that this process reads, writes and removes by the classes of file.hpp below its path lies in the folder that was
/// opened; once the path leads elsewhere each of them throws std::runtime_error, and the folder that is there now stays
/// untouched.

#include <string>

#include <carousel/lib/files/descriptor.hpp>

namespace carousel {

/// A folder, held by its descriptor.
class HeldFolder {
 public:
  /// A folder that cannot be opened is not held.
  explicit HeldFolder(const std::string& path);
  HeldFolder(const HeldFolder&) = delete;
  HeldFolder& operator=(const HeldFolder&) = delete;
  ~HeldFolder();

  /// Its descriptor, or −1.
  int descriptor() const { return folder_.get(); }
  const std::string& path() const { return path_; }
  /// Whether its path leads to it still.
  bool in_place() const;

 private:
  std::string path_;
  detail::Descriptor folder_;
};

namespace detail {
/// Where a file lies: a name, and the folder to start from, for openat(2).
struct Place {
  int folder;
  std::string name;
};
/// In the held folder that the path lies below, if it does, else where the path says. Throws std::runtime_error, `DOING PATH: …`,
/// if the path leads to another folder than the one that is held.
Place place_of(const std::string& path, const char* doing);
}  // namespace detail

}  // namespace carousel
