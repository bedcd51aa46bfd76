#include <carousel/tasks/nets/cell_graph.hpp>

#include <algorithm>
#include <map>
#include <optional>

#include <carousel/lib/look/watch.hpp>
#include <carousel/models/cells/any_cell.hpp>
#include <carousel/tasks/nets/derivatives.hpp>

namespace carousel {

namespace {

using T = double;
using NodeIndex = std::uint32_t;

constexpr Index batch = 2, inputs = 3, hidden = 5;  // told apart in shapes

std::string extent_text(Index extent) {
  if (extent == batch) return "B";
  if (extent == inputs) return "I";
  if (extent % hidden == 0) return (extent == hidden ? "" : std::to_string(extent / hidden)) + "H";
  return std::to_string(extent);
}

std::string shape_text(const Shape& shape) {
  std::string text;
  for (const Index extent : shape) text += (text.empty() ? "" : ", ") + extent_text(extent);
  return "[" + text + "]";
}

// ---- a step, and what its values are called -----------------------------------------------------------------------------------

/// One step of a cell on a tape of its own.
struct Step {
  Registry<T> registry;
  Tape<T> tape;
  Recorder<T> recorder;
  NodeIndex x;
  std::vector<NodeIndex> before, after;  // members of the state
  std::map<NodeIndex, std::string> names;

  explicit Step(const std::string& cell_name) {
    Random random(1);
    const AnyCell<T> cell = make_cell<T>(cell_name, Scope<T>(registry, random), inputs, hidden);
    const Var<T> input = tape.variable(full<T>({batch, inputs}, 0.5));
    x = input.index();
    AnyState<T> state = cell.start(batch);
    for (Var<T>& member : state.members()) {
      member = tape.variable(full<T>({batch, hidden}, 0.25));
      before.push_back(member.index());
    }
    const std::span<const char* const> members = state.names();
    AnyState<T> next = cell(input, state);
    for (const Var<T>& member : next.members()) after.push_back(member.index());

    names[x] = "x";
    for (std::size_t k = 0; k < before.size(); ++k) {
      const std::string name = k < members.size() ? members[k] : "s" + std::to_string(k + 1);
      names[before[k]] = name;
      names[after[k]] = name + "′";
    }
    for (const Watched<T>& watched : recorder.all()) name_gate(watched);
    const bool z_is_taken = !recorder.of("z").empty();
    int products = 0, others = 0;
    for (NodeIndex i = 0; i < tape.size(); ++i) {
      if (names.contains(i)) continue;
      if (tape.node(i).parameter) {
        names[i] = tape.node(i).parameter->path;
        std::replace(names[i].begin(), names[i].end(), '/', '.');
      } else if (is_product(i)) {
        names[i] = std::string(z_is_taken ? "a" : "z") + (products++ == 0 ? "" : std::to_string(products));
      } else if (is_drawn(i)) {
        names[i] = std::string("u") + (others++ == 0 ? "" : std::to_string(others));
      }
    }
  }

  bool is_product(NodeIndex i) {
    const auto* const operation = tape.node(i).operation;
    const std::string_view name = operation ? operation->name : "";
    return name == "affine" || name == "matmul";
  }
  /// Whether a node is a box: what is computed, and no view.
  bool is_drawn(NodeIndex i) { return tape.node(i).operation && !tape.node(i).is_view(); }
  /// The box that a value lies in.
  NodeIndex box_of(NodeIndex i) {
    while (tape.node(i).is_view()) i = tape.node(i).parent;
    return i;
  }
  std::string name(NodeIndex i) { return names.contains(i) ? names[i] : names[box_of(i)]; }
  /// The views that divide a value, from its first element on.
  std::vector<NodeIndex> parts_of(NodeIndex i) {
    std::vector<NodeIndex> parts;
    for (NodeIndex m = tape.node(i).members; m != detail::none; m = tape.node(m).sibling) parts.push_back(m);
    std::sort(parts.begin(), parts.end(), [&](NodeIndex a, NodeIndex b) { return tape.node(a).value < tape.node(b).value; });
    return parts;
  }
  int part_of(NodeIndex i) {
    if (!tape.node(i).is_view()) return -1;
    const std::vector<NodeIndex> parts = parts_of(tape.node(i).parent);
    const auto at = std::find(parts.begin(), parts.end(), i);
    return at == parts.end() ? -1 : static_cast<int>(at - parts.begin());
  }

  /// "x·wx + h·wh + b", or the formula of a statement.
  std::string formula_of(NodeIndex i) {
    const detail::Description description = tape.describe(i);
    const auto operand = [&](std::size_t k) { return name(description.operands[k]); };
    if (!description.formula.empty()) return written(description.formula, operand);
    std::string text;
    const std::size_t count = description.operands.size();
    if (is_product(i)) {
      for (std::size_t k = 0; k + 1 < count; k += 2) text += (k == 0 ? "" : " + ") + operand(k) + "·" + operand(k + 1);
      return count % 2 == 0 ? text : text + " + " + operand(count - 1);
    }
    for (std::size_t k = 0; k < count; ++k) text += (k == 0 ? "" : ", ") + operand(k);
    return std::string(tape.node(i).operation->name) + "(" + text + ")";
  }

 private:
  /// A gate gives its name to what its function is applied to, and to the statement that is nothing but the gate.
  void name_gate(const Watched<T>& watched) {
    bool first = true;
    for (const NodeIndex leaf : watched.nodes) {
      if (names.contains(leaf) || tape.node(leaf).parameter) continue;
      const std::vector<NodeIndex> made_of = tape.describe(box_of(leaf)).operands;
      const bool of_state = std::find(made_of.begin(), made_of.end(), before[0]) != made_of.end();
      names[leaf] = watched.name + (first ? "" : of_state ? "ₕ" : "₂");
      first = false;
    }
    for (NodeIndex i = 0; i < tape.size(); ++i)
      if (!names.contains(i) && is_drawn(i) && !is_product(i) && tape.describe(i).operands == watched.nodes)
        names[i] = watched.name + "*";
  }
};

// ---- the drawings -------------------------------------------------------------------------------------------------------------

Graph forward_graph(Step& step, const std::string& title) {
  Graph graph{.title = title};
  std::map<NodeIndex, std::size_t> boxes;
  const auto shape = [&](NodeIndex i) { return shape_text(step.tape.node(i).shape); };
  boxes[step.x] = graph.add({Box::input, {"x"}, {shape(step.x)}});
  for (const NodeIndex i : step.before) boxes[i] = graph.add({Box::state, {step.name(i)}, {shape(i)}});
  for (NodeIndex i = 0; i < step.tape.size(); ++i) {
    if (step.tape.node(i).parameter) boxes[i] = graph.add({Box::parameter, {step.name(i)}, {shape(i)}});
    if (!step.is_drawn(i)) continue;
    GraphNode node{Box::op, {step.name(i) + " = " + step.formula_of(i)}, {shape(i)}};
    for (const NodeIndex part : step.parts_of(i)) node.parts.push_back(step.name(part));
    boxes[i] = graph.add(node);
    std::vector<std::pair<NodeIndex, int>> drawn;
    for (const NodeIndex operand : step.tape.describe(i).operands) {
      const std::pair from{step.box_of(operand), step.part_of(operand)};
      if (std::find(drawn.begin(), drawn.end(), from) != drawn.end()) continue;
      drawn.push_back(from);
      graph.edges.push_back({.from = boxes.at(from.first), .to = boxes[i], .from_part = from.second});
    }
  }
  for (std::size_t k = 0; k < step.before.size(); ++k)
    graph.edges.push_back({.from = boxes.at(step.box_of(step.after[k])),
                           .to = boxes.at(step.before[k]),
                           .label = "one step later",
                           .delayed = true});
  return graph;
}

/// Each box is the way back through one op: d of what it was made from, out of d of what it made.
Graph backward_graph(Step& step, const std::string& title) {
  Graph graph{.title = title, .gradients = true};
  std::map<NodeIndex, std::size_t> boxes;
  const auto shape = [&](NodeIndex i) { return shape_text(step.tape.node(i).shape); };
  const auto d = [&](NodeIndex i) { return "d" + step.name(i); };
  const auto summed_over = [&](NodeIndex operand, NodeIndex i) {
    const Shape& of = step.tape.node(i).shape;
    const std::string axes = broadcast_axes(step.tape.node(operand).shape, of);
    return axes == "axis 0" && of[0] == batch ? "the batch" : axes;
  };
  // Edges go from the boxes of what was made to those of what it was made from.
  for (NodeIndex i = static_cast<NodeIndex>(step.tape.size()); i-- > 0;) {
    if (!step.is_drawn(i)) continue;
    const detail::Description description = step.tape.describe(i);
    GraphNode node{Box::op, {}, {shape(i)}};
    const std::vector<NodeIndex> parts = step.parts_of(i);
    for (const NodeIndex part : parts) node.parts.push_back(d(part));
    if (!description.formula.empty()) {
      const auto terms = derivatives(
          description.formula, [&](std::size_t k) { return step.name(description.operands[k]); }, d(i),
          [&](std::size_t k) { return summed_over(description.operands[k], i); });
      for (const auto& [name, term] : terms) node.lines.push_back("d" + name + " = " + term);
    } else if (step.is_product(i)) {
      const auto& operands = description.operands;
      for (std::size_t k = 0; k + 1 < operands.size(); k += 2) {
        node.lines.push_back(d(operands[k]) + " = " + d(i) + "·" + step.name(operands[k + 1]) + "ᵀ");
        node.lines.push_back(d(operands[k + 1]) + " = " + step.name(operands[k]) + "ᵀ·" + d(i));
      }
      if (operands.size() % 2 == 1) node.lines.push_back(d(operands.back()) + " = Σ " + d(i) + " over the batch");
    } else {
      node.lines.push_back("back through " + step.formula_of(i));
    }
    boxes[i] = graph.add(node);
  }
  for (const NodeIndex i : step.before) boxes[i] = graph.add({Box::state, {d(i)}, {shape(i)}});
  boxes[step.x] = graph.add({Box::input, {"dx"}, {shape(step.x)}});
  for (NodeIndex i = 0; i < step.tape.size(); ++i)
    if (step.tape.node(i).parameter) boxes[i] = graph.add({Box::parameter, {d(i)}, {shape(i), "added up over the steps"}});
  for (std::size_t k = 0; k < step.after.size(); ++k) {
    const std::size_t arrives =
        graph.add({Box::state, {d(step.after[k])}, {k == 0 ? "from the loss and the step after" : "from the step after"}});
    graph.edges.push_back({.from = arrives, .to = boxes.at(step.box_of(step.after[k]))});
    graph.edges.push_back({.from = boxes.at(step.before[k]), .to = arrives, .label = "one step earlier", .delayed = true});
  }
  for (NodeIndex i = static_cast<NodeIndex>(step.tape.size()); i-- > 0;) {
    if (!step.is_drawn(i)) continue;
    std::vector<std::pair<NodeIndex, int>> drawn;
    for (const NodeIndex operand : step.tape.describe(i).operands) {
      const std::pair to{step.box_of(operand), step.part_of(operand)};
      if (std::find(drawn.begin(), drawn.end(), to) != drawn.end()) continue;
      drawn.push_back(to);
      graph.edges.push_back({.from = boxes[i],
                             .to = boxes.at(to.first),
                             .label = step.is_drawn(to.first) && to.second < 0 ? d(operand) : "",
                             .to_part = to.second});
    }
  }
  return graph;
}

}  // namespace

Graph cell_graph(const std::string& name, bool backward) {
  Step step(name);
  const std::string about = std::string(
      std::find_if(cell_names().begin(), cell_names().end(), [&](const CellName& cell) { return cell.name == name; })->about);
  return backward ? backward_graph(step, name + ": gradients of one step") : forward_graph(step, name + ": " + about);
}

}  // namespace carousel
