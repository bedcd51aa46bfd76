#include <carousel/lib/training/optimizer.hpp>

#include <cmath>
#include <functional>
#include <memory>
#include <stdexcept>

#include <doctest/doctest.h>

#include "tests/lib/tape/given.hpp"

using namespace carousel;
using test::give_gradient;
using test::make;

namespace {

using Make = std::function<std::unique_ptr<Optimizer<double>>(Registry<double>&)>;

template <template <class> class O, class Options>
Make with(const Options& options) {
  return [=](Registry<double>& registry) { return std::make_unique<O<double>>(registry, options); };
}

/// p after a step with each of the gradients.
double after(const Make& make_optimizer, double start, std::initializer_list<double> gradients) {
  Registry<double> registry;
  Parameter<double>& p = make(registry, "p", {start});
  const auto optimizer = make_optimizer(registry);
  for (double gradient : gradients) {
    give_gradient(p, {gradient});
    optimizer->step();
  }
  return p.value.data()[0];
}

}  // namespace

TEST_CASE("two steps of each optimiser, computed by hand") {
  const auto near = [](double value) { return doctest::Approx(value).epsilon(1e-14); };
  // d = 2 + 0.5·4 = 4, p = 4 − 0.1·4 = 3.6; d = 1 + 0.5·3.6 = 2.8, p = 3.6 − 0.28
  CHECK(after(with<Sgd>(SgdOptions{.rate = 0.1, .weight_decay = 0.5}), 4, {2, 1}) == near(3.32));
  // m = 2, p = 3.8; m = 0.5·2 + 1 = 2, p = 3.6
  CHECK(after(with<Sgd>(SgdOptions{.rate = 0.1, .momentum = 0.5}), 4, {2, 1}) == near(3.6));
  // m = 2, p = 4 − 0.1·(2 + 1) = 3.7; m = 2, p = 3.7 − 0.1·(1 + 1)
  CHECK(after(with<Sgd>(SgdOptions{.rate = 0.1, .momentum = 0.5, .nesterov = true}), 4, {2, 1}) == near(3.5));
  // v = 0.25·4 = 1, u = 2/(1+1) = 1; v = 0.75 + 0.25 = 1, u = 1/(1+1). Inside the root ε would give √2 for 1 + 1.
  CHECK(after(with<RmsProp>(RmsPropOptions{.rate = 0.1, .alpha = 0.75, .epsilon = 1}), 4, {2, 1}) == near(3.85));
  // with momentum: m = 1, then m = 0.5 + 0.5
  CHECK(after(with<RmsProp>(RmsPropOptions{.rate = 0.1, .alpha = 0.75, .epsilon = 1, .momentum = 0.5}), 4, {2, 1}) == near(3.8));
  // s = 9, u = 3/(3+1); s = 9 + 16, u = 4/(5+1) at half the rate
  CHECK(after(with<Adagrad>(AdagradOptions{.rate = 0.1, .rate_decay = 1, .epsilon = 1}), 4, {3, 4}) ==
        near(4 - 0.075 - 0.05 * 4 / 6));
  // the sum starts at 7: s = 16, u = 3/(4+1); s = 32, u = 4/(√32 + 1)
  CHECK(after(with<Adagrad>(AdagradOptions{.rate = 0.1, .initial = 7, .epsilon = 1}), 4, {3, 4}) ==
        near(4 - 0.06 - 0.4 / (std::sqrt(32.) + 1)));
  // v = 1, u = 2·√3/√(1+3) = √3, w = 0.25·3; v = 1, u = 1·√(0.75 + 3)/2
  CHECK(after(with<Adadelta>(AdadeltaOptions{.rate = 0.1, .rho = 0.75, .epsilon = 3}), 4, {2, 1}) ==
        near(4 - 0.1 * std::sqrt(3.) - 0.05 * std::sqrt(3.75)));
  // m = 1, v = 1: (1/0.5) / (√(1/0.25) + 1) = 2/3; m = 0.5 + 0.5, v = 0.75 + 0.25: (1/0.75) / (√(1/0.4375) + 1)
  const double adam_step = (1 / 0.75) / (std::sqrt(1 / 0.4375) + 1);
  CHECK(after(with<Adam>(AdamOptions{.rate = 0.1, .beta1 = 0.5, .beta2 = 0.75, .epsilon = 1}), 4, {2, 1}) ==
        near(4 - 0.2 / 3 - 0.1 * adam_step));
  // decay apart from the gradient: p shrinks by 0.1·0.5 of it before each step
  CHECK(after(with<AdamW>(AdamWOptions{.rate = 0.1, .beta1 = 0.5, .beta2 = 0.75, .epsilon = 1, .weight_decay = 0.5}), 4,
              {2, 1}) == near(0.95 * (0.95 * 4 - 0.2 / 3) - 0.1 * adam_step));
}

TEST_CASE("three steps of each optimiser equal PyTorch 1.13's") {
  struct Row {
    const char* name;
    Make make_optimizer;
    double expected[3];
  };
  const Row rows[] = {
      {"sgd", with<Sgd>(SgdOptions{.rate = 0.1}), {0.6624999999999999, -2.0500000000000003, 0.45}},
      {"sgd decay", with<Sgd>(SgdOptions{.rate = 0.1, .weight_decay = 0.3}), {0.5777530000000001, -1.878211, 0.410814}},
      {"sgd momentum",
       with<Sgd>(SgdOptions{.rate = 0.1, .momentum = 0.9, .weight_decay = 0.3}),
       {0.4295229999999999, -1.6564510000000001, 0.241074}},
      {"sgd nesterov",
       with<Sgd>(SgdOptions{.rate = 0.1, .momentum = 0.9, .nesterov = true, .weight_decay = 0.3}),
       {0.07657160199999996, -1.591629049, 0.18935517599999996}},
      {"rmsprop",
       with<RmsProp>(RmsPropOptions{.rate = 0.1, .alpha = 0.95, .epsilon = 1e-2}),
       {0.2565860557288932, -1.9203669204341227, -0.03721176666865611}},
      {"rmsprop momentum",
       with<RmsProp>(RmsPropOptions{.rate = 0.1, .alpha = 0.95, .epsilon = 1e-2, .momentum = 0.8, .weight_decay = 0.3}),
       {-0.5080991702070132, -1.328646277194848, -0.9195033981281887}},
      {"rmsprop defaults", with<RmsProp>(RmsPropOptions{}), {0.8257850386822564, -1.9801443934251908, 0.36199669743225155}},
      {"adagrad",
       with<Adagrad>(AdagradOptions{.rate = 0.1, .rate_decay = 0.5, .initial = 0.2, .epsilon = 1e-2, .weight_decay = 0.3}),
       {0.8551062102807125, -1.928483737506785, 0.3981295793120908}},
      {"adagrad defaults", with<Adagrad>(AdagradOptions{}), {0.9825697375039782, -1.9980000000003466, 0.4861820590571719}},
      {"adadelta",
       with<Adadelta>(AdadeltaOptions{.rate = 0.5, .rho = 0.8, .epsilon = 1e-2, .weight_decay = 0.3}),
       {0.7161663414326604, -1.9362151376808772, 0.3685782778099609}},
      {"adadelta defaults", with<Adadelta>(AdadeltaOptions{}), {0.9935252455864756, -2.0004816224437474, 0.4962418653319767}},
      {"adam",
       with<Adam>(AdamOptions{.rate = 0.1, .beta1 = 0.8, .beta2 = 0.95, .epsilon = 1e-2, .weight_decay = 0.3}),
       {0.7457886795129364, -1.8716164611351958, 0.28388710010338164}},
      {"adam defaults", with<Adam>(AdamOptions{}), {0.9978395372622662, -1.9993430945207882, 0.4979389152560993}},
      {"adamw",
       with<AdamW>(AdamWOptions{.rate = 0.1, .beta1 = 0.8, .beta2 = 0.95, .epsilon = 1e-2, .weight_decay = 0.3}),
       {0.7074900764255435, -1.7742618993715256, 0.26785416301050163}},
      {"adamw defaults", with<AdamW>(AdamWOptions{}), {0.9978095622568465, -1.9992831131855822, 0.49792394424976283}},
  };
  for (const Row& row : rows) {
    CAPTURE(row.name);
    Registry<double> registry;
    Parameter<double>& p = make(registry, "p", {1.0, -2.0, 0.5});
    const auto optimizer = row.make_optimizer(registry);
    for (const auto& gradient : {std::initializer_list<double>{0.5, -1.5, 0.25}, {-0.125, 2.0, 1.0}, {3.0, 0.0, -0.75}}) {
      give_gradient(p, gradient);
      optimizer->step();
    }
    for (int i = 0; i < 3; ++i) CHECK(p.value.data()[i] == doctest::Approx(row.expected[i]).epsilon(1e-13));
  }
}

TEST_CASE("an element's step does not depend on its place, and nothing past the end is touched") {
  Registry<float> registry;
  Parameter<float>& p = registry.parameter("p", {37}, [] { return full<float>({37}, 0.3f); });
  AdamW<float> adam(registry, {.rate = 0.05});
  for (float gradient : {0.7f, -0.2f}) {
    p.gradient = full<float>({37}, gradient);
    p.has_gradient = true;
    adam.step();
  }
  for (Index i = 1; i < 37; ++i) CHECK(p.value.data()[i] == p.value.data()[0]);
  CHECK(p.value.data()[0] < 0.3f);
}

TEST_CASE("a step consumes the gradients, counts a version, and can scale") {
  Registry<double> registry;
  Parameter<double>&a = make(registry, "a", {1.0}), &b = make(registry, "b", {1.0});
  Sgd<double> sgd(registry, {.rate = 1});
  give_gradient(a, {4.0});
  const std::uint64_t version = a.version();
  sgd.step(0.125);
  CHECK(a.value.data()[0] == 0.5);
  CHECK(b.value.data()[0] == 1);
  CHECK(a.version() == version + 1);
  CHECK_FALSE(a.has_gradient);
  CHECK_THROWS_WITH_AS(sgd.step(), "step: no parameter has a gradient: call backward() before each step()", std::logic_error);
}

TEST_CASE("a gradient that did not arrive counts as zero, never as last step's") {
  Registry<double> registry;
  Parameter<double>&a = make(registry, "a", {0.0}), &b = make(registry, "b", {0.0});
  Sgd<double> sgd(registry, {.rate = 1, .momentum = 0.5});
  give_gradient(a, {1.0});
  give_gradient(b, {1.0});
  sgd.step();
  give_gradient(b, {0.0});
  sgd.step();  // a has only its momentum
  CHECK(a.value.data()[0] == -1.5);
  CHECK(b.value.data()[0] == -1.5);
}

TEST_CASE("a frozen parameter stays, with its decay, its momentum and its count of steps") {
  Registry<double> registry;
  Parameter<double>&a = make(registry, "a", {1.0}), &b = make(registry, "b", {1.0});
  Adam<double> adam(registry, {.rate = 0.1, .weight_decay = 0.5});
  registry.freeze("a");
  for (int i = 0; i < 3; ++i) {
    give_gradient(a, {1.0});
    give_gradient(b, {1.0});
    adam.step();
  }
  CHECK(a.value.data()[0] == 1);
  CHECK(a.version() == 0);
  CHECK_FALSE(a.has_gradient);
  registry.freeze("a", false);
  give_gradient(a, {1.0});
  adam.step();  // its own first step: −rate
  CHECK(a.value.data()[0] == doctest::Approx(0.9).epsilon(1e-8));
}

TEST_CASE("groups have rates and decays of their own, and the longest prefix decides") {
  Registry<double> registry;
  Parameter<double>&core = make(registry, "core/w", {1.0}), &out = make(registry, "out/w", {1.0}),
  &bias = make(registry, "out/b", {1.0}), &other = make(registry, "outer", {1.0});
  Sgd<double> sgd(registry, {.rate = 1, .weight_decay = 0.5});
  sgd.group("out/b", {.weight_decay = 0});
  sgd.group("out", {.rate = 0.25});
  for (Parameter<double>& p : registry) give_gradient(p, {1.0});
  sgd.set_rate_factor(0.5);
  sgd.step();
  CHECK(core.value.data()[0] == 1 - 0.5 * 1.5);
  CHECK(out.value.data()[0] == 1 - 0.125 * 1.5);
  CHECK(bias.value.data()[0] == 1 - 0.125);
  CHECK(other.value.data()[0] == 1 - 0.5 * 1.5);
  CHECK_THROWS_WITH_AS(sgd.group("ou", {.rate = 1}), "group: no parameter is or lies below ou", std::invalid_argument);
  CHECK_THROWS_WITH_AS(sgd.group("out", {.rate = -1}), "group: rate is -1: must be finite and not negative",
                       std::invalid_argument);
  CHECK_THROWS_WITH_AS(sgd.set_rate_factor(-1), "sgd: rate factor is -1: must be finite and not negative", std::invalid_argument);
}

TEST_CASE("a parameter made after the optimiser is trained too, in its group") {
  Registry<double> registry;
  make(registry, "out/w", {1.0});
  Sgd<double> sgd(registry, {.rate = 1});
  sgd.group("out", {.rate = 0.5});
  Parameter<double>& late = make(registry, "out/late", {1.0});
  give_gradient(late, {1.0});
  sgd.step();
  CHECK(late.value.data()[0] == 0.5);
}

TEST_CASE("options that cannot be are refused") {
  Registry<float> registry;
  CHECK_THROWS_WITH_AS(Adam<float>(registry, {.beta1 = 1}), "adam: beta1 is 1: must lie in [0, 1)", std::invalid_argument);
  CHECK_THROWS_WITH_AS(AdamW<float>(registry, {.rate = -1}), "adamw: rate is -1: must be finite and not negative",
                       std::invalid_argument);
  CHECK_THROWS_WITH_AS(Sgd<float>(registry, {.nesterov = true}), "sgd: nesterov without momentum: momentum must be above 0",
                       std::invalid_argument);
  CHECK_THROWS_WITH_AS(RmsProp<float>(registry, {.alpha = std::nan("")}), "rmsprop: alpha is nan: must lie in [0, 1)",
                       std::invalid_argument);
}

namespace {
/// Follows the sign of the gradient, and remembers the last one.
class SignDescent final : public Optimizer<double> {
 public:
  explicit SignDescent(Registry<double>& registry) : Optimizer<double>(registry, "sign", 0.25, 0, {"last"}) {}

 private:
  void update(const Update& u) override {
    for (Index i = 0; i < u.size; ++i) {
      u.p[i] -= u.rate * (u.g[i] > 0 ? 1 : -1);
      u.state[0][i] = u.g[i];
    }
  }
};
}  // namespace

TEST_CASE("an optimiser of one's own is a constructor and an update") {
  Registry<double> registry;
  Parameter<double>& p = make(registry, "p", {1.0, 1.0});
  SignDescent sign(registry);
  give_gradient(p, {7.0, -0.5});
  sign.step();
  CHECK(p.value.data()[0] == 0.75);
  CHECK(p.value.data()[1] == 1.25);
  Safetensors file;
  sign.put(file);
  CHECK(to_tensor<double>(file.tensors.at("optimizer:last/p"), "").data()[1] == -0.5);
}
