#include <carousel/lib/training/gradcheck.hpp>

#include <cmath>

#include <doctest/doctest.h>

#include <carousel/ops/elementwise.hpp>
#include <carousel/ops/matmul.hpp>
#include <carousel/ops/reduce.hpp>
#include <carousel/ops/shape.hpp>

#include "tests/ops/gradients.hpp"
#include "tests/support/message_of.hpp"

using namespace carousel;

namespace {

using V = Var<double>;

/// An op with the value 2x whose gradient is `wrong` applied to what arrives.
V twice_with(V x, void (*wrong)(const double* dy, const Shape& shape, double* dx)) {
  struct Closure {
    std::uint32_t x;
    void (*wrong)(const double*, const Shape&, double*);
  };
  static constexpr detail::Operation<double> operation{"wrong", [](Tape<double>& tape, std::uint32_t self, const void* closure) {
                                                         const auto& c = *static_cast<const Closure*>(closure);
                                                         const Shape shape = tape.node(self).shape;
                                                         Tensor<double> dx = zeros<double>(shape);
                                                         c.wrong(tape.gradient_buffer(self), shape, dx.data());
                                                         detail::add_to_gradient(tape, c.x,
                                                                                 static_cast<const double*>(dx.data()));
                                                       }};
  Tape<double>& tape = Tape<double>::active();
  const V out = tape.record(x.shape(), tape.needs_gradient(x));
  for (Index i = 0; i < x.shape().size(); ++i) tape.data(out)[i] = 2 * tape.data(x)[i];
  tape.set_backward(out, operation, Closure{x.index(), wrong});
  return out;
}

GradcheckResult check_square(void (*wrong)(const double*, const Shape&, double*)) {
  return gradcheck([&](VarsOfDouble v) { return twice_with(v[0], wrong); }, {{"x", random_tensor({3, 3}, 1)}});
}

}  // namespace

TEST_CASE("a right gradient passes, to the accuracy of the differences") {
  const GradcheckResult result = gradcheck([](VarsOfDouble v) -> V { return sin(v[0]) * exp(v[1]) / (2 + v[0]); },
                                           {{"a", random_tensor({2, 3}, 1)}, {"b", random_tensor({3}, 2)}});
  CHECK(result.passed);
  CHECK(result.checks == 9);
  CHECK(result.tensors.size() == 2);
  CHECK(result.worst_error < 1e-9);
}

TEST_CASE("wrong gradients are rejected") {
  SUBCASE("the op itself is right") {
    CHECK(check_square([](const double* dy, const Shape& shape, double* dx) {
            for (Index i = 0; i < shape.size(); ++i) dx[i] = 2 * dy[i];
          }).passed);
  }
  SUBCASE("a flipped sign") {
    const auto result = check_square([](const double* dy, const Shape& shape, double* dx) {
      for (Index i = 0; i < shape.size(); ++i) dx[i] = -2 * dy[i];
    });
    CHECK_FALSE(result.passed);
    CHECK(result.worst_error == doctest::Approx(2));
  }
  SUBCASE("a flipped sign of one entry, which is named") {
    const auto result = check_square([](const double* dy, const Shape& shape, double* dx) {
      for (Index i = 0; i < shape.size(); ++i) dx[i] = (i == 5 ? -2 : 2) * dy[i];
    });
    CHECK_FALSE(result.passed);
    CHECK(result.worst().worst_index == 5);
    CHECK(result.worst().describe().starts_with("x[1, 2]: tape "));
  }
  SUBCASE("a factor of 2") {
    const auto result = check_square([](const double* dy, const Shape& shape, double* dx) {
      for (Index i = 0; i < shape.size(); ++i) dx[i] = 4 * dy[i];
    });
    CHECK_FALSE(result.passed);
    CHECK(result.worst_error == doctest::Approx(0.5));
  }
  SUBCASE("a factor of 1.00001") {
    CHECK_FALSE(check_square([](const double* dy, const Shape& shape, double* dx) {
                  for (Index i = 0; i < shape.size(); ++i) dx[i] = 2.00002 * dy[i];
                }).passed);
  }
  SUBCASE("nothing") {
    CHECK_FALSE(check_square([](const double*, const Shape&, double*) {}).passed);
  }
  SUBCASE("transposed, which a plain sum would not see") {
    CHECK_FALSE(check_square([](const double* dy, const Shape& shape, double* dx) {
                  for (Index i = 0; i < shape[0]; ++i)
                    for (Index j = 0; j < shape[1]; ++j) dx[i * shape[1] + j] = 2 * dy[j * shape[0] + i];
                }).passed);
  }
  SUBCASE("the mean of all, which a plain sum would not see") {
    CHECK_FALSE(check_square([](const double* dy, const Shape& shape, double* dx) {
                  double mean = 0;
                  for (Index i = 0; i < shape.size(); ++i) mean += 2 * dy[i] / static_cast<double>(shape.size());
                  for (Index i = 0; i < shape.size(); ++i) dx[i] = mean;
                }).passed);
  }
  SUBCASE("NaN") {
    const auto result = check_square([](const double* dy, const Shape& shape, double* dx) {
      for (Index i = 0; i < shape.size(); ++i) dx[i] = i == 3 ? NAN : 2 * dy[i];
    });
    CHECK_FALSE(result.passed);
    CHECK(result.worst_error == HUGE_VAL);
    CHECK(result.worst().worst_index == 3);
  }
  SUBCASE("a missing term") {
    CHECK_FALSE(gradcheck([](VarsOfDouble v) -> V { return v[0] * detach(v[0]); }, {{"x", random_tensor({2, 3}, 1)}}).passed);
  }
  SUBCASE("a wrong derivative in a fused statement") {
    static constexpr auto wrong = elementwise(
        "wrong", [](auto x) { return x * x * x; }, [](auto dy, auto, auto x) { return dy * x * x; });
    CHECK_FALSE(gradcheck([](VarsOfDouble v) -> V { return wrong(v[0]) + v[0] * 3; }, {{"x", random_tensor({2, 3}, 1)}}).passed);
  }
}

TEST_CASE("parameters are checked too, frozen ones are not") {
  Registry<double> registry;
  const Param<double> w = registry.parameter("cell/w", {3, 2}, [] { return random_tensor({3, 2}, 1); });
  const Param<double> b = registry.parameter("cell/b", {2}, [] { return random_tensor({2}, 2); });
  const auto f = [&](VarsOfDouble v) -> V { return tanh(matmul(v[0], w) + b); };
  const std::vector<CheckedInput> inputs{{"x", random_tensor({4, 3}, 3)}};
  const GradcheckResult result = gradcheck(f, inputs, &registry);
  CHECK(result.passed);
  CHECK(result.checks == 12 + 6 + 2);
  REQUIRE(result.tensors.size() == 3);
  CHECK(result.tensors[1].name == "cell/w");
  registry.freeze("cell/w");
  CHECK(gradcheck(f, inputs, &registry).checks == 12 + 2);
  const GradcheckResult wrong =
      gradcheck([&](VarsOfDouble v) -> V { return matmul(v[0], w) + b * detach(b); }, inputs, &registry);
  CHECK_FALSE(wrong.passed);
  CHECK(wrong.worst().name == "cell/b");
}

TEST_CASE("a parameter that the function does not use has a gradient of zeros, whatever an earlier pass left") {
  Registry<double> registry;
  const Param<double> unused = registry.parameter("unused", {2}, [] { return random_tensor({2}, 2); });
  const Param<double> used = registry.parameter("used", {3}, [] { return random_tensor({3}, 4); });
  {
    Tape<double> tape;
    backward(sum(unused * 2.0));
  }
  CHECK(gradcheck([&](VarsOfDouble v) -> V { return v[0] * used; }, {{"x", random_tensor({3}, 3)}}, &registry).passed);
}

TEST_CASE("a registry of which nothing would be checked is refused") {
  Registry<double> registry, other;
  const Param<double> w = registry.parameter("cell/w", {3, 2}, [] { return random_tensor({3, 2}, 1); });
  const auto f = [&](VarsOfDouble v) -> V { return matmul(v[0], w); };
  const std::vector<CheckedInput> inputs{{"x", random_tensor({4, 3}, 3)}};
  const auto says = [&](const CheckedFunction& function, Registry<double>& given) {
    return message_of<std::invalid_argument>([&] { gradcheck(function, inputs, &given); });
  };
  CHECK(says(f, other) == "gradcheck: the function computes with cell/w, which is of another registry: must be given that one");
  CHECK(says([](VarsOfDouble v) -> V { return v[0] * 2; }, registry) ==
        "gradcheck: the function computes with none of the 1 parameters of the registry: must be given the registry of its own");
  CHECK(says([](VarsOfDouble v) -> V { return v[0] * 2; }, other).empty());
  registry.freeze("");
  CHECK(says(f, registry) ==
        "gradcheck: all parameters of the function are frozen: must have one that is not, or be given no registry");
}

TEST_CASE("small entries are judged by the largest of their tensor") {
  const Tensor<double> numeric = tensor<double>({4}, {1, 1e-9, 0, 2e-3});
  CHECK(compare_gradients("x", tensor<double>({4}, {1, 2e-9, 1e-9, 2e-3}), numeric).worst_error ==
        doctest::Approx(1e-6).epsilon(0.01));
  // One above the floor of 10⁻³, with its sign flipped, is judged by itself.
  const CheckedTensor flipped = compare_gradients("x", tensor<double>({4}, {1, 1e-9, 0, -2e-3}), numeric);
  CHECK(flipped.worst_error == doctest::Approx(2));
  CHECK(flipped.worst_index == 3);
  CHECK(compare_gradients("x", zeros<double>({4}), zeros<double>({4})).worst_error == 0);
  CHECK(compare_gradients("x", zeros<double>({4}), numeric).worst_error == 1);
  CHECK(compare_gradients("x", tensor<double>({1}, {INFINITY}), tensor<double>({1}, {INFINITY})).worst_error == HUGE_VAL);
  CHECK_THROWS_WITH_AS(compare_gradients("x", zeros<double>({2}), zeros<double>({3})), "gradcheck: x is [2], compared with [3]",
                       std::invalid_argument);
}

TEST_CASE("the worst entry is described by name, place, time step and both gradients") {
  CheckedTensor checked{"lstm/wx", {2, 8}};
  checked.worst_error = 0.5, checked.worst_index = 15, checked.analytic = 0.25, checked.numeric = 0.5;
  CHECK(checked.describe() == "lstm/wx[1, 7]: tape 0.25, numeric 0.5, error 0.5");
  checked.sequence = true;
  CHECK(checked.describe() == "lstm/wx[1, 7] (time step 1): tape 0.25, numeric 0.5, error 0.5");
  CheckedTensor one{"b", {}};
  CHECK(one.describe() == "b[]: tape 0, numeric 0, error 0");
}

TEST_CASE("what cannot be judged does not pass") {
  CHECK_THROWS_WITH_AS(gradcheck([](VarsOfDouble v) -> V { return log(v[0]); }, {{"x", tensor<double>({2}, {1, -1})}}),
                       "gradcheck: the result of the function is nan: must be finite", std::invalid_argument);
  const GradcheckResult nothing = gradcheck([](VarsOfDouble v) -> V { return sum(v[0]); }, {{"x", zeros<double>({0})}});
  CHECK_FALSE(nothing.passed);
  CHECK(nothing.checks == 0);
  CHECK_THROWS_WITH_AS(nothing.worst(), "gradcheck: nothing was compared: there is no worst entry", std::logic_error);
}

TEST_CASE("the numeric gradient of a function of one tensor") {
  Tensor<double> x = tensor<double>({2, 2}, {1, -2, 3, 100});
  const Tensor<double> before = x;
  const Tensor<double> gradient = numeric_gradient(
      [&] {
        double product = 1;
        for (double e : x) product *= e;
        return product;
      },
      x);
  const double wanted[] = {-600, 300, -200, -6};
  for (std::size_t i = 0; i < 4; ++i) CHECK(std::abs(gradient.data()[i] - wanted[i]) < 1e-9 * std::abs(wanted[i]));
  CHECK(difference(x, before) == 0);
}
