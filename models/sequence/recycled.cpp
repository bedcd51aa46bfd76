#include <carousel/models/sequence/recycled.hpp>

#include <bit>
#include <new>
#include <utility>

namespace carousel::detail {

namespace {

constexpr std::size_t smallest = 64;  // bytes; each size is twice the one before
constexpr std::size_t sizes = 12, most_of_a_size = 64;

struct Free {
  Free* next;
};

/// The blocks that a thread has taken back, by size.
struct Blocks {
  Free* first[sizes] = {};
  std::size_t count[sizes] = {};
  ~Blocks();
};

thread_local bool are_gone = false;  // the thread ends: what is destroyed after them goes to the heap
thread_local Blocks blocks;

Blocks::~Blocks() {
  are_gone = true;
  for (Free* block : first)
    while (block) ::operator delete(std::exchange(block, block->next));
}

std::size_t size_of(std::size_t bytes) {
  return bytes <= smallest ? 0 : static_cast<std::size_t>(std::bit_width((bytes - 1) / smallest));
}

}  // namespace

void* take_block(std::size_t bytes) {
  const std::size_t size = size_of(bytes);
  if (size >= sizes || are_gone) return ::operator new(bytes);
  Free*& first = blocks.first[size];
  if (!first) return ::operator new(smallest << size);
  --blocks.count[size];
  return std::exchange(first, first->next);
}

void give_block(void* block, std::size_t bytes) noexcept {
  const std::size_t size = size_of(bytes);
  if (size >= sizes || are_gone || blocks.count[size] == most_of_a_size) return ::operator delete(block);
  ++blocks.count[size];
  blocks.first[size] = new (block) Free{blocks.first[size]};
}

}  // namespace carousel::detail
