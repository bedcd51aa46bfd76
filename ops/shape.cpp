#include <carousel/ops/shape.hpp>

#include <algorithm>

namespace carousel {

namespace detail {

int checked_axis(const char* op, int axis, const Shape& shape) {
  const int counted = axis < 0 ? axis + shape.rank() : axis;
  if (counted < 0 || counted >= shape.rank()) wrong_argument(op, ": axis ", axis, " of ", shape, ": there is no such axis");
  return counted;
}

AxisParts around_axis(const Shape& shape, int axis) {
  AxisParts parts{1, shape[axis], 1};
  for (int i = 0; i < axis; ++i) parts.outer *= shape[i];
  for (int i = axis + 1; i < shape.rank(); ++i) parts.inner *= shape[i];
  return parts;
}

namespace {

/// A view of all elements of x. Where x is not divided yet, it is the only member.
template <class T>
Var<T> view_of_all(Tape<T>& tape, Var<T> x, const Shape& shape, const Strides& strides) {
  return tape.view(x, tape.layout(shape, strides), 0, tape.node(x).members == none);
}

template <class T>
void copy_packed(const Node<T>& from, T* to) {
  copy_strided(from.shape, static_cast<const T*>(from.value), from.strides, to, contiguous(from.shape));
}

template <class T>
void packed_backward(Tape<T>& tape, std::uint32_t self, const void* closure) {
  add_to_gradient(tape, *static_cast<const std::uint32_t*>(closure), static_cast<const T*>(tape.gradient_buffer(self)));
}

template <class T>
constexpr Operation<T> packed_operation{"packed", &packed_backward<T>, &described_by_node};

template <class T>
Var<T> packed_of(Var<T> x) {
  Tape<T>& tape = Tape<T>::active();
  if (tape.node(x).layout.packed) return x;
  const Var<T> out = tape.record(tape.node(x).shape, tape.needs_gradient(x));
  copy_packed(tape.node(x), tape.node(out).value);
  tape.set_backward(out, packed_operation<T>, x.index());
  return out;
}

template <class T>
Var<T> reshape_of(Var<T> x, Shape shape) {
  Tape<T>& tape = Tape<T>::active();
  x = packed_of(x);
  return view_of_all(tape, x, shape, contiguous(shape));
}

template <class T>
Var<T> slice_of(Var<T> x, int axis, Index from, Index to) {
  Tape<T>& tape = Tape<T>::active();
  const Node<T>& node = tape.node(x);
  axis = checked_axis("slice", axis, node.shape);
  if (from < 0 || to < from || to > node.shape[axis])
    wrong_argument("slice: ", from, " to ", to, " of axis ", axis, " of ", node.shape, ": must lie within it");
  Shape shape = node.shape;
  shape[axis] = to - from;
  return tape.view(x, tape.layout(shape, node.strides), from * node.strides[place(axis)], false);
}

template <class T>
Var<T> at_of(Var<T> x, int axis, Index at) {
  Tape<T>& tape = Tape<T>::active();
  const Node<T>& node = tape.node(x);
  axis = checked_axis("at", axis, node.shape);
  if (at < 0 || at >= node.shape[axis]) wrong_argument("at: ", at, " of axis ", axis, " of ", node.shape, ": must lie within it");
  Shape shape;
  Strides strides{};
  for (int i = 0; i < node.shape.rank(); ++i)
    if (i != axis) {
      strides[place(shape.rank())] = node.strides[place(i)];
      shape.push_back(node.shape[i]);
    }
  return tape.view(x, tape.layout(shape, strides), at * node.strides[place(axis)], false);
}

template <class T>
Var<T> transpose_of(Var<T> x, int a, int b) {
  Tape<T>& tape = Tape<T>::active();
  const Node<T>& node = tape.node(x);
  a = checked_axis("transpose", a, node.shape);
  b = checked_axis("transpose", b, node.shape);
  Shape shape = node.shape;
  Strides strides = node.strides;
  std::swap(shape[a], shape[b]);
  std::swap(strides[place(a)], strides[place(b)]);
  return view_of_all(tape, x, shape, strides);
}

/// Closure of stack: the values' nodes.
struct Stacked {
  const std::uint32_t* nodes;
  Index count;

  std::span<const std::uint32_t> operands() const { return {nodes, static_cast<std::size_t>(count)}; }
};

template <class T>
void stack_backward(Tape<T>& tape, std::uint32_t self, const void* closure) {
  const auto& stacked = *static_cast<const Stacked*>(closure);
  T* grad = tape.gradient_buffer(self);
  const Index size = tape.node(self).shape.size() / std::max<Index>(stacked.count, 1);
  tape.node(self).owns_grad = false;  // it is lent from here on
  for (Index i = 0; i < stacked.count; ++i) {
    const std::uint32_t index = stacked.nodes[i];
    const Node<T>& node = tape.node(index);
    if (!node.needs_gradient) continue;
    if (node.grad == nullptr && !node.is_view() && !node.parameter && !tape.reached(index) && !tape.node(self).keeps_grad)
      tape.lend_gradient(index, grad + i * size);
    else
      add_to_gradient(tape, index, static_cast<const T*>(grad + i * size));
  }
}

template <class T>
constexpr Operation<T> stack_operation{"stack", &stack_backward<T>, &described<&Stacked::operands>};

template <class T>
Var<T> stack_of(std::span<const Var<T>> values) {
  Tape<T>& tape = Tape<T>::active();
  if (values.empty()) wrong_argument("stack: no values: must be at least one");
  const Shape one = tape.node(values[0]).shape;
  const auto count = static_cast<Index>(values.size());
  Shape shape{count};
  for (Index extent : one) shape.push_back(extent);

  Stacked stacked{tape.arena().template take<std::uint32_t>(count), count};
  auto* nodes = const_cast<std::uint32_t*>(stacked.nodes);
  bool adjacent = true, needs_gradient = false;
  const T* expected = tape.node(values[0]).value;
  for (Index i = 0; i < count; ++i) {
    const Var<T> v = values[static_cast<std::size_t>(i)];
    const Node<T>& node = tape.node(v);
    if (!(node.shape == one))
      wrong_argument("stack: value ", i, " is ", node.shape, ", the first is ", one, ": must be the same");
    nodes[i] = v.index();
    adjacent &= node.layout.packed && !node.is_view() && node.value == expected;
    expected += one.size();
    needs_gradient |= node.needs_gradient;
  }
  needs_gradient = needs_gradient && tape.recording();

  Var<T> out;
  if (adjacent && count > 1) {
    out = tape.record_at(tape.node(values[0]).value, tape.layout(shape), needs_gradient);
  } else {
    out = tape.record(shape, needs_gradient);
    T* to = tape.node(out).value;
    for (Index i = 0; i < count; ++i, to += one.size()) copy_packed(tape.node(nodes[i]), to);
  }
  tape.set_backward(out, stack_operation<T>, stacked);
  return out;
}

Shape worked_out(const Shape& given, const Shape& wanted) {
  Shape shape = wanted;
  int unknown = -1;
  for (int axis = 0; axis < shape.rank(); ++axis)
    if (shape[axis] == -1) {
      if (unknown >= 0) wrong_argument("reshape: ", given, " to ", wanted, ": only one extent can be worked out");
      unknown = axis;
      shape[axis] = 1;
    }
  const Index known = shape.size();
  if (unknown >= 0 && known == 0)
    wrong_argument("reshape: ", given, " to ", wanted, ": beside an extent of 0 none can be worked out");
  if (unknown >= 0) shape[unknown] = given.size() / known;
  if (shape.size() != given.size()) wrong_argument("reshape: ", given, " to ", wanted, ": must have the same number of elements");
  return shape;
}

}  // namespace

template <class T>
void split(Var<T> x, int axis, Index parts, Var<T>* out) {
  Tape<T>& tape = Tape<T>::active();
  axis = checked_axis("split", axis, tape.node(x).shape);
  Shape shape = tape.node(x).shape;
  if (parts < 1 || shape[axis] % parts != 0)
    wrong_argument("split: axis ", axis, " of ", shape, " into ", parts, ": must divide it without remainder");
  shape[axis] /= parts;
  const Layout& layout = tape.layout(shape, tape.node(x).strides);
  const Index step = shape[axis] * tape.node(x).strides[place(axis)];
  // One part, as it stands, or a value that has been split along another axis: these are views like others.
  const bool members = parts > 1 && tape.node(x).members == none;
  for (Index part = 0; part < parts; ++part) out[part] = tape.view(x, layout, part * step, members);
}

template void split(Var<float>, int, Index, Var<float>*);
template void split(Var<double>, int, Index, Var<double>*);

}  // namespace detail

Var<float> packed(Var<float> x) {
  return detail::packed_of(x);
}
Var<double> packed(Var<double> x) {
  return detail::packed_of(x);
}
Var<float> reshape(Var<float> x, Shape shape) {
  return detail::reshape_of(x, detail::worked_out(x.shape(), shape));
}
Var<double> reshape(Var<double> x, Shape shape) {
  return detail::reshape_of(x, detail::worked_out(x.shape(), shape));
}
Var<float> slice(Var<float> x, int axis, Index from, Index to) {
  return detail::slice_of(x, axis, from, to);
}
Var<double> slice(Var<double> x, int axis, Index from, Index to) {
  return detail::slice_of(x, axis, from, to);
}
Var<float> at(Var<float> x, int axis, Index at) {
  return detail::at_of(x, axis, at);
}
Var<double> at(Var<double> x, int axis, Index at) {
  return detail::at_of(x, axis, at);
}
Var<float> last(Var<float> x) {
  return at(x, 0, x.shape().rank() == 0 ? 0 : x.shape()[0] - 1);
}
Var<double> last(Var<double> x) {
  return at(x, 0, x.shape().rank() == 0 ? 0 : x.shape()[0] - 1);
}
Var<float> transpose(Var<float> x, int a, int b) {
  return detail::transpose_of(x, a, b);
}
Var<double> transpose(Var<double> x, int a, int b) {
  return detail::transpose_of(x, a, b);
}
Var<float> stack(std::span<const Var<float>> values) {
  return detail::stack_of(values);
}
Var<double> stack(std::span<const Var<double>> values) {
  return detail::stack_of(values);
}

}  // namespace carousel
