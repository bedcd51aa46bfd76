#include <carousel/ops/softmax.hpp>

#include <functional>

#include <carousel/ops/elementwise.hpp>
#include <carousel/ops/reduce.hpp>
#include <carousel/ops/shape.hpp>

#include "tests/ops/gradients.hpp"

using namespace carousel;

namespace {

using V = Var<double>;

struct Normaliser {
  const char* name;
  std::function<V(V, int)> f;
  std::function<Var<float>(Var<float>, int)> f_float;
};

const std::vector<Normaliser>& normalisers() {
  static const std::vector<Normaliser> all{
      {"softmax", [](V x, int axis) { return softmax(x, axis); }, [](Var<float> x, int axis) { return softmax(x, axis); }},
      {"log_softmax", [](V x, int axis) { return log_softmax(x, axis); },
       [](Var<float> x, int axis) { return log_softmax(x, axis); }},
      {"logsumexp", [](V x, int axis) { return logsumexp(x, axis); }, [](Var<float> x, int axis) { return logsumexp(x, axis); }},
  };
  return all;
}

void check_near(const Tensor<double>& got, std::initializer_list<double> wanted) {
  REQUIRE(got.size() == wanted.size());
  for (std::size_t i = 0; i < got.size(); ++i) {
    const double w = wanted.begin()[i];
    INFO("element ", i, ": ", got.data()[i]);
    CHECK((std::isnan(w) ? std::isnan(got.data()[i]) : got.data()[i] == w || std::abs(got.data()[i] - w) <= 1e-15 * std::abs(w)));
  }
}

V row(std::initializer_list<double> elements) {
  return Tape<double>::active().variable(tensor<double>({static_cast<Index>(elements.size())}, elements));
}

}  // namespace

TEST_CASE("softmax, its logarithm and the logarithm of its sum, by hand") {
  Tape<double> tape;
  const V x = row({std::log(1.0), std::log(2.0), std::log(5.0)});
  check_near(softmax(x).value(), {0.125, 0.25, 0.625});
  check_near(log_softmax(x).value(), {std::log(0.125), std::log(0.25), std::log(0.625)});
  check_near(logsumexp(x).value(), {std::log(8.0)});
  check_near(logsumexp(x, 0).value(), {std::log(8.0)});
  CHECK(logsumexp(x).shape() == Shape{});
  CHECK(logsumexp(x, 0).shape() == Shape{1});
  const V both = tape.constant(tensor<double>({2, 2}, {0, std::log(3.0), std::log(3.0), 0}));
  check_near(softmax(both, 0).value(), {0.25, 0.75, 0.75, 0.25});
  check_near(softmax(both, 1).value(), {0.25, 0.75, 0.75, 0.25});
  check_near(softmax(transpose(slice(both, 1, 0, 1))).value(), {0.25, 0.75});
}

TEST_CASE("gradients along every axis") {
  for (const Normaliser& n : normalisers())
    for (const Shape& shape :
         {Shape{2, 3}, Shape{3, 1, 4}, Shape{2, 3, 2, 2}, Shape{19}, Shape{2, 21}, Shape{21, 2}, Shape{2, 3, 21}})
      for (int axis = -1; axis < shape.rank(); ++axis) {
        INFO(n.name, " of ", text(shape), " along ", axis);
        check_gradients([&](VarsOfDouble v) { return n.f(v[0], axis); }, {input_between("x", shape, -3, 3, 4)});
        check_gradients([&](VarsOfDouble v) -> V { return n.f(v[0] * 1, axis) * v[0] + v[0]; },
                        {input_between("x", shape, -3, 3, 5)});
      }
  check_gradients([](VarsOfDouble v) { return logsumexp(v[0]); }, {input_between("x", {2, 3}, -3, 3, 4)});
  check_gradients([](VarsOfDouble v) { return softmax(transpose(v[0]), 0); }, {input_between("x", {2, 3}, -3, 3, 4)});
  check_gradients([](VarsOfDouble v) { return log_softmax(split<2>(v[0])[1]); }, {input_between("x", {2, 6}, -3, 3, 4)});
}

TEST_CASE("nothing overflows, and differences survive") {
  Tape<double> tape;
  const double inf = INFINITY;
  check_near(softmax(row({1e4, 0, -1e4})).value(), {1, 0, 0});
  check_near(log_softmax(row({1e4, 0, -1e4})).value(), {0, -1e4, -2e4});
  check_near(logsumexp(row({1e4, 1e4})).value(), {1e4 + std::log(2.0)});
  check_near(logsumexp(row({-1e4, -1e4})).value(), {-1e4 + std::log(2.0)});
  check_near(softmax(row({-inf, 0, 0})).value(), {0, 0.5, 0.5});
  check_near(log_softmax(row({-inf, 0})).value(), {-inf, 0});
  check_near(logsumexp(row({-inf, 2})).value(), {2});
  check_near(logsumexp(row({-inf, -inf})).value(), {-inf});
  check_near(logsumexp(row({inf, 2})).value(), {inf});
  check_near(logsumexp(tape.constant(Shape{0})).value(), {-inf});
  check_near(softmax(row({-inf, -inf})).value(), {NAN, NAN});
  for (const Normaliser& n : normalisers()) {
    CHECK(std::isnan(n.f(row({1, NAN, 1e4}), 0).value().data()[0]));
    CHECK(std::isnan(n.f(row({NAN, NAN}), 0).value().data()[0]));
    const V columns = tape.constant(tensor<double>({2, 2}, {NAN, 1, 2, 3}));
    CHECK(std::isnan(n.f(columns, 0).value().data()[0]));
    CHECK(!std::isnan(n.f(columns, 0).value().data()[1]));
    CHECK(n.f(tape.constant(zeros<double>({0, 3})), 1).shape()[0] == 0);
  }
  Tape<float> tape_float;
  const Var<float> x = tape_float.variable(tensor<float>({3}, {1e4F, 0, -1e4F}));
  backward(sum(log_softmax(x) * x));
  for (const float d : tape_float.gradient(x)) CHECK(std::isfinite(d));
}

TEST_CASE("where all are −∞, logsumexp has gradients of 0") {
  Tape<double> tape;
  const V x = row({-INFINITY, -INFINITY}), y = row({-INFINITY, 0});
  const V z = logsumexp(x), w = logsumexp(y);
  backward(where(0, z, 1) + w);
  check_near(tape.gradient(x), {0, 0});
  check_near(tape.gradient(y), {0, 1});
}

TEST_CASE("along rows and along columns the same comes out, and a group does not see its neighbours") {
  for (const Normaliser& n : normalisers()) {
    INFO(n.name);
    Tape<float> tape;
    Tensor<float> x = random_tensor<float>({37, 37}, 1);
    for (float& e : x) e *= 5;
    const Var<float> v = tape.variable(x);
    const Var<float> rows = n.f_float(v, 1), columns = transpose(n.f_float(transpose(v), 0));
    CHECK(difference(rows.value(), columns.value()) < 1e-6);
    for (Index i = 0; i < 37; ++i) {
      const Var<float> alone = n.f_float(reshape(at(v, 0, i), {1, 37}), 1), column = n.f_float(slice(v, 1, i, i + 1), 0);
      CHECK(difference(alone.value(), slice(rows, 0, i, i + 1).value()) == 0);
      CHECK(difference(column.value(), slice(n.f_float(v, 0), 1, i, i + 1).value()) < 1e-6);
    }
  }
  Tape<float> tape;
  const Var<float> v = tape.constant(random_tensor<float>({3, 1000}, 2));
  for (const float total : sum(softmax(v), 1).value()) CHECK(std::abs(total - 1) < 1e-6F);
}

TEST_CASE("there must be such an axis") {
  Tape<double> tape;
  const V x = tape.constant(Shape{2, 3});
  CHECK_THROWS_WITH_AS(softmax(x, 2), "softmax: axis 2 of [2, 3]: there is no such axis", std::invalid_argument);
  CHECK_THROWS_WITH_AS(log_softmax(tape.constant(Shape{})), "log_softmax: axis -1 of []: there is no such axis",
                       std::invalid_argument);
  CHECK_THROWS_WITH_AS(logsumexp(x, -3), "logsumexp: axis -3 of [2, 3]: there is no such axis", std::invalid_argument);
}
