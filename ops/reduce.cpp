#include <carousel/ops/reduce.hpp>

#include <algorithm>

#include <carousel/ops/shape.hpp>

namespace carousel {

namespace {

/// A packed value seen as [outer, length, inner], reduced over `length`.
struct Axis {
  Index outer, length, inner;
};

Axis axis_of(const char* op, const Shape& shape, int axis) {
  axis = detail::checked_axis(op, axis, shape);
  Axis parts{1, shape[axis], 1};
  for (int i = 0; i < axis; ++i) parts.outer *= shape[i];
  for (int i = axis + 1; i < shape.rank(); ++i) parts.inner *= shape[i];
  return parts;
}

struct SumClosure {
  std::uint32_t x;
  Axis axis;
};

template <class T>
void sum_backward(Tape<T>& tape, std::uint32_t self, const void* closure) {
  const auto& [x, axis] = *static_cast<const SumClosure*>(closure);
  const bool add = tape.claim(x);
  const T* dy = tape.gradient_buffer(self);
  T* dx = tape.gradient_buffer(x);
  for (Index o = 0; o < axis.outer; ++o, dy += axis.inner)
    for (Index l = 0; l < axis.length; ++l, dx += axis.inner)
      for (Index i = 0; i < axis.inner; ++i) dx[i] = add ? dx[i] + dy[i] : dy[i];
}

template <class T>
constexpr detail::Operation<T> sum_operation{"sum", &sum_backward<T>};

template <class T>
Var<T> sum_over(Var<T> x, const Shape& shape, Axis axis) {
  Tape<T>& tape = Tape<T>::active();
  const Var<T> out = tape.record(shape, tape.needs_gradient(x));
  const T* from = tape.node(x).value;
  T* to = tape.node(out).value;
  if (axis.inner == 1) {
    for (Index o = 0; o < axis.outer; ++o, from += axis.length) {
      double total = 0;
      for (Index l = 0; l < axis.length; ++l) total += static_cast<double>(from[l]);
      to[o] = static_cast<T>(total);
    }
  } else {
    for (Index o = 0; o < axis.outer; ++o, to += axis.inner) {
      std::fill_n(to, axis.inner, T(0));
      for (Index l = 0; l < axis.length; ++l, from += axis.inner)
        for (Index i = 0; i < axis.inner; ++i) to[i] += from[i];
    }
  }
  tape.set_backward(out, sum_operation<T>, SumClosure{x.index(), axis});
  return out;
}

template <class T>
Var<T> sum_of_all(Var<T> x) {
  x = packed(x);
  return sum_over(x, {}, {1, x.shape().size(), 1});
}

template <class T>
Var<T> sum_along(Var<T> x, int axis) {
  x = packed(x);
  Shape shape = x.shape();
  const Axis parts = axis_of("sum", shape, axis);
  shape[detail::checked_axis("sum", axis, shape)] = 1;
  return sum_over(x, shape, parts);
}

template <class T>
Var<T> mean_of_all(Var<T> x) {
  const Index count = x.shape().size();
  if (count == 0) wrong_argument("mean: ", x.shape(), " has no elements: there is no mean");
  return sum_of_all(x) * (T(1) / static_cast<T>(count));
}

template <class T>
Var<T> mean_along(Var<T> x, int axis) {
  const Index count = axis_of("mean", x.shape(), axis).length;
  if (count == 0) wrong_argument("mean: axis ", axis, " of ", x.shape(), " has no elements: there is no mean");
  return sum_along(x, axis) * (T(1) / static_cast<T>(count));
}

}  // namespace

Var<float> sum(Var<float> x) {
  return sum_of_all(x);
}
Var<double> sum(Var<double> x) {
  return sum_of_all(x);
}
Var<float> sum(Var<float> x, int axis) {
  return sum_along(x, axis);
}
Var<double> sum(Var<double> x, int axis) {
  return sum_along(x, axis);
}
Var<float> mean(Var<float> x) {
  return mean_of_all(x);
}
Var<double> mean(Var<double> x) {
  return mean_of_all(x);
}
Var<float> mean(Var<float> x, int axis) {
  return mean_along(x, axis);
}
Var<double> mean(Var<double> x, int axis) {
  return mean_along(x, axis);
}

}  // namespace carousel
