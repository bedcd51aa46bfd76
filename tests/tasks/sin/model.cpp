#include <carousel/tasks/sin/model.hpp>

#include <algorithm>
#include <cmath>
#include <numbers>
#include <set>

#include <doctest/doctest.h>

using namespace carousel;

namespace {

SinOptions small(const std::string& preset = "default") {
  SinOptions options;
  options.preset = preset;
  options.hidden = 5;
  if (preset == "source") options.cell = "lstm-linear";
  return options;
}

double loss_of(const Predictor& net, const std::vector<std::vector<double>>& sequences) {
  Tape<double> tape;
  return sin_loss(net, sequences).item();
}

}  // namespace

TEST_CASE("sequences are a sine of period 50 from where they start") {
  const std::vector<double> starts = {0, 12.5};
  const auto sequences = sin_sequences(starts, 60, 2);
  REQUIRE(sequences.size() == 2);
  CHECK(sequences[0][0] == 0);
  CHECK(sequences[1][0] == doctest::Approx(2));
  CHECK(sequences[0][5] == doctest::Approx(2 * std::sin(std::numbers::pi / 5)));
  CHECK(sequences[0][55] == doctest::Approx(sequences[0][5]));
}

TEST_CASE("the source's sequences begin at the whole numbers below 500, in numpy's order after seed(2)") {
  const std::vector<double> starts = sin_starts(small("source"), 0);
  CHECK(std::vector<double>(starts.begin(), starts.begin() + 6) == std::vector<double>{129, 280, 440, 384, 225, 416});
  CHECK(std::set<double>(starts.begin(), starts.end()).size() == 500);
  CHECK(*std::max_element(starts.begin(), starts.end()) == 499);
  CHECK(sin_starts(small("source"), 1) == starts);
}

TEST_CASE("other sequences are new in each epoch, and none starts where those of the validation and the test do") {
  const SinOptions options = small();
  const std::vector<double> first = sin_starts(options, 0), second = sin_starts(options, 1);
  CHECK(first == sin_starts(options, 0));
  CHECK(first != second);
  CHECK(*std::min_element(first.begin(), first.end()) >= 0);
  CHECK(*std::max_element(first.begin(), first.end()) < 50);
  std::set<double> held_out;
  for (const double start : sin_test_starts()) held_out.insert(start);
  for (const double start : sin_validation_starts()) held_out.insert(start);
  CHECK(held_out.size() == 20);
  for (const auto& starts : {first, second, sin_starts(small("source"), 0)})
    for (const double start : starts) CHECK_FALSE(held_out.contains(std::fmod(start, 50)));
}

TEST_CASE("the source's net starts from numpy's numbers, with a read-out of zeros and no bias") {
  Registry<double> registry;
  sin_net(registry, small("source"));
  CHECK_FALSE(registry.contains("readout/b"));
  for (const double v : registry.at("readout/w").value) CHECK(v == 0);
  const Tensor<double>& wx = registry.at("cell/0/wx").value;
  CHECK(wx.data()[0] == doctest::Approx(0.2 * 0.5488135 - 0.1).epsilon(1e-6));  // numpy's first number after seed(0)
  CHECK(wx.data()[5] == wx.data()[0]);                                          // the same in every gate
}

TEST_CASE("a net that says nothing loses the squares of the points after the first window") {
  Registry<double> registry;
  const Predictor net = sin_net(registry, small("source"));
  const std::vector<double> starts = {3, 20};
  const auto sequences = sin_sequences(starts, sin_length);
  double squares = 0;
  for (const auto& sequence : sequences)
    for (std::size_t t = 40; t < 100; ++t) squares += sequence[t] * sequence[t];
  CHECK(loss_of(net, sequences) == doctest::Approx(squares));
}

TEST_CASE("the net does not see the point that it is to say, nor any after it") {
  Registry<double> registry;
  const Predictor net = sin_net(registry, small());
  const std::vector<double> starts = {3};
  std::vector<double> sequence = sin_sequences(starts, sin_length).front();
  const std::vector<double> before = sin_predictions(net, sequence);
  REQUIRE(before.size() == 60);
  sequence[70] += 1;
  const std::vector<double> after = sin_predictions(net, sequence);
  for (std::size_t t = 0; t < 60; ++t) {
    CAPTURE(t);
    CHECK((before[t] == after[t]) == (40 + t <= 70));
  }
}

TEST_CASE("noise is added to what is read, not to what is to be said") {
  Registry<double> registry;
  const Predictor net = sin_net(registry, small());
  const std::vector<double> starts = {3};
  const auto sequences = sin_sequences(starts, sin_length);
  std::vector<std::vector<double>> noise = {std::vector<double>(100, 0.0)};
  Tape<double> tape;
  const double plain = sin_loss(net, sequences).item();
  CHECK(sin_loss(net, sequences, noise).item() == plain);
  noise[0][99] = 5;  // is never read
  CHECK(sin_loss(net, sequences, noise).item() == plain);
  noise[0][98] = 5;
  CHECK(sin_loss(net, sequences, noise).item() != plain);
}

TEST_CASE("in closed loop a net reads what it has said") {
  Registry<double> registry;
  const Predictor net = sin_net(registry, small());
  const std::vector<double> starts = {3, 20};
  const auto sequences = sin_sequences(starts, sin_length);
  const auto made = roll_out(net, sequences, 3);
  REQUIRE(made.size() == 2);
  for (std::size_t n = 0; n < 2; ++n) {
    std::vector<double> points = sequences[n];
    for (std::size_t t = 0; t < 3; ++t) {
      points.push_back(0);  // the point to be said, which is not read
      points.erase(points.begin());
      CHECK(made[n][t] == doctest::Approx(sin_predictions(net, points).back()).epsilon(1e-12));
      points.back() = made[n][t];
    }
  }
}

TEST_CASE("the error in closed loop is the root of a mean of squares") {
  const std::vector<double> starts = {0, 7};
  std::vector<double> from = {100, 107};
  auto made = sin_sequences(from, 4);
  CHECK(roll_out_error(made, starts, 4) == 0);
  made[1][2] += 0.4;
  CHECK(roll_out_error(made, starts, 4) == doctest::Approx(0.4 / std::sqrt(8)));
  CHECK(roll_out_error(made, starts, 2) == 0);
}
