#include <carousel/lib/numbers/gemm.hpp>

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include <dlfcn.h>
#include <doctest/doctest.h>

#include <carousel/lib/numbers/blas.hpp>
#include <carousel/lib/numbers/random.hpp>

#include "tests/support/allocations.hpp"

using namespace carousel;

namespace {

/// A stored matrix in memory of exactly its size, row padding filled with NaN, which must never reach a result.
template <class T>
struct Stored {
  Index rows, columns, stride;
  std::vector<T> memory;

  Stored(Index r, Index c, Index gap, Random& random) : rows(r), columns(c), stride(c + gap) {
    memory.assign(static_cast<std::size_t>(rows == 0 ? 0 : (rows - 1) * stride + columns), std::numeric_limits<T>::quiet_NaN());
    for (Index i = 0; i < rows; ++i)
      for (Index j = 0; j < columns; ++j)
        memory[static_cast<std::size_t>(i * stride + j)] = static_cast<T>(random.uniform(-1, 1));
  }
  T at(Index i, Index j, bool transposed) const {
    return memory[static_cast<std::size_t>(transposed ? j * stride + i : i * stride + j)];
  }
  const T* data() const { return memory.data(); }
};

struct Case {
  Index m, n, k;
  bool transpose_a = false, transpose_b = false, accumulate = false;
  Index gap = 0;  // elements between the rows of every matrix
  bool bias = false;
};

/// Runs a product and compares every element with a sum in long double: within the bound of its rounding errors (Higham 2002,
/// "Accuracy and Stability of Numerical Algorithms", section 3.1), and with nothing written beside the result.
template <class T, class Product>
std::string wrong_element(const Case& c, Product product) {
  Random random(static_cast<std::uint64_t>(c.m * 1000003 + c.n * 1009 + c.k));
  const Stored<T> a(c.transpose_a ? c.k : c.m, c.transpose_a ? c.m : c.k, c.gap, random);
  const Stored<T> b(c.transpose_b ? c.n : c.k, c.transpose_b ? c.k : c.n, c.gap, random);
  constexpr Index guard = 32;
  const T untouched = static_cast<T>(12345);
  const Index ldc = c.n + c.gap, size = c.m * ldc;
  std::vector<T> before(static_cast<std::size_t>(size + 2 * guard), untouched);
  // What is not added to is overwritten, whatever it was.
  for (Index i = 0; i < c.m; ++i)
    for (Index j = 0; j < c.n; ++j)
      before[static_cast<std::size_t>(guard + i * ldc + j)] =
          c.accumulate ? static_cast<T>(random.uniform(-1, 1)) : std::numeric_limits<T>::quiet_NaN();
  std::vector<T> after = before;
  const Stored<T> bias(1, c.n, 0, random);
  product(a, b, after.data() + guard, ldc, c.bias ? bias.data() : nullptr);

  const auto name = [&](Index i, Index j, auto got, auto wanted) {
    return join(c.m, "x", c.n, "x", c.k, c.transpose_a ? " T" : " N", c.transpose_b ? "T" : "N", c.accumulate ? " added" : "",
                c.bias ? " bias" : "", " gap ", c.gap, ": [", i, ", ", j, "] is ", static_cast<double>(got), ", must be ",
                static_cast<double>(wanted));
  };
  for (Index p = 0; p < size + 2 * guard; ++p) {
    const Index i = (p - guard) / ldc, j = (p - guard) % ldc;
    const T got = after[static_cast<std::size_t>(p)], was = before[static_cast<std::size_t>(p)];
    if (p < guard || p >= guard + size || j >= c.n) {
      if (got != untouched) return name(i, j, got, untouched);
      continue;
    }
    long double sum = 0, bound = 0;
    if (c.accumulate) sum = static_cast<long double>(was), bound = std::abs(sum);
    if (c.bias) sum = static_cast<long double>(bias.at(0, j, false)), bound = std::abs(sum);
    for (Index q = 0; q < c.k; ++q) {
      const long double term =
          static_cast<long double>(a.at(i, q, c.transpose_a)) * static_cast<long double>(b.at(q, j, c.transpose_b));
      sum += term;
      bound += std::abs(term);
    }
    bound *= static_cast<long double>(c.k + 2) * static_cast<long double>(std::numeric_limits<T>::epsilon());
    if (!(std::abs(static_cast<long double>(got) - sum) <= bound)) return name(i, j, got, sum);
  }
  return "";
}

template <class T>
std::string wrong_in_gemm(const Case& c) {
  return wrong_element<T>(c, [&](const Stored<T>& a, const Stored<T>& b, T* to, Index ldc, const T* bias) {
    gemm<T>({c.transpose_a, c.transpose_b, c.accumulate}, c.m, c.n, c.k, a.data(), a.stride, b.data(), b.stride, to, ldc, bias);
  });
}

template <class T>
std::string wrong_in_packed(const Case& c) {
  return wrong_element<T>(c, [&](const Stored<T>& a, const Stored<T>& b, T* to, Index ldc, const T* bias) {
    std::vector<T> packed(static_cast<std::size_t>(packed_size<T>(c.k, c.n)) + 16, T(12345));
    pack(c.transpose_b, c.k, c.n, b.data(), b.stride, packed.data());
    REQUIRE(std::all_of(packed.end() - 16, packed.end(), [](T x) { return x == 12345; }));
    gemm_packed(c.accumulate, c.m, c.n, c.k, a.data(), a.stride, packed.data(), to, ldc, bias);
  });
}

template <class T>
std::string wrong_in_blas(const Case& c) {
  return wrong_element<T>(c, [&](const Stored<T>& a, const Stored<T>& b, T* to, Index ldc, const T*) {
    blas_gemm({c.transpose_a, c.transpose_b, c.accumulate}, c.m, c.n, c.k, a.data(), a.stride, b.data(), b.stride, to, ldc);
  });
}

/// Calls f for all extents around the sizes of blocks, each in two of the eight forms.
template <class F>
void for_each_small_case(F f) {
  constexpr Index extents[] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 11, 12, 13, 15, 16, 17, 19, 24, 25, 31, 32, 33, 37, 40};
  int turn = 0;
  for (const Index m : extents)
    for (const Index n : extents)
      for (const Index k : extents) {
        for (const int form : {turn % 8, (turn + 3) % 8})
          f(Case{m, n, k, (form & 1) != 0, (form & 2) != 0, (form & 4) != 0, turn % 3 * 5, (form & 4) == 0 && turn % 5 == 0});
        ++turn;
      }
}

constexpr Case large[] = {
    {200, 70, 300}, {193, 129, 257}, {400, 33, 513},  {13, 1000, 260}, {3, 700, 600},  {1, 517, 300},
    {2, 129, 900},  {4, 200, 700},   {5, 131, 520},   {6, 300, 260},   {24, 67, 300},  {25, 67, 300},
    {50, 512, 128}, {385, 31, 40},   {192, 64, 256},  {500, 1, 300},   {64, 15, 700},  {300, 47, 24},
    {300, 47, 25},  {1, 1, 2000},    {1030, 40, 260}, {30, 35, 1024},  {1024, 33, 30},
};

/// Calls f for extents of several blocks in all forms.
template <class F>
void for_each_large_case(F f) {
  for (const Case& shape : large)
    for (int form = 0; form < 8; ++form)
      f(Case{shape.m, shape.n, shape.k, (form & 1) != 0, (form & 2) != 0, (form & 4) != 0, form % 3 * 2, form == 0 || form == 3});
}

}  // namespace

TEST_CASE_TEMPLATE("gemm is right for small matrices in every form", T, float, double) {
  for_each_small_case([](const Case& c) {
    const std::string wrong = wrong_in_gemm<T>(c);
    if (!wrong.empty()) FAIL_CHECK(wrong);
  });
}

TEST_CASE_TEMPLATE("gemm is right for matrices of many blocks in every form", T, float, double) {
  for_each_large_case([](const Case& c) { CHECK(wrong_in_gemm<T>(c) == ""); });
}

TEST_CASE_TEMPLATE("gemm with a packed operand is right for small matrices", T, float, double) {
  for_each_small_case([](const Case& c) {
    if (c.transpose_a) return;
    const std::string wrong = wrong_in_packed<T>(c);
    if (!wrong.empty()) FAIL_CHECK(wrong);
  });
}

TEST_CASE_TEMPLATE("gemm with a packed operand is right for matrices of many blocks", T, float, double) {
  for_each_large_case([](const Case& c) {
    if (!c.transpose_a) CHECK(wrong_in_packed<T>(c) == "");
  });
}

TEST_CASE_TEMPLATE("OpenBLAS, by which gemm is compared and replaced, is right", T, float, double) {
  for (int form = 0; form < 8; ++form)
    for (const Case& shape : {Case{17, 40, 33}, Case{130, 70, 300}})
      CHECK(wrong_in_blas<T>({shape.m, shape.n, shape.k, (form & 1) != 0, (form & 2) != 0, (form & 4) != 0, form % 3 * 2}) == "");
  CHECK(wrong_in_blas<T>({3, 4, 0}) == "");
  CHECK(wrong_in_blas<T>({3, 4, 0, false, false, true}) == "");
}

TEST_CASE_TEMPLATE("gemm equals OpenBLAS for large matrices", T, float, double) {
  Random random(1);
  const Index m = 611, n = 530, k = 1100;
  for (int form = 0; form < 4; ++form) {
    const bool ta = (form & 1) != 0, tb = (form & 2) != 0;
    const Stored<T> a(ta ? k : m, ta ? m : k, form, random), b(tb ? n : k, tb ? k : n, form, random);
    std::vector<T> own(static_cast<std::size_t>(m * n)), other(own.size());
    gemm<T>({ta, tb}, m, n, k, a.data(), a.stride, b.data(), b.stride, own.data(), n);
    blas_gemm({ta, tb}, m, n, k, a.data(), a.stride, b.data(), b.stride, other.data(), n);
    T worst = 0;
    for (std::size_t i = 0; i < own.size(); ++i) worst = std::max(worst, std::abs(own[i] - other[i]));
    CHECK(worst < T(k) * std::numeric_limits<T>::epsilon());
    CHECK(worst >= 0);
  }
}

TEST_CASE_TEMPLATE("a product over nothing is zero, or adds nothing", T, float, double) {
  for (const Case& c : {Case{3, 5, 0}, Case{30, 50, 0}, Case{1, 7, 0, true, true}, Case{30, 5, 0, false, false, true, 2}}) {
    CHECK(wrong_in_gemm<T>(c) == "");
    if (!c.transpose_a) CHECK(wrong_in_packed<T>(c) == "");
  }
}

TEST_CASE_TEMPLATE("a product without rows or columns writes nothing", T, float, double) {
  const std::vector<T> operand(64, T(1));
  std::vector<T> c(64, T(7)), packed(static_cast<std::size_t>(packed_size<T>(8, 8)));
  pack(false, 8, 8, operand.data(), 8, packed.data());
  gemm<T>({}, 0, 8, 8, operand.data(), 8, operand.data(), 8, c.data(), 8);
  gemm<T>({}, 8, 0, 8, operand.data(), 8, operand.data(), 8, c.data(), 8);
  gemm<T>({}, 0, 8, 0, operand.data(), 8, operand.data(), 8, c.data(), 8);
  gemm_packed(false, 0, 8, 8, operand.data(), 8, packed.data(), c.data(), 8);
  blas_gemm({}, 0, 8, 8, operand.data(), 8, operand.data(), 8, c.data(), 8);
  CHECK(c == std::vector<T>(64, T(7)));
}

TEST_CASE("a NaN spoils the row or the column of the product that it belongs to, and no other") {
  constexpr Index m = 30, n = 45, k = 50;
  const float nan = std::numeric_limits<float>::quiet_NaN();
  std::vector<float> a(m * k, 1), b(k * n, 1), c(m * n);
  a[7 * k + 3] = nan;
  b[20 * n + 40] = nan;
  gemm<float>({}, m, n, k, a.data(), k, b.data(), n, c.data(), n);
  for (Index i = 0; i < m; ++i)
    for (Index j = 0; j < n; ++j) CHECK(std::isnan(c[static_cast<std::size_t>(i * n + j)]) == (i == 7 || j == 40));
}

TEST_CASE("gemm gives the same bits each time and takes nothing from the heap once it is warm") {
  Random random(1);
  const Stored<float> a(300, 300, 0, random), b(300, 300, 0, random);
  std::vector<float> first(300 * 300), again(300 * 300);
  const auto multiply = [&](std::vector<float>& c) {
    gemm<float>({.transpose_a = true, .transpose_b = true}, 300, 300, 300, a.data(), 300, b.data(), 300, c.data(), 300);
  };
  multiply(first);
  const std::uint64_t before = allocations();
  multiply(again);
  CHECK(allocations() == before);
  CHECK(first == again);
}

TEST_CASE("the provider of products is named for the record, and OpenBLAS runs on one thread") {
  const std::string name = blas_name();
  CHECK((name.starts_with("own kernels") || name.starts_with("OpenBLAS ")));
  REQUIRE(has_blas());
  std::vector<float> one(64 * 64, 1), out(64 * 64);
  blas_gemm({}, 64, 64, 64, one.data(), 64, one.data(), 64, out.data(), 64);
  void* const library = dlopen("libopenblas.so.0", RTLD_NOW | RTLD_NOLOAD);
  REQUIRE(library != nullptr);
  const auto threads = reinterpret_cast<int (*)()>(dlsym(library, "openblas_get_num_threads"));
  REQUIRE((threads != nullptr));
  CHECK(threads() == 1);
  dlclose(library);
}

TEST_CASE("sums over a long k stay as exact as sums of blocks are") {
  // Terms of random sign. Within a block of 384 the rounding errors of a running sum grow as the square root of its length, and
  // so do those of the sum of all blocks: together some √384 + √(k / 384) times ε of the typical size of a term sum, √k / 3.
  struct Long {
    Index m, n, k;
    bool transpose_a, transpose_b;
  };
  std::vector<Long> cases;
  for (const Index k : {Index{400}, Index{6400}, Index{100'000}, Index{1'000'000}})
    for (const Index m : {1, 3, 4, 6, 7, 12, 20, 24, 25, 40})
      for (const Index n : {1, 5, 40})
        for (const bool transpose_a : {false, true})
          for (const bool transpose_b : {false, true})
            if (m * n * k <= 5'000'000) cases.push_back({m, n, k, transpose_a, transpose_b});
  std::string worst;
  double most = 0;
  Random random(7);
  std::vector<float> a(5'000'000), b(5'000'000), c(1600);
  for (float& x : a) x = static_cast<float>(random.uniform(-1, 1));
  for (float& x : b) x = static_cast<float>(random.uniform(-1, 1));
  for (const auto& [m, n, k, transpose_a, transpose_b] : cases) {
    gemm<float>({.transpose_a = transpose_a, .transpose_b = transpose_b}, m, n, k, a.data(), transpose_a ? m : k, b.data(),
                transpose_b ? k : n, c.data(), n);
    const auto blocks = static_cast<double>((k + 383) / 384), terms = static_cast<double>(k);
    const double bound = (std::sqrt(384.0) + std::sqrt(blocks)) * std::sqrt(terms) / 3 * 0x1p-24;
    for (const Index i : {Index{0}, m / 2, m - 1})
      for (const Index j : {Index{0}, n - 1}) {
        double sum = 0;
        for (Index p = 0; p < k; ++p)
          sum += static_cast<double>(a[static_cast<std::size_t>(transpose_a ? p * m + i : i * k + p)]) *
                 static_cast<double>(b[static_cast<std::size_t>(transpose_b ? j * k + p : p * n + j)]);
        const double error = std::abs(static_cast<double>(c[static_cast<std::size_t>(i * n + j)]) - sum) / bound;
        if (error > most) {
          most = error;
          worst = join(m, "x", n, "x", k, transpose_a ? " T" : " N", transpose_b ? "T" : "N");
        }
      }
  }
  INFO(worst);
  CHECK(most < 2);
}
