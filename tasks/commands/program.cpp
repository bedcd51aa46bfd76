#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdio>
#include <filesystem>

#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include <carousel/lib/error.hpp>
#include <carousel/models/cells/any_cell.hpp>
#include <carousel/tasks/base/did_you_mean.hpp>
#include <carousel/tasks/base/interrupt.hpp>
#include <carousel/tasks/base/progress.hpp>
#include <carousel/tasks/base/task.hpp>
#include <carousel/tasks/commands/data_command.hpp>
#include <carousel/tasks/commands/explain.hpp>
#include <carousel/tasks/commands/gradcheck.hpp>
#include <carousel/tasks/commands/graph_command.hpp>
#include <carousel/tasks/commands/help.hpp>
#include <carousel/tasks/commands/program.hpp>
#include <carousel/tasks/commands/runs_command.hpp>
#include <carousel/tasks/commands/scoreboard_command.hpp>
#include <carousel/tasks/report/report.hpp>
#include <carousel/tasks/runs/run_folder.hpp>
#include <carousel/tasks/runs/run_lock.hpp>

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

/// The deepest command of a command line.
const CLI::App* chosen_command(const CLI::App& app) {
  const CLI::App* at = &app;
  while (!at->get_subcommands().empty()) at = at->get_subcommands().front();
  return at;
}

std::vector<std::string> names_below(const CLI::App* app) {
  std::vector<std::string> names;
  for (const CLI::App* command : app->get_subcommands({})) names.push_back(command->get_name());
  return names;
}

bool is_task(const std::string& word) {
  const std::vector<Task>& tasks = all_tasks();
  return std::any_of(tasks.begin(), tasks.end(), [&](const Task& task) { return task.name == word; });
}

/// Says in our words what CLI11 found wrong.
[[noreturn]] void refuse(const CLI::App& app, const CLI::ParseError& error) {
  const CLI::App* const at = chosen_command(app);
  const std::string name = full_name(at), prefix = name.empty() ? "" : name + ": ", what = error.what();
  const std::vector<std::string> below = names_below(at);
  const std::vector<std::string> extra = app.remaining(true);
  if (!extra.empty()) {
    const std::string& word = extra.front();
    if (!word.starts_with("-")) {
      if (name.empty() && is_task(word))
        wrong_argument(word, " (did you mean train ", word, "?): must be one of ", list_words(below));
      if (!below.empty()) refuse_word(prefix, word, below);
      wrong_argument(prefix, word, ": one argument too many");
    }
    std::vector<std::string> options;
    for (const CLI::Option* option : at->get_options())
      if (option->nonpositional()) options.push_back(option->get_name());
    const std::string given = word.substr(0, word.find('='));
    if (name == "train" && given == "--resume")
      wrong_argument(prefix, given, ": must come after a task: carousel train TASK --resume RUN");
    wrong_argument(prefix, given, ": no such option", did_you_mean(given, options), "; carousel ", name, name.empty() ? "" : " ",
                   "--help lists them");
  }
  if (dynamic_cast<const CLI::ArgumentMismatch*>(&error))
    wrong_argument(prefix, what.substr(0, what.find(':')), ": a value must follow");
  if (dynamic_cast<const CLI::RequiredError*>(&error)) {
    if (!below.empty()) wrong_argument(name, ": which task? ", list_words(below));
    wrong_argument(prefix, what.substr(0, what.find(' ')), " is missing; carousel ", name, " --help says more");
  }
  wrong_argument(prefix, what);
}

int list() {
  for (const Task& task : all_tasks()) print(fmt::format("task  {:<16}  {}", task.name, task.about));
  for (const CellName& cell : cell_names()) print(fmt::format("cell  {:<16}  {}", cell.name, cell.about));
  return exit_done;
}

/// The task that saved a checkpoint.
const Task& task_of(const Safetensors& checkpoint, const std::string& file) {
  const auto name = checkpoint.metadata.find("task");
  if (name == checkpoint.metadata.end()) bad_file(file, ": its metadata name no task: must be saved by carousel train");
  for (const Task& task : all_tasks())
    if (task.name == name->second) return task;
  bad_file(file, ": saved by the task ", name->second, ": this program has no such task");
}

/// What a task does for `eval` or `sample`.
template <class Options>
struct Use {
  std::function<int(const Options&)> Task::*run;
  std::vector<std::string> Task::*takes;
  std::string doing;  // what a terminal says until something is printed
};

/// Reads the checkpoint of a run and gives it to what its task has for it.
template <class Options>
int run_on_checkpoint(const CLI::App& command, const std::string& run, Options options, const Use<Options>& use) {
  options.file = find_checkpoint(run);
  options.checkpoint = read_safetensors(options.file);
  const Task& task = task_of(options.checkpoint, options.file);
  if (!(task.*use.run)) bad_file(options.file, ": saved by the task ", task.name, ", which has no ", command.get_name());
  const std::vector<std::string>& takes = task.*use.takes;
  for (const CLI::Option* option : command.get_options()) {
    const std::string name = option->get_name();
    if (option->count() == 0 || option->get_positional() || name == "--quiet") continue;
    if (std::find(takes.begin(), takes.end(), name) == takes.end())
      wrong_argument(command.get_name(), ": ", name, ": the task ", task.name, " has no use for it",
                     takes.empty() ? "" : ", only for " + list_words(takes));
  }
  Progress progress(options.quiet);
  if (!use.doing.empty()) progress.phase(use.doing + task.name);
  return (task.*use.run)(options);
}

void declare_run(CLI::App& command, std::string& run) {
  command.add_option("RUN", run, "folder of a training (its best.safetensors, or else last.safetensors), or such a file")
      ->required();
}

void declare_eval(CLI::App& app, Command& chosen) {
  struct Given {
    std::string run;
    std::optional<Index> threads;
    std::optional<std::string> data;
    EvalOptions options;
  };
  const auto given = std::make_shared<Given>();
  CLI::App* const eval = app.add_subcommand("eval", "measures a saved model");
  declare_run(*eval, given->run);
  detail::declare_optional(
      *eval, "--input", "FILE", given->options.input,
      "file to measure it on, all of it; without it a text model is measured on the validation part of the text it "
      "was trained on");
  detail::declare_optional(*eval, "--data", "DIR", given->data, detail::data_help);
  detail::declare_optional(*eval, "--threads", "N", given->threads, "processor cores to use (1)",
                           {.at_least = 1, .at_most = 1024});
  detail::declare_flag(*eval, "--quiet", "no progress on standard error", [given] { given->options.quiet = true; });
  eval->footer("example: carousel eval runs/text");
  eval->callback([given, eval, &chosen] {
    chosen = [given, eval] {
      given->options.threads = given->threads.value_or(1);
      given->options.data = given->data.value_or("");
      return run_on_checkpoint<EvalOptions>(*eval, given->run, given->options, {&Task::eval, &Task::eval_takes, "measuring "});
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
  CLI::App* const sample = app.add_subcommand("sample", "lets a saved model make something");
  declare_run(*sample, given->run);
  detail::declare_optional(*sample, "--length", "N", given->options.length, "how much of it", {.at_least = 1, .at_most = 1e9});
  detail::declare_optional(*sample, "--temperature", "T", given->options.temperature,
                           "below 1: more of what is likely; above 1: less of it", {.above = 0});
  detail::declare_optional(*sample, "--prime", "TEXT", given->options.prime, "what the model reads before it goes on by itself");
  detail::declare_flag(*sample, "--argmax", "always the likeliest, no chance", [given] { given->options.argmax = true; });
  detail::declare_optional(*sample, "--seed", "N", given->seed, "of all random numbers (1)", {.at_least = 0});
  detail::declare_flag(*sample, "--quiet", "no remarks on standard error", [given] { given->options.quiet = true; });
  sample->footer("example: carousel sample runs/text --temperature 0.7 --prime 'The '");
  sample->callback([given, sample, &chosen] {
    chosen = [given, sample] {
      given->options.seed = given->seed.value_or(1);
      return run_on_checkpoint<SampleOptions>(*sample, given->run, given->options, {&Task::sample, &Task::sample_takes, ""});
    };
  });
}

void declare_gradcheck(CLI::App& app, Command& chosen) {
  const auto name = std::make_shared<std::string>();
  CLI::App* const check = app.add_subcommand("gradcheck", "compares the gradients with numeric and hand-derived ones");
  check->add_option("CELL", *name, "a cell, tensor by tensor; without it every cell, layer and loss, a line each");
  check->footer("example: carousel gradcheck lstm");
  check->callback([name, &chosen] {
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
  CLI::App* const report =
      app.add_subcommand("report", "makes report.html of a run, a page of curves and pictures to open in a browser");
  report->add_option("RUN", *run, "folder of a training")->required();
  report->footer(
      "Every training makes it at its end; this makes it anew, of one that runs too.\nexample: carousel report runs/text");
  report->callback([run, &chosen] {
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
  CLI::App* const explain = app.add_subcommand("explain", "equations, shapes, code and source of a cell or layer");
  explain->add_option("CELL", given->name, "what to explain; without it a list of what there is");
  const Rule size{.at_least = 1, .at_most = 2048};
  detail::declare_optional(*explain, "--in", "N", given->in, "features of the input, to count a cell's parameters (28)", size);
  detail::declare_optional(*explain, "--hidden", "N", given->hidden, "units of each layer (128)", size);
  detail::declare_optional(*explain, "--layers", "N", given->layers, "layers (1)", {.at_least = 1, .at_most = 16});
  explain->footer("example: carousel explain lstm");
  explain->callback([given, &chosen] {
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
  CLI::App* const train = app.add_subcommand("train", "trains a model for a task");
  train->require_subcommand(1);
  train->footer("carousel train TASK --help says more.\nexample: carousel train echo --preset source");
  for (const Task& task : all_tasks()) {
    CLI::App* const one = train->add_subcommand(task.name, task.about);
    if (!task.example.empty()) one->footer("example: " + task.example);
    const Command run = task.train(*one);
    one->callback([&chosen, run] {
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
  CLI::App app("carousel trains recurrent networks. Without arguments it learns the text that it brings along.");
  app.formatter(std::make_shared<Help>());
  app.set_help_flag("-h,--help", "this text");
  app.set_version_flag("--version", "carousel " CAROUSEL_VERSION, "the version");
  app.footer(
      "carousel COMMAND --help says more.\n"
      "results go to standard output, progress and remarks to standard error\n"
      "exit codes: 0 done, 1 a check failed or the loss exploded, 2 wrong usage or data, 130 Ctrl-C\n"
      "example: carousel train echo --preset source");
  app.require_subcommand(0, 1);

  Command chosen;
  declare_train(app, chosen);
  declare_eval(app, chosen);
  declare_sample(app, chosen);
  declare_report(app, chosen);
  declare_explain(app, chosen);
  declare_gradcheck(app, chosen);
  declare_runs(app, chosen);
  declare_compare(app, chosen);
  declare_scoreboard(app, chosen);
  declare_data(app, chosen);
  declare_graph(app, chosen);
  app.add_subcommand("list", "the tasks and the cells, a line each")->callback([&] { chosen = list; });

  const bool main_job = arguments.empty();
  if (main_job) arguments = {"train", all_tasks().front().name};
  std::reverse(arguments.begin(), arguments.end());
  try {
    app.parse(arguments);
  } catch (const CLI::CallForHelp&) {
    fmt::print("{}", as_started(app.help()));
    return exit_done;
  } catch (const CLI::CallForVersion&) {
    fmt::print("{}\n", app.version());
    return exit_done;
  } catch (const CLI::ParseError& error) {
    refuse(app, error);
  }
  if (!chosen) wrong_argument("which command? ", list_words(names_below(&app)));
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
