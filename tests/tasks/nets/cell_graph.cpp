#include <carousel/tasks/nets/cell_graph.hpp>

#include <stdexcept>

#include <doctest/doctest.h>

#include <carousel/models/cells/any_cell.hpp>
#include <carousel/tasks/nets/derivatives.hpp>

using namespace carousel;

namespace {

bool has_line(const Graph& graph, const std::string& wanted) {
  for (const GraphNode& node : graph.nodes)
    for (const std::string& line : node.lines)
      if (line == wanted) return true;
  return false;
}

std::size_t delayed(const Graph& graph) {
  std::size_t count = 0;
  for (const GraphEdge& edge : graph.edges) count += edge.delayed ? 1 : 0;
  return count;
}

}  // namespace

TEST_CASE("an LSTM is drawn as its equations") {
  const Graph graph = cell_graph("lstm", false);
  CHECK(has_line(graph, "z = x·wx + h·wh + b"));
  CHECK(has_line(graph, "c′ = σ(f)∘c + σ(i)∘tanh(g)"));
  CHECK(has_line(graph, "h′ = σ(o)∘tanh(c′)"));
  CHECK(delayed(graph) == 2);
  bool divided = false;
  for (const GraphNode& node : graph.nodes)
    if (!node.parts.empty()) {
      divided = true;
      CHECK(node.parts == std::vector<std::string>{"i", "f", "g", "o"});
      CHECK(node.about == std::vector<std::string>{"[B, 4H]"});
    }
  CHECK(divided);
}

TEST_CASE("its gradients are drawn as theirs") {
  const Graph graph = cell_graph("lstm", true);
  CHECK(has_line(graph, "df = dc′∘c∘σ′(f)"));
  CHECK(has_line(graph, "dc = dc′∘σ(f)"));
  CHECK(has_line(graph, "dg = dc′∘σ(i)∘tanh′(g)"));
  CHECK(has_line(graph, "do = dh′∘tanh(c′)∘σ′(o)"));
  CHECK(has_line(graph, "dh = dz·whᵀ"));
  CHECK(has_line(graph, "dwh = hᵀ·dz"));
  CHECK(has_line(graph, "db = Σ dz over the batch"));
  CHECK(delayed(graph) == 2);
}

TEST_CASE("the gradient of what is broadcast over the batch is a sum over it") {
  const Graph graph = cell_graph("lstm-peephole", true);
  CHECK(has_line(graph, "dpi = Σ dc′∘tanh(g)∘σ′(i + pi∘c)∘c over the batch"));
  CHECK(has_line(graph, "dpf = Σ dc′∘c∘σ′(f + pf∘c)∘c over the batch"));
  CHECK(has_line(graph, "dpo = Σ dh′∘tanh(c′)∘σ′(o + po∘c′)∘c′ over the batch"));
  CHECK(has_line(graph, "do = dh′∘tanh(c′)∘σ′(o + po∘c′)"));
}

TEST_CASE("a sum holds all terms of a gradient, and a single sign stands before it") {
  using detail::Symbol;
  const Symbol operand{.is_operand = true}, add{"add", 2}, subtract{"subtract", 2}, multiply{"multiply", 2}, negate{"negate", 1};
  const auto gradients = [&](const std::vector<Symbol>& formula, const std::string& letters) {
    return derivatives(
        formula, [&](std::size_t k) { return letters.substr(k, 1); }, "δ",
        [&](std::size_t k) { return letters[k] == 'x' ? "" : "axis 0"; });
  };
  using Lines = std::map<std::string, std::string>;
  CHECK(gradients({subtract, operand, operand}, "xy") == Lines{{"x", "δ"}, {"y", "−Σ δ over axis 0"}});
  CHECK(gradients({subtract, multiply, operand, operand, operand}, "xyy") ==
        Lines{{"x", "δ∘y"}, {"y", "Σ (δ∘x − δ) over axis 0"}});
  CHECK(gradients({add, negate, operand, multiply, operand, operand}, "yyx") ==
        Lines{{"x", "δ∘y"}, {"y", "Σ (−δ + δ∘x) over axis 0"}});
  CHECK(gradients({add, negate, operand, multiply, operand, operand}, "xxy") ==
        Lines{{"x", "−δ + δ∘y"}, {"y", "Σ δ∘x over axis 0"}});
}

TEST_CASE("an operand is broadcast along the axes that it lacks or has with extent 1") {
  CHECK(broadcast_axes({25, 128}, {25, 128}) == "");
  CHECK(broadcast_axes({}, {}) == "");
  CHECK(broadcast_axes({1, 25}, {1, 25}) == "");
  CHECK(broadcast_axes({25, 128}, {10, 25, 128}) == "axis 0");
  CHECK(broadcast_axes({10, 25, 1}, {10, 25, 128}) == "axis 2");
  CHECK(broadcast_axes({25, 1}, {10, 25, 128}) == "axes 0 and 2");
  CHECK(broadcast_axes({}, {10, 25, 128}) == "axes 0, 1 and 2");
  CHECK(broadcast_axes({100}, {1, 100}) == "axis 0");
}

TEST_CASE("every cell has a drawing, forward and backward, in which every edge ends at a box") {
  for (const CellName& cell : cell_names())
    for (const bool backward : {false, true}) {
      CAPTURE(std::string(cell.name));
      const Graph graph = cell_graph(std::string(cell.name), backward);
      for (const GraphEdge& edge : graph.edges) {
        REQUIRE(edge.from < graph.nodes.size());
        REQUIRE(edge.to < graph.nodes.size());
        CHECK(edge.from_part < static_cast<int>(graph.nodes[edge.from].parts.size()));
        CHECK(edge.to_part < static_cast<int>(graph.nodes[edge.to].parts.size()));
      }
      for (const GraphNode& node : graph.nodes)
        for (const std::string& line : node.lines) CHECK(line.find('%') == std::string::npos);
      CHECK(dot(graph).starts_with("digraph carousel {\n"));
    }
  CHECK(has_line(cell_graph("gru", false), "n* = tanh(n + σ(r + rₕ)∘nₕ)"));
  CHECK(has_line(cell_graph("gru", false), "h′ = n* + σ(z + zₕ)∘(h − n*)"));
  CHECK(has_line(cell_graph("gru", false), "a = x·wx + b"));
  CHECK(has_line(cell_graph("lstm-coupled", true), "dc = dc′ − dc′∘σ(i)"));
}

TEST_CASE("what a label holds is no markup") {
  const std::string text = dot({.title = "a \"b\" <c>", .nodes = {{Box::op, {"x < y & z"}, {"[2]"}}}});
  CHECK(text.find("x &lt; y &amp; z") != std::string::npos);
  CHECK(text.find("a &quot;b&quot; &lt;c&gt;") != std::string::npos);
}

TEST_CASE("there is no drawing of a cell that there is not") {
  CHECK_THROWS_AS(cell_graph("lstn", false), std::invalid_argument);
}
