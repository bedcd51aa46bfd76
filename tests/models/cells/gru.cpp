#include <carousel/models/cells/gru.hpp>

#include "tests/models/cells.hpp"

using namespace carousel;
using namespace cells;

TEST_CASE("one step of each GRU gives the numbers that another program worked out") {
  SUBCASE("reset after the product") {
    check_values(one_step<Gru<double>>(), {-0.017768397673395192, -0.36326926987366953});
  }
  SUBCASE("reset before the product") {
    check_values(one_step<GruResetBefore<double>>(), {0.2547314992365194, -0.48393414707675386});
  }
}

TEST_CASE("gradients of both GRUs are the numeric ones, in all ways to run them, and the hand-derived ones to 1e-12") {
  SUBCASE("reset after the product") {
    passes_gradcheck<Gru<double>>({.by_hand = reference::gru});
  }
  SUBCASE("reset before the product") {
    passes_gradcheck<GruResetBefore<double>>();
  }
}

TEST_CASE("a GRU in float starts from the numbers of the one in double and follows it") {
  float_agrees_with_double<Gru>();
  float_agrees_with_double<GruResetBefore>();
}

TEST_CASE("training a GRU takes nothing from the heap once it is warm") {
  trains_without_allocations<Gru>();
  trains_without_allocations<GruResetBefore>();
}

TEST_CASE("a GRU whose update gate is 1 keeps its state") {
  Registry<double> registry;
  Random random(1);
  const GruResetBefore<double> cell(Scope<double>(registry, random) / "gru", 1, 2);
  Parameter<double>& b = registry.at("gru/b");
  std::fill_n(b.change().data() + 2, 2, 1e4);
  Tape<double> tape;
  const Tensor<double> h = tensor<double>({1, 2}, {0.7, -0.3});
  const Tensor<double> next = cell(tape.constant(tensor<double>({1, 1}, {0.5})), tape.constant(h)).value();
  for (std::size_t i = 0; i < 2; ++i) CHECK(std::abs(next.data()[i] - h.data()[i]) < 1e-15);
}

TEST_CASE("a GRU has the parameters that its equations name") {
  Registry<double> registry;
  Random random(1);
  const Scope<double> scope(registry, random);
  const Gru<double> after(scope / "after", 3, 4);
  const GruResetBefore<double> before(scope / "before", 3, 4);
  CHECK(registry.size() == 10);
  CHECK(registry.at("after/bh").shape() == Shape{12});
  CHECK(registry.at("after/wh").shape() == Shape{4, 12});
  CHECK(registry.at("before/wx").shape() == Shape{3, 8});
  CHECK(registry.at("before/candidate/wh").shape() == Shape{4, 4});
}
