#pragma once
/// Symbols as a net takes them in.

#include <algorithm>
#include <span>

#include <carousel/lib/tape/tape.hpp>

namespace carousel {

/// A one at each symbol's place among zeros, as a constant of the active tape.
///   symbols: [steps, batch] row by row, each from 0 to classes − 1;  result: [steps, batch, classes]
template <class Symbol>
Var<float> one_hot(std::span<const Symbol> symbols, Index batch, Index classes) {
  Tape<float>& tape = Tape<float>::active();
  const auto count = static_cast<Index>(symbols.size());
  const Var<float> out = tape.constant(Shape{count / batch, batch, classes});
  float* to = tape.data(out);
  std::fill_n(to, count * classes, 0.0F);
  for (const Symbol symbol : symbols) {
    to[symbol] = 1;
    to += classes;
  }
  return out;
}

}  // namespace carousel
