#pragma once
/// Linear layers.

#include <optional>

#include <carousel/lib/training/init.hpp>
#include <carousel/ops/matmul.hpp>

namespace carousel {

/// Whether a Linear layer has a bias, and how its parameters start.
template <class T>
struct LinearOptions {
  bool bias = true;
  Init<T> w = init::xavier_uniform<T>();
  Init<T> b = init::constant<T>(0);
};

/// y = x W + b.
///   w: [in, out];  b: [out], unless options.bias is false
///   x: [..., in];  y: [..., out]
template <class T>
struct Linear {
  Param<T> w;
  std::optional<Param<T>> b;

  Linear(Scope<T> p, Index in, Index out, const LinearOptions<T>& options = {}) : w(p.parameter("w", {in, out}, options.w)) {
    if (options.bias) b = p.parameter("b", {out}, options.b);
  }

  Var<T> operator()(Var<T> x) const { return b ? affine(x, w, *b) : affine(x, w); }
};

}  // namespace carousel
