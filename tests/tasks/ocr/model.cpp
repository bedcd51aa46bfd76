#include <carousel/tasks/ocr/model.hpp>

#include <cmath>
#include <numeric>

#include <doctest/doctest.h>

#include <carousel/lib/training/fit.hpp>
#include <carousel/tasks/ocr/data.hpp>

using namespace carousel;

namespace test_ocr_model {

namespace {

OcrOptions small(const std::string& head) {
  OcrOptions options;
  options.head = head, options.cell = "gru", options.hidden = 24, options.bidirectional = true, options.channels = 4;
  return options;
}

struct Small {
  Registry<float> registry;
  Random random{1};
  OcrModel model;
  explicit Small(const OcrOptions& options) : model(Scope<float>(registry, random), options) {}
};

std::vector<PrintedLine> some_lines(Index count) {
  const OcrData data("", {}, 1);
  std::vector<PrintedLine> lines;
  for (Index n = 0; n < count; ++n) lines.push_back(data.training(n));
  return lines;
}

std::vector<GreyImage> images_of(std::span<const PrintedLine> lines) {
  std::vector<GreyImage> images;
  for (const PrintedLine& line : lines) images.push_back(line.image);
  return images;
}

double loss_of(const OcrModel& model, std::span<const PrintedLine> lines, double divide_by) {
  Tape<float> tape;
  return static_cast<double>(model.loss(lines, divide_by).item());
}

}  // namespace

TEST_CASE("images enter with mean 0 and deviation 1, and with neither brightness nor contrast") {
  GreyImage image = some_lines(1)[0].image, paler = image;
  for (std::uint8_t& pixel : image.pixels) pixel = static_cast<std::uint8_t>(pixel / 2 * 2);
  for (std::size_t i = 0; i < image.pixels.size(); ++i) paler.pixels[i] = static_cast<std::uint8_t>(image.pixels[i] / 2 + 100);
  const GreyImage grey{32, 120, std::vector<std::uint8_t>(32 * 120, 90)};
  Tape<float> tape;
  const Tensor<float> entered = enter_images(std::vector{image, paler, grey}).value();
  CHECK(shape_of(entered) == Shape{3, 1, 32, 120});
  const float* x = entered.data();
  double sum = 0, squares = 0;
  for (std::size_t i = 0; i < 32 * 120; ++i) sum += static_cast<double>(x[i]), squares += static_cast<double>(x[i] * x[i]);
  CHECK(std::abs(sum / (32 * 120)) < 1e-4);
  CHECK(squares / (32 * 120) == doctest::Approx(1));
  for (std::size_t i = 0; i < 32 * 120; ++i) {
    CHECK(x[i] == doctest::Approx(x[32 * 120 + i]).epsilon(1e-4));
    CHECK(x[2 * 32 * 120 + i] == 0);
  }
  CHECK_THROWS_WITH_AS(enter_images(std::vector{image, GreyImage{1, 1, {0}}}),
                       "enter_images: images of 32 x 120 and 1 x 1 pixels: must be of one size", std::invalid_argument);
}

TEST_CASE("the nets of the presets: channels, columns, and the parameters of each head") {
  OcrOptions options = small("both");
  const Small usual(options);
  CHECK(usual.registry.at("conv/3/w").shape() == Shape{16, 16, 3, 3});
  CHECK(usual.registry.at("encoder/0/forward/wx").shape()[0] == 2 * 16);  // two rows are left
  CHECK(usual.registry.contains("ctc/w"));
  CHECK(usual.registry.contains("decoder/attention/wq"));
  CHECK_FALSE(Small(small("ctc")).registry.contains("decoder/attention/wq"));
  options.bidirectional = false;
  const Small one_way(options);
  CHECK(one_way.registry.at("encoder/0/wx").shape()[0] == 2 * 16);
  CHECK(one_way.registry.at("ctc/w").shape()[0] == 24);
  options.bidirectional = true;
  CHECK_FALSE(Small(small("attention")).registry.contains("ctc/w"));
  options.preset = "source";
  const Small source(options);
  CHECK(source.registry.at("conv/6/w").shape() == Shape{32, 32, 2, 2});
  CHECK(source.registry.at("encoder/0/forward/wx").shape()[0] == 32);  // one row is left
}

TEST_CASE("the loss of lines of different lengths side by side is the mean of their own, for each head") {
  const std::vector<PrintedLine> lines = some_lines(6);
  for (const std::string& head : ocr_heads()) {
    CAPTURE(head);
    const Small small_model(small(head));
    double sum = 0;
    for (const PrintedLine& line : lines) sum += loss_of(small_model.model, std::span(&line, 1), 1);
    CHECK(loss_of(small_model.model, lines, 6) == doctest::Approx(sum / 6).epsilon(1e-5));
    const std::span<const PrintedLine> all(lines);
    CHECK(loss_of(small_model.model, all.first(2), 6) + loss_of(small_model.model, all.subspan(2), 6) ==
          doctest::Approx(sum / 6).epsilon(1e-5));
  }
}

TEST_CASE("both heads together have 0.8 of the loss of CTC and 0.2 of that of attention") {
  const std::vector<PrintedLine> lines = some_lines(3);
  Small both(small("both"));
  Small ctc(small("ctc")), attention(small("attention"));
  for (Small* one : {&ctc, &attention})
    for (Parameter<float>& parameter : one->registry) parameter.set(both.registry.at(parameter.path).value);
  CHECK(loss_of(both.model, lines, 3) ==
        doctest::Approx(0.8 * loss_of(ctc.model, lines, 3) + 0.2 * loss_of(attention.model, lines, 3)).epsilon(1e-5));
}

TEST_CASE("a small net learns eight lines by heart, with each head and both forms of attention") {
  const std::vector<PrintedLine> lines = some_lines(8);
  const std::vector<GreyImage> images = images_of(lines);
  for (const std::string& head : ocr_heads())
    for (const char* attention : {"additive", "multiplicative"}) {
      if (head == "ctc" && attention[0] == 'm') continue;
      CAPTURE(head);
      CAPTURE(attention);
      OcrOptions options = small(head);
      options.attention = attention;
      Small net(options);
      Adam<float> adam(net.registry, {.rate = 1e-2});
      fit<float>(adam, {.examples = 1}, [&](const Batch&, const Shard&) { return net.model.loss(lines, 8); },
                 {.epochs = 150, .clip_norm = 1});
      for (const bool by_ctc : {false, true}) {
        if (!(by_ctc ? net.model.has_ctc() : net.model.has_attention())) continue;
        const std::vector<OcrReading> readings = net.model.read(images, by_ctc);
        CHECK(accuracy(readings, lines).strings >= 0.8);
        for (const OcrReading& reading : readings) {
          CHECK(reading.probability > 0);
          CHECK(reading.probability <= 1 + 1e-6);
        }
      }
    }
}

TEST_CASE("edit distances worked out by hand") {
  CHECK(edit_distance({}, {}) == 0);
  CHECK(edit_distance({1, 2, 3}, {1, 2, 3}) == 0);
  CHECK(edit_distance({}, {1, 2}) == 2);
  CHECK(edit_distance({1, 2}, {}) == 2);
  CHECK(edit_distance({1, 2, 3}, {1, 3}) == 1);
  CHECK(edit_distance({1, 2, 3}, {4, 1, 2, 3}) == 1);
  CHECK(edit_distance({1, 2, 3, 4}, {1, 5, 3, 6}) == 2);
  CHECK(edit_distance({1, 2, 3}, {3, 1, 2}) == 2);
}

TEST_CASE("accuracies count whole lines, and digits by edit distance; nothing is below 0") {
  std::vector<PrintedLine> right(3);
  right[0].digits = {1, 2, 3}, right[1].digits = {4, 5, 6, 7}, right[2].digits = {8, 9, 0};
  const auto of = [&](const std::vector<Digits>& read) {
    std::vector<OcrReading> readings;
    for (const Digits& digits : read) readings.push_back({digits, 1});
    return accuracy(readings, right);
  };
  CHECK(of({{1, 2, 3}, {4, 5, 6, 7}, {8, 9, 0}}).strings == 1);
  CHECK(of({{1, 2, 3}, {4, 5, 6, 7}, {8, 9, 0}}).characters == 1);
  const OcrAccuracy some = of({{1, 2, 3}, {4, 5, 7}, {8, 8, 9, 1}});
  CHECK(some.strings == doctest::Approx(1.0 / 3));
  CHECK(some.characters == doctest::Approx(0.7));
  CHECK(of({Digits(20, 1), Digits(20, 1), Digits(20, 1)}).characters == 0);
}

}  // namespace test_ocr_model
