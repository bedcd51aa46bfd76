#include <carousel/tasks/commands/graph_command.hpp>

#include <algorithm>
#include <memory>

#include <carousel/lib/error.hpp>
#include <carousel/models/cells/any_cell.hpp>
#include <carousel/tasks/base/did_you_mean.hpp>
#include <carousel/tasks/base/interrupt.hpp>
#include <carousel/tasks/nets/cell_graph.hpp>
#include <carousel/tasks/training/command_line.hpp>

namespace carousel {

namespace {

struct GraphOptions {
  std::string name, out = "-";
  bool backward = false;
};

int draw(const GraphOptions& given) {
  for (const CellName& cell : cell_names())
    if (cell.name == given.name) {
      write_graph(cell_graph(given.name, given.backward), given.out);
      return exit_done;
    }
  std::vector<std::string> names;
  for (const CellName& cell : cell_names()) names.emplace_back(cell.name);
  for (const Task& task : all_tasks()) {
    names.push_back(task.name);
    if (task.name != given.name) continue;
    Command train;
    std::vector<std::string> arguments{"--graph=" + given.out};
    if (given.backward) arguments.emplace_back("--backward");
    read_options([&](CLI::App& app) { train = task.train(app); }, arguments);
    return train();
  }
  refuse_word("graph: ", given.name, names);
}

}  // namespace

void declare_graph(CLI::App& app, Command& chosen) {
  const auto given = std::make_shared<GraphOptions>();
  CLI::App& graph =
      detail::declare_command(app, "graph", "draws a cell, or the model of a task",
                              "A model with other options than those of its preset: carousel train TASK … --graph FILE.\n"
                              "example: carousel graph lstm --out lstm.svg");
  detail::declare_argument(graph, "NAME", given->name, "a cell or a task, one of those of `carousel list`", true);
  detail::declare_option(
      graph, "--out", "FILE",
      ".dot or .gv: DOT text; .svg or .png: a picture, where Graphviz is installed (DOT text on standard output)",
      [given](const std::string& text) { given->out = text; });
  detail::declare_flag(graph, "--backward", "what it does with gradients: a step of the cell, or the model from its loss down",
                       [given] { given->backward = true; });
  detail::on_command(graph, [given, &chosen] { chosen = [given] { return draw(*given); }; });
}

}  // namespace carousel
