#include <carousel/lib/numbers/blas.hpp>

#include <string>

#include <carousel/lib/numbers/xtensor.hpp>
#include <xtensor-blas/xblas_config.hpp>  // says that there is a cblas: xtensor-blas 0.21 reads it itself too late
#include <xtensor-blas/xlinalg.hpp>

extern "C" {
void openblas_set_num_threads(int threads);
char* openblas_get_config();
}

namespace carousel {

namespace {

/// Its own threads would change the last bits of results, and slow small products down.
void pin_to_one_thread() {
  static const bool pinned = (openblas_set_num_threads(1), true);
  static_cast<void>(pinned);
}

using Integer = CBLAS_INT;

template <class T, class Gemm>
void product(Gemm by_blas, GemmOptions options, Index m, Index n, Index k, const T* a, Index lda, const T* b, Index ldb, T* c,
             Index ldc) {
  if (m <= 0 || n <= 0) return;
  pin_to_one_thread();
  const auto transposed = [](bool yes) { return yes ? CblasTrans : CblasNoTrans; };
  // BLAS refuses a distance between rows of 0, which a matrix without columns has.
  const auto distance = [](Index rows) { return static_cast<Integer>(rows < 1 ? 1 : rows); };
  by_blas(CblasRowMajor, transposed(options.transpose_a), transposed(options.transpose_b), static_cast<Integer>(m),
          static_cast<Integer>(n), static_cast<Integer>(k), T(1), a, distance(lda), b, distance(ldb),
          T(options.accumulate ? 1 : 0), c, distance(ldc));
}

}  // namespace

const char* blas_name() {
#if defined(__AVX512F__)
  static const std::string name = join("own kernels, AVX-512; not used: ", openblas_get_config());
#elif defined(__AVX2__) && defined(__FMA__)
  static const std::string name = join("own kernels, AVX2; not used: ", openblas_get_config());
#else
  static const std::string name = join(openblas_get_config(), " on one thread; own kernels for small products");
#endif
  return name.c_str();
}

void blas_gemm(GemmOptions options, Index m, Index n, Index k, const float* a, Index lda, const float* b, Index ldb, float* c,
               Index ldc) {
  product(cblas_sgemm, options, m, n, k, a, lda, b, ldb, c, ldc);
}
void blas_gemm(GemmOptions options, Index m, Index n, Index k, const double* a, Index lda, const double* b, Index ldb, double* c,
               Index ldc) {
  product(cblas_dgemm, options, m, n, k, a, lda, b, ldb, c, ldc);
}

}  // namespace carousel
