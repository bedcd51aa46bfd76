#include <carousel/tasks/nets/predictor.hpp>

#include <doctest/doctest.h>

#include <carousel/lib/training/gradcheck.hpp>
#include <carousel/ops/shape.hpp>

using namespace carousel;

namespace {
struct Net {
  Registry<double> registry;
  Random random{1};
  Predictor predictor;

  explicit Net(const TrainOptions& options) : predictor(Scope<double>(registry, random), 2, 3, options) {}
};
}  // namespace

TEST_CASE("a predictor has the layers that its options name, and says something after each step") {
  const Net net({.cell = "gru", .hidden = 4, .layers = 2});
  CHECK(net.registry.contains("cell/0/wx"));
  CHECK(net.registry.contains("cell/1/wx"));
  CHECK_FALSE(net.registry.contains("cell/2/wx"));
  CHECK(net.registry.at("readout/w").shape() == Shape{4, 3});
  Tape<double> tape;
  const Var<double> xs = tape.constant(init::normal<double>(0, 1)({5, 2, 2}, const_cast<Random&>(net.random)));
  const Tensor<double> each = net.predictor.after_each(xs).value(), all = net.predictor.after_all(xs).value();
  CHECK(shape_of(each) == Shape{5, 2, 3});
  CHECK(shape_of(all) == Shape{2, 3});
  for (Index i = 0; i < 6; ++i) CHECK(each.data()[4 * 6 + i] == doctest::Approx(all.data()[i]).epsilon(1e-12));
}

TEST_CASE("dropout between layers acts only with a key") {
  const Net net({.hidden = 8, .layers = 2, .dropout = 0.5});
  Tape<double> tape;
  const Var<double> xs = tape.constant(full<double>({3, 1, 2}, 0.7));
  const double plain = net.predictor.after_all(xs).value().data()[0];
  CHECK(net.predictor.after_all(xs).value().data()[0] == plain);
  CHECK(net.predictor.after_all(xs, DropoutKey{.seed = 1}).value().data()[0] != plain);
}
