#pragma once
/// What the tape knows of a loop over time while it runs.
///
/// The steps of a recurrent cell record the same nodes in the same order. So memory for the n-th node of *all* steps is taken
/// when the first step records it, and later steps find their place in it: the outputs of a sequence, and whatever else the cell
/// computes, lie side by side in the order of time. Stacking them copies nothing, and products with them are one matrix product.

#include <cstdint>
#include <vector>

#include <carousel/lib/numbers/arena.hpp>
#include <carousel/lib/numbers/shape.hpp>

namespace carousel::detail {

template <class T>
struct Loop {
  /// A product of the step that is computed for all steps at once (see affine): the node that holds all steps.
  struct Hoisted {
    std::uint32_t all;       // [steps · batch, columns]: one block of rows per step
    std::uint32_t right[9];  // the right operands and the bias, to recognise the same product in the next step
    std::size_t operands;
    std::uint32_t with_input;  // bit i: product i is one with the loop's input
  };
  struct Slot {
    T* first;
    Index size;
  };

  Index steps = 0;
  Index step = 0;                // position in time of the step that runs: 0 … steps − 1, in either direction
  bool first = true;             // the first step that runs lays out the others
  std::uint32_t input = 0;       // the loop's input, all steps
  std::uint32_t input_step = 0;  // the slice of it that the step reads
  std::uint32_t begin = 0;       // nodes below are older than the loop
  std::vector<Slot> slots;
  std::vector<Hoisted> hoisted;
  std::size_t next_slot = 0, next_hoisted = 0;

  /// Memory for the next node of this step.
  T* take(Arena& arena, Index size) {
    if (first) {
      slots.push_back({arena.template take<T>(size * steps), size});
      return slots.back().first + step * size;
    }
    if (next_slot < slots.size() && slots[next_slot].size == size) return slots[next_slot++].first + step * size;
    next_slot = slots.size();  // this step does something else than the first: from here on each node gets its own memory
    return arena.template take<T>(size);
  }

  void begin_step(Index at, std::uint32_t slice) {
    step = at, input_step = slice;
    next_slot = next_hoisted = 0;
  }
  /// From the next step on the node whose value in this step lies at `value` has that of step t in block t of `all`.
  void lay_out(const T* value, Index size, T* all) {
    for (Slot& slot : slots)
      if (slot.size == size && slot.first + step * size == value) slot.first = all;
  }
  /// Empties it for another loop, keeping the vectors' memory.
  void start(Index count, std::uint32_t in, std::uint32_t older) {
    steps = count, first = true, input = in, begin = older;
    slots.clear();
    hoisted.clear();
  }
};

}  // namespace carousel::detail
