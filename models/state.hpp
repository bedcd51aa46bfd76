#pragma once
/// What wrappers know of the state of a cell: its members, in order, the first of which is the output.

#include <array>
#include <span>
#include <tuple>
#include <vector>

#include <carousel/lib/tape.hpp>

namespace carousel {

namespace detail {

template <class State>
struct ScalarOfState {
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
  Var<T>& operator[](std::size_t i) const { return *at[i]; }
};

template <class T>
Members<T> members_of(Var<T>& state) {
  Members<T> members;
  members.add(state);
  return members;
}

template <class State>
  requires requires(State& s) { s.members(); }
auto members_of(State& state) {
  Members<typename State::Scalar> members;
  auto listed = state.members();
  if constexpr (requires { listed.begin(); })
    for (auto& v : listed) members.add(v);
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

/// A state taken off the tape: tensors of its own, which outlive clear().
///
///     auto kept = keep(state);  tape.clear();  state = kept.enter();       // truncated backpropagation through time
template <class State>
class Kept {
 public:
  using T = ScalarOfState<State>;

  Kept() = default;
  explicit Kept(State state) { *this = state; }
  /// Takes another state, into the memory of the one before if the shapes are the same.
  Kept& operator=(State state) {
    const auto members = detail::members_of(state);
    form_ = state;
    tensors_.resize(members.count);
    Tape<T>& tape = Tape<T>::active();
    for (std::size_t i = 0; i < members.count; ++i) tape.copy_value(members[i], tensors_[i]);
    return *this;
  }

  /// The state as constants on the active tape: gradients stop here.
  State enter() const {
    State state = form_;
    const auto members = detail::members_of(state);
    for (std::size_t i = 0; i < members.count; ++i) members[i] = Tape<T>::active().constant(tensors_[i]);
    return state;
  }
  /// The members' values, in order; may be changed.
  std::span<Tensor<T>> tensors() { return tensors_; }
  bool empty() const { return tensors_.empty(); }

 private:
  State form_{};  // stale handles, for what else a state may hold
  std::vector<Tensor<T>> tensors_;
};

template <class State>
Kept<State> keep(State state) {
  return Kept<State>(state);
}

}  // namespace carousel
