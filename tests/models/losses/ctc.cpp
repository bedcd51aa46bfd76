#include <carousel/models/losses/ctc.hpp>

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>

#include <doctest/doctest.h>

#include <carousel/lib/training/gradcheck.hpp>
#include <carousel/lib/training/init.hpp>

#include "tests/support/allocations.hpp"
#include "tests/support/message_of.hpp"
#include "tests/support/values.hpp"

using namespace carousel;

namespace {

using Vars = std::span<const Var<double>>;
using Labels = std::vector<Index>;

/// What a path says: repetitions joined, then blanks dropped.
Labels said_by(const Labels& path, Index blank) {
  Labels labels;
  for (std::size_t t = 0; t < path.size(); ++t)
    if (path[t] != blank && (t == 0 || path[t] != path[t - 1])) labels.push_back(path[t]);
  return labels;
}

/// The probability of all labels of an example, from the definition: each path is walked.
std::map<Labels, double> all_labels(const Tensor<double>& logits, Index example, Index steps, Index blank) {
  const Shape shape = shape_of(logits);
  const Index classes = shape[2];
  std::map<Labels, double> probability;
  Labels path(static_cast<std::size_t>(steps), 0);
  for (;;) {
    double p = 1;
    for (Index t = 0; t < steps; ++t) {
      double total = 0;
      for (Index k = 0; k < classes; ++k) total += std::exp(logits(t, example, k));
      p *= std::exp(logits(t, example, path[static_cast<std::size_t>(t)])) / total;
    }
    probability[said_by(path, blank)] += p;
    std::size_t t = 0;
    while (t < path.size() && ++path[t] == classes) path[t++] = 0;
    if (t == path.size()) return probability;
  }
}

double loss_of(const Tensor<double>& logits, const std::vector<Labels>& labels, const CtcOptions& options) {
  Tape<double> tape;
  return ctc_loss(tape.constant(logits), labels, options).item();
}

}  // namespace

TEST_CASE("the CTC loss of two steps worked out by hand") {
  // Over (blank, a, b): 0.5 0.3 0.2, then 0.1 0.6 0.3.
  const Tensor<double> logits =
      tensor<double>({2, 1, 3}, {std::log(0.5), std::log(0.3), std::log(0.2), std::log(0.1), std::log(0.6), std::log(0.3)});
  const auto probability = [&](const Labels& labels) { return std::exp(-loss_of(logits, {labels}, {})); };
  CHECK(probability({}) == doctest::Approx(0.5 * 0.1));
  CHECK(probability({1}) == doctest::Approx(0.5 * 0.6 + 0.3 * 0.1 + 0.3 * 0.6));  // −a, a−, aa
  CHECK(probability({2}) == doctest::Approx(0.5 * 0.3 + 0.2 * 0.1 + 0.2 * 0.3));
  CHECK(probability({1, 2}) == doctest::Approx(0.3 * 0.3));
  CHECK(probability({2, 1}) == doctest::Approx(0.2 * 0.6));

  Tape<double> tape;
  const Var<double> z = tape.variable(logits);
  backward(ctc_loss(z, std::vector<Labels>{{1}}));
  const double p = 0.51;  // the gradient: softmax − the share of the paths of {a} that are at the class
  const Tensor<double> expected =
      tensor<double>({2, 1, 3}, {0.5 - 0.3 / p, 0.3 - 0.21 / p, 0.2, 0.1 - 0.03 / p, 0.6 - 0.48 / p, 0.3});
  const Tensor<double> gradient = tape.gradient(z);
  for (std::size_t i = 0; i < gradient.size(); ++i) CHECK(gradient.data()[i] == doctest::Approx(expected.data()[i]));
}

TEST_CASE("the CTC loss is that of all paths walked one by one, for each labels that there are") {
  for (const Index blank : {0, 1, 2})
    for (Index steps = 1; steps <= 6; ++steps) {
      const Tensor<double> logits = normal_tensor({6, 2, 3}, static_cast<std::uint64_t>(10 * steps + blank));
      const std::vector<Index> lengths{6, steps};
      const auto first = all_labels(logits, 0, 6, blank);
      const Labels& other = first.begin()->first;
      double total = 0;
      for (const auto& [labels, probability] : all_labels(logits, 1, steps, blank)) {
        const double loss = loss_of(logits, {other, labels}, {.lengths = lengths, .blank = blank, .divide_by = 1});
        CHECK(loss == doctest::Approx(-std::log(first.at(other)) - std::log(probability)));
        total += probability;
      }
      CHECK(total == doctest::Approx(1));
    }
}

TEST_CASE("the CTC loss passes the gradient check, with lengths and repeated labels") {
  const std::vector<Labels> labels{{1, 1, 3}, {}, {2, 3}, {4}};
  const std::vector<Index> lengths{7, 3, 2, 5};
  for (const Index blank : {0, 5}) {
    const auto f = [&](Vars v) { return ctc_loss(v[0], labels, {.lengths = lengths, .blank = blank}); };
    const GradcheckResult result = gradcheck(f, {{"logits", normal_tensor({7, 4, 6}, 3), true}});
    INFO(result.worst().describe());
    CHECK(result.passed);
  }
}

TEST_CASE("the CTC loss is a mean over the examples, or their sum divided by what is asked for") {
  const Tensor<double> logits = normal_tensor({4, 2, 3}, 5);
  const std::vector<Labels> labels{{1}, {2, 1}};
  const double sum = loss_of(logits, labels, {.divide_by = 1});
  CHECK(loss_of(logits, labels, {}) == doctest::Approx(sum / 2));
  CHECK(loss_of(logits, labels, {.divide_by = 8}) == doctest::Approx(sum / 8));
}

TEST_CASE("what stands beyond the length of an example is not looked at and gets no gradient") {
  Tensor<double> logits = normal_tensor({4, 2, 3}, 6);
  const std::vector<Labels> labels{{1}, {2}};
  const std::vector<Index> lengths{4, 2};
  const double before = loss_of(logits, labels, {.lengths = lengths});
  for (Index t = 2; t < 4; ++t)
    for (Index k = 0; k < 3; ++k) logits(t, 1, k) = std::nan("");
  Tape<double> tape;
  const Var<double> z = tape.variable(logits);
  const Var<double> loss = ctc_loss(z, labels, {.lengths = lengths});
  CHECK(loss.item() == before);
  backward(loss);
  const Tensor<double> gradient = tape.gradient(z);
  for (Index k = 0; k < 3; ++k) {
    CHECK(gradient(3, 1, k) == 0);
    CHECK(std::isfinite(gradient(1, 1, k)));
  }
}

TEST_CASE("the CTC loss of a thousand steps and of logits of ±10,000 is finite, in float too") {
  Random random(7);
  Tensor<float> logits = init::normal<float>(0, 1)({1000, 1, 11}, random);
  const std::vector<Labels> labels{Labels(200, 3)};
  for (const float scale : {1.0F, 1e4F}) {
    Tape<float> tape;
    for (float& x : logits) x *= scale;
    const Var<float> z = tape.variable(logits);
    const Var<float> loss = ctc_loss(z, labels, {.blank = 10});
    CHECK(std::isfinite(loss.item()));
    CHECK(loss.item() > 100);
    backward(loss);
    for (const float d : tape.gradient(z)) CHECK(std::abs(d) <= 1.0F);
  }
}

TEST_CASE("where no path is left the gradient is 0, and that of the other examples as ever") {
  Tensor<double> logits = normal_tensor({2, 2, 3}, 8), other = normal_tensor({2, 1, 3}, 8);
  for (Index t = 0; t < 2; ++t)
    for (Index k = 0; k < 3; ++k) other(t, 0, k) = logits(t, 1, k);
  logits(0, 0, 1) = logits(1, 0, 1) = -std::numeric_limits<double>::infinity();
  const auto gradient_of = [](const Tensor<double>& z, std::vector<std::vector<Index>> labels) {
    Tape<double> tape;
    const Var<double> x = tape.variable(z);
    backward(ctc_loss(x, labels, {.divide_by = 1}));
    return Tensor<double>(tape.gradient(x));
  };
  const Tensor<double> both = gradient_of(logits, {{1}, {2}}), alone = gradient_of(other, {{2}});
  for (Index t = 0; t < 2; ++t)
    for (Index k = 0; k < 3; ++k) {
      CHECK(both(t, 0, k) == 0);
      CHECK(both(t, 1, k) == alone(t, 0, k));
    }
}

TEST_CASE("the CTC loss is infinite where no path is left") {
  Tensor<double> logits = normal_tensor({2, 1, 3}, 8);
  logits(0, 0, 1) = logits(1, 0, 1) = -std::numeric_limits<double>::infinity();
  CHECK(loss_of(logits, {{1}}, {}) == std::numeric_limits<double>::infinity());
  CHECK(std::isfinite(loss_of(logits, {{2}}, {})));
}

TEST_CASE("the CTC loss says what is wrong with labels, lengths and shapes") {
  const Tensor<double> logits = normal_tensor({4, 2, 3}, 9);
  const auto error = [&](const std::vector<Labels>& labels, const CtcOptions& options) {
    return message_of<std::invalid_argument>([&] { loss_of(logits, labels, options); });
  };
  CHECK(error({{1}, {1, 1, 2, 1}}, {}) ==
        "ctc_loss: example 1 has 4 labels in 4 steps: must have at least 5 steps, one for each and one between equal ones");
  CHECK(error({{1}, {1, 2, 1, 2}}, {}) == "");
  const std::vector<Index> lengths{0, 4}, one{4}, long_ones{4, 5};
  CHECK(error({{1}, {1}}, {.lengths = lengths}) ==
        "ctc_loss: example 0 has 1 labels in 0 steps: must have at least 1 steps, one for each and one between equal ones");
  CHECK(error({{}, {1}}, {.lengths = lengths}) == "");
  CHECK(error({{1}, {1}}, {.lengths = one}) == "ctc_loss: 1 lengths for a batch of 2: must be one for each example");
  CHECK(error({{1}, {1}}, {.lengths = long_ones}) == "ctc_loss: length 5 of a sequence of 4 steps: must lie within it");
  CHECK(error({{1}, {2, 0}}, {}) == "ctc_loss: label 1 of example 1 is 0: must be one of 3 classes and not 0, the blank");
  CHECK(error({{3}, {2}}, {}) == "ctc_loss: label 0 of example 0 is 3: must be one of 3 classes and not 0, the blank");
  CHECK(error({{1}}, {}) == "ctc_loss: logits are [4, 2, 3], labels are of 1 examples: must be of 2");
  CHECK(error({{1}, {1}}, {.blank = 3}) == "ctc_loss: blank is 3: must be one of 3 classes");
  CHECK(error({{1}, {1}}, {.divide_by = 0}) == "ctc_loss: divide_by is 0: must be positive");
  CHECK(message_of<std::invalid_argument>([] {
          loss_of(normal_tensor({4, 3}, 1), {}, {});
        }) == "ctc_loss: logits are [4, 3]: must be [time, batch, classes]");
}

TEST_CASE("the likeliest path joins repetitions, drops blanks and ends with the length") {
  const auto logits_of = [](const std::vector<Labels>& paths) {
    Tensor<float> logits = zeros<float>({static_cast<Index>(paths[0].size()), static_cast<Index>(paths.size()), 4});
    for (std::size_t b = 0; b < paths.size(); ++b)
      for (std::size_t t = 0; t < paths[b].size(); ++t) logits(t, b, paths[b][t]) = 2;
    return logits;
  };
  const Tensor<float> logits = logits_of({{0, 1, 1, 0, 1, 2}, {3, 3, 2, 0, 0, 0}, {0, 0, 0, 0, 0, 0}});
  CHECK(ctc_greedy(logits) == std::vector<Labels>{{1, 1, 2}, {3, 2}, {}});
  CHECK(ctc_greedy(logits, {.blank = 3}) == std::vector<Labels>{{0, 1, 0, 1, 2}, {2, 0}, {0}});
  const std::vector<Index> lengths{3, 0, 6};
  CHECK(ctc_greedy(logits, {.lengths = lengths}) == std::vector<Labels>{{1}, {}, {}});
}

TEST_CASE("a beam wide enough finds all labels with their probabilities, the likeliest first") {
  const Tensor<double> logits = normal_tensor({5, 2, 3}, 11);
  const std::vector<Index> lengths{5, 3};
  for (const Index blank : {0, 2}) {
    const auto found = ctc_beam_search(logits, {.lengths = lengths, .blank = blank, .width = 1000});
    for (Index example = 0; example < 2; ++example) {
      const auto all = all_labels(logits, example, lengths[static_cast<std::size_t>(example)], blank);
      const auto& readings = found[static_cast<std::size_t>(example)];
      REQUIRE(readings.size() == all.size());
      for (std::size_t i = 0; i < readings.size(); ++i) {
        CHECK(readings[i].log_probability == doctest::Approx(std::log(all.at(readings[i].labels))));
        if (i > 0) CHECK(readings[i].log_probability <= readings[i - 1].log_probability);
      }
    }
  }
}

TEST_CASE("a beam adds up the paths that say the same, where the likeliest path alone says something else") {
  // Over (blank, a) 0.6 and 0.4, twice: the likeliest path says nothing, 0.36; three paths say a, 0.64.
  const Tensor<double> logits = tensor<double>({2, 1, 2}, {std::log(0.6), std::log(0.4), std::log(0.6), std::log(0.4)});
  CHECK(ctc_greedy(logits) == std::vector<Labels>{{}});
  const auto readings = ctc_beam_search(logits, {.width = 2}).front();
  CHECK(readings.front().labels == Labels{1});
  CHECK(std::exp(readings.front().log_probability) == doctest::Approx(0.64));
}

TEST_CASE("a narrow beam stays narrow, and a width of 0 is refused") {
  const Tensor<double> logits = normal_tensor({9, 1, 5}, 12);
  CHECK(ctc_beam_search(logits, {.width = 3}).front().size() == 3);
  CHECK(message_of<std::invalid_argument>([&] { ctc_beam_search(logits, {.width = 0}); }) ==
        "ctc_beam_search: width is 0: must be at least 1");
  for (const double none : {std::numeric_limits<double>::quiet_NaN(), -std::numeric_limits<double>::infinity()}) {
    Tensor<double> broken = logits;
    std::fill_n(broken.data(), broken.size(), none);
    CHECK(message_of<std::invalid_argument>([&] { ctc_beam_search(broken); }) ==
          "ctc_beam_search: logits of example 0 leave no path: must be numbers");
  }
}

TEST_CASE("a training step with the CTC loss takes nothing from the heap once it is warm") {
  if (!allocations_are_counted()) return;
  const Tensor<double> logits = normal_tensor({9, 3, 5}, 13);
  const std::vector<Labels> labels{{1, 2}, {}, {3, 3, 4}};
  Tape<double> tape;
  std::uint64_t before = 0;
  for (int step = 0; step < 4; ++step) {
    if (step == 2) before = allocations();
    tape.clear();
    backward(ctc_loss(tape.variable(logits), labels));
  }
  CHECK(allocations() == before);
}
