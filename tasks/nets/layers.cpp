#include <carousel/tasks/nets/layers.hpp>

#include <string>
#include <utility>
#include <vector>

#include <carousel/models/decoding/encoder_decoder.hpp>
#include <carousel/ops/arrange.hpp>

namespace carousel {

namespace {

template <class T>
Stacked<Bidirectional<AnyCell<T>>> make_both_ways(Scope<T> p, Index in, const TrainOptions& options,
                                                  const CellOptions<T>& start) {
  std::vector<Bidirectional<AnyCell<T>>> layers;
  for (Index layer = 0; layer < options.layers; ++layer, in = layers.back().outputs) {
    const Scope<T> place = p / std::to_string(layer);
    AnyCell<T> forward = make_cell(options.cell, place / "forward", in, options.hidden, start);
    AnyCell<T> backward = make_cell(options.cell, place / "backward", in, options.hidden, start);
    const Index outputs = forward.outputs_of(options.hidden) + backward.outputs_of(options.hidden);
    layers.emplace_back(std::move(forward), std::move(backward), outputs);
  }
  return Stacked(std::move(layers), options.dropout);
}

}  // namespace

template <class T>
Stacked<AnyCell<T>> make_layers(Scope<T> p, Index in, const TrainOptions& options, const CellOptions<T>& start) {
  std::vector<AnyCell<T>> layers;
  for (Index layer = 0; layer < options.layers; ++layer, in = layers.back().outputs_of(options.hidden))
    layers.push_back(make_cell(options.cell, p / std::to_string(layer), in, options.hidden, start));
  return Stacked(std::move(layers), options.dropout);
}

template <class T>
Layers<T>::Layers(Scope<T> p, Index in, const TrainOptions& options, const CellOptions<T>& start)
    : layers_([&]() -> std::variant<OneWay, BothWays> {
        if (options.bidirectional) return make_both_ways(p, in, options, start);
        return make_layers(p, in, options, start);
      }()),
      outputs_(std::visit([&](const auto& layers) { return layers.outputs_of(options.hidden); }, layers_)) {}

template <class T>
Scanned<StackedState<AnyState<T>>> Layers<T>::read(Var<T> xs, const ScanOptions& options) const {
  if (const OneWay* const layers = std::get_if<OneWay>(&layers_)) return scan(*layers, xs, layers->start(xs.shape()[1]), options);
  const BothWays& layers = std::get<BothWays>(layers_);
  const auto [outputs, state] = scan(layers, xs, layers.start(xs.shape()[1]), options);
  return {outputs, sum_of_directions(state)};
}

template <class T>
Var<T> Layers<T>::after_all(Var<T> xs, const ScanOptions& options) const {
  if (const OneWay* const layers = std::get_if<OneWay>(&layers_)) {
    const Var<T> hs = scan(*layers, xs, layers->start(xs.shape()[1]), options);
    return options.lengths.empty() ? last(hs) : last(hs, options.lengths);
  }
  const BothWays& layers = std::get<BothWays>(layers_);
  StackedState<BidirectionalState<AnyState<T>>> state = scan(layers, xs, layers.start(xs.shape()[1]), options).state;
  BidirectionalState<AnyState<T>>& top = state[layers.size() - 1];
  return concat({output(top.forward), output(top.backward)}, -1);
}

template Stacked<AnyCell<float>> make_layers(Scope<float>, Index, const TrainOptions&, const CellOptions<float>&);
template Stacked<AnyCell<double>> make_layers(Scope<double>, Index, const TrainOptions&, const CellOptions<double>&);
template class Layers<float>;
template class Layers<double>;

}  // namespace carousel
