#include <carousel/models/proof/check.hpp>

#include <stdexcept>
#include <string>
#include <tuple>

#include <doctest/doctest.h>
#include <carousel/models/cells/lstm.hpp>
#include <carousel/models/cells/rnn.hpp>
#include <carousel/models/layers/linear.hpp>
#include <carousel/ops/elementwise.hpp>

#include "tests/models/counting_cell.hpp"
#include "tests/support/message_of.hpp"
#include "tests/support/values.hpp"

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

/// Elman's network of two layers that are each named w and b, and a start that is learned.
struct TwoLinears {
  using State = Var<double>;
  Linear<double> in, back;
  Param<double> h0;
  TwoLinears(Scope<double> p, Index features, Index hidden)
      : in(p / "in", features, hidden, {.b = init::uniform<double>(-1, 1)}),
        back(p / "back", hidden, hidden, {.b = init::uniform<double>(-1, 1)}),
        h0(p.parameter("h0", {hidden}, init::uniform<double>(-1, 1))) {}
  State start(Index batch) const { return zero_state<double>(batch, h0->shape()[0]) + h0; }
  State operator()(Var<double> x, State h) const { return tanh(in(x) + back(h)); }
};

/// The same by hand: that of RnnTanh, to whose one bias the sum of the two comes.
reference::Answer two_linears_by_hand(const reference::Tensors& p, const reference::Problem& problem) {
  Tensor<double> b = p.at("in/b");
  for (std::size_t i = 0; i < b.size(); ++i) b.data()[i] += p.at("back/b").data()[i];
  reference::Answer answer = reference::rnn_tanh({{"wx", p.at("in/w")}, {"wh", p.at("back/w")}, {"b", b}}, problem);
  reference::Tensors& d = answer.gradients;
  d["in/w"] = d.at("wx"), d["back/w"] = d.at("wh"), d["in/b"] = d["back/b"] = d.at("b");
  Tensor<double> d_h0 = zeros<double>(shape_of(b));
  const Tensor<double>& d_start = d.at("start 0");
  for (std::size_t i = 0; i < d_start.size(); ++i) d_h0.data()[i % d_h0.size()] += d_start.data()[i];
  d["h0"] = d_h0;
  return answer;
}

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

TEST_CASE("layers of the same names in one cell are told apart by hand, and a start of its own arrives there") {
  Registry<double> registry;
  Random random(1);
  const TwoLinears cell(Scope<double>(registry, random) / "net", 3, 4);
  const CellCheck check = check_cell(cell, registry, {.steps = {3}, .by_hand = two_linears_by_hand});
  CHECK_MESSAGE(check.passed, check.describe());
  CHECK(check.tensors.size() == 7);
  for (const CheckedCellTensor& tensor : check.tensors) {
    CAPTURE(tensor.numeric.name);
    CHECK(tensor.by_hand.has_value());
  }
}

TEST_CASE("a check that would check no parameter is refused") {
  Registry<double> registry, empty, other;
  Random random(1);
  const Lstm<double> cell(Scope<double>(registry, random) / "lstm", 3, 2);
  const Linear<double> stranger(Scope<double>(other, random) / "readout", 3, 2);
  const auto says = [&](Registry<double>& given, const CellCheckOptions& options = {.steps = {2}}) {
    return message_of<std::invalid_argument>([&] { check_cell(cell, given, options); });
  };
  const std::string wrong = "gradcheck: the function computes with lstm/wx, which is of another registry: must be given that one";
  CHECK(says(empty) == wrong);
  CHECK(says(other) == wrong);
  registry.freeze("");
  CHECK(says(registry) ==
        "gradcheck: all parameters of the function are frozen: must have one that is not, or be given no registry");
  registry.freeze("", false);
  const auto one_gate = [](const reference::Tensors&, const reference::Problem& problem) {
    return reference::Answer{problem.d_outputs, {{"xs", problem.xs}}};
  };
  CHECK(says(registry, {.steps = {2}, .by_hand = one_gate}) ==
        "check_cell: by hand there is no gradient of wx: must be one of each parameter, xs and start");
  CHECK(says(registry, {.steps = {2}, .by_hand = reference::gru}) == "reference: there is no parameter bh: given are b, wh, wx");
}

TEST_CASE("the cell that is checked is the one that trains: its state keeps what is no Var") {
  Registry<double> registry;
  Random random(1);
  const CountingCell<double> cell(Scope<double>(registry, random), 3, 4);
  CHECK(check_cell(cell, registry, {.steps = {3}}).passed);
  Tape<double> tape;
  const Var<double> xs = tape.constant(random_tensor({5, 2, 3}, 1));
  const AnyCell<double> any = cell;
  CHECK(scan(any, xs).outputs.value() == scan(cell, xs).outputs.value());
}
