#pragma once
/// Backpropagation through time by hand: what the tape does by itself, written out to be read and to be compared with.
///
/// Four cells, each with its equations, the derivation of its backward pass, and both as plain loops in double, one example after
/// the other. Nothing in carousel computes with these; `carousel gradcheck` and the tests hold the tape's gradients against them.

#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include <carousel/lib/numbers/tensor.hpp>

namespace carousel::reference {

/// Tensors by name.
using Tensors = std::map<std::string, Tensor<double>, std::less<>>;

/// A sequence, and the gradient that arrives from a loss behind it.
struct Problem {
  Tensor<double> xs;                  ///< [time, batch, in]
  std::vector<Tensor<double>> start;  ///< [batch, hidden] each: h, for an LSTM also c
  Tensor<double> d_outputs;           ///< [time, batch, hidden] ∂L/∂h of every step
  std::vector<Tensor<double>> d_end;  ///< as start: ∂L/∂ the state after the last step
  std::vector<Index> lengths = {};    ///< steps of each example; empty: all
  bool reverse = false;               ///< from the last step to the first
};

/// What the cell gave, and the gradients of all that went in.
struct Answer {
  Tensor<double> outputs;  ///< [time, batch, hidden], 0 beyond the length of an example
  Tensors gradients;       ///< of the parameters by name, of "xs", and of the members of the start, "start 0", "start 1"
};

/// A cell by hand: parameters by name (wx, wh, b, as in models/) and a problem to an answer. The ones here throw
/// std::invalid_argument for parameters that are not theirs.
using Cell = std::function<Answer(const Tensors& parameters, const Problem& problem)>;

/// h' = tanh(x Wx + h Wh + b). Elman 1990.
Answer rnn_tanh(const Tensors& parameters, const Problem& problem);

/// c' = σ(f)∘c + σ(i)∘tanh(g);  h' = σ(o)∘tanh(c').
Answer lstm(const Tensors& parameters, const Problem& problem);

/// c' = σ(f)∘c + σ(i)∘tanh(g);  h' = σ(o)∘c': the seed's cell.
Answer lstm_linear(const Tensors& parameters, const Problem& problem);

/// n' = tanh(n + σ(r + rh)∘nh);  h' = (1 − σ(z + zh))∘n' + σ(z + zh)∘h.
Answer gru(const Tensors& parameters, const Problem& problem);

/// The one of a name of `carousel gradcheck`, empty if there is none.
Cell cell(std::string_view name);

/// ∂/∂logits of the mean of −log softmax(logits)[label].
///   logits: [positions, classes]
Tensor<double> cross_entropy_gradient(const Tensor<double>& logits, std::span<const Index> labels);

}  // namespace carousel::reference
