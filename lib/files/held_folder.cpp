#include <carousel/lib/files/held_folder.hpp>

#include <algorithm>
#include <mutex>
#include <vector>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <carousel/lib/error.hpp>

namespace carousel {

namespace {

struct Held {
  std::mutex mutex;
  std::vector<const HeldFolder*> folders;
};

Held& held() {
  static Held all;
  return all;
}

std::string without_last_slashes(std::string path) {
  while (path.size() > 1 && path.back() == '/') path.pop_back();
  return path;
}

}  // namespace

detail::Descriptor::~Descriptor() {
  if (number_ >= 0) ::close(number_);
}

HeldFolder::HeldFolder(const std::string& path)
    : path_(without_last_slashes(path)), folder_(::open(path_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)) {
  if (folder_.get() < 0) return;
  const std::scoped_lock lock(held().mutex);
  held().folders.push_back(this);
}

HeldFolder::~HeldFolder() {
  const std::scoped_lock lock(held().mutex);
  std::erase(held().folders, this);
}

bool HeldFolder::in_place() const {
  struct stat opened {
  }, there{};
  return ::fstat(folder_.get(), &opened) == 0 && ::stat(path_.c_str(), &there) == 0 && opened.st_dev == there.st_dev &&
         opened.st_ino == there.st_ino;
}

detail::Place detail::place_of(const std::string& path, const char* doing) {
  const std::scoped_lock lock(held().mutex);
  for (const HeldFolder* folder : held().folders) {
    const std::size_t size = folder->path().size();
    if (!path.starts_with(folder->path()) || size >= path.size() || path[size] != '/') continue;
    if (!folder->in_place())
      bad_file(doing, path, ": ", folder->path(), " was removed or moved, and is not the folder any more that was opened: must ",
               "stay while it is in use; nothing was changed there");
    const std::size_t name = path.find_first_not_of('/', size);
    return {folder->descriptor(), name == std::string::npos ? "." : path.substr(name)};
  }
  return {AT_FDCWD, path};
}

}  // namespace carousel
