#pragma once
/// Memory for what is made and dropped at each step.

#include <cstddef>
#include <vector>

namespace carousel::detail {

/// A block of at least that many bytes. What was given back is given out again, so that after the first steps nothing is taken
/// from the heap; each thread keeps its own.
void* take_block(std::size_t bytes);
/// Takes a block back, of any thread.
///   bytes: as it was asked for
void give_block(void* block, std::size_t bytes) noexcept;

/// The same for containers.
template <class T>
struct Recycled {
  using value_type = T;
  static_assert(alignof(T) <= alignof(std::max_align_t));

  Recycled() = default;
  template <class U>
  Recycled(const Recycled<U>&) {}

  T* allocate(std::size_t count) { return static_cast<T*>(take_block(count * sizeof(T))); }
  void deallocate(T* block, std::size_t count) noexcept { give_block(block, count * sizeof(T)); }
  bool operator==(const Recycled&) const = default;
};

template <class T>
using RecycledVector = std::vector<T, Recycled<T>>;

}  // namespace carousel::detail
