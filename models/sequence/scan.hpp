#pragma once
/// Unrolling: from one step of a cell to a sequence.
///
/// A cell is a pure function, state' = cell(x, state). Its state is a Var, or an aggregate of Vars that names its `Scalar` and
/// lists its `members()`; the first member is the output. Everything here works for every cell, the user's included, and for a
/// plain function of x and state.

#include <algorithm>
#include <exception>

#include <carousel/models/sequence/lengths.hpp>
#include <carousel/models/sequence/state.hpp>
#include <carousel/ops/elementwise.hpp>
#include <carousel/ops/shape.hpp>

namespace carousel {

/// How scan runs.
struct ScanOptions {
  /// Steps of each example, [batch], from its start; empty: all. Beyond its length an example is not read, NaN neither, keeps its
  /// state, and its output is 0.
  std::span<const Index> lengths = {};
  /// From the last step to the first. A shorter example starts at its own last step.
  bool reverse = false;
  /// For dropout between layers and zoneout: the seed of the run, the number of this training step, the first example if a batch
  /// is divided, the first time if a sequence is; none: no noise, the model is in use.
  std::optional<DropoutKey> key = {};
};

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

/// Runs a loop of the tape for as long as it lives. If an exception ends it, the tape forgets what the loop recorded.
template <class T>
class LoopGuard {
 public:
  LoopGuard(Tape<T>& tape, Index steps, std::uint32_t input)
      : tape_(tape),
        nodes_(tape.size()),
        mark_(tape.arena().mark()),
        exceptions_(std::uncaught_exceptions()),
        loop_(tape.begin_loop(steps, input)) {}
  ~LoopGuard() {
    tape_.end_loop();
    if (std::uncaught_exceptions() > exceptions_) tape_.rewind(nodes_, mark_);
  }
  LoopGuard(const LoopGuard&) = delete;
  LoopGuard& operator=(const LoopGuard&) = delete;
  Loop<T>& operator*() const { return loop_; }

 private:
  Tape<T>& tape_;
  std::size_t nodes_;
  Arena::Mark mark_;
  int exceptions_;
  Loop<T>& loop_;
};

/// Chooses between two values for each example: [batch], 1 for those that have step t, else 0.
template <class T>
class StepMask {
 public:
  StepMask(Tape<T>& tape, std::span<const Index> lengths, Index t) {
    mask_ = tape.constant(Shape{static_cast<Index>(lengths.size()), 1});
    T* to = tape.data(mask_);
    for (std::size_t i = 0; i < lengths.size(); ++i) to[i] = t < lengths[i] ? T(1) : T(0);
  }
  /// `then` where an example has the step, else `otherwise`, a value or a number.
  template <class Otherwise>
  Var<T> operator()(Var<T> then, Otherwise otherwise) const {
    const int rank = then.shape().rank();
    if (rank == 2) return where(mask_, then, otherwise);
    Shape shape{mask_.shape()[0]};
    while (shape.rank() < rank) shape.push_back(1);
    return where(reshape(mask_, shape), then, otherwise);
  }

 private:
  Var<T> mask_;
};

/// The steps [first, first + steps) of xs, with 0 beyond the lengths, so that no NaN comes from there.
template <class T>
Var<T> without_padding(Tape<T>& tape, Var<T> xs, Index first, std::span<const Index> lengths) {
  const Shape shape = xs.shape();
  if (!tape.recording()) {
    const Var<T> out = tape.record_outside_loop(shape, false);
    T* to = tape.data(out);
    tape.copy_elements(xs, to);
    const Index size = shape[0] == 0 || shape[1] == 0 ? 0 : shape.size() / (shape[0] * shape[1]);
    for (Index t = 0; t < shape[0]; ++t)
      for (std::size_t i = 0; i < lengths.size(); ++i, to += size)
        if (first + t >= lengths[i]) std::fill_n(to, size, T(0));
    return out;
  }
  Shape one_each{shape[0], shape[1]};
  while (one_each.rank() < shape.rank()) one_each.push_back(1);
  const Var<T> mask = tape.constant(one_each);
  T* to = tape.data(mask);
  for (Index t = 0; t < shape[0]; ++t)
    for (const Index length : lengths) *to++ = first + t < length ? T(1) : T(0);
  return where(mask, xs, T(0));
}

/// The key of the step at t of a sequence.
inline std::optional<DropoutKey> key_at(std::optional<DropoutKey> key, Index t) {
  if (key) key->first_time += t;
  return key;
}

/// Handles in the tape's memory.
template <class T>
std::span<Var<T>> take_handles(Tape<T>& tape, Index count) {
  Var<T>* const handles = tape.arena().template take<Var<T>>(count);
  std::uninitialized_fill_n(handles, count, Var<T>());
  return {handles, static_cast<std::size_t>(count)};
}

/// What a loop made: one output per step, in the order of time, and the state after the last step that ran.
template <class T, class State>
struct Looped {
  std::span<Var<T>> outputs;
  State state;
};

/// Runs the steps of one loop, from `first` of the sequence on. The outputs are computed in place at `to` if that is not null,
/// but for the first, and those of a cell whose output is no node of its own.
template <class T, class Cell, class State>
Looped<T, State> run_loop(Tape<T>& tape, const Cell& cell, Var<T> xs, Index first, State state, const ScanOptions& options,
                          T* to = nullptr) {
  const Shape all = xs.shape();
  Shape one;
  for (int axis = 1; axis < all.rank(); ++axis) one.push_back(all[axis]);
  const bool members = tape.node(xs).members == none;  // else xs is divided in another way already
  const Index steps = all[0];
  const LoopGuard<T> guard(tape, steps, xs.index());
  Loop<T>& loop = *guard;
  const Layout& layout = tape.layout(one);
  const std::span<Var<T>> outputs = take_handles(tape, steps);
  const At<T> cell_runs(&Recorder<T>::Here::in_cell, true), direction(&Place::backward, options.reverse);
  const At<T> ragged(&Recorder<T>::Here::lengths, options.lengths);
  for (Index i = 0; i < steps; ++i) {
    const Index t = options.reverse ? steps - 1 - i : i;
    const At<T> at(&Place::step, first + t);
    const Var<T> x = tape.view(xs, layout, t * layout.size, members);
    loop.begin_step(t, x.index());
    set_key(state, key_at(options.key, first + t));
    State next = cell(x, state);
    const auto after = members_of(next), before = members_of(state);
    check_members(after, before, first + t);
    watch_state(next);
    Var<T>& output = outputs[static_cast<std::size_t>(t)];
    output = after[0];
    if (!options.lengths.empty()) {
      const StepMask<T> has_step(tape, options.lengths, first + t);
      output = has_step(output, T(0));
      for (std::size_t k = 0; k < after.count; ++k) after[k] = has_step(after[k], before[k]);
    }
    if (to && loop.first && tape.node(output).layout.packed)
      loop.lay_out(tape.node(output).value, tape.node(output).layout.size, to);
    state = next;
    loop.first = false;
  }
  return {outputs, state};
}

/// Copies the members of a state into the nodes of `place`, and makes these the members.
template <class T, class State>
State moved(Tape<T>& tape, State state, State place) {
  const auto members = members_of(state), to = members_of(place);
  for (std::size_t k = 0; k < members.count; ++k) {
    tape.copy_elements(members[k], tape.node(to[k]).value);
    members[k] = to[k];
  }
  return state;
}

/// Without history: some steps at a time, whose memory is used again by the next ones. That of the first steps is not, for they
/// packed the weights for all.
template <class T, class Cell, class State>
Scanned<State> scan_forward(Tape<T>& tape, const Cell& cell, Var<T> xs, State state, const ScanOptions& options) {
  const Index steps = xs.shape()[0];
  const Shape one = members_of(state)[0].shape();
  // As much as stays in the second-level cache between the product for all steps and the steps; no part is smaller, for products
  // of fewer steps go another way, to other last bits.
  const Index chunk = std::clamp<Index>((1 << 15) / std::max<Index>(one.size(), 1), 4, 32);
  const Index chunks = std::max<Index>(steps / chunk, 1);
  Shape all{steps};
  for (Index extent : one) all.push_back(extent);
  const Var<T> outputs = tape.record(all, false);

  State places[2] = {state, state};  // for the state before a chunk and after it
  for (State& place : places) {
    const auto members = members_of(place);
    for (std::size_t k = 0; k < members.count; ++k) members[k] = tape.record(members[k].shape(), false);
  }
  state = moved(tape, state, places[0]);
  int current = 0;
  const std::size_t nodes = tape.size();
  const Arena::Mark mark = tape.arena().mark();
  std::size_t nodes_of_first = 0;
  Arena::Mark mark_of_first{};
  for (Index i = 0; i < chunks; ++i) {
    const Index done = steps * i / chunks, count = steps * (i + 1) / chunks - done;
    const Index first = options.reverse ? steps - done - count : done;
    Var<T> part = slice(xs, 0, first, first + count);
    if (!options.lengths.empty()) part = without_padding(tape, part, first, options.lengths);
    T* const to = tape.data(outputs) + first * one.size();
    const Looped<T, State> made = run_loop(tape, cell, part, first, state, options, to);
    current = 1 - current;
    state = moved(tape, made.state, places[current]);  // first: it may lie where an output is copied to
    for (Index t = 0; t < count; ++t)
      if (const Var<T> output = made.outputs[static_cast<std::size_t>(t)]; tape.node(output).value != to + t * one.size())
        tape.copy_elements(output, to + t * one.size());
    if (i == 0)
      nodes_of_first = tape.size(), mark_of_first = tape.arena().mark();
    else
      tape.rewind(nodes_of_first, mark_of_first);
  }
  tape.rewind(nodes, mark);
  return {outputs, state};
}

template <class T, class Cell, class State>
Scanned<State> scan(const Cell& cell, Var<T> xs, State state, ScanOptions options) {
  Tape<T>& tape = Tape<T>::active();
  const Shape shape = xs.shape();
  if (shape.rank() < 2 || shape[0] == 0)
    wrong_argument("scan: xs is ", shape, ": must be [time, batch, ...] with at least one step");
  const auto members = members_of(state);
  if (members.count == 0) wrong_argument("scan: the state has no members: must have at least one, the output");
  if (!options.lengths.empty()) {
    check_lengths("scan", options.lengths, shape);
    for (std::size_t k = 0; k < members.count; ++k)
      if (const Shape& member = members[k].shape(); member.rank() == 0 || member[0] != shape[1])
        wrong_argument("scan: state member ", k, " is ", member, ", the batch is ", shape[1],
                       ": with lengths, its first axis must be the batch");
    if (std::all_of(options.lengths.begin(), options.lengths.end(), [&](Index length) { return length == shape[0]; }))
      options.lengths = {};
  }
  xs = packed(xs);
  if (!tape.recording()) return scan_forward(tape, cell, xs, state, options);
  if (!options.lengths.empty()) xs = without_padding(tape, xs, 0, options.lengths);
  const Looped<T, State> made = run_loop(tape, cell, xs, 0, state, options);
  return {stack(std::span<const Var<T>>(made.outputs)), made.state};
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
/// noise.
///   x: [batch, features]
template <class Cell>
typename Cell::State step(const Cell& cell, InputOf<Cell> x, typename Cell::State state,
                          const std::optional<DropoutKey>& key = {}) {
  detail::set_key(state, key);
  using T = ScalarOfState<typename Cell::State>;
  const At<T> cell_runs(&Recorder<T>::Here::in_cell, true);
  typename Cell::State next = cell(x, state);
  detail::watch_state(next);
  return next;
}

}  // namespace carousel
