#include <carousel/models/cells/lstm.hpp>

#include <carousel/ops/reduce.hpp>

#include "tests/models/cells.hpp"

using namespace carousel;
using namespace cells;

TEST_CASE("one step of each LSTM gives the numbers that another program worked out") {
  SUBCASE("tanh") {
    check_values(one_step<Lstm<double>>(),
                 {0.09648919526044362, -0.05495069155179577, 0.19198413221099253, -0.16433931177636257});
  }
  SUBCASE("linear") {
    check_values(one_step<LstmLinear<double>>(),
                 {0.09767175579752042, -0.05544449508784222, 0.19198413221099253, -0.16433931177636257});
  }
  SUBCASE("1997, with the squashing functions as the paper writes them") {
    check_values(one_step<Lstm1997<double>>(),
                 {0.1990464580677829, -0.06888571827853128, 1.0318088457829981, -0.23161520685709608});
  }
  SUBCASE("coupled") {
    check_values(one_step<LstmCoupled<double>>(),
                 {0.2349895115762467, -0.03603872494489955, 0.6331569590675952, -0.06039060298393378});
  }
  SUBCASE("peephole") {
    check_values(one_step<LstmPeephole<double>>(),
                 {0.043766079162866164, -0.05373573451903506, 0.08661037118143117, -0.15269260898855996});
  }
}

TEST_CASE("gradients of every LSTM are the numeric ones, in all ways to run it, and the hand-derived ones to 1e-12") {
  SUBCASE("tanh") {
    passes_gradcheck<Lstm<double>>({.by_hand = reference::lstm});
  }
  SUBCASE("linear, the seed's") {
    passes_gradcheck<LstmLinear<double>>({.by_hand = reference::lstm_linear});
  }
  SUBCASE("1997") {
    passes_gradcheck<Lstm1997<double>>();
  }
  SUBCASE("coupled") {
    passes_gradcheck<LstmCoupled<double>>();
  }
  SUBCASE("peephole") {
    passes_gradcheck<LstmPeephole<double>>();
  }
}

TEST_CASE("an LSTM in float starts from the numbers of the one in double and follows it") {
  float_agrees_with_double<Lstm>();
  float_agrees_with_double<LstmLinear>();
  float_agrees_with_double<Lstm1997>();
  float_agrees_with_double<LstmCoupled>();
  float_agrees_with_double<LstmPeephole>();
}

TEST_CASE("training an LSTM takes nothing from the heap once it is warm") {
  trains_without_allocations<Lstm>();
  trains_without_allocations<LstmLinear>();
  trains_without_allocations<Lstm1997>();
  trains_without_allocations<LstmCoupled>();
  trains_without_allocations<LstmPeephole>();
}

TEST_CASE("gates start with orthogonal recurrent weights, zero biases, and a forget gate that is open") {
  Registry<double> registry;
  Random random(1);
  const Lstm<double> lstm(Scope<double>(registry, random) / "lstm", 3, 4);
  const Tensor<double>& wh = registry.at("lstm/wh").value;
  for (Index gate = 0; gate < 4; ++gate)
    for (Index a = 0; a < 4; ++a)
      for (Index b = 0; b < 4; ++b) {
        double product = 0;
        for (Index k = 0; k < 4; ++k) product += wh.data()[k * 16 + gate * 4 + a] * wh.data()[k * 16 + gate * 4 + b];
        CHECK(std::abs(product - (a == b ? 1 : 0)) < 1e-14);
      }
  const double limit = std::sqrt(6.0 / (3 + 4));
  for (double w : registry.at("lstm/wx").value) CHECK(std::abs(w) <= limit);
  const Tensor<double>& b = registry.at("lstm/b").value;
  for (std::size_t j = 0; j < 16; ++j) CHECK(b.data()[j] == (j / 4 == 1 ? 1 : 0));
}

TEST_CASE("the options of a cell choose how it starts") {
  Registry<double> registry;
  Random random(1);
  const Scope<double> scope(registry, random);
  const auto bias = [&](const char* path) { return registry.at(path).value; };

  const Lstm<double> all(scope / "all", 2, 2, {.forget_bias = 3, .init = init::constant<double>(0.25)});
  for (double w : registry.at("all/wx").value) CHECK(w == 0.25);
  for (double w : registry.at("all/wh").value) CHECK(w == 0.25);
  for (std::size_t j = 0; j < 8; ++j) CHECK(bias("all/b").data()[j] == (j / 2 == 1 ? 3 : 0.25));

  const Lstm<double> none(scope / "none", 2, 2,
                          {.forget_bias = std::nullopt, .wx = init::constant<double>(2), .b = init::constant<double>(5)});
  for (double w : registry.at("none/wx").value) CHECK(w == 2);
  for (double v : bias("none/b")) CHECK(v == 5);

  const LstmCoupled<double> coupled(scope / "coupled", 2, 2, {.forget_bias = 3});
  for (std::size_t j = 0; j < 6; ++j) CHECK(bias("coupled/b").data()[j] == (j / 2 == 0 ? -3 : 0));

  const Lstm1997<double> carousel(scope / "1997", 2, 2, {.forget_bias = 3});
  for (double v : bias("1997/b")) CHECK(v == 0);

  const LstmPeephole<double> peephole(scope / "peephole", 2, 2);
  for (double v : bias("peephole/pf")) CHECK(v == 0);
}

TEST_CASE("a chrono start lets forget gates keep for times up to T, and input gates take in as little as they let go") {
  Registry<double> registry;
  Random random(1);
  const Scope<double> scope(registry, random);
  constexpr std::size_t hidden = 500;
  const Lstm<double> cell(scope / "lstm", 2, hidden, {.forget_bias = 3, .chrono = 101});
  const double* const b = registry.at("lstm/b").value.data();  // i, f, g, o
  double mean = 0, least = 1000, most = 0;
  for (std::size_t j = 0; j < hidden; ++j) {
    const double u = std::exp(b[hidden + j]);  // uniform in [1, 100]
    CHECK(b[j] == -b[hidden + j]);
    CHECK(b[2 * hidden + j] == 0);
    CHECK(b[3 * hidden + j] == 0);
    mean += u / hidden, least = std::min(least, u), most = std::max(most, u);
  }
  CHECK(std::abs(mean - 50.5) < 4);  // its deviation is 1.3
  CHECK(least >= 1);
  CHECK(least < 2);
  CHECK(most <= 100);
  CHECK(most > 99);

  const LstmCoupled<double> coupled(scope / "coupled", 2, hidden, {.chrono = 101});
  for (std::size_t j = 0; j < hidden; ++j) {
    CHECK(registry.at("coupled/b").value.data()[j] <= 0);
    CHECK(registry.at("coupled/b").value.data()[hidden + j] == 0);
  }
  CHECK(registry.at("coupled/b").value.data()[0] != registry.at("coupled/b").value.data()[1]);
  const Lstm1997<double> none(scope / "1997", 2, 3, {.chrono = 101});  // it has no forget gate
  for (const double x : registry.at("1997/b").value) CHECK(x == 0);
}

TEST_CASE("two cells share their parameters where that is asked for") {
  Registry<double> registry;
  Random random(1);
  const Lstm<double> a(Scope<double>(registry, random) / "lstm", 3, 4),
      b((Scope<double>(registry, random) / "lstm").shared(), 3, 4);
  CHECK(registry.size() == 3);
  CHECK(&*a.gates.wh == &*b.gates.wh);
}

TEST_CASE("the error goes round the carousel of 1997 unchanged") {
  Registry<double> registry;
  Random random(1);
  // Gates shut by their biases: nothing comes in, nothing goes out, the cell stays.
  const Lstm1997<double> cell(
      Scope<double>(registry, random), 1, 2,
      {.wx = init::constant<double>(0), .wh = init::constant<double>(0), .b = init::constant<double>(-1e4)});
  Tape<double> tape;
  LstmState<double> state = cell.start(1);
  state.c = tape.variable(tensor<double>({1, 2}, {0.7, -0.3}));
  const Var<double> c = state.c;
  const auto scanned = scan(cell, tape.constant(zeros<double>({1000, 1, 1})), state);
  CHECK(scanned.state.c.value() == c.value());
  backward(sum(scanned.state.c));
  for (double d : tape.gradient(c)) CHECK(d == 1);
}

namespace {

/// Karpathy's batched LSTM (gist 587454dc0146a6ae21fc): T = 5, B = 3, H = 4, D = 10, weights of deviation 1/√(D + H), forget
/// bias 3.
struct Karpathy {
  static constexpr Index steps = 5, batch = 3, hidden = 4, in = 10;
  Registry<double> registry;
  Random random{7};
  Lstm<double> lstm;
  Tensor<double> xs, h0, c0, d_outputs, dh_end, dc_end;

  Karpathy()
      : lstm(Scope<double>(registry, random) / "lstm", in, hidden, {.forget_bias = 3, .wx = spread(), .wh = spread()}),
        xs(draw({steps, batch, in})),
        h0(draw({batch, hidden})),
        c0(draw({batch, hidden})),
        d_outputs(draw({steps, batch, hidden})),
        dh_end(draw({batch, hidden})),
        dc_end(draw({batch, hidden})) {}

  static Init<double> spread() { return init::normal<double>(0, 1 / std::sqrt(static_cast<double>(in + hidden))); }
  Tensor<double> draw(const Shape& shape) { return init::normal<double>(0, 1)(shape, random); }

  /// Σ of what arrives times what was given, the loss whose gradients those are.
  Var<double> loss(const LstmState<double>& end, const Tensor<double>& dh, const Tensor<double>& dc) const {
    Tape<double>& tape = Tape<double>::active();
    return sum(tape.constant(dh) * end.h) + sum(tape.constant(dc) * end.c);
  }
};

Tensor<double> row(const Tensor<double>& from, Index at) {
  const Shape shape = shape_of(from);
  Tensor<double> out = empty<double>({shape[1], shape[2]});
  std::copy_n(from.data() + at * static_cast<Index>(out.size()), out.size(), out.data());
  return out;
}

void check_same(const char* name, const Tensor<double>& a, const Tensor<double>& b) {
  const CheckedTensor compared = compare_gradients(name, a, b, 1);
  CHECK_MESSAGE(compared.worst_error <= 1e-13, compared.describe());
}

}  // namespace

TEST_CASE("Karpathy's first check: a sequence one step at a time, forward and backward, is the whole sequence") {
  Karpathy k;
  Tape<double> tape;

  const Var<double> xs = tape.variable(k.xs);
  const LstmState<double> start{tape.variable(k.h0), tape.variable(k.c0)};
  const auto whole = scan(k.lstm, xs, start);
  const Tensor<double> outputs = whole.outputs.value();
  backward(sum(tape.constant(k.d_outputs) * whole.outputs) + k.loss(whole.state, k.dh_end, k.dc_end));
  const Tensor<double> dxs = tape.gradient(xs), dh0 = tape.gradient(start.h), dc0 = tape.gradient(start.c);
  std::vector<Tensor<double>> parameters;
  for (const Parameter<double>& p : k.registry) parameters.push_back(p.gradient);

  // Forward: nothing but the state goes from one step to the next, each on a tape wiped clean.
  std::vector<Tensor<double>> hs{k.h0}, cs{k.c0};
  for (Index t = 0; t < k.steps; ++t) {
    tape.clear();
    const LstmState<double> next = k.lstm(tape.constant(row(k.xs, t)), {tape.constant(hs.back()), tape.constant(cs.back())});
    hs.push_back(next.h.value());
    cs.push_back(next.c.value());
    check_same("output", hs.back(), row(outputs, t));
  }
  // Backward: nothing but ∂L/∂h and ∂L/∂c.
  k.registry.zero_gradients();
  Tensor<double> dh = k.dh_end, dc = k.dc_end;
  for (Index t = k.steps - 1; t >= 0; --t) {
    const Tensor<double> here = row(k.d_outputs, t);
    for (std::size_t i = 0; i < dh.size(); ++i) dh.data()[i] += here.data()[i];
    tape.clear();
    const auto at = static_cast<std::size_t>(t);
    const Var<double> x = tape.variable(row(k.xs, t)), h = tape.variable(hs[at]), c = tape.variable(cs[at]);
    backward(k.loss(k.lstm(x, {h, c}), dh, dc), Gradients::add);
    check_same("x", tape.gradient(x), row(dxs, t));
    dh = tape.gradient(h);
    dc = tape.gradient(c);
  }
  check_same("h0", dh, dh0);
  check_same("c0", dc, dc0);
  std::size_t next = 0;
  for (const Parameter<double>& p : k.registry) check_same(p.path.c_str(), p.gradient, parameters[next++]);
}

TEST_CASE("Karpathy's second check: every element of X, W, c0 and h0 has the numeric gradient") {
  Karpathy k;
  const GradcheckResult result = gradcheck(
      [&](std::span<const Var<double>> v) {
        const auto scanned = scan(k.lstm, v[0], LstmState<double>{v[1], v[2]});
        Tape<double>& tape = Tape<double>::active();
        return Var<double>(sum(tape.constant(k.d_outputs) * scanned.outputs) + k.loss(scanned.state, k.dh_end, k.dc_end));
      },
      {{"X", k.xs, true}, {"h0", k.h0}, {"c0", k.c0}}, &k.registry);
  CHECK_MESSAGE(result.passed, result.worst().describe());
  CHECK(result.checks == 5 * 3 * 10 + 2 * 3 * 4 + (10 + 4 + 1) * 4 * 4);
}

TEST_CASE("a cell whose first block forgets has a chrono start without an input gate, and no other block than its own") {
  Registry<double> registry;
  Random random(1);
  const Scope<double> scope(registry, random);
  constexpr Index hidden = 50;
  const Gates<double> janet(scope / "janet", 2, hidden, 2, {.chrono = 101}, 0);  // van der Westhuizen & Lasenby 2018: f, c
  const double* const b = registry.at("janet/b").value.data();
  for (Index j = 0; j < hidden; ++j) {
    CHECK(b[j] >= 0);
    CHECK(b[j] <= std::log(100));
    CHECK(b[hidden + j] == 0);
  }
  CHECK_THROWS_WITH_AS(Gates<double>(scope / "far", 2, hidden, 2, {.chrono = 101}, 2),
                       "Gates: block 2 of 2 forgets: must be one of them", std::invalid_argument);
}
