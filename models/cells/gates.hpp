#pragma once
/// What the recurrent cells share: the weights of their gates, how these start, and a state of zeros.

#include <algorithm>
#include <cmath>
#include <memory>
#include <optional>
#include <vector>

#include <carousel/lib/training/init.hpp>
#include <carousel/models/sequence/state.hpp>
#include <carousel/ops/elementwise.hpp>
#include <carousel/ops/matmul.hpp>

namespace carousel {

/// How the parameters of a cell start. Weights are drawn block by block, so that a gate starts as it would alone.
///
///     Lstm<float> remembers(scope, 65, 128, {.forget_bias = 3});
///     Lstm<float> char_rnn(scope, 65, 128, {.init = init::uniform<float>(-0.08, 0.08)});
template <class T>
struct CellOptions {
  /// The bias of forget gates, in cells that have them; none: as the other biases. 1: Jozefowicz, Zaremba, Sutskever 2015.
  std::optional<double> forget_bias = 1;
  /// T, for states that are to last up to T steps: the bias of each forget gate starts with ln u, u uniform in [1, T − 1], and
  /// that of its input gate with −ln u, in place of forget_bias. Tallec & Ollivier 2018, arXiv:1804.11188, eq. (16).
  std::optional<double> chrono = {};
  /// For every parameter that has no recipe of its own below.
  Init<T> init = {};
  /// For the weights of the input; empty: Xavier's (Glorot & Bengio 2010).
  Init<T> wx = {};
  /// For the recurrent weights; empty: orthogonal (Saxe, McClelland, Ganguli 2013).
  Init<T> wh = {};
  /// For the biases; empty: 0.
  Init<T> b = {};
};

namespace detail {
/// The recipe of one parameter: its own, else the one for all, else what is usual.
template <class T>
Init<T> recipe(const Init<T>& own, const Init<T>& for_all, const Init<T>& usual) {
  return own ? own : for_all ? for_all : usual;
}
}  // namespace detail

/// A state of zeros on the active tape.
template <class T>
Var<T> zero_state(Index batch, Index hidden) {
  Tape<T>& tape = Tape<T>::active();
  const Var<T> zero = tape.constant(Shape{batch, hidden});
  std::fill_n(tape.data(zero), batch * hidden, T(0));
  return zero;
}

/// The affine part of all gates of a cell at once, in blocks along the last axis:
///   z = x Wx + h Wh + b
///   wx: [in, blocks · hidden];  wh: [hidden, blocks · hidden];  b: [blocks · hidden]
///   x: [batch, in];  h: [batch, hidden];  z: [batch, blocks · hidden]
/// The order of the blocks is i, f, g, o in an LSTM (g is the candidate) and r, z, n in a GRU, as in PyTorch; a cell that lacks a
/// gate leaves its block out.
template <class T>
struct Gates {
  Index hidden;
  Param<T> wx, wh, b;

  Gates(Scope<T> p, Index in, Index hidden_size, Index blocks, const CellOptions<T>& options = {})
      : Gates(p, in, hidden_size, blocks, options, -1, 0) {}

  /// Block `forget` of the biases starts with sign · options.forget_bias. With options.chrono the input gate's, which stands
  /// before it, starts with the opposite; there is none if `forget` is 0 or sign is −1, where one gate does both. Throws
  /// std::invalid_argument for a block that there is not.
  Gates(Scope<T> p, Index in, Index hidden_size, Index blocks, const CellOptions<T>& options, Index forget, double sign = 1)
      : hidden(hidden_size),
        wx(p.parameter("wx", {in, blocks * hidden},
                       init::blocks(blocks, detail::recipe(options.wx, options.init, init::xavier_uniform<T>())))),
        wh(p.parameter("wh", {hidden, blocks * hidden},
                       init::blocks(blocks, detail::recipe(options.wh, options.init, init::orthogonal<T>())))),
        b(p.parameter("b", {blocks * hidden}, bias(blocks, options, forget, sign))) {}

  Var<T> operator()(Var<T> x, Var<T> h) const { return affine(x, wx, h, wh, b); }

 private:
  static Init<T> bias(Index blocks, const CellOptions<T>& options, Index forget, double sign) {
    if (forget >= blocks) wrong_argument("Gates: block ", forget, " of ", blocks, " forgets: must be one of them");
    const Init<T> usual = detail::recipe(options.b, options.init, init::constant<T>(0));
    std::vector<Init<T>> each(static_cast<std::size_t>(blocks), usual);
    if (forget >= 0 && options.chrono) {
      const auto keeps = std::make_shared<Tensor<T>>();  // the forget gates' biases, drawn with the block that comes first
      const auto draw = [keeps, longest = *options.chrono](const Shape& shape, Random& random) {
        *keeps = init::uniform<T>(1, std::max(1.0, longest - 1))(shape, random);
        for (T& u : *keeps) u = std::log(u);
        return *keeps;
      };
      const auto negative = [](Tensor<T> x) {
        for (T& value : x) value = -value;
        return x;
      };
      const auto f = static_cast<std::size_t>(forget);
      if (sign < 0) {  // f = 1 − σ(i): one bias for both
        each[f] = [draw, negative](const Shape& shape, Random& random) { return negative(draw(shape, random)); };
      } else if (f == 0) {  // there is no input gate
        each[f] = draw;
      } else {
        each[f - 1] = [draw, negative](const Shape& shape, Random& random) { return negative(draw(shape, random)); };
        each[f] = [keeps](const Shape&, Random&) { return *keeps; };
      }
    } else if (forget >= 0 && options.forget_bias) {
      each[static_cast<std::size_t>(forget)] = init::constant<T>(sign * *options.forget_bias);
    }
    return init::blocks(each);
  }
};

}  // namespace carousel
