#include <carousel/ops/reduce.hpp>

#include <algorithm>
#include <cmath>
#include <limits>

#include <carousel/ops/shape.hpp>

namespace carousel {

namespace {

using detail::AxisParts;

/// Closure of a reduction: the operand, packed, and how it is seen.
struct Reduced {
  std::uint32_t x;
  AxisParts parts;
};

/// An op that makes one number of all elements, or of those along an axis.
template <class T>
struct Reduction {
  const detail::Operation<T>& operation;
  /// Fills the result, [outer, inner], from [outer, length, inner].
  void (*forward)(const T* x, const AxisParts& parts, T* y);

  Var<T> of_all(Var<T> x) const {
    x = packed(x);
    return record(x, {}, {1, x.shape().size(), 1});
  }
  Var<T> along(Var<T> x, int axis) const {
    x = packed(x);
    Shape shape = x.shape();
    axis = detail::checked_axis(operation.name, axis, shape);
    const AxisParts parts = detail::around_axis(shape, axis);
    shape[axis] = 1;
    return record(x, shape, parts);
  }

 private:
  Var<T> record(Var<T> x, const Shape& shape, const AxisParts& parts) const {
    Tape<T>& tape = Tape<T>::active();
    const Var<T> out = tape.record(shape, tape.needs_gradient(x));
    forward(tape.node(x).value, parts, tape.node(out).value);
    tape.set_backward(out, operation, Reduced{x.index(), parts});
    return out;
  }
};

// ---- sum ----------------------------------------------------------------------------------------------------------------------

/// Σ x in sixteen parts, which fill registers.
template <class T>
double sum_of_row(const T* x, Index length) {
  constexpr std::size_t width = 16;
  double part[width] = {};
  Index i = 0;
  for (; i + Index{width} <= length; i += Index{width})
    for (std::size_t k = 0; k < width; ++k) part[k] += static_cast<double>(x[i + static_cast<Index>(k)]);
  for (std::size_t k = 0; i < length; ++i, ++k) part[k] += static_cast<double>(x[i]);
  for (std::size_t half = width / 2; half > 0; half /= 2)
    for (std::size_t k = 0; k < half; ++k) part[k] += part[k + half];
  return part[0];
}

template <class T>
void sum_forward(const T* x, const AxisParts& parts, T* y) {
  const auto& [outer, length, inner] = parts;
  if (inner == 1) {
    for (Index o = 0; o < outer; ++o) y[o] = static_cast<T>(sum_of_row(x + o * length, length));
    return;
  }
  constexpr Index block = 64;
  for (Index o = 0; o < outer; ++o, x += length * inner, y += inner)
    for (Index begin = 0; begin < inner; begin += block) {
      const Index count = std::min(block, inner - begin);
      double total[block] = {};
      for (Index l = 0; l < length; ++l)
        for (Index i = 0; i < count; ++i) total[i] += static_cast<double>(x[l * inner + begin + i]);
      for (Index i = 0; i < count; ++i) y[begin + i] = static_cast<T>(total[i]);
    }
}

template <class T>
void sum_backward(Tape<T>& tape, std::uint32_t self, const void* closure) {
  const auto& [x, parts] = *static_cast<const Reduced*>(closure);
  const auto& [outer, length, inner] = parts;
  const Shape shape{outer, length, inner};
  const detail::Strides repeated{inner, 0, 1}, all = detail::contiguous(shape);
  const bool add = tape.claim(x);
  const T* dy = tape.gradient_buffer(self);
  T* dx = tape.gradient_buffer(x);
  if (add)
    detail::add_strided(shape, dy, repeated, dx, all);
  else
    detail::copy_strided(shape, dy, repeated, dx, all);
}

template <class T>
constexpr detail::Operation<T> sum_operation{"sum", &sum_backward<T>, &detail::described<&Reduced::x>};
template <class T>
constexpr Reduction<T> sums{sum_operation<T>, &sum_forward<T>};

// ---- mean ---------------------------------------------------------------------------------------------------------------------

template <class T>
Var<T> mean_of_all(Var<T> x) {
  const Index count = x.shape().size();
  if (count == 0) wrong_argument("mean: ", x.shape(), " has no elements: there is no mean");
  return sums<T>.of_all(x) / static_cast<T>(count);
}

template <class T>
Var<T> mean_along(Var<T> x, int axis) {
  const Index count = x.shape()[detail::checked_axis("mean", axis, x.shape())];
  if (count == 0) wrong_argument("mean: axis ", axis, " of ", x.shape(), " has no elements: there is no mean");
  return sums<T>.along(x, axis) / static_cast<T>(count);
}

// ---- max ----------------------------------------------------------------------------------------------------------------------

/// Whether x comes before the largest so far: it is larger, or the first NaN.
template <class T>
bool is_larger(T x, T largest) {
  return x > largest || (x != x && largest == largest);
}

template <class T>
void max_forward(const T* x, const AxisParts& parts, T* y) {
  const auto& [outer, length, inner] = parts;
  for (Index o = 0; o < outer; ++o, x += length * inner, y += inner) {
    std::copy_n(x, inner, y);
    for (Index l = 1; l < length; ++l)
      for (Index i = 0; i < inner; ++i)
        if (is_larger(x[l * inner + i], y[i])) y[i] = x[l * inner + i];
  }
}

template <class T>
void max_backward(Tape<T>& tape, std::uint32_t self, const void* closure) {
  const auto& [x, parts] = *static_cast<const Reduced*>(closure);
  const auto& [outer, length, inner] = parts;
  tape.complete(x);
  T* dx = tape.gradient_buffer(x);
  const T *value = tape.node(x).value, *y = tape.node(self).value, *dy = tape.gradient_buffer(self);
  for (Index o = 0; o < outer; ++o, value += length * inner, dx += length * inner, y += inner, dy += inner)
    for (Index i = 0; i < inner; ++i) {
      Index l = 0;
      while (value[l * inner + i] != y[i] && value[l * inner + i] == value[l * inner + i]) ++l;
      dx[l * inner + i] += dy[i];
    }
}

template <class T>
constexpr detail::Operation<T> max_operation{"max", &max_backward<T>, &detail::described<&Reduced::x>};
template <class T>
constexpr Reduction<T> maxima{max_operation<T>, &max_forward<T>};

template <class T>
Var<T> max_of_all(Var<T> x) {
  if (x.shape().size() == 0) wrong_argument("max: ", x.shape(), " has no elements: there is no largest");
  return maxima<T>.of_all(x);
}

template <class T>
Var<T> max_along(Var<T> x, int axis) {
  if (x.shape()[detail::checked_axis("max", axis, x.shape())] == 0)
    wrong_argument("max: axis ", axis, " of ", x.shape(), " has no elements: there is no largest");
  return maxima<T>.along(x, axis);
}

}  // namespace

Var<float> sum(Var<float> x) {
  return sums<float>.of_all(x);
}
Var<double> sum(Var<double> x) {
  return sums<double>.of_all(x);
}
Var<float> sum(Var<float> x, int axis) {
  return sums<float>.along(x, axis);
}
Var<double> sum(Var<double> x, int axis) {
  return sums<double>.along(x, axis);
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
Var<float> max(Var<float> x) {
  return max_of_all(x);
}
Var<double> max(Var<double> x) {
  return max_of_all(x);
}
Var<float> max(Var<float> x, Axis axis) {
  return max_along(x, axis.at);
}
Var<double> max(Var<double> x, Axis axis) {
  return max_along(x, axis.at);
}

}  // namespace carousel
