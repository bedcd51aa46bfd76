#include <carousel/lib/numbers/tensor.hpp>

#include <cstdint>
#include <thread>
#include <vector>

#include <doctest/doctest.h>

#include "tests/support/allocations.hpp"

using namespace carousel;

TEST_CASE("shapes") {
  const Shape shape{2, 3, 4};
  CHECK(shape.rank() == 3);
  CHECK(shape.size() == 24);
  CHECK(shape.back() == 4);
  CHECK(shape[1] == 3);
  CHECK(text(shape) == "[2, 3, 4]");
  CHECK(text(Shape{}) == "[]");
  CHECK(Shape{}.size() == 1);
  CHECK(Shape{}.back() == 1);
  CHECK(Shape{3, 0}.size() == 0);
  CHECK(shape == Shape{2, 3, 4});
  CHECK_FALSE(shape == Shape{2, 3});
  CHECK_FALSE(shape == Shape{2, 3, 5});
  CHECK_FALSE(Shape{} == Shape{1});
  CHECK_THROWS_WITH_AS((Shape{1, 2, 3, 4, 5, 6, 7}), "shape: more than 6 axes", std::invalid_argument);
  CHECK_THROWS_WITH_AS((Shape{2, -3}), "shape: extent -3 of axis 1: must not be negative", std::invalid_argument);
  const Index huge = Index{1} << 31;
  CHECK(Shape{huge, Index{1} << 28}.size() == Index{1} << 59);
  CHECK_THROWS_WITH_AS(Shape({huge, huge}).size(), "shape: [2147483648, 2147483648]: must have less than 2^59 elements",
                       std::invalid_argument);
  CHECK_THROWS_WITH_AS(Shape({huge, huge, huge}).size(),
                       "shape: [2147483648, 2147483648, 2147483648]: must have less than 2^59 elements", std::invalid_argument);
  CHECK_THROWS_WITH_AS(Shape({-1, -1}).size(), "shape: [-1, -1]: extents must not be negative", std::invalid_argument);
  CHECK_THROWS_WITH_AS(zeros<float>({-1}), "shape: [-1]: extents must not be negative", std::invalid_argument);
}

TEST_CASE("tensors are made full, empty, of elements, and know their shape") {
  const Tensor<float> x = tensor<float>({2, 3}, {1, 2, 3, 4, 5, 6});
  CHECK(shape_of(x) == Shape{2, 3});
  CHECK(x(1, 0) == 4);
  CHECK(x.data()[5] == 6);
  for (float e : full<float>({2, 2}, 7)) CHECK(e == 7);
  for (float e : zeros<float>({5})) CHECK(e == 0);
  CHECK(shape_of(empty<double>({3, 0, 2})) == Shape{3, 0, 2});
  CHECK(empty<double>({}).size() == 1);
  CHECK(full<double>({}, 3)() == 3);
  CHECK_THROWS_WITH_AS(tensor<float>({2, 3}, {1, 2}), "tensor: 2 elements for shape [2, 3]: must be 6", std::invalid_argument);
  Tensor<float> copy = x;
  copy(0, 0) = 9;
  CHECK(x(0, 0) == 1);
}

TEST_CASE("tensors are aligned for SIMD") {
  for (const Index size : {1, 3, 17, 100, 5000}) CHECK(reinterpret_cast<std::uintptr_t>(zeros<float>({size}).data()) % 64 == 0);
}

TEST_CASE("a tensor of a size that was used before takes nothing from the heap") {
  const std::vector<Index> sizes{1, 2, 16, 17, 63, 64, 65, 100, 1000, 1023, 1025, 70'000};
  std::vector<Tensor<float>> held;
  held.reserve(2 * sizes.size());
  const auto use = [&] {
    for (const Index size : sizes) held.push_back(zeros<float>({size}));
    for (std::size_t i = 0; i < held.size(); ++i)
      for (std::size_t k = 0; k < held[i].size(); k += 7) held[i].data()[k] = static_cast<float>(i);
    for (std::size_t i = 0; i < held.size(); ++i)
      for (std::size_t k = 0; k < held[i].size(); k += 7) CHECK(held[i].data()[k] == static_cast<float>(i));
    held.clear();
  };
  use();
  const auto take = [&] {
    for (const Index size : sizes) held.push_back(zeros<float>({size}));
    held.clear();
  };
  const std::uint64_t before = allocations();
  for (int i = 0; i < 10; ++i) take();
  CHECK(allocations() == before);
}

TEST_CASE("a thread keeps no memory that others took") {
  constexpr Index size = 12'345;
  constexpr std::size_t count = 100;
  std::vector<Tensor<float>> held(count);
  const auto take = [&] {
    for (Tensor<float>& tensor : held) tensor = zeros<float>({size});
  };
  std::thread(take).join();
  held.clear();
  held.resize(count);
  const std::uint64_t before = allocations();
  take();
  CHECK(allocations() - before >= (allocations_are_counted() ? count : 0));
}

TEST_CASE("a tensor may be freed by another thread than its maker") {
  Tensor<float> made = full<float>({1000}, 3);
  std::thread([&made] {
    const Tensor<float> moved = std::move(made);
    CHECK(moved.data()[999] == 3);
  }).join();
  Tensor<float> from_thread;
  std::thread([&] { from_thread = full<float>({1000}, 4); }).join();
  CHECK(from_thread.data()[999] == 4);
}
