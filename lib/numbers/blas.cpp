#include <carousel/lib/numbers/blas.hpp>

#include <cstdlib>
#include <optional>
#include <stdexcept>
#include <string>

#include <dlfcn.h>
#include <sys/mman.h>

#include <carousel/lib/numbers/xtensor.hpp>
#include <xtensor-blas/xblas_config.hpp>  // says that there is a cblas: xtensor-blas 0.21 reads it itself too late
#include <xtensor-blas/xlinalg.hpp>

namespace carousel {

namespace {

/// OpenBLAS, as xtensor-blas declares it.
struct Library {
  decltype(&cblas_sgemm) sgemm = nullptr;
  decltype(&cblas_dgemm) dgemm = nullptr;
  std::string name;  // its configuration, or why it is not here
};

/// Whether there is address space for the buffer of OpenBLAS, which asks for it for ever where there is none.
bool has_room() {
  constexpr std::size_t buffer = std::size_t{256} << 20;
  void* const place = mmap(nullptr, buffer, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (place == MAP_FAILED) return false;
  munmap(place, buffer);
  return true;
}

Library load() {
  Library library;
  if (!has_room()) {
    library.name = "no address space for OpenBLAS";
    return library;
  }
  // Its own threads would change the last bits of results, and slow small products down: it starts them as it is loaded, as many
  // as the environment says.
  constexpr const char* variable = "OPENBLAS_NUM_THREADS";
  const char* const before = std::getenv(variable);
  const std::optional<std::string> old = before ? std::optional<std::string>(before) : std::nullopt;
  setenv(variable, "1", 1);
  void* const handle = dlopen("libopenblas.so.0", RTLD_NOW | RTLD_LOCAL);
  const char* const reason = handle ? nullptr : dlerror();
  if (old)
    setenv(variable, old->c_str(), 1);
  else
    unsetenv(variable);
  if (!handle) {
    library.name = join("no OpenBLAS: ", reason);
    return library;
  }
  const char* missing = nullptr;
  const auto find = [&](auto& function, const char* name) {
    function = reinterpret_cast<std::remove_reference_t<decltype(function)>>(dlsym(handle, name));
    if (!function) missing = name;
  };
  void (*set_threads)(int) = nullptr;  // where the program brought its OpenBLAS along, that has threads
  char* (*configuration)() = nullptr;
  find(set_threads, "openblas_set_num_threads");
  find(configuration, "openblas_get_config");
  find(library.sgemm, "cblas_sgemm");
  find(library.dgemm, "cblas_dgemm");
  if (missing) return {.name = join("no OpenBLAS: libopenblas.so.0 has no ", missing)};
  set_threads(1);
  library.name = configuration();
  return library;
}

/// Loaded by the first product that needs it: a library that is linked starts its threads before main.
const Library& library() {
  static const Library loaded = load();
  return loaded;
}

using Integer = CBLAS_INT;

template <class T, class Gemm>
void product(Gemm by_blas, GemmOptions options, Index m, Index n, Index k, const T* a, Index lda, const T* b, Index ldb, T* c,
             Index ldc) {
  if (m <= 0 || n <= 0) return;
  if (!by_blas) throw std::runtime_error(join("blas_gemm: ", library().name));
  const auto transposed = [](bool yes) { return yes ? CblasTrans : CblasNoTrans; };
  // BLAS refuses a distance between rows of 0, which a matrix without columns has.
  const auto distance = [](Index rows) { return static_cast<Integer>(rows < 1 ? 1 : rows); };
  by_blas(CblasRowMajor, transposed(options.transpose_a), transposed(options.transpose_b), static_cast<Integer>(m),
          static_cast<Integer>(n), static_cast<Integer>(k), T(1), a, distance(lda), b, distance(ldb),
          T(options.accumulate ? 1 : 0), c, distance(ldc));
}

}  // namespace

bool has_blas() {
  return library().sgemm != nullptr;
}

const char* blas_name() {
#if defined(__AVX512F__)
  return "own kernels, AVX-512";
#elif defined(__AVX2__) && defined(__FMA__)
  return "own kernels, AVX2";
#elif defined(__aarch64__)
  return "own kernels, NEON";
#else
  static const std::string name =
      has_blas() ? join(library().name, " on one thread; own kernels for small products") : join("own kernels; ", library().name);
  return name.c_str();
#endif
}

void blas_gemm(GemmOptions options, Index m, Index n, Index k, const float* a, Index lda, const float* b, Index ldb, float* c,
               Index ldc) {
  product(library().sgemm, options, m, n, k, a, lda, b, ldb, c, ldc);
}
void blas_gemm(GemmOptions options, Index m, Index n, Index k, const double* a, Index lda, const double* b, Index ldb, double* c,
               Index ldc) {
  product(library().dgemm, options, m, n, k, a, lda, b, ldb, c, ldc);
}

}  // namespace carousel
