#pragma once
/// Numbers with names, as results say them.

#include <initializer_list>
#include <span>
#include <string>
#include <string_view>

namespace carousel {

/// A number with its name in the field: {"validation_loss", 2.13}.
struct Metric {
  std::string name;
  double value;
};

/// The last line of a training or an evaluation: "result: echo loss=2.61134e-06".
std::string result_line(std::string_view task, std::span<const Metric> metrics);
/// Prints it on standard output, and `rest` behind it. Returns exit_done, or, where a metric is not finite, says so and returns exit_bad_result.
[[nodiscard]] int print_result(std::string_view task, std::span<const Metric> metrics, std::string_view rest = "");
[[nodiscard]] int print_result(std::string_view task, std::initializer_list<Metric> metrics);

/// A number as JSON has it, with six digits or so; null where it is not finite.
std::string json_number(double value);

}  // namespace carousel
