#include <carousel/tasks/nets/layers.hpp>

#include <cmath>

#include <doctest/doctest.h>

#include <carousel/ops/shape.hpp>

using namespace carousel;

namespace test_layers {

namespace {

struct Net {
  Registry<double> registry;
  Random random{1};
  Layers<double> layers;

  explicit Net(const TrainOptions& options) : layers(Scope<double>(registry, random) / "cell", 2, options) {}
};

/// [5, 3, 2]
Tensor<double> sequence() {
  Random random(2);
  return init::normal<double>(0, 1)({5, 3, 2}, random);
}

/// Row b of a matrix.
std::vector<double> row(const Tensor<double>& x, Index b) {
  const Index size = shape_of(x)[1];
  return {x.data() + b * size, x.data() + (b + 1) * size};
}

}  // namespace

TEST_CASE("layers are those that the options name, of one direction or of both") {
  const Net one({.cell = "gru", .hidden = 4, .layers = 2}),
      both({.cell = "gru", .hidden = 4, .layers = 2, .bidirectional = true});
  CHECK(one.layers.outputs() == 4);
  CHECK(one.registry.at("cell/1/wx").shape() == Shape{4, 12});
  CHECK(both.layers.outputs() == 8);
  CHECK(both.registry.at("cell/0/forward/wx").shape() == Shape{2, 12});
  CHECK(both.registry.at("cell/1/backward/wx").shape() == Shape{8, 12});
  CHECK_FALSE(both.registry.contains("cell/2/forward/wx"));
  CHECK(Net({.hidden = 4, .layers = 17}).registry.contains("cell/16/wx"));
  CHECK_THROWS_WITH_AS(Net({.hidden = 4, .layers = 0}), "Stacked: 0 layers: must be at least 1", std::invalid_argument);
}

TEST_CASE("what is known once all is read is the last output of each direction, whatever stands beyond an example's length") {
  for (const bool bidirectional : {false, true}) {
    CAPTURE(bidirectional);
    const Net net({.cell = "lstm", .hidden = 4, .layers = 2, .bidirectional = bidirectional});
    Tape<double> tape;
    Tensor<double> xs = sequence();
    const std::vector<Index> lengths{5, 1, 3};
    for (Index b = 0; b < 3; ++b)
      for (Index t = lengths[static_cast<std::size_t>(b)]; t < 5; ++t) xs(t, b, 0) = xs(t, b, 1) = NAN;
    const Tensor<double> all = net.layers.after_all(tape.constant(xs), {.lengths = lengths}).value();
    CHECK(shape_of(all) == Shape{3, bidirectional ? 8 : 4});
    for (Index b = 0; b < 3; ++b) {  // each alone
      const Index length = lengths[static_cast<std::size_t>(b)];
      Tensor<double> alone = empty<double>({length, 1, 2});
      for (Index t = 0; t < length; ++t)
        for (Index k = 0; k < 2; ++k) alone(t, 0, k) = xs(t, b, k);
      const std::vector<double> end = row(net.layers.after_all(tape.constant(alone)).value(), 0), here = row(all, b);
      for (std::size_t k = 0; k < end.size(); ++k) CHECK(here[k] == doctest::Approx(end[k]).epsilon(1e-12));
      const Tensor<double> hs = net.layers.read(tape.constant(alone)).outputs.value();
      for (std::size_t k = 0; k < end.size(); ++k)  // forward's at the end, backward's at the beginning
        CHECK(hs(k < 4 ? length - 1 : 0, 0, static_cast<Index>(k)) == doctest::Approx(end[k]).epsilon(1e-12));
    }
  }
}

TEST_CASE("with both directions an output knows what follows, with one it does not") {
  for (const bool bidirectional : {false, true}) {
    CAPTURE(bidirectional);
    const Net net({.cell = "lstm", .hidden = 4, .bidirectional = bidirectional});
    Tape<double> tape;
    Tensor<double> xs = sequence();
    const Tensor<double> before = net.layers.read(tape.constant(xs)).outputs.value();
    xs(4, 0, 0) += 1;
    const Tensor<double> after = net.layers.read(tape.constant(xs)).outputs.value();
    CHECK((before(0, 0, net.layers.outputs() - 1) != after(0, 0, net.layers.outputs() - 1)) == bidirectional);
    CHECK(before(0, 0, 0) == after(0, 0, 0));  // forward's
  }
}

TEST_CASE("the state after all steps is that of one direction, or the sum of both") {
  const Net net({.cell = "lstm", .hidden = 4, .bidirectional = true});
  Tape<double> tape;
  const Tensor<double> xs = sequence();
  auto read = net.layers.read(tape.constant(xs));
  const Tensor<double> ends = net.layers.after_all(tape.constant(xs)).value(), h = output(read.state).value();
  CHECK(shape_of(h) == Shape{3, 4});
  for (Index b = 0; b < 3; ++b)
    for (Index k = 0; k < 4; ++k) CHECK(h(b, k) == doctest::Approx(ends(b, k) + ends(b, 4 + k)).epsilon(1e-12));
}

}  // namespace test_layers
