#include <carousel/ops/conv.hpp>

#include <cmath>
#include <functional>
#include <limits>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include <carousel/lib/training/gradcheck.hpp>
#include <carousel/ops/elementwise.hpp>
#include <carousel/ops/reduce.hpp>
#include <carousel/ops/shape.hpp>

#include "tests/support/allocations.hpp"
#include "tests/support/values.hpp"

using namespace carousel;

namespace test_conv {

namespace {

using V = Var<double>;
using Vars = std::span<const V>;

/// The convolution by its definition, one number after the other.
template <class T>
Tensor<double> by_definition(const Tensor<T>& x, const Tensor<T>& w, const Tensor<T>& b, Index stride, Index padding) {
  const Shape sx = shape_of(x), sw = shape_of(w);
  const Index rows = (sx[2] + 2 * padding - sw[2]) / stride + 1, columns = (sx[3] + 2 * padding - sw[3]) / stride + 1;
  Tensor<double> y = empty<double>({sx[0], sw[0], rows, columns});
  double* to = y.data();
  for (Index n = 0; n < sx[0]; ++n)
    for (Index o = 0; o < sw[0]; ++o)
      for (Index i = 0; i < rows; ++i)
        for (Index j = 0; j < columns; ++j) {
          double sum = static_cast<double>(b.data()[o]);
          for (Index c = 0; c < sx[1]; ++c)
            for (Index p = 0; p < sw[2]; ++p)
              for (Index q = 0; q < sw[3]; ++q) {
                const Index u = i * stride + p - padding, v = j * stride + q - padding;
                if (u < 0 || u >= sx[2] || v < 0 || v >= sx[3]) continue;
                sum += static_cast<double>(w.data()[((o * sw[1] + c) * sw[2] + p) * sw[3] + q]) *
                       static_cast<double>(x.data()[((n * sx[1] + c) * sx[2] + u) * sx[3] + v]);
              }
          *to++ = sum;
        }
  return y;
}

struct Form {
  std::string name;
  Shape x, w;
  Conv2dOptions options;
};

const std::vector<Form>& forms() {
  static const std::vector<Form> all{
      {"one kernel", {1, 1, 4, 5}, {1, 1, 2, 3}, {}},
      {"channels and a batch", {2, 3, 5, 4}, {4, 3, 3, 2}, {}},
      {"a kernel of one", {2, 3, 4, 5}, {2, 3, 1, 1}, {}},
      {"a kernel as large as the image", {2, 2, 3, 4}, {3, 2, 3, 4}, {}},
      {"padding", {2, 2, 4, 5}, {3, 2, 3, 3}, {.padding = 1}},
      {"stride", {2, 2, 6, 7}, {3, 2, 3, 2}, {.stride = 2}},
      {"stride that leaves a rest", {1, 2, 8, 9}, {2, 2, 3, 3}, {.stride = 4}},
      {"stride and padding", {2, 2, 5, 6}, {3, 2, 3, 3}, {.stride = 2, .padding = 1}},
      {"stride of three and padding of two", {1, 2, 5, 7}, {2, 2, 4, 3}, {.stride = 3, .padding = 2}},
      {"more padding than kernel", {1, 1, 3, 2}, {2, 1, 2, 2}, {.stride = 1, .padding = 4}},
      {"more padding than kernel, with stride", {1, 1, 2, 3}, {2, 1, 1, 2}, {.stride = 3, .padding = 5}},
      {"a kernel larger than the image", {1, 2, 2, 1}, {1, 2, 4, 5}, {.padding = 2}},
      {"a kernel larger than the image, with stride", {1, 2, 2, 1}, {1, 2, 4, 5}, {.stride = 2, .padding = 2}},
      {"stride beyond the image", {1, 1, 3, 3}, {1, 1, 2, 2}, {.stride = 9}},
  };
  return all;
}

}  // namespace

TEST_CASE("conv2d slides kernels over images") {
  Tape<double> tape;
  const V x = tape.variable(tensor<double>({1, 1, 3, 3}, {1, 2, 3, 4, 5, 6, 7, 8, 9}));
  const V w = tape.variable(tensor<double>({1, 1, 2, 2}, {1, 10, 100, 1000})), b = tape.variable(tensor<double>({1}, {0.5}));
  const V y = conv2d(x, w, b);
  CHECK(difference(y.value(), tensor<double>({1, 1, 2, 2}, {5421.5, 6532.5, 8754.5, 9865.5})) == 0);
  backward(sum(y * tape.constant(tensor<double>({1, 1, 2, 2}, {1, 2, 3, 4}))));
  CHECK(difference(tape.gradient(x), tensor<double>({1, 1, 3, 3}, {1, 12, 20, 103, 1234, 2040, 300, 3400, 4000})) == 0);
  CHECK(difference(tape.gradient(w), tensor<double>({1, 1, 2, 2}, {37, 47, 67, 77})) == 0);
  CHECK(difference(tape.gradient(b), tensor<double>({1}, {10})) == 0);
}

TEST_CASE("conv2d gives the convolution by its definition in every form") {
  for (const Form& form : forms()) {
    CAPTURE(form.name);
    const Index stride = form.options.stride, padding = form.options.padding;
    const Tensor<double> x = random_tensor(form.x, 1), w = random_tensor(form.w, 2), b = random_tensor({form.w[0]}, 3);
    Tape<double> tape;
    CHECK(difference(conv2d(tape.constant(x), tape.constant(w), tape.constant(b), form.options).value(),
                     by_definition(x, w, b, stride, padding)) < 1e-14);
    const Tensor<float> fx = random_tensor<float>(form.x, 1), fw = random_tensor<float>(form.w, 2),
                        fb = random_tensor<float>({form.w[0]}, 3);
    Tape<float> single;
    CHECK(difference(conv2d(single.constant(fx), single.constant(fw), single.constant(fb), form.options).value(),
                     by_definition(fx, fw, fb, stride, padding)) < 1e-6);
  }
}

TEST_CASE("conv2d has the right gradient for every operand in every form") {
  for (const Form& form : forms()) {
    CAPTURE(form.name);
    const GradcheckResult result =
        gradcheck([&](Vars v) { return conv2d(v[0], v[1], v[2], form.options); },
                  {{"x", random_tensor(form.x, 1)}, {"w", random_tensor(form.w, 2)}, {"b", random_tensor({form.w[0]}, 3)}});
    INFO(result.worst().describe());
    CHECK(result.passed);
  }
}

TEST_CASE("conv2d has the right gradient for views and operands used twice") {
  const auto check = [](const CheckedFunction& f, std::vector<CheckedInput> inputs) {
    const GradcheckResult result = gradcheck(f, std::move(inputs));
    INFO(result.worst().describe());
    CHECK(result.passed);
  };
  const auto in = [](const char* name, const Shape& shape, std::uint64_t seed) {
    return CheckedInput{name, random_tensor(shape, seed)};
  };
  check([](Vars v) { return conv2d(transpose(v[0]), transpose(v[1], 0, 1), at(v[2], 1, 0)); },
        {in("x", {2, 3, 4, 5}, 1), in("w", {3, 2, 2, 3}, 2), in("b", {2, 2}, 3)});
  check([](Vars v) { return conv2d(v[0], v[0], v[1], {.padding = 1}); }, {in("x and w", {2, 3, 4, 5}, 1), in("b", {2}, 3)});
  check([](Vars v) { return conv2d(v[0], slice(v[0], 0, 1, 3), v[1]); },
        {in("x, a part of it w", {3, 2, 4, 5}, 1), in("b", {2}, 3)});
  check([](Vars v) { return conv2d(tanh(v[0]), v[1] * 2, v[2]); },
        {in("x", {2, 2, 4, 3}, 1), in("w", {3, 2, 2, 2}, 2), in("b", {3}, 3)});
}

TEST_CASE("conv2d asks for no gradient of what is constant") {
  Tape<double> tape;
  const V x = tape.constant(random_tensor({2, 3, 5, 4}, 1)), w = tape.constant(random_tensor({4, 3, 2, 2}, 2)),
          b = tape.constant(random_tensor({4}, 3));
  CHECK(!tape.node(conv2d(x, w, b)).needs_gradient);
  const V kernels = tape.variable(w.value());
  backward(sum(conv2d(x, kernels, b)));
  CHECK(difference(tape.gradient(kernels), zeros<double>({4, 3, 2, 2})) > 0);
}

TEST_CASE("conv2d of no images is empty") {
  Tape<double> tape;
  const V x = tape.variable(zeros<double>({0, 3, 5, 4})), w = tape.variable(random_tensor({4, 3, 2, 2}, 2)),
          b = tape.variable(random_tensor({4}, 3));
  const V y = conv2d(x, w, b);
  CHECK(y.shape() == Shape{0, 4, 4, 3});
  backward(sum(y));
  CHECK(difference(tape.gradient(w), zeros<double>({4, 3, 2, 2})) == 0);
}

TEST_CASE("conv2d says what does not fit") {
  Tape<float> tape;
  const auto of = [&](const Shape& shape) { return tape.constant(zeros<float>(shape)); };
  const Var<float> x = of({2, 3, 4, 5}), w = of({6, 3, 2, 2}), b = of({6});
  CHECK_THROWS_WITH_AS(conv2d(of({3, 4, 5}), w, b), "conv2d: x is [3, 4, 5]: must be [batch, in, height, width]",
                       std::invalid_argument);
  CHECK_THROWS_WITH_AS(conv2d(x, of({6, 3, 2}), b), "conv2d: w is [6, 3, 2]: must be [out, in, height, width]",
                       std::invalid_argument);
  CHECK_THROWS_WITH_AS(conv2d(x, of({6, 2, 2, 2}), b),
                       "conv2d: x is [2, 3, 4, 5], w is [6, 2, 2, 2]: must have the same number of channels in",
                       std::invalid_argument);
  CHECK_THROWS_WITH_AS(conv2d(x, w, of({3})), "conv2d: w is [6, 3, 2, 2], b is [3]: must be [6]", std::invalid_argument);
  CHECK_THROWS_WITH_AS(conv2d(x, w, b, {.stride = 0}), "conv2d: stride is 0: must be at least 1", std::invalid_argument);
  CHECK_THROWS_WITH_AS(conv2d(x, w, b, {.padding = -1}), "conv2d: padding is -1: must not be negative", std::invalid_argument);
  CHECK_THROWS_WITH_AS(
      conv2d(x, of({6, 3, 5, 2}), b),
      "conv2d: x is [2, 3, 4, 5], w is [6, 3, 5, 2], padding is 0: the kernel must not be empty or larger than the padded image",
      std::invalid_argument);
  CHECK_THROWS_WITH_AS(
      conv2d(x, of({6, 3, 2, 0}), b),
      "conv2d: x is [2, 3, 4, 5], w is [6, 3, 2, 0], padding is 0: the kernel must not be empty or larger than the padded image",
      std::invalid_argument);
}

TEST_CASE("max_pool2d takes the largest of each window and sends the gradient to the first of them") {
  Tape<double> tape;
  const V x = tape.variable(tensor<double>({1, 2, 2, 4}, {1, 4, 2, 2, 3, 4, 2, 2, -1, -2, 0, -0.5, -3, -4, -5, 0}));
  const V y = max_pool2d(x);
  CHECK(difference(y.value(), tensor<double>({1, 2, 1, 2}, {4, 2, -1, 0})) == 0);
  backward(sum(y * tape.constant(tensor<double>({1, 2, 1, 2}, {1, 2, 3, 4}))));
  CHECK(difference(tape.gradient(x), tensor<double>({1, 2, 2, 4}, {0, 1, 2, 0, 0, 0, 0, 0, 3, 0, 4, 0, 0, 0, 0, 0})) == 0);
}

TEST_CASE("max_pool2d takes windows of any size and stride") {
  const Tensor<double> x = random_tensor({2, 3, 7, 5}, 1);
  for (const auto& window : {std::pair<Index, Index>{1, 1}, {2, 0}, {2, 1}, {3, 0}, {3, 2}, {2, 3}, {5, 1}, {1, 4}, {5, 9}}) {
    const Index size = window.first, stride = window.second;
    CAPTURE(size);
    CAPTURE(stride);
    Tape<double> tape;
    const Tensor<double> y = max_pool2d(tape.constant(x), {.size = size, .stride = stride}).value();
    const Index step = stride == 0 ? size : stride, rows = (7 - size) / step + 1, columns = (5 - size) / step + 1;
    REQUIRE(shape_of(y) == Shape{2, 3, rows, columns});
    const double* at = y.data();
    for (Index plane = 0; plane < 6; ++plane)
      for (Index i = 0; i < rows; ++i)
        for (Index j = 0; j < columns; ++j) {
          double largest = -2;
          for (Index p = 0; p < size; ++p)
            for (Index q = 0; q < size; ++q) largest = std::max(largest, x.data()[(plane * 7 + i * step + p) * 5 + j * step + q]);
          CHECK(*at++ == largest);
        }
  }
}

TEST_CASE("windows of any height and width: the first of the largest gets the gradient, in rows of any length, added or not") {
  const double infinity = std::numeric_limits<double>::infinity();
  const double few[] = {-infinity, -1, 0, 0, 2, infinity, std::nan("")};
  Random random(3);
  for (const Index width : {2, 5, 30, 64, 67, 131})
    for (const MaxPool2dOptions& options : {MaxPool2dOptions{},
                                            {.size = 2, .width = 1},
                                            {.size = 1, .width = 2},
                                            {.size = 3, .width = 2},
                                            {.size = 2, .stride = 2, .width = 1},
                                            {.size = 3, .stride = 1, .width = 2}}) {
      CAPTURE(width);
      CAPTURE(options.size);
      CAPTURE(options.width);
      const Index size = options.size, across = options.width == 0 ? size : options.width;
      const Index down = options.stride == 0 ? size : options.stride, right = options.stride == 0 ? across : options.stride;
      const Index height = 7, rows = (height - size) / down + 1, columns = (width - across) / right + 1;
      Tensor<double> x = empty<double>({2, 1, height, width}), y = empty<double>({2, 1, rows, columns});
      for (double& value : x) value = few[random.below(7)];
      const Tensor<double> dy = random_tensor(shape_of(y), 4);
      Tensor<double> dx = zeros<double>(shape_of(x));
      for (Index n = 0; n < 2; ++n)
        for (Index i = 0; i < rows; ++i)
          for (Index j = 0; j < columns; ++j) {
            Index u = i * down, v = j * right;
            for (Index p = 0; p < size; ++p)
              for (Index q = 0; q < across; ++q) {
                const double value = x(n, 0, i * down + p, j * right + q), best = x(n, 0, u, v);
                if (value > best || (std::isnan(value) && !std::isnan(best))) u = i * down + p, v = j * right + q;
              }
            y(n, 0, i, j) = x(n, 0, u, v);
            dx(n, 0, u, v) += dy(n, 0, i, j);
          }
      Tape<double> tape;
      const V in = tape.variable(x), out = max_pool2d(in, options);
      const Tensor<double> values = out.value();
      REQUIRE(shape_of(values) == shape_of(y));
      for (std::size_t k = 0; k < y.size(); ++k)
        CHECK((values.data()[k] == y.data()[k] || (std::isnan(values.data()[k]) && std::isnan(y.data()[k]))));
      backward(sum(out * tape.constant(dy)));  // of no finite value: only the gradient is looked at
      CHECK(difference(tape.gradient(in), dx) < 1e-14);
    }
}

TEST_CASE("max_pool2d has the right gradient for images of any kind") {
  const auto check = [](const Shape& shape, const std::function<V(V)>& f) {
    // Every number at least 0.01 from every other: a difference never changes which is the largest.
    Tensor<double> x = empty<double>(shape);
    Random random(1);
    std::vector<double> numbers(x.size());
    for (std::size_t i = 0; i < numbers.size(); ++i) numbers[i] = 0.01 * static_cast<double>(i) - 0.5;
    random.shuffle(numbers);
    std::copy(numbers.begin(), numbers.end(), x.begin());
    const GradcheckResult result = gradcheck([&](Vars v) { return f(v[0]); }, {{"x", x}});
    INFO(result.worst().describe());
    CHECK(result.passed);
  };
  check({2, 3, 4, 6}, [](V x) { return max_pool2d(x); });
  check({1, 2, 5, 4}, [](V x) { return max_pool2d(x, {.size = 2, .stride = 1}); });
  check({1, 2, 7, 5}, [](V x) { return max_pool2d(x, {.size = 3, .stride = 2}); });
  check({1, 2, 7, 5}, [](V x) { return max_pool2d(x, {.size = 3, .width = 2}); });
  check({1, 1, 5, 70}, [](V x) { return max_pool2d(x, {.size = 2, .width = 1}); });
  check({1, 1, 5, 71}, [](V x) -> V { return max_pool2d(x) + slice(slice(x, 2, 0, 2), 3, 0, 35); });
  check({1, 2, 6, 4}, [](V x) { return max_pool2d(transpose(x)); });
  check({1, 2, 4, 9}, [](V x) { return max_pool2d(slice(x, 3, 2, 7)); });
  check({1, 2, 4, 4}, [](V x) -> V { return max_pool2d(x) * slice(slice(x, 2, 0, 2), 3, 0, 2); });
}

TEST_CASE("a NaN counts as the largest of its windows") {
  Tape<float> tape;
  const float nan = std::numeric_limits<float>::quiet_NaN();
  const Var<float> x = tape.variable(tensor<float>({1, 1, 2, 6}, {9, 1, nan, 2, 3, 4, 1, nan, 5, nan, 6, 2}));
  const Var<float> y = max_pool2d(x);
  const Tensor<float> values = y.value();
  CHECK(std::isnan(values.data()[0]));
  CHECK(std::isnan(values.data()[1]));
  CHECK(values.data()[2] == 6);
  backward(sum(y));
  CHECK(difference(tape.gradient(x), tensor<float>({1, 1, 2, 6}, {0, 0, 1, 0, 0, 0, 0, 1, 0, 0, 1, 0})) == 0);
}

TEST_CASE("max_pool2d says what does not fit") {
  Tape<float> tape;
  const auto of = [&](const Shape& shape) { return tape.constant(zeros<float>(shape)); };
  CHECK_THROWS_WITH_AS(max_pool2d(of({3, 4, 5})), "max_pool2d: x is [3, 4, 5]: must be [batch, channels, height, width]",
                       std::invalid_argument);
  CHECK_THROWS_WITH_AS(max_pool2d(of({2, 3, 4, 5}), {.size = 5}),
                       "max_pool2d: x is [2, 3, 4, 5], size is 5: must be at least 1 and at most the image's",
                       std::invalid_argument);
  CHECK_THROWS_WITH_AS(max_pool2d(of({2, 3, 4, 5}), {.size = -1}), "max_pool2d: stride is -1: must be at least 1",
                       std::invalid_argument);
  CHECK_THROWS_WITH_AS(max_pool2d(of({2, 3, 4, 5}), {.size = 0, .stride = 1}),
                       "max_pool2d: x is [2, 3, 4, 5], size is 0: must be at least 1 and at most the image's",
                       std::invalid_argument);
  CHECK_THROWS_WITH_AS(max_pool2d(of({2, 3, 5, 4}), {.size = 5}),
                       "max_pool2d: x is [2, 3, 5, 4], size is 5: must be at least 1 and at most the image's",
                       std::invalid_argument);
  CHECK(max_pool2d(of({2, 3, 5, 4}), {.size = 5, .width = 1}).shape() == Shape{2, 3, 1, 4});
  CHECK_THROWS_WITH_AS(max_pool2d(of({2, 3, 4, 5}), {.width = 6}),
                       "max_pool2d: x is [2, 3, 4, 5], width is 6: must be at least 1 and at most the image's",
                       std::invalid_argument);
  CHECK_THROWS_WITH_AS(max_pool2d(of({2, 3, 4, 5}), {.stride = -2}), "max_pool2d: stride is -2: must be at least 1",
                       std::invalid_argument);
}

TEST_CASE("convolution and pooling take nothing from the heap once they are warm") {
  const Tensor<float> x = random_tensor<float>({4, 3, 28, 28}, 1), w = random_tensor<float>({8, 3, 5, 5}, 2),
                      b = random_tensor<float>({8}, 3);
  Tape<float> tape;
  std::uint64_t before = 0;
  for (int i = 0; i < 6; ++i) {
    if (i == 3) before = allocations();
    tape.clear();
    backward(sum(max_pool2d(conv2d(tape.variable(x), tape.variable(w), tape.variable(b), {.stride = 2, .padding = 2}))));
  }
  CHECK(allocations() == before);
}

}  // namespace test_conv
