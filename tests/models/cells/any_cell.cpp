#include <carousel/models/cells/any_cell.hpp>

#include <map>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <doctest/doctest.h>

#include <carousel/models/cells/gru.hpp>
#include <carousel/models/cells/lstm.hpp>
#include <carousel/models/cells/rnn.hpp>
#include <carousel/models/sequence/bidirectional.hpp>
#include <carousel/models/sequence/runner.hpp>
#include <carousel/models/sequence/stacked.hpp>
#include <carousel/models/sequence/zoneout.hpp>

#include "tests/models/sequences.hpp"
#include "tests/support/allocations.hpp"

using namespace carousel;

namespace {

/// Whether the cell of that name is this one: the same bits from the same seed.
template <class Cell>
bool is_cell(const std::string& name) {
  Registry<double> by_name, by_type;
  Random a(3), b(3);
  const AnyCell<double> any = make_cell<double>(name, Scope(by_name, a) / "cell", 3, 4, lively<double>());
  const Cell cell(Scope(by_type, b) / "cell", 3, 4, lively<double>());
  const Given<double> given = given_for(cell, 5, 2, 3, 7);
  auto next = by_type.begin();
  for (const Parameter<double>& p : by_name)
    if (next == by_type.end() || next++->path != p.path) return false;
  return next == by_type.end() && same_bits(results_of(any, by_name, given).all(), results_of(cell, by_type, given).all());
}

/// A state whose members are a list, of which no copy byte by byte can be made.
struct Heavy {
  using Scalar = double;
  std::vector<Var<double>> values;
  std::span<Var<double>> members() { return values; }
};
/// Adds x to the first of nine values, and each to the one after it.
struct HeavyCell {
  using State = Heavy;
  State start(Index batch) const { return {std::vector<Var<double>>(9, zero_state<double>(batch, 3))}; }
  State form() const { return {std::vector<Var<double>>(9)}; }
  State operator()(Var<double> x, State s) const {
    for (std::size_t k = 9; k-- > 1;) s.values[k] = s.values[k] + s.values[k - 1];
    s.values[0] = s.values[0] + x;
    return s;
  }
};

}  // namespace

TEST_CASE("the cells by name: each is the one that it says") {
  const std::map<std::string_view, bool (*)(const std::string&)> cells{
      {"lstm", is_cell<Lstm<double>>},
      {"lstm-linear", is_cell<LstmLinear<double>>},
      {"lstm-1997", is_cell<Lstm1997<double>>},
      {"lstm-peephole", is_cell<LstmPeephole<double>>},
      {"lstm-coupled", is_cell<LstmCoupled<double>>},
      {"gru", is_cell<Gru<double>>},
      {"gru-reset-before", is_cell<GruResetBefore<double>>},
      {"rnn-tanh", is_cell<RnnTanh<double>>},
      {"rnn-relu", is_cell<RnnRelu<double>>},
  };
  for (const CellName& cell : cell_names()) {
    CAPTURE(cell.name);
    REQUIRE_MESSAGE(cells.contains(cell.name), "it needs a row in this test");
    CHECK(cells.at(cell.name)(std::string(cell.name)));
    CHECK_FALSE(cell.about.empty());
    CHECK(cell.about.find('\n') == std::string_view::npos);
  }
  CHECK(cell_names().size() == cells.size());
}

TEST_CASE("a cell that does not exist: the names of those that do") {
  Registry<float> registry;
  Random random(3);
  std::string all;
  for (const std::string& name : all_cells()) all += (all.empty() ? "" : ", ") + name;
  CHECK(all.starts_with("lstm, lstm-linear, "));
  CHECK_THROWS_WITH_AS(make_cell<float>("lstmm", Scope(registry, random), 3, 4),
                       ("cell: there is no lstmm: must be one of " + all).c_str(), std::invalid_argument);
  CHECK(registry.size() == 0);
}

TEST_CASE("any cell within any cell, and layers") {
  Registry<double> registry;
  Random random(3);
  const Stacked<Lstm<double>> model(Scope(registry, random), 3, 4, {.layers = 2}, lively<double>());
  const AnyCell<double> any = model;
  const Given<double> given = given_for(model, 5, 2, 3, 7);
  AnyState<double> form = any.form();
  CHECK(form.members().size() == 4);
  const Results<double> a = results_of(any, registry, given), b = results_of(model, registry, given);
  CHECK(same_bits(a.outputs, b.outputs));
  CHECK(same_bits(a.state, b.state));
  for (std::size_t i = 0; i < a.parameters.size(); ++i) CHECK(difference(a.parameters[i], b.parameters[i]) < 1e-14);
}

TEST_CASE("a step through a type-erased cell takes nothing from the heap") {
  Registry<float> registry;
  Random random(3);
  for (const std::string& name : all_cells()) {
    CAPTURE(name);
    const AnyCell<float> cell = make_cell<float>(name, Scope(registry, random) / name, 3, 4);
    Tape<float> tape;
    const NoGrad<float> no_gradient;
    const Tensor<float> x = random_tensor<float>({2, 3}, 1);
    const auto two_steps = [&] {
      tape.clear();
      AnyState<float> state = cell.start(2);
      const Var<float> in = tape.constant(x);
      cell(in, cell(in, state));
    };
    two_steps();
    const std::uint64_t before = allocations();
    two_steps();
    CHECK(allocations() == before);
  }
}

TEST_CASE("what AnyCell says of states that do not fit") {
  Registry<double> registry;
  Random random(3);
  Tape<double> tape;
  const AnyCell<double> lstm = make_cell<double>("lstm", Scope(registry, random) / "lstm", 3, 4);
  const AnyCell<double> gru = make_cell<double>("gru", Scope(registry, random) / "gru", 3, 4);
  const Var<double> x = tape.constant(zeros<double>({2, 3}));
  CHECK_THROWS_WITH_AS(lstm(x, gru.start(2)), "AnyCell: a state of 1 members: this cell has 2", std::invalid_argument);
  CHECK_THROWS_WITH_AS(lstm(x, AnyState<double>()), "AnyCell: a state of 0 members: this cell has 2", std::invalid_argument);
  const AnyCell<double> noisy = Zoneout<AnyCell<double>>(gru, {0.5});
  CHECK_THROWS_WITH_AS(gru(x, noisy.start(2)),
                       "AnyCell: the state of a cell of another kind: must be one of this kind, of its start() or of a step",
                       std::invalid_argument);
}

TEST_CASE("a state of any size and make goes through AnyCell") {
  Tape<double> tape;
  const AnyCell<double> heavy = HeavyCell();
  const Var<double> x = tape.constant(full<double>({2, 3}, 1.0));
  AnyState<double> state = heavy.start(2);
  CHECK(state.members().size() == 9);
  for (int step = 0; step < 10; ++step) state = heavy(x, state);
  const AnyState<double> copy = state;
  AnyState<double> moved = std::move(state);
  state = copy;
  CHECK(moved.members()[8].value()(0, 0) == 10);  // 10 over 9: the ways to come nine places up in ten steps
  CHECK(copy.as<Heavy>()->values[8].value() == moved.members()[8].value());
  CHECK(state.members()[0].value()(1, 2) == 10);
  CHECK(copy.as<Var<double>>() == nullptr);
}

TEST_CASE("stacks of many layers, ragged ones too, go through AnyCell") {
  Registry<double> registry;
  Random random(3);
  const Stacked<Lstm<double>> deep(Scope(registry, random) / "deep", 3, 4, {.layers = 20}, lively<double>());
  const AnyCell<double> any = deep;
  const Given<double> given = given_for(deep, 3, 2, 3, 7);
  AnyState<double> form = any.form();
  CHECK(form.members().size() == 40);
  CHECK(same_bits(results_of(any, registry, given).outputs, results_of(deep, registry, given).outputs));

  Registry<double> both_ways;
  const Stacked<Bidirectional<Lstm<double>>> broad(Scope(both_ways, random), 3, 2, {.layers = 12}, lively<double>());
  Tape<double> tape;
  const std::vector<Index> lengths{3, 1};
  auto [outputs, state] = scan(broad, tape.constant(given.xs), {.lengths = lengths});
  CHECK(detail::members_of(state).count == 48);
  CHECK(outputs.shape() == Shape{3, 2, 4});
}

TEST_CASE("a step through a deep stack takes nothing from the heap after the first ones") {
  Registry<float> registry;
  Random random(3);
  const AnyCell<float> cell = Stacked<Lstm<float>>(Scope(registry, random), 3, 4, {.layers = 20});
  Runner<AnyCell<float>> run(cell, 2);
  const Tensor<float> x = random_tensor<float>({2, 3}, 1);
  for (int i = 0; i < 3; ++i) run(x);
  const std::uint64_t before = allocations();
  for (int i = 0; i < 3; ++i) run(x);
  CHECK(allocations() == before);
}
