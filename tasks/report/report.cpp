#include <carousel/tasks/report/report.hpp>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <map>
#include <optional>
#include <sstream>
#include <string_view>

#include <fmt/format.h>

#include <carousel/lib/error.hpp>
#include <carousel/tasks/base/progress.hpp>
#include <carousel/tasks/base/task.hpp>
#include <carousel/tasks/base/text.hpp>
#include <carousel/tasks/drawing/json.hpp>
#include <carousel/tasks/nets/diagnosis.hpp>
#include <carousel/tasks/runs/metric_meaning.hpp>
#include <carousel/tasks/runs/run_curves.hpp>

#include "report_parts.hpp"  // made by the build, of tasks/report/

namespace carousel {

namespace {

/// The whole of a file, or nothing where there is none.
std::string content(const std::string& path) {
  constexpr std::uint64_t most = std::uint64_t{1} << 28;
  return std::filesystem::exists(path) ? read_text(path, most) : "";
}

/// An object; an empty one where the text is none.
Json object_of(const std::string& text) {
  Json json = parsed_json(text);
  return json.is_object() ? json : Json::object();
}

/// The lines that are objects.
std::vector<Json> objects_of(const std::string& text) {
  std::vector<Json> objects;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);)
    if (Json json = parsed_json(line); json.is_object()) objects.push_back(std::move(json));
  return objects;
}

std::string text_at(const Json& json, const char* key) {
  const auto found = json.find(key);
  return found != json.end() && found->is_string() ? found->get<std::string>() : "";
}

/// JSON in a script element: without "<" nothing in it can end the element.
std::string inside_script(const Json& json) {
  const std::string text = written(json);
  std::string out;
  for (const char c : text) out += c == '<' ? "\\u003c" : std::string(1, c);
  return out;
}

/// The skeleton with each {{name}} replaced; what is put in is not looked at again.
std::string filled(std::string_view page, const std::map<std::string_view, std::string>& parts) {
  std::string out;
  for (std::size_t at = 0; at < page.size();) {
    const std::size_t open = std::min(page.find("{{", at), page.size());
    out += page.substr(at, open - at);
    if (open == page.size()) break;
    const std::size_t close = page.find("}}", open);
    out += parts.at(page.substr(open + 2, close - open - 2));
    at = close + 2;
  }
  return out;
}

/// Chart.js as it may stand in a script element, or nothing.
std::string chart_js() {
  const char* const named = std::getenv("CAROUSEL_CHART_JS");
  std::string text = content(named ? named : "/usr/share/javascript/chart.js/chart.min.js");
  return text.find("</script") == std::string::npos && text.find("<!--") == std::string::npos ? text : "";
}

/// The views of a file, without drawings that it brings along: the page takes ours as elements, which could hold scripts.
Json views_of(const std::string& text) {
  Json views = Json::array();
  const Json json = object_of(text);
  if (const auto all = json.find("views"); all != json.end() && all->is_array())
    for (Json view : *all)
      if (view.is_object()) {
        view.erase("svg");
        views.push_back(std::move(view));
      }
  return views;
}

/// Adds the SVG of every view that has lines.
void add_svg(Json& views) {
  for (Json& view : views) {
    if (text_at(view, "kind") != "lines") continue;
    try {
      view["svg"] = svg(chart_of(view), {.own_style = false});
    } catch (const std::exception&) {  // nothing to draw: the page says so
    }
  }
}

/// The configuration as others may see it: of paths only the last name, for where things lie on a machine is nobody's business.
Json without_places(Json config) {
  const auto options = config.find("options");
  if (options == config.end() || !options->is_object()) return config;
  std::vector<std::string> paths;
  for (Json& value : *options)
    if (value.is_string() && value.get_ref<const std::string&>().starts_with('/')) {
      paths.push_back(value);
      value = last_name(paths.back());
    }
  // The longest first: one may lie in another.
  std::sort(paths.begin(), paths.end(), [](const std::string& a, const std::string& b) { return a.size() > b.size(); });
  const auto shorten = [&](Json& json) {
    if (!json.is_string()) return;
    std::string text = json;
    for (const std::string& path : paths)
      for (const auto& [long_one, short_one] :
           {std::pair(shell_word(path), shell_word(last_name(path))), {path, last_name(path)}})
        for (std::size_t at = text.find(long_one); at != std::string::npos; at = text.find(long_one, at + short_one.size()))
          text.replace(at, long_one.size(), short_one);
    json = text;
  };
  for (const char* key : {"command", "data"})
    if (const auto found = config.find(key); found != config.end()) shorten(*found);
  if (const auto before = config.find("before"); before != config.end() && before->is_array())
    for (Json& command : *before) shorten(command);
  return config;
}

/// A command line as one types it where this program was started, if that is no path of one machine.
std::string as_typed(const std::string& command) {
  const char* const started = std::getenv("CAROUSEL_STARTED_AS");
  return started && *started == '/' ? command : as_started(command);
}

/// Names and values that say what the training was.
Json configuration(const Json& config) {
  view::Table table{.head = {"option", "value"}, .rows = {}};
  const auto add = [&](const std::string& name, const Json& value) {
    table.rows.push_back({name, value.is_string() ? value.get<std::string>() : value.dump()});
  };
  for (const auto& [name, value] : config.items())
    if (name == "options" || name == "examples") {
      for (const auto& [key, one] : value.items()) add(name == "examples" ? key + " examples" : detail::option_of_key(key), one);
    } else if (value.is_object()) {
      for (const auto& [key, one] : value.items()) add(name + " " + key, one);
    } else if (name != "command" && name != "before") {
      add(name, value);
    }
  Views views;
  views.add("All that it was told",
            "With the same options, seed and program a training gives the same bits, if it is done in one go or goes on with all "
            "options as they were.",
            std::move(table));
  return parsed_json(json_text(views))["views"];
}

}  // namespace

std::string report_page(const std::string& folder, bool running) {
  const std::string config_text = content(folder + "/config.json"), metrics_text = content(folder + "/metrics.jsonl"),
                    steps_text = content(folder + "/steps.jsonl"), views_text = content(folder + "/views.json");
  if (config_text.empty() && metrics_text.empty() && steps_text.empty() && views_text.empty())
    bad_file(folder, ": holds no config.json, metrics.jsonl, steps.jsonl or views.json: must be the folder of a training");
  const Json config = without_places(object_of(config_text));
  Json views = views_of(views_text);

  const RunCurves run = curves_of(objects_of(metrics_text), objects_of(steps_text));
  Json sections = Json::array();
  const auto add = [&](const char* title, Json of) {
    if (!of.empty()) sections.push_back({{"title", title}, {"views", std::move(of)}});
  };
  add("How it learned", run.learning);
  add("What it does", std::move(views));
  add("Gradients and steps", run.gradients);
  const std::string js = chart_js();
  if (js.empty())
    for (Json& section : sections) add_svg(section["views"]);
  if (!config.empty()) add("What it was told", configuration(config));

  const std::string task = text_at(config, "task");
  Json facts = Json::array();
  if (const std::string from = text_at(config, "data"); !from.empty()) facts.push_back("data: " + from);
  for (const std::string& fact : {text_at(config, "began"), text_at(config, "machine")})
    if (!fact.empty()) facts.push_back(fact);
  if (const std::string version = text_at(config, "version"); !version.empty()) facts.push_back("carousel " + version);
  const bool exploded = run.exploded && !run.done;
  std::string failure = exploded ? "The loss exploded: try a smaller --rate, or --clip 1" : "";
  Json warnings = Json::array();
  for (const Json& line : objects_of(content(folder + "/warnings.jsonl")))
    if (const std::string warning = text_at(line, "text"); !warning.empty()) {
      if (exploded && text_at(line, "kind") == exploded_loss)
        failure = warning;
      else
        warnings.push_back(warning);
    }
  Json commands = Json::array();
  if (const auto before = config.find("before"); before != config.end() && before->is_array())
    for (const Json& command : *before)
      if (command.is_string()) commands.push_back(as_typed(command));
  if (const std::string command = text_at(config, "command"); !command.empty()) commands.push_back(as_typed(command));
  const std::string place = std::filesystem::path(folder).is_absolute() ? last_name(folder) : folder;
  const std::string go_on = join("carousel train ", task, " --resume ", shell_word(place));
  Json cards = run.result;
  for (Json& card : cards) card.push_back(meaning_of(card.at(0).get<std::string>()));
  Json data = {{"name", task.empty() ? "a training" : task},
               {"about", ""},
               {"done", run.done},
               {"running", running && !run.done},
               {"failure", failure},
               {"not_better_than", run.not_better_than},
               {"facts", facts},
               {"metrics", cards},
               {"seconds", run.seconds},
               {"commands", commands},
               {"go_on", run.done || exploded || running || task.empty() ? "" : as_typed(go_on)},
               {"warnings", warnings},
               {"sections", sections}};
  for (const Task& one : all_tasks())
    if (one.name == task) data["about"] = one.about;
  return filled(embedded(".html"), {{"title", markup(fmt::format("{}: {}", data["name"].get<std::string>(), last_name(folder)))},
                                    {"style", embedded(".css")},
                                    {"data", inside_script(data)},
                                    {"chart", js},
                                    {"script", embedded(".js")}});
}

std::string write_report(const std::string& folder, bool running) {
  std::string path = (std::filesystem::path(folder) / "report.html").string();
  write_text(path, report_page(folder, running));
  return path;
}

}  // namespace carousel
