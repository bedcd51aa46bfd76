#include <carousel/tasks/commands/help.hpp>

#include <algorithm>

namespace carousel {

namespace {

constexpr std::size_t left = 22, width = 100;

/// Name and description, folded to the width of a page.
std::string row(const std::string& name, const std::string& description) {
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

}  // namespace

std::string Help::make_help(const CLI::App* app, std::string, CLI::AppFormatMode) const {
  std::string usage = "carousel", arguments, options, commands;
  if (const std::string name = full_name(app); !name.empty()) usage += " " + name;
  for (const CLI::Option* option : app->get_options()) {
    const bool flag = option->get_expected_max() == 0;
    if (option->get_positional()) {
      const std::string name = option->get_name(true) + (option->get_expected_max() > 1 ? "..." : "");
      usage += option->get_required() ? " " + name : " [" + name + "]";
      arguments += row(option->get_name(true), option->get_description());
    } else {
      std::string names = option->get_name(false, true);
      if (const std::size_t comma = names.find(','); comma != std::string::npos) names.insert(comma + 1, " ");
      options += row(names + (flag ? "" : " " + option->get_type_name()), option->get_description());
    }
  }
  for (const CLI::App* command : app->get_subcommands({})) commands += row(command->get_name(), command->get_description());
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

std::string full_name(const CLI::App* app) {
  std::string name;
  for (; app->get_parent(); app = app->get_parent()) name = app->get_name() + (name.empty() ? "" : " " + name);
  return name;
}

}  // namespace carousel
