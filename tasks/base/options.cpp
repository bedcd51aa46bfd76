#include <carousel/tasks/base/options.hpp>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdlib>
#include <filesystem>

#include <fmt/format.h>

#include <carousel/lib/error.hpp>
#include <carousel/models/cells/any_cell.hpp>
#include <carousel/tasks/base/did_you_mean.hpp>

namespace carousel {

namespace {

/// " of 1 or more" and the like; nothing where every value will do.
std::string describe(const Rule& rule) {
  constexpr double infinity = std::numeric_limits<double>::infinity();
  if (rule.at_most < infinity) return fmt::format(" of {} to {}", rule.at_least, rule.at_most);
  std::string out;
  if (rule.at_least > -infinity) out += fmt::format(" of {:g} or more", rule.at_least);
  if (rule.above > -infinity) out += fmt::format(" above {:g}", rule.above);
  if (rule.below < infinity) out += fmt::format("{} below {:g}", out.empty() ? "" : " and", rule.below);
  return out;
}

bool holds(const Rule& rule, double value) {
  return value >= rule.at_least && value > rule.above && value < rule.below && value <= rule.at_most;
}

template <class V>
void read_number(const std::string& option, const std::string& text, const Rule& rule, V& value, const char* kind) {
  const char* const end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, value);
  if (error == std::errc() && stop == end && std::isfinite(static_cast<double>(value)) && holds(rule, static_cast<double>(value)))
    return;
  wrong_argument(option, " ", text, ": must be ", kind, describe(rule), rule.instead.empty() ? "" : "; ", rule.instead);
}

}  // namespace

namespace detail {

void read_value(const std::string& option, const std::string& text, const Rule& rule, Index& value) {
  read_number(option, text, rule, value, "a whole number");
}

void read_value(const std::string& option, const std::string& text, const Rule& rule, double& value) {
  read_number(option, text, rule, value, "a number");
}

void read_value(const std::string& option, const std::string& text, const Rule& rule, std::string& value) {
  if (!rule.one_of.empty() && std::find(rule.one_of.begin(), rule.one_of.end(), text) == rule.one_of.end())
    refuse_word(option + " ", text, rule.one_of);
  value = text;
}

void read_value(const std::string& option, const std::string& text, const Rule&, bool& value) {
  const auto is_one_of = [&](std::initializer_list<const char*> words) {
    return std::find(words.begin(), words.end(), text) != words.end();
  };
  value = is_one_of({"", "yes", "on", "true"});
  if (!value && !is_one_of({"no", "off", "false"})) wrong_argument(option, " ", text, ": must be yes or no");
}

std::string text_of(Index value) {
  return std::to_string(value);
}
std::string text_of(double value) {
  return fmt::format("{}", value);
}
std::string text_of(const std::string& value) {
  return value;
}
std::string text_of(bool value) {
  return value ? "yes" : "no";
}

std::string metadata_key(const std::string& option) {
  return option == "--optimizer" ? "update_rule" : option.substr(2);  // save() puts an "optimizer" of its own there
}

std::string option_of_key(const std::string& key) {
  return key == "update_rule" ? "--optimizer" : "--" + key;
}

Rule one_of_the_cells() {
  Rule rule;
  for (const CellName& cell : cell_names()) rule.one_of.emplace_back(cell.name);
  return rule;
}

std::string last_file(const std::string& folder) {
  return folder + "/last.safetensors";
}

std::string data_folder() {
  if (const char* const folder = std::getenv("CAROUSEL_DATA")) return folder;
  const std::string usual = usual_data_folder();
  std::error_code not_there;
  return !usual.empty() && std::filesystem::is_directory(usual, not_there) ? usual : "";
}

std::string usual_data_folder() {
  const auto absolute = [](const char* name) {
    const char* const folder = std::getenv(name);
    return folder && *folder == '/' ? std::string(folder) : "";  // relative ones are to be ignored, says the specification
  };
  if (const std::string data = absolute("XDG_DATA_HOME"); !data.empty()) return data + "/carousel";
  if (const std::string home = absolute("HOME"); !home.empty()) return home + "/.local/share/carousel";
  return "";
}

std::string find_on_shelf(const std::string& path, const std::string& shelf) {
  std::error_code not_there;
  if (path.empty() || std::filesystem::exists(path, not_there) || path.find('/') != std::string::npos) return path;
  if (const std::string data = data_folder(); !data.empty())
    for (const char* ending : {"", ".txt"})
      if (std::string found = join(data, "/", shelf, "/", path, ending); std::filesystem::exists(found, not_there)) return found;
  return path;
}

}  // namespace detail

const std::vector<std::string>& schedule_names() {
  static const std::vector<std::string> names = {"constant", "cosine", "exponential"};
  return names;
}

std::string list_words(const std::vector<std::string>& words) {
  std::string out;
  for (const std::string& word : words) out += (out.empty() ? "" : ", ") + word;
  return out;
}

}  // namespace carousel
