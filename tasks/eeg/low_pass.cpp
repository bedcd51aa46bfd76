#include <carousel/tasks/eeg/low_pass.hpp>

#include <cmath>
#include <numbers>

#include <carousel/lib/error.hpp>

namespace carousel {

LowPass::LowPass(int order, double cutoff) {
  if (order < 1 || !(cutoff > 0 && cutoff < 0.5))
    wrong_argument("low_pass: order ", order, ", cutoff ", cutoff, ": order must be at least 1, cutoff between 0 and 0.5");
  const double w = std::tan(std::numbers::pi * cutoff);  // the analog frequency that the transform maps to the cutoff
  for (int k = 1; k <= order / 2; ++k) {
    const double damping = 2 * std::sin((2 * k - 1) * std::numbers::pi / (2 * order));  // w² / (s² + damping w s + w²)
    const double scale = 1 / (1 + damping * w + w * w), b = scale * w * w;
    sections_.push_back({b, 2 * b, b, 2 * scale * (w * w - 1), scale * (1 - damping * w + w * w)});
  }
  if (order % 2 == 1) {  // w / (s + w)
    const double b = w / (1 + w);
    sections_.push_back({b, b, 0, (w - 1) / (w + 1), 0});
  }
}

void LowPass::operator()(std::span<double> values) {
  const std::size_t signals = values.size();
  const bool begins = memory_.empty();
  if (begins) memory_.resize(sections_.size() * 2 * signals);
  if (memory_.size() != sections_.size() * 2 * signals)
    wrong_argument("low_pass: ", signals, " signals, before ", memory_.size() / 2 / sections_.size(), ": must be as many");
  double* first = memory_.data();  // two values of each signal in transposed form: y = b0 x + first, …
  for (const Section& s : sections_) {
    double* const second = first + signals;
    for (std::size_t k = 0; k < signals; ++k) {
      const double x = values[k];
      if (begins) {  // as a constant x leaves them: y = x
        second[k] = (s.b2 - s.a2) * x;
        first[k] = (1 - s.b0) * x;
      }
      const double y = s.b0 * x + first[k];
      first[k] = s.b1 * x - s.a1 * y + second[k];
      second[k] = s.b2 * x - s.a2 * y;
      values[k] = y;
    }
    first = second + signals;
  }
}

}  // namespace carousel
