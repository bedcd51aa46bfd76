#include <carousel/tasks/commands/graph_command.hpp>

#include <algorithm>
#include <memory>

#include <CLI/CLI.hpp>

#include <carousel/lib/error.hpp>
#include <carousel/models/cells/any_cell.hpp>
#include <carousel/tasks/base/did_you_mean.hpp>
#include <carousel/tasks/base/interrupt.hpp>
#include <carousel/tasks/nets/cell_graph.hpp>

namespace carousel {

namespace {

struct Given {
  std::string name, out = "-";
  bool backward = false;
};

int draw(const Given& given) {
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
    CLI::App app;
    const Command train = task.train(app);
    std::vector<std::string> arguments{"--graph=" + given.out};
    if (given.backward) arguments.emplace_back("--backward");
    app.parse(arguments);
    return train();
  }
  refuse_word("graph: ", given.name, names);
}

}  // namespace

void declare_graph(CLI::App& app, Command& chosen) {
  const auto given = std::make_shared<Given>();
  CLI::App* const graph = app.add_subcommand("graph", "draws a cell, or the model of a task");
  graph->add_option("NAME", given->name, "a cell or a task, one of those of `carousel list`")->required();
  detail::declare_option(
      *graph, "--out", "FILE",
      ".dot or .gv: DOT text; .svg or .png: a picture, where Graphviz is installed (DOT text on standard output)",
      [given](const std::string& text) { given->out = text; });
  detail::declare_flag(*graph, "--backward", "what it does with gradients: a step of the cell, or the model from its loss down",
                       [given] { given->backward = true; });
  graph->footer(
      "A model with other options than those of its preset: carousel train TASK … --graph FILE.\n"
      "example: carousel graph lstm --out lstm.svg");
  graph->callback([given, &chosen] { chosen = [given] { return draw(*given); }; });
}

}  // namespace carousel
