#include <carousel/lib/numbers/gemm.hpp>

#include <algorithm>
#include <memory>
#include <new>

#include <unistd.h>

#include <carousel/lib/numbers/blas.hpp>
#include <carousel/lib/numbers/gemm_block.hpp>

namespace carousel {

namespace {

using namespace kernel;

// The most of k at once, for which …
constexpr Index depth_block = 384;    // … a block of rows of a stays in the first-level cache
constexpr Index packing_depth = 256;  // … a panel of b stays there, packed by the way
// The most of m at once, for which …
constexpr Index rows_block = 192;      // … the rows of a stay in the second-level cache
constexpr Index columns_block = 1024;  // … the columns of a do, stored transposed

/// Runs the columns [0, n) of one block of rows in panels of `Vectors`, then what is left in narrower ones.
template <class T, int Vectors, int Most>
void multiply_rows(Index rows, Index n, Index k, View<T> a, const T* b, Index ldb, T* c, Index ldc, Start<T> start) {
  constexpr auto all = std::make_integer_sequence<int, Most>();
  Index j = 0;
  for (; n - j >= Vectors * width<T>; j += Vectors * width<T>)
    block_of<T, Vectors, false, false>(rows, all)(k, a, b + j, ldb, c + j, ldc, start.at(0, j), 0, nullptr);
  if constexpr (Vectors > 1) {
    if (n - j > 0) multiply_rows<T, Vectors / 2, Most>(rows, n - j, k, a, b + j, ldb, c + j, ldc, start.at(0, j));
  } else if (n - j > 0) {
    block_of<T, 1, true, false>(rows, all)(k, a, b + j, ldb, c + j, ldc, start.at(0, j), n - j, nullptr);
  }
}

/// Rows of the next block when `left` are left: blocks of nearly the same height, none higher than `most`.
Index next_rows(Index left, Index most) {
  const Index blocks = (left + most - 1) / most;
  return (left + blocks - 1) / blocks;
}

/// c = start + a bᵀ for few rows of a: dot products along the rows of both.
template <class T>
void multiply_dots(Index m, Index n, Index k, View<T> a, const T* b, Index ldb, T* c, Index ldc, Start<T> start) {
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
        const T sum = simd::sum(sums[r]);
        c[i * ldc + j + r] = start.data ? start.data[i * start.row + j + r] + sum : sum;
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
      const T* from = a.data + i + p0 * a.column;
      Index p = 0;
      // Whole registers, whose surplus the next rows overwrite, while there is a register full of them.
      if (rows <= width<T>)
        for (; p < depth && (k - p0 - p) * rows >= width<T>; ++p, to += rows, from += a.column) simd::store(to, simd::load(from));
      for (; p < depth; ++p, to += rows, from += a.column)
        for (Index r = 0; r < rows; r += width<T>) {
          if (const Index count = rows - r; count < width<T>)
            simd::store_some(to + r, simd::load_some(from + r, count), count);
          else
            simd::store(to + r, simd::load(from + r));
        }
      i += rows;
    }
  }
}

/// Columns in the last register of a panel of so many, if that is not full.
template <class T>
Index rest_of(Index columns) {
  return columns > width<T> ? columns - width<T> : columns;
}

/// The block for some rows and a panel of so many columns.
template <class T, bool Packs>
Block<T> block_for_panel(Index rows, Index columns) {
  constexpr auto all = std::make_integer_sequence<int, static_cast<int>(block_rows)>();
  if (columns == panel<T>) return block_of<T, block_vectors, false, Packs>(rows, all);
  if (columns > width<T>) return block_of<T, block_vectors, true, Packs>(rows, all);
  if (columns == width<T>) return block_of<T, 1, false, Packs>(rows, all);
  return block_of<T, 1, true, Packs>(rows, all);
}

/// Rows of a left operand: where they lie, or packed in blocks.
template <class T>
struct Rows {
  View<T> view;
  bool in_blocks;

  View<T> block(Index i, Index rows, Index k) const {
    if (in_blocks) return {view.data + i * k, 1, rows};
    return {view.data + i * view.row, view.row, view.column};
  }
};

/// c = start + a b, with b packed: a block of rows is multiplied with one panel after another.
template <class T>
void multiply_packed(Index m, Index n, Index k, const Rows<T>& a, const T* packed, T* c, Index ldc, Start<T> start) {
  for (Index i = 0, rows; i < m; i += rows) {
    rows = next_rows(m - i, block_rows);
    const View<T> block = a.block(i, rows, k);
    const T* b = packed;
    for (Index j = 0; j < n; j += panel<T>, b += k * panel<T>) {
      const Index columns = std::min(panel<T>, n - j);
      block_for_panel<T, false>(rows, columns)(k, block, b, panel<T>, c + i * ldc + j, ldc, start.at(i, j), rest_of<T>(columns),
                                               nullptr);
    }
  }
}

/// The same with b as it is stored, row by row: a panel, which the first block of rows packs, is multiplied with one block after
/// another. The panels are `next_panel` apart; 0 if none is used again.
template <class T>
void multiply_packing(Index m, Index n, Index k, const Rows<T>& a, const T* b, Index ldb, T* packed, Index next_panel, T* c,
                      Index ldc, Start<T> start) {
  for (Index j = 0; j < n; j += panel<T>, packed += next_panel) {
    const Index columns = std::min(panel<T>, n - j), rest = rest_of<T>(columns);
    Index rows = next_rows(m, block_rows);
    block_for_panel<T, true>(rows, columns)(k, a.block(0, rows, k), b + j, ldb, c + j, ldc, start.at(0, j), rest, packed);
    for (Index i = rows; i < m; i += rows) {
      rows = next_rows(m - i, block_rows);
      block_for_panel<T, false>(rows, columns)(k, a.block(i, rows, k), packed, panel<T>, c + i * ldc + j, ldc, start.at(i, j),
                                               rest, nullptr);
    }
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

/// Whether lines of memory so many elements apart share one set of the first-level cache that has no place for all of them: then
/// they drive each other out.
bool is_crowded(Index lines, Index distance, std::size_t element) {
#ifdef _SC_LEVEL1_DCACHE_ASSOC
  static const Index places = sysconf(_SC_LEVEL1_DCACHE_ASSOC);
#else
  constexpr Index places = 8;
#endif
  constexpr std::size_t set_stride = 4096;
  return lines > places && static_cast<std::size_t>(distance) * element % set_stride == 0;
}

/// Rows of a as the blocks read them: copied if that pays.
template <class T>
Rows<T> prepared(Index m, Index k, View<T> a) {
  constexpr Index few_columns = 96;  // stored transposed, so few are worth a copy
  constexpr Index room_row = depth_block + width<T>;
  if (a.column != 1) {
    if (m > few_columns && !is_crowded(k, a.column, sizeof(T))) return {a, false};
    T* const room = scratch<T>(m * k, 1);
    pack_rows(m, k, a, room);
    return {{room, 1, 0}, true};
  }
  if (!is_crowded(std::min(m, block_rows), a.row, sizeof(T))) return {a, false};
  T* const room = scratch<T>(m * room_row, 1);
  for (Index i = 0; i < m; ++i) std::copy_n(a.data + i * a.row, k, room + i * room_row);
  return {{room, room_row, 1}, false};
}

/// c = start + a b, with b packed by pack().
template <class T>
void multiply_blocks_packed(Index m, Index n, Index k, View<T> a, const T* packed, T* c, Index ldc, Start<T> start) {
  for (Index i = 0; i < m; i += rows_block)  // rows of a are read from end to end
    for (Index p = 0, depth; p < k; p += depth) {
      depth = next_rows(k - p, depth_block);
      const Index rows = std::min(rows_block, m - i);
      multiply_packed(rows, n, depth, prepared(rows, depth, a.from(i, p)), packed + packed_before<T>(p, n), c + i * ldc, ldc,
                      (p > 0 ? Start<T>{c, ldc} : start).at(i, 0));
    }
}

/// c = start + a b.
template <class T>
void multiply_blocks(Index m, Index n, Index k, View<T> a, View<T> b, T* c, Index ldc, Start<T> start) {
  const bool by_the_way = b.column == 1;
  const Index most_rows = a.column == 1 ? rows_block : columns_block, most_depth = by_the_way ? packing_depth : depth_block;
  T* const packed = scratch<T>(packed_before<T>(most_depth, n), 0);
  for (Index p = 0, depth; p < k; p += depth) {
    depth = next_rows(k - p, most_depth);
    if (!by_the_way) pack_panels(depth, n, b.from(p, 0), packed);
    for (Index i = 0, rows; i < m; i += rows) {
      rows = next_rows(m - i, most_rows);
      const Rows<T> left = prepared(rows, depth, a.from(i, p));
      const Start<T> from = (p > 0 ? Start<T>{c, ldc} : start).at(i, 0);
      if (by_the_way && i == 0)
        multiply_packing(rows, n, depth, left, b.from(p, 0).data, b.row, packed, rows < m ? depth * panel<T> : 0, c, ldc, from);
      else
        multiply_packed(rows, n, depth, left, packed, c + i * ldc, ldc, from);
    }
  }
}

constexpr Index few_rows = 3;    // so few rows are not worth a copy of b, whichever way it is stored
constexpr Index some_rows = 24;  // nor are these, if b is stored row by row
constexpr Index more_rows = 6;   // up to here twice the columns at once are better, if there are registers for them
constexpr Index few_vectors = registers == 32 ? 8 : 4;

/// Whether OpenBLAS takes a product, if it is here. Measured with SSE2: 3×32×32 at 34 GF/s here and 25 there, 4×256×64 at 38 and
/// 52: it chooses its kernels at run time.
bool is_for_blas(Index m, Index n, Index k) {
  return !has_fused_kernels && m > few_rows && m * n * k > 20000 && has_blas();
}

template <class T>
Start<T> start_of(bool accumulate, const T* bias, const T* c, Index ldc) {
  if (bias) return {bias, 0};
  return {accumulate ? c : nullptr, ldc};
}

/// c = start.
template <class T>
void fill(Index m, Index n, T* c, Index ldc, Start<T> start) {
  if (start.data == c) return;
  for (Index i = 0; i < m; ++i)
    if (start.data)
      std::copy_n(start.data + i * start.row, n, c + i * ldc);
    else
      std::fill_n(c + i * ldc, n, T(0));
}

/// c = start + a b for few rows of a, or small k.
template <class T>
void multiply_few(bool transpose_b, Index m, Index n, Index k, View<T> a, View<T> b, T* c, Index ldc, Start<T> start) {
  if (m <= few_rows && transpose_b) {
    multiply_dots(m, n, k, a, b.data, b.column, c, ldc, start);
  } else if (m <= few_rows) {
    multiply_rows<T, few_vectors, few_rows>(m, n, k, a, b.data, b.row, c, ldc, start);
  } else if (registers == 32 && m <= more_rows) {
    multiply_rows<T, 2 * block_vectors, more_rows>(m, n, k, a, b.data, b.row, c, ldc, start);
  } else {
    for (Index i = 0, rows; i < m; i += rows) {
      rows = next_rows(m - i, block_rows);
      multiply_rows<T, block_vectors, block_rows>(rows, n, k, a.from(i, 0), b.data, b.row, c + i * ldc, ldc, start.at(i, 0));
    }
  }
}

}  // namespace

template <class T>
void gemm(GemmOptions options, Index m, Index n, Index k, const T* a, Index lda, const T* b, Index ldb, T* c, Index ldc,
          const T* bias) {
  if (m <= 0 || n <= 0) return;
  const View<T> left = options.transpose_a ? View<T>{a, 1, lda} : View<T>{a, lda, 1};
  const View<T> right = options.transpose_b ? View<T>{b, 1, ldb} : View<T>{b, ldb, 1};
  const Start<T> start = start_of(options.accumulate, bias, c, ldc);
  if (k <= 0) {
    fill(m, n, c, ldc, start);
  } else if (is_for_blas(m, n, k)) {
    if (bias) fill(m, n, c, ldc, start);
    options.accumulate |= bias != nullptr;
    blas_gemm(options, m, n, k, a, lda, b, ldb, c, ldc);
  } else if (options.transpose_b ? m <= few_rows && !options.transpose_a : m <= some_rows || k <= 2 * block_rows) {
    // So much of k at a time that b stays in the second-level cache for all rows, and that sums stay exact: see multiply_blocks.
    for (Index p = 0, depth; p < k; p += depth) {
      depth = next_rows(k - p, depth_block);
      multiply_few(options.transpose_b, m, n, depth, left.from(0, p), right.from(p, 0), c, ldc, p > 0 ? Start<T>{c, ldc} : start);
    }
  } else {
    multiply_blocks(m, n, k, left, right, c, ldc, start);
  }
}

template <class T>
Index packed_size(Index k, Index n) {
  return has_fused_kernels ? packed_before<T>(k, n) : k * n;
}

template <class T>
void pack(bool transpose, Index k, Index n, const T* b, Index ldb, T* out) {
  const View<T> view = transpose ? View<T>{b, 1, ldb} : View<T>{b, ldb, 1};
  if (has_fused_kernels)
    for (Index p = 0, depth; p < k; p += depth) {
      depth = next_rows(k - p, depth_block);
      pack_panels(depth, n, {view.data + p * view.row, view.row, view.column}, out + packed_before<T>(p, n));
    }
  else
    for (Index p = 0; p < k; ++p)
      for (Index j = 0; j < n; ++j) out[p * n + j] = view.data[p * view.row + j * view.column];
}

template <class T>
void gemm_packed(bool accumulate, Index m, Index n, Index k, const T* a, Index lda, const T* packed, T* c, Index ldc,
                 const T* bias) {
  if (m <= 0 || n <= 0) return;
  if (has_fused_kernels && k > 0)
    multiply_blocks_packed<T>(m, n, k, {a, lda, 1}, packed, c, ldc, start_of(accumulate, bias, c, ldc));
  else
    gemm<T>({.accumulate = accumulate}, m, n, k, a, lda, packed, n, c, ldc, bias);
}

#define CAROUSEL_INSTANTIATE(T)                                                                                \
  template void gemm(GemmOptions, Index, Index, Index, const T*, Index, const T*, Index, T*, Index, const T*); \
  template Index packed_size<T>(Index, Index);                                                                 \
  template void pack(bool, Index, Index, const T*, Index, T*);                                                 \
  template void gemm_packed(bool, Index, Index, Index, const T*, Index, const T*, T*, Index, const T*);
CAROUSEL_INSTANTIATE(float)
CAROUSEL_INSTANTIATE(double)
#undef CAROUSEL_INSTANTIATE

}  // namespace carousel
