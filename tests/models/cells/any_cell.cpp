#include <carousel/models/cells/any_cell.hpp>

#include <stdexcept>

#include <doctest/doctest.h>

#include <carousel/models/cells/gru.hpp>
#include <carousel/models/cells/lstm.hpp>
#include <carousel/models/cells/rnn.hpp>
#include <carousel/models/sequence/stacked.hpp>

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

struct Wide {
  using Scalar = double;
  std::array<Var<double>, 9> values;
  std::span<Var<double>> members() { return values; }
};
struct WideCell {
  using State = Wide;
  State start(Index) const { return {}; }
  State operator()(Var<double>, State s) const { return s; }
};

}  // namespace

TEST_CASE("the cells by name") {
  CHECK(is_cell<Lstm<double>>("lstm"));
  CHECK(is_cell<LstmLinear<double>>("lstm-linear"));
  CHECK(is_cell<Lstm1997<double>>("lstm-1997"));
  CHECK(is_cell<LstmPeephole<double>>("lstm-peephole"));
  CHECK(is_cell<LstmCoupled<double>>("lstm-coupled"));
  CHECK(is_cell<Gru<double>>("gru"));
  CHECK(is_cell<GruResetBefore<double>>("gru-reset-before"));
  CHECK(is_cell<RnnTanh<double>>("rnn-tanh"));
  CHECK(is_cell<RnnRelu<double>>("rnn-relu"));
  CHECK(cell_names().size() == 9);
  for (const CellName& cell : cell_names()) {
    CHECK_FALSE(cell.about.empty());
    CHECK(cell.about.find('\n') == std::string_view::npos);
  }
}

TEST_CASE("a cell that does not exist: the names of those that do") {
  Registry<float> registry;
  Random random(3);
  CHECK_THROWS_WITH_AS(make_cell<float>("lstmm", Scope(registry, random), 3, 4),
                       "cell: there is no lstmm: must be one of lstm, lstm-linear, lstm-1997, lstm-peephole, lstm-coupled, gru, "
                       "gru-reset-before, rnn-tanh, rnn-relu",
                       std::invalid_argument);
  CHECK(registry.size() == 0);
}

TEST_CASE("any cell within any cell, and layers") {
  Registry<double> registry;
  Random random(3);
  const Stacked<Lstm<double>> model(Scope(registry, random), 3, 4, {.layers = 2}, lively<double>());
  const AnyCell<double> any = model;
  const Given<double> given = given_for(model, 5, 2, 3, 7);
  CHECK(any.form().members().size() == 4);
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
  const AnyCell<double> wide = WideCell();
  CHECK_THROWS_WITH_AS(wide.start(2), "AnyCell: a state of 9 members: must have at most 8", std::invalid_argument);
  const AnyCell<double> lstm = make_cell<double>("lstm", Scope(registry, random) / "lstm", 3, 4);
  const AnyCell<double> gru = make_cell<double>("gru", Scope(registry, random) / "gru", 3, 4);
  const Var<double> x = tape.constant(zeros<double>({2, 3}));
  CHECK_THROWS_WITH_AS(lstm(x, gru.start(2)), "AnyCell: a state of 1 members: this cell has 2", std::invalid_argument);
}
