#pragma once
/// The folder of a run. Every training writes config.json, metrics.jsonl, steps.jsonl, last.safetensors, views.json, report.html,
/// pictures/; some best.safetensors (where it validates), warnings.jsonl (where something goes wrong), profile.json (--profile),
/// events.out.tfevents.… (--tensorboard), samples.txt (what it made, where that is text or lists), and what a task has to say:
/// curve.svg, forecast.csv, ….

#include <cstdint>
#include <ctime>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <carousel/lib/files/file.hpp>
#include <carousel/tasks/base/metric.hpp>
#include <carousel/tasks/base/options.hpp>
#include <carousel/tasks/runs/run_lock.hpp>

namespace carousel {

/// The folder that a training saves in, made if it is not there, and held for it.
class RunFolder {
 public:
  /// `out`, or if that is empty a new one, runs/TASK-DATE-TIME. Throws std::runtime_error if it cannot be made, if another
  /// training runs there, or if it is to be `fresh` and a training lies there.
  RunFolder(const std::string& task, const std::string& out, bool fresh);
  const std::string& path() const { return path_; }
  /// The files that the task wrote in it, by name: those that are new since, but for what every training leaves.
  std::vector<std::string> files_of_task() const;

 private:
  std::string path_;
  RunLock lock_;
  std::filesystem::file_time_type opened_;
};

/// The checkpoint that a command's RUN means: a file itself; of a folder the best one, best.safetensors, or else
/// last.safetensors. Throws std::runtime_error if there is none.
std::string find_checkpoint(const std::string& run);

/// What validates a training: the name of the metric, and which way it gets better.
struct ValidatedBy {
  std::string name;
  bool higher_is_better;
};

/// Writes config.json: what the training was told, the command line of that, what its data are and of how many examples its
/// parts, what validates it if anything does, when it began, the machine, the program's version and its BLAS. One that goes on
/// began when the one before it did, and names the commands before its own that were others.
void write_config(const std::string& folder, const TrainOptions& options, const std::vector<Metric>& parts,
                  const std::optional<ValidatedBy>& validation = {}, const std::string& data = {});

/// Seconds of the processor, in all threads of this process.
double cpu_seconds();

/// A file that grows by lines, each a JSON object.
class LinesFile {
 public:
  /// Of what lies there it keeps the lines at the beginning whose `key` is a whole number up to `last`, and shows them to `see`;
  /// with `last` 0 none. Throws std::runtime_error if it cannot be read or written.
  LinesFile(const std::string& path, const char* key, Index last, const std::function<void(std::string_view)>& see = {});

  /// Throws std::runtime_error if it cannot be written; then none of it is.
  void add(const std::string& line);
  /// The last line that was kept, or nothing.
  const std::string& last_kept() const { return last_kept_; }

 private:
  std::string last_kept_;
  std::optional<GrowingFile> file_;
};

/// The file metrics.jsonl: a line for each epoch, and a last one for the result, or for why there is none: "ended".
class MetricsFile {
 public:
  /// A training that goes on keeps the lines of the epochs that are done; a new one begins with none.
  MetricsFile(const std::string& folder, Index epochs_done);

  /// Writes a line: `first`, which is JSON, then the metrics; null where one is not finite. Throws std::runtime_error if it can
  /// not be written.
  void add(std::string_view first, const std::vector<Metric>& metrics);
  /// The "seconds" and "cpu_seconds" of the last line that was kept, or 0.
  double seconds() const { return seconds_; }
  double cpu_seconds() const { return cpu_seconds_; }

 private:
  LinesFile file_;
  double seconds_ = 0, cpu_seconds_ = 0;
};

}  // namespace carousel
