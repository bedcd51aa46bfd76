#pragma once
/// Shapes. Headers that count elements, and own none, read this and not tensor.hpp: xtensor takes longer to compile than most
/// files.

#include <array>
#include <cstddef>
#include <initializer_list>
#include <span>
#include <string>

#include <carousel/lib/error.hpp>

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
std::string text(const Shape& shape);

}  // namespace carousel
