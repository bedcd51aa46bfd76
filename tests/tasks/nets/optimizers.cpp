#include <carousel/tasks/nets/optimizers.hpp>

#include <cmath>
#include <set>

#include <doctest/doctest.h>

#include <carousel/lib/tape/expression.hpp>

using namespace carousel;

namespace {

/// Two steps of x ↦ x²/2 from x = 1 by the optimiser of that name.
double after_two_steps(const std::string& name) {
  Registry<double> registry;
  Parameter<double>& x = registry.parameter("x", {1}, [] { return full<double>({1}, 1); });
  const auto optimizer = make_optimizer(name, registry, 0.1);
  CHECK(optimizer->name() == std::string(name == "momentum" ? "sgd" : name));
  Tape<double> tape;
  for (int i = 0; i < 2; ++i) {
    tape.clear();
    const Var<double> v = Param<double>(x);
    backward(v * v * 0.5);
    optimizer->step();
  }
  return x.value.data()[0];
}

}  // namespace

TEST_CASE("every optimiser goes downhill, each in its own way") {
  std::set<double> ends;
  for (const std::string& name : optimizer_names()) {
    CAPTURE(name);
    const double end = after_two_steps(name);
    CHECK(std::abs(end) < 1);
    CHECK(ends.insert(end).second);
  }
  CHECK(after_two_steps("sgd") == doctest::Approx(0.81));
  CHECK(after_two_steps("momentum") == doctest::Approx(0.72));
}

TEST_CASE("an optimiser that is not there is refused with those that are") {
  Registry<float> registry;
  CHECK_THROWS_WITH_AS(make_optimizer("adamm", registry, 0.1),
                       "optimizer: there is no adamm: must be one of sgd, momentum, rmsprop, adagrad, adadelta, adam, adamw",
                       std::invalid_argument);
}
