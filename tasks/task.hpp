#pragma once
/// What a task is to the program: a name, a line about it, and what it does for `train`, `eval` and `sample`.
///
/// A task is one file, tasks/NAME.cpp, with one function that makes its Task, and its name in the list of tasks in meson.build:
///
///     Task carousel::tasks::echo() {
///       return {.name = "echo", .about = "…", .example = "carousel train echo --preset source", .train = declare_training};
///     }
///
/// `train` declares options on the command line and returns what runs with them:
///
///     Command declare_training(CLI::App& app) {
///       Arguments<TrainOptions> arguments(app, presets());       // --preset --cell --epochs --seed --threads --out --data
///       --quiet arguments.add("--rate", "R", &TrainOptions::rate, "learning rate", {.above = 0}); return [arguments] { return
///       train(arguments.options()); };
///     }

#include <functional>
#include <initializer_list>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <carousel/tasks/options.hpp>

namespace carousel {

/// How a command ends.
enum ExitCode : int {
  exit_done = 0,
  exit_bad_result = 1,     ///< it ran to its end and what it found is bad: a failed check, an exploded loss
  exit_wrong_usage = 2,    ///< wrong arguments or data that can not be used
  exit_interrupted = 130,  ///< Ctrl-C
};

/// What runs once the command line is read; returns an exit code. Errors are exceptions: one line on standard error,
/// exit_wrong_usage.
using Command = std::function<int()>;

/// `carousel eval RUN`. Options that were not given are empty; a task refuses those that it has no use for.
struct EvalOptions {
  std::string file;                  ///< the checkpoint
  std::optional<std::string> input;  ///< a file to evaluate on
  std::string data;                  ///< the folder of data sets, or empty
  Index threads = 1;
  bool quiet = false;
};

/// `carousel sample RUN`. Options that were not given are empty; a task refuses those that it has no use for.
struct SampleOptions {
  std::string file;  ///< the checkpoint
  std::optional<Index> length;
  std::optional<double> temperature;
  std::optional<std::string> prime;
  bool argmax = false;
  std::uint64_t seed = 1;
  bool quiet = false;
};

/// One task. `eval` and `sample` get what a training of this task has saved; they may be left out.
struct Task {
  std::string name;
  std::string about;    ///< one line
  std::string example;  ///< a command line to try
  std::function<Command(CLI::App&)> train;
  std::function<int(const EvalOptions&)> eval = nullptr;
  std::function<int(const SampleOptions&)> sample = nullptr;
};

/// All tasks, in the order of the list in meson.build.
const std::vector<Task>& all_tasks();

/// A number with its name in the field: {"validation_loss", 2.13}.
struct Metric {
  std::string name;
  double value;
};

/// The last line of a training or an evaluation: "result: echo loss=2.61134e-06".
std::string result_line(std::string_view task, std::span<const Metric> metrics);
/// Prints it on standard output.
void print_result(std::string_view task, std::initializer_list<Metric> metrics);

/// Prints a line of remarks on standard error: "carousel: …".
void note(std::string_view line);

/// Whether Ctrl-C was pressed (or SIGTERM came) since watch_for_interrupt(): a training then ends after the step it is in, saves,
/// and exits with exit_interrupted. A second one ends the program at once.
bool interrupted();
void watch_for_interrupt();

/// Runs the program with these arguments, its own name not among them; returns the exit code.
int run_program(const std::vector<std::string>& arguments);

}  // namespace carousel
