/// What scan and search answer to cells that do what they must not.
#include <functional>
#include <stdexcept>
#include <vector>

#include <doctest/doctest.h>

#include <carousel/models/decoding/search.hpp>
#include <carousel/models/sequence/runner.hpp>
#include <carousel/models/sequence/scan.hpp>
#include <carousel/ops/elementwise.hpp>
#include <carousel/ops/reduce.hpp>

using namespace carousel;

namespace {

using V = Var<double>;

/// h' = f(x, h), for an f that a test gives.
struct GivenCell {
  using State = V;
  std::function<V(V, V)> f;
  V operator()(V x, V h) const { return f(x, h); }
  V start(Index batch) const { return Tape<double>::active().constant(zeros<double>({batch, 2})); }
};

constexpr const char* forgotten =
    "var: its tape has forgotten it, by clear(), at the end of a step without gradients, or with its own end: keep() what must "
    "live longer";

}  // namespace

TEST_CASE("a cell that throws leaves nothing on the tape, with gradients and without") {
  Tape<double> tape;
  const V xs = tape.variable(full<double>({100, 1, 2}, 1));
  int step = 0, last = 0;
  const GivenCell cell{[&](V x, V h) -> V {
    if (step++ == last) throw std::runtime_error("enough");
    return x + h;
  }};
  const V start = cell.start(1);
  const std::size_t nodes = tape.size();
  std::size_t bytes = 0;
  for (const bool gradients : {true, false})
    for (last = 0; last < 100; last += 33) {
      CAPTURE(gradients);
      CAPTURE(last);
      std::optional<NoGrad<double>> no_gradient;
      if (!gradients) no_gradient.emplace();
      for (int i = 0; i < 50; ++i) {
        step = 0;
        CHECK_THROWS_WITH_AS(scan(cell, xs, start), "enough", std::runtime_error);
        if (i == 0) bytes = tape.bytes();
      }
      CHECK(tape.size() == nodes);
      CHECK(tape.bytes() == bytes);
    }
  last = -1;
  step = 0;
  CHECK(scan(cell, xs, start).outputs.value().data()[0] == 1);
}

TEST_CASE("what a cell kept from a step that threw is no value any more") {
  Tape<double> tape;
  const V xs = tape.variable(full<double>({2, 1, 2}, 1));
  V kept;
  const GivenCell cell{[&](V x, V) -> V {
    kept = x * 5;
    throw std::runtime_error("enough");
  }};
  CHECK_THROWS_AS(scan(cell, xs, cell.start(1)), std::runtime_error);
  const V other = xs * 7, another = other * 2, third = another + other;
  CHECK_THROWS_WITH_AS(kept.value(), forgotten, std::logic_error);
  CHECK(third.value().data()[0] == 21);
}

TEST_CASE("a cell that looks back further than a step without gradients remembers is told so") {
  Tape<double> tape;
  const V xs = tape.variable(full<double>({200, 1, 2}, 1));
  std::vector<V> past;
  const GivenCell cell{[&](V x, V h) -> V {
    past.push_back(x + h * 0.5);
    return past.size() > 40 ? V(past.back() + past[past.size() - 41] * 0.5) : past.back();
  }};
  CHECK(scan(cell, xs, cell.start(1)).outputs.value().data()[0] == 1);
  past.clear();
  const NoGrad<double> no_gradient;
  CHECK_THROWS_WITH_AS(scan(cell, xs, cell.start(1)), forgotten, std::logic_error);
}

TEST_CASE("a tape cannot be cleared inside a scan, and goes on") {
  Tape<double> tape;
  const V xs = tape.variable(full<double>({3, 1, 2}, 1));
  const GivenCell clearing{[&](V x, V h) -> V {
    tape.clear();
    return x + h;
  }};
  CHECK_THROWS_WITH_AS(scan(clearing, xs, clearing.start(1)), "clear: a scan runs on this tape: must come after it",
                       std::logic_error);
  {
    const NoGrad<double> no_gradient;
    CHECK_THROWS_AS(scan(clearing, xs, clearing.start(1)), std::logic_error);
  }
  const GivenCell adding{[](V x, V h) -> V { return x + h; }};
  const V hs = scan(adding, xs, adding.start(1)).outputs;
  backward(sum(hs));
  CHECK(tape.gradient(xs).data()[0] == 3);
  tape.clear();
  CHECK(tape.size() == 0);
}

TEST_CASE("a search leaves nothing on the tape") {
  Tape<double> tape;
  const V start = tape.constant(zeros<double>({1, 2}));
  const std::size_t nodes = tape.size();
  const auto step = [](std::span<const Index>, V h) {
    const V next = h + 1;
    return std::pair(V(next * 1.0), next);
  };
  for (int i = 0; i < 3; ++i) {
    const auto found = search(start, 1, step, {.most = 4, .end = 1, .beam = 2});
    CHECK(found.size() == 1);
    CHECK(tape.size() == nodes);
  }
  int calls = 0;
  const auto throwing = [&](std::span<const Index>, V h) {
    const V next = h + 1;
    if (++calls == 3) throw std::runtime_error("enough");
    return std::pair(V(next * 1.0), next);
  };
  CHECK_THROWS_AS(search(start, 1, throwing, {.most = 4, .end = 1, .beam = 2}), std::runtime_error);
  CHECK(tape.size() == nodes);
}
