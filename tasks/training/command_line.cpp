#include <carousel/tasks/training/command_line.hpp>

#include <algorithm>
#include <cstdio>
#include <memory>

#include <CLI/CLI.hpp>

#include <carousel/lib/error.hpp>
#include <carousel/tasks/base/did_you_mean.hpp>
#include <carousel/tasks/base/progress.hpp>

namespace carousel {

namespace {

constexpr std::size_t left = 22, width = 100;

}  // namespace

std::string detail::help_row(const std::string& name, const std::string& description) {
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
    const std::size_t to = std::min(description.find(' ', from), description.size());
    if (column > left && column + 1 + (to - from) > width) new_line();
    if (column > left) {
      out += ' ';
      ++column;
    }
    out.append(description, from, to - from);
    column += to - from;
    from = to + 1;
  }
  return out + "\n";
}

namespace {

/// The name of a command with those above it, without the program's: "train echo"; empty for the program itself.
std::string full_name(const CLI::App* app) {
  std::string name;
  for (; app->get_parent(); app = app->get_parent()) name = app->get_name() + (name.empty() ? "" : " " + name);
  return name;
}

/// A page: what a command does, how it is called, what there is to give, an example.
class Help : public CLI::FormatterBase {
 public:
  std::string make_help(const CLI::App* app, std::string, CLI::AppFormatMode) const override {
    std::string usage = "carousel", arguments, options, commands;
    if (const std::string name = full_name(app); !name.empty()) usage += " " + name;
    for (const CLI::Option* option : app->get_options()) {
      const bool flag = option->get_expected_max() == 0;
      if (option->get_positional()) {
        const std::string name = option->get_name(true) + (option->get_expected_max() > 1 ? "..." : "");
        usage += option->get_required() ? " " + name : " [" + name + "]";
        arguments += detail::help_row(option->get_name(true), option->get_description());
      } else {
        std::string names = option->get_name(false, true);
        if (const std::size_t comma = names.find(','); comma != std::string::npos) names.insert(comma + 1, " ");
        options += detail::help_row(names + (flag ? "" : " " + option->get_type_name()), option->get_description());
      }
    }
    for (const CLI::App* command : app->get_subcommands({}))
      commands += detail::help_row(command->get_name(), command->get_description());
    const bool is_choice_of_tasks = app->get_require_subcommand_min() > 0;
    if (!commands.empty()) usage += is_choice_of_tasks ? " TASK" : " [COMMAND]";
    if (!options.empty() || !commands.empty()) usage += " [OPTION...]";

    std::string page = app->get_description() + "\n\nusage: " + usage + "\n";
    if (!commands.empty()) page += (is_choice_of_tasks ? "\ntasks\n" : "\ncommands\n") + commands;
    if (!arguments.empty()) page += "\narguments\n" + arguments;
    if (!options.empty()) page += "\noptions\n" + options;
    if (!app->get_footer().empty()) page += "\n" + app->get_footer() + "\n";
    return page;
  }
};

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

bool is_task(const CLI::App& app, const std::string& word) {
  const std::vector<std::string> below = names_below(&app);
  if (std::find(below.begin(), below.end(), "train") == below.end()) return false;
  const std::vector<std::string> tasks = names_below(app.get_subcommand("train"));
  return std::find(tasks.begin(), tasks.end(), word) != tasks.end();
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
      if (name.empty() && is_task(app, word))
        wrong_argument(word, " (did you mean train ", word, "?): must be one of ", list_words(below));
      if (word == "help" || word == "version") wrong_argument(prefix, word, " (here it is --", word, "): no such command");
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

void make(CLI::App& app, const CommandLine& line) {
  app.description(line.about);
  app.formatter(std::make_shared<Help>());
  app.set_help_flag("-h,--help", "this text");
  if (!line.version.empty()) app.set_version_flag("--version", line.version, "the version");
  app.footer(line.footer);
  app.require_subcommand(0, 1);
  line.declare(app);
}

}  // namespace

bool read_command_line(const CommandLine& line, std::vector<std::string> words) {
  CLI::App app;
  make(app, line);
  std::reverse(words.begin(), words.end());
  try {
    app.parse(words);
  } catch (const CLI::CallForHelp&) {
    std::fputs(as_started(app.help()).c_str(), stdout);
    return false;
  } catch (const CLI::CallForVersion&) {
    std::puts(app.version().c_str());
    return false;
  } catch (const CLI::ParseError& error) {
    refuse(app, error);
  }
  if (app.get_subcommands().empty()) wrong_argument("which command? ", list_words(names_below(&app)));
  return true;
}

std::string help_page(const CommandLine& line, const std::vector<std::string>& command) {
  CLI::App app;
  make(app, line);
  const CLI::App* at = &app;
  for (const std::string& name : command) at = at->get_subcommand(name);
  return at->help();
}

void read_options(const std::function<void(CLI::App&)>& declare, std::vector<std::string> words) {
  CLI::App app;
  declare(app);
  std::reverse(words.begin(), words.end());
  app.parse(words);
}

namespace detail {

CLI::App& declare_command(CLI::App& app, const std::string& name, const std::string& about, const std::string& footer) {
  CLI::App* const command = app.add_subcommand(name, about);
  if (!footer.empty()) command->footer(footer);
  return *command;
}

void on_command(CLI::App& app, std::function<void()> call) {
  app.callback(std::move(call));
}

void require_command(CLI::App& app) {
  app.require_subcommand(1);
}
void allow_command(CLI::App& app) {
  app.require_subcommand(0, 1);
}

bool has_command(const CLI::App& app) {
  return !app.get_subcommands().empty();
}

std::vector<std::string> given_options(const CLI::App& app) {
  std::vector<std::string> names;
  for (const CLI::Option* option : app.get_options())
    if (option->count() > 0 && !option->get_positional()) names.push_back(option->get_name());
  return names;
}

void declare_argument(CLI::App& app, const std::string& name, std::string& to, const std::string& help, bool required) {
  app.add_option(name, to, help)->required(required);
}

void declare_arguments(CLI::App& app, const std::string& name, std::vector<std::string>& to, const std::string& help) {
  app.add_option(name, to, help)->required();
}

void declare_option(CLI::App& app, const std::string& name, const std::string& value, const std::string& help,
                    std::function<void(const std::string&)> read) {
  if (value.empty()) {
    // CLI11 gives 1 for --name and --name=yes, -1 for --name=no.
    app.add_flag_function(
        name, [read = std::move(read)](std::int64_t times) { read(times > 0 ? "yes" : "no"); }, help);
    return;
  }
  app.add_option_function<std::string>(name, read, help)->type_name(value)->multi_option_policy(CLI::MultiOptionPolicy::TakeLast);
}

void declare_flag(CLI::App& app, const std::string& name, const std::string& help, std::function<void()> set) {
  app.add_flag_callback(name, set, help);
}

}  // namespace detail

}  // namespace carousel
