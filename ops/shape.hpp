#pragma once
/// Values seen in another shape, cut and joined. Views copy nothing: their gradients arrive in place.

#include <array>
#include <span>

#include <carousel/lib/expression.hpp>

namespace carousel {

/// The same elements without gaps between rows: the value itself if it is packed, else a copy.
Var<float> packed(Var<float> x);
Var<double> packed(Var<double> x);

/// The same elements in another shape of the same size; one extent may be −1, to be worked out. Throws std::invalid_argument when
/// the sizes differ.
Var<float> reshape(Var<float> x, Shape shape);
Var<double> reshape(Var<double> x, Shape shape);

/// The elements `from` … `to` − 1 of an axis; a negative axis counts from the last. A view.
Var<float> slice(Var<float> x, int axis, Index from, Index to);
Var<double> slice(Var<double> x, int axis, Index from, Index to);

/// Element `at` of an axis, which disappears: row t of x is `at(x, 0, t)`. A view.
Var<float> at(Var<float> x, int axis, Index at);
Var<double> at(Var<double> x, int axis, Index at);

/// The last element of the first axis: of a sequence [time, batch, features], the last step.
Var<float> last(Var<float> x);
Var<double> last(Var<double> x);

/// Two axes exchanged. A view.
Var<float> transpose(Var<float> x, int a = -1, int b = -2);
Var<double> transpose(Var<double> x, int a = -1, int b = -2);

/// Values of one shape as the elements of a new first axis. Copies nothing when they lie side by side already, as the steps of a
/// scan do.
Var<float> stack(std::span<const Var<float>> values);
Var<double> stack(std::span<const Var<double>> values);

namespace detail {
template <class T>
void split(Var<T> x, int axis, Index parts, Var<T>* out);
extern template void split(Var<float>, int, Index, Var<float>*);
extern template void split(Var<double>, int, Index, Var<double>*);

/// The axis counted from the first; throws std::invalid_argument for `op` if there is none.
int checked_axis(const char* op, int axis, const Shape& shape);
}  // namespace detail

/// `Parts` equal parts of an axis, as views: `auto [i, f, g, o] = split<4>(z);`
template <std::size_t Parts, class A>
  requires detail::Operands<A>
auto split(A&& x, int axis = -1) {
  using T = detail::scalar_of_t<A>;
  std::array<Var<T>, Parts> parts;
  detail::split(Var<T>(std::forward<A>(x)), axis, Index{Parts}, parts.data());
  return parts;
}

}  // namespace carousel
