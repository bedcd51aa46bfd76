#include <carousel/tasks/base/metric.hpp>

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include <carousel/lib/error.hpp>
#include <carousel/tasks/base/interrupt.hpp>
#include <carousel/tasks/base/progress.hpp>

namespace carousel {

double skill(const Baseline& baseline, std::span<const Metric> metrics) {
  const auto found = std::find_if(metrics.begin(), metrics.end(), [&](const Metric& one) { return one.name == baseline.metric; });
  if (found == metrics.end()) return std::numeric_limits<double>::quiet_NaN();
  return baseline.perfect == baseline.value ? 0 : (found->value - baseline.value) / (baseline.perfect - baseline.value);
}

bool is_not_better(const Baseline& baseline, std::span<const Metric> metrics) {
  return skill(baseline, metrics) <= little_skill;
}

std::string beside(const Baseline& baseline, std::span<const Metric> metrics) {
  const bool is_first = !metrics.empty() && metrics.front().name == baseline.metric;
  return fmt::format(" ({}{}: {}{:.4g})", is_not_better(baseline, metrics) ? "not better than " : "", baseline.guess,
                     is_first ? "" : baseline.metric + " ", baseline.value);
}

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

int print_result(std::string_view task, std::span<const Metric> metrics, const Baseline& baseline) {
  return print_result(task, metrics, beside(baseline, metrics));
}

int print_result(std::string_view task, std::initializer_list<Metric> metrics) {
  return print_result(task, std::span(metrics.begin(), metrics.size()));
}

std::string json_number(double value) {
  return std::isfinite(value) ? fmt::format("{:.6g}", value) : "null";
}

}  // namespace carousel
