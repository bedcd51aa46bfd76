#include <carousel/tasks/run_folder.hpp>

#include <cmath>
#include <ctime>
#include <filesystem>
#include <thread>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <carousel/lib/blas.hpp>
#include <carousel/lib/error.hpp>
#include <carousel/lib/file.hpp>

namespace carousel {

namespace {

using Json = nlohmann::ordered_json;

std::string new_run_folder(const std::string& task) {
  const std::time_t now = std::time(nullptr);
  std::tm parts{};
  localtime_r(&now, &parts);
  char moment[32];
  std::strftime(moment, sizeof moment, "%Y%m%d-%H%M%S", &parts);
  const std::string name = join("runs/", task, "-", std::string_view(moment));
  std::string folder = name;
  for (int n = 2; std::filesystem::exists(folder); ++n) folder = join(name, "-", n);
  return folder;
}

/// "2026-03-09 14:05"
std::string local_time() {
  const std::time_t now = std::time(nullptr);
  std::tm parts{};
  localtime_r(&now, &parts);
  char moment[32];
  std::strftime(moment, sizeof moment, "%Y-%m-%d %H:%M", &parts);
  return moment;
}

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

std::string make_run_folder(const std::string& task, const std::string& out, bool fresh) {
  const std::string folder = out.empty() ? new_run_folder(task) : out;
  if (fresh && std::filesystem::exists(detail::last_file(folder)))
    bad_file("--out ", folder, ": holds a training already: must be another folder, or --resume ", shell_word(folder),
             " goes on with it");
  if (fresh && std::filesystem::exists(folder + "/best.safetensors"))
    bad_file("--out ", folder, ": holds a best.safetensors already: must be another folder");
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  if (error) bad_file("--out ", folder, ": ", error.message(), ": must be a folder, or a place for one");
  return folder;
}

std::string shell_word(const std::string& word) {
  constexpr std::string_view plain = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-+=./:,@%";
  if (!word.empty() && word.find_first_not_of(plain) == std::string::npos) return word;
  std::string out = "'";
  for (const char c : word) out += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return out + "'";
}

void write_text(const std::string& path, const std::string& text) {
  NewFile file(path, text.size());
  file.write(std::as_bytes(std::span(text)));
  file.publish();
}

void write_config(const std::string& folder, const TrainOptions& options, const std::vector<Metric>& parts) {
  const std::string path = folder + "/config.json";
  std::string began = local_time();
  if (std::ifstream before(path); before && !options.resume.empty()) {
    const Json old = Json::parse(before, nullptr, false);
    if (old.is_object() && old.contains("began") && old["began"].is_string()) began = old["began"];
  }
  Json config;
  config["task"] = options.metadata.at("task");
  for (const auto& [name, value] : options.metadata)
    if (name != "task") config["options"][name] = value;
  config["command"] = options.command;
  for (const Metric& part : parts) config["examples"][part.name] = static_cast<Index>(part.value);
  config["began"] = began;
  config["machine"] = machine();
  config["threads"] = options.threads;
  config["version"] = CAROUSEL_VERSION;
  config["blas"] = blas_name();
  write_text(path, config.dump(2, ' ', false, Json::error_handler_t::replace) + "\n");
}

std::string json_number(double value) {
  return std::isfinite(value) ? fmt::format("{:.6g}", value) : "null";
}

LinesFile::LinesFile(const std::string& path, const char* key, Index last) : path_(path) {
  std::string kept;
  if (last > 0 && std::filesystem::exists(path)) {
    std::ifstream before(path);
    for (std::string line; std::getline(before, line);) {
      const Json one = Json::parse(line, nullptr, false);
      if (!one.is_object() || !one.contains(key) || !one[key].is_number_integer() || one[key] > last) break;
      kept += line + "\n";
      last_kept_ = std::move(line);
    }
  }
  write_text(path, kept);
  file_.open(path, std::ios::app);
}

void LinesFile::add(std::string_view line) {
  file_ << line << std::endl;
  if (!file_) bad_file("write ", path_, ": could not be written: must have room on its disk");
}

MetricsFile::MetricsFile(const std::string& folder, Index epochs_done) : file_(folder + "/metrics.jsonl", "epoch", epochs_done) {
  const Json last = Json::parse(file_.last_kept(), nullptr, false);
  if (last.is_object() && last.contains("seconds") && last["seconds"].is_number()) seconds_ = last["seconds"];
}

void MetricsFile::add(std::string_view first, const std::vector<Metric>& metrics) {
  std::string line = fmt::format("{{{}", first);
  for (const Metric& metric : metrics)
    line += fmt::format(",\"{}\":{}", metric.name, std::isfinite(metric.value) ? fmt::format("{}", metric.value) : "null");
  file_.add(line + "}");
}

}  // namespace carousel
