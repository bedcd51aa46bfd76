#include <carousel/models/sequence/scan.hpp>

#include <algorithm>

#include <carousel/lib/error.hpp>
#include <carousel/models/sequence/lengths.hpp>

namespace carousel {

namespace {

/// The row of each example among all [time · batch] rows, or −1.
struct LastClosure {
  std::uint32_t outputs;
  const Index* rows;
};

template <class T>
void last_backward(Tape<T>& tape, std::uint32_t self, const void* closure) {
  const auto& [outputs, rows] = *static_cast<const LastClosure*>(closure);
  tape.complete(outputs);
  const Shape& shape = tape.node(self).shape;
  const Index size = shape[0] == 0 ? 0 : shape.size() / shape[0];
  const T* from = tape.gradient_buffer(self);
  T* const to = tape.gradient_buffer(outputs);
  for (Index i = 0; i < shape[0]; ++i, from += size)
    if (rows[i] >= 0)
      for (Index j = 0; j < size; ++j) to[rows[i] * size + j] += from[j];
}

template <class T>
constexpr detail::Operation<T> last_operation{"last", &last_backward<T>, &detail::described<&LastClosure::outputs>};

template <class T>
Var<T> last_of(Var<T> outputs, std::span<const Index> lengths) {
  Tape<T>& tape = Tape<T>::active();
  outputs = packed(outputs);
  const Shape all = outputs.shape();
  if (all.rank() < 2) wrong_argument("last: outputs are ", all, ": must be [time, batch, ...]");
  detail::check_lengths("last", lengths, all);
  Shape shape;
  for (int axis = 1; axis < all.rank(); ++axis) shape.push_back(all[axis]);
  const Index batch = shape[0], size = batch == 0 ? 0 : shape.size() / batch;

  const Var<T> out = tape.record(shape, tape.needs_gradient(outputs));
  Index* const rows = tape.arena().template take<Index>(batch);
  const T* from = tape.node(outputs).value;
  T* to = tape.node(out).value;
  for (Index i = 0; i < batch; ++i, to += size) {
    const Index length = lengths[static_cast<std::size_t>(i)];
    rows[i] = length == 0 ? -1 : (length - 1) * batch + i;
    if (length == 0)
      std::fill_n(to, size, T(0));
    else
      std::copy_n(from + rows[i] * size, size, to);
  }
  tape.set_backward(out, last_operation<T>, LastClosure{outputs.index(), rows});
  return out;
}

}  // namespace

Var<float> last(Var<float> outputs, std::span<const Index> lengths) {
  return last_of(outputs, lengths);
}
Var<double> last(Var<double> outputs, std::span<const Index> lengths) {
  return last_of(outputs, lengths);
}

}  // namespace carousel
