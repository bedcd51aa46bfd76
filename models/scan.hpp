#pragma once
/// Unrolling: from one step of a cell to a sequence.
///
/// A cell is a pure function, state' = cell(x, state). Its state is a Var, or an aggregate of Vars that names its `Scalar` and lists
/// its `members()`; the first member is the output. Everything here works for every cell, the user's included.

#include <algorithm>

#include <carousel/models/state.hpp>
#include <carousel/ops/elementwise.hpp>
#include <carousel/ops/shape.hpp>

namespace carousel {

/// How scan runs.
struct ScanOptions {
  /// Steps of each example, [batch], from its start; empty: all. Beyond its length an example keeps its state, and its output is 0.
  std::span<const Index> lengths = {};
  /// From the last step to the first. A shorter example starts at its own last step.
  bool reverse = false;
};

/// The outputs of all steps, [time, batch, hidden], and the state after the last one.
template <class State>
struct Scanned {
  Var<ScalarOfState<State>> outputs;
  State state;

  operator Var<ScalarOfState<State>>() const { return outputs; }
};

namespace detail {

/// Runs a loop of the tape for as long as it lives.
template <class T>
class LoopGuard {
 public:
  LoopGuard(Tape<T>& tape, Index steps, std::uint32_t input) : tape_(tape), loop_(tape.begin_loop(steps, input)) {}
  ~LoopGuard() { tape_.end_loop(); }
  LoopGuard(const LoopGuard&) = delete;
  LoopGuard& operator=(const LoopGuard&) = delete;
  Loop<T>& operator*() const { return loop_; }

 private:
  Tape<T>& tape_;
  Loop<T>& loop_;
};

/// 1 for each example that has step t, else 0: [batch, 1].
template <class T>
Var<T> mask_of(Tape<T>& tape, std::span<const Index> lengths, Index t) {
  const Var<T> mask = tape.constant(Shape{static_cast<Index>(lengths.size()), 1});
  T* to = tape.data(mask);
  for (std::size_t i = 0; i < lengths.size(); ++i) to[i] = t < lengths[i] ? T(1) : T(0);
  return mask;
}

/// Runs the steps of one loop, from `first` of the sequence on; `outputs` receives one value per step in the order of time.
template <class T, class Cell, class State>
State run_loop(Tape<T>& tape, const Cell& cell, Var<T> xs, Index first, State state, const ScanOptions& options, std::span<Var<T>> outputs) {
  const Shape all = xs.shape();
  Shape one;
  for (int axis = 1; axis < all.rank(); ++axis) one.push_back(all[axis]);
  const bool members = tape.node(xs).members == none;  // else xs is divided in another way already
  const Index steps = all[0];
  const LoopGuard<T> guard(tape, steps, xs.index());
  Loop<T>& loop = *guard;
  for (Index i = 0; i < steps; ++i) {
    const Index t = options.reverse ? steps - 1 - i : i;
    const Var<T> x = tape.view(xs, one, contiguous(one), t * one.size(), members);
    loop.begin_step(t, x.index());
    State next = cell(x, state);
    Var<T>& output = outputs[static_cast<std::size_t>(t)];
    output = members_of(next)[0];
    if (!options.lengths.empty()) {
      const Var<T> mask = mask_of(tape, options.lengths, first + t);
      output = where(mask, output, T(0));
      const auto after = members_of(next), before = members_of(state);
      for (std::size_t k = 0; k < after.count; ++k) after[k] = where(mask, after[k], before[k]);
    }
    state = next;
    loop.first = false;
  }
  return state;
}

/// Handles in the tape's memory.
template <class T>
std::span<Var<T>> take_handles(Tape<T>& tape, Index count) {
  Var<T>* const handles = tape.arena().template take<Var<T>>(count);
  std::uninitialized_fill_n(handles, count, Var<T>());
  return {handles, static_cast<std::size_t>(count)};
}

/// Copies the members of a state to nodes of their own.
template <class T, class State>
void copy_members(Tape<T>& tape, State& from, State& to) {
  const auto source = members_of(from), target = members_of(to);
  for (std::size_t k = 0; k < source.count; ++k) {
    const Var<T> value = packed(source[k]);
    std::copy_n(tape.node(value).value, tape.node(value).shape.size(), tape.node(target[k]).value);
  }
}

/// Without history: some steps at a time, whose memory is used again by the next ones.
template <class T, class Cell, class State>
Scanned<State> scan_forward(Tape<T>& tape, const Cell& cell, Var<T> xs, State start, const ScanOptions& options) {
  constexpr Index chunk = 32;
  const Shape all = xs.shape();
  const Index steps = all[0];
  Shape output_shape{steps};
  for (Index extent : members_of(start)[0].shape()) output_shape.push_back(extent);
  const Var<T> outputs = tape.record(output_shape, false);
  const Index output_size = steps == 0 ? 0 : output_shape.size() / steps;

  State states[2] = {start, start};  // the state before a chunk and after it
  for (State& state : states) {
    const auto members = members_of(state);
    for (std::size_t k = 0; k < members.count; ++k) members[k] = tape.record(members[k].shape(), false);
  }
  copy_members(tape, start, states[0]);
  int current = 0;
  for (Index done = 0; done < steps; done += chunk) {
    const std::size_t nodes = tape.size();
    const Arena::Mark mark = tape.arena().mark();
    const Index count = std::min(chunk, steps - done), first = options.reverse ? steps - done - count : done;
    const std::span<Var<T>> handles = take_handles(tape, count);
    State after = run_loop(tape, cell, slice(xs, 0, first, first + count), first, states[current], options, handles);
    for (Index i = 0; i < count; ++i) {
      const Var<T> h = packed(handles[static_cast<std::size_t>(i)]);
      if (h.shape().size() != output_size) wrong_argument("scan: the output is ", h.shape(), ", at the start it is ", members_of(start)[0].shape());
      std::copy_n(tape.node(h).value, output_size, tape.node(outputs).value + (first + i) * output_size);
    }
    copy_members(tape, after, states[1 - current]);
    current = 1 - current;
    tape.rewind(nodes, mark);
  }
  return {outputs, states[current]};
}

}  // namespace detail

/// Runs a cell over a sequence. Throws std::invalid_argument for an empty sequence, or lengths that do not fit.
///   xs: [time, batch, features]
///   start: the state before the first step
template <class T, class Cell, class State = typename Cell::State>
Scanned<State> scan(const Cell& cell, Var<T> xs, State start, const ScanOptions& options = {}) {
  Tape<T>& tape = Tape<T>::active();
  xs = packed(xs);
  const Shape shape = xs.shape();
  if (shape.rank() < 2 || shape[0] == 0) wrong_argument("scan: xs is ", shape, ": must be [time, batch, ...] with at least one step");
  if (!options.lengths.empty()) {
    if (static_cast<Index>(options.lengths.size()) != shape[1])
      wrong_argument("scan: ", options.lengths.size(), " lengths for a batch of ", shape[1], ": must be one for each example");
    for (Index length : options.lengths)
      if (length < 0 || length > shape[0]) wrong_argument("scan: length ", length, " of a sequence of ", shape[0], " steps: must lie within it");
  }
  if (!tape.recording()) return detail::scan_forward(tape, cell, xs, start, options);
  const std::span<Var<T>> outputs = detail::take_handles(tape, shape[0]);
  State state = detail::run_loop(tape, cell, xs, 0, start, options, outputs);
  return {stack(std::span<const Var<T>>(outputs)), state};
}

/// Runs a cell over a sequence from the state that the cell starts with.
template <class T, class Cell>
  requires requires(const Cell& cell, Index batch) { cell.start(batch); }
auto scan(const Cell& cell, Var<T> xs, const ScanOptions& options = {}) {
  if (xs.shape().rank() < 2) wrong_argument("scan: xs is ", xs.shape(), ": must be [time, batch, ...]");
  return scan(cell, xs, cell.start(xs.shape()[1]), options);
}

}  // namespace carousel
