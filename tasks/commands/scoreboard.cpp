#include <carousel/tasks/commands/scoreboard.hpp>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <filesystem>
#include <map>
#include <mutex>
#include <optional>
#include <sstream>
#include <thread>

#include <fmt/format.h>

#include <carousel/lib/error.hpp>
#include <carousel/tasks/base/child.hpp>
#include <carousel/tasks/base/interrupt.hpp>
#include <carousel/tasks/base/metric.hpp>
#include <carousel/tasks/base/progress.hpp>
#include <carousel/tasks/base/text.hpp>
#include <carousel/tasks/runs/run_folder.hpp>

namespace carousel {

namespace {

namespace fs = std::filesystem;

constexpr std::string_view data_word = "$CAROUSEL_DATA/";

/// How one training went.
struct Ran {
  double minutes = 0;
  std::map<std::string, double> metrics = {};
  std::string failure = {};  ///< why there are none
};

std::vector<std::string> words_of(const std::string& text) {
  std::istringstream stream(text);
  return {std::istream_iterator<std::string>(stream), {}};
}

/// The metrics of the result line, the last of `out`.
std::map<std::string, double> metrics_of(const std::string& out, const std::string& task) {
  std::map<std::string, double> metrics;
  const std::size_t at = out.rfind("result: " + task + " ");
  if (at == std::string::npos || (at > 0 && out[at - 1] != '\n')) return metrics;
  for (const std::string& word : words_of(out.substr(at, out.find('\n', at) - at)))
    if (const std::size_t equals = word.find('='); equals != std::string::npos) {
      double value = 0;
      const char* const end = word.data() + word.size();
      if (std::from_chars(word.data() + equals + 1, end, value).ptr == end) metrics[word.substr(0, equals)] = value;
    }
  return metrics;
}

std::string last_line(std::string text) {
  while (!text.empty() && text.back() == '\n') text.pop_back();
  return text.substr(text.rfind('\n') + 1);
}

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[(values.size() - 1) / 2];
}

std::string bar_text(double at_least, double at_most) {
  if (std::isinf(at_least) && std::isinf(at_most)) return "–";
  if (std::isinf(at_most)) return fmt::format("≥ {:g}", at_least);
  if (std::isinf(at_least)) return fmt::format("≤ {:g}", at_most);
  return fmt::format("{:g} to {:g}", at_least, at_most);
}

/// What tells a row of the file from others.
std::string key_of(const ScoreRun& run, const ScoreMetric& metric) {
  return fmt::format("| {} | {} | {} |", run.task, run.options.empty() ? "–" : "`" + run.options + "`", metric.name);
}

std::string seeds_text(const ScoreRun& run) {
  return fmt::format("{}", fmt::join(run.seeds, ", "));
}

std::string row(const ScoreRun& run, const ScoreMetric& metric, const std::string& value, const std::string& minutes,
                const std::string& commit) {
  return fmt::format("{} {} | {} | {} | {} | {} | {} |", key_of(run, metric), value, bar_text(metric.at_least, metric.at_most),
                     metric.source.empty() ? "–" : metric.source, seeds_text(run), minutes, commit);
}

constexpr std::string_view worse_mark = "**worse** ";

/// A value as it stands in a row, marked if it is beyond its bar or came too late.
std::string judged(const ScoreRun& run, const ScoreMetric& metric, double value, double minutes) {
  const bool good = value >= metric.at_least && value <= metric.at_most && !(minutes > run.minutes);
  return fmt::format("{}{:.5g}", good ? "" : worse_mark, value);
}

std::string minutes_text(const ScoreRun& run, double minutes) {
  return fmt::format("{:.2f}{}", minutes, std::isinf(run.minutes) ? "" : fmt::format(" (≤ {:g})", run.minutes));
}

std::optional<double> leading_number(std::string_view text) {
  double value = 0;
  if (std::from_chars(text.data(), text.data() + text.size(), value).ec != std::errc()) return std::nullopt;
  return value;
}

/// A row of the file with what was seen then beside what is asked now; of other seeds it counts no more.
std::string row_again(const ScoreRun& run, const ScoreMetric& metric, const std::string& line) {
  constexpr std::string_view between = " | ";
  std::vector<std::string> cells;  // value, bar, source's figure, seeds, minutes, commit
  for (std::size_t from = key_of(run, metric).size() + 1, to = 0; to != std::string::npos; from = to + between.size()) {
    to = line.find(between, from);
    cells.push_back(line.substr(std::min(from, line.size()), to == std::string::npos ? to : to - from));
  }
  if (cells.size() != 6 || !cells[5].ends_with(" |") || cells[3] != seeds_text(run)) return row(run, metric, "not run", "–", "–");
  cells[5].resize(cells[5].size() - 2);
  std::string_view seen = cells[0];
  if (seen.starts_with(worse_mark)) seen.remove_prefix(worse_mark.size());
  const std::optional<double> value = leading_number(seen), minutes = leading_number(cells[4]);
  if (!value || !minutes) return row(run, metric, cells[0], cells[4], cells[5]);
  return row(run, metric, judged(run, metric, *value, *minutes), minutes_text(run, *minutes), cells[5]);
}

/// A folder for the runs, removed at the end.
class RunsFolder {
 public:
  RunsFolder() : path_((fs::temp_directory_path() / "carousel-scoreboard-XXXXXX").string()) {
    if (!mkdtemp(path_.data())) bad_file(path_, ": cannot be made");
  }
  RunsFolder(const RunsFolder&) = delete;
  RunsFolder& operator=(const RunsFolder&) = delete;
  ~RunsFolder() {
    std::error_code ignored;
    fs::remove_all(path_, ignored);
  }
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

/// One call of run_scoreboard().
class Scoreboard {
 public:
  Scoreboard(std::span<const ScoreRun> runs, const ScoreboardOptions& options) : runs_(runs), options_(options) {
    std::vector<std::string> lines;
    if (fs::is_regular_file(options.out)) {
      constexpr std::uint64_t most = std::uint64_t{1} << 24;
      for_each_line(read_text(options.out, most), [&](std::string_view line, Index) { lines.emplace_back(line); });
    }
    for (const ScoreRun& run : runs)
      for (const ScoreMetric& metric : run.metrics) {
        const auto found = std::find_if(lines.begin(), lines.end(),
                                        [&](const std::string& line) { return line.starts_with(key_of(run, metric)); });
        rows_.push_back(found == lines.end() ? row(run, metric, "not run", "–", "–") : row_again(run, metric, *found));
      }
    ran_.resize(runs.size());
    write();  // or fails before the work
  }

  int run() {
    for (std::size_t i = 0; i < runs_.size(); ++i) {
      if (!is_chosen(runs_[i])) continue;
      ran_[i].resize(runs_[i].seeds.size());
      if (!runs_[i].needs.empty() && (options_.data.empty() || !fs::exists(fs::path(options_.data) / runs_[i].needs))) {
        set_rows(
            i, [&](const ScoreMetric&) { return "no data: " + runs_[i].needs; }, "–");
        ++missing_;
        continue;
      }
      for (std::size_t seed = 0; seed < runs_[i].seeds.size(); ++seed) todo_.emplace_back(i, seed);
      left_[i] = runs_[i].seeds.size();
    }
    write();
    std::vector<std::thread> threads;
    for (Index job = 0; job < options_.jobs; ++job) threads.emplace_back([this] { work(); });
    for (std::thread& thread : threads) thread.join();
    if (error_) std::rethrow_exception(error_);
    if (interrupted()) {
      note("stopped; what was done by then is in " + options_.out);
      return exit_interrupted;
    }
    note("written to " + options_.out);
    const int code = print_result("scoreboard", {{"good", good_}, {"worse", worse_}, {"failed", failed_}, {"missing", missing_}});
    return failed_ > 0 || (options_.check && worse_ > 0) ? exit_bad_result : code;
  }

 private:
  bool is_chosen(const ScoreRun& run) const {
    return options_.tasks.empty() || std::find(options_.tasks.begin(), options_.tasks.end(), run.task) != options_.tasks.end();
  }

  /// Trains what is left to train.
  void work() try {
    for (;;) {
      std::unique_lock lock(mutex_);
      if (next_ == todo_.size() || interrupted() || error_) return;
      const auto [run, seed] = todo_[next_++];
      note(fmt::format("{} of {}: train {} {} --seed {}", next_, todo_.size(), runs_[run].task, runs_[run].options,
                       runs_[run].seeds[seed]));
      lock.unlock();
      Ran ran = train(runs_[run], runs_[run].seeds[seed]);
      lock.lock();
      if (interrupted()) return;
      ran_[run][seed] = std::move(ran);
      if (--left_[run] == 0) finish(run);
    }
  } catch (...) {
    const std::lock_guard lock(mutex_);
    error_ = std::current_exception();
  }

  Ran train(const ScoreRun& run, Index seed) const {
    const std::string folder = fmt::format("{}/{}-{}", runs_folder_.path(), &run - runs_.data(), seed);
    std::vector<std::string> words = {options_.program, "train", run.task};
    for (std::string& word : words_of(run.options)) {
      if (word.starts_with(data_word)) word = options_.data + "/" + word.substr(data_word.size());
      words.push_back(std::move(word));
    }
    words.insert(words.end(), {"--seed", std::to_string(seed), "--quiet", "--out", folder});
    const ChildEnd end = run_child(words);
    Ran ran{.minutes = end.cpu_seconds / 60, .metrics = metrics_of(end.out, run.task)};
    if (end.code != exit_done) ran.failure = fmt::format("failed with code {}: {}", end.code, last_line(end.err));
    return ran;
  }

  /// The rows of a training whose seeds are all done.
  void finish(std::size_t i) {
    const ScoreRun& run = runs_[i];
    const std::vector<Ran>& all = ran_[i];
    double minutes = 0;
    for (const Ran& ran : all) minutes = std::max(minutes, ran.minutes);
    const auto value_of = [&](const ScoreMetric& metric) -> std::string {
      std::vector<double> values;
      for (const Ran& ran : all) {
        const auto found = ran.metrics.find(metric.name);
        if (!ran.failure.empty() || found == ran.metrics.end()) {
          ++failed_;
          return ran.failure.empty() ? "failed: no such metric" : ran.failure;
        }
        values.push_back(found->second);
      }
      std::string value = judged(run, metric, median(values), minutes);
      ++(value.starts_with(worse_mark) ? worse_ : good_);
      return value;
    };
    set_rows(i, value_of, minutes_text(run, minutes));
    write();
  }

  template <class F>
  void set_rows(std::size_t i, F value_of, const std::string& minutes) {
    std::size_t at = 0;
    for (std::size_t before = 0; before < i; ++before) at += runs_[before].metrics.size();
    for (const ScoreMetric& metric : runs_[i].metrics) {
      std::string value = value_of(metric);
      std::replace(value.begin(), value.end(), '|', '/');
      rows_[at] = row(runs_[i], metric, value, minutes, options_.commit);
      print(rows_[at++]);
    }
  }

  void write() const {
    std::string text =
        "# Scoreboard\n\n"
        "Written by `./tasks/run scoreboard`; every value is of a run of the commit beside it, `carousel train TASK OPTIONS "
        "--seed\n"
        "SEED`. Of several seeds it is the median. The bar is what `./tests/run --long` asks for, the source's figure what the\n"
        "program or paper that the task is taken from reports. Minutes are the processor's, user and system, of the longest of\n"
        "the trainings.\n\n"
        "| task | options | metric | value | bar | source's figure | seed | minutes | commit |\n"
        "|---|---|---|---|---|---|---|---|---|\n";
    for (const std::string& one : rows_) text += one + "\n";
    write_text(options_.out, text);
  }

  const std::span<const ScoreRun> runs_;
  const ScoreboardOptions& options_;
  const RunsFolder runs_folder_;
  std::vector<std::string> rows_;                          // in the order of the runs and their metrics
  std::vector<std::vector<Ran>> ran_;                      // by run and seed
  std::vector<std::pair<std::size_t, std::size_t>> todo_;  // run, seed
  std::map<std::size_t, std::size_t> left_;                // seeds of a run
  std::size_t next_ = 0;
  double good_ = 0, worse_ = 0, failed_ = 0, missing_ = 0;
  std::mutex mutex_;
  std::exception_ptr error_;
};

/// The folder tasks of the tree that this program was built from.
fs::path tasks_folder() {
  return fs::path(CAROUSEL_DEFAULT_TEXT).parent_path().parent_path();
}

}  // namespace

int run_scoreboard(std::span<const ScoreRun> runs, const ScoreboardOptions& options) {
  return Scoreboard(runs, options).run();
}

std::string default_scoreboard() {
  return fs::is_directory(tasks_folder()) ? (tasks_folder() / "SCOREBOARD.md").string() : "";
}

std::string current_commit() try {
  const std::string tree = tasks_folder().parent_path().string();
  const ChildEnd head = run_child({"git", "-C", tree, "rev-parse", "--short", "HEAD"});
  const ChildEnd changes =
      run_child({"git", "-C", tree, "status", "--porcelain", "--untracked-files=no", "--", ".", ":(exclude)tasks/SCOREBOARD.md"});
  if (head.code != 0 || changes.code != 0) return "unknown";
  return last_line(head.out) + (changes.out.empty() ? "" : "+");
} catch (const std::runtime_error&) {
  return "unknown";
}

}  // namespace carousel
