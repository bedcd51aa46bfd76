#pragma once
/// What the tape is an array of, see tape.hpp.

#include <cstdint>

#include <carousel/lib/numbers/strided.hpp>
#include <carousel/lib/tape/describe.hpp>

namespace carousel {

template <class T>
class Tape;
template <class T>
class Parameter;

namespace detail {

inline constexpr std::uint32_t none = UINT32_MAX;
inline constexpr std::uint8_t deepest_view = 8;

template <class T>
struct Node;

/// What every node made by the same op shares.
template <class T>
struct Operation {
  const char* name;
  /// Sends the node's gradient to its operands. Null for leaves and views.
  void (*backward)(Tape<T>& tape, std::uint32_t self, const void* closure);
  /// Says from what the closure's node was made: see described(). Null: not known.
  void (*describe)(const void* closure, Description& to) = nullptr;
};

/// Looks on while a tape is filled and sent back.
template <class T>
struct Observer {
  /// A node was appended; its op computes its value from here on, until the next one is appended.
  virtual void recorded(Tape<T>& tape, std::uint32_t index) = 0;
  /// The node has sent its gradient to its operands.
  virtual void sent_back(Tape<T>& tape, std::uint32_t index) = 0;

 protected:
  ~Observer() = default;
};

/// A note left with the right operand W of a product: ∂L/∂W += aᵀ dz.
template <class T>
struct Product {
  Product* next;
  const T* a;   // [rows, columns of a], row stride lda; null: one column of ones
  const T* dz;  // [rows, columns of dz], row stride ldz
  Index rows, lda, ldz;
};

/// What the backward pass looks at in every node comes first, and shares one line of the cache.
template <class T>
struct alignas(64) Node {
  T* value = nullptr;
  T* grad = nullptr;  // null until memory is needed
  const Operation<T>* operation = nullptr;
  const void* closure = nullptr;
  Product<T>* products = nullptr;  // notes of products into this node as right operand
  std::uint32_t parent = none;     // a view's parent
  std::uint32_t members = none;    // the latest view of a division of this node into parts
  std::uint32_t sibling = none;    // the member of the same parent before this one
  bool is_member = false;
  bool needs_gradient = false;
  bool touched = false;     // every element of grad holds a sum of arrivals
  bool owns_grad = false;   // grad is a block of its own, given back after use
  bool keeps_grad = false;  // grad must stay after the backward pass
  std::uint8_t depth = 0;   // of a view: views above it, up to deepest_view

  const Shape& shape;
  const Strides& strides;
  const Layout& layout;  // what these two are parts of; nodes that are alike share it
  Parameter<T>* parameter = nullptr;
  std::uint64_t version = 0;  // of the parameter when it entered
  T* packings[2] = {};        // the value packed for gemm, as it is and transposed; made when first asked for

  std::uint64_t serial;  // that of its handles

  Node(T* at, const Layout& l, std::uint64_t s) : value(at), shape(l.shape), strides(l.strides), layout(l), serial(s) {}
  bool is_view() const { return parent != none; }
};

}  // namespace detail

}  // namespace carousel
