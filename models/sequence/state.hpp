#pragma once
/// What wrappers know of the state of a cell: its members, in order, the first of which is the output.
///
/// What a state holds besides its members, a count of steps say, goes with it everywhere, and is one for the whole batch: where
/// examples are of different lengths it goes on with the longest.

#include <algorithm>
#include <array>
#include <optional>
#include <span>
#include <tuple>
#include <utility>
#include <vector>

#include <carousel/lib/look/watch.hpp>
#include <carousel/lib/numbers/random.hpp>
#include <carousel/models/sequence/recycled.hpp>
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

/// What a cell may carry from step to step: a Var, or what names its Scalar and lists its members().
template <class S>
concept IsState = requires {
  typename ScalarOfState<S>::type;
}
&&(std::is_same_v<S, Var<typename ScalarOfState<S>::type>> || requires(S & s) { s.members(); });

/// Says what is wrong with a class that is to be a state.
template <class S>
constexpr bool expect_state() {
  constexpr bool is_one = IsState<S>;  // by a name of its own the compiler says less about it
  static_assert(is_one,
                "a state is a Var<T>, or names its scalar (using Scalar = T;) and lists its Vars, the output first "
                "(auto members() { return std::tie(h, c); })");
  return is_one;
}
/// Says what is wrong with a class that is to be a cell.
template <class Cell>
constexpr bool expect_cell() {
  if constexpr (requires { typename Cell::State; }) {
    return expect_state<typename Cell::State>();
  } else {
    static_assert(
        requires { typename Cell::State; }, "a cell names what it carries from step to step: using State = Var<T>;");
    return false;
  }
}

/// Says what is wrong with a cell that is to begin by itself.
template <class Cell>
constexpr bool expect_start() {
  constexpr bool has = requires(const Cell& cell, Index batch) {
    cell.start(batch);
  };
  static_assert(has, "this cell has no start: give it one (State start(Index batch) const), or scan the state to start from");
  return has;
}
/// Says what is wrong with a cell that is to take steps.
template <class Cell, class T>
constexpr bool expect_stepping() {
  if constexpr (expect_cell<Cell>()) {
    using S = typename Cell::State;
    constexpr bool same = std::is_same_v<typename ScalarOfState<S>::type, T>;
    static_assert(same, "this cell is of another scalar, float or double, than what it is to be used with");
    constexpr bool steps = std::is_invocable_r_v<S, const Cell&, Var<T>, S>;
    static_assert(!same || steps, "a cell makes of x and its state the next one: State operator()(Var<T> x, State s) const");
    return same && steps;
  } else {
    return false;
  }
}

template <class S>
concept ExpectState = expect_state<S>();
template <class Cell>
concept ExpectCell = expect_cell<Cell>();

/// Where the Vars of a state are.
template <class T>
class Members {
 public:
  std::size_t count = 0;

  void add(Var<T>& v) {
    if (count < few)
      first_[count] = &v;
    else
      others_.push_back(&v);
    ++count;
  }
  Var<T>& operator[](std::size_t k) const { return k < few ? *first_[k] : *others_[k - few]; }
  std::size_t size() const { return count; }

  struct Iterator {
    const Members* members;
    std::size_t k;
    Var<T>& operator*() const { return (*members)[k]; }
    Iterator& operator++() { return ++k, *this; }
    bool operator==(const Iterator& other) const { return k == other.k; }
  };
  Iterator begin() const { return {this, 0}; }
  Iterator end() const { return {this, count}; }

 private:
  static constexpr std::size_t few = 16;
  std::array<Var<T>*, few> first_;
  RecycledVector<Var<T>*> others_;
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
  using All = Members<typename State::Scalar>;
  auto listed = state.members();
  if constexpr (std::is_same_v<decltype(listed), All>) {
    return listed;
  } else {
    All members;
    if constexpr (requires { listed.begin(); })
      for (auto& v : listed) members.add(v);
    else
      std::apply([&](auto&... v) { (members.add(v), ...); }, listed);
    return members;
  }
}

/// Adds the members of another state.
template <class T, class State>
void add_members(Members<T>& members, State& state) {
  for (Var<T>& v : members_of(state)) members.add(v);
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

/// Throws std::invalid_argument: x has no axis of features, a member of the state has.
[[noreturn]] void wrong_features(const char* op, const Shape& x, const Shape& member);

/// The key of one of several places that draw in the same step; none stays none.
inline std::optional<DropoutKey> at_place(std::optional<DropoutKey> key, std::uint64_t place) {
  if (!key) return key;
  key->place = mix(key->place, place);
  key->batch_axis = 0;
  return key;
}

/// Features of the outputs of a cell of `hidden` units: those of its `outputs` where it has that, as a cell with a projection
/// does.
template <class Cell>
Index outputs_of(const Cell& cell, Index hidden) {
  if constexpr (requires { cell.outputs_of(hidden); })
    return cell.outputs_of(hidden);
  else if constexpr (requires { static_cast<Index>(cell.outputs); })
    return cell.outputs;
  else
    return hidden;
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

/// Throws std::invalid_argument for `op` unless each member is of the batch of x, the extent of its first axis: an op would take
/// a batch of 1 for one that is to be repeated. An x without features is not what a state with features asks for.
///   x: [batch, ...], or with one axis before it, `time` = 1, [time, batch, ...]
template <class T>
void check_batch(const char* op, const Members<T>& state, const Shape& x, int time) {
  Tape<T>& tape = Tape<T>::active();
  for (std::size_t k = 0; k < state.count; ++k) {
    if (state[k].serial() == 0) continue;  // it has no value: the cell will say so
    const Shape& shape = tape.node(state[k]).shape;
    if (x.rank() == time + 1 && shape.rank() > 1) [[unlikely]]
      wrong_features(op, x, shape);
    if (shape.rank() == 0 || shape[0] != x[time]) [[unlikely]]
      wrong_batch(op, k, shape, x[time]);
  }
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
template <detail::ExpectState State>
class Kept {
 public:
  using T = ScalarOfState<State>;

  Kept() = default;
  explicit Kept(State state) { *this = std::move(state); }
  /// Takes another state, into the memory of the one before if the shapes are the same.
  Kept& operator=(State state) {
    const auto members = detail::members_of(state);
    tensors_.resize(members.count);
    Tape<T>& tape = Tape<T>::active();
    for (std::size_t k = 0; k < members.count; ++k) tape.copy_value(members[k], tensors_[k]);
    form_ = std::move(state);
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
  return Kept<State>(std::move(state));
}

}  // namespace carousel
