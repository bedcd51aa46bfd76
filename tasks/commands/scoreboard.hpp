#pragma once
/// The scoreboard: every task trained with fixed seeds, and what came of it beside what is asked and what its source reports.

#include <limits>
#include <span>
#include <string>
#include <vector>

#include <carousel/lib/numbers/shape.hpp>

namespace carousel {

/// A number of a result line, and its bar.
struct ScoreMetric {
  std::string name;
  double at_least = -std::numeric_limits<double>::infinity(), at_most = std::numeric_limits<double>::infinity();
  std::string source = {};  ///< the figure of the task's source; empty: it has none
};

/// A training, `carousel train TASK OPTIONS --seed SEED`, and the rows that it gives: of several seeds the median counts.
struct ScoreRun {
  std::string task, options;
  std::vector<Index> seeds;
  std::vector<ScoreMetric> metrics;
  double minutes = std::numeric_limits<double>::infinity();  ///< of processor time that a training may take
  std::string needs = {};                                    ///< what must lie in the folder of data sets, else it is left out
};

/// All of them. A word of the options that begins with $CAROUSEL_DATA/ names a file of that folder.
const std::vector<ScoreRun>& score_runs();

struct ScoreboardOptions {
  std::vector<std::string> tasks = {};  ///< only these; empty: all
  std::string out;                      ///< the file to write; rows that it has of trainings that are not run now are kept
  bool check = false;                   ///< a metric that is worse than its bar is a bad result
  Index jobs = 1;                       ///< trainings at a time
  std::string data = {};                ///< folder of data sets
  std::string program;                  ///< this program, to be called as a process for each training
  std::string commit;                   ///< of that program
};

/// Trains, writes the file whenever a training's seeds are done, and prints each row and a result line. Returns the exit code: a
/// training that failed is a bad result. Throws std::runtime_error if the file cannot be written.
int run_scoreboard(std::span<const ScoreRun> runs, const ScoreboardOptions& options);

/// tasks/SCOREBOARD.md of the tree that this program was built from, or empty if that is not there.
std::string default_scoreboard();
/// The commit that this tree stands at, with "+" where something has changed since; "unknown" without git.
std::string current_commit();

}  // namespace carousel
