#pragma once
/// Long short-term memory, in the variants that its literature uses.
///
/// All write i, f, g, o for the blocks of z = x Wx + h Wh + b: input gate, forget gate, candidate, output gate. A variant that
/// lacks one leaves its block out. The forget gate is what forgets: σ(f) is the part of the memory c that stays, 1 all of it and
/// 0 nothing. σ(i) is how much of the candidate is added to it, σ(o) how much of it is shown.

#include <tuple>

#include <carousel/models/cells/gates.hpp>
#include <carousel/models/sequence/scan.hpp>
#include <carousel/ops/elementwise.hpp>

namespace carousel {

/// The state of an LSTM.
///   h: [batch, hidden] output;  c: [batch, hidden] cell
template <class T>
struct LstmState {
  using Scalar = T;
  Var<T> h, c;
  auto members() { return std::tie(h, c); }
  static std::span<const char* const> names() {
    static constexpr const char* all[] = {"h", "c"};
    return all;
  }
};

/// LSTM. Hochreiter & Schmidhuber 1997; the forget gate: Gers, Schmidhuber, Cummins 2000, "Learning to Forget"; in this form
/// Zaremba, Sutskever, Vinyals 2014, arXiv:1409.2329, section 3.1.
///   c' = σ(f)∘c + σ(i)∘tanh(g);  h' = σ(o)∘tanh(c')
///   wx: [in, 4 hidden];  wh: [hidden, 4 hidden];  b: [4 hidden]
template <class T>
struct Lstm {
  using State = LstmState<T>;
  Gates<T> gates;  // i, f, g, o

  Lstm(Scope<T> p, Index in, Index hidden, const CellOptions<T>& options = {}) : gates(p.of("Lstm"), in, hidden, 4, options, 1) {}

  State start(Index batch) const {
    const Var<T> zero = zero_state<T>(batch, gates.hidden);
    return {zero, zero};
  }
  State operator()(Var<T> x, State s) const;
};

template <class T>
LstmState<T> Lstm<T>::operator()(Var<T> x, State s) const {
  auto [i, f, g, o] = split<4>(gates(x, s.h));  // [batch, hidden] each
  Var<T> c = watch("f", sigmoid(f)) * s.c + watch("i", sigmoid(i)) * watch("g", tanh(g));
  Var<T> h = watch("o", sigmoid(o)) * tanh(c);
  return {h, c};
}

/// LSTM whose output is linear in the cell. Lipton, Berkowitz, Elkan 2015, arXiv:1506.00019, section 3.1: "the nonlinear function
/// on the internal state might be omitted"; nicodjimenez/lstm and fmscole/lstm.
///   c' = σ(f)∘c + σ(i)∘tanh(g);  h' = σ(o)∘c'
///   wx: [in, 4 hidden];  wh: [hidden, 4 hidden];  b: [4 hidden]
template <class T>
struct LstmLinear {
  using State = LstmState<T>;
  Gates<T> gates;  // i, f, g, o

  LstmLinear(Scope<T> p, Index in, Index hidden, const CellOptions<T>& options = {})
      : gates(p.of("LstmLinear"), in, hidden, 4, options, 1) {}

  State start(Index batch) const {
    const Var<T> zero = zero_state<T>(batch, gates.hidden);
    return {zero, zero};
  }
  State operator()(Var<T> x, State s) const;
};

template <class T>
LstmState<T> LstmLinear<T>::operator()(Var<T> x, State s) const {
  auto [i, f, g, o] = split<4>(gates(x, s.h));  // [batch, hidden] each
  Var<T> c = watch("f", sigmoid(f)) * s.c + watch("i", sigmoid(i)) * watch("g", tanh(g));
  Var<T> h = watch("o", sigmoid(o)) * c;
  return {h, c};
}

/// LSTM without forget gate: the constant error carousel itself, on which ∂c'/∂c = 1 along the cell. Hochreiter & Schmidhuber
/// 1997, "Long Short-Term Memory", section 4, with the squashing functions of its appendix A.1, 4σ(z) − 2 = 2 tanh(z/2) for the
/// candidate and 2σ(c) − 1 = tanh(c/2) for the cell. The paper cuts the gradient at the gates; here it is whole.
///   c' = c + σ(i)∘2tanh(g/2);  h' = σ(o)∘tanh(c'/2)
///   wx: [in, 3 hidden];  wh: [hidden, 3 hidden];  b: [3 hidden]
template <class T>
struct Lstm1997 {
  using State = LstmState<T>;
  Gates<T> gates;  // i, g, o

  Lstm1997(Scope<T> p, Index in, Index hidden, const CellOptions<T>& options = {})
      : gates(p.of("Lstm1997"), in, hidden, 3, options) {}

  State start(Index batch) const {
    const Var<T> zero = zero_state<T>(batch, gates.hidden);
    return {zero, zero};
  }
  State operator()(Var<T> x, State s) const;
};

template <class T>
LstmState<T> Lstm1997<T>::operator()(Var<T> x, State s) const {
  auto [i, g, o] = split<3>(gates(x, s.h));  // [batch, hidden] each
  Var<T> c = s.c + watch("i", sigmoid(i)) * watch("g", 2 * tanh(0.5 * g));
  Var<T> h = watch("o", sigmoid(o)) * tanh(0.5 * c);
  return {h, c};
}

/// LSTM whose gates see the cell through peepholes, weights of one number per cell: i and f the cell before the step, o the one
/// after it. Gers & Schmidhuber 2000, "Recurrent Nets that Time and Count"; as in Graves 2013, arXiv:1308.0850, eq. (7)–(11).
///   c' = σ(f + pf∘c)∘c + σ(i + pi∘c)∘tanh(g);  h' = σ(o + po∘c')∘tanh(c')
///   wx: [in, 4 hidden];  wh: [hidden, 4 hidden];  b: [4 hidden];  pi, pf, po: [hidden], from options.init, else 0
template <class T>
struct LstmPeephole {
  using State = LstmState<T>;
  Gates<T> gates;  // i, f, g, o
  Param<T> pi, pf, po;

  LstmPeephole(Scope<T> p, Index in, Index hidden, const CellOptions<T>& options = {})
      : gates(p.of("LstmPeephole"), in, hidden, 4, options, 1),
        pi(p.parameter("pi", {hidden}, peephole(options))),
        pf(p.parameter("pf", {hidden}, peephole(options))),
        po(p.parameter("po", {hidden}, peephole(options))) {}

  State start(Index batch) const {
    const Var<T> zero = zero_state<T>(batch, gates.hidden);
    return {zero, zero};
  }
  State operator()(Var<T> x, State s) const;

 private:
  static Init<T> peephole(const CellOptions<T>& options) { return options.init ? options.init : init::constant<T>(0); }
};

template <class T>
LstmState<T> LstmPeephole<T>::operator()(Var<T> x, State s) const {
  auto [i, f, g, o] = split<4>(gates(x, s.h));  // [batch, hidden] each
  Var<T> c = watch("f", sigmoid(f + pf * s.c)) * s.c + watch("i", sigmoid(i + pi * s.c)) * watch("g", tanh(g));
  Var<T> h = watch("o", sigmoid(o + po * c)) * tanh(c);
  return {h, c};
}

/// LSTM that forgets as much as it takes in: the forget gate is 1 − σ(i). Greff, Srivastava, Koutník, Steunebrink, Schmidhuber
/// 2015, arXiv:1503.04069, variant CIFG, here without peepholes.
///   c' = (1 − σ(i))∘c + σ(i)∘tanh(g);  h' = σ(o)∘tanh(c')
///   wx: [in, 3 hidden];  wh: [hidden, 3 hidden];  b: [3 hidden]
/// As 1 − σ(i) = σ(−i), the bias of i starts with −options.forget_bias.
template <class T>
struct LstmCoupled {
  using State = LstmState<T>;
  Gates<T> gates;  // i, g, o

  LstmCoupled(Scope<T> p, Index in, Index hidden, const CellOptions<T>& options = {})
      : gates(p.of("LstmCoupled"), in, hidden, 3, options, 0, -1) {}

  State start(Index batch) const {
    const Var<T> zero = zero_state<T>(batch, gates.hidden);
    return {zero, zero};
  }
  State operator()(Var<T> x, State s) const;
};

template <class T>
LstmState<T> LstmCoupled<T>::operator()(Var<T> x, State s) const {
  auto [i, g, o] = split<3>(gates(x, s.h));  // [batch, hidden] each
  Var<T> c = s.c + watch("i", sigmoid(i)) * (watch("g", tanh(g)) - s.c);
  Var<T> h = watch("o", sigmoid(o)) * tanh(c);
  return {h, c};
}

extern template struct Lstm<float>;
extern template struct Lstm<double>;
extern template struct LstmLinear<float>;
extern template struct LstmLinear<double>;
extern template struct Lstm1997<float>;
extern template struct Lstm1997<double>;
extern template struct LstmPeephole<float>;
extern template struct LstmPeephole<double>;
extern template struct LstmCoupled<float>;
extern template struct LstmCoupled<double>;

}  // namespace carousel
