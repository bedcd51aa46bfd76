#include <carousel/models/sequence/batch_first.hpp>

#include <algorithm>
#include <utility>

#include <carousel/ops/shape.hpp>

namespace carousel {

namespace {

void check(const char* op, const char* what, const Shape& shape) {
  if (shape.rank() < 2) wrong_argument(op, ": x is ", shape, ": must be ", what);
}

constexpr const char* from_batch = "[batch, time, ...]";
constexpr const char* from_time = "[time, batch, ...]";

/// The first two axes exchanged.
template <class T>
Tensor<T> exchanged(const Tensor<T>& x) {
  Shape shape = shape_of(x);
  const Index rows = shape[0], columns = shape[1];
  std::swap(shape[0], shape[1]);
  Tensor<T> out = empty<T>(shape);
  const Index size = rows * columns == 0 ? 0 : shape.size() / (rows * columns);
  for (Index i = 0; i < rows; ++i)
    for (Index j = 0; j < columns; ++j)
      std::copy_n(x.data() + (i * columns + j) * size, size, out.data() + (j * rows + i) * size);
  return out;
}

template <class T>
Var<T> exchanged(Var<T> x) {
  return packed(transpose(x, 0, 1));
}

}  // namespace

template <class T>
Tensor<T> time_first(const Tensor<T>& sequences) {
  check("time_first", from_batch, shape_of(sequences));
  return exchanged(sequences);
}
template <class T>
Tensor<T> batch_first(const Tensor<T>& steps) {
  check("batch_first", from_time, shape_of(steps));
  return exchanged(steps);
}

Var<float> time_first(Var<float> sequences) {
  check("time_first", from_batch, sequences.shape());
  return exchanged(sequences);
}
Var<double> time_first(Var<double> sequences) {
  check("time_first", from_batch, sequences.shape());
  return exchanged(sequences);
}
Var<float> batch_first(Var<float> steps) {
  check("batch_first", from_time, steps.shape());
  return exchanged(steps);
}
Var<double> batch_first(Var<double> steps) {
  check("batch_first", from_time, steps.shape());
  return exchanged(steps);
}

template Tensor<float> time_first(const Tensor<float>&);
template Tensor<double> time_first(const Tensor<double>&);
template Tensor<float> batch_first(const Tensor<float>&);
template Tensor<double> batch_first(const Tensor<double>&);

}  // namespace carousel
