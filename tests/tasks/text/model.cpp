#include <carousel/tasks/text/model.hpp>

#include <cmath>
#include <limits>
#include <map>
#include <set>
#include <stdexcept>

#include <doctest/doctest.h>

#include <carousel/lib/training/checkpoint.hpp>
#include <carousel/models/losses/loss.hpp>
#include <carousel/models/sequence/runner.hpp>
#include <carousel/models/sequence/stacked.hpp>

#include "tests/support/folder.hpp"
#include "tests/support/values.hpp"

using namespace carousel;

namespace {

/// A model and its parameters, which are far from 0.
struct Net {
  Registry<float> registry;
  Random random;
  TextModel model;

  Net(const TrainOptions& options, const std::string& characters, std::uint64_t seed = 1, double reach = 1)
      : random(seed),
        model(Scope<float>(registry, random), options, Vocabulary::of(characters, "a test"),
              {.forget_bias = {}, .init = init::uniform<float>(-reach, reach)},
              {.w = init::uniform<float>(-reach, reach), .b = init::uniform<float>(-reach, reach)}) {}

  /// Gives a parameter other values.
  void set(const std::string& path, const std::function<float(Index)>& value) {
    Parameter<float>& p = registry.at(path);
    for (Index i = 0; i < p.shape().size(); ++i) p.change().data()[i] = value(i);
  }
};

std::vector<std::uint32_t> random_symbols(const TextModel& model, Index count, std::uint64_t seed) {
  Random random(seed);
  std::vector<std::uint32_t> symbols(static_cast<std::size_t>(count));
  for (std::uint32_t& symbol : symbols) symbol = static_cast<std::uint32_t>(random.below(model.vocabulary.size()));
  return symbols;
}

Tensor<float> logits(const TextModel& model, const std::uint32_t* symbols, Index steps, Index batch, TextState& state,
                     double dropout = 0, const DropoutKey& key = {}) {
  Tape<float> tape;
  return model(symbols, steps, batch, state, dropout, key).value();
}
Tensor<float> logits(const TextModel& model, const std::vector<std::uint32_t>& symbols, Index batch, double dropout = 0,
                     const DropoutKey& key = {}) {
  TextState state = model.start(batch);
  return logits(model, symbols.data(), static_cast<Index>(symbols.size()) / batch, batch, state, dropout, key);
}

std::string sample(const TextModel& model, const TextSampling& sampling) {
  std::string text;
  sample_text(model, sampling, [&](const std::string& character) {
    text += character;
    return true;
  });
  return text;
}

/// What a Runner finds likeliest after each character, character by character.
std::string likeliest(const TextModel& model, const std::string& prime, std::size_t length) {
  const Index characters = model.vocabulary.size();
  Runner run(Stacked<AnyCell<float>>(model.layers), 1);
  const auto next = [&](std::uint32_t symbol) {
    Tensor<float> x = zeros<float>({1, characters});
    x.data()[symbol] = 1;
    const Tensor<float>& z =
        run([&] { return Tape<float>::active().constant(x); }, [&](Var<float> h) { return model.readout(h); });
    return static_cast<std::uint32_t>(std::max_element(z.data(), z.data() + characters) - z.data());
  };
  std::uint32_t symbol = 0;
  for (std::uint32_t read : model.vocabulary.encode(prime, "a prime")) symbol = next(read);
  std::string text;
  for (std::size_t i = 0; i < length; ++i, symbol = next(symbol)) text += model.vocabulary.decode(symbol);
  return text;
}

const TrainOptions two_layers{.hidden = 7, .layers = 2};
/// Layers that do not forget what was read first.
const TrainOptions lively{.cell = "rnn-tanh", .hidden = 7, .layers = 2};

}  // namespace

TEST_CASE("the parameters are char-rnn's, but for one bias in place of two that are added") {
  Registry<float> registry;
  Random random(1);
  std::string characters;
  for (char c = '\n'; c < '\n' + 65; ++c) characters += c;
  const TextModel model(Scope<float>(registry, random), {.hidden = 128, .layers = 2}, Vocabulary::of(characters, "a test"));
  std::map<std::string, std::string> shapes;
  for (const Parameter<float>& p : registry) shapes[p.path] = join(p.shape());
  CHECK(shapes == std::map<std::string, std::string>{{"layer0/wx", "[65, 512]"},
                                                     {"layer0/wh", "[128, 512]"},
                                                     {"layer0/b", "[512]"},
                                                     {"layer1/wx", "[128, 512]"},
                                                     {"layer1/wh", "[128, 512]"},
                                                     {"layer1/b", "[512]"},
                                                     {"readout/w", "[128, 65]"},
                                                     {"readout/b", "[65]"}});
  CHECK(registry.elements() == 240321 - 2 * 512);
}

TEST_CASE("a state begins with zeros") {
  const Net net(two_layers, "abc");
  const TextState state = net.model.start(3);
  REQUIRE(state.size() == 2);
  for (const auto& layer : state) {
    REQUIRE(layer.tensors().size() == 2);
    for (const Tensor<float>& member : layer.tensors()) CHECK(difference(member, zeros<float>({3, 7})) == 0);
  }
}

TEST_CASE("a text that is read in parts gives the logits of the whole, as the state is carried, for every cell") {
  for (const CellName& cell : cell_names()) {
    CAPTURE(cell.name);
    TrainOptions options = two_layers;
    options.cell = cell.name;
    const Net net(options, "abcde");
    constexpr Index steps = 12, batch = 3, row = batch * 5;
    const std::vector<std::uint32_t> symbols = random_symbols(net.model, steps * batch, 2);
    TextState end = net.model.start(batch);
    const Tensor<float> whole = logits(net.model, symbols.data(), steps, batch, end);
    CHECK(shape_of(whole) == Shape{steps, batch, 5});
    for (const std::vector<Index>& parts : {std::vector<Index>{4, 1, 7}, std::vector<Index>(steps, 1)}) {
      TextState state = net.model.start(batch);
      Tensor<float> joined = empty<float>({steps, batch, 5});
      Index at = 0;
      for (Index part : parts) {
        const Tensor<float> some = logits(net.model, symbols.data() + at * batch, part, batch, state);
        std::copy_n(some.data(), part * row, joined.data() + at * row);
        at += part;
      }
      CHECK(difference(joined, whole) < 1e-5);
      for (std::size_t layer = 0; layer < 2; ++layer)
        for (std::size_t m = 0; m < end[layer].tensors().size(); ++m)
          CHECK(difference(state[layer].tensors()[m], end[layer].tensors()[m]) < 1e-5);
    }
    TextState fresh = net.model.start(batch);
    const Tensor<float> without = logits(net.model, symbols.data() + 11 * batch, 1, batch, fresh);
    Tensor<float> last = empty<float>({1, batch, 5});
    std::copy_n(whole.data() + 11 * row, row, last.data());
    CHECK(difference(without, last) > 1e-3);  // the state is not for nothing
  }
}

TEST_CASE("a stream gives the same alone and beside others") {
  const Net net(two_layers, "abcde");
  constexpr Index steps = 6, batch = 4;
  const std::vector<std::uint32_t> symbols = random_symbols(net.model, steps * batch, 3);
  const Tensor<float> together = logits(net.model, symbols, batch);
  for (Index b = 0; b < batch; ++b) {
    std::vector<std::uint32_t> mine;
    Tensor<float> column = empty<float>({steps, 1, 5});
    for (Index t = 0; t < steps; ++t) {
      mine.push_back(symbols[static_cast<std::size_t>(t * batch + b)]);
      std::copy_n(together.data() + (t * batch + b) * 5, 5, column.data() + t * 5);
    }
    CHECK(difference(logits(net.model, mine, 1), column) < 1e-5);
  }
}

TEST_CASE("a loss reaches every parameter, and none of what was read before the batch") {
  Net net(two_layers, "abcde");
  const std::vector<std::uint32_t> symbols = random_symbols(net.model, 24, 4);
  const std::vector<Index> targets(symbols.begin(), symbols.begin() + 12);
  TextState state = net.model.start(2);
  logits(net.model, symbols.data(), 6, 2, state);
  const auto gradients = [&](TextState before) {
    Tape<float> tape;
    backward(cross_entropy(net.model(symbols.data() + 12, 6, 2, before), targets));
    std::vector<Tensor<float>> all;
    for (const Parameter<float>& p : net.registry) {
      CAPTURE(p.path);
      REQUIRE(p.has_gradient);
      CHECK(difference(zeros<float>(p.shape()), p.gradient) == 1);  // not all of them are 0
      all.push_back(p.gradient);
    }
    return all;
  };
  const auto carried = gradients(state), again = gradients(state), fresh = gradients(net.model.start(2));
  for (std::size_t i = 0; i < carried.size(); ++i) {
    CHECK(difference(carried[i], again[i]) == 0);
    CHECK(difference(carried[i], fresh[i]) > 1e-3);
  }
}

TEST_CASE("dropout falls on the outputs of a layer, not on its state, and only where a rate is given") {
  Net net({.hidden = 5, .layers = 1}, "abcde");
  net.set("readout/w", [](Index i) { return i % 6 == 0 ? 1.0F : 0.0F; });  // the logits are the layer's outputs
  net.set("readout/b", [](Index) { return 0.0F; });
  constexpr Index steps = 40, batch = 5;
  const std::vector<std::uint32_t> symbols = random_symbols(net.model, steps * batch, 5);
  TextState state = net.model.start(batch), dropped_state = net.model.start(batch);
  const Tensor<float> h = logits(net.model, symbols.data(), steps, batch, state);
  const DropoutKey key{.seed = 3, .batch_axis = 1};
  CHECK(difference(logits(net.model, symbols, batch, 0, key), h) == 0);
  const Tensor<float> dropped = logits(net.model, symbols.data(), steps, batch, dropped_state, 0.2, key);
  Index zeros_seen = 0;
  for (std::size_t i = 0; i < h.size(); ++i) {
    if (dropped.data()[i] == 0)
      ++zeros_seen;
    else
      CHECK(dropped.data()[i] == doctest::Approx(h.data()[i] / 0.8));
  }
  CHECK(zeros_seen > 0.16 * static_cast<double>(h.size()));
  CHECK(zeros_seen < 0.24 * static_cast<double>(h.size()));
  for (std::size_t m = 0; m < 2; ++m) CHECK(difference(dropped_state[0].tensors()[m], state[0].tensors()[m]) == 0);
}

TEST_CASE("dropout follows its key: the layers differ, parts of a batch have the masks of the whole") {
  const Net net(two_layers, "abcde");
  constexpr Index steps = 6, batch = 5, part = 2;
  const std::vector<std::uint32_t> symbols = random_symbols(net.model, steps * batch, 6);
  const DropoutKey key{.seed = 3, .batch_axis = 1};
  const Tensor<float> once = logits(net.model, symbols, batch, 0.5, key);
  CHECK(difference(logits(net.model, symbols, batch, 0.5, key), once) == 0);
  CHECK(difference(logits(net.model, symbols, batch), once) > 0.01);
  CHECK(difference(logits(net.model, symbols, batch, 0.5, {.seed = 4, .batch_axis = 1}), once) > 0.01);

  std::vector<std::uint32_t> mine;
  Tensor<float> columns = empty<float>({steps, part, 5});
  for (Index t = 0; t < steps; ++t)
    for (Index b = 0; b < part; ++b) {
      mine.push_back(symbols[static_cast<std::size_t>(t * batch + 3 + b)]);
      std::copy_n(once.data() + (t * batch + 3 + b) * 5, 5, columns.data() + (t * part + b) * 5);
    }
  CHECK(difference(logits(net.model, mine, part, 0.5, {.seed = 3, .first_example = 3, .batch_axis = 1}), columns) < 1e-5);
  CHECK(difference(logits(net.model, mine, part, 0.5, key), columns) > 0.01);
}

TEST_CASE("a checkpoint gives back the loss, bit for bit") {
  const test::Folder folder;
  const std::string characters = "\n \"\\aä€😀" + std::string(1, '\0');
  Net saved(two_layers, characters, 1), loaded(two_layers, characters, 2);
  const std::vector<std::uint32_t> symbols = random_symbols(saved.model, 40, 7);
  const auto loss = [&](const TextModel& model) {
    Tape<float> tape;
    TextState state = model.start(2);
    const std::vector<Index> targets(symbols.begin() + 20, symbols.end());
    return cross_entropy(model(symbols.data(), 10, 2, state), targets).item();
  };
  CHECK(loss(saved.model) != loss(loaded.model));
  save(saved.registry, folder / "model", {.tensors = {}, .metadata = {{"vocabulary", saved.model.vocabulary.characters()}}});
  const Safetensors file = load(loaded.registry, folder / "model");
  CHECK(loss(saved.model) == loss(loaded.model));
  CHECK(Vocabulary::of(file.metadata.at("vocabulary"), "").characters() == saved.model.vocabulary.characters());
}

TEST_CASE("a model learns a text that repeats itself, and goes on with it") {
  std::string text;
  for (int i = 0; i < 400; ++i) text += "abc";
  Registry<float> registry;
  Random random(1);
  const TextModel model(Scope<float>(registry, random), {.hidden = 8, .layers = 1}, Vocabulary::of(text, ""));
  const Streams streams(model.vocabulary.encode(text, ""), 4, 10);
  Adam<float> adam(registry, {.rate = 0.02});
  TextState state = model.start(4);
  std::vector<std::uint32_t> inputs(40);
  std::vector<Index> targets(40);
  Tape<float> tape;
  float loss = 0;
  for (int epoch = 0; epoch < 3; ++epoch)
    for (Index batch = 0; batch < streams.train_batches(); ++batch) {
      tape.clear();
      streams.fill(batch, 0, 4, inputs.data(), targets.data());
      const Var<float> cost = cross_entropy(model(inputs.data(), 10, 4, state), targets);
      backward(cost);
      adam.step();
      loss = cost.item();
    }
  CHECK(loss < 0.1F);
  CHECK(sample(model, {.length = 10, .argmax = true, .prime = "b"}) == "bcabcabcabc");
}

TEST_CASE("the likeliest characters are those that the net finds step by step, after the prime text") {
  for (std::uint64_t seed = 1; seed <= 3; ++seed) {
    const Net net(lively, "\nabcdé", seed, 2);
    for (const char* const prime : {"a", "éab\ndé"}) {
      const std::string text = sample(net.model, {.length = 60, .argmax = true, .prime = prime});
      CHECK(text == prime + likeliest(net.model, prime, 60));
    }
  }
}

TEST_CASE("without a prime text it begins after a line break, where there is none after any character") {
  const Net lines(lively, "\t\nabcd", 1, 2), words(lively, "abcd", 1, 2);
  REQUIRE(likeliest(lines.model, "\n", 30) != likeliest(lines.model, "a", 30));
  CHECK(sample(lines.model, {.length = 30, .argmax = true}) == likeliest(lines.model, "\n", 30));
  std::set<std::string> begun, possible;
  for (std::uint64_t seed = 0; seed < 100; ++seed)
    begun.insert(sample(words.model, {.length = 30, .argmax = true, .seed = seed}));
  for (const char* const first : {"a", "b", "c", "d"}) possible.insert(likeliest(words.model, first, 30));
  REQUIRE(possible.size() == 4);
  CHECK(begun == possible);
}

TEST_CASE("what is drawn is the seed's, and of the length that is asked for") {
  const Net net(two_layers, "\nabcdé");
  const std::string text = sample(net.model, {.length = 50, .prime = "ab", .seed = 3});
  CHECK(text.starts_with("ab"));
  CHECK(net.model.vocabulary.encode(text, "").size() == 52);
  CHECK(sample(net.model, {.length = 50, .prime = "ab", .seed = 3}) == text);
  CHECK(text.starts_with(sample(net.model, {.length = 20, .prime = "ab", .seed = 3})));
  CHECK(sample(net.model, {.length = 50, .prime = "ab", .seed = 4}) != text);
  CHECK(sample(net.model, {.length = 50, .argmax = true, .prime = "ab", .seed = 3}) ==
        sample(net.model, {.length = 50, .argmax = true, .prime = "ab", .seed = 4}));
  CHECK(sample(net.model, {.length = 0, .prime = "aé"}) == "aé");
  CHECK(sample(net.model, {.length = 0}).empty());
}

TEST_CASE("characters are drawn as often as the softmax of logits / temperature says") {
  Net net({.hidden = 1, .layers = 1}, "abcd");
  const std::vector<double> chances{0.1, 0.2, 0.3, 0.4};
  net.set("readout/w", [](Index) { return 0.0F; });
  net.set("readout/b", [&](Index i) { return static_cast<float>(std::log(chances[static_cast<std::size_t>(i)])); });
  constexpr Index draws = 20000;
  for (const double temperature : {1.0, 0.5, 2.0, 1e9}) {
    CAPTURE(temperature);
    std::map<char, double> often;
    for (char c : sample(net.model, {.length = draws, .temperature = temperature})) often[c] += 1.0 / draws;
    double sum = 0;
    for (double p : chances) sum += std::pow(p, 1 / temperature);
    for (std::size_t i = 0; i < 4; ++i) {
      const double p = std::pow(chances[i], 1 / temperature) / sum;
      CHECK(std::abs(often["abcd"[i]] - p) < 4 * std::sqrt(p * (1 - p) / draws));
    }
  }
}

TEST_CASE("at the lowest temperatures only the likeliest are drawn, however far the others are") {
  Net net({.hidden = 1, .layers = 1}, "abcd");
  net.set("readout/w", [](Index) { return 0.0F; });
  net.set("readout/b", [](Index i) { return i == 2 ? 1e4F : -1e4F * static_cast<float>(i); });
  for (const double temperature : {1.0, 1e-3, std::numeric_limits<double>::denorm_min()})
    CHECK(sample(net.model, {.length = 20, .temperature = temperature}) == std::string(20, 'c'));
  net.set("readout/b", [](Index i) { return i == 2 ? 0.001F : 0.0F; });
  CHECK(sample(net.model, {.length = 200, .temperature = 1e-6}) == std::string(200, 'c'));
}

TEST_CASE("sampling ends when the reader has had enough, in the prime text too") {
  const Net net(two_layers, "\nabcd");
  const std::string all = sample(net.model, {.length = 10, .prime = "dab"});
  for (std::size_t enough = 1; enough <= 12; ++enough) {
    std::string text;
    sample_text(net.model, {.length = 10, .prime = "dab"}, [&](const std::string& character) {
      text += character;
      return text.size() < enough;
    });
    CHECK(text == all.substr(0, enough));
  }
}

TEST_CASE("a temperature that cannot be and a prime text of other characters are refused before anything is written") {
  const Net net(two_layers, "\nabcd");
  const auto refused = [&](const TextSampling& sampling) {
    sample_text(net.model, sampling, [](const std::string&) {
      FAIL("a character was written");
      return true;
    });
  };
  CHECK_THROWS_WITH_AS(refused({.temperature = 0, .prime = "a"}),
                       "sample: temperature 0: must be above 0; argmax draws always the likeliest", std::invalid_argument);
  CHECK_THROWS_AS(refused({.temperature = -1}), std::invalid_argument);
  CHECK_THROWS_AS(refused({.temperature = std::numeric_limits<double>::quiet_NaN()}), std::invalid_argument);
  CHECK_THROWS_WITH_AS(refused({.prime = "ab\nxb"}),
                       "read the prime text: line 2: character \"x\" is not among the 5 that the model knows",
                       std::runtime_error);
  CHECK_THROWS_WITH_AS(refused({.prime = "a\xff"}),
                       "read the prime text: line 1, byte 1: \"\\xff\": must be UTF-8; iconv -f LATIN1 -t UTF-8 makes it so, if "
                       "that is what it is",
                       std::runtime_error);
}
