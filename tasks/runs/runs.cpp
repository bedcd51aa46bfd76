#include <carousel/tasks/runs/runs.hpp>

#include <algorithm>
#include <cmath>

#include <carousel/lib/error.hpp>
#include <carousel/lib/files/file.hpp>
#include <carousel/tasks/base/interrupt.hpp>
#include <carousel/tasks/base/metric.hpp>
#include <carousel/tasks/base/task.hpp>
#include <carousel/tasks/base/text.hpp>
#include <carousel/tasks/base/text_table.hpp>
#include <carousel/tasks/drawing/json.hpp>
#include <carousel/tasks/runs/baseline_json.hpp>
#include <carousel/tasks/runs/run_folder.hpp>
#include <carousel/tasks/runs/run_lock.hpp>

namespace carousel {

namespace fs = std::filesystem;

namespace {

void read_config(const std::string& path, RunRecord& run) {
  const Json config = parsed_json(read_text(path, 1 << 20));
  if (!config.is_object() || !config.contains("task") || !config["task"].is_string())
    bad_file(path, ": must be the configuration of a training, with its task");
  run.task = config["task"];
  const std::vector<Task>& tasks = all_tasks();
  if (std::none_of(tasks.begin(), tasks.end(), [&](const Task& task) { return task.name == run.task; }))
    bad_file(path, ": its task is ", plain_or_quoted(run.task), ": must be one of this program");
  if (config.contains("options") && config["options"].is_object())
    for (const auto& [name, value] : config["options"].items())
      if (value.is_string()) run.options[name] = value;
  if (config.contains("validation") && config["validation"].is_object()) {
    const Json& validation = config["validation"];
    if (validation.contains("name") && validation["name"].is_string()) run.validation = validation["name"];
    run.higher_is_better = validation.contains("higher_is_better") && validation["higher_is_better"] == true;
  }
}

/// The numbers of a line, without those that tell where it stands; nothing for a list or a word.
std::vector<Metric> numbers_of(const Json& line) {
  std::vector<Metric> metrics;
  for (const auto& [name, value] : line.items()) {
    if (name == "epoch" || name == "step" || name == "examples" || name == "seconds" || name == "cpu_seconds") continue;
    if (value.is_number() || value.is_null())
      metrics.push_back({name, value.is_number() ? value.get<double>() : std::numeric_limits<double>::quiet_NaN()});
  }
  return metrics;
}

void read_metrics(const std::string& path, RunRecord& run) {
  constexpr std::uint64_t most = std::uint64_t{1} << 28;  // a million epochs
  for_each_line(read_text(path, most), [&](std::string_view text, Index) {
    const Json line = parsed_json(text);
    if (!line.is_object()) return;  // damaged, or torn at the end
    const auto number = [&](const char* name, double& value) {
      if (line.contains(name) && line[name].is_number()) value = line[name];
    };
    number("seconds", run.seconds);
    number("cpu_seconds", run.cpu_seconds);
    if (line.contains("result")) {
      run.result = numbers_of(line);
      if (const StoredBaseline baseline = stored_baseline(line); baseline.not_better) run.not_better_than = baseline.guess;
      run.state = "finished";
    } else if (line.contains("ended")) {
      if (line["ended"] == "exploded") run.state = "exploded";
    } else if (line.contains("epoch")) {
      run.epochs.push_back(numbers_of(line));
    }
  });
}

/// Files in a folder and their bytes, whatever may be read of it.
std::uintmax_t bytes_in(const std::string& folder) {
  std::uintmax_t sum = 0;
  std::error_code error;
  for (fs::recursive_directory_iterator at(folder, fs::directory_options::skip_permission_denied, error), end;
       !error && at != end; at.increment(error)) {
    std::error_code gone;
    if (at->is_regular_file(gone) && !at->is_symlink(gone))
      if (const std::uintmax_t size = at->file_size(gone); !gone) sum += size;
  }
  return sum;
}

fs::file_time_type last_change(const std::string& folder) {
  for (const char* name : {"/metrics.jsonl", "/config.json"}) {
    std::error_code error;
    if (const fs::file_time_type time = fs::last_write_time(folder + name, error); !error) return time;
  }
  return {};
}

}  // namespace

std::string RunRecord::option(std::string_view key) const {
  const auto found = options.find(key);
  return found == options.end() ? "" : found->second;
}

std::vector<double> RunRecord::course(std::string_view metric) const {
  std::vector<double> values;
  bool any = false;
  for (const auto& epoch : epochs) {
    const auto found = std::find_if(epoch.begin(), epoch.end(), [&](const Metric& one) { return one.name == metric; });
    any = any || found != epoch.end();
    values.push_back(found == epoch.end() ? std::numeric_limits<double>::quiet_NaN() : found->value);
  }
  return any ? values : std::vector<double>();
}

std::optional<Metric> RunRecord::outcome() const {
  if (!result.empty()) return result.front();
  std::optional<Metric> best;  // of the epoch whose weights are the best: those that `eval` and `predict` use
  for (const double value : course(validation))
    if (!best || std::isnan(best->value) || (higher_is_better ? value > best->value : value < best->value))
      best = Metric{validation, value};
  return best;
}

RunRecord read_run(const std::string& folder) {
  RunRecord run;
  run.folder = folder;
  run.state = "interrupted";
  std::error_code error;
  if (!fs::is_directory(folder, error)) bad_file(plain_or_quoted(folder), ": must be the folder of a training");
  if (!fs::exists(folder + "/config.json", error))
    bad_file(plain_or_quoted(folder), ": holds no config.json: must be the folder of a training");
  read_config(folder + "/config.json", run);
  if (fs::exists(folder + "/metrics.jsonl", error)) read_metrics(folder + "/metrics.jsonl", run);
  if (run.validation == "train_loss" && !run.epochs.empty())  // an older program's did not say
    for (const Metric& metric : run.epochs.front())
      if (metric.name.starts_with("validation_")) {
        run.validation = metric.name;
        run.higher_is_better = metric.name.ends_with("accuracy") || metric.name.ends_with("auc");
        break;
      }
  if (run.state == "finished" && run.epochs.empty()) run.state = "imported";
  if (RunLock::held(folder)) run.state = "running";
  if (const std::string samples = folder + "/samples.txt"; fs::exists(samples, error)) run.samples = samples;
  run.bytes = bytes_in(folder);
  run.changed = last_change(folder);
  return run;
}

std::vector<Metric> result_of_whole_run(const std::string& folder, Index epochs) {
  for (const char* name : {"/config.json", "/views.json", "/report.html"})
    if (!fs::exists(folder + name)) return {};
  try {
    const RunRecord run = read_run(folder);
    return std::ssize(run.epochs) == epochs ? run.result : std::vector<Metric>();
  } catch (const std::exception&) {
    return {};  // a damaged one
  }
}

std::string nothing_is_left(const std::string& folder, const std::string& task, Index epochs, Index planned,
                            const std::string& in_vain) {
  const bool early = epochs < planned;
  const std::string why = early         ? join("it ended after epoch ", epochs, ", by --patience")
                          : epochs == 1 ? "its only epoch is done"
                                        : join("its ", epochs, " epochs are done");
  return join(folder, ": ", why, ": nothing is left to train", in_vain.empty() ? "" : ", and " + in_vain,
              "; for more: carousel train ", task, " --resume ", shell_word(folder),
              early ? " --patience 0" : join(" --epochs ", 2 * epochs));
}

std::vector<RunRecord> find_runs(const std::string& folder, std::vector<std::string>& passed_over) {
  std::error_code error;
  if (!fs::is_directory(folder, error)) bad_file(plain_or_quoted(folder), ": there is no such folder");
  if (fs::exists(folder + "/config.json", error)) return {read_run(folder)};
  std::vector<RunRecord> runs;
  fs::directory_iterator at(folder, error);
  if (error) bad_file(plain_or_quoted(folder), ": ", error.message());
  for (; !error && at != fs::directory_iterator(); at.increment(error)) {
    std::error_code gone;
    if (!at->is_directory(gone)) continue;
    try {
      runs.push_back(read_run((fs::path(folder) / at->path().filename()).string()));
    } catch (const std::exception& wrong) {
      std::string line = wrong.what();
      for (char& letter : line)
        if (static_cast<unsigned char>(letter) < 0x20 || letter == 0x7f) letter = '?';  // of a folder's name
      passed_over.push_back(line + "; passed over");
    }
  }
  std::sort(runs.begin(), runs.end(), [](const RunRecord& a, const RunRecord& b) {
    return a.changed != b.changed ? a.changed > b.changed : a.folder < b.folder;
  });
  std::sort(passed_over.begin(), passed_over.end());
  return runs;
}

}  // namespace carousel
