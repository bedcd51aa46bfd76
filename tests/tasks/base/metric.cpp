#include <carousel/tasks/base/metric.hpp>

#include <cmath>
#include <vector>

#include <doctest/doctest.h>

using namespace carousel;

namespace {

const Baseline of_error{.metric = "mse", .guess = "always the mean", .value = 0.5};
const Baseline of_share{.metric = "accuracy", .guess = "the majority class", .value = 0.6, .perfect = 1};

std::vector<Metric> result(const char* name, double value) {
  return {{name, value}, {"other", 7}};
}

}  // namespace

TEST_CASE("skill is 0 where a guess does as well, 1 where nothing is wrong, below 0 where the guess is better") {
  CHECK(skill(of_error, result("mse", 0.5)) == 0);
  CHECK(skill(of_error, result("mse", 0)) == 1);
  CHECK(skill(of_error, result("mse", 1)) == -1);
  CHECK(skill(of_share, result("accuracy", 0.6)) == 0);
  CHECK(skill(of_share, result("accuracy", 0.8)) == doctest::Approx(0.5));
  CHECK(skill(of_share, result("accuracy", 1)) == 1);
  CHECK(std::isnan(skill(of_share, result("mse", 1))));
  CHECK(skill({.metric = "mse", .guess = "the right one", .value = 0}, result("mse", 0.1)) == 0);
}

TEST_CASE("a result that gains a fiftieth or less is not better than its baseline, and says so") {
  CHECK(is_not_better(of_error, result("mse", 0.5)));
  CHECK(is_not_better(of_error, result("mse", 0.491)));
  CHECK_FALSE(is_not_better(of_error, result("mse", 0.489)));
  CHECK(is_not_better(of_share, result("accuracy", 0.605)));
  CHECK_FALSE(is_not_better(of_share, result("accuracy", 0.61)));
  CHECK_FALSE(is_not_better(of_share, result("accuracy", std::nan(""))));
  CHECK(beside(of_error, result("mse", 0.1)) == " (always the mean: 0.5)");
  CHECK(beside(of_error, result("mse", 0.6)) == " (not better than always the mean: 0.5)");
  CHECK(beside(of_share, result("accuracy", 0.9)) == " (the majority class: 0.6)");
  const std::vector<Metric> second = {{"loss", 1}, {"mse", 0.1}};
  CHECK(beside(of_error, second) == " (always the mean: mse 0.5)");
}
