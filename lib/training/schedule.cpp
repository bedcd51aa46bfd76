#include <carousel/lib/training/schedule.hpp>

#include <algorithm>
#include <cmath>
#include <numbers>

namespace carousel {

double StepDecay::operator()(Index t) const {
  if (every < 1) wrong_argument("step decay: every is ", every, ": must be at least 1");
  const Index falls = t / every;
  return std::pow(factor, static_cast<double>(falls));
}

double ExponentialDecay::operator()(Index t) const {
  return t > after ? std::pow(factor, static_cast<double>(t - after)) : 1;
}

double CosineDecay::operator()(Index t) const {
  if (steps < 1) wrong_argument("cosine: steps is ", steps, ": must be at least 1");
  if (t >= steps) return to;
  return to + (1 - to) / 2 * (1 + std::cos(std::numbers::pi * static_cast<double>(t) / static_cast<double>(steps)));
}

double WarmUp::operator()(Index t) const {
  if (steps < 0) wrong_argument("warm-up: steps is ", steps, ": must not be negative");
  return t < steps ? static_cast<double>(t + 1) / static_cast<double>(steps) * then(0) : then(t - steps);
}

void Plateau::observe(State& state, double metric) const {
  const double margin = threshold * std::abs(state.best);
  const bool better = std::isnan(state.best) ? !std::isnan(metric)
                                             : (higher_is_better ? metric > state.best + margin : metric < state.best - margin);
  if (better) {
    state.best = metric;
    state.bad = 0;
  } else if (++state.bad > patience) {
    state.factor = std::max(least, state.factor * factor);
    state.bad = 0;
  }
}

}  // namespace carousel
