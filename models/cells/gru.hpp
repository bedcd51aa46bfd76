#pragma once
/// Gated recurrent units, in the two forms in use.
///
/// Both write r, z, n for the blocks of their weights: reset gate, update gate, candidate. z keeps: where it is 1 the state
/// stays. (char-rnn names the same cell with 1 − z for z.)

#include <carousel/models/cells/gates.hpp>
#include <carousel/models/sequence/scan.hpp>
#include <carousel/ops/elementwise.hpp>

namespace carousel {

/// GRU whose reset gate acts after the recurrent product, as in PyTorch and cuDNN; Cho et al. 2014, arXiv:1406.1078v1 (its first
/// version). All products of a step with h are one.
///   [r, z, n] = x Wx + b;  [rh, zh, nh] = h Wh + bh
///   n' = tanh(n + σ(r + rh)∘nh);  h' = (1 − σ(z + zh))∘n' + σ(z + zh)∘h
///   wx: [in, 3 hidden];  wh: [hidden, 3 hidden];  b, bh: [3 hidden], two biases, for that of nh stands within the reset product
template <class T>
struct Gru {
  using State = Var<T>;  // h: [batch, hidden]
  Gates<T> gates;        // r, z, n
  Param<T> bh;

  Gru(Scope<T> p, Index in, Index hidden, const CellOptions<T>& options = {})
      : gates(p.of("Gru"), in, hidden, 3, options),
        bh(p.parameter("bh", {3 * hidden}, init::blocks(3, detail::recipe(options.b, options.init, init::constant<T>(0))))) {}

  State start(Index batch) const { return zero_state<T>(batch, gates.hidden); }
  State operator()(Var<T> x, State h) const;
};

template <class T>
Var<T> Gru<T>::operator()(Var<T> x, State h) const {
  auto [r, z, n] = split<3>(affine(x, gates.wx, gates.b));  // [batch, hidden] each
  auto [rh, zh, nh] = split<3>(affine(h, gates.wh, bh));
  Var<T> candidate = watch("n", tanh(n + watch("r", sigmoid(r + rh)) * nh));
  return candidate + watch("z", sigmoid(z + zh)) * (h - candidate);
}

/// GRU whose reset gate acts before the recurrent product. Cho et al. 2014, arXiv:1406.1078v3, eq. (5)–(8); char-rnn.
///   [r, z] = x Wx + h Wh + b
///   n = tanh(x Wx' + (σ(r)∘h) Wh' + b');  h' = (1 − σ(z))∘n + σ(z)∘h
///   wx: [in, 2 hidden];  wh: [hidden, 2 hidden];  b: [2 hidden]
///   candidate/wx: [in, hidden];  candidate/wh: [hidden, hidden];  candidate/b: [hidden]
template <class T>
struct GruResetBefore {
  using State = Var<T>;  // h: [batch, hidden]
  Gates<T> gates;        // r, z
  Gates<T> candidate;    // n

  GruResetBefore(Scope<T> p, Index in, Index hidden, const CellOptions<T>& options = {})
      : gates(p.of("GruResetBefore"), in, hidden, 2, options), candidate(p / "candidate", in, hidden, 1, options) {}

  State start(Index batch) const { return zero_state<T>(batch, gates.hidden); }
  State operator()(Var<T> x, State h) const;
};

template <class T>
Var<T> GruResetBefore<T>::operator()(Var<T> x, State h) const {
  auto [r, z] = split<2>(gates(x, h));  // [batch, hidden] each
  Var<T> n = watch("n", tanh(candidate(x, watch("r", sigmoid(r)) * h)));
  return n + watch("z", sigmoid(z)) * (h - n);
}

extern template struct Gru<float>;
extern template struct Gru<double>;
extern template struct GruResetBefore<float>;
extern template struct GruResetBefore<double>;

}  // namespace carousel
