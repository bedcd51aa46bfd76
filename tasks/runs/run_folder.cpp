#include <carousel/tasks/runs/run_folder.hpp>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <span>
#include <thread>
#include <utility>

#include <fmt/format.h>

#include <carousel/lib/error.hpp>
#include <carousel/lib/files/file.hpp>
#include <carousel/lib/numbers/gemm.hpp>
#include <carousel/tasks/base/metric.hpp>
#include <carousel/tasks/base/text.hpp>
#include <carousel/tasks/drawing/json.hpp>

namespace carousel {

namespace {

/// Makes the folder, if it is none yet; whether it did.
bool make_folder(const std::string& folder) {
  std::error_code error;
  const bool made = std::filesystem::create_directories(folder, error);
  if (error) bad_file("--out ", folder, ": ", error.message(), ": must be a folder, or a place for one");
  return made;
}

/// Makes a folder that was not there before.
std::string new_run_folder(const std::string& task) {
  const std::string name = join("runs/", task, "-", local_time(std::time(nullptr), "%Y%m%d-%H%M%S"));
  std::string folder = name;
  for (int n = 2; !make_folder(folder); ++n) folder = join(name, "-", n);
  return folder;
}

/// The folder that is asked for.
std::string run_folder(const std::string& task, const std::string& out) {
  if (out.empty()) return new_run_folder(task);
  make_folder(out);
  return out;
}

constexpr std::uint64_t most_of_config = std::uint64_t{1} << 20;  // bytes

/// The lines of a file, without more of it in memory than one.
class LineReader {
 public:
  explicit LineReader(const std::string& path) : file_(path) {}

  /// The next line, if there is one and it is no longer than anything of ours.
  bool next(std::string& line) {
    constexpr std::size_t longest = std::size_t{1} << 24, part = std::size_t{1} << 16;
    std::size_t end;
    for (std::size_t seen = begin_; (end = rest_.find('\n', seen)) == std::string::npos;) {
      rest_.erase(0, std::exchange(begin_, 0));
      seen = rest_.size();
      const std::uint64_t left = file_.size() - at_;
      if (left == 0 || seen > longest) break;
      rest_.resize(seen + static_cast<std::size_t>(std::min<std::uint64_t>(left, part)));
      file_.read(at_, std::as_writable_bytes(std::span(rest_)).subspan(seen));
      at_ += rest_.size() - seen;
    }
    if (end == std::string::npos && (rest_.empty() || rest_.size() > longest)) return false;
    end = std::min(end, rest_.size());
    line = rest_.substr(begin_, end - begin_);
    begin_ = std::min(end + 1, rest_.size());
    return true;
  }

 private:
  InputFile file_;
  std::uint64_t at_ = 0;
  std::string rest_;  // what was read of it, and from where on it is to come
  std::size_t begin_ = 0;
};

/// "AMD EPYC 9R14, 2 cores"
std::string machine() {
  std::string name = "unknown processor";
  std::ifstream file("/proc/cpuinfo");
  for (std::string line; std::getline(file, line);)
    if (const std::size_t colon = line.find(": "); colon != std::string::npos && line.starts_with("model name")) {
      name = line.substr(colon + 2);
      break;
    }
  return join(name, ", ", std::thread::hardware_concurrency(), " cores");
}

}  // namespace

RunFolder::RunFolder(const std::string& task, const std::string& out, bool fresh)
    : path_(run_folder(task, out)),
      lock_(path_),
      opened_(std::filesystem::file_time_type::clock::now() - std::chrono::milliseconds(20)) {  // times of files are coarser
  if (fresh && std::filesystem::exists(detail::last_file(path_)))
    bad_file("--out ", path_, ": holds a training already: must be another folder, or --resume ", shell_word(path_),
             " goes on with it");
  if (fresh && std::filesystem::exists(path_ + "/best.safetensors"))
    bad_file("--out ", path_,
             ": holds a best.safetensors already, and no last.safetensors to go on from: must be another folder, or without that "
             "file");
  remove_unfinished(path_);
  remove_unfinished(path_ + "/pictures");
}

std::vector<std::string> RunFolder::files_of_task() const {
  constexpr std::string_view always =
      " config.json metrics.jsonl steps.jsonl warnings.jsonl views.json report.html samples.txt "
      "best.safetensors last.safetensors ";
  std::vector<std::string> files;
  std::error_code gone;
  for (const auto& entry : std::filesystem::directory_iterator(path_, gone))
    if (const std::string name = entry.path().filename().string(); always.find(" " + name + " ") == std::string_view::npos &&
                                                                   !name.starts_with("events.") && entry.is_regular_file() &&
                                                                   entry.last_write_time() >= opened_)
      files.push_back(name);
  std::sort(files.begin(), files.end());
  return files;
}

std::string find_checkpoint(const std::string& run) {
  namespace fs = std::filesystem;
  if (fs::is_directory(run)) {
    for (const char* name : {"best.safetensors", "last.safetensors"})
      if (const fs::path file = fs::path(run) / name; fs::exists(file)) return file.string();
    bad_file(run,
             ": holds no best.safetensors and no last.safetensors: must be a folder that a training saved in, or a file of it");
  }
  if (!fs::exists(run)) bad_file(run, ": there is no such folder or file");
  return run;
}

void write_config(const std::string& folder, const TrainOptions& options, const std::vector<Metric>& parts,
                  const std::optional<ValidatedBy>& validation, const std::string& data) {
  const std::string path = folder + "/config.json";
  std::string began = local_time(std::time(nullptr));
  Json before = Json::array();  // commands of a training that went on with other options
  if (!options.resume.empty() && std::filesystem::exists(path))
    if (const Json old = parsed_json(read_text(path, most_of_config)); old.is_object()) {
      if (old.contains("began") && old["began"].is_string()) began = old["began"];
      if (old.contains("before") && old["before"].is_array())
        for (const Json& command : old["before"])
          if (command.is_string()) before.push_back(command);
      if (old.contains("command") && old["command"].is_string() && old["command"] != options.command)
        before.push_back(old["command"]);
    }
  Json config;
  config["task"] = options.metadata.at("task");
  for (const auto& [name, value] : options.metadata)
    if (name != "task") config["options"][name] = value;
  if (!before.empty()) config["before"] = before;
  config["command"] = options.command;
  for (const Metric& part : parts) config["examples"][part.name] = static_cast<Index>(part.value);
  if (validation) config["validation"] = {{"name", validation->name}, {"higher_is_better", validation->higher_is_better}};
  config["began"] = began;
  if (!data.empty()) config["data"] = data;
  config["machine"] = machine();
  config["threads"] = options.threads;
  config["version"] = CAROUSEL_VERSION;
  config["blas"] = blas_name();
  write_text(path, written(config, 2) + "\n");
}

LinesFile::LinesFile(const std::string& path, const char* key, Index last, const std::function<void(std::string_view)>& see) {
  std::string kept;
  if (last > 0 && std::filesystem::exists(path)) {
    LineReader before(path);
    for (std::string line; before.next(line);) {
      const Json one = parsed_json(line);
      if (!one.is_object() || !one.contains(key) || !one[key].is_number_integer() || one[key] > last) break;
      if (see) see(line);
      kept += line + "\n";
      last_kept_ = line;
    }
  }
  write_text(path, kept);
  file_.emplace(path);
}

void LinesFile::add(const std::string& line) {
  const std::string whole = line + "\n";
  file_->add(std::as_bytes(std::span(whole)));
}

double cpu_seconds() {
  timespec time{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) + 1e-9 * static_cast<double>(time.tv_nsec);
}

MetricsFile::MetricsFile(const std::string& folder, Index epochs_done) : file_(folder + "/metrics.jsonl", "epoch", epochs_done) {
  const Json last = parsed_json(file_.last_kept());
  const auto number = [&](const char* name) {
    return last.is_object() && last.contains(name) && last[name].is_number() ? last[name].get<double>() : 0.0;
  };
  seconds_ = number("seconds"), cpu_seconds_ = number("cpu_seconds");
}

void MetricsFile::add(std::string_view first, const std::vector<Metric>& metrics) {
  std::string line = fmt::format("{{{}", first);
  for (const Metric& metric : metrics)
    line += fmt::format(",\"{}\":{}", metric.name, std::isfinite(metric.value) ? fmt::format("{}", metric.value) : "null");
  file_.add(line + "}");
}

}  // namespace carousel
