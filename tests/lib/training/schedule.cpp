#include <carousel/lib/training/schedule.hpp>

#include <cmath>
#include <stdexcept>

#include <doctest/doctest.h>

using namespace carousel;

TEST_CASE("a constant schedule never changes") {
  CHECK(ConstantRate{}(0) == 1);
  CHECK(ConstantRate{.factor = 0.5}(1000000) == 0.5);
}

TEST_CASE("step decay falls at every multiple of its period") {
  const StepDecay decay{.every = 10, .factor = 0.5};
  CHECK(decay(0) == 1);
  CHECK(decay(9) == 1);
  CHECK(decay(10) == 0.5);
  CHECK(decay(39) == 0.125);
  CHECK_THROWS_WITH_AS((StepDecay{.every = 0}(1)), "step decay: every is 0: must be at least 1", std::invalid_argument);
}

TEST_CASE("exponential decay begins after a while: char-rnn's tenth epoch is its last at the full rate") {
  const ExponentialDecay decay{.factor = 0.97, .after = 9};
  CHECK(decay(0) == 1);
  CHECK(decay(9) == 1);
  CHECK(decay(10) == 0.97);
  CHECK(decay(12) == doctest::Approx(0.97 * 0.97 * 0.97).epsilon(1e-15));
  CHECK((ExponentialDecay{.factor = 0.5}(3)) == 0.125);
}

TEST_CASE("cosine goes from 1 to its end and stays there") {
  const CosineDecay cosine{.steps = 4, .to = 0.2};
  CHECK(cosine(0) == doctest::Approx(1).epsilon(1e-15));
  CHECK(cosine(1) == doctest::Approx(0.2 + 0.4 * (1 + std::sqrt(0.5))).epsilon(1e-15));
  CHECK(cosine(2) == doctest::Approx(0.6).epsilon(1e-15));
  CHECK(cosine(4) == 0.2);
  CHECK(cosine(400) == 0.2);
  CHECK_THROWS_WITH_AS(CosineDecay{.steps = 0}(1), "cosine: steps is 0: must be at least 1", std::invalid_argument);
}

TEST_CASE("warm-up rises in a line to where the next schedule starts, which counts from there") {
  const WarmUp schedule{.steps = 4, .then = StepDecay{.every = 2, .factor = 0.5}};
  CHECK(schedule(0) == 0.25);
  CHECK(schedule(2) == 0.75);
  CHECK(schedule(3) == 1);
  CHECK(schedule(4) == 1);
  CHECK(schedule(5) == 1);
  CHECK(schedule(6) == 0.5);
  CHECK(WarmUp{}(0) == 1);
  CHECK_THROWS_WITH_AS(WarmUp{.steps = -1}(0), "warm-up: steps is -1: must not be negative", std::invalid_argument);
}

TEST_CASE("on a plateau the factor falls after more than `patience` values that are not better") {
  const Plateau plateau{.factor = 0.5, .patience = 2, .threshold = 0.1, .least = 0.2};
  Plateau::State state;
  const auto factor_after = [&](double metric) {
    plateau.observe(state, metric);
    return state.factor;
  };
  CHECK(factor_after(std::nan("")) == 1);
  CHECK(state.bad == 1);
  CHECK(factor_after(10) == 1);
  CHECK(state.bad == 0);
  CHECK(factor_after(9.5) == 1);  // better, but not by a tenth
  CHECK(factor_after(11) == 1);
  CHECK(factor_after(std::nan("")) == 0.5);  // the third in a row
  CHECK(state.bad == 0);
  CHECK(factor_after(8.9) == 0.5);
  CHECK(state.best == 8.9);
  for (int i = 0; i < 3; ++i) factor_after(9);
  CHECK(state.factor == 0.25);
  for (int i = 0; i < 3; ++i) factor_after(9);
  CHECK(state.factor == 0.2);
}

TEST_CASE("a plateau may be of a metric that is to rise") {
  const Plateau plateau{.patience = 0, .higher_is_better = true};
  Plateau::State state;
  plateau.observe(state, 0.5);
  plateau.observe(state, 0.6);
  CHECK(state.factor == 1);
  plateau.observe(state, 0.6);
  CHECK(state.factor == 0.1);
  CHECK(state.best == 0.6);
}
