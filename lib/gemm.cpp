#include <carousel/lib/gemm.hpp>

#include <carousel/lib/xtensor.hpp>
#include <xtensor-blas/xlinalg.hpp>

namespace carousel {

namespace {
void blas(CBLAS_TRANSPOSE ta, CBLAS_TRANSPOSE tb, int m, int n, int k, const float* a, int lda, const float* b, int ldb, float beta, float* c,
          int ldc) {
  cblas_sgemm(CblasRowMajor, ta, tb, m, n, k, 1, a, lda, b, ldb, beta, c, ldc);
}
void blas(CBLAS_TRANSPOSE ta, CBLAS_TRANSPOSE tb, int m, int n, int k, const double* a, int lda, const double* b, int ldb, double beta,
          double* c, int ldc) {
  cblas_dgemm(CblasRowMajor, ta, tb, m, n, k, 1, a, lda, b, ldb, beta, c, ldc);
}
}  // namespace

template <class T>
void gemm(GemmOptions options, Index m, Index n, Index k, const T* a, Index lda, const T* b, Index ldb, T* c, Index ldc) {
  blas(options.transpose_a ? CblasTrans : CblasNoTrans, options.transpose_b ? CblasTrans : CblasNoTrans, int(m), int(n), int(k), a, int(lda), b,
       int(ldb), options.accumulate ? T(1) : T(0), c, int(ldc));
}

template void gemm<float>(GemmOptions, Index, Index, Index, const float*, Index, const float*, Index, float*, Index);
template void gemm<double>(GemmOptions, Index, Index, Index, const double*, Index, const double*, Index, double*, Index);

}  // namespace carousel
