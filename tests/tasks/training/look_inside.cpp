#include <carousel/tasks/training/look_inside.hpp>

#include <algorithm>

#include <doctest/doctest.h>

#include <carousel/lib/numbers/random.hpp>
#include <carousel/models/cells/any_cell.hpp>
#include <carousel/models/sequence/scan.hpp>
#include <carousel/models/sequence/stacked.hpp>
#include <carousel/ops/reduce.hpp>
#include <carousel/ops/shape.hpp>

using namespace carousel;

namespace {

/// A net of two layers that reads ones for `steps` steps, and its loss of what comes last; a parameter can be set.
struct Net {
  Registry<double> registry;
  Random random{1};
  Stacked<AnyCell<double>> layers;
  Index steps;

  explicit Net(const std::string& cell, Index all_steps = 20)
      : layers({make_cell<double>(cell, Scope(registry, random) / "low", 2, 4),
                make_cell<double>(cell, Scope(registry, random) / "high", 4, 4)},
               0),
        steps(all_steps) {}

  void set(const std::string& path, double value) {
    const std::span<double> all = registry.at(path).change();
    std::fill(all.begin(), all.end(), value);
  }
  Inside inside() {
    return look_inside<double>({.loss = [&]() -> Var<double> {
                                  Tensor<double> ones = zeros<double>({steps, 1, 2});
                                  std::fill(ones.begin(), ones.end(), 1.0);
                                  return sum(last(scan(layers, Tape<double>::active().constant(ones)).outputs));
                                },
                                .input = {}});
  }
};

}  // namespace

TEST_CASE("a healthy net has gates that are neither open nor shut, and gradients in all its layers") {
  Net net("lstm");
  const Inside inside = net.inside();
  CHECK(inside.what == "gates");
  CHECK(inside.saturated < 0.1);
  CHECK(inside.steps == 20);
  CHECK(inside.layers == 2);
  CHECK(inside.first_step > 1e-6);
  CHECK(inside.lowest_layer > 1e-3);
  CHECK(inside.lowest_layer < 1e3);
}

TEST_CASE("gates that a bias opens are saturated, in whichever layer they are") {
  for (const std::string layer : {"low", "high"}) {
    Net net("lstm");
    net.set(layer + "/b", 100);
    CHECK(net.inside().saturated == 1);
    CHECK(net.inside().what == "gates");
  }
  Net gru("gru");
  gru.set("low/bh", -100);
  CHECK(gru.inside().saturated > 0.95);
}

TEST_CASE("units of a plain cell are saturated at their ends, or dead at 0") {
  Net tanh("rnn-tanh");
  CHECK(tanh.inside().saturated < 0.5);
  tanh.set("high/b", -100);
  CHECK(tanh.inside().saturated == 1);
  CHECK(tanh.inside().what == "tanh");
  Net relu("rnn-relu");
  relu.set("low/b", -100);
  CHECK(relu.inside().saturated == 1);
  CHECK(relu.inside().what == "relu");
}

TEST_CASE("a gradient that vanishes in time or in depth is seen, and the parameters stay as they are") {
  Net far("rnn-tanh", 60);
  far.set("low/wh", 0.01), far.set("high/wh", 0.01);
  const Tensor<double> before = far.registry.at("low/wh").value;
  CHECK(far.inside().first_step < 1e-9);
  CHECK(far.registry.at("low/wh").value == before);
  CHECK_FALSE(far.registry.at("low/wh").has_gradient);
  Net deep("lstm");
  deep.set("high/wx", 1e-9);
  CHECK(deep.inside().lowest_layer < 1e-7);
  CHECK(deep.inside().layers == 2);
}
