#include <carousel/models/layers/linear.hpp>

#include <doctest/doctest.h>

#include <carousel/lib/training/gradcheck.hpp>

using namespace carousel;

TEST_CASE("a linear layer multiplies the last axis and adds its bias, which may be left out") {
  Registry<double> registry;
  Random random(1);
  const Scope<double> scope(registry, random);
  const Linear<double> with(scope / "with", 2, 3, {.w = init::constant<double>(2), .b = init::constant<double>(0.5)});
  const Linear<double> without(scope / "without", 2, 3, {.bias = false, .w = init::constant<double>(2)});
  CHECK(registry.contains("with/b"));
  CHECK_FALSE(registry.contains("without/b"));
  Tape<double> tape;
  const Var<double> x = tape.constant(tensor<double>({2, 1, 2}, {1, 2, 3, 4}));
  CHECK(with(x).value() == tensor<double>({2, 1, 3}, {6.5, 6.5, 6.5, 14.5, 14.5, 14.5}));
  CHECK(without(x).value() == tensor<double>({2, 1, 3}, {6, 6, 6, 14, 14, 14}));
}

TEST_CASE("a linear layer starts with Xavier's weights and no bias") {
  Registry<double> registry;
  Random random(1);
  const Linear<double> layer(Scope<double>(registry, random) / "layer", 50, 100);
  double square = 0, limit = std::sqrt(6.0 / 150);
  for (double w : registry.at("layer/w").value) {
    CHECK(std::abs(w) <= limit);
    square += w * w;
  }
  CHECK(std::abs(square / 5000 / (limit * limit / 3) - 1) < 0.05);
  for (double b : registry.at("layer/b").value) CHECK(b == 0);
}

TEST_CASE("the gradients of a linear layer are the numeric ones") {
  Registry<double> registry;
  Random random(1);
  const Linear<double> layer(Scope<double>(registry, random) / "layer", 3, 5);
  const GradcheckResult result = gradcheck([&](std::span<const Var<double>> v) { return layer(v[0]); },
                                           {{"x", init::normal<double>(0, 1)({2, 4, 3}, random)}}, &registry);
  CHECK_MESSAGE(result.passed, result.worst().describe());
  CHECK(result.checks == 24 + 15 + 5);
}
