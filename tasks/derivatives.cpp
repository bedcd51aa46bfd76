#include <carousel/tasks/derivatives.hpp>

#include <string_view>
#include <utility>

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
  Derivatives(const Formula& formula, Names name) : formula_(formula), name_(std::move(name)) {}

  std::map<std::string, std::string> of(const std::string& dy) {
    go_down(0, 0, {dy}, false);
    return std::move(gradients_);
  }

 private:
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
      std::string& sum = gradients_[name_(operand)];
      sum += sum.empty() ? (negative ? "−" : "") + term : (negative ? " − " : " + ") + term;
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
  Names name_;
  std::map<std::string, std::string> gradients_;
};

}  // namespace

std::map<std::string, std::string> derivatives(const std::vector<detail::Symbol>& formula,
                                               const std::function<std::string(std::size_t)>& name, const std::string& dy) {
  return Derivatives(formula, name).of(dy);
}

}  // namespace carousel
