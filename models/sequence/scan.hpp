#pragma once
/// Unrolling: from one step of a cell to a sequence.
///
/// A cell is a pure function, state' = cell(x, state). Its state is a Var, or an aggregate of Vars that names its `Scalar` and
/// lists its `members()`; the first member is the output. A cell whose output has not as many features as it has units says how
/// many in `outputs`. Everything here works for every cell, the user's included, and for a plain function of x and state.

#include <carousel/lib/tape/expression.hpp>
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
requires detail::IsState<typename Cell::State>
using InputOf = Var<ScalarOfState<typename Cell::State>>;

/// The last output of each example: row lengths[b] − 1 of example b, 0 where the length is 0. Of outputs that were made in
/// reverse the last one is `at(outputs, 0, 0)`, whatever the length. Throws std::invalid_argument for lengths that do not fit.
///   outputs: [time, batch, ...];  result: [batch, ...]
Var<float> last(Var<float> outputs, std::span<const Index> lengths);
Var<double> last(Var<double> outputs, std::span<const Index> lengths);

namespace detail {

template <class T, class Cell, class State>
Scanned<State> scan(const Cell& cell, Var<T> xs, State state, const ScanOptions& options) {
  constexpr bool steps = std::is_invocable_r_v<State, const Cell&, Var<T>, State>;
  static_assert(steps, "a cell makes of x and its state the next one: State operator()(Var<T> x, State s) const");
  if constexpr (steps) {
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
  } else {
    return {};
  }
}

template <class Cell>
concept HasState = requires {
  typename Cell::State;
};
/// Whether nothing can run that: it is no cell, or its scalar is not that of x.
template <class Cell, class X>
constexpr bool misfits() {
  if constexpr (!HasState<Cell>)
    return false;
  else if constexpr (!IsState<typename Cell::State>)
    return true;
  else if constexpr (Differentiable<X>)
    return !std::is_same_v<typename ScalarOfState<typename Cell::State>::type, scalar_of_t<X>>;
  else
    return false;
}
/// Says why.
template <class Cell, class X>
constexpr void explain_misfit() {
  if constexpr (expect_cell<Cell>()) static_assert(!misfits<Cell, X>(), "x is of another scalar, float or double, than the cell");
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
requires(!detail::HasState<Function> && detail::IsState<State>) Scanned<State> scan(const Function& function,
                                                                                    Var<ScalarOfState<State>> xs, State start,
                                                                                    const ScanOptions& options = {}) {
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
  detail::check_batch("step", detail::members_of(state), shape, 0);
  detail::set_key(state, key);
  const At<T> cell_runs(&Recorder<T>::Here::in_cell, true);
  typename Cell::State next = cell(x, state);
  detail::watch_state(next);
  return next;
}

/// What is no cell, or has no start, is refused in one sentence.
inline namespace refused {

template <class Cell, class X>
requires(detail::misfits<Cell, X>()) void scan(const Cell&, const X&, const ScanOptions& = {}) {
  detail::explain_misfit<Cell, X>();
}
template <class Cell, class X, class State>
requires(detail::misfits<Cell, X>() && !std::is_same_v<State, ScanOptions>) void scan(const Cell&, const X&, const State&,
                                                                                      const ScanOptions& = {}) {
  detail::explain_misfit<Cell, X>();
}
template <class Cell>
requires(detail::HasState<Cell> && !requires(const Cell& cell, Index batch) {
  cell.start(batch);
}) auto scan(const Cell&, InputOf<Cell>, const ScanOptions& = {}) {
  detail::expect_start<Cell>();
  return Scanned<typename Cell::State>();
}
template <class Function, class X>
requires(!detail::HasState<Function>) void scan(const Function&, const X&, const ScanOptions& = {}) {
  constexpr bool has = detail::HasState<Function>;
  static_assert(
      has, "a cell names its state (using State = Var<T>;); to a function the one to start from is given: scan(f, xs, start)");
}
template <class Function, class X, class State>
requires(!detail::HasState<Function> && !detail::IsState<State> &&
         !std::is_same_v<State, ScanOptions>) void scan(const Function&, const X&, const State&, const ScanOptions& = {}) {
  detail::expect_state<State>();
}
template <class Cell, class X, class... More>
requires(detail::misfits<Cell, X>()) void step(const Cell&, const X&, const More&...) {
  detail::explain_misfit<Cell, X>();
}

}  // namespace refused

}  // namespace carousel
