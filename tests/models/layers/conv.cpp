#include <carousel/models/layers/conv.hpp>

#include <cmath>

#include <doctest/doctest.h>

#include <carousel/lib/training/gradcheck.hpp>

using namespace carousel;

TEST_CASE("a convolutional layer is conv2d of its parameters, which start as rectifiers like it") {
  Registry<double> registry;
  Random random(1);
  const Conv2d<double> layer(Scope<double>(registry, random) / "conv", 20, 30, 3, {.padding = 1});
  CHECK(registry.at("conv/w").shape() == Shape{30, 20, 3, 3});
  CHECK(registry.at("conv/b").shape() == Shape{30});
  double square = 0;
  for (const double w : registry.at("conv/w").value) square += w * w;
  CHECK(std::abs(square / 5400 / (2.0 / 180) - 1) < 0.05);
  for (const double b : registry.at("conv/b").value) CHECK(b == 0);
  Tape<double> tape;
  const Var<double> x = tape.constant(init::normal<double>(0, 1)({2, 20, 4, 5}, random));
  CHECK(layer(x).value() == conv2d(x, layer.w, layer.b, {.padding = 1}).value());
  CHECK(layer(x).shape() == Shape{2, 30, 4, 5});
}

TEST_CASE("the gradients of a convolutional layer are the numeric ones") {
  Registry<double> registry;
  Random random(1);
  const Conv2d<double> layer(Scope<double>(registry, random) / "conv", 2, 3, 2, {.stride = 2});
  const GradcheckResult result = gradcheck([&](std::span<const Var<double>> v) { return layer(v[0]); },
                                           {{"x", init::normal<double>(0, 1)({2, 2, 5, 4}, random)}}, &registry);
  CHECK_MESSAGE(result.passed, result.worst().describe());
  CHECK(result.checks == 80 + 24 + 3);
}
