/// The second half of a tape: gradients, from the loss back to the leaves.

#include <algorithm>
#include <optional>
#include <utility>

#include <carousel/lib/numbers/gemm.hpp>
#include <carousel/lib/numbers/wide_sums.hpp>
#include <carousel/lib/tape/parameter.hpp>
#include <carousel/lib/tape/tape.hpp>

namespace carousel {

template <class T>
T* Tape<T>::take_gradient(Index size) {
  for (FreeGradients& free : free_gradients_)
    if (free.size == size && !free.blocks.empty()) {
      T* block = free.blocks.back();
      free.blocks.pop_back();
      return block;
    }
  return gradients_.template take<T>(size);
}

template <class T>
void Tape<T>::release_gradient(Node& node) {
  if (!node.owns_grad || node.keeps_grad) return;
  const Index size = node.layout.size;
  auto free =
      std::find_if(free_gradients_.begin(), free_gradients_.end(), [&](const FreeGradients& f) { return f.size == size; });
  if (free == free_gradients_.end()) free = free_gradients_.insert(free, {size, {}});
  free->blocks.push_back(node.grad);
  node.grad = nullptr;
}

template <class T>
bool Tape<T>::touched(std::uint32_t index) const {
  for (; index != detail::none; index = nodes_[index].parent)
    if (nodes_[index].touched) return true;
  return false;
}

template <class T>
bool Tape<T>::any_member_reached(const Node& node) const {
  for (std::uint32_t m = node.members; m != detail::none; m = nodes_[m].sibling)
    if (nodes_[m].touched || any_member_reached(nodes_[m])) return true;
  return false;
}

template <class T>
bool Tape<T>::reached(std::uint32_t index) const {
  return touched(index) || any_member_reached(nodes_[index]);
}

template <class T>
T* Tape<T>::make_gradient_buffer(std::uint32_t index) {
  Node& node = nodes_[index];
  if (node.is_view()) {
    node.grad = gradient_buffer(node.parent) + (node.value - nodes_[node.parent].value);
  } else {
    node.grad = take_gradient(node.layout.size);
    node.owns_grad = true;
  }
  return node.grad;
}

template <class T>
void Tape<T>::zero(const Node& node) {
  constexpr T nothing(0);
  detail::copy_strided(node.shape, &nothing, {}, node.grad, node.strides);
}

template <class T>
void Tape<T>::complete(std::uint32_t index) {
  if (touched(index)) return;
  gradient_buffer(index);
  Node& node = nodes_[index];
  if (node.is_view() && !node.is_member) {
    complete(node.parent);
  } else if (node.members != detail::none) {
    for (std::uint32_t m = node.members; m != detail::none; m = nodes_[m].sibling) complete(m);
  } else {
    zero(node);
  }
  node.touched = true;
}

/// As claim(), of a view, or of a node that has views.
template <class T>
bool Tape<T>::claim_part(std::uint32_t index) {
  if (touched(index)) return true;
  Node& node = nodes_[index];
  if ((node.is_view() && !node.is_member) || any_member_reached(node)) {
    complete(index);
    return true;
  }
  gradient_buffer(index);
  node.touched = true;
  return false;
}

template <class T>
void Tape<T>::lend_gradient(std::uint32_t index, T* memory) {
  nodes_[index].grad = memory;
  nodes_[index].touched = true;
}

template <class T>
void Tape<T>::defer_product(std::uint32_t index, const T* a, Index lda, const T* dz, Index ldz, Index rows) {
  Node& node = nodes_[index];
  if (detail::Product<T>* last = node.products; last && last->lda == lda && last->ldz == ldz) {
    // Steps of a sequence lie side by side, in the order of time or against it.
    if (last->a == a + rows * lda && last->dz == dz + rows * ldz) {
      last->a = a, last->dz = dz, last->rows += rows;
      return;
    }
    if (a == last->a + last->rows * lda && dz == last->dz + last->rows * ldz) {
      last->rows += rows;
      return;
    }
  }
  node.products = new (arena_.take(sizeof(detail::Product<T>))) detail::Product<T>{node.products, a, dz, rows, lda, ldz};
}

template <class T>
const T* Tape<T>::packing(std::uint32_t index, bool transposed) {
  T*& packing = nodes_[index].packings[transposed ? 1 : 0];
  if (!packing) {
    const Node& node = nodes_[index];
    const Index k = node.shape[transposed ? 1 : 0], n = node.shape[transposed ? 0 : 1];
    packings_.push_back({index, transposed, arena_.mark()});
    packing = arena_.template take<T>(packed_size<T>(k, n));
    pack(transposed, k, n, node.value, node.strides[0], packing);
  }
  return packing;
}

template <class T>
void Tape<T>::add_products(std::uint32_t index) {
  const Node& node = nodes_[index];
  bool first = !claim(index);
  T* const to = gradient_buffer(index);
  detail::Scratch scratch(arena_);
  std::optional<detail::WideSums<T>> sums;  // of the rows that come with ones
  const Index size = node.layout.size;
  for (const detail::Product<T>* p = std::exchange(nodes_[index].products, nullptr); p; p = p->next) {
    if (p->a) {
      gemm<T>({.transpose_a = true, .accumulate = !first}, node.shape[0], node.shape[1], p->rows, p->a, p->lda, p->dz, p->ldz, to,
              node.strides[0]);
      first = false;
    } else {
      if (!sums) sums.emplace(scratch, size);
      for (Index row = 0; row < p->rows; ++row, sums->added())
        for (Index j = 0; j < size; ++j) sums->part()[j] += p->dz[row * p->ldz + j];
    }
  }
  if (!sums) return;
  const T* const from = sums->finish();
  for (Index j = 0; j < size; ++j) to[j] = first ? from[j] : to[j] + from[j];
}

template <class T>
void Tape<T>::check_parameters() const {
  for (std::uint32_t i : entered_) {
    const Parameter<T>& parameter = *nodes_[i].parameter;
    if (parameter.version_ != nodes_[i].version)
      wrong_order("backward: parameter ", parameter.path, " has changed since the forward pass: update it after backward()");
    if (!has_shape(parameter.gradient, parameter.shape()))
      wrong_order("backward: parameter ", parameter.path, " is ", parameter.shape(), ", its gradient was made ",
                  shape_of(parameter.gradient), ": must have its shape");
  }
}

/// Sends gradients back from the node `last` on, calling after(i) for each that had one; `keep`: the parameters do not get them.
template <class T>
template <class After>
void Tape<T>::sweep(std::uint32_t last, bool keep, After after) {
  const std::size_t size = nodes_.size();
  const NoGrad<T> no_gradient(*this);  // a backward function may be made of ops: they compute, and are forgotten
  for (std::uint32_t i = last + 1; i-- > 0;) {
    if (!nodes_[i].needs_gradient) continue;
    if (nodes_[i].products) add_products(i);
    if (nodes_[i].is_view() && !nodes_[i].operation) continue;  // its gradient lies in its parent's
    if (!nodes_[i].touched) {
      if (!reached(i)) continue;
      complete(i);
    }
    if (nodes_[i].operation) {
      nodes_[i].operation->backward(*this, i, nodes_[i].closure);
      if (nodes_.size() > size) forget(size);
      release_gradient(nodes_[i]);
    }
    if (nodes_[i].parameter && !keep) nodes_[i].parameter->has_gradient = true;
    after(i);
  }
}

template <class T>
void Tape<T>::backward(Var<T> loss, Gradients gradients) {
  if (node(loss).shape.size() != 1)
    wrong_argument("backward: loss is ", node(loss).shape, ": must hold one number; take mean() or sum()");
  if (consumed_)
    wrong_order("backward: this tape was consumed by an earlier backward(): add several losses first, then call it once");
  if (!node(loss).needs_gradient) wrong_argument("backward: the loss depends on nothing that receives a gradient");
  check_parameters();
  consumed_ = true;

  gradients_of_ = gradients == Gradients::keep ? 0 : detail::next_serial();
  detail::ParameterStore<T>* zeroed = nullptr;
  for (std::uint32_t i : entered_) {
    Node& leaf = nodes_[i];
    if (!leaf.needs_gradient || gradients == Gradients::keep) continue;
    detail::ParameterStore<T>& store = leaf.parameter->store_;
    if (&store != zeroed) {
      if (gradients == Gradients::replace) store.zero_gradients();
      store.gradients_of = gradients == Gradients::replace ? gradients_of_ : 0;
      zeroed = &store;
    }
    leaf.grad = leaf.parameter->gradient.data();
    leaf.touched = leaf.parameter->has_gradient;
  }

  if (claim(loss.index()))
    *gradient_buffer(loss.index()) += T(1);
  else
    *gradient_buffer(loss.index()) = T(1);

  const bool keep = gradients == Gradients::keep;
  if (observer)
    sweep(loss.index(), keep, [this](std::uint32_t i) { observer->sent_back(*this, i); });
  else
    sweep(loss.index(), keep, [](std::uint32_t) {});
}

template <class T>
void Tape<T>::forget_gradients() {
  for (Node& node : nodes_) {
    node.grad = nullptr;
    node.products = nullptr;
    node.touched = node.owns_grad = false;
  }
  gradients_.clear();
  for (FreeGradients& free : free_gradients_) free.blocks.clear();
  consumed_ = false;
}

template <class T>
void Tape<T>::add_to_parameters() {
  for (std::uint32_t i : entered_) {
    const Node& leaf = nodes_[i];
    if (!leaf.needs_gradient || !leaf.touched) continue;
    leaf.parameter->store_.gradients_of = 0;
    T* to = leaf.parameter->gradient.data();
    const Index size = leaf.shape.size();
    if (leaf.parameter->has_gradient)
      for (Index k = 0; k < size; ++k) to[k] += leaf.grad[k];
    else
      std::copy_n(leaf.grad, size, to);
    leaf.parameter->has_gradient = true;
  }
}

template float* Tape<float>::take_gradient(Index size);
template void Tape<float>::release_gradient(Node& node);
template bool Tape<float>::touched(std::uint32_t index) const;
template bool Tape<float>::reached(std::uint32_t index) const;
template bool Tape<float>::any_member_reached(const Node& node) const;
template float* Tape<float>::make_gradient_buffer(std::uint32_t index);
template void Tape<float>::zero(const Node& node);
template void Tape<float>::complete(std::uint32_t index);
template bool Tape<float>::claim_part(std::uint32_t index);
template void Tape<float>::lend_gradient(std::uint32_t index, float* memory);
template void Tape<float>::defer_product(std::uint32_t index, const float* a, Index lda, const float* dz, Index ldz, Index rows);
template const float* Tape<float>::packing(std::uint32_t index, bool transposed);
template void Tape<float>::add_products(std::uint32_t index);
template void Tape<float>::check_parameters() const;
template void Tape<float>::backward(Var<float> loss, Gradients gradients);
template void Tape<float>::forget_gradients();
template void Tape<float>::add_to_parameters();
template double* Tape<double>::take_gradient(Index size);
template void Tape<double>::release_gradient(Node& node);
template bool Tape<double>::touched(std::uint32_t index) const;
template bool Tape<double>::reached(std::uint32_t index) const;
template bool Tape<double>::any_member_reached(const Node& node) const;
template double* Tape<double>::make_gradient_buffer(std::uint32_t index);
template void Tape<double>::zero(const Node& node);
template void Tape<double>::complete(std::uint32_t index);
template bool Tape<double>::claim_part(std::uint32_t index);
template void Tape<double>::lend_gradient(std::uint32_t index, double* memory);
template void Tape<double>::defer_product(std::uint32_t index, const double* a, Index lda, const double* dz, Index ldz,
                                          Index rows);
template const double* Tape<double>::packing(std::uint32_t index, bool transposed);
template void Tape<double>::add_products(std::uint32_t index);
template void Tape<double>::check_parameters() const;
template void Tape<double>::backward(Var<double> loss, Gradients gradients);
template void Tape<double>::forget_gradients();
template void Tape<double>::add_to_parameters();

}  // namespace carousel
