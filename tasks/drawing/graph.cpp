#include <carousel/tasks/drawing/graph.hpp>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <string_view>
#include <system_error>

#include <fmt/format.h>

#include <carousel/lib/error.hpp>
#include <carousel/tasks/base/child.hpp>
#include <carousel/tasks/base/progress.hpp>
#include <carousel/tasks/base/text.hpp>
#include <carousel/tasks/drawing/svg.hpp>

namespace carousel {

namespace {

struct Look {
  const char* shape;
  const char* fill;
  const char* line;
};

Look look_of(Box box, bool gradients) {
  switch (box) {
    case Box::input:
      return {"ellipse", "#eef3fb", "#4a6fa5"};
    case Box::state:
      return {"ellipse", "#fdf1dc", "#b07d1a"};
    case Box::parameter:
      return {"box", "#eef7ee", "#5a8f5a"};
    case Box::layer:
      return {"box", "#fdf1dc", "#b07d1a"};
    case Box::op:
      break;
  }
  return gradients ? Look{"box", "#fbeeee", "#a54a4a"} : Look{"box", "#ffffff", "#555555"};
}

/// The label of a node: a table, for its parts are places from which edges go.
std::string label(const GraphNode& node, bool parts_first) {
  const std::size_t columns = std::max<std::size_t>(node.parts.size(), 1);
  std::string rows, parts;
  for (const std::string& line : node.lines) rows += fmt::format(R"(<tr><td colspan="{}">{}</td></tr>)", columns, markup(line));
  for (const std::string& line : node.about)
    rows +=
        fmt::format(R"(<tr><td colspan="{}"><font point-size="10" color="#666666">{}</font></td></tr>)", columns, markup(line));
  if (!node.parts.empty()) {
    parts = "<tr>";
    for (std::size_t i = 0; i < node.parts.size(); ++i)
      parts += fmt::format(R"(<td border="1" port="p{}"> {} </td>)", i, markup(node.parts[i]));
    parts += "</tr>";
  }
  rows = parts_first ? parts + rows : rows + parts;
  return fmt::format(R"(<<table border="0" cellborder="0" cellspacing="0" cellpadding="3">{}</table>>)", rows);
}

/// Nodes and edges, whose names begin with `prefix`.
std::string body(const Graph& graph, const std::string& prefix, const std::string& indent) {
  std::string text;
  for (std::size_t i = 0; i < graph.nodes.size(); ++i) {
    const Look look = look_of(graph.nodes[i].box, graph.gradients);
    text += fmt::format("{}{}{} [shape={}, fillcolor=\"{}\", color=\"{}\", label={}];\n", indent, prefix, i, look.shape,
                        look.fill, look.line, label(graph.nodes[i], graph.gradients));
  }
  if (!graph.gradients) {  // what comes from outside stands in one line
    text += indent + "{ rank=same;";
    for (std::size_t i = 0; i < graph.nodes.size(); ++i)
      if (const Box box = graph.nodes[i].box; box == Box::state || box == Box::parameter)
        text += fmt::format(" {}{};", prefix, i);
    text += " }\n";
  }
  const auto end = [&](std::size_t node, int part, const char* side) {
    return part < 0 ? fmt::format("{}{}", prefix, node) : fmt::format("{}{}:p{}:{}", prefix, node, part, side);
  };
  for (const GraphEdge& edge : graph.edges) {
    text += fmt::format("{}{} -> {} [", indent, end(edge.from, edge.from_part, "s"), end(edge.to, edge.to_part, "n"));
    if (!edge.label.empty()) text += fmt::format("label=\" {} \", ", markup(edge.label));
    if (edge.delayed)
      text += "style=dashed, color=\"#b07d1a\", fontcolor=\"#b07d1a\", constraint=false];\n";
    else
      text += fmt::format("color=\"{}\"];\n", graph.gradients                                ? "#a54a4a"
                                              : graph.nodes[edge.from].box == Box::parameter ? "#5a8f5a"
                                                                                             : "#555555");
  }
  return text;
}

}  // namespace

std::string dot(const Graph& graph) {
  std::string text = "digraph carousel {\n";
  text +=
      "  graph [rankdir=TB, bgcolor=white, nodesep=0.35, ranksep=0.45, fontname=\"Helvetica,Arial,sans-serif\", fontsize=15,\n";
  text += fmt::format("         labelloc=t, label=\"{}\\n \"];\n", markup(graph.title));
  text += "  node [style=\"filled,rounded\", fontname=\"Helvetica,Arial,sans-serif\", fontsize=13, margin=\"0.08,0.04\"];\n";
  text += "  edge [fontname=\"Helvetica,Arial,sans-serif\", fontsize=10, arrowsize=0.7];\n";
  text += body(graph, "n", "  ");
  for (std::size_t i = 0; i < graph.inset.size(); ++i) {
    text += fmt::format("  subgraph cluster{} {{\n    label=\"{}\"; style=rounded; color=\"#999999\"; fontsize=13;\n", i,
                        markup(graph.inset[i].title));
    text += body(graph.inset[i], fmt::format("c{}n", i), "    ") + "  }\n";
  }
  return text + "}\n";
}

void write_graph(const Graph& graph, const std::string& out) {
  const std::string text = dot(graph);
  if (out.empty() || out == "-") {
    fmt::print("{}", text);
    return;
  }
  const std::size_t dot_at = last_name(out).rfind('.');
  const std::string kind = dot_at == std::string::npos ? "" : last_name(out).substr(dot_at);
  if (kind != ".svg" && kind != ".png") {
    if (!kind.empty() && kind != ".dot" && kind != ".gv") bad_file("graph: ", out, ": must end in .dot, .gv, .svg or .png");
    write_text(out, text);
    note("drawn as DOT text in " + out);
    return;
  }
  if (const auto folder = std::filesystem::path(out).parent_path(); !folder.empty() && !std::filesystem::is_directory(folder))
    bad_file("graph: ", out, ": there is no folder ", folder.string());
  const std::string source = out + ".tmp.dot";
  write_text(source, text);
  ChildEnd drawn;
  try {
    drawn = run_child({"dot", kind == ".png" ? "-Tpng" : "-Tsvg", source});
  } catch (const std::exception& error) {
    std::filesystem::remove(source);
    if (std::string_view(error.what()) != join("run dot: ", std::generic_category().message(ENOENT))) throw;
    bad_file("graph: ", out, ": Graphviz, which draws it, is not there: apt-get install graphviz, or --out FILE.dot");
  }
  std::filesystem::remove(source);
  if (drawn.code != 0) bad_file("graph: ", out, ": dot ended with code ", drawn.code, ": ", drawn.err);
  write_text(out, drawn.out);
  note("drawn in " + out);
}

}  // namespace carousel
