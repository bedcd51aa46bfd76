#include <carousel/tasks/nets/derivatives.hpp>

#include <string_view>
#include <utility>

#include <carousel/lib/error.hpp>

namespace carousel {

namespace {

using Formula = std::vector<detail::Symbol>;
using Names = std::function<std::string(std::size_t)>;

/// Where the formula that begins at `from` ends, and how many operands it has.
std::pair<std::size_t, std::size_t> extent_of(const Formula& formula, std::size_t from) {
  if (formula[from].is_operand) return {from + 1, 1};
  std::size_t at = from + 1, operands = 0;
  for (int i = 0; i < formula[from].arity; ++i) {
    const auto [end, more] = extent_of(formula, at);
    at = end, operands += more;
  }
  return {at, operands};
}

/// Collects for each operand the terms of its gradient: products of factors, with a sign.
class Derivatives {
 public:
  Derivatives(const Formula& formula, Names name, Names over)
      : formula_(formula), name_(std::move(name)), over_(std::move(over)) {}

  std::map<std::string, std::string> of(const std::string& dy) {
    go_down(0, 0, {dy}, false);
    std::map<std::string, std::string> texts;
    for (const auto& [name, gradient] : gradients_) texts[name] = text(gradient);
    return texts;
  }

 private:
  struct Gradient {
    std::string terms;      // without the sign of the first
    bool negative = false;  // the first
    bool is_sum = false;    // of several terms
    std::string over;       // what it is summed over
  };

  static std::string text(const Gradient& gradient) {
    const std::string sign = gradient.negative ? "−" : "";
    if (gradient.over.empty()) return sign + gradient.terms;
    // Of several terms the first keeps its sign, within the parentheses; that of a single one stands before the Σ.
    if (gradient.is_sum) return "Σ (" + sign + gradient.terms + ") over " + gradient.over;
    return sign + "Σ " + gradient.terms + " over " + gradient.over;
  }
  std::string text(std::size_t from, std::size_t operand) const {
    const Formula part(formula_.begin() + static_cast<std::ptrdiff_t>(from),
                       formula_.begin() + static_cast<std::ptrdiff_t>(extent_of(formula_, from).first));
    return written(part, [&](std::size_t k) { return name_(operand + k); });
  }
  std::string factor(std::size_t from, std::size_t operand) const {
    const std::string part = text(from, operand);
    const std::string_view name = formula_[from].name ? formula_[from].name : "";
    const bool closed = name != "add" && name != "subtract" && name != "negate" && name != "divide";
    return closed ? part : "(" + part + ")";
  }

  void go_down(std::size_t at, std::size_t operand, std::vector<std::string> factors, bool negative) {
    const detail::Symbol& symbol = formula_[at];
    if (symbol.is_operand) {
      std::string term;
      for (const std::string& f : factors) term += (term.empty() ? "" : "∘") + f;
      const auto [found, is_first] = gradients_.try_emplace(name_(operand));
      Gradient& gradient = found->second;
      if (is_first) {
        gradient = {term, negative, false, over_(operand)};
      } else {
        gradient.terms += (negative ? " − " : " + ") + term;
        gradient.is_sum = true;
      }
      return;
    }
    if (!symbol.name) return;
    const std::string_view name = symbol.name;
    std::vector<std::size_t> places, operands;
    for (std::size_t i = 0, place = at + 1, first = operand; i < static_cast<std::size_t>(symbol.arity); ++i) {
      places.push_back(place), operands.push_back(first);
      const auto [end, more] = extent_of(formula_, place);
      place = end, first += more;
    }
    for (std::size_t i = 0; i < places.size(); ++i) {
      std::vector<std::string> more = factors;
      bool sign = negative;
      if (name == "multiply") {
        more.push_back(factor(places[1 - i], operands[1 - i]));
      } else if (name == "subtract") {
        sign ^= i == 1;
      } else if (name == "negate") {
        sign = !sign;
      } else if (name == "sigmoid") {
        more.push_back("σ′(" + text(places[i], operands[i]) + ")");
      } else if (name != "add") {
        const std::string of = places.size() == 1 ? "" : std::to_string(i + 1);
        std::string arguments;
        for (std::size_t k = 0; k < places.size(); ++k) arguments += (k == 0 ? "" : ", ") + text(places[k], operands[k]);
        more.push_back(std::string(name) + "′" + of + "(" + arguments + ")");
      }
      go_down(places[i], operands[i], more, sign);
    }
  }

  const Formula& formula_;
  Names name_, over_;
  std::map<std::string, Gradient> gradients_;
};

}  // namespace

std::map<std::string, std::string> derivatives(const std::vector<detail::Symbol>& formula,
                                               const std::function<std::string(std::size_t)>& name, const std::string& dy,
                                               const std::function<std::string(std::size_t)>& over) {
  return Derivatives(formula, name, over).of(dy);
}

std::string broadcast_axes(const Shape& operand, const Shape& value) {
  std::vector<int> axes;
  const int missing = value.rank() - operand.rank();
  for (int axis = 0; axis < value.rank(); ++axis)
    if (axis < missing || operand[axis - missing] != value[axis]) axes.push_back(axis);
  std::string text;
  for (std::size_t i = 0; i < axes.size(); ++i) text += join(i == 0 ? "" : i + 1 < axes.size() ? ", " : " and ", axes[i]);
  return text.empty() ? "" : (axes.size() == 1 ? "axis " : "axes ") + text;
}

}  // namespace carousel
