#include <carousel/tasks/commands/fetch.hpp>

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstring>
#include <filesystem>

#include <fmt/format.h>

#include <carousel/lib/error.hpp>
#include <carousel/lib/files/file.hpp>
#include <carousel/tasks/base/child.hpp>
#include <carousel/tasks/base/interrupt.hpp>
#include <carousel/tasks/base/options.hpp>
#include <carousel/tasks/base/progress.hpp>
#include <carousel/tasks/base/text.hpp>

namespace carousel {

namespace {

/// Runs a program that a Debian package has.
ChildEnd run_program_of(const std::string& package, const std::vector<std::string>& words,
                        const std::function<bool()>& go_on = {}) {
  try {
    return run_child(words, go_on);
  } catch (const std::runtime_error& error) {
    if (!std::string_view(error.what()).starts_with("run ")) throw;
    bad_file(error.what(), ": must be installed: apt-get install ", package);
  }
}

std::string sha256_of(const std::string& path) {
  const ChildEnd end = run_program_of("coreutils", {"sha256sum", "--binary", "--", path});
  const std::size_t from = end.out.starts_with('\\') ? 1 : 0;  // of a path that is written with backslashes
  if (end.code != 0 || end.out.size() < from + 64) bad_file("sha256sum ", path, ": ended with code ", end.code);
  return end.out.substr(from, 64);
}

/// What curl says went wrong, without "curl: (22) ".
std::string words_of(const ChildEnd& end) {
  const std::size_t from = end.err.find("curl: ("), words = end.err.find(") ", from);
  if (from == std::string::npos || words == std::string::npos) return join("curl ended with code ", end.code);
  return end.err.substr(words + 2, end.err.find('\n', words) - words - 2);
}

/// What has arrived of a file, locked against another process that fetches it.
class Part {
 public:
  explicit Part(const std::string& path) : path_(path), file_(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0666)) {
    if (file_.get() < 0) bad_file("write ", path, ": ", std::strerror(errno));
    if (::flock(file_.get(), LOCK_EX | LOCK_NB) != 0) bad_file("write ", path, ": another process is at it: must have ended");
  }

  std::uint64_t size() const {
    struct stat status {};
    return ::fstat(file_.get(), &status) == 0 ? static_cast<std::uint64_t>(status.st_size) : 0;
  }
  void clear() {
    if (::ftruncate(file_.get(), 0) != 0) bad_file("write ", path_, ": ", std::strerror(errno));
  }
  void remove() { ::unlink(path_.c_str()); }
  void publish(const std::string& path) {
    if (::fsync(file_.get()) != 0 || ::rename(path_.c_str(), path.c_str()) != 0)
      bad_file("write ", path, ": ", std::strerror(errno));
  }

 private:
  std::string path_;
  detail::Descriptor file_;
};

std::string megabytes(std::uint64_t bytes) {
  return fmt::format("{:.1f}", static_cast<double>(bytes) / 1e6);
}

}  // namespace

const std::vector<PublicSet>& public_sets() {
  static const std::vector<PublicSet> sets = {
      {.name = "mnist",
       .about = "handwritten digits, 60,000 to learn from and 10,000 to test with (LeCun, Cortes, Burges 1998)",
       .from = "https://storage.googleapis.com/cvdf-datasets/mnist/",
       .use = "carousel train mnist",
       .files = {{"train-images-idx3-ubyte.gz", "mnist/train-images-idx3-ubyte.gz", 9912422,
                  "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609"},
                 {"train-labels-idx1-ubyte.gz", "mnist/train-labels-idx1-ubyte.gz", 28881,
                  "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c"},
                 {"t10k-images-idx3-ubyte.gz", "mnist/t10k-images-idx3-ubyte.gz", 1648877,
                  "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6"},
                 {"t10k-labels-idx1-ubyte.gz", "mnist/t10k-labels-idx1-ubyte.gz", 4542,
                  "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6"}}},
      {.name = "tinyshakespeare",
       .about = "1.1 MB of Shakespeare's plays, the text of char-rnn (Karpathy 2015)",
       .from = "https://raw.githubusercontent.com/karpathy/char-rnn/master/data/tinyshakespeare/",
       .use = "carousel train text --input tinyshakespeare",
       .files = {{"input.txt", "text/tinyshakespeare.txt", 1115394,
                  "86c4e6aa9db7c042ec79f339dcb96d42b0075e16b8fc2e86bf0ca57e2dc565ed"}}},
  };
  return sets;
}

bool fetch_file(const PublicFile& file, const std::string& url, const std::string& path,
                const std::function<void(std::uint64_t)>& arrived) {
  const std::string part_path = path + ".part";
  Part part(part_path);
  if (part.size() > file.bytes) part.clear();
  const auto kept = [&] {
    if (part.size() > 0)
      return fmt::format("; {} of {} bytes are kept, and the same command goes on with them", part.size(), file.bytes);
    part.remove();
    return std::string();
  };
  const auto refuse = [&](const std::string& given, const std::string& wanted) {
    part.remove();
    bad_file("fetch ", url, ": has ", given, ": must have ", wanted, "; nothing was kept");
  };

  // Slower than a byte a second for a minute is as good as cut off.
  const std::vector<std::string> words = {"curl",
                                          "--silent",
                                          "--show-error",
                                          "--fail",
                                          "--location",
                                          "--globoff",
                                          "--no-buffer",
                                          "--proto",
                                          "=https,http,file",
                                          "--proto-redir",
                                          "=https,http",
                                          "--connect-timeout",
                                          "20",
                                          "--speed-limit",
                                          "1",
                                          "--speed-time",
                                          "60",
                                          "--continue-at",
                                          "-",
                                          "--output",
                                          part_path,
                                          "--write-out",
                                          "%{http_code}",
                                          "--url",
                                          url};
  for (bool again = false; part.size() < file.bytes;) {
    const ChildEnd end = run_program_of("curl", words, [&] {
      if (arrived) arrived(part.size());
      return part.size() <= file.bytes;
    });
    if (interrupted()) {
      if (part.size() == 0) part.remove();
      return false;
    }
    constexpr int write_error = 23, no_ranges = 33;
    const bool can_not_go_on = end.code == no_ranges || end.out == "416";
    if (can_not_go_on && !again) {
      part.clear();
      again = true;
      continue;
    }
    if (end.code == 0 || part.size() > file.bytes) break;
    if (end.code == write_error) bad_file("write ", part_path, ": ", words_of(end), ": must have room on its disk", kept());
    bad_file("fetch ", url, ": ", words_of(end), kept());
  }
  if (part.size() != file.bytes)
    refuse(part.size() > file.bytes ? "more bytes" : fmt::format("{} bytes", part.size()), fmt::format("{}", file.bytes));
  if (const std::string sum = sha256_of(part_path); sum != file.sha256) refuse("SHA-256 " + sum, file.sha256);
  part.publish(path);
  return true;
}

int fetch_set(const PublicSet& set, const std::string& to, const std::string& from, bool quiet) {
  namespace fs = std::filesystem;
  using Clock = std::chrono::steady_clock;
  Progress progress(quiet);
  for (const PublicFile& file : set.files) {
    const std::string path = to + "/" + file.path;
    if (fs::exists(path)) {
      const bool same = sha256_of(path) == file.sha256;
      progress.line(fmt::format("{}: is there already{}", path, same ? "" : ", and is not the public file: it stays as it is"));
      continue;
    }
    std::error_code error;
    fs::create_directories(fs::path(path).parent_path(), error);
    if (error) bad_file("--to ", to, ": ", error.message(), ": must be a folder, or a place for one");
    const Clock::time_point began = Clock::now();
    std::uint64_t first = file.bytes;
    const bool done = fetch_file(file, from + file.name, path, [&](std::uint64_t bytes) {
      first = std::min(first, bytes);
      if (!progress.due()) return;
      const double seconds = std::chrono::duration<double>(Clock::now() - began).count();
      progress.show(fmt::format("{}: {} of {} MB, {:.1f} MB/s", file.name, megabytes(bytes), megabytes(file.bytes),
                                static_cast<double>(bytes - first) / 1e6 / seconds));
    });
    if (!done) {
      note(fmt::format("stopped; the same command goes on: carousel data fetch {}", set.name));
      return exit_interrupted;
    }
    progress.line(fmt::format("{}: {} MB, SHA-256 as it must be", path, megabytes(file.bytes)));
  }
  print(fmt::format("{}: {} in {}", set.name, set.files.size() == 1 ? "1 file" : fmt::format("{} files", set.files.size()), to));
  const bool is_usual = fs::exists(detail::data_folder()) && fs::equivalent(to, detail::data_folder());
  note(fmt::format("try: {}{}", is_usual ? "" : "CAROUSEL_DATA=" + shell_word(fs::absolute(to).lexically_normal().string()) + " ",
                   set.use));
  return exit_done;
}

}  // namespace carousel
