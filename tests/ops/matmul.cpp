#include <carousel/ops/matmul.hpp>

#include <functional>
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

namespace {

using V = Var<double>;
using Vars = std::span<const V>;

/// The product by its definition, one number after the other.
template <class T>
Tensor<double> by_definition(const Tensor<T>& a, const Tensor<T>& b, const Shape& result) {
  const Shape sa = shape_of(a), sb = shape_of(b);
  const Index n = result.back(), m = result[result.rank() - 2], k = sa.back();
  Tensor<double> c = zeros<double>(result);
  // Where the matrix of an operand lies for a place of the result's leading axes.
  const auto matrix_at = [&](const Shape& shape, Index place) {
    Index offset = 0, step = shape[shape.rank() - 1] * shape[shape.rank() - 2];
    for (int axis = result.rank() - 3; axis >= 0; --axis) {
      const Index at = place % result[axis];
      place /= result[axis];
      const int own = axis - result.rank() + shape.rank();
      if (own < 0) continue;
      if (shape[own] != 1) offset += at * step;
      step *= shape[own];
    }
    return offset;
  };
  const Index places = m * n == 0 ? 0 : result.size() / (m * n);
  for (Index place = 0; place < places; ++place) {
    const T *from_a = a.data() + matrix_at(sa, place), *from_b = b.data() + matrix_at(sb, place);
    for (Index i = 0; i < m; ++i)
      for (Index j = 0; j < n; ++j)
        for (Index p = 0; p < k; ++p)
          c.data()[(place * m + i) * n + j] += static_cast<double>(from_a[i * k + p]) * static_cast<double>(from_b[p * n + j]);
  }
  return c;
}

struct Form {
  std::string name;
  Shape a, b, result;
  std::function<V(V)> of_a = [](V v) { return v; }, of_b = [](V v) { return v; };
};

const std::vector<Form>& forms() {
  static const std::vector<Form> all{
      {"matrices", {2, 3}, {3, 5}, {2, 5}},
      {"a row", {1, 3}, {3, 5}, {1, 5}},
      {"a column", {2, 3}, {3, 1}, {2, 1}},
      {"an outer product", {4, 1}, {1, 3}, {4, 3}},
      {"a transposed", {3, 2}, {3, 5}, {2, 5}, [](V v) { return transpose(v); }},
      {"b transposed", {2, 3}, {5, 3}, {2, 5}, [](V v) { return v; }, [](V v) { return transpose(v); }},
      {"both transposed", {3, 2}, {5, 3}, {2, 5}, [](V v) { return transpose(v); }, [](V v) { return transpose(v); }},
      {"columns of a", {2, 7}, {3, 5}, {2, 5}, [](V v) { return slice(v, 1, 2, 5); }},
      {"columns of b", {2, 3}, {3, 8}, {2, 5}, [](V v) { return v; }, [](V v) { return slice(v, 1, 2, 7); }},
      {"columns of a transposed", {3, 7}, {3, 5}, {4, 5}, [](V v) { return transpose(slice(v, 1, 2, 6)); }},
      {"every second column of b", {2, 3}, {3, 5, 2}, {2, 5}, [](V v) { return v; }, [](V v) { return at(v, 2, 1); }},
      {"every second column of a", {2, 3, 2}, {3, 5}, {2, 5}, [](V v) { return at(v, 2, 1); }},
      {"a batch and one b", {4, 2, 3}, {3, 5}, {4, 2, 5}},
      {"a batch of batches and one b", {3, 4, 2, 3}, {3, 5}, {3, 4, 2, 5}},
      {"a batch and one b as a batch", {4, 2, 3}, {1, 3, 5}, {4, 2, 5}},
      {"a batch transposed and one b", {4, 3, 2}, {3, 5}, {4, 2, 5}, [](V v) { return transpose(v); }},
      {"a batch and one b transposed", {4, 2, 3}, {5, 3}, {4, 2, 5}, [](V v) { return v; }, [](V v) { return transpose(v); }},
      {"batches", {4, 2, 3}, {4, 3, 5}, {4, 2, 5}},
      {"batches, a transposed", {4, 3, 2}, {4, 3, 5}, {4, 2, 5}, [](V v) { return transpose(v); }},
      {"batches, b transposed", {4, 2, 3}, {4, 5, 3}, {4, 2, 5}, [](V v) { return v; }, [](V v) { return transpose(v); }},
      {"batches, both transposed",
       {4, 3, 2},
       {4, 5, 3},
       {4, 2, 5},
       [](V v) { return transpose(v); },
       [](V v) { return transpose(v); }},
      {"one a and a batch", {2, 3}, {4, 3, 5}, {4, 2, 5}},
      {"one a as a batch and a batch", {1, 2, 3}, {4, 3, 5}, {4, 2, 5}},
      {"batches that broadcast against each other", {3, 1, 2, 3}, {4, 3, 5}, {3, 4, 2, 5}},
      {"the other way round", {4, 2, 3}, {3, 1, 3, 5}, {3, 4, 2, 5}},
      {"two axes of batches", {3, 4, 2, 3}, {3, 4, 3, 5}, {3, 4, 2, 5}},
      {"batches along another axis", {2, 4, 3}, {4, 3, 5}, {4, 2, 5}, [](V v) { return transpose(v, 0, 1); }},
      {"heads of attention",
       {2, 4, 6},
       {2, 5, 6},
       {2, 3, 4, 5},
       [](V v) {
         return transpose(reshape(v, {2, 4, 3, 2}), 1, 2);
       },
       [](V v) {
         return transpose(transpose(reshape(v, {2, 5, 3, 2}), 1, 2));
       }},
      {"a part of a batch", {6, 2, 3}, {4, 3, 5}, {4, 2, 5}, [](V v) { return slice(v, 0, 1, 5); }},
      {"a part of the rows", {4, 6, 3}, {3, 5}, {4, 2, 5}, [](V v) { return slice(v, 1, 1, 3); }},
      {"a part of the columns", {4, 2, 7}, {3, 5}, {4, 2, 5}, [](V v) { return slice(v, 2, 1, 4); }},
      {"a batch of columns by a number each", {4, 2, 1}, {4, 1, 1}, {4, 2, 1}},
      {"a batch of one", {1, 2, 3}, {1, 3, 5}, {1, 2, 5}},
  };
  return all;
}

}  // namespace

TEST_CASE("matmul multiplies rows by columns") {
  Tape<double> tape;
  const V a = tape.variable(tensor<double>({2, 3}, {1, 2, 3, 4, 5, 6})),
          b = tape.variable(tensor<double>({3, 2}, {1, -1, 0, 2, 3, 1}));
  const V c = matmul(a, b);
  CHECK(difference(c.value(), tensor<double>({2, 2}, {10, 6, 22, 12})) == 0);
  backward(sum(c * tape.constant(tensor<double>({2, 2}, {1, 10, 100, 1000}))));
  CHECK(difference(tape.gradient(a), tensor<double>({2, 3}, {-9, 20, 13, -900, 2000, 1300})) == 0);
  CHECK(difference(tape.gradient(b), tensor<double>({3, 2}, {401, 4010, 502, 5020, 603, 6030})) == 0);
}

TEST_CASE("matmul gives the product by its definition in every form") {
  for (const Form& form : forms()) {
    CAPTURE(form.name);
    Tape<double> tape;
    const V a = form.of_a(tape.constant(random_tensor(form.a, 1))), b = form.of_b(tape.constant(random_tensor(form.b, 2)));
    const V c = matmul(a, b);
    CHECK(c.shape() == form.result);
    CHECK(difference(c.value(), by_definition(a.value(), b.value(), form.result)) < 1e-14);
  }
}

TEST_CASE("matmul has the right gradient for both operands in every form") {
  for (const Form& form : forms()) {
    CAPTURE(form.name);
    const GradcheckResult result = gradcheck([&](Vars v) { return matmul(form.of_a(v[0]), form.of_b(v[1])); },
                                             {{"a", random_tensor(form.a, 1)}, {"b", random_tensor(form.b, 2)}});
    INFO(result.worst().describe());
    CHECK(result.passed);
  }
}

TEST_CASE("matmul has the right gradient where an operand is used twice") {
  const std::pair<const char*, std::function<V(V)>> twice[] = {
      {"squared", [](V x) { return matmul(x, x); }},
      {"by its transpose", [](V x) { return matmul(x, transpose(x)); }},
      {"its transpose by it", [](V x) { return matmul(transpose(x), x); }},
      {"its parts",
       [](V x) {
         const auto [a, b, c] = split<3>(x, 0);
         return matmul(matmul(a, transpose(b)), c);
       }},
      {"a part by the whole", [](V x) { return matmul(slice(x, 0, 0, 1), x); }},
      {"the whole by a part", [](V x) { return matmul(x, slice(x, 1, 0, 2)); }},
      {"in a batch",
       [](V x) {
         return matmul(reshape(x, {3, 1, 3}), reshape(x, {3, 3, 1}));
       }},
      {"in a batch against the whole",
       [](V x) {
         return matmul(reshape(x, {3, 1, 3}), x) * matmul(transpose(x), x);
       }},
  };
  for (const auto& form : twice) {
    CAPTURE(std::string(form.first));
    const GradcheckResult result = gradcheck([&](Vars v) { return form.second(v[0]); }, {{"x", random_tensor({3, 3}, 1)}});
    INFO(result.worst().describe());
    CHECK(result.passed);
  }
}

TEST_CASE("matmul sends no gradient where none is wanted") {
  for (const Form& form : forms()) {
    CAPTURE(form.name);
    Tape<double> tape;
    const V a = form.of_a(tape.constant(random_tensor(form.a, 1))), b = tape.variable(random_tensor(form.b, 2));
    const V c = matmul(a, form.of_b(b)), none = matmul(a, form.of_b(tape.constant(random_tensor(form.b, 2))));
    CHECK(!tape.node(none).needs_gradient);
    backward(sum(c));
    CHECK(difference(tape.gradient(b), zeros<double>(form.b)) > 0);
  }
}

TEST_CASE("matmul reads transposed views and parts where they lie") {
  Tape<double> tape;
  const V a = tape.variable(random_tensor({4, 6, 3}, 1)), b = tape.variable(random_tensor({4, 6, 5}, 2)),
          w = tape.variable(random_tensor({9, 7}, 3));
  const V at_b = transpose(b), part = slice(w, 1, 2, 5);
  const std::size_t before = tape.size();
  matmul(at_b, a);
  matmul(part, transpose(part));
  CHECK(tape.size() == before + 3);  // two products and a view
}

TEST_CASE("matmul over no elements is empty or zero") {
  Tape<double> tape;
  const V a = tape.variable(zeros<double>({2, 0})), b = tape.variable(zeros<double>({0, 3})),
          c = tape.variable(zeros<double>({0, 2}));
  const V batch = tape.variable(zeros<double>({4, 2, 0})), batch_b = tape.variable(zeros<double>({4, 0, 3})),
          none = tape.variable(zeros<double>({0, 2, 3}));
  CHECK(difference(matmul(a, b).value(), zeros<double>({2, 3})) == 0);
  CHECK(matmul(c, a).shape() == Shape{0, 0});
  CHECK(difference(matmul(batch, batch_b).value(), zeros<double>({4, 2, 3})) == 0);
  CHECK(matmul(none, tape.constant(zeros<double>({0, 3, 5}))).shape() == Shape{0, 2, 5});
  backward(sum(matmul(a, b)) + sum(matmul(batch, batch_b)) + sum(matmul(none, transpose(none))));
  CHECK(tape.gradient(a).size() == 0);
  CHECK(tape.gradient(batch_b).size() == 0);
}

TEST_CASE("an operand that no product of an empty batch reaches has a gradient of zeros") {
  Tape<double> tape;
  for (const int pass : {1, 2}) {
    CAPTURE(pass);
    tape.clear();
    const V a = tape.variable(full<double>({3, 4}, 1)), none = tape.variable(zeros<double>({0, 4, 2}));
    const V used = tape.variable(full<double>({3, 4}, 1));
    backward(sum(used * used) + sum(matmul(a, none)));  // the gradient of `used` leaves its memory full
    CHECK(difference(tape.gradient(a), zeros<double>({3, 4})) == 0);
  }
}

TEST_CASE("matmul says which shapes have no product") {
  Tape<float> tape;
  const auto of = [&](const Shape& shape) { return tape.constant(zeros<float>(shape)); };
  CHECK_THROWS_WITH_AS(matmul(of({32, 64}), of({63, 128})),
                       "matmul: a is [32, 64], b is [63, 128]: columns of a must equal rows of b", std::invalid_argument);
  CHECK_THROWS_WITH_AS(matmul(of({5, 2, 3}), of({5, 2, 4})),
                       "matmul: a is [5, 2, 3], b is [5, 2, 4]: columns of a must equal rows of b", std::invalid_argument);
  CHECK_THROWS_WITH_AS(matmul(of({2, 3, 4}), of({5, 4, 6})),
                       "matmul: a is [2, 3, 4], b is [5, 4, 6]: leading axes must be equal or 1", std::invalid_argument);
  CHECK_THROWS_WITH_AS(matmul(of({3}), of({3, 2})), "matmul: a is [3]: must have at least two axes", std::invalid_argument);
  CHECK_THROWS_WITH_AS(matmul(of({2, 3}), of({3})), "matmul: b is [3]: must have at least two axes", std::invalid_argument);
}

TEST_CASE("matmul takes expressions and parameters") {
  Registry<double> registry;
  const Param<double> w = registry.parameter("w", {3, 5}, [] { return random_tensor({3, 5}, 2); });
  Tape<double> tape;
  const V x = tape.variable(random_tensor({2, 3}, 1));
  backward(sum(matmul(x * 2, w)));
  CHECK(registry.at("w").has_gradient);
  CHECK(difference(registry.at("w").gradient, by_definition(V(transpose(x) * 2).value(), full<double>({2, 5}, 1), {3, 5})) <
        1e-14);
}

TEST_CASE("matmul in float stays near double") {
  for (const Form& form : forms()) {
    CAPTURE(form.name);
    Tape<double> exact;
    const V reference =
        matmul(form.of_a(exact.constant(random_tensor(form.a, 1))), form.of_b(exact.constant(random_tensor(form.b, 2))));
    Tape<float> tape;
    // The forms are written for double: their operands enter as they come out.
    const Tensor<double> a = form.of_a(exact.constant(random_tensor(form.a, 1))).value();
    const Tensor<double> b = form.of_b(exact.constant(random_tensor(form.b, 2))).value();
    Tensor<float> fa = empty<float>(shape_of(a)), fb = empty<float>(shape_of(b));
    std::copy(a.begin(), a.end(), fa.begin());
    std::copy(b.begin(), b.end(), fb.begin());
    CHECK(difference(matmul(tape.constant(fa), tape.constant(fb)).value(), reference.value()) < 1e-6);
  }
  Tape<float> tape;
  const Tensor<float> a = random_tensor<float>({3, 50, 301}, 1), b = random_tensor<float>({3, 301, 40}, 2);
  CHECK(difference(matmul(tape.constant(a), tape.constant(b)).value(), by_definition(a, b, {3, 50, 40})) < 1e-6);
}

TEST_CASE("matmul takes nothing from the heap once it is warm") {
  const Tensor<float> a = random_tensor<float>({3, 40, 30}, 1), b = random_tensor<float>({3, 50, 30}, 2),
                      w = random_tensor<float>({50, 20}, 3);
  Tape<float> tape;
  std::uint64_t before = 0;
  for (int i = 0; i < 6; ++i) {
    if (i == 3) before = allocations();
    tape.clear();
    const Var<float> x = tape.variable(a), y = tape.variable(b), z = tape.variable(w);
    backward(sum(matmul(matmul(x, transpose(y)), z)));
  }
  CHECK(allocations() == before);
}
