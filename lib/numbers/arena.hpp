#pragma once
/// Memory of one tape: a bump allocator that is rewound, never freed piece by piece.

#include <compare>
#include <cstddef>
#include <memory>
#include <vector>

namespace carousel::detail {

/// Blocks taken in order and given back all at once. After a clear() the arena is one block as large as all that was in use, so
/// that a step which needs no more than an earlier one allocates nothing.
class Arena {
 public:
  struct Mark {
    std::size_t block, used;
    friend auto operator<=>(const Mark&, const Mark&) = default;
  };

  /// `bytes` of memory, aligned to 64 bytes, valid until a rewind() or clear() before it.
  void* take(std::size_t bytes) {
    bytes = (bytes + 63) & ~std::size_t{63};
    if (current_ < blocks_.size() && blocks_[current_].size - used_ >= bytes) {
      void* memory = blocks_[current_].memory.get() + used_;
      used_ += bytes;
      return memory;
    }
    return take_from_next_block(bytes);
  }

  template <class T>
  T* take(std::ptrdiff_t count) {
    return static_cast<T*>(take(static_cast<std::size_t>(count) * sizeof(T)));
  }

  Mark mark() const { return {current_, used_}; }
  void rewind(Mark mark) { current_ = mark.block, used_ = mark.used; }
  void clear();
  /// Bytes held, in use or not.
  std::size_t capacity() const;

 private:
  struct Free {
    void operator()(std::byte* memory) const;
  };
  struct Block {
    std::unique_ptr<std::byte, Free> memory;
    std::size_t size;
  };
  void* take_from_next_block(std::size_t bytes);
  void add_block(std::size_t bytes);

  std::vector<Block> blocks_;
  std::size_t current_ = 0, used_ = 0;  // the block in use, and how much of it
};

/// What is taken from an arena while one lives is given back at its end.
class Scratch {
 public:
  explicit Scratch(Arena& arena) : arena_(arena), mark_(arena.mark()) {}
  explicit Scratch(Scratch& outer) : Scratch(outer.arena_) {}
  ~Scratch() { arena_.rewind(mark_); }
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;

  template <class T>
  T* take(std::ptrdiff_t count) {
    return arena_.take<T>(count);
  }

 private:
  Arena& arena_;
  Arena::Mark mark_;
};

}  // namespace carousel::detail
