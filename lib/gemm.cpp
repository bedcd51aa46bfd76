#include <carousel/lib/gemm.hpp>

#include <algorithm>
#include <memory>
#include <new>

#include <carousel/lib/blas.hpp>
#include <carousel/lib/simd.hpp>

namespace carousel {

namespace {

using simd::width;

#if defined(__AVX512F__)
constexpr bool has_wide_registers = true;
constexpr Index registers = 32;
#elif defined(__AVX2__) && defined(__FMA__)
constexpr bool has_wide_registers = true;
constexpr Index registers = 16;
#else
constexpr bool has_wide_registers = false;  // OpenBLAS, which chooses its kernels at run time, serves all but small products
constexpr Index registers = 16;
#endif

/// A block of registers: rows of c at once, and vectors of columns. As many accumulators as the register file holds, beside the
/// vectors of b and one element of a.
constexpr Index block_rows = registers == 32 ? 12 : 6;
constexpr Index block_vectors = 2;
template <class T>
constexpr Index panel{block_vectors * width<T>};  // columns of a packed panel of b

constexpr Index depth_block = 256;  // of k: a packed panel of that depth stays in the first-level cache
constexpr Index rows_block = 192;   // of m: that many rows of a stay in the second-level cache
constexpr std::size_t set_stride =
    4096;  // rows so many bytes apart share one set of the first-level cache, and drive each other out

/// A matrix by the distance between rows and between columns.
template <class T>
struct View {
  const T* data;
  Index row, column;
};

/// Keeps the compiler from reading a vector of b anew for every row, which it does where a row of registers is used four times or
/// less: [4, 128] · [128, 512] runs at 197 instead of 98 GF/s.
template <class T>
void keep([[maybe_unused]] Lane<T>& lane) {
#ifdef __x86_64__
  asm("" : "+v"(lane.data));
#endif
}

/// c [Rows, Vectors · width] = or += a b; the last vector has `rest` columns if Partial.
template <class T, int Rows, int Vectors, bool Partial>
void multiply_block(Index k, View<T> a, const T* b, Index ldb, T* c, Index ldc, bool accumulate, Index rest) {
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
      T* at = c + i * ldc + v * width<T>;
      if (is_rest(v))
        simd::store_some(at, accumulate ? simd::load_some(at, rest) + sums[i][v] : sums[i][v], rest);
      else
        simd::store(at, accumulate ? simd::load(at) + sums[i][v] : sums[i][v]);
    }
}

template <class T>
using Block = void (*)(Index k, View<T> a, const T* b, Index ldb, T* c, Index ldc, bool accumulate, Index rest);

/// The block for a number of rows.
template <class T, int Vectors, bool Partial, int... Row>
Block<T> block_of(Index rows, std::integer_sequence<int, Row...>) {
  static constexpr Block<T> blocks[] = {&multiply_block<T, Row + 1, Vectors, Partial>...};
  return blocks[rows - 1];
}

/// Runs the columns [0, n) of one block of rows in panels of `Vectors`, then what is left in narrower ones.
template <class T, int Vectors, int Most>
void multiply_rows(Index rows, Index n, Index k, View<T> a, const T* b, Index ldb, T* c, Index ldc, bool accumulate) {
  constexpr auto all = std::make_integer_sequence<int, Most>();
  Index j = 0;
  for (; n - j >= Vectors * width<T>; j += Vectors * width<T>)
    block_of<T, Vectors, false>(rows, all)(k, a, b + j, ldb, c + j, ldc, accumulate, 0);
  if constexpr (Vectors > 1) {
    if (n - j > 0) multiply_rows<T, Vectors / 2, Most>(rows, n - j, k, a, b + j, ldb, c + j, ldc, accumulate);
  } else if (n - j > 0) {
    block_of<T, 1, true>(rows, all)(k, a, b + j, ldb, c + j, ldc, accumulate, n - j);
  }
}

/// Rows of the next block when `left` are left: blocks of nearly the same height, none higher than `most`.
Index next_rows(Index left, Index most) {
  const Index blocks = (left + most - 1) / most;
  return (left + blocks - 1) / blocks;
}

/// c = or += a bᵀ for few rows of a: dot products along the rows of both.
template <class T>
void multiply_dots(Index m, Index n, Index k, View<T> a, const T* b, Index ldb, T* c, Index ldc, bool accumulate) {
  constexpr int at_once = 4;
  for (Index i = 0; i < m; ++i)
    for (Index j = 0; j < n; j += at_once) {
      const Index count = std::min<Index>(at_once, n - j);
      const T* rows[at_once];
      for (Index r = 0; r < at_once; ++r) rows[r] = b + (j + std::min(r, count - 1)) * ldb;
      Lane<T> sums[at_once] = {Lane<T>(T(0)), Lane<T>(T(0)), Lane<T>(T(0)), Lane<T>(T(0))};
      const T* row = a.data + i * a.row;
      Index p = 0;
      for (; p + width<T> <= k; p += width<T>)
        for (int r = 0; r < at_once; ++r) sums[r] = simd::fma(simd::load(row + p), simd::load(rows[r] + p), sums[r]);
      if (p < k)
        for (int r = 0; r < at_once; ++r)
          sums[r] = simd::fma(simd::load_some(row + p, k - p), simd::load_some(rows[r] + p, k - p), sums[r]);
      for (Index r = 0; r < count; ++r) {
        T& out = c[i * ldc + j + r];
        out = accumulate ? out + simd::sum(sums[r]) : simd::sum(sums[r]);
      }
    }
}

/// Copies [k, n] of b to panels of `panel` columns each, padded with zeros.
template <class T>
void pack_panels(Index k, Index n, View<T> b, T* out) {
  constexpr Index tile = 16;  // rows of the source read along before the next: each cache line is used up at once
  for (Index p0 = 0; p0 < k; p0 += tile) {
    const Index rows = std::min(tile, k - p0);
    for (Index j = 0; j < n; j += panel<T>) {
      const Index columns = std::min(panel<T>, n - j);
      T* const to = out + j * k + p0 * panel<T>;
      const T* const from = b.data + p0 * b.row + j * b.column;
      if (b.column == 1 && columns == panel<T>) {
        for (Index p = 0; p < rows; ++p)
          for (int v = 0; v < block_vectors; ++v)
            simd::store(to + p * panel<T> + v * width<T>, simd::load(from + p * b.row + v * width<T>));
        continue;
      }
      for (Index q = 0; q < columns; ++q)
        for (Index p = 0; p < rows; ++p) to[p * panel<T> + q] = from[p * b.row + q * b.column];
      for (Index p = 0; p < rows; ++p) std::fill(to + p * panel<T> + columns, to + (p + 1) * panel<T>, T(0));
    }
  }
}

/// Copies [m, k] of a, stored transposed, to blocks of rows, each [k, rows].
template <class T>
void pack_rows(Index m, Index k, View<T> a, T* out) {
  constexpr Index tile = 8;  // rows of the source at a time, read from end to end
  for (Index p0 = 0; p0 < k; p0 += tile) {
    const Index depth = std::min(tile, k - p0);
    for (Index i = 0; i < m;) {
      const Index rows = next_rows(m - i, block_rows);
      T* to = out + i * k + p0 * rows;
      for (Index p = 0; p < depth; ++p, to += rows) {
        const T* from = a.data + i + (p0 + p) * a.column;
        for (Index r = 0; r < rows; r += width<T>) {
          if (const Index count = rows - r; count < width<T>)
            simd::store_some(to + r, simd::load_some(from + r, count), count);
          else
            simd::store(to + r, simd::load(from + r));
        }
      }
      i += rows;
    }
  }
}

/// Rows of c from rows of a and packed panels of b.
template <class T>
void multiply_panels(Index m, Index n, Index k, View<T> a, bool in_blocks, const T* panels, T* c, Index ldc, bool accumulate) {
  constexpr auto all = std::make_integer_sequence<int, static_cast<int>(block_rows)>();
  for (Index i = 0; i < m;) {
    const Index rows = next_rows(m - i, block_rows);
    const View<T> block = in_blocks ? View<T>{a.data + i * k, 1, rows} : View<T>{a.data + i * a.row, a.row, a.column};
    const T* columns_of_b = panels;
    for (Index j = 0; j < n; j += panel<T>, columns_of_b += k * panel<T>) {
      const Index columns = std::min(panel<T>, n - j);
      T* to = c + i * ldc + j;
      if (columns == panel<T>) {
        block_of<T, block_vectors, false>(rows, all)(k, block, columns_of_b, panel<T>, to, ldc, accumulate, 0);
      } else if (columns > width<T>) {
        block_of<T, block_vectors, true>(rows, all)(k, block, columns_of_b, panel<T>, to, ldc, accumulate, columns - width<T>);
      } else if (columns == width<T>) {
        block_of<T, 1, false>(rows, all)(k, block, columns_of_b, panel<T>, to, ldc, accumulate, 0);
      } else {
        block_of<T, 1, true>(rows, all)(k, block, columns_of_b, panel<T>, to, ldc, accumulate, columns);
      }
    }
    i += rows;
  }
}

/// Memory of the thread for packed blocks, which only grows.
template <class T>
T* scratch(Index size, int which) {
  struct Free {
    void operator()(T* memory) const { ::operator delete (memory, std::align_val_t{64}); }
  };
  static thread_local std::unique_ptr<T, Free> memory[2];
  static thread_local Index sizes[2] = {};
  if (sizes[which] < size) {
    memory[which].reset();
    memory[which].reset(static_cast<T*>(::operator new (static_cast<std::size_t>(size) * sizeof(T), std::align_val_t{64})));
    sizes[which] = size;
  }
  return memory[which].get();
}

/// Elements of a packed matrix before block `depth` of k.
template <class T>
Index packed_before(Index depth, Index n) {
  return depth * ((n + panel<T> - 1) / panel<T> * panel<T>);
}

/// Rows of c from rows of a and one block of the depth of b, packed.
template <class T>
void multiply_depth(Index m, Index n, Index depth, View<T> a, bool pack_a, const T* panels, T* c, Index ldc, bool accumulate) {
  constexpr Index room_row = depth_block + width<T>;
  if (pack_a) {
    T* room = scratch<T>(rows_block * room_row, 1);
    pack_rows(m, depth, a, room);
    a.data = room;
  } else if (static_cast<std::size_t>(a.row) * sizeof(T) % set_stride == 0 && m > 1) {
    T* room = scratch<T>(rows_block * room_row, 1);
    for (Index i = 0; i < m; ++i) std::copy_n(a.data + i * a.row, depth, room + i * room_row);
    a = {room, room_row, 1};
  }
  multiply_panels(m, n, depth, a, pack_a, panels, c, ldc, accumulate);
}

template <class T>
void multiply_blocks(Index m, Index n, Index k, View<T> a, bool pack_a, View<T> b, const T* packed_b, T* c, Index ldc,
                     bool accumulate) {
  const auto rows_of_a = [&](Index i, Index p) { return View<T>{a.data + i * a.row + p * a.column, a.row, a.column}; };
  if (packed_b) {  // rows of a are read from end to end
    for (Index i = 0; i < m; i += rows_block)
      for (Index p = 0; p < k; p += depth_block)
        multiply_depth(std::min(rows_block, m - i), n, std::min(depth_block, k - p), rows_of_a(i, p), pack_a,
                       packed_b + packed_before<T>(p, n), c + i * ldc, ldc, accumulate || p > 0);
    return;
  }
  for (Index p = 0; p < k; p += depth_block) {
    const Index depth = std::min(depth_block, k - p);
    T* const panels = scratch<T>(packed_before<T>(depth_block, n), 0);
    pack_panels(depth, n, {b.data + p * b.row, b.row, b.column}, panels);
    for (Index i = 0; i < m; i += rows_block)
      multiply_depth(std::min(rows_block, m - i), n, depth, rows_of_a(i, p), pack_a, panels, c + i * ldc, ldc,
                     accumulate || p > 0);
  }
}

constexpr Index few_rows = 3;    // so few rows are not worth a copy of b, whichever way it is stored
constexpr Index some_rows = 24;  // nor are these, if b is stored row by row
constexpr Index more_rows = 6;   // up to here twice the columns at once are better, if there are registers for them
constexpr Index few_vectors = registers == 32 ? 8 : 4;

/// Whether OpenBLAS takes a product. Measured with SSE2: 3×32×32 at 34 GF/s here and 25 there, 4×256×64 at 38 and 52.
constexpr bool is_for_blas(Index m, Index n, Index k) {
  return !has_wide_registers && m > few_rows && m * n * k > 20000;
}

}  // namespace

template <class T>
void gemm(GemmOptions options, Index m, Index n, Index k, const T* a, Index lda, const T* b, Index ldb, T* c, Index ldc) {
  if (m <= 0 || n <= 0) return;
  const View<T> left = options.transpose_a ? View<T>{a, 1, lda} : View<T>{a, lda, 1};
  const View<T> right = options.transpose_b ? View<T>{b, 1, ldb} : View<T>{b, ldb, 1};
  if (k <= 0) {
    if (!options.accumulate)
      for (Index i = 0; i < m; ++i) std::fill_n(c + i * ldc, n, T(0));
  } else if (is_for_blas(m, n, k)) {
    blas_gemm(options, m, n, k, a, lda, b, ldb, c, ldc);
  } else if (m <= few_rows && options.transpose_b && !options.transpose_a) {
    multiply_dots(m, n, k, left, b, ldb, c, ldc, options.accumulate);
  } else if (m <= few_rows && !options.transpose_b) {
    multiply_rows<T, few_vectors, few_rows>(m, n, k, left, b, ldb, c, ldc, options.accumulate);
  } else if (registers == 32 && m <= more_rows && !options.transpose_b) {
    multiply_rows<T, 2 * block_vectors, more_rows>(m, n, k, left, b, ldb, c, ldc, options.accumulate);
  } else if (!options.transpose_b && (m <= some_rows || k <= 2 * block_rows)) {
    for (Index i = 0; i < m;) {
      const Index rows = next_rows(m - i, block_rows);
      multiply_rows<T, block_vectors, block_rows>(rows, n, k, {left.data + i * left.row, left.row, left.column}, b, ldb,
                                                  c + i * ldc, ldc, options.accumulate);
      i += rows;
    }
  } else {
    multiply_blocks(m, n, k, left, options.transpose_a, right, static_cast<const T*>(nullptr), c, ldc, options.accumulate);
  }
}

template <class T>
Index packed_size(Index k, Index n) {
  return has_wide_registers ? packed_before<T>(k, n) : k * n;
}

template <class T>
void pack(bool transpose, Index k, Index n, const T* b, Index ldb, T* out) {
  const View<T> view = transpose ? View<T>{b, 1, ldb} : View<T>{b, ldb, 1};
  if (has_wide_registers)
    for (Index p = 0; p < k; p += depth_block)
      pack_panels(std::min(depth_block, k - p), n, {view.data + p * view.row, view.row, view.column},
                  out + packed_before<T>(p, n));
  else
    for (Index p = 0; p < k; ++p)
      for (Index j = 0; j < n; ++j) out[p * n + j] = view.data[p * view.row + j * view.column];
}

template <class T>
void gemm_packed(bool accumulate, Index m, Index n, Index k, const T* a, Index lda, const T* packed, T* c, Index ldc) {
  if (m <= 0 || n <= 0) return;
  if (has_wide_registers && k > 0)
    multiply_blocks<T>(m, n, k, {a, lda, 1}, false, {}, packed, c, ldc, accumulate);
  else
    gemm<T>({.accumulate = accumulate}, m, n, k, a, lda, packed, n, c, ldc);
}

template void gemm<float>(GemmOptions, Index, Index, Index, const float*, Index, const float*, Index, float*, Index);
template void gemm<double>(GemmOptions, Index, Index, Index, const double*, Index, const double*, Index, double*, Index);
template Index packed_size<float>(Index, Index);
template Index packed_size<double>(Index, Index);
template void pack<float>(bool, Index, Index, const float*, Index, float*);
template void pack<double>(bool, Index, Index, const double*, Index, double*);
template void gemm_packed<float>(bool, Index, Index, Index, const float*, Index, const float*, float*, Index);
template void gemm_packed<double>(bool, Index, Index, Index, const double*, Index, const double*, double*, Index);

}  // namespace carousel
