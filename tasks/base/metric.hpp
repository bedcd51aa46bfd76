#pragma once
/// Numbers with names, as results say them.

#include <initializer_list>
#include <limits>
#include <span>
#include <string>
#include <string_view>

namespace carousel {

/// A number with its name in the field: {"validation_loss", 2.13}.
struct Metric {
  std::string name;
  double value;
};

/// A guess that needs no net, with which one metric of a result is compared.
struct Baseline {
  std::string metric;                                            ///< "test_accuracy"
  std::string guess;                                             ///< "always the most frequent digit"
  double value;                                                  ///< what the guess reaches
  double perfect = 0;                                            ///< the best value that there is
  double train_loss = std::numeric_limits<double>::quiet_NaN();  ///< what it costs as a training shows its loss, if known
};

/// A skill up to this is what chance makes of none.
inline constexpr double little_skill = 0.02;

/// How far a result is from its baseline to perfect, (value − baseline) / (perfect − baseline): 1 is perfect, 0 as good as the
/// guess, below 0 worse. NaN where the result lacks the metric, 0 where the guess itself is perfect.
double skill(const Baseline& baseline, std::span<const Metric> metrics);
/// Whether it gains so little, at most little_skill of what there is to gain, that the guess does as well.
bool is_not_better(const Baseline& baseline, std::span<const Metric> metrics);
/// " (always the mean: 0.1667)", or " (not better than always the mean: 0.1667)"; of another metric than the first with its name,
/// " (always the mean: mse 0.1667)".
std::string beside(const Baseline& baseline, std::span<const Metric> metrics);

/// The last line of a training or an evaluation: "result: echo loss=2.61134e-06".
std::string result_line(std::string_view task, std::span<const Metric> metrics);
/// Prints it on standard output, and `rest` behind it. Returns exit_done, or, where a metric is not finite, says so and returns
/// exit_bad_result.
[[nodiscard]] int print_result(std::string_view task, std::span<const Metric> metrics, std::string_view rest = "");
[[nodiscard]] int print_result(std::string_view task, std::span<const Metric> metrics, const Baseline& baseline);
[[nodiscard]] int print_result(std::string_view task, std::initializer_list<Metric> metrics);

/// A number as JSON has it, with six digits or so; null where it is not finite.
std::string json_number(double value);

}  // namespace carousel
