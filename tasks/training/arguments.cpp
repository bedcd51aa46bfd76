#include <carousel/tasks/training/arguments.hpp>

#include <filesystem>

#include <carousel/lib/error.hpp>
#include <carousel/lib/utf8.hpp>
#include <carousel/tasks/base/progress.hpp>
#include <carousel/tasks/base/text.hpp>
#include <carousel/tasks/nets/optimizers.hpp>

namespace carousel::detail {

std::string help_with_defaults(const std::string& help, const std::vector<std::pair<std::string, std::string>>& defaults) {
  if (defaults.empty()) return help;
  const std::string& usual = defaults.front().second;
  std::string out;
  for (const auto& [preset, value] : defaults) {
    if (value == usual && preset != defaults.front().first) continue;
    if (value.empty() || (value == "no" && usual == "no")) continue;
    out += (out.empty() ? "" : "; ") + (preset == defaults.front().first ? value : preset + ": " + value);
  }
  return out.empty() ? help : help + " (" + out + ")";
}

Rule one_of_the_optimizers() {
  return {.one_of = optimizer_names()};
}

Metadata training_to_resume(const std::string& folder, const std::string& task) {
  const std::string file = last_file(folder);
  if (!std::filesystem::is_directory(folder)) bad_file("--resume ", folder, ": must be the folder of a training");
  if (!std::filesystem::exists(file))
    bad_file("--resume ", folder, ": holds no last.safetensors: must be the folder of a training");
  Metadata saved = read_safetensors(file).metadata;
  const auto found = saved.find("task");
  const std::string there = found == saved.end() ? "none" : found->second;
  if (there != task) bad_file(file, ": saved with task ", there, ", this is ", task, ": must be the same to go on");
  return saved;
}

std::string saved_path(const std::string& path) {
  if (path.empty()) return "";
  const std::string whole = std::filesystem::absolute(path).lexically_normal().string();
  return is_utf8(whole) ? whole : "";
}

std::string command_words(const std::string& name, const std::string& value, const std::string& text) {
  if (value.empty()) return " " + name + (text == "yes" ? "" : "=" + text);
  return " " + name + " " + shell_word(text);
}

void check_unchanged(const std::string& name, const std::string& given, const std::string& saved, const std::string& out) {
  if (given != saved)
    wrong_argument(name, " ", given, ": the training in ", out, " has ", saved, ": must be the same to go on, or left out");
}

void check_out(const std::string& out, const std::string& resume) {
  std::error_code not_there;
  if (out != resume && !std::filesystem::equivalent(out, resume, not_there))
    wrong_argument("--out ", out, ": --resume ", resume, " goes on there: must be the same, or left out");
}

void refuse_option(const std::string& name, const std::string& why) {
  wrong_argument(name, ": not here, ", why, ": must be left out");
}

const std::string& saved_value(const Metadata& metadata, const std::string& key, const std::string& file) {
  const auto found = metadata.find(key);
  if (found == metadata.end()) bad_file(file, ": its metadata have no ", key, ": must be saved by carousel train");
  return found->second;
}

void say_missing(const std::string& file, const std::vector<std::string>& names, const std::string& preset) {
  note(file + " does not say with what " + list_words(names) + " it began: now as in the preset " + preset);
}

void bad_saved_value(const std::string& file, const std::string& error) {
  bad_file(file, ": in its metadata, ", error);
}

}  // namespace carousel::detail
