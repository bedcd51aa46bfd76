#pragma once
/// What the folders of runs say.

#include <cstdint>
#include <ctime>
#include <filesystem>
#include <limits>
#include <optional>
#include <string>
#include <vector>

#include <carousel/tasks/base/metric.hpp>
#include <carousel/tasks/base/options.hpp>

namespace carousel {

/// A run, as its folder tells of it.
struct RunRecord {
  std::string folder;  ///< as it was named
  std::string task;
  Metadata options;  ///< what it was told, by metadata_key()
  /// finished, imported (it has a result and no epoch), running, exploded, or interrupted: also when the program was ended in
  /// another way.
  std::string state;
  std::vector<std::vector<Metric>> epochs;                        ///< of each epoch that is done; NaN for what was no number
  std::vector<Metric> result;                                     ///< empty until it is finished
  std::string not_better_than = {};                               ///< the guess without a net that its result does not beat
  std::string samples = {};                                       ///< the path of its samples.txt, if there is one
  double seconds = 0;                                             ///< of the clock
  double cpu_seconds = std::numeric_limits<double>::quiet_NaN();  ///< of the processor; NaN if it does not say
  std::uintmax_t bytes = 0;                                       ///< of the files in it
  std::filesystem::file_time_type changed = {};                   ///< when something was written last

  /// An option, or nothing.
  std::string option(std::string_view key) const;
  /// The name of what was measured after each epoch to tell the best one; train_loss if nothing was.
  std::string validation = "train_loss";
  bool higher_is_better = false;
  /// The values of a metric, epoch by epoch; NaN where one has none; empty if all have none.
  std::vector<double> course(std::string_view metric) const;
  /// What it has come to: of a finished run the first metric of its result, of another one the validation of its best epoch.
  std::optional<Metric> outcome() const;
};

/// Reads the folder of a run. Throws std::runtime_error if it is none: if it has no config.json, or one that says no task of this
/// program. Lines of metrics.jsonl that are none of an epoch, of the result or of the end are passed over.
RunRecord read_run(const std::string& folder);

/// The result of a run that has come to its end after so many epochs, with a report; nothing if it has not.
std::vector<Metric> result_of_whole_run(const std::string& folder, Index epochs);
/// What is said of a run whose epochs, of those planned, are done, which options were given `in_vain` if any were, and how to get
/// more.
std::string nothing_is_left(const std::string& folder, const std::string& task, Index epochs, Index planned,
                            const std::string& in_vain = "");

/// The runs in a folder, or the one that it is; the newest first. A folder in it that is none is passed over, and `passed_over`
/// gets a line about it. Throws std::runtime_error if the folder cannot be read.
std::vector<RunRecord> find_runs(const std::string& folder, std::vector<std::string>& passed_over);

}  // namespace carousel
