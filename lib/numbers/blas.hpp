#pragma once
/// Matrix products by OpenBLAS, which xtensor-blas declares: for large ones where gemm's own kernels have no fused multiply-add,
/// and the reference that they are tested against. It is loaded when it is first needed and linked nowhere.

#include <carousel/lib/numbers/gemm.hpp>

namespace carousel {

/// Whether OpenBLAS is here; loads it, and sets it to one thread for the whole process.
bool has_blas();

/// As gemm(), by OpenBLAS, on one thread whatever its environment says. Throws a std::runtime_error where it is not here.
void blas_gemm(GemmOptions options, Index m, Index n, Index k, const float* a, Index lda, const float* b, Index ldb, float* c,
               Index ldc);
void blas_gemm(GemmOptions options, Index m, Index n, Index k, const double* a, Index lda, const double* b, Index ldb, double* c,
               Index ldc);

}  // namespace carousel
