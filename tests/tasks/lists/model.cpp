#include <carousel/tasks/lists/model.hpp>

#include <algorithm>
#include <cmath>

#include <doctest/doctest.h>

#include <carousel/models/losses/loss.hpp>

#include "tests/support/values.hpp"

using namespace carousel;

namespace {

ListOptions small(const std::string& attention = "additive") {
  ListOptions options;
  options.hidden = 6;
  options.embedding = 5;
  options.range = 7;
  options.attention = attention;
  return options;
}

/// A model and its parameters, which are far from 0.
struct Net {
  Registry<float> registry;
  Random random{1};
  ListModel model;

  explicit Net(const ListOptions& options) : model(Scope<float>(registry, random), options) {
    for (Parameter<float>& p : registry) {
      for (float& x : p.change()) x = static_cast<float>(random.uniform(-1.5, 1.5));
    }
  }
};

const std::vector<List> lists{{3, 1, 4, 0}, {6, 5, 2, 3}, {0, 1, 2, 3}};

struct Ran {
  Tensor<float> logits;
  std::vector<Index> numbers;
};
Ran run(const ListModel& model, std::span<const List> some, std::span<const Index> forced = {},
        const std::optional<DropoutKey>& key = {}) {
  Tape<float> tape;
  const Decoded<float> decoded = model(side_by_side(some), static_cast<Index>(some.size()), forced, key);
  return {decoded.logits.value(), decoded.symbols};
}

}  // namespace

TEST_CASE("the net has the parameters that its options name") {
  const auto parameters = [](const ListOptions& options) {
    const Net net(options);
    return net.registry.elements();
  };
  const Index table = 7 * 5, lstm = 4 * 6 * (5 + 6 + 1), reads = 4 * 6 * 6;  // of the embedding, and of a context besides
  CHECK(parameters(small("none")) == table + 2 * lstm + (6 + 1) * 7);
  CHECK(parameters(small("additive")) == table + 2 * lstm + reads + (2 * 6 + 1) * 6 + (2 * 6 + 1) * 7);
  CHECK(parameters(small("multiplicative")) == table + 2 * lstm + reads + 6 * 6 + (2 * 6 + 1) * 7);
  ListOptions source = small("additive");
  source.preset = "source";
  CHECK(parameters(source) == table + 2 * lstm + reads + (2 * 6 + 1) * 6 + (6 + 1) * 7);
  ListOptions both = small("multiplicative");
  both.bidirectional = true;
  CHECK(parameters(both) == table + 3 * lstm + 2 * reads + 12 * 6 + (6 + 12 + 1) * 7);
  ListOptions deep = small("none");
  deep.layers = 2;
  CHECK(parameters(deep) == table + 2 * lstm + 2 * 4 * 6 * (6 + 6 + 1) + (6 + 1) * 7);
}

TEST_CASE("lists do not know of those beside them, with every attention and either encoder") {
  for (const char* const preset : {"default", "source"})
    for (const std::string& attention : attention_names())
      for (const bool bidirectional : {false, true}) {
        CAPTURE(preset);
        CAPTURE(attention);
        CAPTURE(bidirectional);
        ListOptions options = small(attention);
        options.preset = preset;
        options.bidirectional = bidirectional;
        options.layers = 2;
        const Net net(options);
        const Ran all = run(net.model, lists);
        CHECK(shape_of(all.logits) == Shape{4, 3, 7});
        for (std::size_t b = 0; b < lists.size(); ++b) {
          const Ran alone = run(net.model, std::span(lists).subspan(b, 1));
          for (std::size_t t = 0; t < 4; ++t) {
            CHECK(alone.numbers[t] == all.numbers[t * 3 + b]);
            for (std::size_t k = 0; k < 7; ++k)
              CHECK(std::abs(alone.logits.data()[t * 7 + k] - all.logits.data()[(t * 3 + b) * 7 + k]) < 1e-4F);
          }
        }
      }
}

TEST_CASE("a decoder that is forced to what it made itself makes the same, and else reads what it is given") {
  const Net net(small());
  const Ran own = run(net.model, lists), forced = run(net.model, lists, own.numbers);
  CHECK(own.logits == forced.logits);
  std::vector<Index> other = own.numbers;
  for (Index& number : other) number = (number + 1) % 7;
  const Ran changed = run(net.model, lists, other);
  for (std::size_t i = 0; i < 3 * 7; ++i) CHECK(changed.logits.data()[i] == own.logits.data()[i]);  // nothing before the first
  for (Index t = 1; t < 4; ++t) {
    double apart = 0;
    for (Index i = 0; i < 3 * 7; ++i)
      apart += std::abs(static_cast<double>(changed.logits.data()[t * 21 + i] - own.logits.data()[t * 21 + i]));
    CHECK(apart > 0.1);
  }
  // What a number is forced to does not reach back in time.
  std::vector<Index> late = own.numbers;
  late[2 * 3] = (late[2 * 3] + 1) % 7;
  const Ran changed_late = run(net.model, lists, late);
  for (std::size_t i = 0; i < 3 * 3 * 7; ++i) CHECK(changed_late.logits.data()[i] == own.logits.data()[i]);
}

TEST_CASE("the numbers made are the likeliest") {
  const Net net(small("none"));
  const Ran ran = run(net.model, lists);
  for (std::size_t i = 0; i < ran.numbers.size(); ++i)
    for (std::size_t k = 0; k < 7; ++k)
      CHECK(ran.logits.data()[i * 7 + k] <= ran.logits.data()[i * 7 + static_cast<std::size_t>(ran.numbers[i])]);
}

TEST_CASE("lists of several lengths come out in their order, each as alone") {
  const Net net(small());
  const std::vector<List> mixed{{3, 1, 4, 0}, {5}, {0, 1, 2, 3, 4, 5}, {6, 5, 2, 3}, {2}};
  const std::vector<List> made = make_lists(net.model, mixed);
  CHECK(made.size() == mixed.size());
  for (std::size_t i = 0; i < mixed.size(); ++i) CHECK(made[i] == run(net.model, std::span(mixed).subspan(i, 1)).numbers);
}

TEST_CASE("accuracy counts numbers at their places and whole lists") {
  const std::vector<List> right{{1, 2, 3}, {4, 5, 6}, {7}, {8}}, made{{1, 2, 3}, {4, 6, 5}, {7}, {0}};
  const ListAccuracy found = accuracy(made, right);
  CHECK(found.tokens == doctest::Approx(5.0 / 8).epsilon(1e-15));
  CHECK(found.strings == doctest::Approx(0.5).epsilon(1e-15));
}

TEST_CASE("attention to a list has a row for each number made, whose weights add up to 1") {
  for (const char* const name : {"additive", "multiplicative"}) {
    const Net net(small(name));
    const Attending attending = attend_to(net.model, lists[0]);
    CHECK(attending.made == make_lists(net.model, std::span(lists).subspan(0, 1))[0]);
    CHECK(attending.weights.size() == 4);
    for (const std::vector<float>& row : attending.weights) {
      CHECK(row.size() == 4);
      double sum = 0;
      for (const float weight : row) sum += static_cast<double>(weight);
      CHECK(sum == doctest::Approx(1).epsilon(1e-6));
    }
    CHECK(attending.weights[0] != attending.weights[3]);
  }
  CHECK(attend_to(Net(small("none")).model, lists[0]).weights.empty());
}

TEST_CASE("dropout between layers follows the key, and divides with the batch") {
  ListOptions options = small();
  options.layers = 2;
  options.dropout = 0.5;
  const Net net(options);
  const std::vector<Index> right = side_by_side(lists);
  const Ran without = run(net.model, lists, right), with = run(net.model, lists, right, DropoutKey{.seed = 1}),
            again = run(net.model, lists, right, DropoutKey{.seed = 1}),
            other = run(net.model, lists, right, DropoutKey{.seed = 2});
  CHECK(with.logits == again.logits);
  CHECK(with.logits != without.logits);
  CHECK(with.logits != other.logits);
  const std::span<const List> rest = std::span(lists).subspan(1);
  const Ran part = run(net.model, rest, side_by_side(rest), DropoutKey{.seed = 1, .first_example = 1});
  for (std::size_t t = 0; t < 4; ++t)
    for (std::size_t i = 0; i < 2 * 7; ++i)
      CHECK(std::abs(part.logits.data()[t * 14 + i] - with.logits.data()[t * 21 + 7 + i]) < 1e-4F);
}

TEST_CASE("every parameter takes part in training") {
  for (const char* const preset : {"default", "source"})
    for (const std::string& attention : attention_names()) {
      CAPTURE(preset);
      CAPTURE(attention);
      ListOptions options = small(attention);
      options.preset = preset;
      const Net net(options);
      Tape<float> tape;
      const std::vector<Index> right = side_by_side(lists);
      backward(cross_entropy(net.model(right, 3, right).logits, right));
      for (const Parameter<float>& p : net.registry) {
        CAPTURE(p.path);
        double size = 0;
        if (p.has_gradient)
          for (const float dx : p.gradient) size += std::abs(static_cast<double>(dx));
        CHECK(size > 1e-6);
      }
    }
}

TEST_CASE("as in the source, parameters start as torch.nn's do, with the sum of an LSTM's two biases") {
  ListOptions options = small();
  options.preset = "source";
  options.hidden = 64;
  Registry<float> registry;
  Random random(1);
  const ListModel model(Scope<float>(registry, random), options);
  const auto reach = [&](const char* path) {
    double most = 0;
    for (const float x : registry.at(path).value) most = std::max(most, std::abs(static_cast<double>(x)));
    return most;
  };
  for (const char* const path : {"encoder/0/wx", "encoder/0/wh", "decoder/0/wx", "readout/w"})
    CHECK(reach(path) == doctest::Approx(0.125).epsilon(0.02));  // 1/√64
  for (const char* const path : {"encoder/0/b", "decoder/0/b"}) CHECK(std::abs(reach(path) - 0.22) < 0.03);
  for (const char* const path : {"attention/wq", "attention/wk", "attention/v"}) CHECK(reach(path) < 6e-4);
}
