#include <carousel/tasks/base/metric.hpp>

#include <cmath>

#include <fmt/format.h>

#include <carousel/lib/error.hpp>
#include <carousel/tasks/base/interrupt.hpp>
#include <carousel/tasks/base/progress.hpp>

namespace carousel {

std::string result_line(std::string_view task, std::span<const Metric> metrics) {
  std::string line = fmt::format("result: {}", task);
  for (const Metric& metric : metrics) line += fmt::format(" {}={:.6g}", metric.name, metric.value);
  return line;
}

int print_result(std::string_view task, std::span<const Metric> metrics, std::string_view rest) {
  print(result_line(task, metrics).append(rest));
  int code = exit_done;
  for (const Metric& metric : metrics) {
    if (std::isfinite(metric.value)) continue;
    note(join(metric.name, " is ", metric.value, ": must be a finite number"));
    code = exit_bad_result;
  }
  return code;
}

int print_result(std::string_view task, std::initializer_list<Metric> metrics) {
  return print_result(task, std::span(metrics.begin(), metrics.size()));
}

std::string json_number(double value) {
  return std::isfinite(value) ? fmt::format("{:.6g}", value) : "null";
}

}  // namespace carousel
