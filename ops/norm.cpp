#include <carousel/ops/norm.hpp>

#include <cmath>

#include <carousel/lib/numbers/simd.hpp>
#include <carousel/lib/numbers/wide_sums.hpp>
#include <carousel/ops/shape.hpp>

namespace carousel {

namespace {

using simd::for_each_lane;
using simd::load;
using simd::store;

/// The mean of a row, and 1 / √(σ² + ε).
template <class T>
struct Moments {
  T mean, scale;
};

template <class T>
Moments<T> moments_of(const T* x, Index columns, T epsilon) {
  simd::LongSum<T> sum, squares;
  for_each_lane<T>(columns, [&](Index j, auto part) { sum.add(simd::only(load(x + j, part), part, T(0))); });
  const T mean = simd::sum(sum.total()) / static_cast<T>(columns);
  for_each_lane<T>(columns, [&](Index j, auto part) {
    const Lane<T> d = simd::only(load(x + j, part) - Lane<T>(mean), part, T(0));
    squares.add(d * d);
  });
  return {mean, 1 / std::sqrt(simd::sum(squares.total()) / static_cast<T>(columns) + epsilon)};
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
  const bool has_dgain = tape.node(c.gain).needs_gradient, has_dbias = tape.node(c.bias).needs_gradient;
  detail::Scratch scratch(tape.arena());
  detail::WideSums<T> dgains(scratch, has_dgain ? c.columns : 0), dbiases(scratch, has_dbias ? c.columns : 0);
  T *const dgain = has_dgain ? dgains.part() : nullptr, *const dbias = has_dbias ? dbiases.part() : nullptr;
  const bool add = tape.node(c.x).needs_gradient && tape.claim(c.x);
  T* dx = tape.node(c.x).needs_gradient ? tape.gradient_buffer(c.x) : nullptr;
  const T* dy = tape.gradient_buffer(self);
  const T *x = tape.node(c.x).value, *gain = tape.node(c.gain).value;
  for (Index row = 0; row < c.rows; ++row, x += c.columns, dy += c.columns) {
    const Lane<T> mean(c.moments[row].mean), scale(c.moments[row].scale);
    simd::LongSum<T> sum, product;
    for_each_lane<T>(c.columns, [&](Index j, auto part) {
      const Lane<T> g = load(dy + j, part), normal = (load(x + j, part) - mean) * scale, d = g * load(gain + j, part);
      if (dbias) store(dbias + j, load(dbias + j, part) + g, part);
      if (dgain) store(dgain + j, simd::fma(g, normal, load(dgain + j, part)), part);
      sum.add(d);
      product.add(d * normal);
    });
    dgains.added(), dbiases.added();
    if (!dx) continue;
    const Lane<T> mean_d(simd::sum(sum.total()) / static_cast<T>(c.columns)),
        mean_product(simd::sum(product.total()) / static_cast<T>(c.columns));
    for_each_lane<T>(c.columns, [&](Index j, auto part) {
      const Lane<T> normal = (load(x + j, part) - mean) * scale;
      const Lane<T> d = scale * (load(dy + j, part) * load(gain + j, part) - mean_d - normal * mean_product);
      store(dx + j, add ? load(dx + j, part) + d : d, part);
    });
    dx += c.columns;
  }
  if (has_dgain) detail::add_to_gradient(tape, c.gain, dgains.finish());
  if (has_dbias) detail::add_to_gradient(tape, c.bias, dbiases.finish());
}

template <class T>
constexpr detail::Operation<T> layer_norm_operation{
    "layer_norm", &layer_norm_backward<T>, &detail::described<&LayerNorm<T>::x, &LayerNorm<T>::gain, &LayerNorm<T>::bias>};

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
    for_each_lane<T>(columns, [&](Index j, auto part) {
      store(to + j, simd::fma((load(from + j, part) - mean) * scale, load(g + j, part), load(b + j, part)), part);
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
