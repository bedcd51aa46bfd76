#pragma once
/// Derivatives of statements, in words.

#include <functional>
#include <map>
#include <string>
#include <vector>

#include <carousel/lib/describe.hpp>

namespace carousel {

/// The gradient of each operand of a formula, by its name, where `dy` is that of the whole: of σ(f)∘c {"c", "dy∘σ(f)"} and
/// {"f", "dy∘c∘σ′(f)"}. `name(k)` is what operand k is called; the gradients of operands of one name are added.
std::map<std::string, std::string> derivatives(const std::vector<detail::Symbol>& formula,
                                               const std::function<std::string(std::size_t)>& name, const std::string& dy);

}  // namespace carousel
