#pragma once
/// What a task is to the program: a name, a line about it, and what it does for `train`, `eval`, `sample` and `predict`.
///
/// A task is a folder, tasks/NAME, whose task.cpp has one function that makes its Task, and a line in tasks/meson.build:
///
///     Task carousel::tasks::echo() {
///       return {.name = "echo",
///               .about = "four random inputs, four numbers to give back",
///               .example = "carousel train echo --preset source",
///               .train = [](CLI::App& app) { return arguments().declare(app, train); }};
///     }
///
/// Its options are declared once, see Arguments; its training says what there is to learn and leaves the rest to train_model():
///
///     Arguments<EchoOptions> arguments() {
///       Arguments<EchoOptions> all("echo", presets());  // brings --preset, --cell, … along
///       all.add_net({.one_way = "each number is answered before the next one comes"})
///           .add_training()
///           .add("--readout", "NAME", &EchoOptions::readout, "what is compared with the numbers");
///       return all;
///     }
///     int train(const EchoOptions& options) {
///       …
///       return train_model<double>(options, {.about = …, .optimizer = *optimizer, .data = …, .loss = …, .result = …});
///     }

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <carousel/lib/files/safetensors.hpp>
#include <carousel/tasks/base/interrupt.hpp>
#include <carousel/tasks/base/options.hpp>
#include <carousel/tasks/base/progress.hpp>

namespace carousel {

/// What runs once the command line is read; returns an exit code. Errors are exceptions: one line on standard error,
/// exit_wrong_usage.
using Command = std::function<int()>;

/// `carousel eval RUN`. Options that were not given are empty; those that the task does not name in `eval_takes` are refused.
struct EvalOptions {
  std::string file;                               ///< the checkpoint's path
  Safetensors checkpoint;                         ///< what it holds; its metadata "task" is the task's name
  std::optional<std::string> input;               ///< a file to evaluate on
  std::string data;                               ///< the folder of data sets that was named
  std::optional<std::string> decimal, thousands;  ///< how numbers are written in it
  Index threads = 1;
  bool quiet = false;
};

/// `carousel sample RUN`. Options that were not given are empty; those that the task does not name in `sample_takes` are refused.
struct SampleOptions {
  std::string file;        ///< the checkpoint's path
  Safetensors checkpoint;  ///< what it holds; its metadata "task" is the task's name
  std::optional<Index> length;
  std::optional<double> temperature;
  std::optional<std::string> prime;
  bool argmax = false;
  Index seed = 1;
  bool quiet = false;
};

/// `carousel predict RUN`: a trained model answers what training never saw. Options that were not given are empty; those that the
/// task does not name in `predict_takes` are refused, but for --out, --format and --quiet, which every task has. What is read and
/// written in lines: see tasks/answers/.
struct PredictOptions {
  std::string file;                               ///< the checkpoint's path
  Safetensors checkpoint;                         ///< what it holds; its metadata "task" is the task's name
  std::string input;                              ///< a file, or a folder where the task says so; "-": standard input
  std::string out;                                ///< file for the answers; empty: standard output
  bool json_lines = false;                        ///< of the form of answers; else CSV
  std::optional<std::string> decimal, thousands;  ///< how numbers are written in the input
  std::optional<Index> length;
  std::optional<double> temperature, threshold;
  bool argmax = false;
  Index seed = 1;
  bool quiet = false;
};

/// Data from outside that a task can learn from.
struct OutsideData {
  std::string what;     ///< "MNIST, four IDX files"
  std::string option;   ///< how it is named: "--data DIR"
  std::string without;  ///< what the task learns from else: "digits that the program draws"
  /// The files of it in a folder of data sets, if there are any; left out: only the option can say where it is.
  std::function<std::vector<std::string>(const std::string& folder)> find = nullptr;
};

/// One task. `eval`, `sample` and `predict` get what a training of this task has saved; they may be left out.
struct Task {
  std::string name;
  std::string about;    ///< one line
  std::string example;  ///< a command line to try
  std::function<Command(CLI::App&)> train;
  std::function<int(const EvalOptions&)> eval = nullptr;
  std::function<int(const SampleOptions&)> sample = nullptr;
  std::function<int(const PredictOptions&)> predict = nullptr;
  /// The options that they have a use for, besides RUN and --quiet: "--input", …
  std::vector<std::string> eval_takes = {}, sample_takes = {}, predict_takes = {};
  /// A sentence for the help of `predict`: what the input is, and what an answer is. Where there is no `predict`: what the task
  /// has instead.
  std::string predict_about = {};
  bool predict_needs_input = true;       ///< --input must be given
  std::optional<OutsideData> data = {};  ///< left out: it makes all that it needs
  /// Command lines to try after it, each with a word on what it does; shown after `carousel` without arguments.
  std::vector<std::pair<std::string, std::string>> next = {};
};

/// All tasks, in the order of the list in meson.build.
const std::vector<Task>& all_tasks();

}  // namespace carousel
