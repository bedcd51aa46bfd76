#pragma once
/// Errors: `op: what was given: what must hold`.
///
/// A wrong argument throws std::invalid_argument, a wrong order of calls std::logic_error, a bad file std::runtime_error.

#include <concepts>
#include <string>
#include <string_view>

namespace carousel {

namespace detail {
inline std::string_view text(std::string_view part) {
  return part;
}
inline std::string text(char letter) {
  return {letter};
}
inline std::string text(std::integral auto number) {
  return std::to_string(number);
}
std::string text(double number);

[[noreturn]] void throw_wrong_argument(const std::string& message);
[[noreturn]] void throw_wrong_order(const std::string& message);
[[noreturn]] void throw_bad_file(const std::string& message);
}  // namespace detail

/// The parts joined to one line; anything with a `text(part)` may stand in it: words, numbers, shapes.
template <class... Parts>
[[gnu::cold]] std::string join(const Parts&... parts) {
  using detail::text;
  std::string line;
  ((line += text(parts)), ...);  // not +: of two strings, one moved, g++ 14 warns when it is inlined
  return line;
}

/// Throws std::invalid_argument with the parts joined: the caller gave something that cannot be.
template <class... Parts>
[[noreturn]] void wrong_argument(const Parts&... parts) {
  detail::throw_wrong_argument(join(parts...));
}

/// Throws std::logic_error with the parts joined: the calls came in a wrong order.
template <class... Parts>
[[noreturn]] void wrong_order(const Parts&... parts) {
  detail::throw_wrong_order(join(parts...));
}

/// Throws std::runtime_error with the parts joined: a file or a system call failed.
template <class... Parts>
[[noreturn]] void bad_file(const Parts&... parts) {
  detail::throw_bad_file(join(parts...));
}

}  // namespace carousel
