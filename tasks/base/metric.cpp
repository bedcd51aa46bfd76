#include <carousel/tasks/base/metric.hpp>

#include <cmath>

#include <fmt/format.h>

#include <carousel/tasks/base/progress.hpp>

namespace carousel {

std::string result_line(std::string_view task, std::span<const Metric> metrics) {
  std::string line = fmt::format("result: {}", task);
  for (const Metric& metric : metrics) line += fmt::format(" {}={:.6g}", metric.name, metric.value);
  return line;
}

void print_result(std::string_view task, std::initializer_list<Metric> metrics) {
  print(result_line(task, {metrics.begin(), metrics.size()}));
}

std::string json_number(double value) {
  return std::isfinite(value) ? fmt::format("{:.6g}", value) : "null";
}

}  // namespace carousel
