#include <carousel/lib/numbers/arena.hpp>

#include <cstdint>
#include <cstring>
#include <stdexcept>

#include <doctest/doctest.h>

#include "tests/support/allocations.hpp"

using carousel::detail::Arena;
using carousel::detail::Scratch;

TEST_CASE("memory is aligned to 64 bytes, and no two pieces overlap") {
  Arena arena;
  char* last_end = nullptr;
  for (const std::size_t bytes : std::initializer_list<std::size_t>{1, 64, 65, 0, 1000, 300'000, 2'000'000, 8}) {
    auto* memory = static_cast<char*>(arena.take(bytes));
    CHECK(reinterpret_cast<std::uintptr_t>(memory) % 64 == 0);
    std::memset(memory, 1, bytes);
    CHECK((last_end == nullptr || memory >= last_end || memory + bytes <= last_end - 1));
    last_end = memory + bytes;
  }
  auto* numbers = arena.take<double>(3);
  numbers[0] = numbers[2] = 1;
  CHECK(arena.capacity() >= 2'300'000);
}

TEST_CASE("a rewind gives back what was taken since the mark") {
  Arena arena;
  arena.take(100);
  const Arena::Mark mark = arena.mark();
  void* const first = arena.take(100);
  arena.take(5'000'000);  // another block
  const std::size_t capacity = arena.capacity();
  arena.rewind(mark);
  CHECK(arena.take(100) == first);
  arena.take(5'000'000);
  CHECK(arena.capacity() == capacity);
  CHECK(mark < arena.mark());
}

TEST_CASE("after a clear there is one block for all, and the same needs take nothing from the heap") {
  Arena arena;
  const auto use = [&] {
    for (int i = 0; i < 100; ++i) arena.take(50'000);
  };
  use();
  arena.clear();
  use();
  const std::size_t capacity = arena.capacity();
  const std::uint64_t before = allocations();
  for (int i = 0; i < 10; ++i) {
    arena.clear();
    use();
  }
  CHECK(allocations() == before);
  CHECK(arena.capacity() == capacity);
}

TEST_CASE("after a rewind into an earlier block, later blocks serve what fits them") {
  Arena arena;
  const Arena::Mark start = arena.mark();
  arena.take(200'000);
  arena.take(400'000);
  arena.take(900'000);
  const std::size_t capacity = arena.capacity();
  arena.rewind(start);
  arena.take(900'000);  // passes over those that are too small
  CHECK(arena.capacity() == capacity);
}

TEST_CASE("scratch memory is given back, also when an exception ends its scope") {
  Arena arena;
  arena.take(100);
  const Arena::Mark before = arena.mark();
  {
    Scratch scratch(arena);
    scratch.take<double>(1000)[999] = 1;
    CHECK(before < arena.mark());
  }
  CHECK(arena.mark() == before);
  const auto fail = [&] {
    Scratch scratch(arena);
    scratch.take<float>(10);
    throw std::runtime_error("in between");
  };
  CHECK_THROWS_AS(fail(), std::runtime_error);
  CHECK(arena.mark() == before);
}
