#pragma once
/// Derivatives of statements, in words.

#include <functional>
#include <map>
#include <string>
#include <vector>

#include <carousel/lib/numbers/shape.hpp>
#include <carousel/lib/tape/describe.hpp>

namespace carousel {

/// The gradient of each operand of a formula, by its name, where `dy` is that of the whole: of σ(f)∘c {"c", "dy∘σ(f)"} and
/// {"f", "dy∘c∘σ′(f)"}. `name(k)` is what operand k is called; the gradients of operands of one name are added. `over(k)` says
/// over what that of operand k is summed, as it is broadcast, and "" where it is not: "the batch" makes of "dy∘σ(f)"
/// "Σ dy∘σ(f) over the batch".
std::map<std::string, std::string> derivatives(const std::vector<detail::Symbol>& formula,
                                               const std::function<std::string(std::size_t)>& name, const std::string& dy,
                                               const std::function<std::string(std::size_t)>& over);

/// The axes of a value along which an operand is broadcast, those that it lacks or has with extent 1: [25, 1] in [10, 25, 128]
/// "axes 0 and 2", [25, 128] "axis 0", and "" where it is not broadcast.
std::string broadcast_axes(const Shape& operand, const Shape& value);

}  // namespace carousel
