// What a cell in a scan may be.

#include <carousel/models/sequence/scan.hpp>

#include <optional>
#include <tuple>

#include <doctest/doctest.h>

#include <carousel/lib/training/init.hpp>
#include <carousel/models/cells/gru.hpp>
#include <carousel/models/cells/lstm.hpp>
#include <carousel/ops/affine.hpp>
#include <carousel/ops/elementwise.hpp>
#include <carousel/ops/reduce.hpp>

#include "tests/models/sequences.hpp"
#include "tests/support/message_of.hpp"

using namespace carousel;

namespace {

using V = Var<double>;

/// A state of two ranks: h, which is put out, and the steps that an example has seen.
struct CountingState {
  using Scalar = double;
  V h, steps;  // [batch, hidden], [batch]
  auto members() { return std::tie(h, steps); }
};

struct Counting {
  using State = CountingState;
  Param<double> w;
  State start(Index batch) const {
    Tape<double>& tape = Tape<double>::active();
    return {zero_state<double>(batch, 4), tape.constant(zeros<double>({batch}))};
  }
  State operator()(V x, State s) const { return {V(tanh(affine(x, w) + s.h)), V(s.steps + 1)}; }
};

/// A scan that records no gradients gives the same bits as one that does.
void check_same_without_gradient(const auto& cell, Registry<double>& registry, const Given<double>& given,
                                 const ScanOptions& options) {
  const Results<double> recorded = results_of(cell, registry, given, options);
  Tape<double> tape;
  const NoGrad<double> no_gradient;
  const auto [hs, h] = scan(cell, tape.constant(given.xs), tape.constant(given.start[0]), options);
  CHECK(same_bits(hs.value(), recorded.outputs));
  CHECK(same_bits(h.value(), recorded.state[0]));
}

}  // namespace

TEST_CASE("gradients of every cell, whole and ragged, in both directions") {
  for (const std::string& name : all_cells()) {
    CAPTURE(name);
    Registry<double> registry;
    Random random(9);
    const AnyCell<double> cell = make_cell<double>(name, Scope(registry, random), 2, 3, lively<double>());
    const Given<double> given = given_for(cell, 4, 3, 2, 51);
    const std::vector<Index> lengths{2, 4, 0};
    for (const bool reverse : {false, true}) {
      const GradcheckResult whole = check_gradients(cell, registry, given, {.reverse = reverse});
      CHECK_MESSAGE(whole.passed, whole.worst().describe());
      const GradcheckResult ragged = check_gradients(cell, registry, given, {.lengths = lengths, .reverse = reverse});
      CHECK_MESSAGE(ragged.passed, ragged.worst().describe());
    }
  }
}

TEST_CASE("a user's own cell: the minimal gated unit") {
  Registry<double> registry;
  Random random(9);
  const MinimalGatedUnit<double> cell(Scope(registry, random), 2, 3);
  const Given<double> given = given_for(cell, 5, 3, 2, 61);
  for (const bool reverse : {false, true}) {
    const GradcheckResult checked = check_gradients(cell, registry, given, {.reverse = reverse});
    CHECK_MESSAGE(checked.passed, checked.worst().describe());
    CHECK(raggedness(cell, registry, given, {2, 5, 1}, {.reverse = reverse}) < 1e-13);
  }
  CHECK(registry.contains("xf/w"));
  CHECK(registry.elements() == 2 * (2 * 3 + 3) + 2 * (3 * 3 + 3));
}

TEST_CASE("cells that leave something out") {
  const Given<double> given = given_for(cell_of(3, [](V, V h) { return h; }), 4, 2, 3, 71);
  Registry<double> none_here;
  const std::vector<Index> lengths{4, 2};
  const auto check = [&](const char* what, const auto& cell) {
    CAPTURE(what);
    for (const bool reverse : {false, true}) {
      const GradcheckResult whole = check_gradients(cell, none_here, given, {.reverse = reverse});
      CHECK_MESSAGE(whole.passed, whole.worst().describe());
      const GradcheckResult ragged = check_gradients(cell, none_here, given, {.lengths = lengths, .reverse = reverse});
      CHECK_MESSAGE(ragged.passed, ragged.worst().describe());
      CHECK(raggedness(cell, none_here, given, lengths, {.reverse = reverse}) < 1e-14);
    }
  };
  check("a state returned as it was", cell_of(3, [](V, V h) { return h; }));
  check("x left out", cell_of(3, [](V, V h) -> V { return tanh(h) + 1; }));
  check("h left out", cell_of(3, [](V x, V) -> V { return tanh(x); }));
  check("x itself", cell_of(3, [](V x, V) { return x; }));
  check("x after h", cell_of(3, [](V x, V h) -> V { return x * h; }));
  check("neither", cell_of(3, [](V x, V) -> V { return zero_state<double>(x.shape()[0], 3) + 0 * x; }));
}

TEST_CASE("an output that is a view with gaps") {
  Registry<double> registry;
  Random random(9);
  const Param<double> wx = Scope(registry, random).parameter("wx", {3, 8}, init::uniform<double>(-1, 1));
  const Param<double> wh = Scope(registry, random).parameter("wh", {4, 8}, init::uniform<double>(-1, 1));
  const auto cell = cell_of(4, [&](V x, V h) { return split<2>(affine(x, wx, h, wh))[1]; });  // no copy: rows of 4 in rows of 8
  const Given<double> given = given_for(cell, 35, 3, 3, 71);
  const std::vector<Index> lengths{35, 2, 34};
  for (const bool reverse : {false, true}) {
    CHECK(raggedness(cell, registry, given, lengths, {.reverse = reverse}) < 1e-12);
    check_same_without_gradient(cell, registry, given, {.lengths = lengths, .reverse = reverse});
  }
  const Given<double> little = given_for(cell, 3, 2, 3, 72);
  const GradcheckResult checked = check_gradients(cell, registry, little);
  CHECK_MESSAGE(checked.passed, checked.worst().describe());
}

TEST_CASE("a state with a member that the outputs do not show") {
  Registry<double> registry;
  Random random(9);
  const Param<double> w = Scope(registry, random).parameter("w", {3, 4}, init::uniform<double>(-1, 1));
  const Counting cell{w};
  const Given<double> given = given_for(cell, 4, 2, 3, 81);
  const GradcheckResult checked = check_gradients(cell, registry, given);
  CHECK_MESSAGE(checked.passed, checked.worst().describe());
  CHECK(raggedness(cell, registry, given, {4, 3}) < 1e-14);
  // And one that no gradient reaches.
  const GradcheckResult outputs = gradcheck([&](auto v) -> V { return scan(cell, v[0]); }, {{"xs", given.xs, true}}, &registry);
  CHECK_MESSAGE(outputs.passed, outputs.worst().describe());
  // Members of other ranks than 2 are chosen by the lengths too.
  const std::vector<Index> lengths{2, 4};
  Tape<double> tape;
  auto [hs, state] = scan(cell, tape.constant(given.xs), {.lengths = lengths});
  CHECK(same_bits(state.steps.value(), tensor<double>({2}, {2, 4})));
}

TEST_CASE("a scan within a cell") {
  // Each step of the outer loop runs an inner one over the features of its x.
  Registry<double> registry;
  Random random(9);
  const Gru<double> inner(Scope(registry, random) / "inner", 1, 3, lively<double>());
  const Param<double> w = Scope(registry, random).parameter("w", {3, 3}, init::uniform<double>(-1, 1));
  const auto cell = cell_of(3, [&](V x, V h) -> V {
    V features = transpose(x, 0, 1);  // [features, batch]
    V read = scan(inner, reshape(features, {x.shape()[1], x.shape()[0], 1}), h).state;
    return tanh(affine(read, w) + h);
  });
  const Given<double> little = given_for(cell, 3, 2, 4, 91);
  const GradcheckResult checked = check_gradients(cell, registry, little);
  CHECK_MESSAGE(checked.passed, checked.worst().describe());
  const Given<double> given = given_for(cell, 70, 5, 40, 91);
  const std::vector<Index> lengths{70, 3, 1, 69, 0};
  for (const bool reverse : {false, true}) {
    check_same_without_gradient(cell, registry, given, {.lengths = lengths, .reverse = reverse});
    CHECK(raggedness(cell, registry, given, lengths, {.reverse = reverse}) < 1e-12);
  }
}

TEST_CASE("a plain function of x and state") {
  const Tensor<double> xs = random_tensor({4, 2, 3}, 1), w = random_tensor({3, 5}, 2), u = random_tensor({5, 5}, 3),
                       h0 = random_tensor({2, 5}, 4);
  const GradcheckResult checked =
      gradcheck([](auto v) -> V { return scan([&](V x, V h) { return tanh(affine(x, v[1], h, v[2])); }, v[0], v[3]).outputs; },
                {{"xs", xs, true}, {"w", w}, {"u", u}, {"h0", h0}});
  CHECK_MESSAGE(checked.passed, checked.worst().describe());
}

TEST_CASE("no cell takes a state of another batch than that of its input") {
  const std::vector<Index> one_length{3}, four_lengths{3, 1, 2, 3};
  for (const std::string& name : all_cells()) {
    CAPTURE(name);
    Registry<double> registry;
    Random random(9);
    const AnyCell<double> cell = make_cell<double>(name, Scope(registry, random), 3, 4);
    for (const bool recording : {true, false}) {
      Tape<double> tape;
      std::optional<NoGrad<double>> no_gradient;
      if (!recording) no_gradient.emplace();
      const V one = tape.constant(zeros<double>({3, 1, 3})), four = tape.constant(zeros<double>({3, 4, 3}));
      const auto says = [](const auto& f) { return message_of<std::invalid_argument>(f); };
      const std::string wide = "scan: the state's batch is 4, that of xs is 1: must be the same",
                        thin = "scan: the state's batch is 1, that of xs is 4: must be the same";
      CHECK(says([&] { scan(cell, one, cell.start(4)); }) == wide);
      CHECK(says([&] { scan(cell, four, cell.start(1)); }) == thin);
      CHECK(says([&] { scan(cell, one, cell.start(4), {.reverse = true}); }) == wide);
      CHECK(says([&] { scan(cell, one, cell.start(4), {.lengths = one_length}); }) == wide);
      CHECK(says([&] { scan(cell, four, cell.start(1), {.lengths = four_lengths}); }) == thin);
      CHECK(says([&] { step(cell, at(one, 0, 0), cell.start(4)); }) ==
            "step: the state's batch is 4, that of x is 1: must be the same");
    }
  }
  Tape<double> tape;
  const V xs = tape.constant(zeros<double>({3, 2, 3}));
  CHECK(message_of<std::invalid_argument>([&] {
          scan(
              [](V x, LstmState<double> s) {
                return LstmState<double>{s.h + x, s.c};
              },
              xs, LstmState<double>{tape.constant(zeros<double>({2, 3})), tape.constant(zeros<double>({3}))});
        }) == "scan: state member 1 is [3], the batch of xs is 2: its first axis must be the batch");
}
