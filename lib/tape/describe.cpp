#include <carousel/lib/tape/describe.hpp>

#include <cmath>
#include <string_view>

#include <carousel/lib/error.hpp>

namespace carousel::detail {

namespace {

/// How strongly the last operation of a text binds.
enum Binding { sum, product, sign, whole };

struct Written {
  std::string text;
  Binding binding;
  bool is_number = false;
};

std::string within(const Written& part, Binding least) {
  return part.binding < least ? "(" + part.text + ")" : part.text;
}

Written operation(std::string_view name, const std::vector<Written>& parts) {
  if (name == "add") return {within(parts[0], sum) + " + " + within(parts[1], sum), sum};
  if (name == "subtract") return {within(parts[0], sum) + " − " + within(parts[1], product), sum};
  if (name == "multiply") {
    const bool scaled = parts[0].is_number || parts[1].is_number;
    return {within(parts[0], product) + (scaled ? "·" : "∘") + within(parts[1], product), product};
  }
  if (name == "divide") return {within(parts[0], product) + " / " + within(parts[1], sign), product};
  if (name == "negate") return {"−" + within(parts[0], sign), sign};
  if (name == "square") return {within(parts[0], whole) + "²", whole};
  if (name == "abs") return {"|" + parts[0].text + "|", whole};
  std::string text = name == "sigmoid" ? "σ(" : std::string(name) + "(";
  for (std::size_t i = 0; i < parts.size(); ++i) text += (i == 0 ? "" : ", ") + parts[i].text;
  return {text + ")", whole};
}

}  // namespace

std::string written(const std::vector<Symbol>& formula, const std::function<std::string(std::size_t)>& name) {
  std::size_t next = 0, operand = 0;
  const std::function<Written()> read = [&]() -> Written {
    const Symbol& symbol = formula[next++];
    if (symbol.is_operand) return {name(operand++), whole};
    if (!symbol.name) {
      const bool negative = std::signbit(symbol.number) && !std::isnan(symbol.number);
      const double size = negative ? -symbol.number : symbol.number;
      return {(negative ? "−" : "") + (std::isinf(size) ? std::string("∞") : join(size)), negative ? sign : whole, true};
    }
    std::vector<Written> parts;
    for (int i = 0; i < symbol.arity; ++i) parts.push_back(read());
    return operation(symbol.name, parts);
  };
  return formula.empty() ? "" : read().text;
}

}  // namespace carousel::detail
