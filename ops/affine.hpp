#pragma once
/// Sums of products of matrices, the heart of every layer and cell.

#include <string>

#include <carousel/lib/error.hpp>
#include <carousel/lib/tape/expression.hpp>

namespace carousel {

namespace detail {

template <class T>
Var<T> affine(const Var<T>* operands, std::size_t count);
extern template Var<float> affine(const Var<float>*, std::size_t);
extern template Var<double> affine(const Var<double>*, std::size_t);

/// Whether a value can be read without a copy as one matrix, row by row: its last axis the columns, all others the rows.
template <class T>
bool is_matrix(const Node<T>& node);

/// An operand as an error calls it: "w", of a parameter "w (lstm/wx)".
template <class T>
std::string name_of(const char* letter, const Node<T>& node) {
  return node.parameter ? join(letter, " (", node.parameter->path, ')') : letter;
}

/// x W, recorded as `matmul`. Both must be matrices in memory, and fit.
template <class T>
Var<T> product(Var<T> x, Var<T> w);

}  // namespace detail

/// x₁ W₁ + x₂ W₂ + … + b, one node for any number of products; the bias may be left out.
///   x: [..., in]    the leading axes are the same for all x
///   W: [in, out]
///   b: [out]
///   result: [..., out]
/// Within a scan, the products of the input of the loop with weights older than the loop are computed for all steps at once.
/// Throws std::invalid_argument for shapes that do not fit.
template <class... A>
requires detail::Operands<A...>
auto affine(A&&... operands) {
  using T = detail::scalar_of_t<A...>;
  constexpr bool same = (detail::is_of_scalar<T, A>() && ...), values = (detail::Differentiable<A> && ...);
  static_assert(same, "affine: float and double do not mix");
  static_assert(values, "affine: an operand is a number: must be x, its weight, and so on, and a bias");
  if constexpr (same && values) {
    const Var<T> vars[] = {Var<T>(std::forward<A>(operands))...};
    return detail::affine(vars, sizeof...(A));
  } else {
    return Var<T>();
  }
}

}  // namespace carousel
