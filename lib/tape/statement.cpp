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

/// Fills in leaves and returns the loops, for a result of that shape.
template <class T>
Loops plan(Tape<T>& tape, const Shape& shape, std::span<Leaf<T>> leaves) {
  const std::size_t count = leaves.size();
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

/// The shape of the formula whose symbols begin at `symbol`, and whose leaves at `leaf`: both move behind it. `uniform` becomes
/// false if a part of it is smaller than the whole.
template <class T>
Shape shape_of(Tape<T>& tape, const Symbol*& symbol, const Leaf<T>*& leaf, bool& uniform) {
  const Symbol& at = *symbol++;
  if (at.is_operand) return tape.node((leaf++)->node).shape;
  Shape shape, parts[most_operands];
  int expressions = 0;
  for (int i = 0; i < at.arity; ++i) {
    const bool is_expression = symbol->name;
    const Shape part = shape_of(tape, symbol, leaf, uniform);
    if (is_expression) parts[expressions++] = part;
    shape = i == 0 ? part : broadcast(at.name, shape, part);
  }
  for (int i = 0; i < expressions; ++i) uniform &= parts[i] == shape;
  return shape;
}

}  // namespace

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

namespace {

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

/// Whether two different nodes have gradients that may share memory: one is a view of the other, or both of a third in which they
/// may overlap.
template <class T>
bool may_overlap(Tape<T>& tape, std::uint32_t index_a, std::uint32_t index_b) {
  const Node<T>&a = tape.node(index_a), &b = tape.node(index_b);
  if (a.value + a.layout.extent <= b.value || b.value + b.layout.extent <= a.value) return false;
  if (!a.needs_gradient || !b.needs_gradient) return false;
  if (a.parent == b.parent && a.is_member && b.is_member) return false;
  return views_may_overlap(tape, index_a, index_b);
}

}  // namespace

template <class T>
Var<T> begin_statement(Tape<T>& tape, const StatementType<T>& type, const void* expression, const Var<T>* vars, Leaf<T>* leaves,
                       Loops& loops) {
  const Node<T>& first = tape.node(vars[0]);
  bool needs_gradient = false, alike = true, packed = true;
  for (std::size_t k = 0; k < type.operands; ++k) {
    const Node<T>& node = tape.node(vars[k]);
    needs_gradient |= node.needs_gradient;
    alike = alike && (&node.layout == &first.layout || node.shape == first.shape);
    packed &= node.layout.packed;
    leaves[k] = {node.value, 0, vars[k].index(), false, false, false};
  }
  const Layout* layout = &first.layout;
  if (alike && packed) {
    loops = {1, layout->size, nullptr};
  } else {
    Shape shape = first.shape;
    if (!alike) {
      Scratch scratch(tape.arena());
      Symbol* const text = scratch.take<Symbol>(static_cast<Index>(type.symbols));
      type.formula(expression, text);
      const Symbol* symbol = text;
      const Leaf<T>* leaf = leaves;
      bool uniform = true;
      shape = shape_of(tape, symbol, leaf, uniform);
      if (!uniform) return {};
    }
    loops = plan(tape, shape, std::span(leaves, type.operands));
    layout = &tape.layout(shape);
  }
  return tape.record(*layout, needs_gradient && tape.recording());
}

template <class T>
void describe_statement(const StatementType<T>& type, const void* expression, const Leaf<T>* leaves, Description& to) {
  for (std::size_t k = 0; k < type.operands; ++k) to.add(leaves[k].node);
  to.formula.resize(type.symbols);
  type.formula(expression, to.formula.data());
}

void next_block(const Outer& outer, std::size_t leaves, Index* at, Index* offset) {
  for (int axis = outer.rank - 1; axis >= 0; --axis) {
    const auto a = static_cast<std::size_t>(axis);
    for (std::size_t k = 0; k < leaves; ++k) offset[k] += outer.strides[k][a];
    if (++at[a] < outer.extent[a]) return;
    for (std::size_t k = 0; k < leaves; ++k) offset[k] -= outer.strides[k][a] * outer.extent[a];
    at[a] = 0;
  }
}

template <class T>
Sending take_gradients(Tape<T>& tape, const StatementType<T>& type, const Leaf<T>* leaves, Scratch& scratch,
                       LeafGradient<T>* gradients) {
  // Apart are leaves that are broadcast or were copied, and those of which another node reaches a part too, for its turn may
  // come before.
  for (std::size_t k = 0; k < type.operands; ++k) {
    gradients[k] = {nullptr, nullptr, false, leaves[k].smaller || leaves[k].copied};
    for (std::size_t other = 0; other < k; ++other)
      if (leaves[k].node != leaves[other].node && may_overlap(tape, leaves[k].node, leaves[other].node))
        gradients[k].apart = gradients[other].apart = true;
  }
  Sending sending{false, false};
  for (std::size_t i = 0; i < type.operands; ++i) {
    const std::size_t k = type.order[i];
    const Leaf<T>& leaf = leaves[k];
    const Node<T>& node = tape.node(leaf.node);
    LeafGradient<T>& gradient = gradients[k];
    if (!node.needs_gradient) continue;
    if (gradient.apart) {
      sending.apart = true;
      const Index extent = leaf.copied ? node.layout.size : node.layout.extent;
      if (leaf.smaller) {
        gradient.add = sending.broadcast = true;
        gradient.sums = new (scratch.template take<WideSums<T>>(1)) WideSums<T>(scratch, extent);
        gradient.to = gradient.sums->part();
      } else {
        gradient.to = scratch.template take<T>(extent);
      }
    } else {
      gradient.add = tape.claim(leaf.node);
      gradient.to = tape.gradient_buffer(leaf.node);
    }
  }
  return sending;
}

template <class T>
void rows_sent(const StatementType<T>& type, LeafGradient<T>* gradients, Index rows) {
  for (std::size_t k = 0; k < type.operands; ++k)
    if (gradients[k].sums) gradients[k].sums->added(rows);
}

template <class T>
void give_gradients(Tape<T>& tape, const StatementType<T>& type, const Leaf<T>* leaves, LeafGradient<T>* gradients) {
  for (std::size_t i = 0; i < type.operands; ++i) {
    const std::size_t k = type.order[i];
    if (!gradients[k].to || !gradients[k].apart) continue;
    if (gradients[k].sums) gradients[k].sums->finish();
    const Node<T>& node = tape.node(leaves[k].node);
    add_to_gradient<T>(tape, leaves[k].node, gradients[k].to, leaves[k].copied ? contiguous(node.shape) : node.strides);
  }
}

#define CAROUSEL_STATEMENTS(T)                                                                                      \
  template void add_to_gradient(Tape<T>&, std::uint32_t, const T*, const Strides&);                                 \
  template Var<T> begin_statement(Tape<T>&, const StatementType<T>&, const void*, const Var<T>*, Leaf<T>*, Loops&); \
  template void describe_statement(const StatementType<T>&, const void*, const Leaf<T>*, Description&);             \
  template Sending take_gradients(Tape<T>&, const StatementType<T>&, const Leaf<T>*, Scratch&, LeafGradient<T>*);   \
  template void rows_sent(const StatementType<T>&, LeafGradient<T>*, Index);                                        \
  template void give_gradients(Tape<T>&, const StatementType<T>&, const Leaf<T>*, LeafGradient<T>*);
CAROUSEL_STATEMENTS(float)
CAROUSEL_STATEMENTS(double)

}  // namespace carousel::detail
