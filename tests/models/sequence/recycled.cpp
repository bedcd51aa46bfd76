#include <carousel/models/sequence/recycled.hpp>

#include <cstdint>
#include <cstring>
#include <set>
#include <thread>
#include <vector>

#include <doctest/doctest.h>

#include "tests/support/allocations.hpp"

using namespace carousel;

TEST_CASE("blocks that were given back are given out again, and no block twice") {
  const std::vector<std::size_t> sizes{1, 63, 64, 65, 128, 129, 1000, 70000, 300000};
  const auto round = [&] {
    std::set<void*> blocks;
    std::vector<void*> in_order;
    for (const std::size_t size : sizes)
      for (int i = 0; i < 3; ++i) {
        void* const block = detail::take_block(size);
        CHECK(blocks.insert(block).second);
        CHECK(reinterpret_cast<std::uintptr_t>(block) % alignof(std::max_align_t) == 0);
        std::memset(block, i, size);
        in_order.push_back(block);
      }
    for (std::size_t i = 0; i < in_order.size(); ++i) detail::give_block(in_order[i], sizes[i / 3]);
  };
  round();
  detail::RecycledVector<int> numbers(100, 7);
  numbers = {};
  numbers.shrink_to_fit();
  const std::uint64_t before = allocations();
  for (const std::size_t size : {1, 64, 65, 1000, 70000}) {
    void* const block = detail::take_block(size);
    std::memset(block, 1, size);
    detail::give_block(block, size);
  }
  const detail::RecycledVector<int> again(100, 7);
  CHECK(again[99] == 7);
  CHECK(allocations() == before);
  round();
}

TEST_CASE("a block may be given back by another thread, and after its thread has ended") {
  void* block = nullptr;
  std::thread([&] { block = detail::take_block(200); }).join();
  std::memset(block, 1, 200);
  std::thread([&] { detail::give_block(block, 200); }).join();
  std::thread([] {
    thread_local detail::RecycledVector<int> late;  // destroyed with its thread, after the blocks of that
    late.assign(50, 1);
  }).join();
}
