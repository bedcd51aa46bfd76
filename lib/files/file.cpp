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

namespace carousel {

namespace {

std::string reason(int error) {
  return std::system_category().message(error);
}

}  // namespace

detail::Descriptor::~Descriptor() {
  if (number_ >= 0) ::close(number_);
}

// Without O_NONBLOCK, opening a pipe would wait for its writer.
InputFile::InputFile(const std::string& path) : path_(path), file_(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)) {
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

NewFile::NewFile(const std::string& path, std::uint64_t size) : path_(path), size_(size), file_(-1) {
  struct stat status {};
  if (::stat(path.c_str(), &status) == 0 && !S_ISREG(status.st_mode))
    bad_file("write ", path, ": not a regular file: must be one, or new");
  static std::atomic<unsigned> serial{0};
  int number;
  do {
    name_ = join(path, ".", ::getpid(), "-", serial.fetch_add(1), ".tmp");
    number = ::open(name_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
  } while (number < 0 && errno == EEXIST);
  if (number < 0) fail(errno);
  file_.reset(number);
}

NewFile::~NewFile() {
  if (!published_) ::unlink(name_.c_str());
}

void NewFile::write(std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    const ssize_t count = ::write(file_.get(), bytes.data(), bytes.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) fail(errno);
    bytes = bytes.subspan(static_cast<std::size_t>(count));
    written_ += static_cast<std::uint64_t>(count);
  }
}

void NewFile::publish() {
  if (::fsync(file_.get()) != 0) fail(errno);
  if (::close(file_.release()) != 0) fail(errno);
  if (::rename(name_.c_str(), path_.c_str()) != 0) fail(errno);
  published_ = true;
  // The name outlives a power cut once its folder is on disk, too. If that fails, the file is as good as it can be: no error.
  const std::size_t slash = path_.rfind('/');
  const std::string folder = slash == std::string::npos ? "." : path_.substr(0, slash + 1);
  const detail::Descriptor opened(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (opened.get() >= 0) ::fsync(opened.get());
}

void NewFile::fail(int error) const {
  bad_file("write ", path_, ": ", reason(error), " after ", written_, " of ", size_,
           " bytes: nothing under that name was changed");
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
