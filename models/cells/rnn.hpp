#pragma once
/// Simple recurrent networks.

#include <carousel/models/cells/gates.hpp>
#include <carousel/models/sequence/scan.hpp>
#include <carousel/ops/elementwise.hpp>

namespace carousel {

/// The function of a simple recurrent cell.
enum class Nonlinearity { tanh, relu };

/// Elman's recurrent network. Elman 1990, "Finding Structure in Time"; with rectifiers: Le, Jaitly, Hinton 2015,
/// arXiv:1504.00941, who start wh as the identity.
///   h' = φ(x Wx + h Wh + b),  φ = tanh or relu
///   wx: [in, hidden];  wh: [hidden, hidden];  b: [hidden]
template <class T, Nonlinearity function>
struct Rnn {
  using State = Var<T>;  // h: [batch, hidden]
  Gates<T> gates;        // one block

  Rnn(Scope<T> p, Index in, Index hidden, const CellOptions<T>& options = {})
      : gates(p.of(function == Nonlinearity::tanh ? "RnnTanh" : "RnnRelu"), in, hidden, 1, options) {}

  State start(Index batch) const { return zero_state<T>(batch, gates.hidden); }
  State operator()(Var<T> x, State h) const;
};

template <class T, Nonlinearity function>
Var<T> Rnn<T, function>::operator()(Var<T> x, State h) const {
  if constexpr (function == Nonlinearity::tanh)
    return tanh(gates(x, h));  // [batch, hidden]
  else
    return relu(gates(x, h));
}

/// Rnn with tanh: `rnn-tanh` of the command line.
template <class T>
using RnnTanh = Rnn<T, Nonlinearity::tanh>;
/// Rnn with max(0, ·): `rnn-relu` of the command line.
template <class T>
using RnnRelu = Rnn<T, Nonlinearity::relu>;

/// Elman's network with a start that is learned: the one of qixianbiao/RNN and its fork in fmscole/lstm, whose second recurrent
/// bias, which has no effect there, is left out.
///   h' = tanh(x Wx + h Wh + b), from h0 on
///   wx: [in, hidden];  wh: [hidden, hidden];  b: [hidden];  h0: [hidden], from options.init, else 0
template <class T>
struct RnnLearnedStart : RnnTanh<T> {
  using State = Var<T>;  // h: [batch, hidden]
  Param<T> h0;

  RnnLearnedStart(Scope<T> p, Index in, Index hidden, const CellOptions<T>& options = {})
      : RnnTanh<T>(p, in, hidden, options), h0(p.parameter("h0", {hidden}, options.init ? options.init : init::constant<T>(0))) {}

  State start(Index batch) const;
};

template <class T>
Var<T> RnnLearnedStart<T>::start(Index batch) const {
  return zero_state<T>(batch, this->gates.hidden) + h0;
}

extern template struct Rnn<float, Nonlinearity::tanh>;
extern template struct Rnn<double, Nonlinearity::tanh>;
extern template struct Rnn<float, Nonlinearity::relu>;
extern template struct Rnn<double, Nonlinearity::relu>;
extern template struct RnnLearnedStart<float>;
extern template struct RnnLearnedStart<double>;

}  // namespace carousel
