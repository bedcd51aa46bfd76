#pragma once
/// Unrolling: from one step of a cell to a sequence.
///
/// A cell is a pure function, state' = cell(x, state). Its state is a Var, or an aggregate of Vars that names its `Scalar` and
/// lists its `members()`; the first member is the output. Everything here works for every cell, the user's included, and for a
/// plain function of x and state.

#include <carousel/models/sequence/unroll.hpp>
#include <carousel/ops/shape.hpp>

namespace carousel {

/// The outputs of all steps, [time, batch, hidden], and the state after the last one.
template <class State>
struct Scanned {
  Var<ScalarOfState<State>> outputs;
  State state;

  operator Var<ScalarOfState<State>>() const { return outputs; }
};

/// A value of the scalar type of a cell; expressions and parameters convert to it.
template <class Cell>
using InputOf = Var<ScalarOfState<typename Cell::State>>;

/// The last output of each example: row lengths[b] − 1 of example b, 0 where the length is 0. Of outputs that were made in
/// reverse the last one is `at(outputs, 0, 0)`, whatever the length. Throws std::invalid_argument for lengths that do not fit.
///   outputs: [time, batch, ...];  result: [batch, ...]
Var<float> last(Var<float> outputs, std::span<const Index> lengths);
Var<double> last(Var<double> outputs, std::span<const Index> lengths);

namespace detail {

template <class T, class Cell, class State>
Scanned<State> scan(const Cell& cell, Var<T> xs, State state, const ScanOptions& options) {
  const ErasedCell<T> erased{&cell, &state,
                             [](const void* c, void* s, Var<T> x, const std::optional<DropoutKey>& key) {
                               State& now = *static_cast<State*>(s);
                               set_key(now, key);
                               now = (*static_cast<const Cell*>(c))(x, now);
                               return members_of(now);
                             },
                             [](void* s) { watch_state(*static_cast<State*>(s)); }, members_of(state)};
  const Var<T> outputs = unroll(erased, xs, options);
  return {outputs, state};
}

}  // namespace detail

/// Runs a cell over a sequence. Throws std::invalid_argument for an empty sequence, lengths that do not fit, or a cell that
/// changes the shapes of its state.
///   xs: [time, batch, features]
///   start: the state before the first step
template <class Cell>
Scanned<typename Cell::State> scan(const Cell& cell, InputOf<Cell> xs, typename Cell::State start,
                                   const ScanOptions& options = {}) {
  return detail::scan(cell, xs, start, options);
}

/// Runs a cell over a sequence from the state that the cell starts with.
template <class Cell>
requires requires(const Cell& cell, Index batch) {
  cell.start(batch);
}
auto scan(const Cell& cell, InputOf<Cell> xs, const ScanOptions& options = {}) {
  if (xs.shape().rank() < 2) wrong_argument("scan: xs is ", xs.shape(), ": must be [time, batch, ...] with at least one step");
  return scan(cell, xs, cell.start(xs.shape()[1]), options);
}

/// Runs a function of x and state over a sequence:
///
///     auto [hs, h] = scan([&](Var<T> x, Var<T> h) { return tanh(affine(x, wx, h, wh)); }, xs, h0);
template <class Function, class State>
requires(!requires { typename Function::State; }) Scanned<State> scan(const Function& function, Var<ScalarOfState<State>> xs,
                                                                      State start, const ScanOptions& options = {}) {
  return detail::scan(function, xs, start, options);
}

/// One step, recorded like any op. It is the step at `key->first_time` of a scan: the same values, the same gradients, the same
/// noise. Throws std::invalid_argument unless x and the state are of one batch.
///   x: [batch, features]
template <class Cell>
typename Cell::State step(const Cell& cell, InputOf<Cell> x, typename Cell::State state,
                          const std::optional<DropoutKey>& key = {}) {
  using T = ScalarOfState<typename Cell::State>;
  const Shape& shape = Tape<T>::active().node(x).shape;
  if (shape.rank() == 0) wrong_argument("step: x is ", shape, ": must be [batch, ...]");
  detail::check_batch("step", detail::members_of(state), shape[0]);
  detail::set_key(state, key);
  const At<T> cell_runs(&Recorder<T>::Here::in_cell, true);
  typename Cell::State next = cell(x, state);
  detail::watch_state(next);
  return next;
}

}  // namespace carousel
