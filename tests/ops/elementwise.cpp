#include <carousel/ops/elementwise.hpp>

#include <array>
#include <cstring>
#include <functional>

#include "tests/ops/gradients.hpp"

#include <carousel/ops/reduce.hpp>

namespace carousel::functions {

/// The README's example, where the library writes its own: `abs` is a name of this place, too.
inline constexpr auto softsign = elementwise(
    "softsign", [](auto x) { return x / (1 + abs(x)); },
    [](auto dy, auto, auto x) { return dy / ((1 + abs(x)) * (1 + abs(x))); });
/// One function by others, of one operand and of two: ln(σ(x)) + max(x, −1).
inline constexpr auto by_others = elementwise(
    "by_others", [](auto x) { return log(sigmoid(x)) + maximum(x, decltype(x)(-1)); },
    [](auto dy, auto, auto x) { return dy * (1 - sigmoid(x)) + only_where(x >= -1, dy); });

}  // namespace carousel::functions

using namespace carousel;

namespace {

/// A function of one operand.
struct Unary {
  std::string name;
  std::function<Var<double>(Var<double>)> f;
  std::function<Var<float>(Var<float>)> f_float;
  double lo, hi;                               // where its derivative is smooth, but for kinks at 0
  std::vector<std::array<double, 3>> by_hand;  // x, f(x), f'(x)
  double at_least, at_most;                    // f(−1e4), f(1e4)
};

#define UNARY(name, ...)                                                                                                \
  {                                                                                                                     \
#name, [](auto x) -> Var < double> { return name(x); }, [](auto x) -> Var < float> { return name(x); }, __VA_ARGS__ \
  }
const std::vector<Unary>& functions_of_one() {
  static const std::vector<Unary> all{
      UNARY(exp, -2, 2,
            {{-2, 0.13533528323661269, 0.13533528323661269}, {0, 1, 1}, {0.75, 2.1170000166126747, 2.1170000166126747}}, 0,
            INFINITY),
      UNARY(log, 0.2, 3, {{0.25, -1.3862943611198906, 4}, {1, 0, 1}, {3, 1.0986122886681097, 0.33333333333333333}}, NAN,
            9.2103403719761834),
      UNARY(sqrt, 0.2, 3, {{0.25, 0.5, 1}, {2, 1.414213562373095, 0.35355339059327376}, {9, 3, 0.16666666666666667}}, NAN, 100),
      UNARY(square, -2, 2, {{-3, 9, -6}, {0, 0, 0}, {1.5, 2.25, 3}}, 1e8, 1e8),
      UNARY(abs, -2, 2, {{-3, 3, -1}, {0, 0, 0}, {1.5, 1.5, 1}}, 1e4, 1e4),
      UNARY(sin, -9, 9,
            {{-2, -0.9092974268256817, -0.41614683654714239},
             {0.5, 0.479425538604203, 0.87758256189037272},
             {100, -0.50636564110975879, 0.86231887228768393}},
            0.30561438888825214, -0.30561438888825214),
      UNARY(cos, -9, 9,
            {{-2, -0.41614683654714239, 0.9092974268256817},
             {0.5, 0.87758256189037272, -0.479425538604203},
             {100, 0.86231887228768393, 0.50636564110975879}},
            -0.95215536825901485, -0.95215536825901485),
      UNARY(sigmoid, -5, 5,
            {{-2, 0.11920292202211756, 0.10499358540350652}, {0, 0.5, 0.25}, {1, 0.73105857863000488, 0.19661193324148186}}, 0,
            1),
      UNARY(tanh, -3, 3,
            {{-2, -0.96402758007581688, 0.070650824853164466},
             {0.001, 0.00099999966666680002, 0.99999900000066667},
             {0.5, 0.46211715726000976, 0.78644773296592741}},
            -1, 1),
      UNARY(relu, -2, 2, {{-2, 0, 0}, {0, 0, 0}, {3, 3, 1}}, 0, 1e4),
      UNARY(leaky_relu, -2, 2, {{-2, -0.02, 0.01}, {0, 0, 0.01}, {3, 3, 1}}, -100, 1e4),
      UNARY(elu, -2, 2,
            {{-2, -0.86466471676338731, 0.13533528323661269}, {-0.001, -0.00099950016662500835, 0.99900049983337499}, {3, 3, 1}},
            -1, 1e4),
      UNARY(gelu, -3, 3,
            {{-3, -0.0040496940948902836, -0.011945647204183927}, {0, 0, 0.5}, {0.5, 0.34573123063700655, 0.86749512465616284}},
            0, 1e4),
      UNARY(softplus, -3, 3,
            {{-30, 9.3576229688397368e-14, 9.357622968839299e-14},
             {0, 0.69314718055994531, 0.5},
             {2, 2.1269280110429725, 0.88079707797788244}},
            0, 1e4),
      UNARY(-, -2, 2, {{-2, 2, -1}, {0, 0, -1}, {3, -3, -1}}, 1e4, -1e4),
  };
  return all;
}
#undef UNARY

template <class T>
Var<T> apply(const Unary& u, Var<T> x) {
  if constexpr (std::is_same_v<T, float>)
    return u.f_float(x);
  else
    return u.f(x);
}

/// f and f' of each element.
template <class T>
std::pair<Tensor<T>, Tensor<T>> value_and_derivative(const Unary& u, const Tensor<T>& at) {
  Tape<T> tape;
  const Var<T> x = tape.variable(at);
  const Var<T> y = apply(u, x);
  backward(sum(y));
  return {y.value(), tape.gradient(x)};
}

template <class T>
std::pair<T, T> value_and_derivative(const Unary& u, double at) {
  const auto [y, d] = value_and_derivative(u, full<T>({1}, static_cast<T>(at)));
  return {y.data()[0], d.data()[0]};
}

bool near(double got, double wanted, double tolerance) {
  if (std::isnan(wanted) || std::isinf(wanted)) return std::isnan(wanted) ? std::isnan(got) : got == wanted;
  return std::abs(got - wanted) <= tolerance * std::abs(wanted);
}

template <class T>
bool same_bits(T a, T b) {
  return std::memcmp(&a, &b, sizeof(T)) == 0;
}

template <class T>
void check_position(const Unary& u) {
  // More than two registers, with a rest; NaN, infinities and huge numbers among the others.
  Tensor<T> row = random_tensor<T>({5 * simd::width<T> / 2 + 3}, 11);
  for (T& x : row) x *= T(20);
  row.data()[1] = static_cast<T>(1e9), row.data()[4] = std::numeric_limits<T>::quiet_NaN();
  row.data()[row.size() - 2] = std::numeric_limits<T>::infinity();
  const auto [y, d] = value_and_derivative(u, row);
  for (std::size_t i = 0; i < row.size(); ++i) {
    const auto [y_alone, d_alone] = value_and_derivative(u, full<T>({1}, row.data()[i]));
    INFO("element ", i, ": ", row.data()[i]);
    CHECK(same_bits(y.data()[i], y_alone.data()[0]));
    CHECK(same_bits(d.data()[i], d_alone.data()[0]));
  }
}

}  // namespace

TEST_CASE("functions of one operand have the values and derivatives of hand and pocket calculator") {
  for (const Unary& u : functions_of_one())
    for (const auto& [x, y, d] : u.by_hand) {
      const double at = x;  // clang 14 cannot capture x itself
      INFO(u.name, " at ", at);
      const auto [got, got_d] = value_and_derivative<double>(u, x);
      CHECK(near(got, y, 4e-15));
      CHECK(near(got_d, d, 4e-15));
      const auto [got_float, got_float_d] = value_and_derivative<float>(u, x);
      CHECK(near(double{got_float}, y, 1e-6));
      CHECK(near(double{got_float_d}, d, 1e-6));
    }
}

TEST_CASE("gradients of functions of one operand") {
  for (const Unary& u : functions_of_one())
    for (const Shape& shape : {Shape{2, 3}, Shape{}, Shape{19}, Shape{3, 1, 2}}) {
      INFO(u.name, " of ", text(shape));
      CheckedInput input = input_between("x", shape, u.lo, u.hi, 3);
      for (double& x : input.value)
        if (std::abs(x) < 0.01) x += 0.02;  // away from kinks
      check_gradients([&](VarsOfDouble v) { return u.f(v[0]); }, {input});
    }
}

TEST_CASE("far out, functions saturate and their derivatives are finite") {
  for (const Unary& u : functions_of_one())
    for (const double x : {-1e4, 1e4}) {
      const double at = x;  // clang 14 cannot capture x itself
      INFO(u.name, " at ", at);
      const double wanted = x < 0 ? u.at_least : u.at_most;
      const auto [y, d] = value_and_derivative<double>(u, x);
      const auto [y_float, d_float] = value_and_derivative<float>(u, x);
      CHECK(near(y, wanted, 1e-15));
      CHECK(near(double{y_float}, wanted, 1e-6));
      if (std::isfinite(wanted)) {
        CHECK(std::isfinite(d));
        CHECK(std::isfinite(d_float));
      }
    }
}

TEST_CASE("NaN goes through functions of one operand") {
  for (const Unary& u : functions_of_one()) {
    INFO(u.name);
    CHECK(std::isnan(value_and_derivative<double>(u, NAN).first));
    CHECK(std::isnan(value_and_derivative<float>(u, NAN).first));
  }
}

TEST_CASE("a value and its derivative do not depend on the place in a row, nor on the neighbours") {
  for (const Unary& u : functions_of_one()) {
    INFO(u.name);
    check_position<float>(u);
    check_position<double>(u);
  }
}

TEST_CASE("empty values have empty results") {
  for (const Unary& u : functions_of_one()) {
    const auto [y, d] = value_and_derivative(u, zeros<double>({3, 0}));
    CHECK(shape_of(y) == Shape{3, 0});
    CHECK(shape_of(d) == Shape{3, 0});
  }
}

TEST_CASE("a user's function is a line for the value and one for the derivative") {
  static constexpr auto softsign = elementwise(
      "softsign", [](auto x) { return x / (1 + abs(x)); },
      [](auto dy, auto, auto x) { return dy / ((1 + abs(x)) * (1 + abs(x))); });
  check_gradients([](VarsOfDouble v) -> Var<double> { return softsign(v[0] * 2) * v[1]; },
                  {input_between("a", {2, 3}, 0.1, 1, 1), input_between("b", {3}, -1, 1, 2)});
  Tape<float> tape;
  CHECK(Var<float>(softsign(tape.constant(full<float>({}, 3)))).item() == 0.75F);
}

TEST_CASE("a function may be written by others, where the library's stand as well as in a program") {
  Tape<double> tape;
  const Var<double> x = tape.variable(tensor<double>({2, 3}, {-3, -1, -0.25, 0.5, 1, 3}));
  check_elements(functions::softsign(x), {2, 3}, {-0.75, -0.5, -0.2, 0.5 / 1.5, 0.5, 0.75});
  const Var<double> others = functions::by_others(x), wanted = log(sigmoid(x)) + maximum(x, -1);
  CHECK(difference(others.value(), wanted.value()) < 1e-15);
  const auto passes = [](const CheckedFunction& f) { return gradcheck(f, {{"x", random_tensor({2, 3}, 1)}}).passed; };
  CHECK(passes([](auto v) -> Var<double> { return functions::softsign(v[0]) * 2; }));
  CHECK(passes([](auto v) -> Var<double> { return functions::by_others(v[0]); }));
}
