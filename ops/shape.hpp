#pragma once
/// Values seen in another shape, cut and joined. Views copy nothing: their gradients arrive in place.

#include <array>
#include <initializer_list>
#include <span>

#include <carousel/lib/tape/expression.hpp>

namespace carousel {

/// The same elements without gaps between rows: the value itself if it is packed, else a copy.
Var<float> packed(Var<float> x);
Var<double> packed(Var<double> x);

/// The same elements, row by row, in another shape of the same size; one extent may be −1, to be worked out. A view, or a copy of
/// a value with gaps. Throws std::invalid_argument when the sizes differ.
Var<float> reshape(Var<float> x, Shape shape);
Var<double> reshape(Var<double> x, Shape shape);

/// The elements `from` … `to` − 1 of an axis; a negative axis counts from the last. A view. Throws std::invalid_argument for an
/// axis or elements that x has not.
Var<float> slice(Var<float> x, int axis, Index from, Index to);
Var<double> slice(Var<double> x, int axis, Index from, Index to);

/// Element `at` of an axis, which disappears: row t of x is `at(x, 0, t)`. A view. Throws std::invalid_argument for an axis or an
/// element that x has not.
Var<float> at(Var<float> x, int axis, Index at);
Var<double> at(Var<double> x, int axis, Index at);

/// The last element of the first axis: of a sequence [time, batch, features], the last step. Throws std::invalid_argument where
/// there is none.
Var<float> last(Var<float> x);
Var<double> last(Var<double> x);

/// Two axes exchanged. A view. Throws std::invalid_argument for an axis that x has not.
Var<float> transpose(Var<float> x, int a = -1, int b = -2);
Var<double> transpose(Var<double> x, int a = -1, int b = -2);

/// Values of one shape as the elements of a new first axis. Copies nothing when they lie side by side already, as the steps of a
/// scan do. Throws std::invalid_argument for values of several shapes, or none.
Var<float> stack(std::span<const Var<float>> values);
Var<double> stack(std::span<const Var<double>> values);
inline Var<float> stack(std::initializer_list<Var<float>> values) {
  return stack(std::span(values.begin(), values.size()));
}
inline Var<double> stack(std::initializer_list<Var<double>> values) {
  return stack(std::span(values.begin(), values.size()));
}

namespace detail {
template <class T>
void split(Var<T> x, int axis, Index parts, Var<T>* out);
extern template void split(Var<float>, int, Index, Var<float>*);
extern template void split(Var<double>, int, Index, Var<double>*);

inline std::size_t place(int axis) {
  return static_cast<std::size_t>(axis);
}

/// The axis counted from the first; throws std::invalid_argument for `op` if there is none.
int checked_axis(const char* op, int axis, const Shape& shape);

/// A packed value seen as [outer, length, inner], where `length` is one of its axes.
struct AxisParts {
  Index outer, length, inner;
};
AxisParts around_axis(const Shape& shape, int axis);
}  // namespace detail

/// `Parts` equal parts of an axis, as views: `auto [i, f, g, o] = split<4>(z);`. Throws std::invalid_argument for an axis that x
/// has not, or that cannot be divided so.
template <std::size_t Parts, class A>
requires detail::Operands<A>
auto split(A&& x, int axis = -1) {
  using T = detail::scalar_of_t<A>;
  std::array<Var<T>, Parts> parts;
  detail::split(Var<T>(std::forward<A>(x)), axis, Index{Parts}, parts.data());
  return parts;
}

}  // namespace carousel
