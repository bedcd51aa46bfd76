#include <carousel/lib/numbers/tensor.hpp>

#include <bit>
#include <cstdint>

#include <carousel/lib/numbers/processor.hpp>

namespace carousel {

void Shape::no_size() const {
  for (Index extent : *this)
    if (extent < 0) wrong_argument("shape: ", *this, ": extents must not be negative");
  wrong_argument("shape: ", *this, ": must have less than 2^59 elements");
}

std::string text(const Shape& shape) {
  std::string out = "[";
  for (int axis = 0; axis < shape.rank(); ++axis) out += (axis ? ", " : "") + std::to_string(shape[axis]);
  return out + "]";
}

namespace detail {

namespace {

constexpr std::align_val_t alignment{64};

/// Takes processor.cpp out of the archive for every program with tensors; arena.cpp does for one with a tape.
[[gnu::used]] const bool* const processor_asked = &processor::asked;

// A size class holds sizes with the same leading three bits, so that less than a quarter of a block is lost.
std::size_t class_of(std::size_t bytes) {
  if (bytes <= 64) return 0;
  const auto width = static_cast<std::size_t>(std::bit_width(bytes - 1));
  return (width - 6) * 4 + (((bytes - 1) >> (width - 3)) & 3) + 1;
}

std::size_t bytes_of(std::size_t size_class) {
  if (size_class == 0) return 64;
  const std::size_t width = (size_class - 1) / 4 + 6, step = (size_class - 1) % 4;
  return (std::size_t{5} + step) << (width - 3);
}

struct Block {
  Block* next;
};

struct Pool {
  struct Class {
    Block* free = nullptr;
    std::ptrdiff_t taken = 0;  // by this thread and not given back by it: it keeps no more than it once took
  };
  Class classes[256];
  ~Pool() {
    for (const Class& c : classes)
      for (Block* block = c.free; block;) {
        Block* next = block->next;
        ::operator delete(block, alignment);
        block = next;
      }
    alive = false;
  }
  static thread_local bool alive;  // tensors in static storage may outlive the pool of their thread
};
thread_local bool Pool::alive = true;

Pool& pool() {
  thread_local Pool instance;
  return instance;
}

}  // namespace

void* take_from_pool(std::size_t bytes) {
  if (bytes > PTRDIFF_MAX) throw std::bad_alloc();
  const std::size_t size_class = class_of(bytes);
  if (Pool::alive) {
    Pool::Class& c = pool().classes[size_class];
    ++c.taken;
    if (Block* block = c.free) {
      c.free = block->next;
      return block;
    }
  }
  return ::operator new(bytes_of(size_class), alignment);
}

void give_to_pool(void* memory, std::size_t bytes) noexcept {
  if (!memory) return;
  if (!Pool::alive) return ::operator delete(memory, alignment);
  Pool::Class& c = pool().classes[class_of(bytes)];
  if (c.taken == 0) return ::operator delete(memory, alignment);  // another thread's
  --c.taken;
  c.free = new (memory) Block{c.free};
}

}  // namespace detail
}  // namespace carousel
