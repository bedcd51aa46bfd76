#include <carousel/lib/look/trace.hpp>

#include <algorithm>
#include <cmath>

namespace carousel {

namespace {

/// The elements of a node, by their number row by row: of its value, or of what lies as it does.
template <class T>
struct Elements {
  const detail::Node<T>& node;
  const T* data;

  Index size() const { return node.layout.size; }
  T operator[](Index element) const {
    Index offset = 0;
    for (int axis = node.shape.rank() - 1; axis >= 0; --axis) {
      offset += element % node.shape[axis] * node.strides[static_cast<std::size_t>(axis)];
      element /= node.shape[axis];
    }
    return data[offset];
  }
  /// The first element for which f holds, or −1.
  template <class F>
  Index first(const F& f) const {
    for (Index element = 0; element < size(); ++element)
      if (f((*this)[element])) return element;
    return -1;
  }
  /// The first that is not finite, else the one that is farthest from 0; −1 of none.
  Index extreme() const {
    Index at = -1;
    for (Index element = 0; element < size(); ++element) {
      const T x = (*this)[element];
      if (!std::isfinite(x)) return element;
      if (at < 0 || std::abs(x) > std::abs((*this)[at])) at = element;
    }
    return at;
  }
};

template <class T>
Elements<T> values_of(const detail::Node<T>& node) {
  return {node, node.value};
}

template <class T>
bool not_finite(T x) {
  return !std::isfinite(x);
}

/// "[3, 17]", of an element of that shape.
std::string index_in(const Shape& shape, Index element) {
  std::string text;
  for (int axis = shape.rank() - 1; axis >= 0; --axis) {
    text = join(element % shape[axis], axis + 1 < shape.rank() ? ", " : "", text);
    element /= shape[axis];
  }
  return "[" + text + "]";
}

/// "inf at [3, 17] of [16, 64]".
template <class T>
std::string element_text(const Elements<T>& elements, Index element) {
  const double value = static_cast<double>(elements[element]);
  if (elements.node.shape.rank() == 0) return join(value);
  return join(value, " at ", index_in(elements.node.shape, element), " of ", elements.node.shape);
}

/// The element of an operand that stands beside an element of the result, as shapes broadcast; −1 if they do not.
Index beside(const Shape& result, Index element, const Shape& operand) {
  if (operand.rank() > result.rank()) return -1;
  Index at = 0, step = 1;
  for (int axis = result.rank() - 1; axis >= 0; --axis) {
    const Index i = element % result[axis];
    element /= result[axis];
    const int in_operand = axis - result.rank() + operand.rank();
    if (in_operand < 0) continue;
    if (operand[in_operand] != 1 && operand[in_operand] != result[axis]) return -1;
    if (operand[in_operand] != 1) at += i * step;
    step *= operand[in_operand];
  }
  return at;
}

template <class T>
std::string name_of(Tape<T>& tape, std::uint32_t index) {
  const Parameter<T>* const parameter = tape.node(index).parameter;
  return parameter ? parameter->path : join("%", index);
}

/// Operands, and those of the product for all steps of a loop of which a node is one step.
template <class T>
std::vector<std::uint32_t> operands_of(Tape<T>& tape, std::uint32_t index) {
  std::vector<std::uint32_t> all = tape.describe(index).operands;
  if (const std::uint32_t parent = tape.node(index).parent; parent != detail::none && tape.node(index).operation) {
    const std::vector<std::uint32_t> more = tape.describe(parent).operands;
    all.insert(all.end(), more.begin(), more.end());
  }
  return all;
}

/// Whether an infinity of the node is one that its formula holds, or that an operand had before.
template <class T>
bool is_meant(Tape<T>& tape, std::uint32_t index) {
  const detail::Description description = tape.describe(index);
  if (!tape.node(index).operation) return !tape.node(index).parameter;  // a constant
  return std::any_of(description.formula.begin(), description.formula.end(),
                     [](const detail::Symbol& symbol) { return std::isinf(symbol.number); }) ||
         std::any_of(description.operands.begin(), description.operands.end(), [&](std::uint32_t operand) {
           return values_of(tape.node(operand)).first([](T x) { return std::isinf(x); }) >= 0;
         });
}

/// The first NaN of a node that none of its operands had: of an elementwise op in that place, of another anywhere; −1 of none.
template <class T>
Index first_new_nan(Tape<T>& tape, std::uint32_t index) {
  const detail::Node<T>& node = tape.node(index);
  const auto is_nan = [](T x) { return std::isnan(x); };
  const Index first = values_of(node).first(is_nan);
  if (first < 0 || node.parameter) return first;
  const bool elementwise = !tape.describe(index).formula.empty();
  std::vector<std::uint32_t> before;  // operands that have a NaN
  for (const std::uint32_t operand : operands_of(tape, index))
    if (values_of(tape.node(operand)).first(is_nan) >= 0) before.push_back(operand);
  if (before.empty() || !elementwise) return before.empty() ? first : -1;
  const Elements<T> values = values_of(node);
  for (Index element = first; element < values.size(); ++element) {
    const bool is_new = std::isnan(values[element]) && std::none_of(before.begin(), before.end(), [&](std::uint32_t operand) {
                          const Elements<T> given = values_of(tape.node(operand));
                          const Index at = beside(node.shape, element, given.node.shape);
                          return at < 0 || std::isnan(given[at]);
                        });
    if (is_new) return element;
  }
  return -1;
}

/// What a node computes: "exp(%41)", "affine of %30, net/wx, net/b".
template <class T>
std::string what(Tape<T>& tape, std::uint32_t index) {
  std::string text = tape.text(index);  // "[16, 64] exp(%41)"
  if (tape.node(index).operation) text = text.substr(0, text.find(", view of "));
  return text.substr(text.find(']') + 2);
}

}  // namespace

template <class T>
void Trace<T>::recorded(Tape<T>&, std::uint32_t index) {
  places_.resize(std::max<std::size_t>(places_.size(), index + 1));
  const Recorder<T>* const recorder = Recorder<T>::listening();
  places_[index] = recorder ? Where{recorder->here, recorder->here.in_cell} : Where{};
}

template <class T>
std::string Trace<T>::in_place(std::uint32_t index) const {
  const auto [at, in_cell] = place(index);
  std::string text;
  if (!at.part.empty()) text += join(", ", at.part);
  if (in_cell) text += join(", layer ", at.layer, at.backward ? " backwards in time" : "");
  if (in_cell || !at.part.empty()) text += join(", step ", at.step);
  return text;
}

template <class T>
std::string Trace<T>::about_operands(Tape<T>& tape, std::uint32_t index, Index element) const {
  const detail::Node<T>& node = tape.node(index);
  const bool elementwise = !tape.describe(index).formula.empty();
  std::string lines;
  std::vector<std::uint32_t> seen;
  for (const std::uint32_t operand : operands_of(tape, index)) {
    if (std::find(seen.begin(), seen.end(), operand) != seen.end() || seen.size() == 8) continue;
    seen.push_back(operand);
    const Elements<T> values = values_of(tape.node(operand));
    Index at = elementwise ? beside(node.shape, element, values.node.shape) : -1;
    const bool is_extreme = at < 0;
    if (is_extreme) at = values.extreme();
    if (at < 0) continue;
    lines += join("\n  ", name_of(tape, operand), is_extreme ? " is at most " : " is ", element_text(values, at));
    if (!values.node.parameter) lines += join(": ", what(tape, operand));
  }
  return lines;
}

template <class T>
std::string Trace<T>::find_value(Tape<T>& tape) const {
  const auto size = static_cast<std::uint32_t>(tape.size());
  const auto is_done_by_steps = [&](const detail::Node<T>& node) {  // its value is completed by ops of its members
    for (std::uint32_t m = node.members; m != detail::none; m = tape.node(m).sibling)
      if (tape.node(m).operation) return true;
    return false;
  };
  for (std::uint32_t i = 0; i < size; ++i) {
    const detail::Node<T>& node = tape.node(i);
    if ((node.is_view() && !node.operation) || is_done_by_steps(node)) continue;
    if (!node.operation && !node.parameter) continue;  // see find_put_in()
    const Elements<T> values = values_of(node);
    Index at = first_new_nan(tape, i);
    if (const Index infinite = values.first([](T x) { return std::isinf(x); });
        infinite >= 0 && (at < 0 || infinite < at) && !is_meant(tape, i))
      at = infinite;
    if (at < 0) continue;
    if (node.parameter)
      return join("forward: parameter ", node.parameter->path, " is ", element_text(values, at), ": so it was before this step");
    return join("forward", in_place(i), ": ", what(tape, i), " is ", element_text(values, at), about_operands(tape, i, at));
  }
  return "";
}

/// Of values that no op made. What stands behind the end of a shorter example is NaN, too, and does no harm: it is asked last.
template <class T>
std::string Trace<T>::find_put_in(Tape<T>& tape) const {
  for (std::uint32_t i = 0; i < tape.size(); ++i) {
    const detail::Node<T>& node = tape.node(i);
    if (node.operation || node.parameter || node.is_view()) continue;
    const Elements<T> values = values_of(node);
    if (const Index at = values.first([](T x) { return std::isnan(x); }); at >= 0)
      return join("forward", in_place(i), ": what was put in, ", what(tape, i), ", is ", element_text(values, at));
  }
  return "";
}

template <class T>
void Trace<T>::sent_back(Tape<T>& tape, std::uint32_t index) {
  if (!found_.empty()) return;
  const detail::Node<T>& node = tape.node(index);
  if (!node.operation) {
    const Elements<T> gradient{node, tape.gradient_buffer(index)};
    if (const Index at = gradient.first(not_finite<T>); at >= 0)
      found_ = join("backward: the gradient of ", node.parameter ? "parameter " + node.parameter->path : what(tape, index),
                    " is ", element_text(gradient, at), ": a sum of products of which each is finite");
    return;
  }
  for (const std::uint32_t operand : operands_of(tape, index)) {
    const detail::Node<T>& to = tape.node(operand);
    if (!to.needs_gradient || !tape.touched(operand)) continue;
    const Elements<T> gradient{to, tape.gradient_buffer(operand)};
    const Index at = gradient.first(not_finite<T>);
    if (at < 0) continue;
    const Elements<T> arrived{node, tape.gradient_buffer(index)};
    const Index largest = arrived.extreme();
    found_ = join("backward", in_place(index), ": ", what(tape, index), " sends ", name_of(tape, operand), " a gradient of ",
                  element_text(gradient, at));
    if (largest >= 0) found_ += join("\n  the gradient that came is at most ", element_text(arrived, largest));
    found_ += about_operands(tape, index, node.shape == to.shape ? at : 0);
    return;
  }
}

template <class T>
std::string Trace<T>::find(Var<T> loss) {
  Tape<T>& tape = Tape<T>::active();
  if (std::string value = find_value(tape); !value.empty()) return value;
  if (!std::isfinite(loss.item())) return find_put_in(tape);
  tape.forget_gradients();
  for (std::uint32_t i = 0; i < tape.size(); ++i)
    if (!tape.node(i).is_view()) tape.node(i).keeps_grad = true;
  found_.clear();
  tape.observer = this;
  tape.backward(loss, Gradients::keep);
  tape.observer = nullptr;
  return found_;
}

template class Trace<float>;
template class Trace<double>;

}  // namespace carousel
