#include <algorithm>
#include <csignal>
#include <cstdio>

#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include <carousel/lib/error.hpp>
#include <carousel/models/any_cell.hpp>
#include <carousel/tasks/task.hpp>

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

std::string result_line(std::string_view task, std::span<const Metric> metrics) {
  std::string line = fmt::format("result: {}", task);
  for (const Metric& metric : metrics) line += fmt::format(" {}={:.6g}", metric.name, metric.value);
  return line;
}

void print_result(std::string_view task, std::initializer_list<Metric> metrics) {
  fmt::print("{}\n", result_line(task, {metrics.begin(), metrics.size()}));
}

void note(std::string_view line) {
  fmt::print(stderr, "carousel: {}\n", line);
}

namespace {
volatile std::sig_atomic_t interrupt_came = 0;
}

bool interrupted() {
  return interrupt_came != 0;
}

void watch_for_interrupt() {
  struct sigaction action = {};
  action.sa_handler = [](int) { interrupt_came = 1; };
  action.sa_flags = static_cast<int>(SA_RESETHAND);  // the second one ends the program
  sigaction(SIGINT, &action, nullptr);
  sigaction(SIGTERM, &action, nullptr);
}

namespace {

/// Help pages: what it does, how it is called, what there is to give, an example.
class Help : public CLI::Formatter {
 public:
  std::string make_help(const CLI::App* app, std::string, CLI::AppFormatMode) const override {
    std::string name = app->get_name();
    for (const CLI::App* above = app->get_parent(); above; above = above->get_parent()) name = above->get_name() + " " + name;

    std::string usage = name, arguments, options, commands;
    for (const CLI::Option* option : app->get_options()) {
      const std::string value =
          option->get_type_name().empty() || option->get_expected_max() == 0 ? "" : " " + option->get_type_name();
      if (option->get_positional()) {
        usage += " " + option->get_name(true);
        arguments += row(option->get_name(true), option->get_description());
      } else {
        options += row(option->get_name(false, true) + value, option->get_description());
      }
    }
    for (const CLI::App* command : app->get_subcommands({})) commands += row(command->get_name(), command->get_description());
    if (!options.empty()) usage += " [OPTION...]";
    if (!commands.empty()) usage += app->get_parent() ? " TASK [OPTION...]" : " [COMMAND [ARGUMENT...]]";

    std::string page = app->get_description() + "\n\nusage: " + usage + "\n";
    if (!commands.empty()) page += app->get_parent() ? "\ntasks\n" + commands : "\ncommands\n" + commands;
    if (!arguments.empty()) page += "\narguments\n" + arguments;
    if (!options.empty()) page += "\noptions\n" + options;
    if (!app->get_footer().empty()) page += "\n" + app->get_footer() + "\n";
    return page;
  }

 private:
  static constexpr std::size_t left = 22, width = 100;

  /// Name and description, folded to the width of a page.
  static std::string row(const std::string& name, const std::string& description) {
    std::string out = "  " + name;
    std::size_t column = out.size();
    const auto new_line = [&] {
      out += "\n" + std::string(left, ' ');
      column = left;
    };
    if (column + 2 > left) {
      new_line();
    } else {
      out.append(left - column, ' ');
      column = left;
    }
    std::size_t from = 0;
    while (from < description.size()) {
      std::size_t to = std::min(description.find(' ', from), description.size());
      if (column > left && column + 1 + (to - from) > width) new_line();
      if (column > left) out += " ", ++column;
      out += description.substr(from, to - from);
      column += to - from;
      from = to + 1;
    }
    return out + "\n";
  }
};

std::string full_name(const CLI::App* app) {
  std::string name;
  for (; app->get_parent(); app = app->get_parent()) name = app->get_name() + (name.empty() ? "" : " " + name);
  return name;
}

/// The command line's deepest command.
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

/// What CLI11 found wrong, in our words.
[[noreturn]] void refuse(const CLI::App& app, const CLI::ParseError& error) {
  const CLI::App* const at = chosen_command(app);
  const std::string name = full_name(at), prefix = name.empty() ? "" : name + ": ";
  if (dynamic_cast<const CLI::ExtrasError*>(&error)) {
    const std::string word = app.remaining(true).front();
    if (word.starts_with("-"))
      wrong_argument(prefix, word, ": no such option; carousel ", name, name.empty() ? "" : " ", "--help lists them");
    const std::vector<std::string> names = names_below(at);
    if (!names.empty()) wrong_argument(prefix, word, ": must be one of ", list_words(names));
    wrong_argument(prefix, word, ": one argument too many");
  }
  if (dynamic_cast<const CLI::ArgumentMismatch*>(&error)) {
    const std::string what = error.what(), option = what.substr(0, what.find(':'));
    wrong_argument(prefix, option, ": a value must follow");
  }
  if (dynamic_cast<const CLI::RequiredError*>(&error)) {
    const std::vector<std::string> names = names_below(at);
    if (!names.empty()) wrong_argument(name, ": which task? ", list_words(names));
    const std::string what = error.what();
    wrong_argument(prefix, what.substr(0, what.find(' ')), ": must be given");
  }
  wrong_argument(prefix, error.what());
}

const Task& find_task(const std::string& name) {
  std::vector<std::string> names;
  for (const Task& task : all_tasks()) {
    if (task.name == name) return task;
    names.push_back(task.name);
  }
  wrong_argument("train: ", name, ": must be one of ", list_words(names));
}

int list() {
  for (const Task& task : all_tasks()) fmt::print("task  {:<16}  {}\n", task.name, task.about);
  for (const CellName& cell : cell_names()) fmt::print("cell  {:<16}  {}\n", cell.name, cell.about);
  return exit_done;
}

int parse_and_run(std::vector<std::string> arguments) {
  CLI::App app(
      "carousel trains recurrent networks. Without arguments it trains a model of text on the text that it brings along.",
      "carousel");
  app.formatter(std::make_shared<Help>());
  app.set_help_flag("-h,--help", "this text");
  app.set_version_flag("--version", "carousel " CAROUSEL_VERSION, "the version");
  app.footer(
      "carousel COMMAND --help says more. Results go to standard output, progress and remarks to standard error.\n"
      "exit codes: 0 done, 1 the result is bad, 2 wrong usage or data, 130 stopped by Ctrl-C");
  app.require_subcommand(0, 1);

  Command command;
  app.add_subcommand("list", "the tasks and the cells, a line each")->callback([&] { command = list; });

  CLI::App* const train = app.add_subcommand("train", "trains a model for a task");
  train->require_subcommand(1);
  train->footer("example: carousel train echo --preset source");
  for (const Task& task : all_tasks()) {
    CLI::App* const one = train->add_subcommand(task.name, task.about);
    if (!task.example.empty()) one->footer("example: " + task.example);
    const Command run = task.train(*one);
    one->callback([&command, run] { command = run; });
  }

  if (arguments.empty()) arguments = {"train", find_task("text").name};
  std::reverse(arguments.begin(), arguments.end());
  try {
    app.parse(arguments);
  } catch (const CLI::CallForHelp&) {
    fmt::print("{}", chosen_command(app)->help());
    return exit_done;
  } catch (const CLI::CallForVersion&) {
    fmt::print("{}\n", app.version());
    return exit_done;
  } catch (const CLI::ParseError& error) {
    refuse(app, error);
  }
  return command();
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
