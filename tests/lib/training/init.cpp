#include <carousel/lib/training/init.hpp>

#include <algorithm>
#include <cmath>

#include <doctest/doctest.h>

using namespace carousel;

namespace {

struct Moments {
  double mean = 0, variance = 0, least = INFINITY, most = -INFINITY;
};

Moments moments_of(const Tensor<double>& x) {
  Moments out;
  const auto count = static_cast<double>(x.size());
  for (std::size_t i = 0; i < x.size(); ++i) {
    const double element = x.data()[i];
    out.mean += element / count, out.variance += element * element / count;
    out.least = std::min(out.least, element), out.most = std::max(out.most, element);
  }
  out.variance -= out.mean * out.mean;
  return out;
}

Tensor<double> draw(const Init<double>& recipe, const Shape& shape, std::uint64_t seed = 1) {
  Random random(seed);
  return recipe(shape, random);
}

// doctest's Approx adds 1 to the scale: useless for small numbers.
bool is_near(double value, double expected, double relative) {
  return std::abs(value - expected) <= relative * std::abs(expected);
}

// The largest difference of aᵀa from `scale` times the unit matrix, for a: [rows, columns] with columns ≤ rows, else of aaᵀ.
double defect(const double* a, Index rows, Index columns, Index stride, double scale) {
  const bool tall = columns <= rows;
  const Index count = tall ? columns : rows, length = tall ? rows : columns;
  double worst = 0;
  for (Index i = 0; i < count; ++i)
    for (Index j = 0; j < count; ++j) {
      double sum = 0;
      for (Index k = 0; k < length; ++k)
        sum += tall ? a[k * stride + i] * a[k * stride + j] : a[i * stride + k] * a[j * stride + k];
      worst = std::max(worst, std::abs(sum - (i == j ? scale : 0)));
    }
  return worst;
}

template <class Make>
void check_float_is_rounded_double(const Make& make, const Shape& shape) {
  Random a(5), b(5);
  const Tensor<float> narrow = make(float{})(shape, a);
  const Tensor<double> wide = make(double{})(shape, b);
  CHECK(a.state() == b.state());
  CHECK(shape_of(narrow) == shape);
  for (std::size_t i = 0; i < wide.size(); ++i) REQUIRE(narrow.data()[i] == static_cast<float>(wide.data()[i]));
}

}  // namespace

TEST_CASE("constant fills with its value and draws nothing") {
  Random random(1);
  const Tensor<double> x = init::constant<double>(0.25)({2, 3}, random);
  CHECK(shape_of(x) == Shape{2, 3});
  for (std::size_t i = 0; i < x.size(); ++i) CHECK(x.data()[i] == 0.25);
  CHECK(random.state().position == 0);
}

TEST_CASE("uniform and normal draw row by row from the generator") {
  Random random(2), same(2);
  const Tensor<double> x = init::uniform<double>(-0.08, 0.08)({3, 4}, random);
  for (std::size_t i = 0; i < x.size(); ++i) CHECK(x.data()[i] == same.uniform(-0.08, 0.08));
  const Tensor<double> y = init::normal<double>(1, 0.5)({5}, random);
  for (std::size_t i = 0; i < y.size(); ++i) CHECK(y.data()[i] == same.normal(1, 0.5));
}

TEST_CASE("float tensors are double tensors, rounded") {
  check_float_is_rounded_double([]<class T>(T) { return init::constant<T>(0.1); }, {3, 5});
  check_float_is_rounded_double([]<class T>(T) { return init::uniform<T>(-0.08, 0.08); }, {3, 5});
  check_float_is_rounded_double([]<class T>(T) { return init::normal<T>(0, 0.1); }, {7});
  check_float_is_rounded_double([]<class T>(T) { return init::xavier_uniform<T>(); }, {3, 5});
  check_float_is_rounded_double([]<class T>(T) { return init::xavier_normal<T>(2); }, {3, 5});
  check_float_is_rounded_double([]<class T>(T) { return init::he_uniform<T>(); }, {4, 3, 2, 5});
  check_float_is_rounded_double([]<class T>(T) { return init::he_normal<T>(0.1); }, {4, 3, 2, 5});
  check_float_is_rounded_double([]<class T>(T) { return init::orthogonal<T>(); }, {3, 5});
  check_float_is_rounded_double([]<class T>(T) { return init::blocks<T>(2, init::orthogonal<T>()); }, {3, 6});
  check_float_is_rounded_double([]<class T>(T) { return init::forget_bias<T>(2, 1, init::normal<T>(0, 0.1)); }, {8});
}

TEST_CASE("xavier has the limits and variances of Glorot and Bengio") {
  const Moments matrix = moments_of(draw(init::xavier_uniform<double>(), {100, 200}));
  const double limit = std::sqrt(6.0 / 300);
  CHECK(matrix.most <= limit);
  CHECK(matrix.least >= -limit);
  CHECK(matrix.most > 0.999 * limit);
  CHECK(is_near(matrix.variance, 2.0 / 300, 0.03));
  CHECK(std::abs(matrix.mean) < 0.003);

  const Moments gained = moments_of(draw(init::xavier_normal<double>(3), {100, 200}));
  CHECK(is_near(gained.variance, 9 * 2.0 / 300, 0.04));
  CHECK(gained.most > 3 * limit);  // a normal has no limit

  const Moments convolution = moments_of(draw(init::xavier_uniform<double>(), {40, 20, 3, 5}));
  CHECK(is_near(convolution.variance, 2.0 / (20 * 15 + 40 * 15), 0.03));
}

TEST_CASE("he has the variances of He, Zhang, Ren and Sun, which know the inputs only") {
  CHECK(is_near(moments_of(draw(init::he_normal<double>(), {100, 200})).variance, 2.0 / 100, 0.04));
  CHECK(is_near(moments_of(draw(init::he_normal<double>(0.5), {100, 200})).variance, 2.0 / 1.25 / 100, 0.04));
  CHECK(is_near(moments_of(draw(init::he_normal<double>(), {40, 20, 3, 5})).variance, 2.0 / 300, 0.04));
  const Moments uniform = moments_of(draw(init::he_uniform<double>(), {100, 200}));
  CHECK(is_near(uniform.variance, 2.0 / 100, 0.04));
  CHECK(uniform.most <= std::sqrt(6.0 / 100));
  CHECK(uniform.most > 0.999 * std::sqrt(6.0 / 100));
}

TEST_CASE("orthogonal matrices keep lengths: square, tall, wide, convolution") {
  for (const Shape& shape : {Shape{1, 1}, Shape{6, 6}, Shape{7, 3}, Shape{3, 7}, Shape{1, 5}, Shape{5, 1}, Shape{64, 64}}) {
    CAPTURE(text(shape));
    CHECK(defect(draw(init::orthogonal<double>(), shape).data(), shape[0], shape[1], shape[1], 1) < 1e-14);
    CHECK(defect(draw(init::orthogonal<double>(0.5), shape).data(), shape[0], shape[1], shape[1], 0.25) < 1e-14);
  }
  CHECK(defect(draw(init::orthogonal<double>(), {6, 2, 2, 3}).data(), 6, 12, 12, 1) < 1e-14);
  CHECK(draw(init::orthogonal<double>(), {0, 3}).size() == 0);
  CHECK(draw(init::orthogonal<double>(), {3, 0}).size() == 0);
}

TEST_CASE("every orthogonal matrix is equally likely: rotations and reflections, all angles") {
  Random random(3);
  const Init<double> recipe = init::orthogonal<double>();
  int reflections = 0;
  double cosine = 0, cosine_of_twice = 0, worst = 0;
  constexpr int count = 4000;
  for (int i = 0; i < count; ++i) {
    const Tensor<double> q = recipe({2, 2}, random);
    reflections += q(0, 0) * q(1, 1) - q(0, 1) * q(1, 0) < 0;
    cosine += q(0, 0), cosine_of_twice += 2 * q(0, 0) * q(0, 0) - 1;
    worst = std::max(worst, defect(q.data(), 2, 2, 2, 1));
  }
  CHECK(worst < 2e-15);  // also where the two columns were nearly parallel
  CHECK(std::abs(reflections - count / 2) < 150);
  CHECK(std::abs(cosine / count) < 0.05);
  CHECK(std::abs(cosine_of_twice / count) < 0.05);
}

TEST_CASE("blocks draws a matrix of its own for each gate") {
  const Tensor<double> wh = draw(init::blocks<double>(4, init::orthogonal<double>()), {8, 32});
  for (Index gate = 0; gate < 4; ++gate) CHECK(defect(wh.data() + 8 * gate, 8, 8, 32, 1) < 1e-14);
  CHECK(defect(wh.data(), 8, 32, 32, 1) > 1);  // together they are not orthogonal

  Random random(1);
  const Tensor<double> first = init::orthogonal<double>()({8, 8}, random), second = init::orthogonal<double>()({8, 8}, random);
  for (std::size_t row = 0; row < 8; ++row)
    for (std::size_t column = 0; column < 8; ++column) {
      CHECK(wh(row, column) == first(row, column));
      CHECK(wh(row, 8 + column) == second(row, column));
    }
}

TEST_CASE("blocks takes one recipe per block") {
  const Tensor<double> x = draw(init::blocks<double>({init::constant<double>(1), init::constant<double>(2)}), {2, 4});
  CHECK(x == tensor<double>({2, 4}, {1, 1, 2, 2, 1, 1, 2, 2}));
  const Tensor<double> bias = draw(init::blocks<double>({init::constant<double>(3), init::constant<double>(4)}), {2});
  CHECK(bias == tensor<double>({2}, {3, 4}));
  CHECK(shape_of(draw(init::blocks<double>(2, init::constant<double>(1)), {3, 0})) == Shape{3, 0});
}

TEST_CASE("forget_bias sets the second of four blocks and leaves the rest") {
  CHECK(draw(init::forget_bias<double>(2), {8}) == tensor<double>({8}, {0, 0, 1, 1, 0, 0, 0, 0}));
  CHECK(draw(init::forget_bias<double>(1, 2.5, init::constant<double>(-1)), {2, 4}) ==
        tensor<double>({2, 4}, {-1, 2.5, -1, -1, -1, 2.5, -1, -1}));
  CHECK(draw(init::forget_bias<double>(0), {0}).size() == 0);
}

TEST_CASE("the same seed gives the same bits, another seed others") {
  const Init<double> recipe = init::blocks<double>(4, init::orthogonal<double>());
  CHECK(draw(recipe, {16, 64}, 1) == draw(recipe, {16, 64}, 1));
  CHECK(draw(recipe, {16, 64}, 1) != draw(recipe, {16, 64}, 2));
}

TEST_CASE("wrong arguments of initialisers are refused by name") {
  const double nan = std::nan("");
  CHECK_THROWS_WITH_AS(init::uniform<float>(1, 0), "uniform: lo is 1, hi is 0: lo must not exceed hi", std::invalid_argument);
  CHECK_THROWS_WITH_AS(init::uniform<float>(nan, 0), "uniform: lo is nan: must be finite", std::invalid_argument);
  CHECK_THROWS_WITH_AS(init::uniform<float>(0, INFINITY), "uniform: hi is inf: must be finite", std::invalid_argument);
  CHECK_THROWS_WITH_AS(init::normal<float>(0, -1), "normal: deviation is -1: must not be negative", std::invalid_argument);
  CHECK_THROWS_WITH_AS(init::normal<float>(nan, 1), "normal: mean is nan: must be finite", std::invalid_argument);
  CHECK_THROWS_WITH_AS(init::orthogonal<float>(nan), "orthogonal: gain is nan: must be finite", std::invalid_argument);
  CHECK_THROWS_WITH_AS(init::he_normal<float>(nan), "he_normal: slope is nan: must be finite", std::invalid_argument);
  CHECK_THROWS_WITH_AS(init::blocks<float>({}), "blocks: 0 recipes: must be at least 1", std::invalid_argument);
  CHECK_THROWS_WITH_AS(init::blocks<float>(0, init::constant<float>(1)), "blocks: count is 0: must be at least 1",
                       std::invalid_argument);

  const char* ranks = "must be [in, out] or [out, in, height, width]";
  CHECK_THROWS_WITH_AS(draw(init::xavier_uniform<double>(), {3}), join("xavier_uniform: shape is [3]: ", ranks).c_str(),
                       std::invalid_argument);
  CHECK_THROWS_WITH_AS(draw(init::xavier_normal<double>(), {}), join("xavier_normal: shape is []: ", ranks).c_str(),
                       std::invalid_argument);
  CHECK_THROWS_WITH_AS(draw(init::he_uniform<double>(), {1, 2, 3}), join("he_uniform: shape is [1, 2, 3]: ", ranks).c_str(),
                       std::invalid_argument);
  CHECK_THROWS_WITH_AS(draw(init::orthogonal<double>(), {3}), join("orthogonal: shape is [3]: ", ranks).c_str(),
                       std::invalid_argument);
  CHECK_THROWS_WITH_AS(draw(init::blocks<double>(4, init::constant<double>(1)), {2, 6}),
                       "blocks: shape is [2, 6]: last axis must be a multiple of 4", std::invalid_argument);
  CHECK_THROWS_WITH_AS(draw(init::forget_bias<double>(2), {2, 4}),
                       "forget_bias: shape is [2, 4]: last axis must be 4 times hidden = 8", std::invalid_argument);
  const Init<double> wrong = [](const Shape&, Random&) { return zeros<double>({1}); };
  CHECK_THROWS_WITH_AS(draw(init::blocks<double>(2, wrong), {2, 4}), "blocks: recipe 0 gave [1]: must give [2, 2]",
                       std::invalid_argument);
  CHECK_THROWS_WITH_AS(draw(init::forget_bias<double>(1, 1, wrong), {4}), "forget_bias: rest gave [1]: must give [4]",
                       std::invalid_argument);
}
