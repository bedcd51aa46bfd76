#include <carousel/ops/arrange.hpp>

#include <algorithm>

#include <carousel/lib/numbers/wide_sums.hpp>
#include <carousel/ops/shape.hpp>

namespace carousel {

namespace detail {

namespace {

/// Closure of concat: the values' nodes.
struct Joined {
  const std::uint32_t* nodes;
  Index count;
  int axis;

  std::span<const std::uint32_t> operands() const { return {nodes, static_cast<std::size_t>(count)}; }
};

template <class T>
void concat_backward(Tape<T>& tape, std::uint32_t self, const void* closure) {
  const auto& joined = *static_cast<const Joined*>(closure);
  const T* grad = tape.gradient_buffer(self);
  const Strides strides = contiguous(tape.node(self).shape);
  for (Index i = 0; i < joined.count; ++i) {
    const std::uint32_t index = joined.nodes[i];
    if (tape.node(index).needs_gradient) add_to_gradient(tape, index, grad, strides);
    grad += tape.node(index).shape[joined.axis] * strides[place(joined.axis)];
  }
}

template <class T>
constexpr Operation<T> concat_operation{"concat", &concat_backward<T>, &described<&Joined::operands>};

template <class T>
Var<T> concat_of(std::span<const Var<T>> values, int axis) {
  Tape<T>& tape = Tape<T>::active();
  if (values.empty()) wrong_argument("concat: no values: must be at least one");
  const Shape first = tape.node(values[0]).shape;
  axis = checked_axis("concat", axis, first);
  const auto count = static_cast<Index>(values.size());
  auto* const nodes = tape.arena().template take<std::uint32_t>(count);
  Shape shape = first;
  shape[axis] = 0;
  bool needs_gradient = false;
  for (Index i = 0; i < count; ++i) {
    const Var<T> v = values[static_cast<std::size_t>(i)];
    const Node<T>& node = tape.node(v);
    Shape expected = first;
    if (node.shape.rank() == first.rank()) expected[axis] = node.shape[axis];
    if (!(node.shape == expected))
      wrong_argument("concat: value ", i, " is ", node.shape, ", the first is ", first, ": all axes but ", axis,
                     " must be the same");
    shape[axis] += node.shape[axis];
    needs_gradient |= node.needs_gradient;
    nodes[i] = v.index();
  }
  const Var<T> out = tape.record(shape, needs_gradient && tape.recording());
  const Strides strides = contiguous(shape);
  T* to = tape.node(out).value;
  for (Index i = 0; i < count; ++i) {
    const Node<T>& node = tape.node(nodes[i]);
    copy_strided(node.shape, static_cast<const T*>(node.value), node.strides, to, strides);
    to += node.shape[axis] * strides[place(axis)];
  }
  tape.set_backward(out, concat_operation<T>, Joined{nodes, count, axis});
  return out;
}

/// Closure of flip.
struct Flipped {
  std::uint32_t x;
  int axis;
};

template <class T>
void flip_backward(Tape<T>& tape, std::uint32_t self, const void* closure) {
  const auto& [x, axis] = *static_cast<const Flipped*>(closure);
  const Shape& shape = tape.node(self).shape;
  Strides strides = contiguous(shape);
  const T* from = tape.gradient_buffer(self);
  if (shape[axis] > 0) from += (shape[axis] - 1) * strides[place(axis)];
  strides[place(axis)] = -strides[place(axis)];
  add_to_gradient(tape, x, from, strides);
}

template <class T>
constexpr Operation<T> flip_operation{"flip", &flip_backward<T>, &described<&Flipped::x>};

template <class T>
Var<T> flip_of(Var<T> x, int axis) {
  Tape<T>& tape = Tape<T>::active();
  axis = checked_axis("flip", axis, tape.node(x).shape);
  const Var<T> out = tape.record(tape.node(x).shape, tape.needs_gradient(x));
  const Node<T>& node = tape.node(x);
  Strides strides = node.strides;
  const T* from = node.value;
  if (node.shape[axis] > 0) from += (node.shape[axis] - 1) * strides[place(axis)];
  strides[place(axis)] = -strides[place(axis)];
  copy_strided(node.shape, from, strides, tape.node(out).value, contiguous(node.shape));
  tape.set_backward(out, flip_operation<T>, Flipped{x.index(), axis});
  return out;
}

/// The strides of a value along the axes of a shape that it broadcasts to, 0 where it is repeated.
Strides repeated(const Shape& of, const Strides& strides, const Shape& shape) {
  Strides out{};
  const int new_axes = shape.rank() - of.rank();
  for (int axis = 0; axis < of.rank(); ++axis)
    if (of[axis] != 1) out[place(axis + new_axes)] = strides[place(axis)];
  return out;
}

template <class T>
void broadcast_backward(Tape<T>& tape, std::uint32_t self, const void* closure) {
  const std::uint32_t x = *static_cast<const std::uint32_t*>(closure);
  Scratch scratch(tape.arena());
  const Shape &shape = tape.node(self).shape, &of = tape.node(x).shape;
  auto* const sums = scratch.take<double>(of.size());
  std::fill_n(sums, of.size(), 0.0);
  add_strided(shape, static_cast<const T*>(tape.gradient_buffer(self)), contiguous(shape), sums,
              repeated(of, contiguous(of), shape));
  T* const narrow = scratch.take<T>(of.size());
  std::transform(sums, sums + of.size(), narrow, [](double sum) { return static_cast<T>(sum); });
  add_to_gradient(tape, x, static_cast<const T*>(narrow));
}

template <class T>
constexpr Operation<T> broadcast_operation{"broadcast_to", &broadcast_backward<T>, &described_by_node};

template <class T>
Var<T> broadcast_of(Var<T> x, const Shape& shape) {
  Tape<T>& tape = Tape<T>::active();
  const Shape of = tape.node(x).shape;
  bool fits = shape.rank() >= of.rank();
  for (int axis = 1; fits && axis <= of.rank(); ++axis) {
    const Index from = of[of.rank() - axis], to = shape[shape.rank() - axis];
    fits = to >= 0 && (from == to || from == 1);
  }
  for (Index extent : shape) fits &= extent >= 0;
  if (!fits)
    wrong_argument("broadcast_to: x is ", of, ", wanted ", shape,
                   ": extents must be equal, or 1 in x, from the last axis backwards");
  const Var<T> out = tape.record(shape, tape.needs_gradient(x));
  const Node<T>& node = tape.node(x);
  copy_strided(shape, static_cast<const T*>(node.value), repeated(of, node.strides, shape), tape.node(out).value,
               contiguous(shape));
  tape.set_backward(out, broadcast_operation<T>, x.index());
  return out;
}

/// Closure of gather.
struct Gathered {
  std::uint32_t x;
  int axis;
  const Index* indices;
  Index count;

  /// Calls f(offset in x, offset in the result) for each index.
  template <class F>
  void for_each(const Strides& strides, const Strides& to_strides, F f) const {
    for (Index i = 0; i < count; ++i) f(indices[i] * strides[place(axis)], i * to_strides[place(axis)]);
  }
};

template <class T>
void gather_backward(Tape<T>& tape, std::uint32_t self, const void* closure) {
  const auto& gathered = *static_cast<const Gathered*>(closure);
  const T* dy = tape.gradient_buffer(self);
  tape.complete(gathered.x);
  T* dx = tape.gradient_buffer(gathered.x);
  const Node<T>& node = tape.node(gathered.x);
  Shape one = node.shape;
  one[gathered.axis] = 1;
  const Strides from = contiguous(tape.node(self).shape), of_sums = contiguous(one);
  const Index next_out = from[place(gathered.axis)], next_in = node.strides[place(gathered.axis)];
  Scratch scratch(tape.arena());
  add_by_id<T>(
      scratch, gathered.indices, gathered.count, node.shape[gathered.axis], one.size(),
      [&](Index id, Index i) { add_strided(one, dy + i * next_out, from, dx + id * next_in, node.strides); },
      [&](T* sums, Index i) { add_strided(one, dy + i * next_out, from, sums, of_sums); },
      [&](Index id, const T* sums) { add_strided(one, sums, of_sums, dx + id * next_in, node.strides); });
}

template <class T>
constexpr Operation<T> gather_operation{"gather", &gather_backward<T>, &described<&Gathered::x>};

template <class T>
Var<T> gather_of(Var<T> x, int axis, std::span<const Index> indices) {
  Tape<T>& tape = Tape<T>::active();
  Shape shape = tape.node(x).shape;
  axis = checked_axis("gather", axis, shape);
  for (std::size_t i = 0; i < indices.size(); ++i)
    if (indices[i] < 0 || indices[i] >= shape[axis])
      wrong_argument("gather: index ", indices[i], " at position ", i, ": must lie within axis ", axis, " of ", shape);
  const auto count = static_cast<Index>(indices.size());
  auto* const kept = tape.arena().template take<Index>(count);
  std::copy_n(indices.begin(), count, kept);
  const Gathered gathered{x.index(), axis, kept, count};
  shape[axis] = count;
  const Var<T> out = tape.record(shape, tape.needs_gradient(x));
  const Node<T>& node = tape.node(x);
  T* to = tape.node(out).value;
  Shape one = node.shape;
  one[axis] = 1;
  const Strides strides = contiguous(shape);
  gathered.for_each(node.strides, strides, [&](Index in, Index at) {
    copy_strided(one, static_cast<const T*>(node.value + in), node.strides, to + at, strides);
  });
  tape.set_backward(out, gather_operation<T>, gathered);
  return out;
}

}  // namespace

}  // namespace detail

Var<float> concat(std::span<const Var<float>> values, int axis) {
  return detail::concat_of(values, axis);
}
Var<double> concat(std::span<const Var<double>> values, int axis) {
  return detail::concat_of(values, axis);
}
Var<float> flip(Var<float> x, int axis) {
  return detail::flip_of(x, axis);
}
Var<double> flip(Var<double> x, int axis) {
  return detail::flip_of(x, axis);
}
Var<float> broadcast_to(Var<float> x, Shape shape) {
  return detail::broadcast_of(x, shape);
}
Var<double> broadcast_to(Var<double> x, Shape shape) {
  return detail::broadcast_of(x, shape);
}
Var<float> gather(Var<float> x, int axis, std::span<const Index> indices) {
  return detail::gather_of(x, axis, indices);
}
Var<double> gather(Var<double> x, int axis, std::span<const Index> indices) {
  return detail::gather_of(x, axis, indices);
}

}  // namespace carousel
