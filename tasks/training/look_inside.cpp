#include <carousel/tasks/training/look_inside.hpp>

#include <algorithm>
#include <map>

#include <carousel/lib/look/watch.hpp>
#include <carousel/tasks/nets/inside.hpp>

namespace carousel {

namespace {

/// A layer, in one direction, of one part of a net.
struct Layer {
  std::vector<double> gradients;  // ‖∂L/∂h‖ by step
  Index gates = 0, saturated_gates = 0, states = 0, ends = 0;
  std::vector<bool> alive;  // units of h that were not 0 at some step
  bool negative = false;    // some h was: not those of a relu
};

/// Where less than a hundredth of the gradient passes: of σ, with the derivative y (1 − y), and of tanh, with 1 − y².
bool ends_gate(double y) {
  return y * (1 - y) < 1e-2;
}
bool ends_tanh(double y) {
  return 1 - y * y < 1e-2;
}

template <class T>
void add(const Watched<T>& one, Layer& layer) {
  if (is_gate(one.name)) {
    layer.gates += static_cast<Index>(one.value.size());
    for (const T y : one.value) layer.saturated_gates += ends_gate(static_cast<double>(y));
  }
  if (one.name != "h") return;
  layer.states += static_cast<Index>(one.value.size());
  layer.alive.resize(std::max(layer.alive.size(), one.value.size()));
  std::size_t unit = 0;
  for (const T y : one.value) {
    layer.ends += ends_tanh(static_cast<double>(y));
    layer.negative = layer.negative || y < 0;
    if (y != 0) layer.alive[unit] = true;
    ++unit;
  }
  double sum = 0;
  for (const T d : one.gradient) sum += static_cast<double>(d) * static_cast<double>(d);
  layer.gradients.push_back(std::sqrt(sum));
}

/// The part of a layer that lets no gradient through, and what it is a part of.
std::pair<double, std::string_view> saturated(const Layer& layer) {
  const auto part = [](Index some, Index all) { return all == 0 ? 0 : static_cast<double>(some) / static_cast<double>(all); };
  if (layer.gates > 0) return {part(layer.saturated_gates, layer.gates), "gates"};
  if (layer.negative || layer.states == 0) return {part(layer.ends, layer.states), "tanh"};
  const Index dead = std::count(layer.alive.begin(), layer.alive.end(), false);
  return {part(dead, static_cast<Index>(layer.alive.size())), "relu"};
}

}  // namespace

template <class T>
Inside look_inside(const Sample<T>& sample) {
  Tape<T> tape;
  Recorder<T> recorder({.gradients = true});
  tape.backward(sample.loss(), Gradients::keep);
  recorder.read_gradients();
  using Key = std::tuple<std::string_view, bool, Index>;  // part, backward, layer
  std::map<Key, Layer> layers;
  for (const Watched<T>& one : recorder.all()) add(one, layers[Key(one.place.part, one.place.backward, one.place.layer)]);

  Inside inside;
  const auto most = [](const Layer& layer) {
    return layer.gradients.empty() ? 0.0 : *std::max_element(layer.gradients.begin(), layer.gradients.end());
  };
  for (const auto& [key, layer] : layers) {
    if (const auto [part, what] = saturated(layer); part > inside.saturated) inside.saturated = part, inside.what = what;
    const auto& [name, backward, number] = key;
    const double largest = most(layer);
    if (!backward && number == 0 && largest > 0) {
      inside.steps = std::max(inside.steps, static_cast<Index>(layer.gradients.size()));
      inside.first_step = std::min(inside.first_step, layer.gradients.front() / largest);
    }
    if (const auto lowest = layers.find(Key(name, backward, 0)); number > 0 && largest > 0) {
      inside.layers = std::max(inside.layers, number + 1);
      if (lowest != layers.end()) inside.lowest_layer = std::min(inside.lowest_layer, most(lowest->second) / largest);
    }
  }
  return inside;
}

template Inside look_inside(const Sample<float>&);
template Inside look_inside(const Sample<double>&);

}  // namespace carousel
