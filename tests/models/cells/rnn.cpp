#include <carousel/models/cells/rnn.hpp>

#include <carousel/ops/reduce.hpp>

#include "tests/models/cells.hpp"

using namespace carousel;
using namespace cells;

TEST_CASE("one step of each simple network gives the numbers that another program worked out") {
  SUBCASE("tanh") {
    check_values(one_step<RnnTanh<double>>(), {-0.21651806149302882, 0.004999958333749945});
  }
  SUBCASE("relu") {
    check_values(one_step<RnnRelu<double>>(), {0, 0.004999999999999949});
  }
}

TEST_CASE("gradients of the simple networks are the numeric ones, in all ways to run them, and the hand-derived ones to 1e-12") {
  SUBCASE("tanh") {
    passes_gradcheck<RnnTanh<double>>({.by_hand = reference::rnn_tanh});
  }
  SUBCASE("relu, with a step that stays off its kink") {
    passes_gradcheck<RnnRelu<double>>({.gradcheck = {.step = 1e-5}});
  }
  SUBCASE("learned start") {
    passes_gradcheck<RnnLearnedStart<double>>();
  }
}

TEST_CASE("a simple network in float starts from the numbers of the one in double and follows it") {
  float_agrees_with_double<RnnTanh>();
  float_agrees_with_double<RnnRelu>();
  float_agrees_with_double<RnnLearnedStart>();
}

TEST_CASE("training a simple network takes nothing from the heap once it is warm") {
  trains_without_allocations<RnnTanh>();
  trains_without_allocations<RnnRelu>();
  trains_without_allocations<RnnLearnedStart>();
}

TEST_CASE("a learned start is the same for every example and receives the gradients of all") {
  Registry<double> registry;
  Random random(1);
  const RnnLearnedStart<double> cell(Scope<double>(registry, random) / "rnn", 2, 3, {.init = init::uniform<double>(0, 0.01)});
  const Tensor<double> h0 = registry.at("rnn/h0").value;
  for (double v : h0) CHECK((v >= 0 && v < 0.01));
  Tape<double> tape;
  const Var<double> start = cell.start(4);
  REQUIRE(start.shape() == Shape{4, 3});
  for (std::size_t i = 0; i < 12; ++i) CHECK(start.value().data()[i] == h0.data()[i % 3]);
  backward(sum(start));
  for (double d : registry.at("rnn/h0").gradient) CHECK(d == 4);
}
