#pragma once
/// Drawings of nets as graphs: DOT text for Graphviz.

#include <string>
#include <utility>
#include <vector>

namespace carousel {

/// What a box of a drawing is.
enum class Box {
  input,      ///< a value that comes from outside
  state,      ///< what a cell hands on to its next step
  parameter,  ///< what is trained
  op,         ///< something computed
  layer,      ///< a cell that runs over time
};

struct GraphNode {
  Box box;
  std::vector<std::string> lines;       ///< what it is
  std::vector<std::string> about = {};  ///< shapes and the like, smaller
  std::vector<std::string> parts = {};  ///< it consists of these, side by side
};

struct GraphEdge {
  std::size_t from, to;  ///< nodes
  std::string label = {};
  int from_part = -1, to_part = -1;
  bool delayed = false;  ///< from one step to another
};

/// A drawing, from the top down.
struct Graph {
  std::string title;
  std::vector<GraphNode> nodes = {};
  std::vector<GraphEdge> edges = {};
  bool gradients = false;         ///< drawn in another colour
  std::vector<Graph> inset = {};  ///< drawn beside it, each in a frame

  std::size_t add(GraphNode node) {
    nodes.push_back(std::move(node));
    return nodes.size() - 1;
  }
};

/// The drawing in the DOT language (graphviz.org/doc/info/lang.html).
std::string dot(const Graph& graph);

/// Writes a drawing: DOT text on standard output if `out` is empty or "-", else to a file; to one that ends in .svg or .png a
/// picture, by Graphviz's program dot. Throws std::runtime_error if that is not there, the file ends in something else than these
/// or .dot or .gv, or cannot be written.
void write_graph(const Graph& graph, const std::string& out);

}  // namespace carousel
