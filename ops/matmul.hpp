#pragma once
/// Products of matrices.

#include <carousel/ops/affine.hpp>

namespace carousel {

/// The product of two matrices, or of stacks of them: c[..., i, j] = Σ_p a[..., i, p] b[..., p, j].
///   a: [..., m, k]
///   b: [..., k, n]    leading axes broadcast against those of a
///   result: [..., m, n]
/// Transposed views are read where they lie. Throws std::invalid_argument for shapes that have no product.
Var<float> matmul(Var<float> a, Var<float> b);
Var<double> matmul(Var<double> a, Var<double> b);

}  // namespace carousel
