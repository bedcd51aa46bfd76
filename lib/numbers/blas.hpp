#pragma once
/// Matrix products by OpenBLAS, which xtensor-blas declares: the provider where gemm's own kernels have no wide registers, and
/// the reference that they are tested against.

#include <carousel/lib/numbers/gemm.hpp>

namespace carousel {

/// As gemm(), by OpenBLAS, on one thread whatever its environment says.
void blas_gemm(GemmOptions options, Index m, Index n, Index k, const float* a, Index lda, const float* b, Index ldb, float* c,
               Index ldc);
void blas_gemm(GemmOptions options, Index m, Index n, Index k, const double* a, Index lda, const double* b, Index ldb, double* c,
               Index ldc);

}  // namespace carousel
