#include <carousel/ops/matmul.hpp>

#include <algorithm>
#include <array>

#include <carousel/lib/numbers/gemm.hpp>
#include <carousel/ops/shape.hpp>

namespace carousel {

namespace detail {

namespace {

/// A stack of matrices as gemm reads it: each stored row by row or, transposed, column by column.
struct Stored {
  std::uint32_t node;
  bool transposed;
  Index stride;          // between stored rows
  Index step[max_rank];  // between matrices along the leading axes; 0 along one that is broadcast
};

/// One product for each place of the leading axes.
struct Batch {
  Stored a, b;
  Index m, n, k;
  int rank;  // of the leading axes
  Index extent[max_rank];

  std::array<std::uint32_t, 2> operands() const { return {a.node, b.node}; }
  Index places() const {
    Index count = 1;
    for (int axis = 0; axis < rank; ++axis) count *= extent[axis];
    return count;
  }

  /// Calls f(offset of a, of b, of c, whether the matrix of a, and of b, is met for the first time).
  template <class F>
  void for_each(F f) const {
    Index at[max_rank] = {}, in_a = 0, in_b = 0;
    for (Index i = 0, count = places(); i < count; ++i) {
      bool first_a = true, first_b = true;
      for (int axis = 0; axis < rank; ++axis) {
        first_a &= a.step[axis] != 0 || at[axis] == 0;
        first_b &= b.step[axis] != 0 || at[axis] == 0;
      }
      f(in_a, in_b, i * m * n, first_a, first_b);
      for (int axis = rank - 1; axis >= 0; --axis) {
        in_a += a.step[axis];
        in_b += b.step[axis];
        if (++at[axis] < extent[axis]) break;
        in_a -= a.step[axis] * extent[axis];
        in_b -= b.step[axis] * extent[axis];
        at[axis] = 0;
      }
    }
  }
};

/// Whether gemm can read the matrices of a value where they lie.
template <class T>
bool is_stored(const Node<T>& node, bool transposed) {
  const auto last = static_cast<std::size_t>(node.shape.rank() - 1);
  const int axis = node.shape.rank() - 1;
  const std::size_t row = transposed ? last : last - 1, column = transposed ? last - 1 : last;
  const Index rows = node.shape[transposed ? axis : axis - 1], columns = node.shape[transposed ? axis - 1 : axis];
  return (columns == 1 || node.strides[column] == 1) && (rows == 1 || node.strides[row] >= columns);
}

/// An operand as gemm reads it, seen with `rank` leading axes; copied first where that cannot be.
template <class T>
Stored stored(Tape<T>& tape, Var<T> v, int rank) {
  if (!is_stored(tape.node(v), false) && !is_stored(tape.node(v), true)) v = packed(v);
  const Node<T>& node = tape.node(v);
  const int last = node.shape.rank() - 1;
  Stored out{v.index(), !is_stored(node, false), 0, {}};
  out.stride = node.strides[static_cast<std::size_t>(out.transposed ? last : last - 1)];
  for (int axis = 0; axis < last - 1; ++axis)
    if (node.shape[axis] != 1) out.step[rank - (last - 1) + axis] = node.strides[static_cast<std::size_t>(axis)];
  return out;
}

template <class T>
void batch_backward(Tape<T>& tape, std::uint32_t self, const void* closure) {
  const auto& batch = *static_cast<const Batch*>(closure);
  const Stored &a = batch.a, &b = batch.b;
  const Index m = batch.m, n = batch.n, k = batch.k;
  if (batch.places() == 0) {  // a product over nothing: zero
    for (const std::uint32_t operand : {a.node, b.node})
      if (tape.node(operand).needs_gradient) tape.complete(operand);
    return;
  }
  const T* dz = tape.gradient_buffer(self);
  if (tape.node(a.node).needs_gradient) {  // da = dz bᵀ
    const bool add = tape.claim(a.node);
    T* da = tape.gradient_buffer(a.node);
    const T* vb = tape.node(b.node).value;
    batch.for_each([&](Index in_a, Index in_b, Index in_z, bool first, bool) {
      const bool accumulate = add || !first;
      if (a.transposed)
        gemm<T>({.transpose_a = b.transposed, .transpose_b = true, .accumulate = accumulate}, k, m, n, vb + in_b, b.stride,
                dz + in_z, n, da + in_a, a.stride);
      else
        gemm<T>({.transpose_b = !b.transposed, .accumulate = accumulate}, m, k, n, dz + in_z, n, vb + in_b, b.stride, da + in_a,
                a.stride);
    });
  }
  if (tape.node(b.node).needs_gradient) {  // db = aᵀ dz
    const bool add = tape.claim(b.node);
    T* db = tape.gradient_buffer(b.node);
    const T* va = tape.node(a.node).value;
    batch.for_each([&](Index in_a, Index in_b, Index in_z, bool, bool first) {
      const bool accumulate = add || !first;
      if (b.transposed)
        gemm<T>({.transpose_a = true, .transpose_b = a.transposed, .accumulate = accumulate}, n, k, m, dz + in_z, n, va + in_a,
                a.stride, db + in_b, b.stride);
      else
        gemm<T>({.transpose_a = !a.transposed, .accumulate = accumulate}, k, n, m, va + in_a, a.stride, dz + in_z, n, db + in_b,
                b.stride);
    });
  }
}

template <class T>
constexpr Operation<T> batch_operation{"matmul", &batch_backward<T>, &described<&Batch::operands>};

template <class T>
Var<T> matmul_of_batch(Tape<T>& tape, Var<T> va, Var<T> vb, const Shape& shape) {
  Batch batch{};
  batch.rank = shape.rank() - 2;
  batch.a = stored(tape, va, batch.rank);
  batch.b = stored(tape, vb, batch.rank);
  batch.m = shape[batch.rank], batch.n = shape.back(), batch.k = va.shape().back();
  for (int axis = 0; axis < batch.rank; ++axis) batch.extent[axis] = shape[axis];
  // With one b for a run of matrices of a that lie row below row, they are one matrix.
  while (batch.rank > 0) {
    const int axis = batch.rank - 1;
    if (batch.extent[axis] != 1) {
      if (batch.b.step[axis] != 0 || batch.a.transposed || batch.a.step[axis] != batch.m * batch.a.stride) break;
      batch.m *= batch.extent[axis];
    }
    --batch.rank;
  }
  const Var<T> result =
      tape.record(shape, tape.recording() && (tape.node(batch.a.node).needs_gradient || tape.node(batch.b.node).needs_gradient));
  const T *a = tape.node(batch.a.node).value, *b = tape.node(batch.b.node).value;
  T* z = tape.node(result).value;
  batch.for_each([&](Index in_a, Index in_b, Index in_z, bool, bool) {
    gemm<T>({.transpose_a = batch.a.transposed, .transpose_b = batch.b.transposed}, batch.m, batch.n, batch.k, a + in_a,
            batch.a.stride, b + in_b, batch.b.stride, z + in_z, batch.n);
  });
  tape.set_backward(result, batch_operation<T>, batch);
  return result;
}

/// The shape of a product; throws std::invalid_argument where there is none.
template <class T>
Shape product_shape(const Node<T>& left, const Node<T>& right) {
  const Shape &a = left.shape, &b = right.shape;
  if (a.rank() < 2) wrong_argument("matmul: a is ", a, ": must have at least two axes");
  if (b.rank() < 2) wrong_argument("matmul: b is ", b, ": must have at least two axes");
  if (a.back() != b[b.rank() - 2])
    wrong_argument("matmul: ", name_of("a", left), " is ", a, ", ", name_of("b", right), " is ", b,
                   ": columns of a must equal rows of b");
  const int rank = std::max(a.rank(), b.rank()) - 2;
  Shape shape;
  for (int axis = 0; axis < rank; ++axis) {
    const int in_a = axis - rank + a.rank() - 2, in_b = axis - rank + b.rank() - 2;
    const Index ea = in_a < 0 ? 1 : a[in_a], eb = in_b < 0 ? 1 : b[in_b];
    if (ea != eb && ea != 1 && eb != 1) wrong_argument("matmul: a is ", a, ", b is ", b, ": leading axes must be equal or 1");
    shape.push_back(ea == 1 ? eb : ea);
  }
  shape.push_back(a[a.rank() - 2]);
  shape.push_back(b.back());
  return shape;
}

template <class T>
Var<T> matmul(Var<T> a, Var<T> b) {
  Tape<T>& tape = Tape<T>::active();
  const Shape shape = product_shape(tape.node(a), tape.node(b));
  if (tape.node(b).shape.rank() > 2 || !is_matrix(tape.node(a)) || !is_matrix(tape.node(b)))
    return matmul_of_batch(tape, a, b, shape);
  return product(a, b);
}

}  // namespace

}  // namespace detail

Var<float> matmul(Var<float> a, Var<float> b) {
  return detail::matmul(a, b);
}
Var<double> matmul(Var<double> a, Var<double> b) {
  return detail::matmul(a, b);
}

}  // namespace carousel
