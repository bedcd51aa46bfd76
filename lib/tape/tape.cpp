#include <carousel/lib/tape/tape.hpp>

#include <algorithm>
#include <atomic>
#include <cstdio>

#include <carousel/lib/tape/parameter.hpp>

namespace carousel {

namespace {

/// Unique in the process. Each thread takes many at a time.
std::uint64_t next_serial() {
  constexpr std::uint64_t many = 1 << 16;
  static std::atomic<std::uint64_t> taken{0};
  static thread_local std::uint64_t last = 0, last_taken = 0;
  if (last == last_taken) {
    last = taken.fetch_add(many);
    last_taken = last + many;
  }
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
  const auto unlink = [this](Tape*& first) {
    Tape** link = &first;
    while (*link && *link != this) link = &(*link)->previous_;
    if (*link) *link = previous_;
  };
  unlink(active_);
  for (Activation<T>* a = Activation<T>::innermost_; a; a = a->outer_) unlink(a->previous_);
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
  entered_.clear();
  consumed_ = false;
  loop_depth_ = 0;
  loop_ = nullptr;
  serial_ = next_serial();
}

template <class T>
void Tape<T>::rewind(std::size_t count, detail::Arena::Mark mark) {
  while (!entered_.empty() && entered_.back() >= count) entered_.pop_back();
  for (; !packings_.empty() && packings_.back().before >= mark; packings_.pop_back())
    if (const auto& [node, transposed, before] = packings_.back(); node < count)
      nodes_[node].packings[transposed ? 1 : 0] = nullptr;
  for (std::size_t i = nodes_.size(); i-- > count;)
    if (nodes_[i].is_member && nodes_[i].parent < count) nodes_[nodes_[i].parent].members = nodes_[i].sibling;
  while (nodes_.size() > count) nodes_.pop_back();
  arena_.rewind(mark);
}

template <class T>
Var<T> Tape<T>::record(const detail::Layout& layout, bool needs_gradient) {
  return record_at(loop_ ? loop_->take(arena_, layout.size) : arena_.template take<T>(layout.size), layout, needs_gradient);
}

template <class T>
Var<T> Tape<T>::record_outside_loop(const Shape& shape, bool needs_gradient) {
  const detail::Layout& packed = layout(shape);
  return record_at(arena_.template take<T>(packed.size), packed, needs_gradient);
}

template <class T>
Var<T> Tape<T>::record_at(T* value, const detail::Layout& layout, bool needs_gradient) {
  nodes_.emplace_back(value, layout).needs_gradient = needs_gradient;
  const auto index = static_cast<std::uint32_t>(nodes_.size() - 1);
  if (observer) [[unlikely]]
    observer->recorded(*this, index);
  return handle(index);
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
Var<T> Tape<T>::view(Var<T> of, const detail::Layout& layout, Index offset, bool member) {
  const auto index = static_cast<std::uint32_t>(nodes_.size());
  Node& node = nodes_.emplace_back(this->node(of).value + offset, layout);
  Node& parent = nodes_[of.index()];
  if (parent.is_view() && !parent.is_member) member = false;  // what the whole consists of is not known through such a view
  node.needs_gradient = parent.needs_gradient && recording_;
  // Chains of views, as a state makes them that is handed on as a view, stay short: a view lies as well in the parent of a view
  // that is no member, and below many members of members, as no member, in what they all lie in.
  const auto is_link = [&](const Node& n) { return n.is_view() && !n.operation; };
  const bool deep = is_link(parent) && parent.depth == detail::deepest_view;
  if (deep) member = false;
  node.parent = of.index();
  if (!member)
    while (is_link(nodes_[node.parent]) && (deep || !nodes_[node.parent].is_member)) node.parent = nodes_[node.parent].parent;
  if (is_link(nodes_[node.parent])) node.depth = static_cast<std::uint8_t>(nodes_[node.parent].depth + 1);
  node.is_member = member;
  if (member) {
    node.sibling = parent.members;
    parent.members = index;
  }
  if (observer) [[unlikely]]
    observer->recorded(*this, index);
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
  if (index >= nodes_.size() || nodes_[index].parameter != &parameter || nodes_[index].version != parameter.version) {
    if (parameter.value.size() != parameter.gradient.size())
      wrong_argument("parameter: ", parameter.path, " was made as ", shape_of(parameter.gradient), ", its value is now ",
                     parameter.shape(), ": must keep its shape");
    index = static_cast<std::uint32_t>(nodes_.size());
    Node& node = nodes_.emplace_back(parameter.value.data(), layout(parameter.shape()));
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
  if (!n.layout.packed) wrong_argument("data: ", n.shape, " is a view with gaps: must be packed");
  return n.value;
}

template <class T>
void Tape<T>::copy_elements(Var<T> v, T* to) {
  const Node& n = node(v);
  if (n.layout.packed)
    std::copy_n(n.value, n.layout.size, to);
  else
    detail::copy_strided(n.shape, n.value, n.strides, to, detail::contiguous(n.shape));
}

template <class T>
void Tape<T>::copy_value(Var<T> v, Tensor<T>& to) {
  const Node& n = node(v);
  if (!has_shape(to, n.shape)) to = empty<T>(n.shape);
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

/// Here, where the tape itself is, for it must be in every program that has one, and may be called by debuggers alone.
template <class T>
void Tape<T>::print() const {
  std::fputs(text().c_str(), stderr);
}

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
  const Var<T> out = tape.view(v, node.layout, 0, false);
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
