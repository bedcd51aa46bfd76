#pragma once
/// Two cells that carousel's models do not have, as a user would write them.

#include <carousel/models/cells/gates.hpp>
#include <carousel/models/layers/linear.hpp>
#include <carousel/models/sequence/scan.hpp>
#include <carousel/ops/norm.hpp>

namespace bench::cells {

using namespace carousel;

/// Minimal gated unit. Zhou et al. 2016, arXiv:1603.09420, eq. (5)–(7).
///   f = σ(x Wf + h Uf + bf);  c = tanh(x Wc + (f∘h) Uc + bc);  h' = h + f∘(c − h)
template <class T>
struct MinimalGatedUnit {
  using State = Var<T>;  // h: [batch, hidden]
  Index hidden;
  Linear<T> xf, hf, xc, hc;

  MinimalGatedUnit(Scope<T> p, Index in, Index hidden_size)
      : hidden(hidden_size),
        xf(p / "xf", in, hidden),
        hf(p / "hf", hidden, hidden),
        xc(p / "xc", in, hidden),
        hc(p / "hc", hidden, hidden) {}

  State start(Index batch) const { return zero_state<T>(batch, hidden); }
  State operator()(Var<T> x, State h) const {
    Var<T> f = sigmoid(xf(x) + hf(h));  // [batch, hidden]
    Var<T> c = tanh(xc(x) + hc(f * h));
    return h + f * (c - h);
  }
};

template <class T>
struct LayerNorm {
  Param<T> gain, bias;
  LayerNorm(Scope<T> p, Index size)
      : gain(p.parameter("gain", {size}, init::constant<T>(1))), bias(p.parameter("bias", {size}, init::constant<T>(0))) {}
  Var<T> operator()(Var<T> x) const { return layer_norm(x, gain, bias); }
};

/// LSTM with layer normalisation. Ba, Kiros, Hinton 2016, arXiv:1607.06450, eq. (20)–(22).
///   [i, f, g, o] = norm(x Wx) + norm(h Wh) + b;  c' = σ(f)∘c + σ(i)∘tanh(g);  h' = σ(o)∘tanh(norm(c'))
template <class T>
struct LayerNormLstm {
  struct State {
    using Scalar = T;
    Var<T> h, c;  // [batch, hidden]
    auto members() { return std::tie(h, c); }
  };
  Index hidden;
  Linear<T> x_gates, h_gates;
  LayerNorm<T> x_norm, h_norm, c_norm;
  Param<T> b;

  LayerNormLstm(Scope<T> p, Index in, Index hidden_size)
      : hidden(hidden_size),
        x_gates(p / "x", in, 4 * hidden, {.bias = false}),
        h_gates(p / "h", hidden, 4 * hidden, {.bias = false}),
        x_norm(p / "x_norm", 4 * hidden),
        h_norm(p / "h_norm", 4 * hidden),
        c_norm(p / "c_norm", hidden),
        b(p.parameter("b", {4 * hidden}, init::constant<T>(0))) {}

  State start(Index batch) const {
    const Var<T> zero = zero_state<T>(batch, hidden);
    return {zero, zero};
  }
  State operator()(Var<T> x, State s) const {
    auto [i, f, g, o] = split<4>(x_norm(x_gates(x)) + h_norm(h_gates(s.h)) + b);  // [batch, hidden] each
    Var<T> c = sigmoid(f) * s.c + sigmoid(i) * tanh(g);
    Var<T> h = sigmoid(o) * tanh(c_norm(c));
    return {h, c};
  }
};

}  // namespace bench::cells
