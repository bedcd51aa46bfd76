#pragma once
/// Long short-term memory, in the variants that its literature uses.
///
/// Gates stand in blocks along the last axis of the weights, always in the order i, f, g, o: input gate, forget gate, candidate,
/// output gate. That is the order of PyTorch and MLX.

#include <tuple>

#include <carousel/lib/init.hpp>
#include <carousel/models/scan.hpp>
#include <carousel/ops/matmul.hpp>

namespace carousel {

/// The state of an LSTM.
///   h: [batch, hidden] output;  c: [batch, hidden] cell
template <class T>
struct LstmState {
  using Scalar = T;
  Var<T> h, c;
  auto members() { return std::tie(h, c); }
};

/// LSTM. Hochreiter & Schmidhuber 1997; with forget gate: Gers et al. 2000.
///   i, f, o = σ(x Wx + h Wh + b);  g = tanh(x Wx + h Wh + b);  c' = f∘c + i∘g;  h' = o∘tanh(c')
///   wx: [in, 4 hidden];  wh: [hidden, 4 hidden];  b: [4 hidden]
template <class T>
struct Lstm {
  using State = LstmState<T>;
  Index hidden;
  Param<T> wx, wh, b;

  Lstm(Scope<T> p, Index in, Index hidden_size)
      : hidden(hidden_size),
        wx(p.parameter("wx", {in, 4 * hidden}, init::xavier_uniform<T>())),
        wh(p.parameter("wh", {hidden, 4 * hidden}, init::xavier_uniform<T>())),
        b(p.parameter("b", {4 * hidden}, init::constant<T>(0))) {}

  State start(Index batch) const {
    Tape<T>& tape = Tape<T>::active();
    const Var<T> zero = tape.constant(Shape{batch, hidden});
    std::fill_n(tape.data(zero), batch * hidden, T(0));
    return {zero, zero};
  }

  State operator()(Var<T> x, State s) const {
    auto [i, f, g, o] = split<4>(affine(x, wx, s.h, wh, b));  // [batch, hidden] each
    Var<T> c = sigmoid(f) * s.c + sigmoid(i) * tanh(g);
    Var<T> h = sigmoid(o) * tanh(c);
    return {h, c};
  }
};

}  // namespace carousel
