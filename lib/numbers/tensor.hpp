#pragma once
/// Tensors, which own their memory.
///
/// A Tensor is a row-major xtensor array of dynamic rank whose memory comes from a pool of the thread: a tensor of a size that
/// was used and freed before costs no allocation. On the hot path the engine works on plain pointers; tensors are for the user's
/// side.

#include <algorithm>
#include <cstddef>
#include <initializer_list>

#include <carousel/lib/numbers/shape.hpp>
#include <carousel/lib/numbers/xtensor.hpp>

namespace carousel {

namespace detail {
void* take_from_pool(std::size_t bytes);
void give_to_pool(void* memory, std::size_t bytes) noexcept;

/// An allocator over the thread's pool, aligned to 64 bytes.
template <class T>
struct PoolAllocator {
  using value_type = T;
  PoolAllocator() = default;
  template <class U>
  PoolAllocator(const PoolAllocator<U>&) {}
  T* allocate(std::size_t count) { return static_cast<T*>(take_from_pool(count * sizeof(T))); }
  void deallocate(T* memory, std::size_t count) noexcept { give_to_pool(memory, count * sizeof(T)); }
  friend bool operator==(PoolAllocator, PoolAllocator) { return true; }
};
}  // namespace detail

/// A row-major array that owns its memory.
template <class T>
using Tensor = xt::xarray<T, xt::layout_type::row_major, detail::PoolAllocator<T>>;

/// A tensor of that shape with undefined elements.
template <class T>
Tensor<T> empty(const Shape& shape) {
  static_cast<void>(shape.size());  // throws where there can be none
  typename Tensor<T>::shape_type extents(static_cast<std::size_t>(shape.rank()));
  for (int axis = 0; axis < shape.rank(); ++axis) extents[static_cast<std::size_t>(axis)] = static_cast<std::size_t>(shape[axis]);
  return Tensor<T>(extents);
}

/// A tensor of that shape, every element `value`.
template <class T>
Tensor<T> full(const Shape& shape, T value) {
  Tensor<T> out = empty<T>(shape);
  std::fill_n(out.data(), out.size(), value);
  return out;
}

/// A tensor of that shape, every element 0.
template <class T>
Tensor<T> zeros(const Shape& shape) {
  return full<T>(shape, T(0));
}

/// The tensor of that shape with those elements, row by row; throws std::invalid_argument when their number differs.
template <class T>
Tensor<T> tensor(const Shape& shape, std::initializer_list<T> elements) {
  if (static_cast<Index>(elements.size()) != shape.size())
    wrong_argument("tensor: ", elements.size(), " elements for shape ", shape, ": must be ", shape.size());
  Tensor<T> out = empty<T>(shape);
  std::copy(elements.begin(), elements.end(), out.data());
  return out;
}

/// The shape of an xtensor array.
template <class Array>
Shape shape_of(const Array& array) {
  Shape shape;
  for (auto extent : array.shape()) shape.push_back(static_cast<Index>(extent));
  return shape;
}

/// Whether an xtensor array has that shape.
template <class Array>
bool has_shape(const Array& array, const Shape& shape) {
  const auto& extents = array.shape();
  return static_cast<int>(extents.size()) == shape.rank() &&
         std::equal(shape.begin(), shape.end(), extents.begin(), [](Index a, auto b) { return a == static_cast<Index>(b); });
}

}  // namespace carousel
