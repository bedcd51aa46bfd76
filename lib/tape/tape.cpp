#include <carousel/lib/tape/tape.hpp>

#include <algorithm>
#include <atomic>
#include <cstdio>
#include <type_traits>

#include <carousel/lib/tape/parameter.hpp>

namespace carousel {

using detail::next_serial;

/// Each thread takes many at a time.
std::uint64_t detail::next_serial() {
  constexpr std::uint64_t many = 1 << 16;
  static std::atomic<std::uint64_t> taken{0};
  static thread_local std::uint64_t last = 0, last_taken = 0;
  if (last == last_taken) {
    last = taken.fetch_add(many);
    last_taken = last + many;
  }
  return ++last;
}

template <class T>
Tape<T>::Tape() : serial_(next_serial()) {
  own_.enter(*this);
}

template <class T>
Tape<T>::Tape(Idle) : serial_(next_serial()) {}

template <class T>
Tape<T>::~Tape() {
  while (entries_) entries_->leave();
  for (NoGrad<T>* n = no_grads_; n; n = n->next_) n->tape_ = nullptr;
}

template <class T>
void Tape<T>::no_active_tape() {
  constexpr bool is_float = std::is_same_v<T, float>;
  if (detail::Thread<std::conditional_t<is_float, double, float>>::here().active)
    wrong_order("tape: no tape of ", is_float ? "float" : "double", " is active on this thread, one of ",
                is_float ? "double" : "float", " is: values and their tape must be of one scalar type");
  wrong_order("tape: no tape is active on this thread: construct a Tape before computing with Vars");
}

template <class T>
void Tape<T>::stale(Var<T> v) const {
  if (v.serial() == 0) wrong_order("var: used before a value was given to it");
  for (const detail::ActiveEntry<T>* entry = detail::Thread<T>::here().top; entry; entry = entry->below)
    if (const auto& nodes = entry->tape->nodes_; v.index() < nodes.size() && nodes[v.index()].serial == v.serial())
      wrong_order("var: it is of another tape than the active one: must be used while its own is active");
  wrong_order("var: its tape has forgotten it, by clear(), at the end of a step without gradients, or with its own end: ",
              "keep() what must live longer");
}

template <class T>
void Tape<T>::clear() {
  if (uncleared_ > 0) wrong_order("clear: a scan runs on this tape: must come after it");
  nodes_.clear();
  packings_.clear();
  arena_.clear();
  gradients_.clear();
  for (FreeGradients& free : free_gradients_) free.blocks.clear();
  entered_.clear();
  std::erase_if(held_, [](const auto& store) { return store.use_count() == 1; });  // the others are likely to enter again
  consumed_ = false;
  loop_depth_ = 0;
  loop_ = nullptr;
  serial_ = next_serial();
}

/// Forgets the nodes from `count` on, not their memory.
template <class T>
void Tape<T>::forget(std::size_t count) {
  if (nodes_.size() <= count) return;
  while (!entered_.empty() && entered_.back() >= count) entered_.pop_back();
  for (std::size_t i = nodes_.size(); i-- > count;)
    if (nodes_[i].is_member && nodes_[i].parent < count) nodes_[nodes_[i].parent].members = nodes_[i].sibling;
  while (nodes_.size() > count) nodes_.pop_back();
  serial_ = next_serial();
}

template <class T>
void Tape<T>::rewind(std::size_t count, detail::Arena::Mark mark) {
  for (; !packings_.empty() && packings_.back().before >= mark; packings_.pop_back())
    if (const auto& [node, transposed, before] = packings_.back(); node < count)
      nodes_[node].packings[transposed ? 1 : 0] = nullptr;
  forget(count);
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
  nodes_.emplace_back(value, layout, serial_).needs_gradient = needs_gradient;
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
  Node& node = nodes_.emplace_back(this->node(of).value + offset, layout, serial_);
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
  if (parameter.id_ >= parameter_nodes_.size()) parameter_nodes_.resize(parameter.id_ + 1, detail::none);
  std::uint32_t& index = parameter_nodes_[parameter.id_];
  if (index >= nodes_.size() || nodes_[index].parameter != &parameter || nodes_[index].version != parameter.version_) {
    hold(parameter);
    index = static_cast<std::uint32_t>(nodes_.size());
    Node& node = nodes_.emplace_back(parameter.value_.data(), layout(parameter.shape()), serial_);
    node.needs_gradient = recording_ && !parameter.frozen;
    node.parameter = &parameter;
    node.version = parameter.version_;
    entered_.push_back(index);
  } else if (recording_ && !parameter.frozen) {
    nodes_[index].needs_gradient = true;  // it may have entered under a NoGrad
  }
  return handle(index);
}

/// Keeps a parameter alive, with all of its registry, until clear().
template <class T>
void Tape<T>::hold(Parameter<T>& parameter) {
  const auto is_store = [&](const auto& store) { return store.get() == &parameter.store_; };
  if (std::none_of(held_.begin(), held_.end(), is_store)) held_.push_back(parameter.store_.shared_from_this());
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
  const T* grad = touched(v.index()) ? gradient_buffer(v.index()) : nullptr;
  if (n.parameter && grad && gradients_of_ != 0) {
    if (n.parameter->store_.gradients_of != gradients_of_)
      wrong_order("gradient: that of parameter ", n.parameter->path,
                  " is no longer of this tape alone: read the parameter's own .gradient");
    grad = n.parameter->gradient.data();
  }
  Tensor<T> out = zeros<T>(n.shape);
  if (grad) detail::copy_strided(n.shape, grad, n.strides, out.data(), detail::contiguous(n.shape));
  return out;
}

/// Here, where the tape itself is, for it must be in every program that has one, and may be called by debuggers alone.
template <class T>
void Tape<T>::print() const {
  std::fputs(text().c_str(), stderr);
}

template <class T>
Var<T>::Var(const Param<T>& parameter) : Var(Tape<T>::active().enter(*parameter)) {}

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
