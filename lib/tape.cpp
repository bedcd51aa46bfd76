#include <carousel/lib/tape.hpp>

#include <algorithm>
#include <atomic>

#include <carousel/lib/gemm.hpp>
#include <carousel/lib/parameter.hpp>

namespace carousel {

namespace {

std::uint64_t next_serial() {
  static std::atomic<std::uint64_t> last{0};
  return ++last;
}

}  // namespace

template <class T>
Tape<T>::Tape() : serial_(next_serial()), previous_(active_) {
  active_ = this;
}

template <class T>
Tape<T>::Tape(Idle) : serial_(next_serial()) {}

template <class T>
Tape<T>::~Tape() {
  Tape** link = &active_;  // an idle tape is not in the chain
  while (*link && *link != this) link = &(*link)->previous_;
  if (*link) *link = previous_;
}

template <class T>
void Tape<T>::no_active_tape() {
  wrong_order("tape: no tape is active on this thread: construct a Tape before computing with Vars");
}

template <class T>
void Tape<T>::stale(Var<T> v) const {
  if (v.serial() == 0) wrong_order("var: used before a value was given to it");
  wrong_order("var: its tape was cleared, or is not the active one: keep() what must live longer");
}

template <class T>
void Tape<T>::clear() {
  nodes_.clear();
  packings_.clear();
  arena_.clear();
  gradients_.clear();
  for (FreeGradients& free : free_gradients_) free.blocks.clear();
  std::fill(parameter_nodes_.begin(), parameter_nodes_.end(), detail::none);
  entered_.clear();
  consumed_ = false;
  loop_depth_ = 0;
  loop_ = nullptr;
  serial_ = next_serial();
}

template <class T>
void Tape<T>::rewind(std::size_t count, detail::Arena::Mark mark) {
  for (; !entered_.empty() && entered_.back() >= count; entered_.pop_back())
    parameter_nodes_[nodes_[entered_.back()].parameter->id] = detail::none;
  for (; !packings_.empty() && packings_.back().before >= mark; packings_.pop_back())
    if (const auto& [node, transposed, before] = packings_.back(); node < count)
      nodes_[node].packings[transposed ? 1 : 0] = nullptr;
  for (std::size_t i = nodes_.size(); i-- > count;)
    if (nodes_[i].is_member && nodes_[i].parent < count) nodes_[nodes_[i].parent].members = nodes_[i].sibling;
  nodes_.resize(count);
  arena_.rewind(mark);
}

template <class T>
Var<T> Tape<T>::record(Shape shape, bool needs_gradient) {
  const Index size = shape.size();
  return record_at(loop_ ? loop_->take(arena_, size) : arena_.template take<T>(size), shape, needs_gradient);
}

template <class T>
Var<T> Tape<T>::record_outside_loop(Shape shape, bool needs_gradient) {
  return record_at(arena_.template take<T>(shape.size()), shape, needs_gradient);
}

template <class T>
Var<T> Tape<T>::record_at(T* value, Shape shape, bool needs_gradient) {
  Node& node = nodes_.emplace_back();
  node.value = value;
  node.shape = shape;
  node.strides = detail::contiguous(shape);
  node.needs_gradient = needs_gradient;
  return handle(static_cast<std::uint32_t>(nodes_.size() - 1));
}

template <class T>
detail::Loop<T>& Tape<T>::begin_loop(Index steps, std::uint32_t input) {
  if (loop_depth_ == loops_.size()) loops_.emplace_back();
  loop_ = &loops_[loop_depth_++];
  loop_->start(steps, input, static_cast<std::uint32_t>(nodes_.size()));
  return *loop_;
}

template <class T>
void Tape<T>::end_loop() {
  --loop_depth_;
  loop_ = loop_depth_ == 0 ? nullptr : &loops_[loop_depth_ - 1];
}

template <class T>
Var<T> Tape<T>::view(Var<T> of, Shape shape, detail::Strides strides, Index offset, bool member) {
  node(of);
  const auto index = static_cast<std::uint32_t>(nodes_.size());
  Node& node = nodes_.emplace_back();
  Node& parent = nodes_[of.index()];
  if (parent.is_view() && !parent.is_member) member = false;  // what the whole consists of is not known through such a view
  node.value = parent.value + offset;
  node.shape = shape;
  node.strides = strides;
  node.needs_gradient = parent.needs_gradient && recording_;
  // Chains of views, as a state makes them that is handed on as a view, stay short: a view lies as well in the parent of a view that is
  // no member, and below many members of members, as no member, in what they all lie in.
  const auto is_link = [&](const Node& n) { return n.is_view() && !n.operation; };
  const bool deep = is_link(parent) && parent.depth == detail::deepest_view;
  if (deep) member = false;
  node.parent = of.index();
  if (!member)
    while (is_link(nodes_[node.parent]) && (deep || !nodes_[node.parent].is_member)) node.parent = nodes_[node.parent].parent;
  if (is_link(nodes_[node.parent])) node.depth = static_cast<std::uint8_t>(nodes_[node.parent].depth + 1);
  node.is_member = member;
  const detail::Strides dense = detail::contiguous(shape);
  for (int axis = 0; axis < shape.rank(); ++axis) {
    const auto a = static_cast<std::size_t>(axis);
    if (shape[axis] != 1 && strides[a] != dense[a]) node.packed = false;
  }
  if (member) {
    node.sibling = parent.members;
    parent.members = index;
  }
  return handle(index);
}

template <class T>
Var<T> Tape<T>::constant(const Shape& shape) {
  return record(shape, false);
}

template <class T>
Var<T> Tape<T>::constant(const Tensor<T>& data) {
  const Var<T> v = record(shape_of(data), false);
  std::copy_n(data.data(), data.size(), nodes_.back().value);
  return v;
}

template <class T>
Var<T> Tape<T>::variable(const Tensor<T>& data) {
  const Var<T> v = constant(data);
  nodes_.back().needs_gradient = recording_;
  nodes_.back().keeps_grad = true;
  return v;
}

template <class T>
Var<T> Tape<T>::enter(Parameter<T>& parameter) {
  if (parameter.id >= parameter_nodes_.size()) parameter_nodes_.resize(parameter.id + 1, detail::none);
  std::uint32_t& index = parameter_nodes_[parameter.id];
  if (index == detail::none || nodes_[index].parameter != &parameter) {
    index = static_cast<std::uint32_t>(nodes_.size());
    Node& node = nodes_.emplace_back();
    node.value = parameter.value.data();
    node.shape = parameter.shape();
    node.strides = detail::contiguous(node.shape);
    node.needs_gradient = recording_ && !parameter.frozen;
    node.parameter = &parameter;
    node.version = parameter.version;
    entered_.push_back(index);
  } else if (recording_ && !parameter.frozen) {
    nodes_[index].needs_gradient = true;  // it may have entered under a NoGrad
  }
  return handle(index);
}

template <class T>
T* Tape<T>::data(Var<T> v) {
  const Node& n = node(v);
  if (!n.packed) wrong_argument("data: ", n.shape, " is a view with gaps: must be packed");
  return n.value;
}

template <class T>
void Tape<T>::copy_elements(Var<T> v, T* to) {
  const Node& n = node(v);
  detail::copy_strided(n.shape, n.value, n.strides, to, detail::contiguous(n.shape));
}

template <class T>
void Tape<T>::copy_value(Var<T> v, Tensor<T>& to) {
  const Node& n = node(v);
  if (!(carousel::shape_of(to) == n.shape)) to = empty<T>(n.shape);
  copy_elements(v, to.data());
}

template <class T>
void Tape<T>::keep_gradient(Var<T> v) {
  if (!node(v).needs_gradient) wrong_argument("keep_gradient: the value depends on nothing that receives a gradient");
  for (std::uint32_t i = v.index(); i != detail::none; i = nodes_[i].parent)
    nodes_[i].keeps_grad = true;  // a view's lies in its parent's
}

template <class T>
Tensor<T> Tape<T>::gradient(Var<T> v) {
  const Node& n = node(v);
  if (!consumed_) wrong_order("gradient: backward() has not run on this tape");
  if (!n.needs_gradient) wrong_argument("gradient: the value depends on nothing that receives a gradient");
  if (!n.keeps_grad && !n.parameter) wrong_argument("gradient: of an inner value: pass it to keep_gradient() before backward()");
  Tensor<T> out = zeros<T>(n.shape);
  if (touched(v.index()))
    detail::copy_strided(n.shape, gradient_buffer(v.index()), n.strides, out.data(), detail::contiguous(n.shape));
  return out;
}

// ---- gradients ----------------------------------------------------------------------------------------------------------------

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
  const Index size = node.shape.size();
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
bool Tape<T>::reached(std::uint32_t index) const {
  if (touched(index)) return true;
  for (std::uint32_t m = nodes_[index].members; m != detail::none; m = nodes_[m].sibling)
    if (reached(m)) return true;
  return false;
}

template <class T>
T* Tape<T>::gradient_buffer(std::uint32_t index) {
  Node& node = nodes_[index];
  if (node.grad) return node.grad;
  if (node.is_view()) {
    node.grad = gradient_buffer(node.parent) + (node.value - nodes_[node.parent].value);
  } else {
    node.grad = take_gradient(node.shape.size());
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

template <class T>
bool Tape<T>::claim(std::uint32_t index) {
  if (touched(index)) return true;
  const Node& node = nodes_[index];
  if ((node.is_view() && !node.is_member) || reached(index)) {
    complete(index);
    return true;
  }
  gradient_buffer(index);
  nodes_[index].touched = true;
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
  Node& node = nodes_[index];
  if (!node.products) return;
  bool first = !claim(index);
  T* const to = gradient_buffer(index);
  for (const detail::Product<T>* p = node.products; p; p = p->next) {
    gemm<T>({.transpose_a = true, .accumulate = !first}, node.shape[0], node.shape[1], p->rows, p->a, p->lda, p->dz, p->ldz, to,
            node.strides[0]);
    first = false;
  }
  node.products = nullptr;
}

template <class T>
void Tape<T>::check_parameters() const {
  for (std::uint32_t i : entered_)
    if (nodes_[i].parameter->version != nodes_[i].version)
      wrong_order("backward: parameter ", nodes_[i].parameter->path,
                  " has changed since the forward pass: update it after backward()");
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

  const Registry<T>* zeroed = nullptr;
  for (std::uint32_t i : entered_) {
    Node& leaf = nodes_[i];
    if (!leaf.needs_gradient || gradients == Gradients::keep) continue;
    Registry<T>* registry = leaf.parameter->registry;
    if (gradients == Gradients::replace && registry != zeroed) registry->zero_gradients();
    zeroed = registry;
    leaf.grad = leaf.parameter->gradient.data();
    leaf.touched = leaf.parameter->has_gradient;
  }

  if (claim(loss.index()))
    *gradient_buffer(loss.index()) += T(1);
  else
    *gradient_buffer(loss.index()) = T(1);

  for (std::uint32_t i = loss.index() + 1; i-- > 0;) {
    if (!nodes_[i].needs_gradient) continue;
    add_products(i);
    const Node& current = nodes_[i];
    if (current.is_view() && !current.operation) continue;  // its gradient lies in its parent's
    if (!reached(i)) continue;
    complete(i);
    if (current.operation) {
      current.operation->backward(*this, i, current.closure);
      release_gradient(nodes_[i]);
    }
    if (current.parameter && gradients != Gradients::keep) current.parameter->has_gradient = true;
  }
}

template <class T>
void Tape<T>::add_to_parameters() {
  for (std::uint32_t i : entered_) {
    const Node& leaf = nodes_[i];
    if (!leaf.needs_gradient || !leaf.touched) continue;
    T* to = leaf.parameter->gradient.data();
    const Index size = leaf.shape.size();
    if (leaf.parameter->has_gradient)
      for (Index k = 0; k < size; ++k) to[k] += leaf.grad[k];
    else
      std::copy_n(leaf.grad, size, to);
    leaf.parameter->has_gradient = true;
  }
}

// ---- handles ------------------------------------------------------------------------------------------------------------------

template <class T>
Var<T>::Var(Param<T> parameter) : Var(Tape<T>::active().enter(*parameter)) {}

template <class T>
Shape Var<T>::shape() const {
  return Tape<T>::active().node(*this).shape;
}

template <class T>
Tensor<T> Var<T>::value() const {
  Tensor<T> out;
  Tape<T>::active().copy_value(*this, out);
  return out;
}

template <class T>
T Var<T>::item() const {
  const detail::Node<T>& node = Tape<T>::active().node(*this);
  if (node.shape.size() != 1) wrong_argument("item: value is ", node.shape, ": must hold one number");
  return *node.value;
}

namespace {
template <class T>
Var<T> detached(Var<T> v) {
  Tape<T>& tape = Tape<T>::active();
  const detail::Node<T>& node = tape.node(v);
  const Var<T> out = tape.view(v, node.shape, node.strides, 0, false);
  tape.node(out).needs_gradient = false;
  return out;
}
}  // namespace

Var<float> detach(Var<float> v) {
  return detached(v);
}
Var<double> detach(Var<double> v) {
  return detached(v);
}

template class Var<float>;
template class Var<double>;
template class Tape<float>;
template class Tape<double>;

}  // namespace carousel
