#include <carousel/tasks/commands/runs_command.hpp>

#include <unistd.h>

#include <chrono>
#include <cmath>
#include <memory>

#include <fmt/format.h>

#include <carousel/lib/error.hpp>
#include <carousel/tasks/base/interrupt.hpp>
#include <carousel/tasks/base/metric.hpp>
#include <carousel/tasks/base/progress.hpp>
#include <carousel/tasks/base/terminal.hpp>
#include <carousel/tasks/base/text.hpp>
#include <carousel/tasks/base/text_table.hpp>
#include <carousel/tasks/commands/compare.hpp>
#include <carousel/tasks/drawing/json.hpp>
#include <carousel/tasks/runs/run_folder.hpp>
#include <carousel/tasks/training/command_line.hpp>
#include <carousel/tasks/training/training_progress.hpp>

namespace carousel {

namespace {

std::string when(const RunRecord& run) {
  return local_time(std::chrono::system_clock::to_time_t(std::chrono::file_clock::to_sys(run.changed)));
}

/// "lstm 128", "2 x gru 64, both directions"
std::string net_of(const RunRecord& run) {
  std::string net = run.option("cell");
  if (const std::string layers = run.option("layers"); !layers.empty() && layers != "1") net = layers + " x " + net;
  if (const std::string hidden = run.option("hidden"); !hidden.empty()) net += " " + hidden;
  return plain_or_quoted(net + (run.option("bidirectional") == "yes" ? ", both directions" : ""));
}

std::string short_size(std::uintmax_t bytes) {
  const auto size = static_cast<double>(bytes);
  if (size < 1e3) return fmt::format("{} B", bytes);
  if (size < 1e6) return fmt::format("{:.1f} kB", size / 1e3);
  return size < 1e9 ? fmt::format("{:.1f} MB", size / 1e6) : fmt::format("{:.1f} GB", size / 1e9);
}

Json object_of(const std::vector<Metric>& metrics) {
  Json object = Json::object();
  for (const Metric& metric : metrics) object[metric.name] = metric.value;  // null where it is not finite
  return object;
}

/// Of the terminal that the page goes to; 0: to none.
Index columns_of_screen() {
  const std::optional<Terminal> screen = terminal(STDOUT_FILENO);
  return screen ? screen->columns : 0;
}

}  // namespace

std::string runs_page(const std::vector<RunRecord>& runs, Index width) {
  std::vector<std::vector<std::string>> rows = {
      {"run", "task", "when", "net", "epochs", "state", "metric", "time", "CPU", "size"}};
  for (const RunRecord& run : runs) {
    const std::optional<Metric> outcome = run.outcome();
    const std::string planned = plain_or_quoted(run.option("epochs"));
    rows.push_back({plain_or_quoted(run.folder), run.task, when(run), net_of(run),
                    run.state == "imported" ? "-" : fmt::format("{}/{}", run.epochs.size(), planned), run.state,
                    outcome ? plain_or_quoted(outcome->name) + " " +
                                  (is_whole(outcome->value) ? count_text(outcome->value) : number(outcome->value)) +
                                  (run.not_better_than.empty() ? "" : ", not better than " + plain_or_quoted(run.not_better_than))
                            : "",
                    clock_text(run.seconds), std::isnan(run.cpu_seconds) ? "" : clock_text(run.cpu_seconds),
                    short_size(run.bytes)});
  }
  std::vector<std::size_t> right = {4, 7, 8, 9};
  for (const std::size_t least : {9U, 8U, 7U, 2U, 2U}) {  // what a narrow terminal leaves out: from the right, then when and net
    if (width == 0 || widest_line(text_table(rows, right)) <= width) break;
    for (std::vector<std::string>& row : rows) row.erase(row.begin() + static_cast<std::ptrdiff_t>(least));
    if (least == 2) --right.front();
  }
  return text_table(rows, right);
}

std::string runs_json(const std::vector<RunRecord>& runs) {
  std::string out = "[";
  for (const RunRecord& run : runs) {
    Json one;
    one["run"] = run.folder;
    one["task"] = run.task;
    one["when"] = when(run);
    one["state"] = run.state;
    one["epochs"] = run.epochs.size();
    one["options"] = run.options;
    one["metrics"] = object_of(run.epochs.empty() ? std::vector<Metric>() : run.epochs.back());
    one["result"] = object_of(run.result);
    if (!run.samples.empty()) one["samples"] = run.samples;
    one["seconds"] = run.seconds;
    one["cpu_seconds"] = run.cpu_seconds;
    one["bytes"] = run.bytes;
    out += (out.size() > 1 ? ",\n " : "") + written(one);
  }
  return out + "]";
}

void declare_runs(CLI::App& app, Command& chosen) {
  struct Given {
    std::string folder = "runs";
    bool json = false;
  };
  const auto given = std::make_shared<Given>();
  CLI::App& runs =
      detail::declare_command(app, "runs", "lists trainings by their folders, the newest first", "example: carousel runs");
  detail::declare_argument(runs, "FOLDER", given->folder, "what holds the folders of trainings, or one of them (runs)", false);
  detail::declare_flag(runs, "--json", "all that is known of them, as JSON", [given] { given->json = true; });
  detail::on_command(runs, [given, &chosen] {
    chosen = [given] {
      std::vector<std::string> passed_over;
      const std::vector<RunRecord> found = find_runs(given->folder, passed_over);
      for (const std::string& line : passed_over) note(line);
      if (found.empty() && !given->json)
        note(plain_or_quoted(given->folder) + ": no training has saved here");
      else
        print(given->json ? runs_json(found) : runs_page(found, columns_of_screen()));
      return exit_done;
    };
  });
}

void declare_compare(CLI::App& app, Command& chosen) {
  struct Given {
    std::vector<std::string> folders;
    std::string out;
  };
  const auto given = std::make_shared<Given>();
  CLI::App& compare = detail::declare_command(app, "compare", "puts trainings side by side: options that differ, metrics, losses",
                                              "example: carousel compare runs/lstm runs/gru --out losses.svg");
  detail::declare_arguments(compare, "RUN", given->folders, "folders of two trainings or more");
  detail::declare_option(compare, "--out", "FILE.svg", "file for a chart of their losses", [given](const std::string& file) {
    if (!file.ends_with(".svg")) wrong_argument("--out ", file, ": must be a file FILE.svg");
    given->out = file;
  });
  detail::on_command(compare, [given, &chosen] {
    chosen = [given] {
      if (given->folders.size() < 2) wrong_argument("compare: one run: must be two or more");
      std::vector<RunRecord> runs;
      for (const std::string& folder : given->folders) runs.push_back(read_run(folder));
      // Whoever reads the page may stop before its end, and the program with that: `carousel compare … --out F | head`.
      if (!given->out.empty()) write_text(given->out, losses_chart(runs));
      print(compare_page(runs, locale_is_utf8(), columns_of_screen()));
      if (!given->out.empty()) note("their losses are drawn in " + given->out);
      return exit_done;
    };
  });
}

}  // namespace carousel
