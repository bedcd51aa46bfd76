#include <carousel/tasks/run_folder.hpp>

#include <cmath>
#include <ctime>
#include <filesystem>

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

void write_config(const std::string& folder, const Metadata& options, const std::vector<Metric>& parts) {
  Json config;
  config["task"] = options.at("task");
  for (const auto& [name, value] : options)
    if (name != "task") config["options"][name] = value;
  for (const Metric& part : parts) config["examples"][part.name] = static_cast<Index>(part.value);
  config["version"] = CAROUSEL_VERSION;
  config["blas"] = blas_name();
  write_text(folder + "/config.json", config.dump(2) + "\n");
}

MetricsFile::MetricsFile(const std::string& folder, Index epochs_done) : path_(folder + "/metrics.jsonl") {
  std::string kept;
  if (epochs_done > 0 && std::filesystem::exists(path_)) {
    std::ifstream before(path_);
    for (std::string line; std::getline(before, line);) {
      const Json one = Json::parse(line, nullptr, false);
      if (!one.is_object() || !one.contains("epoch") || !one["epoch"].is_number_integer() || one["epoch"] > epochs_done) break;
      if (one.contains("seconds") && one["seconds"].is_number()) seconds_ = one["seconds"];
      kept += line + "\n";
    }
  }
  write_text(path_, kept);
  file_.open(path_, std::ios::app);
}

void MetricsFile::add(std::string_view first, const std::vector<Metric>& metrics) {
  file_ << "{" << first;
  for (const Metric& metric : metrics)
    file_ << fmt::format(",\"{}\":{}", metric.name, std::isfinite(metric.value) ? fmt::format("{}", metric.value) : "null");
  file_ << "}" << std::endl;
  if (!file_) bad_file("write ", path_, ": could not be written: must have room on its disk");
}

}  // namespace carousel
