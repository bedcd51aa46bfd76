#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdio>
#include <filesystem>

#include <fmt/format.h>

#include <carousel/lib/error.hpp>
#include <carousel/models/cells/any_cell.hpp>
#include <carousel/tasks/base/interrupt.hpp>
#include <carousel/tasks/base/progress.hpp>
#include <carousel/tasks/base/task.hpp>
#include <carousel/tasks/commands/data_command.hpp>
#include <carousel/tasks/commands/explain.hpp>
#include <carousel/tasks/commands/gradcheck.hpp>
#include <carousel/tasks/commands/graph_command.hpp>
#include <carousel/tasks/commands/program.hpp>
#include <carousel/tasks/commands/runs_command.hpp>
#include <carousel/tasks/commands/scoreboard_command.hpp>
#include <carousel/tasks/csv/options.hpp>
#include <carousel/tasks/report/report.hpp>
#include <carousel/tasks/runs/run_folder.hpp>
#include <carousel/tasks/runs/run_lock.hpp>
#include <carousel/tasks/training/command_line.hpp>

#define TASK(name) carousel::Task name();
/// The tasks that meson.build lists.
namespace carousel::tasks {
CAROUSEL_TASKS
}
#undef TASK

namespace carousel {

const std::vector<Task>& all_tasks() {
#define TASK(name) tasks::name(),
  static const std::vector<Task> tasks = {CAROUSEL_TASKS};
#undef TASK
  return tasks;
}

namespace {

int list() {
  for (const Task& task : all_tasks()) print(fmt::format("task  {:<16}  {}", task.name, task.about));
  for (const CellName& cell : cell_names()) print(fmt::format("cell  {:<16}  {}", cell.name, cell.about));
  return exit_done;
}

/// The task that saved a checkpoint.
const Task& task_of(const Safetensors& checkpoint, const std::string& file) {
  const auto name = checkpoint.metadata.find("task");
  if (name == checkpoint.metadata.end())
    bad_file(file, ": was not written by carousel train; eval, sample and predict need such a file");
  for (const Task& task : all_tasks())
    if (task.name == name->second) return task;
  bad_file(file, ": saved by the task ", name->second, ": this program has no such task");
}

/// What a task does for `eval`, `sample` or `predict`.
template <class Options>
struct Use {
  std::string command;
  std::vector<std::string> given;  // its options
  std::function<int(const Options&)> Task::*run;
  std::vector<std::string> Task::*takes;
  std::string doing;                              // what a terminal says until something is printed
  std::vector<std::string> always = {"--quiet"};  // the options that every task takes
  std::function<void(const Task& task, const Options& options)> check = nullptr;  // throws what else is wrong
};

/// Reads the checkpoint of a run and gives it to what its task has for it.
template <class Options>
int run_on_checkpoint(const std::string& run, Options options, const Use<Options>& use) {
  options.file = find_checkpoint(run);
  options.checkpoint = read_safetensors(options.file);
  const Task& task = task_of(options.checkpoint, options.file);
  if (use.check) use.check(task, options);
  if (!(task.*use.run)) bad_file(options.file, ": saved by the task ", task.name, ", which has no ", use.command);
  const std::vector<std::string>& takes = task.*use.takes;
  const auto is_in = [](const std::vector<std::string>& names, const std::string& name) {
    return std::find(names.begin(), names.end(), name) != names.end();
  };
  for (const std::string& name : use.given)
    if (!is_in(use.always, name) && !is_in(takes, name))
      wrong_argument(use.command, ": ", name, ": the task ", task.name, " has no use for it",
                     takes.empty() ? "" : ", only for " + list_words(takes));
  Progress progress(options.quiet);
  if (!use.doing.empty()) progress.phase(use.doing + task.name);
  return (task.*use.run)(options);
}

void declare_run(CLI::App& command, std::string& run) {
  detail::declare_argument(command, "RUN", run,
                           "folder of a training (its best.safetensors, or else last.safetensors), or such a file", true);
}

/// Throws where an option names a file and is given an empty name.
void refuse_empty(const std::string& option, const std::optional<std::string>& path, const std::string& instead) {
  if (path && path->empty()) wrong_argument(option, " '': the name is empty; give ", instead);
}

void declare_eval(CLI::App& app, Command& chosen) {
  struct Given {
    std::string run;
    std::optional<Index> threads;
    std::optional<std::string> data;
    EvalOptions options;
  };
  const auto given = std::make_shared<Given>();
  CLI::App& eval = detail::declare_command(app, "eval", "evaluates a trained model on test data, or on a file of yours",
                                           "example: carousel eval runs/text");
  declare_run(eval, given->run);
  detail::declare_optional(eval, "--input", "FILE", given->options.input,
                           "data to evaluate on (the whole file); default: the task's test data, for text the held-out part");
  detail::declare_optional(eval, "--data", "DIR", given->data, detail::data_help);
  detail::declare_optional(eval, "--decimal", "MARK", given->options.decimal, decimal_help, decimal_rule());
  detail::declare_optional(eval, "--thousands", "MARK", given->options.thousands, thousands_help, thousands_rule());
  detail::declare_optional(eval, "--threads", "N", given->threads, "processor cores to use (1)",
                           {.at_least = 1, .at_most = 1024});
  detail::declare_flag(eval, "--quiet", "no progress on standard error", [given] { given->options.quiet = true; });
  detail::on_command(eval, [given, &eval, &chosen] {
    chosen = [given, names = detail::given_options(eval)] {
      refuse_empty("--input", given->options.input, "a file, or leave it out");
      refuse_empty("--data", given->data, "a folder, or leave it out");
      given->options.threads = given->threads.value_or(1);
      given->options.data = given->data.value_or("");
      return run_on_checkpoint<EvalOptions>(given->run, given->options,
                                            {"eval", names, &Task::eval, &Task::eval_takes, "measuring "});
    };
  });
}

void declare_sample(CLI::App& app, Command& chosen) {
  struct Given {
    std::string run;
    std::optional<Index> seed;
    SampleOptions options;
  };
  const auto given = std::make_shared<Given>();
  CLI::App& sample = detail::declare_command(app, "sample", "generates from a trained model: text, a forecast, a list",
                                             "example: carousel sample runs/text --temperature 0.7 --prime 'The '");
  declare_run(sample, given->run);
  detail::declare_optional(sample, "--length", "N", given->options.length,
                           "how many characters (text), rows (series) or numbers (lists)", {.at_least = 1, .at_most = 1e9});
  detail::declare_optional(sample, "--temperature", "T", given->options.temperature,
                           "below 1: more of what is likely; above 1: less of it",
                           {.above = 0, .instead = "for always the likeliest: --argmax"});
  detail::declare_optional(sample, "--prime", "TEXT", given->options.prime, "what the model reads before it goes on by itself");
  detail::declare_flag(sample, "--argmax", "always the likeliest, no chance", [given] { given->options.argmax = true; });
  detail::declare_optional(sample, "--seed", "N", given->seed, "of all random numbers (1)", {.at_least = 0});
  detail::declare_flag(sample, "--quiet", "no remarks on standard error", [given] { given->options.quiet = true; });
  detail::on_command(sample, [given, &sample, &chosen] {
    chosen = [given, names = detail::given_options(sample)] {
      given->options.seed = given->seed.value_or(1);
      return run_on_checkpoint<SampleOptions>(given->run, given->options,
                                              {"sample", names, &Task::sample, &Task::sample_takes, ""});
    };
  });
}

/// Of each task what `predict` reads and answers; tasks that share it share a line.
std::string predictions() {
  std::vector<std::pair<std::string, std::string>> rows;
  for (const Task& task : all_tasks()) {
    if (!task.predict) continue;
    if (!rows.empty() && rows.back().second == task.predict_about)
      rows.back().first += ", " + task.name;
    else
      rows.emplace_back(task.name, task.predict_about);
  }
  std::string text;
  for (const auto& [names, about] : rows) text += detail::help_row(names, about);
  return text;
}

void check_prediction(const Task& task, const PredictOptions& options) {
  if (!task.predict && !task.predict_about.empty())
    bad_file(options.file, ": saved by the task ", task.name, ", which has no predict: ", task.predict_about);
  if (task.predict && task.predict_needs_input && options.input.empty())
    wrong_argument("predict: --input is missing. For the task ", task.name, " it is this: ", task.predict_about);
}

void declare_predict(CLI::App& app, Command& chosen) {
  struct Given {
    std::string run;
    std::optional<Index> seed;
    std::optional<std::string> input, out, format;
    PredictOptions options;
  };
  const auto given = std::make_shared<Given>();
  CLI::App& predict =
      detail::declare_command(app, "predict", "answers for new data: what a trained model makes of data that it has not seen",
                              "what --input is, and what an answer is\n" + predictions() +
                                  "\nexamples: carousel predict runs/sort --input lists.txt --out sorted.csv\n"
                                  "          echo 'The night' | carousel predict runs/text --input - --length 100");
  declare_run(predict, given->run);
  PredictOptions& to = given->options;
  detail::declare_optional(predict, "--input", "FILE", given->input,
                           "the new data; -: standard input, answered line by line as it comes");
  detail::declare_optional(predict, "--out", "FILE", given->out, "file for the answers; without it, or -: standard output");
  detail::declare_optional(predict, "--format", "FORM", given->format,
                           "csv, or jsonl: JSON lines, an object for each answer; default: by the ending of --out, else csv",
                           {.one_of = {"csv", "jsonl"}});
  detail::declare_optional(predict, "--length", "N", to.length,
                           "how many characters (text), numbers (count, sin) or points (curve) follow",
                           {.at_least = 1, .at_most = 1e9});
  detail::declare_optional(predict, "--temperature", "T", to.temperature,
                           "text: below 1 likely characters are drawn more often, above 1 less often (1)",
                           {.above = 0, .instead = "for always the likeliest: --argmax"});
  detail::declare_flag(predict, "--argmax", "text: always the likeliest character, nothing is drawn at random",
                       [given] { given->options.argmax = true; });
  detail::declare_optional(predict, "--seed", "N", given->seed, "of all random numbers (1)", {.at_least = 0});
  detail::declare_optional(predict, "--threshold", "P", to.threshold,
                           "probability below which an answer is called unsure, or above which something is said to be there",
                           {.at_least = 0, .at_most = 1});
  detail::declare_optional(predict, "--decimal", "MARK", to.decimal, decimal_help, decimal_rule());
  detail::declare_optional(predict, "--thousands", "MARK", to.thousands, thousands_help, thousands_rule());
  detail::declare_flag(predict, "--quiet", "no remarks on standard error", [given] { given->options.quiet = true; });
  detail::on_command(predict, [given, &predict, &chosen] {
    chosen = [given, names = detail::given_options(predict)] {
      refuse_empty("--input", given->input, "a file, or - for standard input");
      refuse_empty("--out", given->out, "a file, or - for standard output");
      PredictOptions options = given->options;
      options.input = given->input.value_or("");
      options.out = given->out.value_or("-") == "-" ? "" : *given->out;
      options.json_lines =
          given->format ? *given->format == "jsonl" : options.out.ends_with(".jsonl") || options.out.ends_with(".ndjson");
      options.seed = given->seed.value_or(1);
      watch_for_interrupt();
      return run_on_checkpoint<PredictOptions>(given->run, options,
                                               {.command = "predict",
                                                .given = names,
                                                .run = &Task::predict,
                                                .takes = &Task::predict_takes,
                                                .doing = "",
                                                .always = {"--out", "--format", "--quiet"},
                                                .check = check_prediction});
    };
  });
}

void declare_gradcheck(CLI::App& app, Command& chosen) {
  const auto name = std::make_shared<std::string>();
  CLI::App& check = detail::declare_command(app, "gradcheck", "compares the gradients with numeric and hand-derived ones",
                                            "example: carousel gradcheck lstm");
  detail::declare_argument(check, "CELL", *name, "a cell, tensor by tensor; without it every cell, layer and loss, a line each",
                           false);
  detail::on_command(check, [name, &chosen] {
    chosen = [name] {
      if (name->empty()) return gradcheck_all();
      std::string known;
      detail::read_value("gradcheck:", *name, detail::one_of_the_cells(), known);
      return gradcheck_cell(known);
    };
  });
}

void declare_report(CLI::App& app, Command& chosen) {
  const auto run = std::make_shared<std::string>();
  CLI::App& report = detail::declare_command(
      app, "report", "makes report.html of a run, a page of curves and pictures to open in a browser",
      "Every training makes it at its end; this makes it anew, of one that runs too.\nexample: carousel report runs/text");
  detail::declare_argument(report, "RUN", *run, "folder of a training", true);
  detail::on_command(report, [run, &chosen] {
    chosen = [run] {
      print(write_report(*run, RunLock::held(*run)));
      return exit_done;
    };
  });
}

void declare_explain(CLI::App& app, Command& chosen) {
  struct Given {
    std::string name;
    std::optional<Index> in, hidden, layers;
  };
  const auto given = std::make_shared<Given>();
  CLI::App& explain = detail::declare_command(app, "explain", "equations, shapes, code and source of a cell or layer",
                                              "example: carousel explain lstm");
  detail::declare_argument(explain, "CELL", given->name, "what to explain; without it a list of what there is", false);
  const Rule size{.at_least = 1, .at_most = 2048};
  detail::declare_optional(explain, "--in", "N", given->in, "features of the input, to count a cell's parameters (28)", size);
  detail::declare_optional(explain, "--hidden", "N", given->hidden, "units of each layer (128)", size);
  detail::declare_optional(explain, "--layers", "N", given->layers, "layers (1)", layers_rule());
  detail::on_command(explain, [given, &chosen] {
    chosen = [given] {
      if (given->name.empty()) return list_explanations();
      const ExplainOptions usual;
      return print_explanation(given->name, {.in = given->in.value_or(usual.in),
                                             .hidden = given->hidden.value_or(usual.hidden),
                                             .layers = given->layers.value_or(usual.layers)});
    };
  });
}

void declare_train(CLI::App& app, Command& chosen) {
  CLI::App& train =
      detail::declare_command(app, "train", "trains a model for a task",
                              "carousel train TASK --help says more.\nexample: carousel train echo --preset source");
  detail::require_command(train);
  for (const Task& task : all_tasks()) {
    CLI::App& one = detail::declare_command(train, task.name, task.about, task.example.empty() ? "" : "example: " + task.example);
    const Command run = task.train(one);
    detail::on_command(one, [&chosen, run] {
      chosen = [run] {
        watch_for_interrupt();
        return run();
      };
    });
  }
}

/// What to try after the program was started without arguments.
void print_next(const Task& task) {
  for (const auto& [line, about] : task.next) note(fmt::format("try next: {:<50}  {}", line, about));
  note(fmt::format("try next: {:<50}  {}", "carousel list", "the other tasks, and the cells"));
  note(fmt::format("try next: {:<50}  {}", "carousel --help", "all commands"));
}

int parse_and_run(std::vector<std::string> arguments) {
  Command chosen;
  const CommandLine line{
      .about = "carousel trains recurrent networks. Without arguments it learns the text that it brings along.",
      .footer =
          "carousel COMMAND --help says more.\n"
          "results go to standard output, progress and remarks to standard error\n"
          "exit codes: 0 done, 1 a check failed, the loss exploded or a result is not finite,\n"
          "2 wrong usage or data, 130 Ctrl-C\n"
          "example: carousel train echo --preset source",
      .version = "carousel " CAROUSEL_VERSION,
      .declare = [&](CLI::App& app) {
        declare_train(app, chosen);
        declare_eval(app, chosen);
        declare_sample(app, chosen);
        declare_predict(app, chosen);
        declare_report(app, chosen);
        declare_explain(app, chosen);
        declare_gradcheck(app, chosen);
        declare_runs(app, chosen);
        declare_compare(app, chosen);
        declare_scoreboard(app, chosen);
        declare_data(app, chosen);
        declare_graph(app, chosen);
        detail::on_command(detail::declare_command(app, "list", "the tasks and the cells, a line each", ""),
                           [&] { chosen = list; });
      }};

  const bool main_job = arguments.empty();
  if (main_job) arguments = {"train", all_tasks().front().name};
  if (!read_command_line(line, arguments)) return exit_done;
  const int code = chosen();
  if (main_job && code == exit_done) print_next(all_tasks().front());
  return code;
}

}  // namespace

int run_program(const std::vector<std::string>& arguments) {
  try {
    return parse_and_run(arguments);
  } catch (const std::bad_alloc&) {
    note("out of memory");
  } catch (const std::exception& error) {
    note(error.what());
  }
  return exit_wrong_usage;
}

}  // namespace carousel
