#pragma once
/// Tensors that own their memory, and shapes.
///
/// A Tensor is a row-major xtensor array of dynamic rank whose memory comes from a pool of the thread: a tensor of a size that
/// was used and freed before costs no allocation. On the hot path the engine works on plain pointers; tensors are for the user's
/// side.

#include <array>
#include <cstddef>
#include <initializer_list>
#include <new>
#include <span>
#include <string>

#include <carousel/lib/error.hpp>
#include <carousel/lib/numbers/xtensor.hpp>

namespace carousel {

/// Counts of elements, steps and examples; signed, so that a difference of two is right.
using Index = std::ptrdiff_t;

/// Most axes a tensor may have.
inline constexpr int max_rank = 6;

/// The extents of a tensor, stored inline: `Shape{2, 3}` is two rows of three.
class Shape {
 public:
  Shape() = default;
  Shape(std::initializer_list<Index> extents) : Shape(std::span(extents.begin(), extents.size())) {}
  explicit Shape(std::span<const Index> extents) {
    for (Index extent : extents) push_back(extent);
  }
  Shape(const Shape& other) { *this = other; }
  Shape& operator=(const Shape& other) {
    rank_ = other.rank_;
    for (int axis = 0; axis < rank_; ++axis) {
      Index extent = other[axis];
      asm("" : "+r"(extent));  // one by one, as they were written: a wider load would wait until all of them are in the cache
      (*this)[axis] = extent;
    }
    return *this;
  }

  int rank() const { return rank_; }
  /// Number of elements: the product of the extents, 1 for rank 0. Throws std::invalid_argument when it passes 2^59, beyond which
  /// no memory could hold them, and for an extent that is still to be worked out.
  Index size() const {
    Index product = 1;
    bool good = true;
    for (Index extent : *this) good &= !__builtin_mul_overflow(product, extent, &product) && extent >= 0;
    if (!good || product > Index{1} << 59) no_size();
    return product;
  }
  Index& operator[](int axis) { return extents_[static_cast<std::size_t>(axis)]; }
  Index operator[](int axis) const { return extents_[static_cast<std::size_t>(axis)]; }
  /// The extent of the last axis; 1 for rank 0.
  Index back() const { return rank_ == 0 ? 1 : (*this)[rank_ - 1]; }

  /// Appends an axis; throws std::invalid_argument past max_rank or for a negative extent other than −1 ("to be worked out").
  void push_back(Index extent) {
    if (rank_ == max_rank) wrong_argument("shape: more than ", max_rank, " axes");
    if (extent < -1) wrong_argument("shape: extent ", extent, " of axis ", rank_, ": must not be negative");
    (*this)[rank_++] = extent;
  }

  const Index* begin() const { return extents_.data(); }
  const Index* end() const { return extents_.data() + rank_; }

  friend bool operator==(const Shape& a, const Shape& b) {
    if (a.rank_ != b.rank_) return false;
    for (int axis = 0; axis < a.rank_; ++axis)
      if (a[axis] != b[axis]) return false;
    return true;
  }

 private:
  [[noreturn]] void no_size() const;
  std::array<Index, max_rank> extents_;  // only the first rank_ are ever read
  int rank_ = 0;
};

/// A shape as errors show it: "[2, 3]".
inline std::string text(const Shape& shape) {
  std::string out = "[";
  for (int axis = 0; axis < shape.rank(); ++axis) out += (axis ? ", " : "") + std::to_string(shape[axis]);
  return out + "]";
}

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
