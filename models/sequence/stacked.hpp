#pragma once
/// Layers on top of each other: each reads the outputs of the one below.

#include <string>
#include <utility>
#include <vector>

#include <carousel/models/sequence/scan.hpp>

namespace carousel {

/// How layers are stacked.
struct StackedOptions {
  Index layers = 1;
  /// Part of the outputs of each layer but the last that the next one does not see. Zaremba, Sutskever, Vinyals 2014,
  /// arXiv:1409.2329.
  double dropout = 0;
};

/// The states of all layers. Members are listed from the top layer down, so that the first is the output.
template <class Inner>
class StackedState {
 public:
  using Scalar = ScalarOfState<Inner>;

  StackedState() = default;
  explicit StackedState(std::size_t count) : layers_(count) {}

  std::size_t size() const { return layers_.size(); }
  Inner& operator[](std::size_t layer) { return layers_[layer]; }
  const std::optional<DropoutKey>& key() const { return key_; }

  detail::Members<Scalar> members() {
    detail::Members<Scalar> all;
    for (std::size_t layer = size(); layer-- > 0;) detail::add_members(all, layers_[layer]);
    return all;
  }
  /// None: what there is to see is watched layer by layer.
  static std::span<const char* const> names() { return {}; }
  void set_key(const std::optional<DropoutKey>& key) {
    key_ = key;
    for (std::size_t layer = 0; layer < size(); ++layer) detail::set_key(layers_[layer], detail::at_place(key, 2 * layer));
  }

 private:
  detail::RecycledVector<Inner> layers_;
  std::optional<DropoutKey> key_;
};

/// Layers of one kind of cell (layers of several kinds: Stacked<AnyCell<T>>), or of Bidirectional:
///   h₁ = cell₁(x),  h₂ = cell₂(dropout(h₁)), …
/// It is a cell itself, for one step at a time; scan runs it layer by layer, which is faster and gives the same.
template <detail::ExpectCell Cell>
class Stacked {
 public:
  using State = StackedState<typename Cell::State>;
  using T = ScalarOfState<State>;

  /// Makes the layers in p / "0", p / "1", …; what else a cell's constructor takes goes to each. Throws std::invalid_argument for
  /// fewer layers than 1, or a dropout outside [0, 1).
  template <class... More>
  Stacked(Scope<T> p, Index in, Index hidden, const StackedOptions& options, const More&... more) : dropout_(options.dropout) {
    check(options.layers);
    for (Index layer = 0; layer < options.layers; ++layer) {
      layers_.push_back(Cell(p / std::to_string(layer), in, hidden, more...));
      in = detail::outputs_of(layers_.back(), hidden);
    }
  }
  /// Layers that exist, from the input up.
  explicit Stacked(std::vector<Cell> layers, double dropout = 0) : layers_(std::move(layers)), dropout_(dropout) {
    check(static_cast<Index>(layers_.size()));
  }

  std::size_t size() const { return layers_.size(); }
  const Cell& operator[](std::size_t layer) const { return layers_[layer]; }
  double dropout() const { return dropout_; }
  /// Features of an output where a layer has `hidden` units.
  Index outputs_of(Index hidden) const { return detail::outputs_of(layers_.back(), hidden); }

  State start(Index batch) const {
    State state(size());
    for (std::size_t layer = 0; layer < size(); ++layer) state[layer] = layers_[layer].start(batch);
    return state;
  }
  State form() const {
    State state(size());
    for (std::size_t layer = 0; layer < size(); ++layer) state[layer] = detail::form_of(layers_[layer]);
    return state;
  }

  /// One step. Throws std::invalid_argument for a state of another number of layers.
  State operator()(Var<T> x, State state) const {
    check_state("Stacked", state);
    for (std::size_t layer = 0; layer < size(); ++layer) {
      const At<T> at(&Place::layer, static_cast<Index>(layer));
      if (layer > 0) x = dropped(x, 0, state.key(), layer);
      state[layer] = layers_[layer](x, state[layer]);
      detail::watch_state(state[layer]);
      x = output(state[layer]);
    }
    return state;
  }

  /// What layer `layer` sees of the outputs of the one below.
  ///   x: [batch, hidden] or, with a batch axis of 1, [time, batch, hidden]
  Var<T> dropped(Var<T> x, int batch_axis, std::optional<DropoutKey> key, std::size_t layer) const {
    key = detail::at_place(key, 2 * layer - 1);
    if (!key) return x;
    key->batch_axis = batch_axis;
    return carousel::dropout(x, dropout_, *key);
  }
  /// Throws std::invalid_argument for `op` if the state has another number of layers.
  void check_state(const char* op, const State& state) const {
    if (state.size() != size()) wrong_argument(op, ": a state of ", state.size(), " layers: this model has ", size());
  }

 private:
  void check(Index layers) const {
    if (layers < 1) wrong_argument("Stacked: ", layers, " layers: must be at least 1");
    if (!(dropout_ >= 0 && dropout_ < 1)) wrong_argument("Stacked: dropout ", dropout_, ": must be at least 0 and less than 1");
  }

  std::vector<Cell> layers_;
  double dropout_ = 0;
};

/// Runs the layers over a sequence, one after the other.
template <class Cell>
Scanned<typename Stacked<Cell>::State> scan(const Stacked<Cell>& model, InputOf<Stacked<Cell>> xs,
                                            typename Stacked<Cell>::State start, const ScanOptions& options = {}) {
  model.check_state("scan", start);

  for (std::size_t layer = 0; layer < model.size(); ++layer) {
    const At<ScalarOfState<typename Cell::State>> at(&Place::layer, static_cast<Index>(layer));
    ScanOptions inner = options;
    inner.key = detail::at_place(options.key, 2 * layer);
    if (layer > 0) xs = model.dropped(xs, 1, options.key, layer);
    auto [outputs, state] = scan(model[layer], xs, start[layer], inner);
    xs = outputs;
    start[layer] = state;
  }

  return {xs, start};
}

}  // namespace carousel
