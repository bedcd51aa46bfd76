#include <carousel/ops/softmax.hpp>

#include <algorithm>
#include <cmath>
#include <limits>

#include <carousel/lib/numbers/math_pair.hpp>
#include <carousel/ops/shape.hpp>

namespace carousel {

namespace {

using detail::AxisParts;

// What is normalised together, a group, is a row where the axis is the last one. Lanes then run along it, and are brought
// together at the end. Else it is a column, and a register holds as many columns as it has lanes.

template <class T>
struct Row {
  Index length;

  template <class F>
  void for_each(F f) const {
    simd::for_each_lane<T>(length, f);
  }
  static Lane<T> largest(Lane<T> part) {
    T lanes[simd::width<T>];
    simd::store(lanes, part);
    return Lane<T>(*std::max_element(std::begin(lanes), std::end(lanes)));
  }
  static Lane<T> sum(Lane<T> part) { return Lane<T>(simd::sum(part)); }
  /// One number for each group.
  static Lane<T> load(const T* from) { return Lane<T>(*from); }
  static void store(T* to, Lane<T> one) { *to = one.data[0]; }
};

template <class T, class Lanes>
struct Columns {
  Index length, stride;
  Lanes lanes;

  template <class F>
  void for_each(F f) const {
    for (Index i = 0; i < length; ++i) f(i * stride, lanes);
  }
  static Lane<T> largest(Lane<T> each) { return each; }
  static Lane<T> sum(Lane<T> each) { return each; }
  Lane<T> load(const T* from) const { return simd::load(from, lanes); }
  void store(T* to, Lane<T> each) const { simd::store(to, each, lanes); }
};

/// Calls f(groups, offset of their first elements, their place in [outer, inner]).
template <class T, class F>
void for_each_group(const AxisParts& parts, F f) {
  const Index length = parts.length, inner = parts.inner;
  for (Index o = 0; o < parts.outer; ++o) {
    if (inner == 1)
      f(Row<T>{length}, o * length, o);
    else
      simd::for_each_lane<T>(inner, [&, o, length, inner](Index j, auto lanes) {
        f(Columns<T, decltype(lanes)>{length, inner, lanes}, o * length * inner + j, o * inner + j);
      });
  }
}

/// The largest x of each group, which is subtracted from all; 0 where it is infinite.
template <class T, class Groups>
Lane<T> largest(const Groups& groups, const T* x) {
  constexpr T infinity = std::numeric_limits<T>::infinity();
  Lane<T> part(-infinity);
  groups.for_each([&](Index i, auto lanes) { part = simd::max(part, simd::only(simd::load(x + i, lanes), lanes, -infinity)); });
  const Lane<T> all = groups.largest(part);
  return simd::select(simd::abs(all) < Lane<T>(infinity), all, Lane<T>(T(0)));
}

/// Σ f(place, lanes) over each group.
template <class T, class Groups, class F>
Lane<T> sum_of(const Groups& groups, F f) {
  simd::LongSum<T> part;
  groups.for_each([&](Index i, auto lanes) { part.add(simd::only(f(i, lanes), lanes, T(0))); });
  return groups.sum(part.total());
}

template <class T, class Lanes>
void send(T* to, Lane<T> d, Lanes lanes, bool add) {
  simd::store(to, add ? simd::load(to, lanes) + d : d, lanes);
}

/// Closure of all three: the operand, packed, and how it is seen.
struct Normalised {
  std::uint32_t x;
  AxisParts parts;
};

template <class T>
void softmax_forward(const T* x, const AxisParts& parts, T* y) {
  for_each_group<T>(parts, [&](const auto& groups, Index start, Index) {
    const T* from = x + start;
    T* to = y + start;
    const Lane<T> shift = largest(groups, from);
    const Lane<T> total = sum_of<T>(groups, [&](Index i, auto lanes) {
      const Lane<T> e = simd::exp(simd::load(from + i, lanes) - shift);
      simd::store(to + i, e, lanes);
      return e;
    });
    groups.for_each([&](Index i, auto lanes) { simd::store(to + i, simd::load(to + i, lanes) / total, lanes); });
  });
}

template <class T>
void softmax_backward(Tape<T>& tape, std::uint32_t self, const void* closure) {
  const auto& [x, parts] = *static_cast<const Normalised*>(closure);
  const bool add = tape.claim(x);
  const T *y = tape.node(self).value, *dy = tape.gradient_buffer(self);
  T* dx = tape.gradient_buffer(x);
  for_each_group<T>(parts, [&](const auto& groups, Index start, Index) {
    const Lane<T> total = sum_of<T>(
        groups, [&](Index i, auto lanes) { return simd::load(y + start + i, lanes) * simd::load(dy + start + i, lanes); });
    groups.for_each([&](Index i, auto lanes) {
      const Index at = start + i;
      send(dx + at, simd::load(y + at, lanes) * (simd::load(dy + at, lanes) - total), lanes, add);
    });
  });
}

template <class T>
void log_softmax_forward(const T* x, const AxisParts& parts, T* y) {
  for_each_group<T>(parts, [&](const auto& groups, Index start, Index) {
    const T* from = x + start;
    const Lane<T> shift = largest(groups, from);
    const Lane<T> log_total =
        simd::log(sum_of<T>(groups, [&](Index i, auto lanes) { return simd::exp(simd::load(from + i, lanes) - shift); }));
    groups.for_each(
        [&](Index i, auto lanes) { simd::store(y + start + i, (simd::load(from + i, lanes) - shift) - log_total, lanes); });
  });
}

template <class T>
void log_softmax_backward(Tape<T>& tape, std::uint32_t self, const void* closure) {
  const auto& [x, parts] = *static_cast<const Normalised*>(closure);
  const bool add = tape.claim(x);
  const T *y = tape.node(self).value, *dy = tape.gradient_buffer(self);
  T* dx = tape.gradient_buffer(x);
  for_each_group<T>(parts, [&](const auto& groups, Index start, Index) {
    const Lane<T> total = sum_of<T>(groups, [&](Index i, auto lanes) { return simd::load(dy + start + i, lanes); });
    groups.for_each([&](Index i, auto lanes) {
      const Index at = start + i;
      send(dx + at, simd::load(dy + at, lanes) - simd::exp(simd::load(y + at, lanes)) * total, lanes, add);
    });
  });
}

template <class T>
void logsumexp_forward(const T* x, const AxisParts& parts, T* y) {
  for_each_group<T>(parts, [&](const auto& groups, Index start, Index place) {
    const T* from = x + start;
    const Lane<T> shift = largest(groups, from);
    const Lane<T> total = sum_of<T>(groups, [&](Index i, auto lanes) { return simd::exp(simd::load(from + i, lanes) - shift); });
    groups.store(y + place, shift + simd::log(total));
  });
}

template <class T>
void logsumexp_backward(Tape<T>& tape, std::uint32_t self, const void* closure) {
  const auto& [x, parts] = *static_cast<const Normalised*>(closure);
  const bool add = tape.claim(x);
  const T *value = tape.node(x).value, *y = tape.node(self).value, *dy = tape.gradient_buffer(self);
  T* dx = tape.gradient_buffer(x);
  for_each_group<T>(parts, [&](const auto& groups, Index start, Index place) {
    const Lane<T> all = groups.load(y + place), d = groups.load(dy + place), nothing(-std::numeric_limits<T>::infinity());
    groups.for_each([&](Index i, auto lanes) {
      const Lane<T> from = simd::load(value + start + i, lanes);
      const Lane<T> share = simd::select(from == nothing, Lane<T>(T(0)), simd::exp(from - all));
      send(dx + start + i, d * share, lanes, add);
    });
  });
}

template <class T>
constexpr detail::Operation<T> softmax_operation{"softmax", &softmax_backward<T>, &detail::described<&Normalised::x>};
template <class T>
constexpr detail::Operation<T> log_softmax_operation{"log_softmax", &log_softmax_backward<T>, &detail::described<&Normalised::x>};
template <class T>
constexpr detail::Operation<T> logsumexp_operation{"logsumexp", &logsumexp_backward<T>, &detail::described<&Normalised::x>};

template <class T>
using Forward = void (*)(const T* x, const AxisParts& parts, T* y);

template <class T>
Var<T> record(const detail::Operation<T>& operation, Forward<T> forward, Var<T> x, const Shape& shape, const AxisParts& parts) {
  Tape<T>& tape = Tape<T>::active();
  const Var<T> out = tape.record(shape, tape.needs_gradient(x));
  forward(tape.node(x).value, parts, tape.node(out).value);
  tape.set_backward(out, operation, Normalised{x.index(), parts});
  return out;
}

/// The same shape, or with `reduced` an extent of 1 along the axis.
template <class T>
Var<T> along(const detail::Operation<T>& operation, Forward<T> forward, Var<T> x, int axis, bool reduced) {
  x = packed(x);
  Shape shape = x.shape();
  axis = detail::checked_axis(operation.name, axis, shape);
  const AxisParts parts = detail::around_axis(shape, axis);
  if (reduced) shape[axis] = 1;
  return record(operation, forward, x, shape, parts);
}

template <class T>
Var<T> logsumexp_of_all(Var<T> x) {
  x = packed(x);
  return record(logsumexp_operation<T>, &logsumexp_forward<T>, x, {}, {1, x.shape().size(), 1});
}

}  // namespace

Var<float> softmax(Var<float> x, int axis) {
  return along(softmax_operation<float>, &softmax_forward<float>, x, axis, false);
}
Var<double> softmax(Var<double> x, int axis) {
  return along(softmax_operation<double>, &softmax_forward<double>, x, axis, false);
}
Var<float> log_softmax(Var<float> x, int axis) {
  return along(log_softmax_operation<float>, &log_softmax_forward<float>, x, axis, false);
}
Var<double> log_softmax(Var<double> x, int axis) {
  return along(log_softmax_operation<double>, &log_softmax_forward<double>, x, axis, false);
}
Var<float> logsumexp(Var<float> x) {
  return logsumexp_of_all(x);
}
Var<double> logsumexp(Var<double> x) {
  return logsumexp_of_all(x);
}
Var<float> logsumexp(Var<float> x, int axis) {
  return along(logsumexp_operation<float>, &logsumexp_forward<float>, x, axis, true);
}
Var<double> logsumexp(Var<double> x, int axis) {
  return along(logsumexp_operation<double>, &logsumexp_forward<double>, x, axis, true);
}

}  // namespace carousel
