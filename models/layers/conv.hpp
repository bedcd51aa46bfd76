#pragma once
/// Convolutional layers.

#include <carousel/lib/training/init.hpp>
#include <carousel/ops/conv.hpp>

namespace carousel {

/// y = conv2d(x, w, b).
///   w: [out, in, size, size], from he_normal, as rectifiers like it;  b: [out], from 0
///   x: [batch, in, height, width];  y: [batch, out, …], see ops/conv.hpp
template <class T>
struct Conv2d {
  Param<T> w, b;
  Conv2dOptions options;

  Conv2d(Scope<T> p, Index in, Index out, Index size, const Conv2dOptions& o = {})
      : w(p.parameter("w", {out, in, size, size}, init::he_normal<T>())),
        b(p.parameter("b", {out}, init::constant<T>(0))),
        options(o) {}

  Var<T> operator()(Var<T> x) const { return conv2d(x, w, b, options); }
};

}  // namespace carousel
