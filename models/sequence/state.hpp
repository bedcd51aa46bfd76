#pragma once
/// What wrappers know of the state of a cell: its members, in order, the first of which is the output.

#include <algorithm>
#include <array>
#include <optional>
#include <span>
#include <tuple>
#include <vector>

#include <carousel/lib/look/watch.hpp>
#include <carousel/lib/numbers/random.hpp>
#include <carousel/ops/dropout.hpp>

namespace carousel {

namespace detail {

template <class State>
struct ScalarOfState {};
template <class State>
requires requires {
  typename State::Scalar;
}
struct ScalarOfState<State> {
  using type = typename State::Scalar;
};
template <class T>
struct ScalarOfState<Var<T>> {
  using type = T;
};

template <class T>
struct Members {
  static constexpr std::size_t most = 32;
  std::array<Var<T>*, most> at;
  std::size_t count = 0;

  void add(Var<T>& v) {
    if (count == most) wrong_argument("state: more than ", most, " members");
    at[count++] = &v;
  }
  void add(const Members& others) {
    for (std::size_t k = 0; k < others.count; ++k) add(others[k]);
  }
  Var<T>& operator[](std::size_t i) const { return *at[i]; }
};

template <class T>
Members<T> members_of(Var<T>& state) {
  Members<T> members;
  members.add(state);
  return members;
}

template <class State>
requires requires(State& s) {
  s.members();
}
auto members_of(State& state) {
  Members<typename State::Scalar> members;
  auto listed = state.members();
  if constexpr (requires { listed.begin(); })
    for (auto& v : listed) members.add(v);
  else if constexpr (requires { listed.at; })
    members = listed;
  else
    std::apply([&](auto&... v) { (members.add(v), ...); }, listed);
  return members;
}

}  // namespace detail

/// The scalar type of a state.
template <class State>
using ScalarOfState = typename detail::ScalarOfState<State>::type;

/// The output of a state: its first member.
template <class State>
auto output(State state) {
  return detail::members_of(state)[0];
}

namespace detail {

/// Throws std::invalid_argument: member k of the state does not fit the batch of x.
[[noreturn]] void wrong_batch(const char* op, std::size_t k, const Shape& member, Index batch);

/// The key of one of several places that draw in the same step; none stays none.
inline std::optional<DropoutKey> at_place(std::optional<DropoutKey> key, std::uint64_t place) {
  if (!key) return key;
  key->place = mix(key->place, place);
  key->batch_axis = 0;
  return key;
}

/// Gives a state the key of the next step, if it asks for one; none: no noise, the model is in use.
template <class State>
void set_key(State& state, const std::optional<DropoutKey>& key) {
  if constexpr (requires { state.set_key(key); }) state.set_key(key);
}

/// A state of that cell without values: with as many members as its states have.
template <class Cell>
typename Cell::State form_of(const Cell& cell) {
  if constexpr (requires { cell.form(); })
    return cell.form();
  else
    return {};
}

/// What the members of a state are called to who watches: what its `names()` lists, which may be nothing if they were watched
/// elsewhere; without that "h" for the output, and nothing for the rest.
template <class State>
std::span<const char* const> names_of(const State& state) {
  static constexpr const char* output[] = {"h"};
  if constexpr (requires { state.names(); })
    return state.names();
  else
    return output;
}

/// Lets a recorder that listens hear the members of a state.
template <class State>
void watch_state(State& state) {
  auto* const recorder = Recorder<carousel::ScalarOfState<State>>::listening();
  if (!recorder) [[likely]]
    return;
  const std::span<const char* const> names = names_of(state);
  const auto members = members_of(state);
  for (std::size_t k = 0; k < std::min(names.size(), members.count); ++k) recorder->hear(names[k], members[k]);
}

/// Throws std::invalid_argument for `op` unless each member is of that batch, the extent of its first axis: an op would take a
/// batch of 1 for one that is to be repeated.
template <class T>
void check_batch(const char* op, const Members<T>& state, Index batch) {
  Tape<T>& tape = Tape<T>::active();
  for (std::size_t k = 0; k < state.count; ++k)
    if (state[k].serial() == 0)
      continue;  // it has no value: the cell will say so
    else if (const Shape& shape = tape.node(state[k]).shape; shape.rank() == 0 || shape[0] != batch) [[unlikely]]
      wrong_batch(op, k, shape, batch);
}

}  // namespace detail

/// A state taken off the tape: tensors of its own, which outlive clear(). Truncated backpropagation through time runs a long
/// sequence in windows, each from where the one before ended:
///
///     Kept<typename Cell::State> kept;                                     // empty: a sequence begins
///     for (const Tensor<T>& window : windows) {                            // [time, batch, features] each
///       auto [hs, after] = scan(cell, tape.constant(window), kept.empty() ? cell.start(batch) : kept.enter());
///       backward(loss_of(hs));                                             // goes back to the start of the window
///       optimizer.step();
///       kept = after;                                                      // values only: gradients stop here
///       tape.clear();
///     }
///
/// Williams & Peng 1990, "An Efficient Gradient-Based Algorithm for On-Line Training of Recurrent Network Trajectories".
template <class State>
class Kept {
 public:
  using T = ScalarOfState<State>;

  Kept() = default;
  explicit Kept(State state) { *this = state; }
  /// Takes another state, into the memory of the one before if the shapes are the same.
  Kept& operator=(State state) {
    const auto members = detail::members_of(state);
    tensors_.resize(members.count);
    Tape<T>& tape = Tape<T>::active();
    for (std::size_t k = 0; k < members.count; ++k) tape.copy_value(members[k], tensors_[k]);
    form_ = state;
    return *this;
  }

  /// The state as constants on the active tape: gradients stop here. Throws std::logic_error if nothing was kept.
  State enter() const {
    if (empty()) wrong_order("keep: no state has been kept yet: begin with the start of the cell");
    State state = form_;
    const auto members = detail::members_of(state);
    for (std::size_t k = 0; k < members.count; ++k) members[k] = Tape<T>::active().constant(tensors_[k]);
    return state;
  }
  /// Forgets the state: the next sequence is a new one.
  void reset() { tensors_.clear(); }
  /// The members' values, in order; they may be changed.
  std::span<Tensor<T>> tensors() { return tensors_; }
  std::span<const Tensor<T>> tensors() const { return tensors_; }
  bool empty() const { return tensors_.empty(); }

 private:
  State form_{};  // for what a state holds besides its members, whose handles are stale here
  std::vector<Tensor<T>> tensors_;
};

/// Takes a state off the tape.
template <class State>
Kept<State> keep(State state) {
  return Kept<State>(state);
}

}  // namespace carousel
