#include <carousel/lib/error.hpp>

#include <cmath>
#include <cstdio>
#include <stdexcept>

namespace carousel::detail {

std::string text(double number) {
  if (std::isnan(number)) return "nan";  // without a sign
  char digits[32];
  std::snprintf(digits, sizeof digits, "%g", number);
  return digits;
}

void throw_wrong_argument(const std::string& message) {
  throw std::invalid_argument(message);
}
void throw_wrong_order(const std::string& message) {
  throw std::logic_error(message);
}
void throw_bad_file(const std::string& message) {
  throw std::runtime_error(message);
}

}  // namespace carousel::detail
