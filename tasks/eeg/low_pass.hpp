#pragma once
/// Low-pass filters of signals that arrive value by value.

#include <span>
#include <vector>

namespace carousel {

/// Butterworth's filter: what comes out at a time depends on what came in until then only. Of a frequency f it lets through
///   1 / √(1 + (tan(π f) / tan(π cutoff))^(2 order)),
/// frequencies as parts of the sampling rate; butter(order, 2 cutoff) of scipy. Butterworth 1930, "On the Theory of Filter
/// Amplifiers"; made digital by the bilinear transform: Oppenheim & Schafer, Discrete-Time Signal Processing, section 7.1.2.
///
/// It is a chain of sections with two poles each, and one with a single pole for an odd order.
class LowPass {
 public:
  /// Throws std::invalid_argument unless order ≥ 1 and 0 < cutoff < 1/2.
  LowPass(int order, double cutoff);

  /// y = b0 x + b1 x₋₁ + b2 x₋₂ − a1 y₋₁ − a2 y₋₂, with values one and two steps before.
  struct Section {
    double b0, b1, b2, a1, a2;
  };
  const std::vector<Section>& sections() const { return sections_; }

  /// Filters the next values of several signals, in place. The first ones count as if they had always been there.
  void operator()(std::span<double> values);

 private:
  std::vector<Section> sections_;
  std::vector<double> memory_;  // [sections, 2, signals]
};

}  // namespace carousel
