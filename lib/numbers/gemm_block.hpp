#pragma once
/// The kernel of gemm: a block of c in registers, multiplied over the whole of k.

#include <utility>

#include <carousel/lib/numbers/simd.hpp>

namespace carousel::kernel {

using simd::width;

/// Whether a * b + c is one instruction; where it is not, OpenBLAS serves all but small products.
#if defined(__AVX512F__) || defined(__aarch64__)
inline constexpr bool has_fused_kernels = true;
inline constexpr Index registers = 32;
#elif defined(__AVX2__) && defined(__FMA__)
inline constexpr bool has_fused_kernels = true;
inline constexpr Index registers = 16;
#else
inline constexpr bool has_fused_kernels = false;
inline constexpr Index registers = 16;
#endif

/// A block of registers: rows of c at once, and vectors of columns. As many accumulators as the register file holds, beside the
/// vectors of b and one element of a.
inline constexpr Index block_rows = registers == 32 ? 12 : 6;
inline constexpr Index block_vectors = 2;
template <class T>
inline constexpr Index panel{block_vectors * width<T>};  // columns of a packed panel of b

inline constexpr Index read_ahead = 32;  // rows of b that are fetched so long before they are packed

/// A matrix by the distance between rows and between columns.
template <class T>
struct View {
  const T* data;
  Index row, column;

  View from(Index i, Index j) const { return {data + i * row + j * column, row, column}; }
};

/// What a product is added to: nothing if null, else the rows of c, or one row for all.
template <class T>
struct Start {
  const T* data;
  Index row;  // between rows

  Start at(Index i, Index j) const { return {data ? data + i * row + j : nullptr, row}; }
};

/// Keeps the compiler from reading a vector of b anew for every row, which it does where a row of registers is used four times or
/// less: [4, 128] · [128, 512] runs at 197 instead of 98 GF/s.
template <class T>
void keep([[maybe_unused]] Lane<T>& lane) {
#ifdef __x86_64__
  asm("" : "+v"(lane.data));
#endif
}

/// c [Rows, Vectors · width] = start + a b; the last vector has `rest` columns if Partial. If Packs, b is copied to a packed
/// panel as it is read, which the multiplications hide.
template <class T, int Rows, int Vectors, bool Partial, bool Packs>
void multiply_block(Index k, View<T> a, const T* b, Index ldb, T* c, Index ldc, Start<T> start, Index rest,
                    [[maybe_unused]] T* packed) {
  Lane<T> sums[Rows][Vectors];
  const auto is_rest = [](int v) { return Partial && v == Vectors - 1; };
#pragma GCC unroll 16
  for (int i = 0; i < Rows; ++i) {
    __builtin_prefetch(c + i * ldc, 1);  // wanted when the sums are done
    __builtin_prefetch(c + i * ldc + (Vectors - 1) * width<T>, 1);
#pragma GCC unroll 8
    for (int v = 0; v < Vectors; ++v) sums[i][v] = Lane<T>(T(0));
  }
  const T* row = a.data;
  for (Index p = 0; p < k; ++p, b += ldb, row += a.column) {
    Lane<T> columns[Vectors];
#pragma GCC unroll 8
    for (int v = 0; v < Vectors; ++v)
      columns[v] = is_rest(v) ? simd::load_some(b + v * width<T>, rest) : simd::load(b + v * width<T>);
    if constexpr (Packs) {
      __builtin_prefetch(row + read_ahead * a.column, 0, 2);
      __builtin_prefetch(b + read_ahead * ldb, 0, 2);
      __builtin_prefetch(b + read_ahead * ldb + (Vectors - 1) * width<T>, 0, 2);
#pragma GCC unroll 8
      for (int v = 0; v < Vectors; ++v)
        if (is_rest(v))
          simd::store_some(packed + v * width<T>, columns[v], rest);
        else
          simd::store(packed + v * width<T>, columns[v]);
      packed += panel<T>;
    }
    if constexpr (registers == 32 || Rows * Vectors + Vectors + 1 <= registers)
#pragma GCC unroll 8
      for (int v = 0; v < Vectors; ++v) keep(columns[v]);
#pragma GCC unroll 16
    for (int i = 0; i < Rows; ++i) {
      const Lane<T> factor(row[i * a.row]);
#pragma GCC unroll 8
      for (int v = 0; v < Vectors; ++v) sums[i][v] = simd::fma(factor, columns[v], sums[i][v]);
    }
  }
#pragma GCC unroll 16
  for (int i = 0; i < Rows; ++i)
#pragma GCC unroll 8
    for (int v = 0; v < Vectors; ++v) {
      T* to = c + i * ldc + v * width<T>;
      const Index from = i * start.row + v * width<T>;
      if (is_rest(v))
        simd::store_some(to, start.data ? simd::load_some(start.data + from, rest) + sums[i][v] : sums[i][v], rest);
      else
        simd::store(to, start.data ? simd::load(start.data + from) + sums[i][v] : sums[i][v]);
    }
}

template <class T>
using Block = void (*)(Index k, View<T> a, const T* b, Index ldb, T* c, Index ldc, Start<T> start, Index rest, T* packed);

/// The block for a number of rows.
template <class T, int Vectors, bool Partial, bool Packs, int... Row>
Block<T> block_of(Index rows, std::integer_sequence<int, Row...>) {
  static constexpr Block<T> blocks[] = {&multiply_block<T, Row + 1, Vectors, Partial, Packs>...};
  return blocks[rows - 1];
}

}  // namespace carousel::kernel
