#include <carousel/lib/files/file.hpp>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <filesystem>
#include <string_view>
#include <system_error>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <carousel/lib/error.hpp>
#include <carousel/lib/files/held_folder.hpp>

namespace carousel {

namespace {

std::string reason(int error) {
  return std::system_category().message(error);
}

/// Writes all of it, and counts what it wrote; returns the error that kept it from that, or 0.
int write_all(int file, std::span<const std::byte> bytes, std::uint64_t& count) {
  while (count < bytes.size()) {
    const ssize_t part = ::write(file, bytes.data() + count, bytes.size() - count);
    if (part < 0 && errno == EINTR) continue;
    if (part < 0) return errno;
    count += static_cast<std::uint64_t>(part);
  }
  return 0;
}

/// fsync(2), whatever signals come.
int on_disk(int file) {
  int result;
  do result = ::fsync(file);
  while (result != 0 && errno == EINTR);
  return result;
}

}  // namespace

InputFile::InputFile(const std::string& path) : path_(path), file_(-1) {
  // Without O_NONBLOCK, opening a pipe would wait for its writer.
  const detail::Place place = detail::place_of(path, "read ");
  file_.reset(::openat(place.folder, place.name.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  struct stat status {};
  if (file_.get() < 0 || ::fstat(file_.get(), &status) != 0)
    bad_file("read ", path, ": ", reason(errno), ": must be a readable file");
  if (!S_ISREG(status.st_mode)) bad_file("read ", path, ": not a regular file: must be one");
  size_ = static_cast<std::uint64_t>(status.st_size);
}

void InputFile::read(std::uint64_t offset, std::span<std::byte> bytes) const {
  while (!bytes.empty()) {
    const ssize_t count = ::pread(file_.get(), bytes.data(), bytes.size(), static_cast<off_t>(offset));
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) bad_file("read ", path_, ": ", reason(errno), " at byte ", offset, ": must be a readable file");
    if (count == 0) bad_file("read ", path_, ": ends at byte ", offset, ": must not shrink while it is read");
    bytes = bytes.subspan(static_cast<std::size_t>(count));
    offset += static_cast<std::uint64_t>(count);
  }
}

NewFile::NewFile(const std::string& path, std::uint64_t size) : path_(path), size_(size), folder_(-1), file_(-1) {
  const detail::Place place = detail::place_of(path, "write ");
  struct stat status {};
  if (::fstatat(place.folder, place.name.c_str(), &status, 0) == 0 && !S_ISREG(status.st_mode))
    bad_file("write ", path, ": not a regular file: must be one, or new");
  const std::size_t slash = place.name.rfind('/');
  const std::string folder = slash == std::string::npos ? "." : place.name.substr(0, slash + 1);
  last_ = place.name.substr(slash + 1);  // npos + 1 is 0
  folder_.reset(::openat(place.folder, folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (folder_.get() < 0 && errno == EACCES)  // a folder that may be written in and not read
    folder_.reset(::openat(place.folder, folder.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (folder_.get() < 0) fail(errno);
  static std::atomic<unsigned> serial{0};
  int number;
  do {
    name_ = join(last_, ".", ::getpid(), "-", serial.fetch_add(1), ".tmp");
    number = ::openat(folder_.get(), name_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
  } while (number < 0 && errno == EEXIST);
  if (number < 0) fail(errno);
  file_.reset(number);
}

NewFile::~NewFile() {
  if (!published_) ::unlinkat(folder_.get(), name_.c_str(), 0);
}

void NewFile::write(std::span<const std::byte> bytes) {
  std::uint64_t count = 0;
  const int error = write_all(file_.get(), bytes, count);
  written_ += count;
  if (error != 0) fail(error);
}

void NewFile::publish() {
  if (on_disk(file_.get()) != 0) fail(errno);
  if (::close(file_.release()) != 0) fail(errno);
  static_cast<void>(detail::place_of(path_, "write "));
  if (::renameat(folder_.get(), name_.c_str(), folder_.get(), last_.c_str()) != 0) fail(errno);
  published_ = true;
  // The name outlives a power cut once its folder is on disk, too. If that fails, the file is as good as it can be: no error.
  on_disk(folder_.get());
}

void NewFile::fail(int error) const {
  static_cast<void>(detail::place_of(path_, "write "));
  const std::string all = size_ == 0 ? "" : join(" of ", size_);
  bad_file("write ", path_, ": ", reason(error), " after ", written_, all, " bytes: nothing under that name was changed");
}

GrowingFile::GrowingFile(const std::string& path, bool fresh) : path_(path), file_(-1) {
  const detail::Place place = detail::place_of(path, "write ");
  // Without O_NONBLOCK, opening a pipe would wait for its reader.
  const int how = O_WRONLY | O_APPEND | O_CLOEXEC | O_NONBLOCK | (fresh ? O_CREAT | O_EXCL : 0);
  file_.reset(::openat(place.folder, place.name.c_str(), how, 0666));
  struct stat status {};
  if (file_.get() < 0 || ::fstat(file_.get(), &status) != 0)
    bad_file("write ", path, ": ", reason(errno), ": must be a file that can be written");
  if (!S_ISREG(status.st_mode)) bad_file("write ", path, ": not a regular file: must be one");
  size_ = static_cast<std::uint64_t>(status.st_size);
}

void GrowingFile::add(std::span<const std::byte> bytes) {
  static_cast<void>(detail::place_of(path_, "write "));
  std::uint64_t count = 0;
  if (const int error = write_all(file_.get(), bytes, count); error != 0) {
    // Half of it would spoil what comes after it; if it cannot be taken away, it stays.
    [[maybe_unused]] const int taken = ::ftruncate(file_.get(), static_cast<off_t>(size_));
    bad_file("write ", path_, ": ", reason(error), ": must have room on its disk");
  }
  size_ += count;
}

void remove_file(const std::string& path) {
  const detail::Place place = detail::place_of(path, "remove ");
  ::unlinkat(place.folder, place.name.c_str(), 0);
}

void remove_unfinished(const std::string& folder) {
  // NAME.PROCESS-NUMBER.tmp
  const auto is_unfinished = [](std::string_view name) {
    if (!name.ends_with(".tmp")) return false;
    name.remove_suffix(4);
    for (const char before : {'-', '.'}) {
      const std::size_t digits = name.size() - std::min(name.size(), name.find_last_not_of("0123456789") + 1);
      if (digits == 0 || digits + 1 >= name.size() || name[name.size() - digits - 1] != before) return false;
      name.remove_suffix(digits + 1);
    }
    return true;
  };
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(folder, error))
    if (is_unfinished(entry.path().filename().native()) && entry.is_regular_file(error))
      std::filesystem::remove(entry.path(), error);
}

}  // namespace carousel
