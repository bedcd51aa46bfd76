#include <carousel/ops/norm.hpp>

#include <array>
#include <cmath>

#include <carousel/lib/simd.hpp>
#include <carousel/ops/shape.hpp>

namespace carousel {

namespace {

using simd::width;

/// The columns of a register at the end of a row that are not part of it, set to zero: their sums must not count them.
template <class T>
Lane<T> first_only(Lane<T> lane, Index count) {
  static constexpr auto numbers = [] {
    std::array<T, static_cast<std::size_t>(width<T>)> all{};
    for (std::size_t i = 0; i < all.size(); ++i) all[i] = static_cast<T>(i);
    return all;
  }();
  return xsimd::select(simd::load(numbers.data()) < Lane<T>(static_cast<T>(count)), lane, Lane<T>(T(0)));
}

/// Calls f(column, load, store, keep) for each register of a row: whole ones, then the rest by masked loads and stores.
template <class T, class F>
void for_each_lane(Index columns, F f) {
  Index j = 0;
  for (; j + width<T> <= columns; j += width<T>)
    f(
        j, [](const T* from) { return simd::load(from); }, [](T* to, Lane<T> lane) { simd::store(to, lane); },
        [](Lane<T> lane) { return lane; });
  if (const Index rest = columns - j)
    f(
        j, [rest](const T* from) { return simd::load_some(from, rest); },
        [rest](T* to, Lane<T> lane) { simd::store_some(to, lane, rest); },
        [rest](Lane<T> lane) { return first_only(lane, rest); });
}

/// The mean of a row, and 1 / √(σ² + ε).
template <class T>
struct Moments {
  T mean, scale;
};

template <class T>
Moments<T> moments_of(const T* x, Index columns, T epsilon) {
  Lane<T> sum(T(0)), squares(T(0));
  for_each_lane<T>(columns, [&](Index j, auto load, auto, auto) { sum += load(x + j); });
  const T mean = simd::sum(sum) / static_cast<T>(columns);
  for_each_lane<T>(columns, [&](Index j, auto load, auto, auto keep) {
    const Lane<T> d = keep(load(x + j) - Lane<T>(mean));
    squares = simd::fma(d, d, squares);
  });
  return {mean, 1 / std::sqrt(simd::sum(squares) / static_cast<T>(columns) + epsilon)};
}

template <class T>
struct LayerNorm {
  std::uint32_t x, gain, bias;
  Index rows, columns;
  const Moments<T>* moments;  // [rows]
};

/// With x̂ = (x − μ) scale and d = gain∘dy: dx = scale (d − mean(d) − x̂ mean(d∘x̂)), dgain = Σ dy∘x̂, dbias = Σ dy.
template <class T>
void layer_norm_backward(Tape<T>& tape, std::uint32_t self, const void* closure) {
  const auto& c = *static_cast<const LayerNorm<T>*>(closure);
  // Gain and bias are completed first, so that all that follows is added, even where they are parts of x.
  T *dgain = nullptr, *dbias = nullptr, *dx = nullptr;
  if (tape.node(c.gain).needs_gradient) tape.complete(c.gain), dgain = tape.gradient_buffer(c.gain);
  if (tape.node(c.bias).needs_gradient) tape.complete(c.bias), dbias = tape.gradient_buffer(c.bias);
  const bool add = tape.node(c.x).needs_gradient && tape.claim(c.x);
  if (tape.node(c.x).needs_gradient) dx = tape.gradient_buffer(c.x);
  const T* dy = tape.gradient_buffer(self);
  const T *x = tape.node(c.x).value, *gain = tape.node(c.gain).value;
  for (Index row = 0; row < c.rows; ++row, x += c.columns, dy += c.columns) {
    const Lane<T> mean(c.moments[row].mean), scale(c.moments[row].scale);
    Lane<T> sum(T(0)), product(T(0));
    for_each_lane<T>(c.columns, [&](Index j, auto load, auto store, auto) {
      const Lane<T> g = load(dy + j), normal = (load(x + j) - mean) * scale, d = g * load(gain + j);
      if (dbias) store(dbias + j, load(dbias + j) + g);
      if (dgain) store(dgain + j, simd::fma(g, normal, load(dgain + j)));
      sum += d;
      product = simd::fma(d, normal, product);
    });
    if (!dx) continue;
    const Lane<T> mean_d(simd::sum(sum) / static_cast<T>(c.columns)),
        mean_product(simd::sum(product) / static_cast<T>(c.columns));
    for_each_lane<T>(c.columns, [&](Index j, auto load, auto store, auto) {
      const Lane<T> normal = (load(x + j) - mean) * scale;
      const Lane<T> d = scale * (load(dy + j) * load(gain + j) - mean_d - normal * mean_product);
      store(dx + j, add ? load(dx + j) + d : d);
    });
    dx += c.columns;
  }
}

template <class T>
constexpr detail::Operation<T> layer_norm_operation{"layer_norm", &layer_norm_backward<T>};

template <class T>
Var<T> layer_norm_of(Var<T> x, Var<T> gain, Var<T> bias, T epsilon) {
  Tape<T>& tape = Tape<T>::active();
  x = packed(x), gain = packed(gain), bias = packed(bias);
  const Shape shape = tape.node(x).shape;
  if (shape.rank() == 0) wrong_argument("layer_norm: x is []: must have at least one axis");
  const Index columns = shape.back();
  for (const auto& [name, v] : {std::pair("gain", gain), std::pair("bias", bias)})
    if (!(tape.node(v).shape == Shape{columns}))
      wrong_argument("layer_norm: x is ", shape, ", ", name, " is ", tape.node(v).shape, ": must be [", columns, "]");
  if (!(epsilon >= 0)) wrong_argument("layer_norm: epsilon is ", epsilon, ": must not be negative");

  const Var<T> out = tape.record(shape, tape.needs_gradient(x, gain, bias));
  const Index rows = columns == 0 ? 0 : shape.size() / columns;
  auto* const moments = tape.arena().template take<Moments<T>>(rows);
  const T *from = tape.node(x).value, *g = tape.node(gain).value, *b = tape.node(bias).value;
  T* to = tape.node(out).value;
  for (Index row = 0; row < rows; ++row, from += columns, to += columns) {
    moments[row] = moments_of(from, columns, epsilon);
    const Lane<T> mean(moments[row].mean), scale(moments[row].scale);
    for_each_lane<T>(columns, [&](Index j, auto load, auto store, auto) {
      store(to + j, simd::fma((load(from + j) - mean) * scale, load(g + j), load(b + j)));
    });
  }
  tape.set_backward(out, layer_norm_operation<T>, LayerNorm<T>{x.index(), gain.index(), bias.index(), rows, columns, moments});
  return out;
}

}  // namespace

Var<float> layer_norm(Var<float> x, Var<float> gain, Var<float> bias, float epsilon) {
  return layer_norm_of(x, gain, bias, epsilon);
}
Var<double> layer_norm(Var<double> x, Var<double> gain, Var<double> bias, double epsilon) {
  return layer_norm_of(x, gain, bias, epsilon);
}

}  // namespace carousel
