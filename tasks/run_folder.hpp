#pragma once
/// The folder of a run: config.json, metrics.jsonl, steps.jsonl, views.json, report.html, best.safetensors, last.safetensors.

#include <fstream>
#include <string>
#include <string_view>
#include <vector>

#include <carousel/tasks/options.hpp>
#include <carousel/tasks/task.hpp>

namespace carousel {

/// The folder that a training saves in: `out`, or if that is empty a new one, runs/TASK-DATE-TIME; it is made. Throws
/// std::runtime_error if it can not be made, or `fresh` and a training lies there.
std::string make_run_folder(const std::string& task, const std::string& out, bool fresh);

/// A word of a command line as a shell must be given it: in quotes where it needs them.
std::string shell_word(const std::string& word);

/// Writes a whole file, or changes nothing. Throws std::runtime_error as NewFile does.
void write_text(const std::string& path, const std::string& text);

/// Writes config.json: what the training was told, the command line of that, of how many examples its parts are, when it began,
/// the machine, the program's version and its BLAS. One that goes on began when the one before it did.
void write_config(const std::string& folder, const TrainOptions& options, const std::vector<Metric>& parts);

/// A number as JSON has it, with six digits or so; null where it is not finite.
std::string json_number(double value);

/// A file that grows by lines, each a JSON object.
class LinesFile {
 public:
  /// Of what lies there it keeps the lines at the beginning whose `key` is a whole number up to `last`; with `last` 0 none.
  /// Throws std::runtime_error if it can not be written.
  LinesFile(const std::string& path, const char* key, Index last);

  /// Throws std::runtime_error if it can not be written.
  void add(std::string_view line);
  /// The last line that was kept, or nothing.
  const std::string& last_kept() const { return last_kept_; }

 private:
  std::string path_, last_kept_;
  std::ofstream file_;
};

/// The file metrics.jsonl: a line for each epoch, and a last one for the result.
class MetricsFile {
 public:
  /// A training that goes on keeps the lines of the epochs that are done; a new one begins with none.
  MetricsFile(const std::string& folder, Index epochs_done);

  /// Writes a line: `first`, which is JSON, then the metrics; null where one is not finite. Throws std::runtime_error if it can
  /// not be written.
  void add(std::string_view first, const std::vector<Metric>& metrics);
  /// The "seconds" of the last line that was kept, or 0.
  double seconds() const { return seconds_; }

 private:
  LinesFile file_;
  double seconds_ = 0;
};

}  // namespace carousel
