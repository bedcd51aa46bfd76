#include <carousel/models/decoding/attention.hpp>

#include <cmath>
#include <limits>

#include <doctest/doctest.h>

#include <carousel/lib/training/gradcheck.hpp>
#include <carousel/models/losses/loss.hpp>
#include <carousel/ops/arrange.hpp>

#include "tests/models/sequences.hpp"
#include "tests/support/allocations.hpp"

using namespace carousel;

namespace test_attention {

namespace {

constexpr Index steps = 5, batch = 3, hidden = 4, features = 2, units = 6;
const std::vector<Index> ragged{5, 1, 3};

/// The forms of attention in a registry of their own, all for the same states and queries but the last.
struct Forms {
  Registry<double> registry;
  Random random{1};
  Scope<double> scope{registry, random};
  AdditiveAttention<double> additive{scope / "additive", features, hidden, units, {.init = init::normal<double>(0, 0.7)}};
  AdditiveAttention<double> rectified{
      scope / "rectified", features, hidden, units, {.init = init::normal<double>(0, 0.7), .rectifier = true}};
  MultiplicativeAttention<double> multiplicative{scope / "multiplicative", features, hidden, init::normal<double>(0, 0.7)};
  DotAttention<double> dot;

  /// Calls f(name, attention, features of a query) for each.
  template <class F>
  void for_each(F f) const {
    f("additive", additive, features);
    f("rectified", rectified, features);
    f("multiplicative", multiplicative, features);
    f("dot", dot, hidden);
  }
};

/// Context and weights of one example, whose states and query have one feature.
template <class Attention>
std::pair<Tensor<double>, Tensor<double>> looks_back(const Attention& attention, std::initializer_list<double> states,
                                                     double query) {
  Tape<double> tape;
  const auto time = static_cast<Index>(states.size());
  const auto [context, weights] = attention(tape.constant(tensor<double>({1, 1}, {query})),
                                            attention.remember(tape.constant(tensor<double>({time, 1, 1}, states))));
  return {context.value(), weights.value()};
}

bool near(const Tensor<double>& a, const Tensor<double>& b) {
  return difference(a, b) < 1e-14;
}

}  // namespace

TEST_CASE("a score of ln 3 against one of 0 gives weights of 3/4 and 1/4, in every form of attention") {
  Registry<double> registry;
  Random random(1);
  const Scope<double> scope(registry, random);
  const Tensor<double> weights = tensor<double>({2, 1}, {0.75, 0.25});
  SUBCASE("dot: 2 · ½ ln 3 and 2 · 0") {
    const auto [context, found] = looks_back(DotAttention<double>(), {0.5 * std::log(3), 0}, 2);
    CHECK(near(found, weights));
    CHECK(near(context, tensor<double>({1, 1}, {0.375 * std::log(3)})));
  }
  SUBCASE("multiplicative: 2 · (½ w + 0) with w = ln 3, and 2 · 0") {
    const MultiplicativeAttention<double> attention(scope, 1, 1, init::constant<double>(std::log(3)));
    const auto [context, found] = looks_back(attention, {0.5, 0}, 2);
    CHECK(near(found, weights));
    CHECK(near(context, tensor<double>({1, 1}, {0.375})));
  }
  // q Wq + s Wk is 1 for the first state and −3 for the second.
  registry.parameter("wq", {1, 1}, [] { return full<double>({1, 1}, 1); });
  registry.parameter("wk", {1, 1}, [] { return full<double>({1, 1}, 2); });
  SUBCASE("additive: v (tanh 1 − tanh −3) = ln 3") {
    registry.parameter("v", {1, 1}, [] { return full<double>({1, 1}, std::log(3) / (std::tanh(1) + std::tanh(3))); });
    const auto [context, found] = looks_back(AdditiveAttention<double>(scope.shared(), 1, 1, 1), {2, 0}, -3);
    CHECK(near(found, weights));
    CHECK(near(context, tensor<double>({1, 1}, {1.5})));
  }
  SUBCASE("additive with rectifiers: v (1 − 0) = ln 3") {
    registry.parameter("v", {1, 1}, [] { return full<double>({1, 1}, std::log(3)); });
    const auto [context, found] = looks_back(AdditiveAttention<double>(scope.shared(), 1, 1, 1, {.rectifier = true}), {2, 0}, -3);
    CHECK(near(found, weights));
    CHECK(near(context, tensor<double>({1, 1}, {1.5})));
  }
}

TEST_CASE("scores of many features are those of their equations") {
  const Forms forms;
  const Tensor<double> states = random_tensor({2, 1, hidden}, 1), query = random_tensor({1, features}, 2);
  const auto value = [&](const char* path, Index row, Index column) {
    const Tensor<double>& w = forms.registry.at(path).value;
    return w.data()[row * shape_of(w)[1] + column];
  };
  const auto additive_score = [&](Index t) {  // Σ_u v[u] tanh(Σ_i q[i] wq[i, u] + Σ_j s[j] wk[j, u])
    double score = 0;
    for (Index u = 0; u < units; ++u) {
      double sum = 0;
      for (Index i = 0; i < features; ++i) sum += query.data()[i] * value("additive/wq", i, u);
      for (Index j = 0; j < hidden; ++j) sum += states.data()[t * hidden + j] * value("additive/wk", j, u);
      score += value("additive/v", u, 0) * std::tanh(sum);
    }
    return score;
  };
  const auto multiplicative_score = [&](Index t) {  // Σ_ij s[j] w[j, i] q[i]
    double score = 0;
    for (Index i = 0; i < features; ++i)
      for (Index j = 0; j < hidden; ++j)
        score += states.data()[t * hidden + j] * value("multiplicative/w", j, i) * query.data()[i];
    return score;
  };
  const auto first_weight = [&](const auto& attention) {
    Tape<double> tape;
    return attention(tape.constant(query), attention.remember(tape.constant(states))).weights.value().data()[0];
  };
  CHECK(first_weight(forms.additive) ==
        doctest::Approx(1 / (1 + std::exp(additive_score(1) - additive_score(0)))).epsilon(1e-13));
  CHECK(first_weight(forms.multiplicative) ==
        doctest::Approx(1 / (1 + std::exp(multiplicative_score(1) - multiplicative_score(0)))).epsilon(1e-13));
}

TEST_CASE("gradients of attention are the numeric ones, by states, queries and parameters, ragged or not") {
  Forms forms;
  forms.for_each([&](const std::string& name, const auto& attention, Index query) {
    forms.registry.freeze("");
    if (name != "dot") forms.registry.freeze(name, false);
    for (const std::span<const Index> lengths : {std::span<const Index>(), std::span<const Index>(ragged)}) {
      CAPTURE(name);
      CAPTURE(lengths.size());
      const GradcheckResult result = gradcheck(
          [&](std::span<const Var<double>> v) -> Var<double> {
            const Memory<double> memory = attention.remember(v[0], lengths);
            const auto [context, weights] = attention(v[1], memory);
            const auto [again, later] = attention(0.5 * v[1] + 0.1, memory);  // a memory is looked at many times
            return concat({context, again, transpose(weights), transpose(later)}, 1);
          },
          {{"states", random_tensor({steps, batch, hidden}, 3)}, {"query", random_tensor({batch, query}, 4)}}, &forms.registry,
          {.step = 1e-4});
      CHECK_MESSAGE(result.passed, result.worst().describe());
      const Index parameters = name == "dot" ? 0 : name == "multiplicative" ? hidden * features : (features + hidden + 1) * units;
      CHECK(result.checks == steps * batch * hidden + batch * query + parameters);
    }
  });
}

TEST_CASE("a ragged batch gives what its examples give alone, weights of 0 beyond them, and reads no NaN there") {
  const Forms forms;
  Tensor<double> states = random_tensor({steps, batch, hidden}, 5);
  for (Index t = 0; t < steps; ++t)
    for (Index b = 0; b < batch; ++b)
      if (t >= ragged[static_cast<std::size_t>(b)])
        std::fill_n(states.data() + (t * batch + b) * hidden, hidden, std::numeric_limits<double>::quiet_NaN());
  forms.for_each([&](const char* name, const auto& attention, Index query_features) {
    CAPTURE(name);
    const Tensor<double> query = random_tensor({batch, query_features}, 6);
    Tape<double> tape;
    const Var<double> given = tape.variable(states), asked = tape.variable(query);
    const auto [context, weights] = attention(asked, attention.remember(given, ragged));
    const Tensor<double> all = context.value(), found = weights.value();
    backward(sum(context));
    for (Index b = 0; b < batch; ++b) {
      CAPTURE(b);
      const Index length = ragged[static_cast<std::size_t>(b)];
      Tape<double> alone;
      const Var<double> own = alone.variable(example_of(states, b, length)), q = alone.variable(row_of(query, b));
      const auto [own_context, own_weights] = attention(q, attention.remember(own));
      CHECK(difference(row_of(all, b), own_context.value()) < 1e-14);
      for (Index t = 0; t < steps; ++t)
        CHECK(std::abs(found.data()[t * batch + b] - (t < length ? own_weights.value().data()[t] : 0)) <=
              (t < length ? 1e-14 : 0));
      backward(sum(own_context));
      const Tensor<double> own_gradient = alone.gradient(own), own_query = alone.gradient(q);
      {
        const Activation<double> active(tape);
        CHECK(difference(example_of(tape.gradient(given), b, length), own_gradient) < 1e-13);
        for (Index i = 0; i < query_features; ++i)
          CHECK(std::abs(tape.gradient(asked).data()[b * query_features + i] - own_query.data()[i]) < 1e-14);
      }
      for (Index t = length; t < steps; ++t)
        for (Index j = 0; j < hidden; ++j) CHECK(tape.gradient(given).data()[(t * batch + b) * hidden + j] == 0);
    }
  });
}

TEST_CASE("attention without a gradient gives the same bits") {
  const Forms forms;
  forms.for_each([&](const char* name, const auto& attention, Index query) {
    CAPTURE(name);
    const auto context = [&] {
      Tape<double>& tape = Tape<double>::active();
      return attention(tape.variable(random_tensor({batch, query}, 8)),
                       attention.remember(tape.variable(random_tensor({steps, batch, hidden}, 7)), ragged))
          .context.value();
    };
    Tape<double> tape;
    const Tensor<double> with = context();
    const NoGrad<double> no_gradient;
    CHECK(same_bits(with, context()));
  });
}

TEST_CASE("attention has the parameters that its equations name") {
  const Forms forms;
  CHECK(forms.registry.size() == 7);
  CHECK(forms.registry.at("additive/wq").shape() == Shape{features, units});
  CHECK(forms.registry.at("additive/wk").shape() == Shape{hidden, units});
  CHECK(forms.registry.at("additive/v").shape() == Shape{units, 1});
  CHECK(forms.registry.at("multiplicative/w").shape() == Shape{hidden, features});
}

TEST_CASE("attention refuses what does not fit") {
  const Forms forms;
  Tape<double> tape;
  const auto zero = [&](const Shape& shape) { return tape.constant(zeros<double>(shape)); };
  const Var<double> states = zero({steps, batch, hidden});
  const auto refuses = [](const auto& act, const char* error) { CHECK_THROWS_WITH_AS(act(), error, std::invalid_argument); };
  refuses(
      [&] {
        forms.additive.remember(zero({batch, hidden}));
      },
      "attention: states is [3, 4]: must be [time, batch, 4] with at least one step");
  refuses(
      [&] {
        forms.multiplicative.remember(zero({steps, batch, 5}));
      },
      "attention: states is [5, 3, 5]: must be [time, batch, 4] with at least one step");
  refuses(
      [&] {
        forms.dot.remember(zero({0, batch, hidden}));
      },
      "attention: states is [0, 3, 4]: must be [time, batch, hidden] with at least one step");
  const std::vector<Index> few{5, 1}, none{5, 0, 3}, long_one{5, 6, 3};
  refuses([&] { forms.dot.remember(states, few); }, "attention: 2 lengths for a batch of 3: must be one for each example");
  refuses([&] { forms.dot.remember(states, none); }, "attention: example 1 has length 0: must have at least one step to look at");
  refuses([&] { forms.dot.remember(states, long_one); }, "attention: length 6 of a sequence of 5 steps: must lie within it");
  refuses(
      [&] {
        forms.additive(zero({batch, 3}), forms.additive.remember(states));
      },
      "attention: query is [3, 3]: must be [3, 2], [batch, features]");
  refuses(
      [&] {
        forms.multiplicative(zero({1, features}), forms.multiplicative.remember(states));
      },
      "attention: query is [1, 2]: must be [3, 2], [batch, features]");
  refuses([&] { forms.dot(zero({hidden}), forms.dot.remember(states)); },
          "attention: query is [4]: must be [3, 4], [batch, features]");
}

TEST_CASE("training with attention takes nothing from the heap once it is warm") {
  if (!allocations_are_counted()) return;
  Registry<float> registry;
  Random random(1);
  const Scope<float> scope(registry, random);
  const AdditiveAttention<float> additive(scope / "additive", 3, 4, 5);
  const MultiplicativeAttention<float> multiplicative(scope / "multiplicative", 3, 4);
  const Tensor<float> states = random_tensor<float>({steps, batch, 4}, 1), query = random_tensor<float>({batch, 3}, 2);
  Tape<float> tape;
  std::uint64_t before = 0;
  for (int step = 0; step < 4; ++step) {
    if (step == 2) before = allocations();
    tape.clear();
    const Var<float> s = tape.variable(states), q = tape.variable(query);
    const Var<float> a = additive(q, additive.remember(s, ragged)).context;
    const Var<float> b = multiplicative(q, multiplicative.remember(s, ragged)).context;
    backward(sum(a * b));
  }
  CHECK(allocations() == before);
}

}  // namespace test_attention
