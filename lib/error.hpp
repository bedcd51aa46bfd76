#pragma once
/// Errors: `op: what was given: what must hold`.
///
/// A wrong argument throws std::invalid_argument, a wrong order of calls std::logic_error, a bad file std::runtime_error.

#include <cmath>
#include <concepts>
#include <cstdio>
#include <stdexcept>
#include <string>
#include <string_view>

namespace carousel {

namespace detail {
inline std::string text(std::string_view part) {
  return std::string(part);
}
inline std::string text(char letter) {
  return {letter};
}
inline std::string text(std::integral auto number) {
  return std::to_string(number);
}
inline std::string text(double number) {
  if (std::isnan(number)) return "nan";  // without a sign
  char digits[32];
  std::snprintf(digits, sizeof digits, "%g", number);
  return digits;
}
}  // namespace detail

/// The parts joined to one line; anything with a `text(part)` may stand in it: words, numbers, shapes.
template <class... Parts>
std::string join(const Parts&... parts) {
  using detail::text;
  std::string line;
  ((line += text(parts)), ...);  // not +: of two strings, one moved, g++ 14 warns when it is inlined
  return line;
}

/// Throws std::invalid_argument with the parts joined: the caller gave something that can not be.
template <class... Parts>
[[noreturn]] void wrong_argument(const Parts&... parts) {
  throw std::invalid_argument(join(parts...));
}

/// Throws std::logic_error with the parts joined: the calls came in a wrong order.
template <class... Parts>
[[noreturn]] void wrong_order(const Parts&... parts) {
  throw std::logic_error(join(parts...));
}

/// Throws std::runtime_error with the parts joined: a file or a system call failed.
template <class... Parts>
[[noreturn]] void bad_file(const Parts&... parts) {
  throw std::runtime_error(join(parts...));
}

}  // namespace carousel
