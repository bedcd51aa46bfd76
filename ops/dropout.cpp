#include <carousel/ops/dropout.hpp>

#include <carousel/lib/numbers/random.hpp>
#include <carousel/ops/shape.hpp>

namespace carousel {

namespace {

/// The elements of a packed value, one run for each time and example.
struct Mask {
  std::uint64_t key, first_time, first_example, limit;  // an element is dropped if its 32 random bits are below the limit
  Index times, batch, inner;

  Mask(const char* op, const Shape& shape, double rate, const DropoutKey& k)
      : key(mix(mix(k.seed, k.step), k.place)),
        first_time(static_cast<std::uint64_t>(k.first_time)),
        first_example(static_cast<std::uint64_t>(k.first_example)),
        limit(static_cast<std::uint64_t>(rate * 0x1p32)),
        times(1),
        inner(1) {
    const int axis = detail::checked_axis(op, k.batch_axis, shape);
    batch = shape[axis];
    for (int i = 0; i < axis; ++i) times *= shape[i];
    for (int i = axis + 1; i < shape.rank(); ++i) inner *= shape[i];
  }

  /// Calls f(offset of the element, whether it is dropped) for each element, in order.
  template <class F>
  void for_each(F f) const {
    Index offset = 0;
    for (Index t = 0; t < times; ++t) {
      const std::uint64_t step = mix(key, first_time + static_cast<std::uint64_t>(t));
      for (Index b = 0; b < batch; ++b, offset += inner) {
        const std::uint64_t example = mix(step, first_example + static_cast<std::uint64_t>(b));
        for (Index i = 0; i < inner; ++i) f(offset + i, random_bits(example, static_cast<std::uint64_t>(i)) < limit);
      }
    }
  }
};

template <class T>
struct Dropout {
  std::uint32_t x;
  T scale;
  Mask mask;
};

template <class T>
void dropout_backward(Tape<T>& tape, std::uint32_t self, const void* closure) {
  const auto& c = *static_cast<const Dropout<T>*>(closure);
  const bool add = tape.claim(c.x);
  const T* dy = tape.gradient_buffer(self);
  T* const dx = tape.gradient_buffer(c.x);
  const T scale = c.scale;
  if (add)
    c.mask.for_each([=](Index i, bool dropped) { dx[i] += dropped ? T(0) : dy[i] * scale; });
  else
    c.mask.for_each([=](Index i, bool dropped) { dx[i] = dropped ? T(0) : dy[i] * scale; });
}

template <class T>
constexpr detail::Operation<T> dropout_operation{"dropout", &dropout_backward<T>, &detail::described<&Dropout<T>::x>};

template <class T>
Var<T> dropout_of(Var<T> x, double rate, const DropoutKey& key) {
  if (!(rate >= 0 && rate < 1)) wrong_argument("dropout: rate is ", rate, ": must be at least 0 and less than 1");
  Tape<T>& tape = Tape<T>::active();
  const Mask mask("dropout", x.shape(), rate, key);
  if (rate == 0) return x;
  const Dropout<T> closure{packed(x).index(), static_cast<T>(1 / (1 - rate)), mask};
  const Var<T> out = tape.record(tape.node(closure.x).shape, tape.needs_gradient(x));
  const T* from = tape.node(closure.x).value;
  T* to = tape.node(out).value;
  closure.mask.for_each([=, scale = closure.scale](Index i, bool dropped) { to[i] = dropped ? T(0) : from[i] * scale; });
  tape.set_backward(out, dropout_operation<T>, closure);
  return out;
}

}  // namespace

Var<float> dropout(Var<float> x, double rate, const DropoutKey& key) {
  return dropout_of(x, rate, key);
}
Var<double> dropout(Var<double> x, double rate, const DropoutKey& key) {
  return dropout_of(x, rate, key);
}

template <class T>
Var<T> random_mask(const Shape& shape, double rate, const DropoutKey& key) {
  if (!(rate >= 0 && rate <= 1)) wrong_argument("random_mask: rate is ", rate, ": must lie in [0, 1]");
  const Mask mask("random_mask", shape, rate, key);
  const Var<T> out = Tape<T>::active().constant(shape);
  T* to = Tape<T>::active().data(out);
  mask.for_each([=](Index i, bool dropped) { to[i] = dropped ? T(1) : T(0); });
  return out;
}

template Var<float> random_mask(const Shape&, double, const DropoutKey&);
template Var<double> random_mask(const Shape&, double, const DropoutKey&);

}  // namespace carousel
