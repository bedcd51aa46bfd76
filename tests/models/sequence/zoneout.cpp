#include <carousel/models/sequence/zoneout.hpp>

#include <cmath>
#include <stdexcept>

#include <doctest/doctest.h>

#include <carousel/models/cells/lstm.hpp>
#include <carousel/models/sequence/stacked.hpp>

#include "tests/models/sequences.hpp"

using namespace carousel;

namespace {

using V = Var<double>;

template <class T>
Zoneout<Lstm<T>> zoned_lstm(Registry<T>& registry, std::vector<double> rates = {0.3, 0.6}) {
  Random random(3);
  return {Lstm<T>(Scope(registry, random).shared(), 3, 4, lively<T>()), std::move(rates)};
}

}  // namespace

TEST_CASE("in use, zoneout is the expected step") {
  Registry<double> registry;
  const auto zoned = zoned_lstm(registry);
  Random random(3);
  const Lstm<double> cell(Scope(registry, random).shared(), 3, 4);  // the same parameters
  Tape<double> tape;
  const V x = tape.constant(random_tensor({2, 3}, 1)), h = tape.constant(random_tensor({2, 4}, 2)),
          c = tape.constant(random_tensor({2, 4}, 3));
  auto [h1, c1] = cell(x, {h, c});
  auto [inner, key] = zoned(x, {{h, c}});
  CHECK(same_bits(inner.h.value(), V(0.3 * h + 0.7 * h1).value()));
  CHECK(same_bits(inner.c.value(), V(0.6 * c + 0.4 * c1).value()));
}

TEST_CASE("in training, each element of the state stays or takes the step") {
  Registry<double> registry;
  Random random(3);
  const Lstm<double> cell(Scope(registry, random), 3, 50, lively<double>());
  const Zoneout<Lstm<double>> zoned(cell, {0.3, 0.6});
  Tape<double> tape;
  const V x = tape.constant(random_tensor({40, 3}, 1)), h = tape.constant(random_tensor({40, 50}, 2)),
          c = tape.constant(random_tensor({40, 50}, 3));
  const auto taken = cell(x, {h, c});
  const auto kept_part = [&](const V& now, const V& before, const V& after) {
    const Tensor<double> n = now.value(), b = before.value(), a = after.value();
    double kept = 0;
    for (std::size_t i = 0; i < n.size(); ++i) {
      CHECK((n.data()[i] == b.data()[i] || n.data()[i] == a.data()[i]));
      kept += n.data()[i] == b.data()[i];
    }
    return kept / static_cast<double>(n.size());
  };
  const auto zoned_at = [&](const DropoutKey& at) { return step(zoned, x, {{h, c}}, at).inner; };
  const auto now = zoned_at({.step = 1});
  CHECK(std::abs(kept_part(now.h, h, taken.h) - 0.3) < 0.04);
  CHECK(std::abs(kept_part(now.c, c, taken.c) - 0.6) < 0.04);
  CHECK(same_bits(now.h.value(), zoned_at({.step = 1}).h.value()));
  for (const DropoutKey& other : {DropoutKey{.step = 2}, DropoutKey{.step = 1, .first_time = 1},
                                  DropoutKey{.step = 1, .first_example = 1}, DropoutKey{.step = 1, .place = 1}})
    CHECK_FALSE(same_bits(now.h.value(), zoned_at(other).h.value()));
  // The extremes.
  CHECK(same_bits(step(Zoneout<Lstm<double>>(cell, {1}), x, {{h, c}}, DropoutKey{.step = 1}).inner.c.value(), c.value()));
  CHECK(same_bits(step(Zoneout<Lstm<double>>(cell, {0}), x, {{h, c}}, DropoutKey{.step = 1}).inner.c.value(), taken.c.value()));
  // h and c do not share a mask.
  const auto same_rate = step(Zoneout<Lstm<double>>(cell, {0.5}), x, {{h, c}}, DropoutKey{.step = 1}).inner;
  const Tensor<double> h2 = same_rate.h.value(), c2 = same_rate.c.value(), h0 = h.value(), c0 = c.value();
  double agree = 0;
  for (std::size_t i = 0; i < h2.size(); ++i) agree += (h2.data()[i] == h0.data()[i]) == (c2.data()[i] == c0.data()[i]);
  CHECK(std::abs(agree / 2000 - 0.5) < 0.05);
}

TEST_CASE("gradients of zoneout, in training and in use") {
  Registry<double> registry;
  const auto zoned = zoned_lstm(registry);
  const Given<double> given = given_for(zoned, 4, 3, 3, 7);
  const std::vector<Index> lengths{4, 1, 2};
  for (const bool reverse : {false, true})
    for (const std::optional<DropoutKey> key :
         {std::optional(DropoutKey{.seed = 5, .first_example = 7}), std::optional<DropoutKey>()}) {
      const GradcheckResult checked =
          check_gradients(zoned, registry, given, {.lengths = lengths, .reverse = reverse, .key = key});
      CHECK_MESSAGE(checked.passed, checked.worst().describe());
    }
}

TEST_CASE("a ragged batch under zoneout is its examples, each with its own noise") {
  const auto check = [&]<class T>(T tolerance) {
    Registry<T> registry;
    const auto zoned = zoned_lstm(registry);
    for (const bool reverse : {false, true})
      for (const std::optional<DropoutKey> key :
           {std::optional(DropoutKey{.seed = 5, .first_example = 7}), std::optional<DropoutKey>()})
        CHECK(raggedness(zoned, registry, given_for(zoned, 8, 5, 3, 9), {3, 8, 0, 1, 5}, {.reverse = reverse, .key = key}) <
              tolerance);
  };
  check(1e-12);
  check(1e-5F);
}

TEST_CASE("zoneout within layers, behind a type-erased cell, whole and step by step") {
  Registry<double> registry;
  Random random(3);
  const Scope scope(registry, random);
  using Model = Stacked<AnyCell<double>>;
  const Model model(
      {AnyCell<double>(Zoneout<Lstm<double>>(Lstm<double>(scope / "0", 3, 4, lively<double>()), {0.3, 0.6})),
       AnyCell<double>(Zoneout<AnyCell<double>>(make_cell<double>("gru", scope / "1", 4, 4, lively<double>()), {0.5}))},
      0.2);
  const Given<double> given = given_for(model, 6, 3, 3, 7);
  const Results<double> whole = results_of(model, registry, given, {.key = DropoutKey{.step = 5, .first_example = 2}});
  const Results<double> steps = results_by(model, registry, given, [&](V xs, Model::State state) {
    std::vector<V> outputs;
    for (Index t = 0; t < 6; ++t) {
      state = step(model, at(xs, 0, t), state, DropoutKey{.step = 5, .first_time = t, .first_example = 2});
      outputs.push_back(output(state));
    }
    return Scanned<Model::State>{stack(std::span<const V>(outputs)), state};
  });
  CHECK(same_bits(whole.outputs, steps.outputs));
  CHECK(same_bits(whole.state, steps.state));
  CHECK_FALSE(same_bits(whole.outputs, results_of(model, registry, given).outputs));
  CHECK_FALSE(
      same_bits(whole.outputs, results_of(model, registry, given, {.key = DropoutKey{.step = 6, .first_example = 2}}).outputs));
  CHECK(raggedness(model, registry, given, {3, 6, 1}, {.key = DropoutKey{.step = 5}}) < 1e-12);
}

TEST_CASE("what Zoneout says of wrong arguments") {
  Registry<double> registry;
  CHECK_THROWS_WITH_AS(zoned_lstm(registry, {}), "Zoneout: no rates: must be one for each member of the state, or one for all",
                       std::invalid_argument);
  CHECK_THROWS_WITH_AS(zoned_lstm(registry, {0.5, 1.5}), "Zoneout: rate 1.5: must lie in [0, 1]", std::invalid_argument);
  CHECK_THROWS_WITH_AS(zoned_lstm(registry, {-0.5}), "Zoneout: rate -0.5: must lie in [0, 1]", std::invalid_argument);
  Tape<double> tape;
  CHECK_THROWS_WITH_AS(scan(zoned_lstm(registry, {0.1, 0.2, 0.3}), tape.constant(zeros<double>({2, 2, 3}))),
                       "Zoneout: 3 rates for a state of 2 members: must be one for each, or one for all", std::invalid_argument);
}
