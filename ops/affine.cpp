#include <carousel/ops/affine.hpp>

#include <algorithm>

#include <carousel/lib/numbers/gemm.hpp>
#include <carousel/ops/shape.hpp>

namespace carousel::detail {

template <class T>
bool is_matrix(const Node<T>& node) {
  if (node.layout.packed) return true;
  return node.shape.rank() == 2 && (node.strides[1] == 1 || node.shape[1] == 1) &&
         (node.strides[0] >= node.shape[1] || node.shape[0] == 1);
}

namespace {

/// A value seen as a matrix: its last axis are the columns, all others the rows.
template <class T>
struct Matrix {
  T* data;
  Index rows, columns, stride;
};

template <class T>
Matrix<T> matrix(const Node<T>& node, T* data) {
  Index rows = 1;
  for (int axis = 0; axis + 1 < node.shape.rank(); ++axis) rows *= node.shape[axis];
  return {data, rows, node.shape.back(), node.layout.packed ? node.shape.back() : node.strides[0]};
}

/// The operands of an affine op, checked.
template <class T>
struct Products {
  static constexpr std::size_t most = 8;
  std::size_t count;
  std::uint32_t x[most], w[most];
  std::uint32_t bias = none;

  std::vector<std::uint32_t> operands() const {
    std::vector<std::uint32_t> all;
    for (std::size_t i = 0; i < count; ++i) all.insert(all.end(), {x[i], w[i]});
    all.push_back(bias);
    return all;
  }
};

template <class T>
Shape check(Tape<T>& tape, const Products<T>& products) {
  const Shape& first = tape.node(products.x[0]).shape;
  const int last = first.rank() - 1;
  if (last < 0) wrong_argument("affine: x is []: must have at least one axis");
  for (std::size_t i = 0; i < products.count; ++i) {
    const Node<T>&weight = tape.node(products.w[i]), &other = tape.node(products.w[0]);
    const Shape &x = tape.node(products.x[i]).shape, &w = weight.shape;
    const auto name = [&] { return name_of("w", weight); };
    if (w.rank() != 2) wrong_argument("affine: ", name(), " is ", w, ": must have two axes");
    if (x.back() != w[0]) wrong_argument("affine: x is ", x, ", ", name(), " is ", w, ": columns of x must equal rows of w");
    if (x.rank() != first.rank() || !std::equal(x.begin(), x.end() - 1, first.begin()))
      wrong_argument("affine: x is ", x, " beside ", first, ": all but the last axis must be the same");
    if (w[1] != other.shape[1])
      wrong_argument("affine: ", name(), " is ", w, " beside ", name_of("w", other), ' ', other.shape,
                     ": must have the same number of columns");
  }
  const Index columns = tape.node(products.w[0]).shape[1];
  if (products.bias != none) {
    const Node<T>& bias = tape.node(products.bias);
    const Shape& b = bias.shape;
    if (b.size() != columns || b.back() != columns)
      wrong_argument("affine: ", name_of("b", bias), " is ", b, ": must be [", columns, "]");
  }
  Shape shape = first;
  shape[last] = columns;
  return shape;
}

/// Whether a right operand is worth packing: a loop uses it in each step, for more rows than a product does without.
template <class T>
bool is_reused(Tape<T>& tape, std::uint32_t w, Index rows) {
  constexpr Index few_rows = 3, few_steps = 4;
  return tape.loop() && tape.loop()->steps >= few_steps && rows > few_rows && (w < tape.loop()->begin || tape.node(w).parameter);
}

/// z = Σ x W + b, or z += Σ x W where there is no b.
template <class T>
void forward(Tape<T>& tape, const Products<T>& products, T* z, bool accumulate) {
  const T* bias = products.bias == none ? nullptr : tape.node(products.bias).value;
  for (std::size_t i = 0; i < products.count; ++i) {
    const Node<T>&xn = tape.node(products.x[i]), &wn = tape.node(products.w[i]);
    const Matrix<T> x = matrix(xn, xn.value), w = matrix(wn, wn.value);
    if (is_reused(tape, products.w[i], x.rows))
      gemm_packed(accumulate, x.rows, w.columns, x.columns, x.data, x.stride, tape.packing(products.w[i], false), z, w.columns,
                  bias);
    else
      gemm<T>({.accumulate = accumulate}, x.rows, w.columns, x.columns, x.data, x.stride, w.data, w.stride, z, w.columns, bias);
    bias = nullptr;
    accumulate = true;
  }
}

/// Sends dz to the operands.
template <class T>
void send_back(Tape<T>& tape, const Products<T>& products, const T* dz) {
  Index rows = 0, columns = 0;
  for (std::size_t i = 0; i < products.count; ++i) {
    const Node<T>&xn = tape.node(products.x[i]), &wn = tape.node(products.w[i]);
    const Matrix<T> x = matrix(xn, xn.value);
    rows = x.rows, columns = wn.shape[1];
    if (wn.needs_gradient) tape.defer_product(products.w[i], x.data, x.stride, dz, columns, rows);
    if (xn.needs_gradient) {
      const bool add = tape.claim(products.x[i]);
      const Matrix<T> dx = matrix(tape.node(products.x[i]), tape.gradient_buffer(products.x[i]));
      const Node<T>& w = tape.node(products.w[i]);
      if (w.packings[0])  // the forward pass used it many times
        gemm_packed(add, rows, dx.columns, columns, dz, columns, tape.packing(products.w[i], true), dx.data, dx.stride);
      else
        gemm<T>({.transpose_b = true, .accumulate = add}, rows, dx.columns, columns, dz, columns, w.value, w.strides[0], dx.data,
                dx.stride);
    }
  }
  if (products.bias != none && tape.node(products.bias).needs_gradient)
    tape.defer_product(products.bias, nullptr, 0, dz, columns, rows);
}

template <class T>
void backward(Tape<T>& tape, std::uint32_t self, const void* closure) {
  tape.node(self).owns_grad = false;  // notes of products with it may wait until the pass ends
  send_back(tape, *static_cast<const Products<T>*>(closure), static_cast<const T*>(tape.gradient_buffer(self)));
}

template <class T>
bool any_needs_gradient(Tape<T>& tape, const Products<T>& products) {
  bool needs = products.bias != none && tape.node(products.bias).needs_gradient;
  for (std::size_t i = 0; i < products.count; ++i)
    needs |= tape.node(products.x[i]).needs_gradient || tape.node(products.w[i]).needs_gradient;
  return needs && tape.recording();
}

/// Products with the input of a loop, computed for all its steps at once.
template <class T>
struct ProductsOfAllSteps {
  Products<T> products;
  Index steps;

  std::vector<std::uint32_t> operands() const { return products.operands(); }
};

template <class T>
void backward_of_all_steps(Tape<T>& tape, std::uint32_t self, const void* closure) {
  const auto& all = *static_cast<const ProductsOfAllSteps<T>*>(closure);
  const Node<T>& node = tape.node(self);
  Index members = 0;
  for (std::uint32_t m = node.members; m != none; m = tape.node(m).sibling) ++members;
  if (members < all.steps) {  // some steps went another way and left their part of the gradient undefined
    const Index part = node.shape.size() / all.steps;
    Scratch scratch(tape.arena());
    bool* const present = scratch.take<bool>(all.steps);
    std::fill_n(present, all.steps, false);
    for (std::uint32_t m = node.members; m != none; m = tape.node(m).sibling)
      if (part > 0) present[(tape.node(m).value - node.value) / part] = true;
    for (Index step = 0; step < all.steps; ++step)
      if (!present[step]) std::fill_n(node.grad + step * part, part, T(0));
  }
  backward(tape, self, &all.products);
}

template <class T>
constexpr Operation<T> affine_operation{"affine", &backward<T>, &described<&Products<T>::operands>};
template <class T>
constexpr Operation<T> affine_of_all_steps{"affine", &backward_of_all_steps<T>, &described<&ProductsOfAllSteps<T>::operands>};
template <class T>
constexpr Operation<T> matmul_operation{"matmul", &backward<T>, &described<&Products<T>::operands>};
template <class T>
constexpr Operation<T> matmul_of_all_steps{"matmul", &backward_of_all_steps<T>, &described<&ProductsOfAllSteps<T>::operands>};

/// The same for a step of a loop: the result is the step's part of a node that holds all steps, in which products with the input
/// of the loop are computed for all steps when the first one asks.
template <class T>
bool affine_in_loop(Tape<T>& tape, bool is_matmul, const Products<T>& products, const Shape& shape, Var<T>& result) {
  Loop<T>& loop = *tape.loop();
  const auto is_older = [&](std::uint32_t index) { return index < loop.begin || tape.node(index).parameter; };
  if (shape.rank() != 2 || !std::all_of(products.w, products.w + products.count, is_older)) return false;
  if (products.bias != none && !is_older(products.bias)) return false;

  Products<T> for_all{}, for_step{};
  typename Loop<T>::Hoisted hoisted{none, {}, 0, 0};
  for (std::size_t i = 0; i < products.count; ++i) {
    const bool hoist = products.x[i] == loop.input_step;
    Products<T>& part = hoist ? for_all : for_step;
    part.x[part.count] = hoist ? loop.input : products.x[i];
    part.w[part.count++] = products.w[i];
    hoisted.right[hoisted.operands++] = products.w[i];
    if (hoist) hoisted.with_input |= 1U << i;
  }
  (for_all.count > 0 ? for_all : for_step).bias = products.bias;
  hoisted.right[hoisted.operands++] = products.bias;

  const bool needs_gradient = any_needs_gradient(tape, products);
  const Shape shape_of_all{loop.steps * shape[0], shape[1]};
  if (loop.first) {
    // Later steps may need a gradient where the first does not.
    const Var<T> all = tape.record_outside_loop(shape_of_all, tape.recording());
    if (for_all.count > 0) {
      forward(tape, for_all, tape.node(all).value, false);
      if (any_needs_gradient(tape, for_all))
        tape.set_backward(all, is_matmul ? matmul_of_all_steps<T> : affine_of_all_steps<T>,
                          ProductsOfAllSteps<T>{for_all, loop.steps});
    }
    hoisted.all = all.index();
    loop.hoisted.push_back(hoisted);
  } else {
    if (loop.next_hoisted == loop.hoisted.size()) return false;
    const auto& same = loop.hoisted[loop.next_hoisted];
    const Node<T>& all = tape.node(same.all);
    const bool matches = same.operands == hoisted.operands && same.with_input == hoisted.with_input &&
                         std::equal(same.right, same.right + same.operands, hoisted.right) && all.shape == shape_of_all &&
                         (all.needs_gradient || !needs_gradient);
    if (!matches) return false;
    hoisted.all = same.all;
    ++loop.next_hoisted;
  }

  result = tape.view(tape.handle(hoisted.all), tape.layout(shape), loop.step * shape.size(), true);
  tape.node(result).needs_gradient = needs_gradient;
  if (for_step.count > 0) {
    forward(tape, for_step, tape.node(result).value, for_all.count > 0);
    tape.set_backward(result, is_matmul ? matmul_operation<T> : affine_operation<T>, for_step);
  }
  return true;
}

template <class T>
Var<T> record(Tape<T>& tape, bool is_matmul, const Products<T>& products, const Shape& shape) {
  Var<T> result;
  if (tape.loop() && affine_in_loop(tape, is_matmul, products, shape, result)) return result;
  result = tape.record(shape, any_needs_gradient(tape, products));
  forward(tape, products, tape.node(result).value, false);
  tape.set_backward(result, is_matmul ? matmul_operation<T> : affine_operation<T>, products);
  return result;
}

}  // namespace

template <class T>
Var<T> affine(const Var<T>* operands, std::size_t count) {
  Tape<T>& tape = Tape<T>::active();
  if (count < 2) wrong_argument("affine: ", count, " operands: must be pairs x, w, and a bias or none");
  if (constexpr std::size_t most = 2 * Products<T>::most; count / 2 * 2 > most) {  // a node has no room for more
    const Var<T> first = affine(operands, most), others = affine(operands + most, count - most);
    if (!(first.shape() == others.shape()))
      wrong_argument("affine: products are ", first.shape(), " and ", others.shape(), ": must be the same");
    return first + others;
  }
  Products<T> products{};
  products.count = count / 2;
  for (std::size_t i = 0; i < products.count; ++i) {
    const Var<T> x = operands[2 * i], w = operands[2 * i + 1];
    products.x[i] = is_matrix(tape.node(x)) ? x.index() : packed(x).index();
    products.w[i] = is_matrix(tape.node(w)) ? w.index() : packed(w).index();
  }
  if (count % 2 == 1) products.bias = packed(operands[count - 1]).index();
  return record(tape, false, products, check(tape, products));
}

template <class T>
Var<T> product(Var<T> x, Var<T> w) {
  Tape<T>& tape = Tape<T>::active();
  Products<T> products{};
  products.count = 1;
  products.x[0] = x.index();
  products.w[0] = w.index();
  return record(tape, true, products, check(tape, products));
}

template bool is_matrix(const Node<float>&);
template bool is_matrix(const Node<double>&);
template Var<float> affine(const Var<float>*, std::size_t);
template Var<double> affine(const Var<double>*, std::size_t);
template Var<float> product(Var<float>, Var<float>);
template Var<double> product(Var<double>, Var<double>);

}  // namespace carousel::detail
