#include <carousel/models/sequence/unroll.hpp>

#include <algorithm>
#include <string_view>

#include <carousel/lib/error.hpp>
#include <carousel/models/sequence/lengths.hpp>
#include <carousel/ops/elementwise.hpp>
#include <carousel/ops/shape.hpp>

namespace carousel::detail {

void wrong_batch(const char* op, std::size_t k, const Shape& member, Index batch) {
  const char* const input = std::string_view(op) == "scan" ? "xs" : "x";  // as the caller knows it
  if (member.rank() > 0 && k == 0)
    wrong_argument(op, ": the state's batch is ", member[0], ", that of ", input, " is ", batch, ": must be the same");
  wrong_argument(op, ": state member ", k, " is ", member, ", the batch of ", input, " is ", batch,
                 ": its first axis must be the batch");
}

void wrong_features(const char* op, const Shape& x, const Shape& member) {
  const bool scans = std::string_view(op) == "scan";
  wrong_argument(op, ": ", scans ? "xs" : "x", " is ", x, ", the state ", member, ": must be ",
                 scans ? "[time, batch, features]" : "[batch, features]");
}

namespace {

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

/// Handles in the tape's memory.
template <class T>
std::span<Var<T>> take_handles(Tape<T>& tape, Index count) {
  Var<T>* const handles = tape.arena().template take<Var<T>>(count);
  std::uninitialized_fill_n(handles, count, Var<T>());
  return {handles, static_cast<std::size_t>(count)};
}

/// The handles of a state's members.
template <class T>
struct Handles {
  RecycledVector<Var<T>> at;

  explicit Handles(const Members<T>& members) { take(members); }
  void take(const Members<T>& members) {
    at.clear();
    for (const Var<T>& member : members) at.push_back(member);
  }
};

/// Throws std::invalid_argument unless both states have as many members, each of the same shape: `now` is the state after the
/// step at `time`.
template <class T>
void check_members(const Members<T>& now, std::span<const Var<T>> start, Index time) {
  if (now.count != start.size())
    wrong_argument("scan: the state has ", now.count, " members after step ", time, ", at the start ", start.size(),
                   ": must stay the same");
  Tape<T>& tape = Tape<T>::active();
  for (std::size_t k = 0; k < now.count; ++k)
    if (const Shape& shape = tape.node(now[k]).shape, &before = tape.node(start[k]).shape; !(shape == before))
      wrong_argument("scan: state member ", k, " is ", shape, " after step ", time, ", at the start it is ", before,
                     ": must stay the same");
}

/// Runs the steps of one loop, from `first` of the sequence on: one output per step, in the order of time. They are computed in
/// place at `to` if that is not null, but for the first, and those of a cell whose output is no node of its own.
template <class T>
std::span<Var<T>> run_loop(Tape<T>& tape, ErasedCell<T>& cell, Var<T> xs, Index first, const ScanOptions& options,
                           T* to = nullptr) {
  const Shape all = xs.shape();
  Shape one;
  for (int axis = 1; axis < all.rank(); ++axis) one.push_back(all[axis]);
  const bool members = tape.node(xs).members == none;  // else xs has been split along another axis
  const Index steps = all[0];
  const LoopGuard<T> guard(tape, steps, xs.index());
  Loop<T>& loop = *guard;
  const Layout& layout = tape.layout(one);
  const std::span<Var<T>> outputs = take_handles(tape, steps);
  const At<T> cell_runs(&Recorder<T>::Here::in_cell, true), direction(&Place::backward, options.reverse);
  const At<T> ragged(&Recorder<T>::Here::lengths, options.lengths);
  Handles<T> before(cell.members);
  for (Index i = 0; i < steps; ++i) {
    const Index t = options.reverse ? steps - 1 - i : i;
    const At<T> at(&Place::step, first + t);
    const Var<T> x = tape.view(xs, layout, t * layout.size, members);
    loop.begin_step(t, x.index());
    before.take(cell.members);
    cell.members = cell.step(cell.cell, cell.state, x, key_at(options.key, first + t));
    check_members<T>(cell.members, before.at, first + t);
    if (Recorder<T>::listening()) [[unlikely]]
      cell.watch(cell.state);
    Var<T>& output = outputs[static_cast<std::size_t>(t)];
    output = cell.members[0];
    if (!options.lengths.empty()) {
      const StepMask<T> has_step(tape, options.lengths, first + t);
      output = has_step(output, T(0));
      for (std::size_t k = 0; k < before.at.size(); ++k) cell.members[k] = has_step(cell.members[k], before.at[k]);
    }
    if (to && loop.first && tape.node(output).layout.packed)
      loop.lay_out(tape.node(output).value, tape.node(output).layout.size, to);
    loop.first = false;
  }
  return outputs;
}

/// Copies the members of a state into the nodes of `places`, and makes these the members.
template <class T>
void move_members(Tape<T>& tape, const Members<T>& members, const Handles<T>& places) {
  for (std::size_t k = 0; k < members.count; ++k) {
    tape.copy_elements(members[k], tape.node(places.at[k]).value);
    members[k] = places.at[k];
  }
}

/// Without history: some steps at a time, whose memory is used again by the next ones. That of the first steps is not, for they
/// packed the weights for all.
template <class T>
Var<T> unroll_forward(Tape<T>& tape, ErasedCell<T>& cell, Var<T> xs, const ScanOptions& options) {
  const Index steps = xs.shape()[0];
  const Shape one = cell.members[0].shape();
  // As much as stays in the second-level cache between the product for all steps and the steps; no part is smaller, for products
  // of fewer steps go another way, to other last bits.
  const Index chunk = std::clamp<Index>((1 << 15) / std::max<Index>(one.size(), 1), 4, 32);
  const Index chunks = std::max<Index>(steps / chunk, 1);
  Shape all{steps};
  for (Index extent : one) all.push_back(extent);
  const Var<T> outputs = tape.record(all, false);

  Handles<T> places[2] = {Handles<T>(cell.members), Handles<T>(cell.members)};  // for the state before a chunk and after it
  for (Handles<T>& place : places)
    for (std::size_t k = 0; k < cell.members.count; ++k) place.at[k] = tape.record(place.at[k].shape(), false);
  move_members(tape, cell.members, places[0]);
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
    const std::span<Var<T>> made = run_loop(tape, cell, part, first, options, to);
    current = 1 - current;
    move_members(tape, cell.members, places[current]);  // first: it may lie where an output is copied to
    for (Index t = 0; t < count; ++t)
      if (const Var<T> output = made[static_cast<std::size_t>(t)]; tape.node(output).value != to + t * one.size())
        tape.copy_elements(output, to + t * one.size());
    if (i == 0)
      nodes_of_first = tape.size(), mark_of_first = tape.arena().mark();
    else
      tape.rewind(nodes_of_first, mark_of_first);
  }
  tape.rewind(nodes, mark);
  return outputs;
}

}  // namespace

template <class T>
Var<T> unroll(ErasedCell<T> cell, Var<T> xs, ScanOptions options) {
  Tape<T>& tape = Tape<T>::active();
  const Shape shape = xs.shape();
  if (shape.rank() < 2 || shape[0] == 0)
    wrong_argument("scan: xs is ", shape, ": must be [time, batch, ...] with at least one step");
  const Members<T>& members = cell.members;
  if (members.count == 0) wrong_argument("scan: the state has no members: must have at least one, the output");
  check_batch("scan", members, shape, 1);
  if (!options.lengths.empty()) {
    check_lengths("scan", options.lengths, shape);
    if (std::all_of(options.lengths.begin(), options.lengths.end(), [&](Index length) { return length == shape[0]; }))
      options.lengths = {};
  }
  const Forgetting<T> forgetting(tape, Forgetting<T>::on_exception);
  xs = packed(xs);
  if (!tape.recording()) return unroll_forward(tape, cell, xs, options);
  if (!options.lengths.empty()) xs = without_padding(tape, xs, 0, options.lengths);
  return stack(std::span<const Var<T>>(run_loop(tape, cell, xs, 0, options)));
}

template Var<float> unroll(ErasedCell<float>, Var<float>, ScanOptions);
template Var<double> unroll(ErasedCell<double>, Var<double>, ScanOptions);

}  // namespace carousel::detail
