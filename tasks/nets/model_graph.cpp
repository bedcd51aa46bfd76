#include <carousel/tasks/nets/model_graph.hpp>

#include <algorithm>
#include <map>
#include <set>
#include <tuple>
#include <utility>

#include <carousel/lib/error.hpp>
#include <carousel/lib/tape/parameter.hpp>
#include <carousel/tasks/nets/derivatives.hpp>

namespace carousel {

namespace {

/// Rolls a tape up to boxes.
template <class T>
class Rolled {
 public:
  Rolled(Graph& graph, const std::string& cell, const Trace<T>& trace)
      : graph_(graph), cell_(cell), trace_(trace), tape_(Tape<T>::active()) {}

  void run(Var<T> loss) {
    find_needed(loss.index());
    for (std::uint32_t i = 0; i <= loss.index(); ++i) {
      if (!needed_[i]) continue;
      const auto where = trace_.place(i);
      if (where.in_cell && !tape_.node(i).parameter)
        add_to_layer(i, where.place);
      else
        add(i);
    }
    finish_layers();
    std::vector<std::string>& lines = graph_.nodes[box_of_[loss.index()]].lines;
    if (graph_.gradients)
      lines.insert(lines.begin(), "the loss: δ = 1");
    else
      lines[0] += ": the loss";
  }

 private:
  static constexpr std::size_t none = SIZE_MAX;
  using Key = std::tuple<std::string, bool, Index>;  // part, direction, layer
  struct Layer {
    std::size_t box;
    std::vector<std::uint32_t> parameters;
    std::set<Index> steps;
    Shape shape;  // of what it computed last
  };

  /// What a node was made from: operands, and what it is a view of.
  std::vector<std::uint32_t> operands(std::uint32_t i) const {
    std::vector<std::uint32_t> all = tape_.describe(i).operands;
    if (tape_.node(i).is_view()) all.push_back(tape_.node(i).parent);
    return all;
  }

  void find_needed(std::uint32_t loss) {
    needed_.assign(tape_.size(), false);
    box_of_.assign(tape_.size(), none);
    needed_[loss] = true;
    for (std::uint32_t i = loss + 1; i-- > 0;)
      if (needed_[i]) {
        for (const std::uint32_t operand : operands(i)) needed_[operand] = true;
        for (std::uint32_t m = tape_.node(i).members; m != detail::none; m = tape_.node(m).sibling)
          if (m < loss && tape_.node(m).operation) need_later_.push_back(m);
      }
    for (; !need_later_.empty();) {  // steps that complete the value of a node for all steps
      const std::uint32_t m = need_later_.back();
      need_later_.pop_back();
      if (needed_[m]) continue;
      needed_[m] = true;
      for (const std::uint32_t operand : operands(m))
        if (!needed_[operand]) need_later_.push_back(operand);
    }
  }

  /// Draws the way of a value, or back on it that of its gradient.
  void connect(std::size_t from, std::size_t to) {
    if (graph_.gradients) std::swap(from, to);
    if (connected_.insert({from, to}).second) graph_.edges.push_back({.from = from, .to = to});
  }
  /// "readout/w [3, 5]", or what is added up for it.
  std::string parameter_text(std::uint32_t i) const {
    return join(graph_.gradients ? "d" : "", tape_.node(i).parameter->path, " ", tape_.node(i).shape);
  }

  void add_to_layer(std::uint32_t i, const Place& place) {
    const Key key{std::string(place.part), place.backward, place.layer};
    auto found = layers_.find(key);
    if (found == layers_.end()) {
      std::string name = place.part.empty() ? "" : std::string(place.part) + ", ";
      name += join(cell_, " layer ", place.layer, place.backward ? ", backwards in time" : "");
      if (graph_.gradients) name = "back through " + name;
      found = layers_.emplace(key, Layer{graph_.add({Box::layer, {name}}), {}, {}, {}}).first;
    }
    Layer& layer = found->second;
    box_of_[i] = layer.box;
    layer.steps.insert(place.step);
    layer.shape = tape_.node(i).shape;
    for (const std::uint32_t operand : operands(i)) {
      if (tape_.node(operand).parameter) {
        if (std::find(layer.parameters.begin(), layer.parameters.end(), operand) == layer.parameters.end())
          layer.parameters.push_back(operand);
      } else if (box_of_[operand] != none && box_of_[operand] != layer.box) {
        connect(box_of_[operand], layer.box);
      }
    }
  }

  void finish_layers() {
    for (auto& [key, layer] : layers_) {
      std::vector<std::string>& about = graph_.nodes[layer.box].about;
      const std::string steps = layer.steps.size() > 1 ? join(", ", layer.steps.size(), " steps") : "";
      for (const std::uint32_t p : layer.parameters) about.push_back(parameter_text(p));
      if (graph_.gradients && !steps.empty() && !layer.parameters.empty()) about.emplace_back("added up over the steps");
      about.push_back(join(graph_.gradients ? "dstate " : "state ", layer.shape, steps));
      graph_.edges.push_back({.from = layer.box,
                              .to = layer.box,
                              .label = graph_.gradients ? "one step earlier" : "one step later",
                              .delayed = true});
    }
  }

  /// A node outside of the layers: a box of its own, that of a node that is the same, or that of what it only shows otherwise.
  void add(std::uint32_t i) {
    const auto& node = tape_.node(i);
    if (node.parameter || (graph_.gradients && !node.needs_gradient)) return;
    const detail::Description description = tape_.describe(i);
    std::vector<std::size_t> from;
    for (const std::uint32_t operand : operands(i))
      if (box_of_[operand] != none && std::find(from.begin(), from.end(), box_of_[operand]) == from.end())
        from.push_back(box_of_[operand]);
    const std::string_view op = node.operation ? node.operation->name : "";
    if (from.size() == 1 && (op.empty() || op == "packed" || op == "stack")) {
      box_of_[i] = from[0];
      return;
    }
    GraphNode drawn{node.operation ? Box::op : Box::input,
                    graph_.gradients ? lines_back(i, description) : std::vector{text_of(i, description)}};
    std::string key = join(node.shape);
    for (const std::string& line : drawn.lines) key += line;
    for (const std::uint32_t operand : description.operands)
      if (tape_.node(operand).parameter) drawn.about.push_back(parameter_text(operand));
    drawn.about.push_back(join(node.shape));
    for (const std::string& line : drawn.about) key += line;
    const Place place = trace_.place(i).place;
    if (place.part.empty()) {
      for (const std::size_t box : from) key += join("<", box);
    } else {  // a step of a loop: the first one reads what stands before the loop, and is drawn with the others
      if (step_ != place.step) in_step_.clear();
      step_ = place.step;
      key += join(place.part, in_step_[key]++);
    }
    const auto [same, is_new] = boxes_.emplace(key, graph_.nodes.size());
    box_of_[i] = same->second;
    if (is_new) graph_.add(drawn);
    for (const std::size_t box : from)
      if (box != box_of_[i]) connect(box, box_of_[i]);
  }

  std::string text_of(std::uint32_t i, const detail::Description& description) const {
    const auto& node = tape_.node(i);
    if (!node.operation) return node.needs_gradient ? "variable" : "data";
    if (description.formula.empty()) return node.operation->name;
    const std::vector<std::string> names = names_in(description);
    return written(description.formula, [&](std::size_t k) { return names[k]; });
  }

  /// What the operands of an op are called in its box: x, y and so on, and parameters by their paths.
  std::vector<std::string> names_in(const detail::Description& description) const {
    std::map<std::uint32_t, std::string> letters;
    std::vector<std::string> names;
    for (const std::uint32_t operand : description.operands) {
      if (tape_.node(operand).parameter) {
        names.push_back(tape_.node(operand).parameter->path);
        continue;
      }
      const auto count = letters.size();
      names.push_back(letters.emplace(operand, std::string(1, "xyzuvwabcdefghijklmnopqrst"[count % 26])).first->second);
    }
    return names;
  }

  /// The gradients of an op's operands, out of δ, the one that arrives; nothing for those that get none.
  std::vector<std::string> lines_back(std::uint32_t i, const detail::Description& description) const {
    const auto& node = tape_.node(i);
    if (!node.operation) return {"δ: nothing is behind it"};
    const std::vector<std::string> names = names_in(description);
    const auto gets_one = [&](std::size_t k) { return tape_.node(description.operands[k]).needs_gradient; };
    std::vector<std::string> lines;
    if (!description.formula.empty()) {
      const auto all = derivatives(
          description.formula, [&](std::size_t k) { return names[k]; }, "δ",
          [&](std::size_t k) { return broadcast_axes(tape_.node(description.operands[k]).shape, node.shape); });
      for (std::size_t k = 0; k < names.size(); ++k)
        if (gets_one(k) && std::find(names.begin(), names.begin() + static_cast<std::ptrdiff_t>(k), names[k]) ==
                               names.begin() + static_cast<std::ptrdiff_t>(k))
          lines.push_back(join("d", names[k], " = ", all.at(names[k])));
      return lines;
    }
    lines.push_back(join("back through ", node.operation->name));
    if (const std::string_view op = node.operation->name; op != "affine" && op != "matmul") return lines;
    for (std::size_t k = 0; k + 1 < names.size(); k += 2) {
      if (gets_one(k)) lines.push_back(join("d", names[k], " = δ·", names[k + 1], "ᵀ"));
      if (gets_one(k + 1)) lines.push_back(join("d", names[k + 1], " = ", names[k], "ᵀ·δ"));
    }
    if (names.size() % 2 == 1) lines.push_back(join("d", names.back(), " = Σ δ over the rows"));
    return lines;
  }

  Graph& graph_;
  const std::string& cell_;
  const Trace<T>& trace_;
  Tape<T>& tape_;
  std::vector<bool> needed_;
  std::vector<std::uint32_t> need_later_;
  std::vector<std::size_t> box_of_;  // of each node
  std::map<std::string, std::size_t> boxes_;
  Index step_ = 0;                        // of a loop outside of the layers
  std::map<std::string, Index> in_step_;  // how often each op has been met in it
  std::map<Key, Layer> layers_;
  std::set<std::pair<std::size_t, std::size_t>> connected_;
};

}  // namespace

template <class T>
Graph model_graph(const std::string& title, const std::string& cell, Var<T> loss, const Trace<T>& trace, bool backward) {
  Graph graph{.title = title, .gradients = backward};
  Rolled<T>(graph, cell, trace).run(loss);
  return graph;
}

template Graph model_graph(const std::string&, const std::string&, Var<float>, const Trace<float>&, bool);
template Graph model_graph(const std::string&, const std::string&, Var<double>, const Trace<double>&, bool);

}  // namespace carousel
