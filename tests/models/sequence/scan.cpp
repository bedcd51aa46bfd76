#include <carousel/models/sequence/scan.hpp>

#include <stdexcept>

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

}  // namespace

TEST_CASE("a scan is its cell, step after step: the same bits, the same gradients") {
  for (const std::string& name : all_cells())
    for (const Index steps : {1, 2, 7}) {
      CAPTURE(name);
      CAPTURE(steps);
      Registry<double> registry;
      Random random(3);
      const AnyCell<double> cell = make_cell<double>(name, Scope(registry, random), 3, 5, lively<double>());
      const Given<double> given = given_for(cell, steps, 4, 3, 11);
      const Results<double> whole = results_of(cell, registry, given);
      const Results<double> by_steps = results_by(cell, registry, given, [&](V xs, AnyState<double> state) {
        std::vector<V> outputs;
        for (Index t = 0; t < steps; ++t) {
          state = step(cell, at(xs, 0, t), state);
          outputs.push_back(output(state));
        }
        return Scanned<AnyState<double>>{stack(std::span<const V>(outputs)), state};
      });
      CHECK(same_bits(whole.outputs, by_steps.outputs));
      CHECK(same_bits(whole.state, by_steps.state));
      const auto a = whole.all(), b = by_steps.all();
      for (std::size_t i = 0; i < a.size(); ++i) CHECK(difference(a[i], b[i]) < 1e-13);
    }
}

TEST_CASE("in reverse the last step comes first") {
  Registry<double> registry;
  Random random(3);
  const Gru<double> cell(Scope(registry, random), 3, 5, lively<double>());
  const Given<double> given = given_for(cell, 4, 2, 3, 21);
  Given<double> turned = given;
  for (Index t = 0; t < 4; ++t) {
    std::copy_n(given.xs.data() + t * 6, 6, turned.xs.data() + (3 - t) * 6);
    std::copy_n(given.outputs.data() + t * 10, 10, turned.outputs.data() + (3 - t) * 10);
  }
  const Results<double> there = results_of(cell, registry, given, {.reverse = true}), back = results_of(cell, registry, turned);
  for (Index t = 0; t < 4; ++t) {
    CHECK(std::equal(there.outputs.data() + t * 10, there.outputs.data() + (t + 1) * 10, back.outputs.data() + (3 - t) * 10));
    CHECK(std::equal(there.dxs.data() + t * 6, there.dxs.data() + (t + 1) * 6, back.dxs.data() + (3 - t) * 6));
  }
  CHECK(same_bits(there.state, back.state));
  for (std::size_t i = 0; i < there.parameters.size(); ++i) CHECK(difference(there.parameters[i], back.parameters[i]) < 1e-14);
}

TEST_CASE("a ragged batch is its examples") {
  Random lengths_of(5);
  for (const std::string& name : all_cells()) {
    CAPTURE(name);
    const auto check = [&]<class T>(T tolerance) {
      Registry<T> registry;
      Random random(7);
      const AnyCell<T> cell = make_cell<T>(name, Scope(registry, random), 3, 6, lively<T>());
      for (const Index steps : {1, 2, 9})
        for (const bool reverse : {false, true}) {
          CAPTURE(steps);
          CAPTURE(reverse);
          std::vector<Index> lengths{1, steps};
          for (int i = 0; i < 3; ++i) lengths.push_back(1 + lengths_of.below(steps));
          lengths_of.shuffle(lengths);
          CHECK(raggedness(cell, registry, given_for(cell, steps, 5, 3, 31), lengths, {.reverse = reverse}) < tolerance);
        }
    };
    check(1e-12);
    check(1e-5F);
  }
}

TEST_CASE("an example of length 0 keeps its start, puts out 0, and sends nothing to the weights") {
  Registry<double> registry;
  Random random(7);
  const Lstm<double> cell(Scope(registry, random), 3, 4, lively<double>());
  const Given<double> given = given_for(cell, 5, 3, 3, 41);
  CHECK(raggedness(cell, registry, given, {0, 5, 2}) < 1e-13);
  CHECK(raggedness(cell, registry, given, {3, 0, 4}, {.reverse = true}) < 1e-13);
  CHECK(raggedness(cell, registry, given, {0, 0, 0}) == 0);
}

TEST_CASE("lengths that are all whole change nothing") {
  Registry<double> registry;
  Random random(7);
  const Lstm<double> cell(Scope(registry, random), 3, 4, lively<double>());
  const Given<double> given = given_for(cell, 5, 3, 3, 41);
  const std::vector<Index> lengths{5, 5, 5};
  CHECK(same_bits(results_of(cell, registry, given).all(), results_of(cell, registry, given, {.lengths = lengths}).all()));
}

TEST_CASE("the last output of each example, and where its gradient goes") {
  const std::vector<Index> lengths{2, 3, 0, 1};
  Tape<double> tape;
  const V outputs = tape.variable(random_tensor({3, 4, 2}, 1));
  const Tensor<double> all = outputs.value();
  const V ends = last(outputs, lengths);
  const Tensor<double> expected =
      tensor<double>({4, 2}, {all(1, 0, 0), all(1, 0, 1), all(2, 1, 0), all(2, 1, 1), 0, 0, all(0, 3, 0), all(0, 3, 1)});
  CHECK(same_bits(ends.value(), expected));
  backward(sum(ends * tape.constant(tensor<double>({4, 2}, {1, 2, 3, 4, 5, 6, 7, 8}))) + sum(at(outputs, 0, 0)));
  const Tensor<double> gradient = tape.gradient(outputs);
  CHECK(gradient(1, 0, 0) == 1);
  CHECK(gradient(1, 0, 1) == 2);
  CHECK(gradient(2, 1, 0) == 3);
  CHECK(gradient(2, 1, 1) == 4);
  CHECK(gradient(0, 3, 0) == 8);
  CHECK(gradient(0, 3, 1) == 9);
  CHECK(gradient(0, 2, 0) == 1);
  CHECK(gradient(2, 2, 0) == 0);
  CHECK(gradient(1, 1, 1) == 0);
  const GradcheckResult checked = gradcheck([&](auto v) { return last(transpose(V(v[0] * v[0]), 0, 1), lengths); },
                                            {{"outputs", random_tensor({4, 3, 2}, 2), true}});
  CHECK_MESSAGE(checked.passed, checked.worst().describe());
}

TEST_CASE("the last output of a ragged scan is the state's, forwards") {
  Registry<double> registry;
  Random random(7);
  const Lstm<double> cell(Scope(registry, random), 3, 4, lively<double>());
  const std::vector<Index> lengths{3, 1, 5};
  Tape<double> tape;
  auto [hs, state] = scan(cell, tape.constant(random_tensor({5, 3, 3}, 8)), {.lengths = lengths});
  CHECK(same_bits(last(hs, lengths).value(), state.h.value()));
  auto [back, first] = scan(cell, tape.constant(random_tensor({5, 3, 3}, 8)), {.lengths = lengths, .reverse = true});
  CHECK(same_bits(at(back, 0, 0).value(), first.h.value()));
}

TEST_CASE("without gradients a cell may compute its state in another order later on: nothing of it is lost") {
  struct Pair {
    using Scalar = double;
    V h, c;
    bool begun = false;
    auto members() { return std::tie(h, c); }
  };
  const auto cell = [](V x, Pair s) {
    Pair next{{}, {}, true};
    if (s.begun) next.c = s.c + x;  // where the first step has computed h
    next.h = tanh(s.h + s.c * x);
    if (!s.begun) next.c = s.c + x;
    return next;
  };
  Tape<double> tape;
  const Tensor<double> xs = random_tensor({9, 2, 3}, 17), h = random_tensor({2, 3}, 18), c = random_tensor({2, 3}, 19);
  const auto run = [&] {
    auto [hs, state] = scan(cell, tape.constant(xs), Pair{tape.constant(h), tape.constant(c)});
    return std::vector{hs.value(), state.h.value(), state.c.value()};
  };
  const std::vector<Tensor<double>> recorded = run();
  tape.clear();
  const NoGrad<double> no_gradient;
  CHECK(same_bits(run(), recorded));
}

TEST_CASE("without gradients a scan gives the same bits, whatever its length") {
  const auto check = [&]<class T>(T) {
    for (const std::string& name : all_cells()) {
      CAPTURE(name);
      Registry<T> registry;
      Random random(9);
      const AnyCell<T> cell = make_cell<T>(name, Scope(registry, random), 3, 7, lively<T>());
      for (const Index steps : {1, 31, 32, 33, 100})
        for (const bool reverse : {false, true})
          for (const bool ragged : {false, true}) {
            CAPTURE(steps);
            CAPTURE(reverse);
            CAPTURE(ragged);
            const std::vector<Index> lengths{steps, 1, (steps + 1) / 2, steps, 0};
            const ScanOptions options{.lengths = ragged ? std::span<const Index>(lengths) : std::span<const Index>(),
                                      .reverse = reverse};
            const Tensor<T> data = random_tensor<T>({steps, 5, 3}, 17);
            Tape<T> tape;
            auto [hs, state] = scan(cell, tape.constant(data), options);
            const Tensor<T> outputs = hs.value();
            const auto kept = keep(state);
            tape.clear();
            const NoGrad<T> no_gradient;
            auto [hs2, state2] = scan(cell, tape.constant(data), options);
            CHECK(same_bits(outputs, hs2.value()));
            for (std::size_t k = 0; k < kept.tensors().size(); ++k)
              CHECK(same_bits(kept.tensors()[k], detail::members_of(state2)[k].value()));
          }
    }
  };
  check(0.0);
  check(0.0F);
}

TEST_CASE("without gradients a scan in parts gives the same bits where products of few steps would not") {
  Registry<float> registry;
  Random random(9);
  const Lstm<float> cell(Scope(registry, random), 3, 300, {.init = init::uniform<float>(-0.1, 0.1)});
  const Tensor<float> xs = random_tensor<float>({9, 24, 3}, 17);
  Tape<float> tape;
  const Tensor<float> outputs = scan(cell, tape.constant(xs)).outputs.value();
  tape.clear();
  const NoGrad<float> no_gradient;
  CHECK(same_bits(outputs, scan(cell, tape.constant(xs)).outputs.value()));
}

TEST_CASE("without gradients memory does not grow with the length, but for the outputs") {
  Registry<float> registry;
  Random random(9);
  const Lstm<float> cell(Scope(registry, random), 8, 16);
  for (const bool ragged : {false, true}) {
    const Index steps = 20000;
    const std::vector<Index> lengths{steps, 3, steps - 1, 9999};
    Tape<float> tape;
    const NoGrad<float> no_gradient;
    const Var<float> xs = tape.constant(zeros<float>({steps, 4, 8}));
    scan(cell, xs, {.lengths = ragged ? std::span<const Index>(lengths) : std::span<const Index>()});
    CHECK(tape.size() < 16);

    Tape<float> other;  // with no more than the input, the outputs and some kilobytes
    other.constant(Shape{steps, 4, 8});
    other.constant(Shape{steps, 4, 16});
    other.constant(Shape{10000});
    CHECK(tape.bytes() <= other.bytes());
  }
}

TEST_CASE("without gradients a weight that is older than the scan is packed again after each rewind") {
  Registry<double> registry;
  Random random(9);
  const Lstm<double> cell(Scope(registry, random), 3, 20, lively<double>());
  const Tensor<double> data = random_tensor({100, 6, 3}, 17);
  Tape<double> tape;
  const Tensor<double> expected = scan(cell, tape.constant(data)).outputs.value();
  const NoGrad<double> no_gradient;
  CHECK(
      same_bits(scan(cell, tape.constant(data)).outputs.value(), expected));  // on the same tape: the weights have nodes already
  tape.clear();
  const Var<double> wx = cell.gates.wx, wh = cell.gates.wh, b = cell.gates.b;
  CHECK(wx.index() + 2 == b.index());
  CHECK(wh.index() + 1 == b.index());
  CHECK(same_bits(scan(cell, tape.constant(data)).outputs.value(), expected));
}

TEST_CASE("gradients after a scan without gradients over the same values are whole") {
  // The views that the scan made of xs are forgotten with it.
  Registry<double> registry;
  Random random(9);
  const Gru<double> cell(Scope(registry, random), 3, 4, lively<double>());
  const Given<double> given = given_for(cell, 40, 2, 3, 5);
  const Results<double> expected = results_of(cell, registry, given);
  const Results<double> after = results_by(cell, registry, given, [&](V xs, V start) {
    {
      const NoGrad<double> no_gradient;
      scan(cell, xs, start);
    }
    return scan(cell, xs, start);
  });
  CHECK(same_bits(expected.all(), after.all()));
}

TEST_CASE("two scans may read the same sequence") {
  Registry<double> registry;
  Random random(9);
  const Gru<double> cell(Scope(registry, random), 3, 4, lively<double>());
  const Given<double> given = given_for(cell, 6, 2, 3, 5);
  const GradcheckResult checked = gradcheck(
      [&](auto v) -> V {
        V there = scan(cell, v[0], V(v[1])), back = scan(cell, v[0], V(v[1]), {.reverse = true});
        return there * back + 2 * there;
      },
      {{"xs", given.xs, true}, {"start", given.start[0]}}, &registry);
  CHECK_MESSAGE(checked.passed, checked.worst().describe());
}

TEST_CASE("expressions and parameters may stand for xs and the start") {
  Registry<double> registry;
  Random random(9);
  const Gru<double> cell(Scope(registry, random), 3, 4, lively<double>());
  const Param<double> h0 = Scope(registry, random).parameter("h0", {2, 4}, init::uniform<double>(-1, 1));
  const GradcheckResult checked =
      gradcheck([&](auto v) -> V { return scan(cell, v[0] * v[0], h0); }, {{"xs", random_tensor({3, 2, 3}, 1), true}}, &registry);
  CHECK_MESSAGE(checked.passed, checked.worst().describe());
}

TEST_CASE("an exception within a cell leaves the tape as it was") {
  Registry<double> registry;
  Random random(9);
  const Gru<double> gru(Scope(registry, random), 3, 4, lively<double>());
  int steps_left = 0;
  const auto breaking = cell_of(4, [&](V x, V h) -> V {
    if (steps_left-- == 0) throw std::runtime_error("broken");
    return gru(x * 2, gru(x, h));
  });
  const auto nested = cell_of(4, [&](V x, V h) { return scan(breaking, stack(std::array<V, 3>{x, x, x}), h).state; });
  const Given<double> given = given_for(gru, 6, 2, 3, 5);
  const Results<double> expected = results_of(gru, registry, given);
  for (const bool recording : {true, false})
    for (const int steps : {0, 1, 3}) {
      CAPTURE(recording);
      CAPTURE(steps);
      const Results<double> after = results_by(gru, registry, given, [&](V xs, V start) {
        Tape<double>& tape = Tape<double>::active();
        std::optional<NoGrad<double>> no_gradient;
        if (!recording) no_gradient.emplace();
        steps_left = steps;
        CHECK(message_of<std::runtime_error>([&] { scan(breaking, xs, start); }) == "broken");
        steps_left = steps;
        CHECK(message_of<std::runtime_error>([&] { scan(nested, xs, start); }) == "broken");
        CHECK(tape.loop() == nullptr);
        no_gradient.reset();
        return scan(gru, xs, start);
      });
      CHECK(same_bits(expected.all(), after.all()));
    }
}

TEST_CASE("the same seed gives the same bits") {
  const auto run = []<class T>(T) {
    Registry<T> registry;
    Random random(9);
    const AnyCell<T> cell = make_cell<T>("lstm-peephole", Scope(registry, random), 3, 5, lively<T>());
    const std::vector<Index> lengths{3, 6, 1, 2};
    return results_of(cell, registry, given_for(cell, 6, 4, 3, 5), {.lengths = lengths, .reverse = true}).all();
  };
  CHECK(same_bits(run(0.0), run(0.0)));
  CHECK(same_bits(run(0.0F), run(0.0F)));
}

TEST_CASE("what scan says of wrong arguments") {
  Registry<double> registry;
  Random random(9);
  const Lstm<double> cell(Scope(registry, random), 3, 4);
  Tape<double> tape;
  const V xs = tape.constant(zeros<double>({5, 2, 3}));
  const auto says = [](const auto& f) { return message_of<std::invalid_argument>(f); };
  CHECK(says([&] { scan(cell, tape.constant(zeros<double>({3}))); }) ==
        "scan: xs is [3]: must be [time, batch, ...] with at least one step");
  CHECK(says([&] {
          scan(cell, tape.constant(zeros<double>({0, 2, 3})));
        }) == "scan: xs is [0, 2, 3]: must be [time, batch, ...] with at least one step");
  CHECK(says([&] {
          scan(cell, tape.constant(zeros<double>({3, 4})));
        }) == "scan: xs is [3, 4], the state [4, 4]: must be [time, batch, features]");
  CHECK(says([&] {
          scan(cell, tape.constant(zeros<double>({3, 4})), cell.start(1));
        }) == "scan: xs is [3, 4], the state [1, 4]: must be [time, batch, features]");
  CHECK(says([&] { step(cell, tape.constant(zeros<double>({2})), cell.start(2)); }) ==
        "step: x is [2], the state [2, 4]: must be [batch, features]");
  CHECK(says([&] { scan(cell, xs, cell.start(4)); }) == "scan: the state's batch is 4, that of xs is 2: must be the same");
  CHECK(says([&] {
          scan(cell, tape.constant(zeros<double>({5, 2, 6})));
        }) == "affine: x is [2, 6], w (wx) is [3, 16]: columns of x must equal rows of w");
  const std::vector<Index> three{1, 2, 3}, long_one{1, 6}, negative{-1, 2};
  CHECK(says([&] { scan(cell, xs, {.lengths = three}); }) == "scan: 3 lengths for a batch of 2: must be one for each example");
  CHECK(says([&] { scan(cell, xs, {.lengths = long_one}); }) == "scan: length 6 of a sequence of 5 steps: must lie within it");
  CHECK(says([&] { scan(cell, xs, {.lengths = negative}); }) == "scan: length -1 of a sequence of 5 steps: must lie within it");
  CHECK(says([&] { last(xs, three); }) == "last: 3 lengths for a batch of 2: must be one for each example");
  CHECK(says([&] { last(xs, long_one); }) == "last: length 6 of a sequence of 5 steps: must lie within it");
  CHECK(says([&] { last(tape.constant(zeros<double>({3})), three); }) == "last: outputs are [3]: must be [time, batch, ...]");
  CHECK(says([&] {
          scan(cell, xs, {tape.constant(zeros<double>({2, 4})), tape.constant(zeros<double>({2, 1}))});
        }) == "scan: state member 1 is [2, 4] after step 0, at the start it is [2, 1]: must stay the same");
  const auto growing = cell_of(3, [](V x, V h) -> V { return h.shape()[1] == 3 ? h : V(x + 1); });
  const Tensor<double> narrow = zeros<double>({2, 1});
  CHECK(says([&] { scan(growing, xs, tape.constant(narrow)); }) ==
        "scan: state member 0 is [2, 3] after step 0, at the start it is [2, 1]: must stay the same");
  CHECK(says([&] { scan(growing, xs, tape.constant(narrow), {.reverse = true}); }) ==
        "scan: state member 0 is [2, 3] after step 4, at the start it is [2, 1]: must stay the same");
  CHECK(says([&] { scan(make_cell<double>("lstm", Scope(registry, random) / "other", 3, 4), xs, AnyState<double>()); }) ==
        "scan: the state has no members: must have at least one, the output");
  const NoGrad<double> no_gradient;
  CHECK(says([&] { scan(growing, xs, tape.constant(narrow)); }) ==
        "scan: state member 0 is [2, 3] after step 0, at the start it is [2, 1]: must stay the same");
}
