#include <carousel/tasks/mnist/model.hpp>

#include <algorithm>
#include <cmath>
#include <stdexcept>

#include <doctest/doctest.h>

using namespace carousel;

namespace {

MnistOptions small() {
  MnistOptions options;
  options.hidden = 6;
  return options;
}

MnistOptions source() {
  MnistOptions options;
  options.preset = "source";
  options.cell = "lstm-linear";
  options.hidden = 100;
  options.seed = 0;
  return options;
}

/// The logits of some images: [numbers, digit_count].
Tensor<double> logits_of(const MnistModel<double>& model, const DigitImages& images, const std::vector<Index>& numbers) {
  Tape<double> tape;
  const NoGrad<double> no_gradient;
  return model(model.order().enter<double>(images, numbers)).value();
}

double difference(const double* a, const double* b, Index count) {
  double largest = 0;
  for (Index i = 0; i < count; ++i) largest = std::max(largest, std::abs(a[i] - b[i]));
  return largest;
}

}  // namespace

TEST_CASE("every form of the net gives ten logits for an image, and for several what it gives for each") {
  const DigitImages images = draw_digits("train", 3);
  for (const char* cell : {"lstm", "gru"})
    for (const Index layers : {1, 2})
      for (const bool bidirectional : {false, true}) {
        CAPTURE(cell);
        CAPTURE(layers);
        CAPTURE(bidirectional);
        MnistOptions options = small();
        options.cell = cell;
        options.layers = layers;
        options.bidirectional = bidirectional;
        Registry<double> registry;
        const MnistModel<double> model(registry, options);
        const Tensor<double> together = logits_of(model, images, {0, 1, 2});
        REQUIRE(shape_of(together) == Shape{3, digit_count});
        for (const Index n : {0, 1, 2})
          CHECK(difference(logits_of(model, images, {n}).data(), together.data() + n * digit_count, digit_count) < 1e-12);
        CHECK(difference(together.data(), together.data() + digit_count, digit_count) > 1e-4);
      }
}

TEST_CASE("a net of both directions reads the backward one from the last row to the first") {
  MnistOptions options = small();
  options.bidirectional = true;
  Registry<double> registry;
  const MnistModel<double> model(registry, options);
  // The same start for both directions, and a read-out that takes the forward half with + and the backward half with −.
  for (const char* name : {"wx", "wh", "b"}) {
    Parameter<double>& backward = registry.at(std::string("layer0/backward/") + name);
    backward.set(registry.at(std::string("layer0/forward/") + name).value);
  }
  Parameter<double>& w = registry.at("readout/w");
  const Index half = 6 * digit_count;
  for (Index i = 0; i < half; ++i) w.change().data()[half + i] = -w.value.data()[i];

  DigitImages images = draw_digits("train", 1);
  const Tensor<double> lying = logits_of(model, images, {0});
  CHECK(difference(lying.data(), zeros<double>({digit_count}).data(), digit_count) > 1e-4);
  DigitImages flipped = images;
  for (Index y = 0; y < image_side; ++y)
    std::copy_n(images.pixels.begin() + y * image_side, image_side, flipped.pixels.begin() + (image_side - 1 - y) * image_side);
  Tensor<double> standing = logits_of(model, flipped, {0});
  for (Index i = 0; i < digit_count; ++i) standing.data()[i] = -standing.data()[i];
  CHECK(difference(lying.data(), standing.data(), digit_count) < 1e-12);
}

TEST_CASE("dropout changes what a net sees with a key only, and with the same key the same") {
  const DigitImages images = draw_digits("train", 2);
  for (const Index layers : {1, 2}) {
    CAPTURE(layers);
    MnistOptions options = small();
    options.layers = layers;
    options.dropout = 0.5;
    Registry<double> registry;
    const MnistModel<double> model(registry, options);
    const auto logits = [&](const std::optional<DropoutKey>& key) {
      Tape<double> tape;
      const Index numbers[] = {0, 1};
      return model(model.order().enter<double>(images, numbers), key).value();
    };
    const Tensor<double> used = logits(std::nullopt), first = logits(DropoutKey{.seed = 1}),
                         again = logits(DropoutKey{.seed = 1}), other = logits(DropoutKey{.seed = 2});
    CHECK(difference(first.data(), again.data(), 2 * digit_count) == 0);
    CHECK(difference(first.data(), used.data(), 2 * digit_count) > 1e-4);
    CHECK(difference(first.data(), other.data(), 2 * digit_count) > 1e-4);
  }
}

TEST_CASE("preset source starts with the numbers of numpy's generator, all gates equal, the read-out drawn after them") {
  Registry<double> registry;
  const MnistModel<double> model(registry, source());
  CHECK(registry.size() == 4);  // no bias of the read-out
  const auto& [wx, wh, b, v] = std::tie(registry.at("layer0/forward/wx").value, registry.at("layer0/forward/wh").value,
                                        registry.at("layer0/forward/b").value, registry.at("readout/w").value);
  REQUIRE(shape_of(wx) == Shape{28, 400});
  REQUIRE(shape_of(v) == Shape{100, 10});
  // numpy.random.seed(0); numpy.random.uniform(-0.1, 0.1, …): row by row of [hidden, 28 + hidden]
  for (Index gate = 0; gate < 4; ++gate) {
    CHECK(wx.data()[gate * 100] == doctest::Approx(0.0097627).epsilon(1e-5));
    CHECK(wx.data()[400 + gate * 100] == doctest::Approx(0.04303787).epsilon(1e-6));
    CHECK(b.data()[gate * 100] == wx.data()[gate * 100]);
    CHECK(b.data()[gate * 100 + 99] == doctest::Approx(-0.0990609047614906).epsilon(1e-13));
    CHECK(wh.data()[gate * 100] == b.data()[28]);
  }
  // then numpy.random.normal(0, 0.1, (100, 10)), without another seed
  CHECK(v.data()[0] == doctest::Approx(-0.11651498).epsilon(1e-7));
  CHECK(v.data()[1] == doctest::Approx(0.09008265).epsilon(1e-7));
  CHECK(v.data()[2] == doctest::Approx(0.04656624).epsilon(1e-7));
  CHECK(v.data()[999] == doctest::Approx(0.03283012950007554).epsilon(1e-13));
}

TEST_CASE("preset source with a cell of other gates starts as that cell does, but for the read-out") {
  MnistOptions options = source();
  options.cell = "gru";
  Registry<double> registry, usual;
  const MnistModel<double> model(registry, options);
  options.preset = "default";
  const MnistModel<double> other(usual, options);
  CHECK(registry.at("layer0/forward/wx").value == usual.at("layer0/forward/wx").value);
  CHECK_FALSE(registry.at("readout/w").value == usual.at("readout/w").value);
}

TEST_CASE("preset source is for double") {
  Registry<float> registry;
  CHECK_THROWS_WITH_AS((MnistModel<float>(registry, source())),
                       "mnist: preset source in float: must be in double, as the original is", std::invalid_argument);
}

TEST_CASE("a confusion counts what is right and shows a line for each digit") {
  Confusion confusion;
  for (std::size_t digit = 0; digit < 10; ++digit) confusion.counts[digit][digit] = 9;
  confusion.counts[4][9] = 5;
  confusion.counts[9][4] = 5;
  CHECK(confusion.right() == 90);
  CHECK(confusion.all() == 100);
  CHECK(confusion.accuracy() == 0.9);
  const std::string table = text(confusion);
  CHECK(std::count(table.begin(), table.end(), '\n') == 10);
  CHECK(table.starts_with("digit  as 0  as 1"));
  CHECK(table.find("\n    4     0     0     0     0     9     0     0     0     0     5\n") != std::string::npos);
}

TEST_CASE("measuring counts each image of the part once, under its digit, by the likeliest logit") {
  Registry<double> registry;
  const MnistModel<double> model(registry, small());
  const DigitImages images = draw_digits("test", 250);
  const Confusion confusion = measure(model, images, 20, 250);
  CHECK(confusion.all() == 230);
  std::vector<Index> numbers;
  for (Index n = 20; n < 250; ++n) numbers.push_back(n);
  const Tensor<double> logits = logits_of(model, images, numbers);
  Confusion expected;
  for (std::size_t i = 0; i < numbers.size(); ++i) {
    const double* const row = logits.data() + static_cast<Index>(i) * digit_count;
    ++expected.counts[images.labels[i + 20]][static_cast<std::size_t>(std::max_element(row, row + digit_count) - row)];
  }
  CHECK(confusion.counts == expected.counts);
}
