#include <carousel/models/proof/check.hpp>

#include <doctest/doctest.h>
#include <carousel/models/cells/lstm.hpp>
#include <carousel/models/cells/rnn.hpp>
#include <carousel/ops/elementwise.hpp>

using namespace carousel;

namespace {

/// tanh whose derivative has lost its sign where the value is negative.
constexpr auto broken_tanh = elementwise(
    "broken_tanh", [](auto x) { return simd::tanh(x); },
    [](auto dy, auto y, auto) { return simd::select(y < 0, -(dy * (1 - y * y)), dy * (1 - y * y)); });

struct BrokenCell {
  using State = Var<double>;
  Gates<double> gates;
  BrokenCell(Scope<double> p, Index in, Index hidden) : gates(p, in, hidden, 1) {}
  State start(Index batch) const { return zero_state<double>(batch, gates.hidden); }
  State operator()(Var<double> x, State h) const { return broken_tanh(gates(x, h)); }
};

/// Forgets that gradients go through the state.
struct ForgetfulCell : RnnTanh<double> {
  using RnnTanh<double>::Rnn;
  State operator()(Var<double> x, State h) const { return RnnTanh<double>::operator()(x, detach(h)); }
};

}  // namespace

TEST_CASE("a cell with a wrong derivative is rejected, and the worst entry is named with its run") {
  Registry<double> registry;
  Random random(1);
  const CellCheck check = check_cell(BrokenCell(Scope<double>(registry, random) / "broken", 3, 4), registry);
  CHECK_FALSE(check.passed);
  CHECK(check.worst_error > 1);
  CHECK(check.describe().find(": tape ") != std::string::npos);
  CHECK(check.describe().find(" step") != std::string::npos);
}

TEST_CASE("a cell that cuts the gradient between steps passes a single step and is rejected over several") {
  Registry<double> registry;
  Random random(1);
  const ForgetfulCell cell(Scope<double>(registry, random) / "rnn", 3, 4);
  CHECK_FALSE(check_cell(cell, registry, {.steps = {2}}).passed);
  const CellCheck one = check_cell(cell, registry, {.steps = {1}});
  for (const CheckedCellTensor& tensor : one.tensors)
    CHECK((tensor.numeric.worst_error < 1e-6) == (tensor.numeric.name != "start 0"));
}

TEST_CASE("a hand-derived gradient of another cell is told apart from the tape's, though that is right") {
  Registry<double> registry;
  Random random(1);
  const Lstm<double> cell(Scope<double>(registry, random) / "lstm", 3, 4);
  const CellCheck check = check_cell(cell, registry, {.steps = {2}, .by_hand = reference::lstm_linear});
  CHECK_FALSE(check.passed);
  CHECK(check.worst_error < 1e-6);
  CHECK(check.worst_by_hand > 1e-3);
  CHECK(check.describe().find("by hand") != std::string::npos);
}

TEST_CASE("every way to run a cell is checked, and every tensor of it") {
  Registry<double> registry;
  Random random(1);
  const Lstm<double> cell(Scope<double>(registry, random) / "lstm", 3, 2);
  const CellCheck check = check_cell(cell, registry, {.by_hand = reference::lstm});
  CHECK(check.passed);
  // 8 runs of 1, 2 and 7 steps; in half of them a first state: h and c of 3 examples.
  const Index parameters = 3 * 8 + 2 * 8 + 8, states = 2 * 3 * 2;
  CHECK(check.checks == 8 * (3 * parameters + (1 + 2 + 7) * 3 * 3) + 12 * states);
  std::vector<std::string> names;
  for (const CheckedCellTensor& tensor : check.tensors) names.push_back(tensor.numeric.name);
  CHECK(names == std::vector<std::string>{"xs", "lstm/wx", "lstm/wh", "lstm/b", "start 0", "start 1"});
}
