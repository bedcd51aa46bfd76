#pragma once
/// Schedules: factors on the rate of an optimiser as training goes on.
///
///     fit(adam, data, loss, {.epochs = 20, .schedule = WarmUp{.steps = 100, .then = CosineDecay{.steps = 5000}}});
///
/// A schedule is a function of t = 0, 1, 2, …, which counts steps or epochs, as its user says. A lambda will do as well.

#include <functional>
#include <limits>

#include <carousel/lib/numbers/shape.hpp>

namespace carousel {

/// A function from t to the factor.
using Schedule = std::function<double(Index t)>;

/// The same factor at every t.
struct ConstantRate {
  double factor = 1;
  double operator()(Index) const { return factor; }
};

/// factor^⌊t / every⌋. Throws std::invalid_argument unless every ≥ 1.
struct StepDecay {
  Index every = 1;
  double factor = 0.1;
  double operator()(Index t) const;
};

/// 1 up to t = after, then factor^(t − after). The rates of Karpathy's char-rnn are {.factor = 0.97, .after = 9} over epochs.
struct ExponentialDecay {
  double factor = 0.97;
  Index after = 0;
  double operator()(Index t) const;
};

/// From 1 to `to` along half a cosine, in `steps`, and `to` from there on: to + ½(1 − to)(1 + cos(πt / steps)). Throws
/// std::invalid_argument unless steps ≥ 1. Loshchilov & Hutter 2017, "SGDR", arXiv:1608.03983, eq. (5), without restarts.
struct CosineDecay {
  Index steps = 1;
  double to = 0;
  double operator()(Index t) const;
};

/// (t + 1) / steps · then(0) while t < steps, and then(t − steps) from there on. Throws std::invalid_argument if steps is
/// negative. Goyal et al. 2017, "Accurate, Large Minibatch SGD", arXiv:1706.02677, section 2.2.
struct WarmUp {
  Index steps = 0;
  Schedule then = ConstantRate{};
  double operator()(Index t) const;
};

/// A factor that shrinks when a metric no longer gets better: times `factor` after more than `patience` values in a row that were
/// not better than the best one by `threshold` of it, and never below `least`. As PyTorch's ReduceLROnPlateau.
struct Plateau {
  double factor = 0.1;
  Index patience = 10;
  double threshold = 1e-4;
  double least = 0;
  bool higher_is_better = false;

  /// All that it remembers.
  struct State {
    double factor = 1;
    double best = std::numeric_limits<double>::quiet_NaN();  // none yet
    Index bad = 0;                                           // values in a row that were not better
    friend bool operator==(const State&, const State&) = default;
  };

  /// Takes the next value of the metric; one that is not a number is not better. state.factor is the factor from then on.
  void observe(State& state, double metric) const;
};

}  // namespace carousel
