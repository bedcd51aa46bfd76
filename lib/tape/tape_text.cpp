/// What a tape says of itself to a person.

#include <carousel/lib/tape/parameter.hpp>
#include <carousel/lib/tape/tape.hpp>

namespace carousel {

template <class T>
detail::Description Tape<T>::describe(std::uint32_t index) const {
  detail::Description description;
  const Node& node = nodes_[index];
  if (node.closure && node.operation->describe) node.operation->describe(node.closure, description);
  return description;
}

template <class T>
std::string Tape<T>::text(std::uint32_t index) const {
  const Node& node = nodes_[index];
  const auto name = [this](std::uint32_t i) { return nodes_[i].parameter ? nodes_[i].parameter->path : join("%", i); };
  const auto of = [&](std::uint32_t parent) {
    return join("view of ", name(parent), " at ", static_cast<Index>(node.value - nodes_[parent].value));
  };
  std::string what;
  if (node.parameter) {
    what = "parameter " + node.parameter->path;
  } else if (!node.operation) {
    what = node.is_view() ? of(node.parent) : node.needs_gradient ? "variable" : "constant";
  } else {
    const detail::Description description = describe(index);
    if (!description.formula.empty()) {
      what = written(description.formula, [&](std::size_t k) { return name(description.operands[k]); });
    } else {
      what = node.operation->name;
      for (std::size_t k = 0; k < description.operands.size(); ++k)
        what += (k == 0 ? " of " : ", ") + name(description.operands[k]);
    }
    if (node.is_view()) what += ", " + of(node.parent);
  }
  return join(node.shape, " ", what, node.operation && !node.needs_gradient ? ", without gradient" : "");
}

template <class T>
std::string Tape<T>::text() const {
  std::string all = join("a tape of ", nodes_.size(), " nodes, ", bytes(), " bytes", consumed_ ? ", sent back" : "", "\n");
  for (std::uint32_t i = 0; i < nodes_.size(); ++i) {
    std::string index = join("%", i);
    if (index.size() < 6) index.insert(0, 6 - index.size(), ' ');
    all += index + "  " + text(i) + "\n";
  }
  return all;
}

#define CAROUSEL_INSTANTIATE(T)                                              \
  template detail::Description Tape<T>::describe(std::uint32_t index) const; \
  template std::string Tape<T>::text(std::uint32_t index) const;             \
  template std::string Tape<T>::text() const;
CAROUSEL_INSTANTIATE(float)
CAROUSEL_INSTANTIATE(double)
#undef CAROUSEL_INSTANTIATE

}  // namespace carousel
