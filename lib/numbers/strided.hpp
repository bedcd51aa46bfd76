#pragma once
/// Plain loops over arrays that lie in memory with any strides: views, and places that are broadcast (stride 0).

#include <algorithm>
#include <array>

#include <carousel/lib/numbers/shape.hpp>

namespace carousel::detail {

/// Elements between neighbours along each axis.
using Strides = std::array<Index, max_rank>;

/// The strides of a row-major array. Where there are no elements they may be so large that they wrap round.
inline Strides contiguous(const Shape& shape) {
  Strides strides{};
  std::size_t step = 1;
  for (int axis = shape.rank() - 1; axis >= 0; --axis) {
    strides[static_cast<std::size_t>(axis)] = static_cast<Index>(step);
    step *= static_cast<std::size_t>(shape[axis]);
  }
  return strides;
}

/// How an array lies in memory.
struct Layout {
  Shape shape;
  Strides strides{};
  Index size;          // number of elements
  Index extent = 0;    // elements of memory from the first to the last, the gaps included
  bool packed = true;  // the strides are those of a row-major array

  explicit Layout(const Shape& s) : shape(s), size(s.size()) { pack(); }
  Layout(const Shape& s, const Strides& given) : shape(s), size(s.size()) {
    const Strides row_major = contiguous(shape);
    for (int axis = shape.rank() - 1; axis >= 0; --axis) {
      const auto a = static_cast<std::size_t>(axis);
      strides[a] = given[a];
      packed &= shape[axis] == 1 || strides[a] == row_major[a];
      if (size > 0) extent += (shape[axis] - 1) * strides[a];
    }
    extent = size == 0 ? 0 : extent + 1;
    if (packed) pack();  // an axis of one element may have had any stride
  }

 private:
  void pack() {
    strides = contiguous(shape);
    extent = size;
  }
};

/// Makes one of axes that all arrays run through without a gap, and drops those of one element; returns how many are left.
inline int merge_axes(Shape& shape, Strides* strides, std::size_t count) {
  Shape merged;
  for (int axis = 0; axis < shape.rank(); ++axis) {
    if (shape[axis] == 1) continue;
    const auto from = static_cast<std::size_t>(axis), to = static_cast<std::size_t>(merged.rank());
    bool joins = to > 0;
    for (std::size_t k = 0; k < count && joins; ++k) joins = strides[k][to - 1] == strides[k][from] * shape[axis];
    if (joins)
      merged[merged.rank() - 1] *= shape[axis];
    else
      merged.push_back(shape[axis]);
    const auto last = static_cast<std::size_t>(merged.rank() - 1);
    for (std::size_t k = 0; k < count; ++k) strides[k][last] = strides[k][from];
  }
  shape = merged;
  return shape.rank();
}

/// Calls f(offset in a, offset in b) for the start of every row (the last axis) of two arrays of one shape.
template <class F>
void for_each_row(const Shape& shape, const Strides& a, const Strides& b, F f) {
  if (shape.size() == 0) return;
  std::array<Index, max_rank> at{};
  Index in_a = 0, in_b = 0;
  for (;;) {
    f(in_a, in_b);
    int axis = shape.rank() - 2;
    for (; axis >= 0; --axis) {
      const auto i = static_cast<std::size_t>(axis);
      in_a += a[i];
      in_b += b[i];
      if (++at[i] < shape[axis]) break;
      in_a -= a[i] * shape[axis];
      in_b -= b[i] * shape[axis];
      at[i] = 0;
    }
    if (axis < 0) return;
  }
}

/// Calls f(offset in a, stride in a, offset in b, stride in b, count) for rows as long as the strides let them be.
template <class F>
void for_each_run(Shape shape, const Strides& a, const Strides& b, F f) {
  Strides strides[] = {a, b};
  const int rank = merge_axes(shape, strides, 2);
  const std::size_t last = static_cast<std::size_t>(std::max(rank - 1, 0));
  const Index step_a = rank == 0 ? 1 : strides[0][last], step_b = rank == 0 ? 1 : strides[1][last], columns = shape.back();
  for_each_row(shape, strides[0], strides[1], [&](Index in_a, Index in_b) { f(in_a, step_a, in_b, step_b, columns); });
}

/// to = from, element by element.
template <class T>
void copy_strided(const Shape& shape, const T* from, const Strides& strides, T* to, const Strides& to_strides) {
  for_each_run(shape, strides, to_strides, [&](Index in, Index step, Index out, Index to_step, Index count) {
    if (step == 1 && to_step == 1)
      std::copy_n(from + in, count, to + out);
    else if (step == 0 && to_step == 1)
      std::fill_n(to + out, count, from[in]);
    else
      for (Index j = 0; j < count; ++j) to[out + j * to_step] = from[in + j * step];
  });
}

/// to += from, element by element.
template <class T, class To>
void add_strided(const Shape& shape, const T* from, const Strides& strides, To* to, const Strides& to_strides) {
  for_each_run(shape, strides, to_strides, [&](Index in, Index step, Index out, Index to_step, Index count) {
    if (step == 1 && to_step == 1)
      for (Index j = 0; j < count; ++j) to[out + j] += static_cast<To>(from[in + j]);
    else if (step == 0 && to_step == 1)
      for (To* place = to + out; place < to + out + count; ++place) *place += static_cast<To>(from[in]);
    else
      for (Index j = 0; j < count; ++j) to[out + j * to_step] += static_cast<To>(from[in + j * step]);
  });
}

}  // namespace carousel::detail
