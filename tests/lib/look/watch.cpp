#include <carousel/lib/look/watch.hpp>

#include <stdexcept>

#include <doctest/doctest.h>

#include <carousel/ops/elementwise.hpp>
#include <carousel/ops/reduce.hpp>

#include "tests/support/values.hpp"

using namespace carousel;

namespace {

using V = Var<double>;

/// What a formula with watched parts leaves behind.
struct Left {
  Tensor<double> y, dx;
  std::size_t nodes;
};

template <class F>
Left left_by(const F& formula) {
  Tape<double> tape;
  const V x = tape.variable(random_tensor({2, 3}, 1));
  const V y = formula(x);
  const std::size_t nodes = tape.size();
  backward(sum(y));
  return {y.value(), tape.gradient(x), nodes};
}

const auto plain = [](V x) { return V(tanh(x) * x + sigmoid(2 * x)); };
const auto watched = [](V x) { return V(watch("t", tanh(x)) * watch("x", x) + watch("s", sigmoid(2 * x))); };

bool same(const Left& a, const Left& b) {
  return difference(a.y, b.y) == 0 && difference(a.dx, b.dx) == 0 && a.nodes == b.nodes;
}

}  // namespace

TEST_CASE("a watched part is the part: the same node, the same bits, whether a recorder listens or not") {
  CHECK(same(left_by(watched), left_by(plain)));
  const Recorder<double> recorder({.gradients = true});
  CHECK(same(left_by(watched), left_by(plain)));
  CHECK(recorder.all().size() == 3);
}

TEST_CASE("a recorder hears the values of watched parts, while it lives") {
  Tape<double> tape;
  const V x = tape.variable(random_tensor({2, 3}, 1));
  watched(x);
  {
    const Recorder<double> recorder;
    watched(x);
    REQUIRE(recorder.of("t").size() == 1);
    CHECK(difference(recorder.of("t")[0]->value, V(tanh(x)).value()) == 0);
    CHECK(difference(recorder.of("s")[0]->value, V(sigmoid(2 * x)).value()) == 0);
    CHECK(difference(recorder.of("x")[0]->value, x.value()) == 0);
    CHECK(recorder.of("y").empty());
    CHECK(recorder.of("s")[0]->nodes == std::vector<std::uint32_t>{x.index()});
  }
  CHECK(Recorder<double>::listening() == nullptr);
}

TEST_CASE("of two recorders the latest listens") {
  Tape<double> tape;
  const V x = tape.variable(random_tensor({2, 3}, 1));
  Recorder<double> outer;
  {
    const Recorder<double> inner;
    watch("x", x);
    CHECK(inner.all().size() == 1);
  }
  CHECK(outer.all().empty());
  watch("x", x);
  CHECK(outer.all().size() == 1);
  outer.clear();
  CHECK(outer.all().empty());
}

TEST_CASE("what is heard has a place, and is listed by its step") {
  Tape<double> tape;
  const V x = tape.variable(random_tensor({2, 3}, 1));
  const Recorder<double> recorder;
  {
    const At<double> part(&Place::part, "decoder"), layer(&Place::layer, 1), direction(&Place::backward, true);
    for (const Index t : {2, 0, 1}) {
      const At<double> at(&Place::step, t);
      watch("x", x);
    }
  }
  watch("x", x);
  const Place place{.part = "decoder", .layer = 1, .backward = true};
  REQUIRE(recorder.of("x", place).size() == 3);
  for (Index t = 0; t < 3; ++t)
    CHECK(recorder.of("x", place)[static_cast<std::size_t>(t)]->place ==
          Place{.part = "decoder", .layer = 1, .backward = true, .step = t});
  CHECK(recorder.of("x").size() == 1);
  CHECK(recorder.all()[0].place.step == 2);
  CHECK(recorder.all()[3].place == Place{});
}

TEST_CASE("rows of examples that have no such step are 0") {
  Tape<double> tape;
  const V x = tape.constant(tensor<double>({3, 2}, {1, 2, 3, 4, 5, 6}));
  const Recorder<double> recorder;
  const std::vector<Index> lengths{2, 1, 3};
  const At<double> ragged(&Recorder<double>::Here::lengths, lengths), at(&Place::step, 1);
  watch("x", x);
  CHECK(difference(recorder.all()[0].value, tensor<double>({3, 2}, {1, 2, 0, 0, 5, 6})) == 0);
}

TEST_CASE("gradients of watched nodes are read after backward") {
  Tape<double> tape;
  const V x = tape.variable(random_tensor({2, 3}, 1));
  Recorder<double> recorder({.gradients = true});
  const V y = tanh(x);
  const V loss = sum(square(watch("y", y)) + watch("part", sigmoid(y)));
  CHECK_THROWS_WITH_AS(recorder.read_gradients(), "gradient: backward() has not run on this tape", std::logic_error);
  backward(loss);
  recorder.read_gradients();
  const Tensor<double> values = y.value(), gradient = recorder.of("y")[0]->gradient;
  REQUIRE(shape_of(gradient) == Shape{2, 3});
  for (std::size_t k = 0; k < 6; ++k) {
    const double s = 1 / (1 + std::exp(-values.data()[k]));
    CHECK(gradient.data()[k] == doctest::Approx(2 * values.data()[k] + s * (1 - s)));
  }
  CHECK(recorder.of("part")[0]->gradient.size() <= 1);  // it is no node
  tape.clear();
  recorder.read_gradients();  // once
}
