#include <carousel/tasks/options.hpp>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdlib>

#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include <carousel/lib/error.hpp>
#include <carousel/models/any_cell.hpp>

namespace carousel {

namespace {

/// " of 1 or more" and the like; nothing where every value will do.
std::string describe(const Rule& rule) {
  constexpr double infinity = std::numeric_limits<double>::infinity();
  std::string out;
  if (rule.at_least > -infinity) out += fmt::format(" of {:g} or more", rule.at_least);
  if (rule.above > -infinity) out += fmt::format(" above {:g}", rule.above);
  if (rule.below < infinity) out += fmt::format("{} below {:g}", out.empty() ? "" : " and", rule.below);
  return out;
}

bool holds(const Rule& rule, double value) {
  return value >= rule.at_least && value > rule.above && value < rule.below;
}

template <class V>
void read_number(const std::string& option, const std::string& text, const Rule& rule, V& value, const char* kind) {
  const char* const end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, value);
  if (error == std::errc() && stop == end && std::isfinite(static_cast<double>(value)) && holds(rule, static_cast<double>(value)))
    return;
  wrong_argument(option, " ", text, ": must be ", kind, describe(rule));
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
    wrong_argument(option, " ", text, ": must be one of ", list_words(rule.one_of));
  value = text;
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

std::string help_with_defaults(const std::string& help, const std::vector<std::pair<std::string, std::string>>& defaults) {
  if (defaults.empty()) return help;
  const std::string& usual = defaults.front().second;
  std::string out;
  for (const auto& [preset, value] : defaults) {
    if (value == usual && preset != defaults.front().first) continue;
    if (value.empty()) continue;
    out += (out.empty() ? "" : "; ") + (preset == defaults.front().first ? value : preset + ": " + value);
  }
  return out.empty() ? help : help + " (" + out + ")";
}

void declare_option(CLI::App& app, const std::string& name, const std::string& value, const std::string& help,
                    std::function<void(const std::string&)> read) {
  app.add_option_function<std::string>(name, read, help)->type_name(value)->multi_option_policy(CLI::MultiOptionPolicy::TakeLast);
}

void declare_flag(CLI::App& app, const std::string& name, const std::string& help, std::function<void()> set) {
  app.add_flag_callback(name, set, help);
}

Rule one_of_the_cells() {
  Rule rule;
  for (const CellName& cell : cell_names()) rule.one_of.emplace_back(cell.name);
  return rule;
}

std::string data_folder() {
  const char* const folder = std::getenv("CAROUSEL_DATA");
  return folder ? folder : "";
}

}  // namespace detail

std::string list_words(const std::vector<std::string>& words) {
  std::string out;
  for (const std::string& word : words) out += (out.empty() ? "" : ", ") + word;
  return out;
}

}  // namespace carousel
