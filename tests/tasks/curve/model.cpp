#include <carousel/tasks/curve/model.hpp>

#include <algorithm>
#include <cmath>
#include <numeric>

#include <doctest/doctest.h>

using namespace carousel;

TEST_CASE("the curve to learn has a mean of 0 and comes to 1 before that is taken off") {
  for (const Index points : {320, 960}) {
    const std::vector<double> ys = curve(points, points);
    REQUIRE(std::ssize(ys) == points);
    CHECK(std::accumulate(ys.begin(), ys.end(), 0.0) == doctest::Approx(0).epsilon(1e-9));
    const auto [low, high] = std::minmax_element(ys.begin(), ys.end());
    CHECK(*high - *low > 1.5);
    CHECK(*high - *low < 2);
  }
  // The original's first and last points of 320 (result.log).
  const std::vector<double> ys = curve(320, 320);
  CHECK(ys[0] == doctest::Approx(-0.138645).epsilon(1e-5));
  CHECK(ys[1] == doctest::Approx(-0.119378).epsilon(1e-5));
  CHECK(ys[319] == doctest::Approx(0.129161).epsilon(1e-5));
}

TEST_CASE("the curve goes on as it began") {
  const std::vector<double> learned = curve(320, 320), longer = curve(320, 960), few = curve(320, 10);
  CHECK(std::equal(learned.begin(), learned.end(), longer.begin()));
  CHECK(std::equal(few.begin(), few.end(), learned.begin()));
  CHECK(curve(960, 960)[5] != learned[5]);
}

TEST_CASE("the loss of a curve is the square of its error") {
  CurveOptions options;
  options.hidden = 4;
  for (const char* const preset : {"default", "source"}) {
    options.preset = preset;
    Registry<double> registry;
    const Predictor net = curve_net(registry, options);
    const std::vector<double> points = curve(20, 20), made = generate(net, 30);
    Tape<double> tape;
    CHECK(curve_loss(net, points).item() == doctest::Approx(std::pow(curve_error(made, points, 20), 2)).epsilon(1e-12));
    CHECK(made.size() == 30);
  }
  CHECK(curve_error({1, 2, 9}, {1, 4}, 2) == doctest::Approx(std::sqrt(2)));
}

TEST_CASE("forget gates start with the bias that is asked for") {
  CurveOptions options;
  options.hidden = 3;
  options.forget = 5;
  options.preset = "source";
  Registry<double> registry;
  curve_net(registry, options);
  const Tensor<double>& b = registry.at("cell/0/b").value;
  for (Index k = 0; k < 12; ++k) CHECK(b.data()[k] == (k / 3 == 1 ? 5 : 0));
}
