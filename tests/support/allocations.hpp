#pragma once
/// Counts what this thread takes from the heap, to prove that training takes nothing once it is warm.

#include <cstdint>

/// Calls of malloc and its relatives, and so of every operator new, by this thread; always 0 where they are not counted.
std::uint64_t allocations();
/// Not under a sanitizer, which has its own malloc.
bool allocations_are_counted();
