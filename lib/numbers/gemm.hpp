#pragma once
/// Matrix products.

#include <carousel/lib/numbers/shape.hpp>

namespace carousel {

/// How a product reads its operands, and whether it adds to c.
struct GemmOptions {
  bool transpose_a = false;  ///< a is stored as [k, m]
  bool transpose_b = false;  ///< b is stored as [n, k]
  bool accumulate = false;   ///< add to c instead of assigning it
};

/// c = a b, or c += a b; each matrix is row-major with its own distance between rows. With a bias, c = a b + bias.
///   a: [m, k] or stored transposed;  b: [k, n] or stored transposed;  c: [m, n];  bias: [n], added to each row, not with
///   accumulate
template <class T>
void gemm(GemmOptions options, Index m, Index n, Index k, const T* a, Index lda, const T* b, Index ldb, T* c, Index ldc,
          const T* bias = nullptr);

/// A right operand that is used many times, copied once to the order in which the product reads it.
///   b: [k, n] or stored transposed;  out: packed_size(k, n) elements
template <class T>
void pack(bool transpose, Index k, Index n, const T* b, Index ldb, T* out);
/// Number of elements that pack() writes: k rows of n, filled up to whole registers.
template <class T>
Index packed_size(Index k, Index n);

/// As gemm(), with b packed.
///   a: [m, k];  packed: [k, n], by pack();  c: [m, n];  bias: [n]
template <class T>
void gemm_packed(bool accumulate, Index m, Index n, Index k, const T* a, Index lda, const T* packed, T* c, Index ldc,
                 const T* bias = nullptr);

/// What multiplies matrices here: own kernels, or OpenBLAS and the kernel that it chose; for records of runs.
const char* blas_name();

}  // namespace carousel
