#include <carousel/models/decoding/encoder_decoder.hpp>

#include <cmath>

#include <doctest/doctest.h>

#include <carousel/models/losses/loss.hpp>
#include <carousel/ops/arrange.hpp>
#include <carousel/ops/softmax.hpp>

#include "tests/models/sequences.hpp"

using namespace carousel;

namespace test_encoder_decoder {

namespace {

constexpr Index times = 5, batch = 3, features = 4, hidden = 4, dim = 2, symbols = 6, steps = 4;
const std::vector<Index> ragged{5, 2, 3};
const std::vector<Index> right{1, 0, 5, 3, 3, 2, 4, 0, 0, 2, 5, 1};  // [steps, batch]
const char* const forms[] = {"none", "additive", "multiplicative", "dot"};

/// A decoder of two layers whose parameters are far from 0.
struct Net {
  Registry<double> registry;
  Random random;
  Decoder<double> decoder;

  explicit Net(const std::string& form, const std::string& cell = "lstm", const DecoderOptions& options = {}, int seed = 1)
      : random(static_cast<std::uint64_t>(seed)), decoder(make({registry, random}, form, cell, options)) {}

  static Decoder<double> make(Scope<double> p, const std::string& form, const std::string& cell, const DecoderOptions& options) {
    const Init<double> init = init::uniform<double>(-1, 1);
    const bool attends = form != "none";
    const Index context = attends ? features : 0;
    AnyAttention<double> attention;
    if (form == "additive") attention = AdditiveAttention<double>(p / "attention", hidden, features, 3, {.init = init});
    if (form == "multiplicative") attention = MultiplicativeAttention<double>(p / "attention", hidden, features, init);
    if (form == "dot") attention = DotAttention<double>();
    std::vector<AnyCell<double>> layers;
    for (Index layer = 0; layer < 2; ++layer)
      layers.push_back(make_cell(cell, p / std::to_string(layer), layer == 0 ? dim + context : hidden, hidden, lively<double>()));
    return {Embedding<double>(p / "embedding", symbols, dim, {.table = init::normal<double>(0, 2)}),
            Stacked(std::move(layers), 0.5), attention,
            Linear<double>(p / "readout", hidden + (options.readout_without_context ? 0 : context), symbols,
                           {.w = init::uniform<double>(-2, 2), .b = init}),
            options};
  }
};

Tensor<double> states() {
  return random_tensor({times, batch, features}, 11);
}
/// A start whose members have the values of a seed.
Decoder<double>::State some_start(const Decoder<double>& decoder, Index examples) {
  Decoder<double>::State start = decoder.cell.start(examples);
  const auto members = detail::members_of(start);
  for (std::size_t k = 0; k < members.count; ++k) {
    const Tensor<double> all = random_tensor({batch, hidden}, 20 + k);
    Tensor<double> some = empty<double>({examples, hidden});
    std::copy_n(all.data(), some.size(), some.data());
    members[k] = Tape<double>::active().constant(some);
  }
  return start;
}

}  // namespace

TEST_CASE("a decoder computes its equations, step by step, with every form of attention") {
  for (const std::string form : forms)
    for (const bool unusual : {false, true}) {
      CAPTURE(form);
      CAPTURE(unusual);
      const Net net(form, "gru", {.rectified_input = unusual, .readout_without_context = unusual});
      const Decoder<double>& d = net.decoder;
      Tape<double> tape;
      const Memory<double> memory = d.remember(tape.constant(states()), ragged);
      const Decoded<double> decoded = d(memory, some_start(d, batch), steps, right);
      CHECK(decoded.logits.shape() == Shape{steps, batch, symbols});
      CHECK(decoded.weights.size() == (form == "none" ? 0 : steps));

      Decoder<double>::State state = some_start(d, batch);
      for (Index t = 0; t < steps; ++t) {
        Var<double> x = tape.constant(zeros<double>({batch, dim}));
        if (t > 0) x = d.embedding(std::span(right).subspan(static_cast<std::size_t>((t - 1) * batch), batch));
        Var<double> context;
        std::visit(
            [&]<class A>(const A& attention) {
              if constexpr (!std::is_same_v<A, std::monostate>) {
                const auto [found, weights] = attention(output(state), memory);
                context = found;
                CHECK(same_bits(weights.value(), decoded.weights[static_cast<std::size_t>(t)].value()));
              }
            },
            d.attention);
        if (form != "none") x = concat({x, context});
        if (unusual) x = relu(x);
        state = d.cell(x, state);
        Var<double> h = output(state);
        if (form != "none" && !unusual) h = concat({h, context});
        CHECK(same_bits(at(decoded.logits, 0, t).value(), d.readout(h).value()));
      }
    }
}

TEST_CASE("gradients of a decoder are the numeric ones, by memory, start, and parameters, with every form of attention") {
  for (const std::string form : forms)
    for (const char* const cell : {"lstm", "gru"}) {
      CAPTURE(form);
      CAPTURE(cell);
      Net net(form, cell);
      std::vector<CheckedInput> inputs{{"states", states()}};
      const std::size_t members = cell == std::string("lstm") ? 4 : 2;
      for (std::size_t k = 0; k < members; ++k)
        inputs.push_back({"start " + std::to_string(k), random_tensor({batch, hidden}, 20 + k)});
      const GradcheckResult result = gradcheck(
          [&](std::span<const Var<double>> v) -> Var<double> {
            const Decoder<double>& d = net.decoder;
            Decoder<double>::State start = d.cell.form();
            const auto to = detail::members_of(start);
            for (std::size_t k = 0; k < to.count; ++k) to[k] = v[k + 1];
            return d(d.remember(v[0], ragged), start, steps, right).logits;
          },
          inputs, &net.registry, {.step = 1e-4});
      CHECK_MESSAGE(result.passed, result.worst().describe());
      CHECK(result.checks == times * batch * features + static_cast<Index>(members) * batch * hidden + net.registry.elements());
    }
}

TEST_CASE("examples do not know of those beside them, nor of what lies beyond their lengths") {
  for (const std::string form : {"additive", "multiplicative", "dot"}) {
    CAPTURE(form);
    const Net net(form);
    Tensor<double> given = states();
    for (Index b = 0; b < batch; ++b)
      for (Index t = ragged[static_cast<std::size_t>(b)]; t < times; ++t)
        for (Index j = 0; j < features; ++j) given(t, b, j) = NAN;
    Tape<double> tape;
    const Decoder<double>& d = net.decoder;
    const Decoded<double> all = d(d.remember(tape.constant(given), ragged), some_start(d, batch), steps);
    const Tensor<double> logits = all.logits.value();
    const Decoded<double> first = d(d.remember(tape.constant(example_of(given, 0, ragged[0]))), some_start(d, 1), steps);
    CHECK(difference(example_of(logits, 0, steps), first.logits.value()) < 1e-13);
    for (const double x : logits) CHECK(std::isfinite(x));
  }
}

TEST_CASE("a decoder that is forced to what it made itself makes the same, and what it is forced to does not reach back") {
  const Net net("additive");
  const Decoder<double>& d = net.decoder;
  Tape<double> tape;
  const Memory<double> memory = d.remember(tape.constant(states()));
  const Decoded<double> own = d(memory, some_start(d, batch), steps),
                        forced = d(memory, some_start(d, batch), steps, own.symbols);
  CHECK(same_bits(own.logits.value(), forced.logits.value()));
  CHECK(own.symbols == forced.symbols);
  std::vector<Index> other = own.symbols;
  other[batch] = (other[batch] + 1) % symbols;  // of the second step, first example
  const Tensor<double> a = own.logits.value(), b = d(memory, some_start(d, batch), steps, other).logits.value();
  CHECK(std::equal(a.data(), a.data() + 2 * batch * symbols, b.data()));
  CHECK(std::abs(a(2, 0, 0) - b(2, 0, 0)) > 1e-3);
  CHECK(a(2, 1, 0) == b(2, 1, 0));
}

TEST_CASE("dropout between layers follows the key and the step") {
  const Net net("dot");
  const Decoder<double>& d = net.decoder;
  Tape<double> tape;
  const Memory<double> memory = d.remember(tape.constant(states()));
  const auto logits = [&](const std::optional<DropoutKey>& key) {
    return d(memory, some_start(d, batch), steps, right, key).logits.value();
  };
  CHECK(same_bits(logits(DropoutKey{.seed = 1}), logits(DropoutKey{.seed = 1})));
  CHECK(!same_bits(logits(DropoutKey{.seed = 1}), logits(DropoutKey{.seed = 2})));
  CHECK(!same_bits(logits(DropoutKey{.seed = 1}), logits({})));
}

TEST_CASE(
    "a search with a beam of 1 finds what the decoder makes itself, up to its end, and ragged batches what each example finds") {
  for (const std::string form : forms) {
    CAPTURE(form);
    const Net net(form);
    const Decoder<double>& d = net.decoder;
    Tape<double> tape;
    const Memory<double> memory = d.remember(tape.constant(states()), ragged);
    const std::vector<Index> own = d(memory, some_start(d, batch), 7).symbols;
    const Index end = own[3 * batch + 1];
    const auto found = search(d, memory, some_start(d, batch), {.most = 7, .end = end});
    for (std::size_t b = 0; b < batch; ++b) {
      std::vector<Index> cut;
      for (std::size_t t = 0; t < 7 && own[t * batch + b] != end; ++t) cut.push_back(own[t * batch + b]);
      CHECK(found[b].size() == 1);
      CHECK(found[b][0].symbols == cut);
      CHECK(found[b][0].ended == (cut.size() < 7));
    }
    const auto wide = search(d, memory, some_start(d, batch), {.most = 5, .end = end, .beam = 4});
    const Memory<double> first = d.remember(tape.constant(example_of(states(), 0, ragged[0])));
    const auto alone = search(d, first, some_start(d, 1), {.most = 5, .end = end, .beam = 4});
    CHECK(wide[0].size() == alone[0].size());
    for (std::size_t i = 0; i < alone[0].size(); ++i) {
      CHECK(wide[0][i].symbols == alone[0][i].symbols);
      CHECK(wide[0][i].log_likelihood == doctest::Approx(alone[0][i].log_likelihood).epsilon(1e-12));
    }
  }
}

TEST_CASE("the string that a beam finds is the likeliest of all 216, and some of these greedy search misses") {
  int missed = 0;
  for (int seed = 1; seed <= 8; ++seed) {
    const Net net("additive", "gru", {}, seed);
    const Decoder<double>& d = net.decoder;
    Tape<double> tape;
    const Memory<double> memory = d.remember(tape.constant(states()), ragged);
    std::vector<double> best(batch, -HUGE_VAL);
    std::vector<std::vector<Index>> strings(batch);
    const NoGrad<double> no_gradient;
    for (Index code = 0; code < symbols * symbols * symbols; ++code) {
      const std::vector<Index> string{code % symbols, code / symbols % symbols, code / symbols / symbols};
      std::vector<Index> forced;
      for (const Index symbol : string) forced.insert(forced.end(), batch, symbol);
      const Tensor<double> log_p = log_softmax(d(memory, some_start(d, batch), 3, forced).logits).value();
      for (std::size_t b = 0; b < batch; ++b) {
        double sum = 0;
        for (std::size_t t = 0; t < 3; ++t) sum += log_p(t, b, string[t]);
        if (sum > best[b]) best[b] = sum, strings[b] = string;
      }
    }
    const auto greedy = search(d, memory, some_start(d, batch), {.most = 3}),
               wide = search(d, memory, some_start(d, batch), {.most = 3, .beam = 36});
    for (std::size_t b = 0; b < batch; ++b) {
      CHECK(wide[b].size() == 36);
      CHECK(wide[b][0].symbols == strings[b]);
      CHECK(wide[b][0].log_likelihood == doctest::Approx(best[b]).epsilon(1e-12));
      missed += greedy[b][0].log_likelihood < best[b] - 0.01;
    }
  }
  CHECK(missed > 1);
}

TEST_CASE("the states of both directions add up, member by member") {
  Registry<double> registry;
  Random random(1);
  const Scope<double> p(registry, random);
  const auto cell = [&](const char* name, Index in) { return make_cell("lstm", p / name, in, hidden, lively<double>()); };
  const Stacked encoder(std::vector{Bidirectional(cell("a", features), cell("b", features), 2 * hidden),
                                    Bidirectional(cell("c", 2 * hidden), cell("d", 2 * hidden), 2 * hidden)});
  Tape<double> tape;
  auto last = scan(encoder, tape.constant(states()), {.lengths = ragged}).state;
  auto sum = sum_of_directions(last);
  CHECK(sum.size() == 2);
  for (std::size_t layer = 0; layer < 2; ++layer)
    for (std::size_t k = 0; k < 2; ++k) {
      const Tensor<double> ahead = last[layer].forward.members()[k].value(), back = last[layer].backward.members()[k].value();
      CHECK(same_bits(sum[layer].members()[k].value(), Tensor<double>(ahead + back)));
    }
}

TEST_CASE("a decoder refuses what does not fit") {
  const Net net("additive");
  const Decoder<double>& d = net.decoder;
  Tape<double> tape;
  const Memory<double> memory = d.remember(tape.constant(states()));
  const auto refuses = [](const auto& act, const char* error) { CHECK_THROWS_WITH_AS(act(), error, std::invalid_argument); };
  refuses([&] { d(memory, d.cell.start(batch), 0); }, "decoder: 0 steps: must be at least 1");
  refuses([&] { d(memory, d.cell.start(batch), 3, right); }, "decoder: 12 right symbols for 3 steps of a batch of 3: must be 9");
  refuses([&] { d(memory, Decoder<double>::State(1), 3); }, "decoder: a state of 1 layers: this model has 2");
  refuses([&] { d(memory, d.cell.start(2), 3); }, "attention: query is [2, 4]: must be [3, 4], [batch, features]");
  refuses([&] { search(d, memory, Decoder<double>::State(1), {.most = 3}); }, "decoder: a state of 1 layers: this model has 2");
  for (const Index beam : {1, 2})
    refuses([&] { search(d, memory, d.cell.start(2), {.most = 3, .beam = beam}); },
            "decoder: a state of a batch of 2 beside a memory of 3: must be the same");
}

}  // namespace test_encoder_decoder
