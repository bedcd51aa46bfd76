#pragma once
/// What a node was made from, in words: for debuggers, traces and drawings. Nothing here runs unless somebody asks.

#include <cstdint>
#include <functional>
#include <string>
#include <type_traits>
#include <vector>

namespace carousel::detail {

/// One symbol of a formula: an operation with its operands behind it, an operand, or a number.
struct Symbol {
  const char* name = nullptr;  // of an operation, else null
  int arity = 0;
  bool is_operand = false;
  double number = 0;
};

/// The operands of a node, and for elementwise ops how they are put together.
struct Description {
  std::vector<std::uint32_t> operands;  // nodes, none left out and none twice but where they stand twice
  std::vector<Symbol> formula;          // each operation before its operands; the operands in order

  void add(std::uint32_t node) {
    if (node != UINT32_MAX) operands.push_back(node);
  }
  template <class Nodes>
  requires requires(const Nodes& nodes) { nodes.begin(); }
  void add(const Nodes& nodes) {
    for (const std::uint32_t node : nodes) add(node);
  }
};

/// The formula as it is written, "σ(f)∘c + σ(i)∘tanh(g)"; `name(k)` is what operand k is called.
std::string written(const std::vector<Symbol>& formula, const std::function<std::string(std::size_t)>& name);

template <class Member, class Closure>
Closure closure_of(Member Closure::*);

/// Describes a closure by its members, or member functions, that hold nodes: `&described<&Lookup::table>`.
template <auto first, auto... more>
void described(const void* closure, Description& to) {
  const auto& c = *static_cast<const decltype(closure_of(first))*>(closure);
  to.add(std::invoke(first, c));
  (to.add(std::invoke(more, c)), ...);
}
/// Describes a closure that is the operand's node itself.
inline void described_by_node(const void* closure, Description& to) {
  to.add(*static_cast<const std::uint32_t*>(closure));
}

}  // namespace carousel::detail
