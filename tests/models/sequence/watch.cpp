/// What a recorder hears of cells and of what runs them.

#include <cmath>
#include <map>
#include <set>

#include <doctest/doctest.h>

#include <carousel/lib/look/trace.hpp>
#include <carousel/models/cells/lstm.hpp>
#include <carousel/models/sequence/bidirectional.hpp>
#include <carousel/models/sequence/runner.hpp>
#include <carousel/models/sequence/stacked.hpp>
#include <carousel/models/sequence/zoneout.hpp>
#include <carousel/ops/elementwise.hpp>

#include "tests/models/sequences.hpp"

using namespace carousel;

namespace {

using V = Var<double>;

double logistic(double z) {
  return 1 / (1 + std::exp(-z));
}

/// A cell to whose output something is added at one step.
struct Shifted {
  using State = LstmState<double>;
  const Lstm<double>& cell;
  Index at;
  Tensor<double> shift;
  mutable Index now = 0;

  State operator()(V x, State s) const {
    State next = cell(x, s);
    if (now++ == at) next.h = next.h + Tape<double>::active().constant(shift);
    return next;
  }
};

}  // namespace

TEST_CASE("the gates of an LSTM step, by hand") {
  Registry<double> registry;
  Random random(1);
  const Lstm<double> cell(Scope(registry, random), 3, 2, lively<double>());
  const Tensor<double> x = random_tensor({1, 3}, 2), h = random_tensor({1, 2}, 3), c = random_tensor({1, 2}, 4);
  Tape<double> tape;
  const Recorder<double> recorder;
  const auto next = step(cell, tape.constant(x), {tape.constant(h), tape.constant(c)});

  const double *wx = registry.at("wx").value.data(), *wh = registry.at("wh").value.data(), *b = registry.at("b").value.data();
  std::map<std::string, std::vector<double>> gates;
  for (std::size_t block = 0; block < 4; ++block)
    for (std::size_t unit = 0; unit < 2; ++unit) {
      const std::size_t column = 2 * block + unit;
      double z = b[column];
      for (std::size_t k = 0; k < 3; ++k) z += x.data()[k] * wx[8 * k + column];
      for (std::size_t k = 0; k < 2; ++k) z += h.data()[k] * wh[8 * k + column];
      gates[std::string(1, "ifgo"[block])].push_back(block == 2 ? std::tanh(z) : logistic(z));
    }
  for (std::size_t unit = 0; unit < 2; ++unit) {
    gates["c"].push_back(gates["f"][unit] * c.data()[unit] + gates["i"][unit] * gates["g"][unit]);
    gates["h"].push_back(gates["o"][unit] * std::tanh(gates["c"][unit]));
  }
  CHECK(recorder.all().size() == 6);
  for (const auto& gate : gates) {
    const std::string& name = gate.first;
    const std::vector<double>& values = gate.second;
    CAPTURE(name);
    const auto heard = recorder.of(name);
    REQUIRE(heard.size() == 1);
    for (std::size_t unit = 0; unit < 2; ++unit) CHECK(std::abs(heard[0]->value.data()[unit] - values[unit]) < 1e-14);
  }
  CHECK(same_bits(recorder.of("c")[0]->value, next.c.value()));
}

TEST_CASE("every cell says what its gates are, and computes the same nodes and bits while a recorder listens") {
  const std::map<std::string, std::string> names = {
      {"lstm", "cfghio"},           {"lstm-linear", "cfghio"}, {"lstm-1997", "cghio"},
      {"lstm-peephole", "cfghio"},  {"lstm-coupled", "cghio"}, {"gru", "hnrz"},
      {"gru-reset-before", "hnrz"}, {"rnn-tanh", "h"},         {"rnn-relu", "h"},
  };
  for (const std::string& name : all_cells()) {
    CAPTURE(name);
    Registry<double> registry;
    Random random(3);
    const AnyCell<double> cell = make_cell<double>(name, Scope(registry, random), 3, 5, lively<double>());
    const Given<double> given = given_for(cell, 6, 2, 3, 11);
    std::size_t nodes[2];
    const auto run = [&](std::size_t which) {
      return results_by(cell, registry, given, [&](V xs, AnyState<double> state) {
        const Scanned<AnyState<double>> scanned = scan(cell, xs, state);
        nodes[which] = Tape<double>::active().size();
        return scanned;
      });
    };
    const Results<double> alone = run(0);
    const Recorder<double> recorder({.gradients = true});
    CHECK(same_bits(run(1).all(), alone.all()));
    CHECK(nodes[0] == nodes[1]);
    std::set<char> heard;
    for (const Watched<double>& watched : recorder.all()) heard.insert(watched.name[0]);
    if (const auto row = names.find(name); row != names.end()) CHECK(std::string(heard.begin(), heard.end()) == row->second);
    for (const char gate : heard) CHECK(recorder.of(std::string(1, gate)).size() == 6);
  }
}

TEST_CASE("the gradient of a state is what the loss says when it is moved") {
  Registry<double> registry;
  Random random(5);
  const Lstm<double> cell(Scope(registry, random), 3, 4, lively<double>());
  const Tensor<double> xs = random_tensor({5, 2, 3}, 7), weights = random_tensor({5, 2, 4}, 8);
  const std::vector<Index> lengths{5, 3};
  for (const bool reverse : {false, true})
    for (const bool ragged : {false, true}) {
      CAPTURE(reverse);
      CAPTURE(ragged);
      const ScanOptions options{.lengths = ragged ? std::span<const Index>(lengths) : std::span<const Index>(),
                                .reverse = reverse};
      const auto loss_of = [&](const auto& model) {
        Tape<double>& tape = Tape<double>::active();
        const V hs = scan(model, tape.variable(xs), cell.start(2), options);
        return V(sum(hs * tape.constant(weights)));
      };
      Recorder<double> recorder({.gradients = true});
      Tape<double> tape;
      backward(loss_of(cell));
      recorder.read_gradients();
      const auto heard = recorder.of("h", {.backward = reverse});
      REQUIRE(heard.size() == 5);
      for (Index t = 0; t < 5; ++t) {
        const Tensor<double>& gradient = heard[static_cast<std::size_t>(t)]->gradient;
        for (std::size_t k = 0; k < 8; ++k) {
          double losses[2];
          for (const int sign : {0, 1}) {
            Tensor<double> shift = zeros<double>({2, 4});
            shift.data()[k] = sign == 0 ? -1e-5 : 1e-5;
            tape.clear();
            losses[sign] = loss_of(Shifted{cell, reverse ? 4 - t : t, shift}).item();
          }
          CHECK(std::abs(gradient.data()[k] - (losses[1] - losses[0]) / 2e-5) < 1e-8);
        }
      }
    }
}

TEST_CASE("layers, directions and steps are told apart, and what a ragged example has not is 0") {
  Registry<double> registry;
  Random random(5);
  const Stacked<Bidirectional<Lstm<double>>> model(Scope(registry, random), 3, 4, {.layers = 2}, lively<double>());
  const Tensor<double> xs = random_tensor({5, 2, 3}, 7);
  const std::vector<Index> lengths{5, 3};
  Tape<double> tape;
  const Recorder<double> recorder;
  const auto [hs, state] = scan(model, tape.constant(xs), {.lengths = lengths});
  CHECK(recorder.all().size() == 2 * 2 * 5 * 6);
  const Tensor<double> outputs = hs.value();
  for (const bool backward : {false, true}) {
    const auto h = recorder.of("h", {.layer = 1, .backward = backward});
    const auto i = recorder.of("i", {.layer = 1, .backward = backward});
    REQUIRE(h.size() == 5);
    for (Index t = 0; t < 5; ++t)
      for (Index example = 0; example < 2; ++example)
        for (Index unit = 0; unit < 4; ++unit) {
          const bool has_step = t < lengths[static_cast<std::size_t>(example)];
          CHECK(h[static_cast<std::size_t>(t)]->value(example, unit) == outputs(t, example, (backward ? 4 : 0) + unit));
          CHECK((i[static_cast<std::size_t>(t)]->value(example, unit) != 0) == has_step);
        }
  }
}

TEST_CASE("a scan without gradients, a stack that steps, and a Runner are heard as a scan is") {
  Registry<double> registry;
  Random random(5);
  const Stacked<AnyCell<double>> model(
      std::vector{make_cell<double>("lstm", Scope(registry, random) / "0", 3, 4, lively<double>()),
                  make_cell<double>("lstm", Scope(registry, random) / "1", 4, 4, lively<double>())});
  const Tensor<double> xs = random_tensor({70, 1, 3}, 7);
  const auto check_same = [](const Recorder<double>& a, const Recorder<double>& b) {
    REQUIRE(a.all().size() == b.all().size());
    for (const char* name : {"h", "c", "i", "f", "g", "o"})
      for (const Index layer : {0, 1}) {
        const auto as = a.of(name, {.layer = layer}), bs = b.of(name, {.layer = layer});
        REQUIRE(as.size() == 70);
        REQUIRE(bs.size() == 70);
        for (std::size_t t = 0; t < 70; ++t) CHECK(same_bits(as[t]->value, bs[t]->value));
      }
  };
  Tape<double> tape;
  const Recorder<double> recorded;
  scan(model, tape.constant(xs));
  {
    tape.clear();
    const NoGrad<double> no_gradient;
    const Recorder<double> forward;
    scan(model, tape.constant(xs));
    check_same(recorded, forward);
  }
  const Recorder<double> stepped;
  Runner run(model, 1);
  for (Index t = 0; t < 70; ++t) run(Tensor<double>(tensor<double>({1, 3}, {xs(t, 0, 0), xs(t, 0, 1), xs(t, 0, 2)})));
  check_same(recorded, stepped);
}

TEST_CASE("of a cell with zoneout the state is heard as it goes on") {
  Registry<double> registry;
  Random random(5);
  const Zoneout<Lstm<double>> cell(Lstm<double>(Scope(registry, random), 3, 4, lively<double>()), {0.5, 0.5});
  Tape<double> tape;
  const Recorder<double> recorder;
  const auto [hs, state] = scan(cell, tape.constant(random_tensor({2, 2, 3}, 7)), {.key = DropoutKey{.seed = 1}});
  CHECK(same_bits(recorder.of("h")[1]->value, state.inner.h.value()));
  CHECK(same_bits(recorder.of("c")[1]->value, state.inner.c.value()));
}

TEST_CASE("a trace knows layer, direction and step of what overflows in a scan") {
  struct Exploding {
    using State = V;
    Index hidden;
    double limit;
    State start(Index batch) const { return zero_state<double>(batch, hidden); }
    State operator()(V x, State h) const { return h + x + exp(h * limit) * 0; }
  };
  const Stacked<Exploding> model(std::vector{Exploding{3, 0}, Exploding{3, 100}});
  Tape<double> tape;
  Trace<double> trace;
  const Tensor<double> xs = full<double>({12, 2, 3}, 0.2);
  const V loss = trace.follow([&] { return V(sum(V(scan(model, tape.variable(xs))))); });  // h grows by 0.2 t: 7.2 after 8 steps
  CHECK(trace.find(loss).starts_with("forward, layer 1, step 8: "));
  tape.clear();
  const V back = trace.follow([&] { return V(sum(V(scan(model, tape.variable(xs), {.reverse = true})))); });
  CHECK(trace.find(back).starts_with("forward, layer 1 backwards in time, step 3: "));
}

TEST_CASE("a trace finds what overflows in a product of an LSTM, whose input products are computed for all steps at once") {
  Registry<double> registry;
  Random random(5);
  const Lstm<double> cell(Scope(registry, random) / "lstm", 3, 4, lively<double>());
  Tensor<double> xs = random_tensor({5, 2, 3}, 7);
  xs(3, 1, 2) = 1e308;
  for (double& w : registry.at("lstm/wx").change()) w = 10;
  Tape<double> tape;
  Trace<double> trace;
  const V loss = trace.follow([&] { return V(sum(V(scan(cell, tape.constant(xs))))); });
  const std::string found = trace.find(loss);
  CHECK(found.starts_with("forward, layer 0, step 3: affine of "));
  CHECK(found.find("lstm/wh") != std::string::npos);
  CHECK(found.find("lstm/wx is at most 10 at [0, 0] of [3, 16]") != std::string::npos);
  CHECK(found.find(" is at most 1e+308 at [3, 1, 2] of [5, 2, 3]: constant") != std::string::npos);
}
