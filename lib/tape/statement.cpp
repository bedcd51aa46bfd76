#include <carousel/lib/tape/statement.hpp>

#include <algorithm>

namespace carousel::detail {

Shape broadcast(const char* op, const Shape& a, const Shape& b) {
  const int rank = std::max(a.rank(), b.rank());
  Shape shape;
  for (int axis = 0; axis < rank; ++axis) {
    const int in_a = axis - rank + a.rank(), in_b = axis - rank + b.rank();
    const Index ea = in_a < 0 ? 1 : a[in_a], eb = in_b < 0 ? 1 : b[in_b];
    if (ea != eb && ea != 1 && eb != 1)
      wrong_argument(op, ": a is ", a, ", b is ", b, ": extents must be equal or 1, from the last axis backwards");
    shape.push_back(ea == 1 ? eb : ea);
  }
  return shape;
}

namespace {

template <class T>
const T* packed_copy(Tape<T>& tape, const Node<T>& node) {
  T* const copy = tape.arena().template take<T>(node.shape.size());
  copy_strided(node.shape, static_cast<const T*>(node.value), node.strides, copy, contiguous(node.shape));
  return copy;
}

}  // namespace

template <class T>
Loops plan(Tape<T>& tape, const Shape& shape, Leaf<T>* leaves, std::size_t count) {
  // The axes of the result that have more than one element, and the strides of the leaves along them.
  Shape extents;
  Strides strides[most_operands];
  for (int axis = 0; axis < shape.rank(); ++axis)
    if (shape[axis] != 1) extents.push_back(shape[axis]);

  bool broadcasts = false;
  for (std::size_t k = 0; k < count; ++k) {
    const Node<T>& node = tape.node(leaves[k].node);
    const bool smaller = node.shape.size() != shape.size();
    const int last = node.shape.rank() - 1;
    int inner = last;  // the last axis with more than one element
    while (inner >= 0 && node.shape[inner] == 1) --inner;
    const bool unit_stride = inner < 0 || node.strides[static_cast<std::size_t>(inner)] == 1;
    const bool copied = smaller ? !node.layout.packed : !unit_stride;
    const Strides own = copied ? contiguous(node.shape) : node.strides;
    leaves[k].value = copied ? packed_copy(tape, node) : node.value;
    leaves[k].smaller = smaller;
    leaves[k].copied = copied;
    broadcasts |= smaller;
    int to = extents.rank() - 1;
    for (int axis = shape.rank() - 1; axis >= 0; --axis) {
      if (shape[axis] == 1) continue;
      const int from = axis - shape.rank() + node.shape.rank();
      strides[k][static_cast<std::size_t>(to--)] = from < 0 || node.shape[from] == 1 ? 0 : own[static_cast<std::size_t>(from)];
    }
  }

  // Where a leaf is broadcast, axes stay apart: the order in which its gradient is summed must depend on the shapes alone, not on
  // what else stands in the statement.
  const int rank = broadcasts ? extents.rank() : merge_axes(extents, strides, count);

  Loops loops{1, 1, nullptr};
  if (shape.size() == 0) return {0, 0, nullptr};
  if (rank == 0) return loops;
  const auto column_axis = static_cast<std::size_t>(rank - 1);
  loops.columns = extents[rank - 1];
  for (std::size_t k = 0; k < count; ++k) leaves[k].spread = strides[k][column_axis] == 0;
  if (rank == 1) return loops;
  loops.rows = extents[rank - 2];
  for (std::size_t k = 0; k < count; ++k) leaves[k].row_stride = strides[k][column_axis - 1];
  if (rank == 2) return loops;

  auto* outer = new (tape.arena().take(sizeof(Outer))) Outer{1, rank - 2, {}, nullptr};
  for (int axis = 0; axis < outer->rank; ++axis) {
    outer->extent[axis] = extents[axis];
    outer->count *= extents[axis];
  }
  auto* kept = tape.arena().template take<Strides>(static_cast<Index>(count));
  std::copy_n(strides, count, kept);
  outer->strides = kept;
  loops.outer = outer;
  return loops;
}

template <class T>
void add_to_gradient(Tape<T>& tape, std::uint32_t index, const T* from, const Strides& strides) {
  const bool add = tape.claim(index);
  T* to = tape.gradient_buffer(index);
  const Node<T>& node = tape.node(index);
  if (add)
    add_strided(node.shape, from, strides, to, node.strides);
  else
    copy_strided(node.shape, from, strides, to, node.strides);
}

template <class T>
bool views_may_overlap(Tape<T>& tape, std::uint32_t a, std::uint32_t b) {
  // A view is younger than its parent. Up from both to the first that they share, and the last ones below it.
  std::uint32_t below_a = none, below_b = none;
  while (a != b) {
    std::uint32_t &younger = a > b ? a : b, &below = a > b ? below_a : below_b;
    below = younger;
    younger = tape.node(younger).parent;
    if (younger == none) return false;
  }
  return below_a == none || below_b == none || !tape.node(below_a).is_member || !tape.node(below_b).is_member;
}

template Loops plan(Tape<float>&, const Shape&, Leaf<float>*, std::size_t);
template Loops plan(Tape<double>&, const Shape&, Leaf<double>*, std::size_t);
template void add_to_gradient(Tape<float>&, std::uint32_t, const float*, const Strides&);
template void add_to_gradient(Tape<double>&, std::uint32_t, const double*, const Strides&);
template bool views_may_overlap(Tape<float>&, std::uint32_t, std::uint32_t);
template bool views_may_overlap(Tape<double>&, std::uint32_t, std::uint32_t);

}  // namespace carousel::detail
