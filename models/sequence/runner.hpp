#pragma once
/// A cell in use: one step at a time, without gradients.

#include <type_traits>
#include <utility>

#include <carousel/models/sequence/scan.hpp>

namespace carousel {

/// Runs a cell step by step over a stream and keeps its state, on a tape of its own:
///
///     Runner run(cell, 1);                           // a batch of one stream
///     for (;;) act_on(run(next_input()));            // [1, in] → [1, hidden]
///
/// The outputs are those of a scan over the whole stream. After the first step nothing is allocated. What the cell's parameters
/// hold at a step is what the step uses; an active tape is left alone. One thread at a time may use a Runner.
template <detail::ExpectCell Cell>
class Runner {
 public:
  using State = typename Cell::State;
  using T = ScalarOfState<State>;

  /// For a batch of streams that begin. Throws std::invalid_argument unless batch ≥ 1.
  Runner(Cell cell, Index batch) : cell_(std::move(cell)), tape_(typename Tape<T>::Idle()), batch_(batch) {
    if (batch < 1) wrong_argument("Runner: a batch of ", batch, ": must be at least 1");
    reset();
  }

  /// One step; the output stays valid until the next one. Throws std::invalid_argument if x is of another batch, and what the
  /// cell throws, which leaves the state as it was.
  ///   x: [batch, in];  result: [batch, hidden]
  const Tensor<T>& operator()(const Tensor<T>& x) {
    return (*this)([&] { return tape_.constant(x); }, [](Var<T> h) { return h; });
  }
  /// One step with what stands around the cell: `input()` makes x, `readout(h)` the result.
  ///
  ///     const Tensor<float>& p = run([&] { return embedding(ids); }, [&](Var<float> h) { return softmax(linear(h)); });
  template <class Input, class Readout>
  requires std::is_invocable_r_v<Var<T>, Input>
  const Tensor<T>& operator()(const Input& input, const Readout& readout) {
    const Activation<T> active(tape_);
    tape_.clear();
    const NoGrad<T> no_gradient;
    const Var<T> x = input();
    if (const Shape& shape = tape_.node(x).shape; shape.rank() == 0 || shape[0] != batch_)
      wrong_argument("Runner: x is ", shape, ": its first axis must be the batch, ", batch_);
    const State before = state_.enter();
    const At<T> at(&Place::step, time_);
    State after = step(cell_, x, before);
    tape_.copy_value(readout(output(after)), output_);
    state_ = after;
    ++time_;
    return output_;
  }

  /// The state before the next step; its tensors may be changed.
  Kept<State>& state() { return state_; }
  const Kept<State>& state() const { return state_; }
  /// Begins new streams.
  void reset() {
    const Activation<T> active(tape_);
    tape_.clear();
    const NoGrad<T> no_gradient;
    if constexpr (detail::expect_start<Cell>()) state_ = cell_.start(batch_);
    time_ = 0;
  }
  Index batch() const { return batch_; }

 private:
  Cell cell_;
  Tape<T> tape_;
  Index batch_, time_ = 0;
  Kept<State> state_;
  Tensor<T> output_;
};

}  // namespace carousel
