#include <carousel/lib/numbers/arena.hpp>

#include <algorithm>
#include <new>

#include <sys/mman.h>

#include <carousel/lib/numbers/lane.hpp>
#include <carousel/lib/numbers/processor.hpp>

const char carousel::simd::detail::CAROUSEL_LIBRARY_IS_FOR = 0;

namespace carousel::detail {

namespace {
constexpr std::size_t huge_page = std::size_t{1} << 21;
constexpr std::align_val_t block_alignment{huge_page};
constexpr std::size_t first_block = std::size_t{1} << 18;

/// Takes processor.cpp out of the archive for every program with a tape.
[[gnu::used]] const bool* const arena_asked = &processor::asked;
}  // namespace

void Arena::Free::operator()(std::byte* memory) const {
  ::operator delete(memory, block_alignment);
}

void Arena::add_block(std::size_t bytes) {
  blocks_.push_back({std::unique_ptr<std::byte, Free>(static_cast<std::byte*>(::operator new(bytes, block_alignment))), bytes});
#ifdef MADV_HUGEPAGE
  // Fewer and larger pages, where the system gives them to who asks. Of a smaller block too much would be page and not data.
  if (bytes >= 8 * huge_page) madvise(blocks_.back().memory.get(), bytes, MADV_HUGEPAGE);
#endif
}

void* Arena::take_from_next_block(std::size_t bytes) {
  // After a rewind there may be later blocks; one that is too small is passed over until the next clear.
  while (current_ + 1 < blocks_.size()) {
    ++current_;
    if (blocks_[current_].size >= bytes) {
      used_ = bytes;
      return blocks_[current_].memory.get();
    }
  }
  add_block(std::max({bytes, first_block, blocks_.empty() ? 0 : 2 * blocks_.back().size}));
  current_ = blocks_.size() - 1;
  used_ = bytes;
  return blocks_[current_].memory.get();
}

void Arena::clear() {
  if (blocks_.size() > 1) {
    const std::size_t all = capacity();
    blocks_.clear();
    add_block(all);
  }
  current_ = used_ = 0;
}

std::size_t Arena::capacity() const {
  std::size_t all = 0;
  for (const Block& block : blocks_) all += block.size;
  return all;
}

}  // namespace carousel::detail
