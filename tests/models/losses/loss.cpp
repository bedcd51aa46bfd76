#include <carousel/models/losses/loss.hpp>

#include <cmath>
#include <limits>
#include <vector>

#include <doctest/doctest.h>

#include <carousel/lib/training/gradcheck.hpp>
#include <carousel/lib/training/init.hpp>
#include <carousel/ops/elementwise.hpp>
#include <carousel/ops/reduce.hpp>
#include <carousel/ops/shape.hpp>

#include "tests/support/allocations.hpp"
#include "tests/support/message_of.hpp"
#include "tests/support/values.hpp"

using namespace carousel;

namespace {

using Vars = std::span<const Var<double>>;
using Labels = std::vector<Index>;

/// ε is spread by hand: the loss of each position, from its definition.
double by_definition(const Tensor<double>& logits, const Labels& labels, Index ignored, const std::vector<double>& mask,
                     double smoothing, double divide_by) {
  const auto classes = static_cast<std::size_t>(shape_of(logits).back());
  double loss = 0, weight = 0;
  for (std::size_t at = 0; at < labels.size(); ++at) {
    if (labels[at] == ignored) continue;
    const double* z = logits.data() + at * classes;
    double total = 0, term = 0;
    for (std::size_t j = 0; j < classes; ++j) total += std::exp(z[j]);
    for (std::size_t j = 0; j < classes; ++j) {
      const bool is_label = static_cast<Index>(j) == labels[at];
      term -= ((is_label ? 1 - smoothing : 0) + smoothing / static_cast<double>(classes)) * std::log(std::exp(z[j]) / total);
    }
    loss += mask[at] * term;
    weight += mask[at];
  }
  return loss / (divide_by > 0 ? divide_by : weight);
}

}  // namespace

TEST_CASE("mean and sum of squares of numbers worked out by hand") {
  Tape<double> tape;
  const Var<double> p = tape.variable(tensor<double>({2, 3}, {1, 2, 3, 4, 5, 6}));
  const Var<double> t = tape.constant(tensor<double>({2, 3}, {0, 2, 5, 4, 4, 3}));
  CHECK(mean_squared_error(p, t).item() == doctest::Approx(15.0 / 6));
  CHECK(sum_of_squares(p, t).item() == 15);
  CHECK(mean_squared_error(p, t, {.divide_by = 10}).item() == doctest::Approx(1.5));
  CHECK(mean_squared_error(p, t).shape() == Shape{});
}

TEST_CASE("a mask of a loss weighs elements or whole rows, and the mean is over what it lets through") {
  Tape<double> tape;
  const Var<double> p = tape.variable(tensor<double>({2, 3}, {1, 2, 3, 4, 5, 6}));
  const Var<double> t = tape.constant(tensor<double>({2, 3}, {0, 2, 5, 4, 4, 3}));
  const std::vector<double> elements{1, 0, 0, 0, 1, 0.5}, rows{0, 1};
  CHECK(mean_squared_error(p, t, {.mask = elements}).item() == doctest::Approx((1 + 1 + 4.5) / 2.5));
  CHECK(mean_squared_error(p, t, {.mask = rows}).item() == doctest::Approx(10.0 / 3));
  CHECK(mean_squared_error(p, t, {.mask = rows, .divide_by = 1}).item() == 10);
}

TEST_CASE("the seed's loss looks at the first feature of h only, and sums") {
  Tape<double> tape;
  const Var<double> h = tape.variable(tensor<double>({2, 1, 2}, {0.5, 9, -1, 7}));
  backward(first_element_loss(h, tape.constant(tensor<double>({2, 1}, {0.25, 1}))));
  const Tensor<double> gradient = tape.gradient(h);
  CHECK(gradient.data()[0] == 0.5);
  CHECK(gradient.data()[1] == 0);
  CHECK(gradient.data()[2] == -4);
  CHECK(gradient.data()[3] == 0);
  tape.clear();
  const Var<double> again = tape.constant(tensor<double>({2, 1, 2}, {0.5, 9, -1, 7}));
  CHECK(first_element_loss(again, tape.constant(tensor<double>({2, 1}, {0.25, 1}))).item() == 0.0625 + 4);
}

TEST_CASE("cross entropy of even odds is the log of their number") {
  Tape<double> tape;
  const Var<double> logits = tape.constant(full<double>({2, 3, 5}, 7));
  CHECK(cross_entropy(logits, Labels{0, 1, 2, 3, 4, 0}).item() == doctest::Approx(std::log(5.0)).epsilon(1e-15));
}

TEST_CASE("even odds stay even however small or large the logits, in rows of every length") {
  Tape<float> tape;
  for (Index classes = 1; classes < 40; ++classes)
    for (const float z : {-1e4F, 0.0F, 1e4F}) {
      tape.clear();
      const Var<float> logits = tape.variable(full<float>({1, classes}, z));
      const Var<float> loss = cross_entropy(logits, Labels{classes - 1});
      CAPTURE(classes);
      CHECK(std::abs(static_cast<double>(loss.item()) - std::log(static_cast<double>(classes))) < 4e-7);
      backward(loss);
      CHECK(std::abs(tape.gradient(logits).data()[0] - (1.0F / static_cast<float>(classes) - (classes == 1 ? 1 : 0))) < 2e-7F);
    }
}

TEST_CASE("cross entropy equals its definition, with labels to ignore, a mask, smoothing, and any divisor") {
  const Tensor<double> logits = normal_tensor({2, 3, 19}, 1);
  const Labels labels{0, 18, 7, 3, 7, 1};
  const std::vector<double> ones(6, 1), mask{1, 0.5, 0, 2, 1, 0};
  Tape<double> tape;
  const Var<double> z = tape.constant(logits);
  const auto close = [](double expected) { return doctest::Approx(expected).epsilon(1e-13); };
  CHECK(cross_entropy(z, labels).item() == close(by_definition(logits, labels, -1, ones, 0, 0)));
  CHECK(cross_entropy(z, labels, {.ignore_label = 7}).item() == close(by_definition(logits, labels, 7, ones, 0, 0)));
  CHECK(cross_entropy(z, labels, {.mask = mask}).item() == close(by_definition(logits, labels, -1, mask, 0, 0)));
  CHECK(cross_entropy(z, labels, {.label_smoothing = 0.1}).item() == close(by_definition(logits, labels, -1, ones, 0.1, 0)));
  CHECK(cross_entropy(z, labels, {.divide_by = 1}).item() == close(by_definition(logits, labels, -1, ones, 0, 1)));
  CHECK(cross_entropy(z, labels, {.ignore_label = 7, .mask = mask, .label_smoothing = 0.3, .divide_by = 4}).item() ==
        close(by_definition(logits, labels, 7, mask, 0.3, 4)));
}

TEST_CASE("cross entropy in one node equals the same loss composed of ops, with its gradient") {
  const Tensor<double> logits = normal_tensor({6, 19}, 2), one_hot_source = zeros<double>({6, 19});
  const Labels labels{0, 18, 7, 3, 7, 1};
  Tensor<double> one_hot = one_hot_source;
  for (std::size_t at = 0; at < labels.size(); ++at) one_hot.data()[at * 19 + static_cast<std::size_t>(labels[at])] = 1;

  Tape<double> tape;
  const Var<double> fused = tape.variable(logits), composed = tape.variable(logits);
  const Var<double> a = cross_entropy(fused, labels);
  const Var<double> b = mean(log(sum(exp(composed), -1)) - sum(tape.constant(one_hot) * composed, -1));
  CHECK(a.item() == doctest::Approx(b.item()).epsilon(1e-14));
  backward(a + 1 * b);
  const CheckedTensor compared = compare_gradients("logits", tape.gradient(fused), tape.gradient(composed), 1);
  CHECK_MESSAGE(compared.worst_error < 1e-14, compared.describe());
}

TEST_CASE("the gradient of cross entropy is softmax minus target, derived by hand, to 1e-12 of its largest entry") {
  //   L = −Σ_j t_j log p_j,  p_j = e^{z_j} / Σ_k e^{z_k}     so  ∂ log p_j / ∂z_k = [j = k] − p_k
  //   ∂L/∂z_k = −Σ_j t_j ([j = k] − p_k) = p_k Σ_j t_j − t_k = p_k − t_k
  const Tensor<double> logits = normal_tensor({4, 11}, 3);
  const Labels labels{10, 0, 5, 5};
  Tape<double> tape;
  const Var<double> z = tape.variable(logits);
  backward(cross_entropy(z, labels, {.label_smoothing = 0.2, .divide_by = 3}));
  Tensor<double> derived = zeros<double>({4, 11});
  for (std::size_t at = 0; at < 4; ++at) {
    double total = 0;
    for (std::size_t j = 0; j < 11; ++j) total += std::exp(logits.data()[at * 11 + j]);
    for (std::size_t j = 0; j < 11; ++j) {
      const double target = (static_cast<Index>(j) == labels[at] ? 0.8 : 0) + 0.2 / 11;
      derived.data()[at * 11 + j] = (std::exp(logits.data()[at * 11 + j]) / total - target) / 3;
    }
  }
  const CheckedTensor compared = compare_gradients("logits", tape.gradient(z), derived, 1);
  CHECK_MESSAGE(compared.worst_error < 1e-12, compared.describe());
}

TEST_CASE("every loss passes the gradient check, with every option") {
  const Labels labels{0, 6, 3, 3, 1, 2};
  const std::vector<double> mask{1, 0.5, 0, 2, 1, 0}, elements{1, 0, 2, 0.5, 1, 1};
  const auto passes = [](const char* name, const CheckedFunction& f, std::vector<CheckedInput> inputs) {
    const GradcheckResult result = gradcheck(f, std::move(inputs));
    CHECK_MESSAGE(result.passed, name, ": ", result.worst().describe());
  };
  const CheckedInput logits{"logits", normal_tensor({2, 3, 7}, 4)}, p{"prediction", normal_tensor({2, 3}, 5)},
      t{"target", normal_tensor({2, 3}, 6)};
  passes("cross_entropy", [&](Vars v) { return cross_entropy(v[0], labels); }, {logits});
  passes("cross_entropy of a view", [&](Vars v) { return cross_entropy(transpose(v[0], 0, 1), labels); }, {logits});
  passes("cross_entropy, all options",
         [&](Vars v) {
           return cross_entropy(v[0], labels, {.ignore_label = 6, .mask = mask, .label_smoothing = 0.1, .divide_by = 2});
         },
         {logits});
  passes("logits used twice", [&](Vars v) { return Var<double>(cross_entropy(v[0], labels) + sum(square(v[0]))); }, {logits});
  passes("nll", [&](Vars v) { return nll(v[0], labels, {.ignore_label = 3, .mask = mask, .label_smoothing = 0.1}); }, {logits});
  passes("mean_squared_error", [&](Vars v) { return mean_squared_error(v[0], v[1]); }, {p, t});
  passes("mean_squared_error, all options",
         [&](Vars v) { return mean_squared_error(v[0], v[1], {.mask = elements, .divide_by = 5}); }, {p, t});
  passes("sum_of_squares", [&](Vars v) { return sum_of_squares(v[0], v[1]); }, {p, t});
  passes("first_element_loss", [&](Vars v) { return first_element_loss(v[0], v[1]); }, {logits, t});
  passes("binary_cross_entropy", [&](Vars v) { return binary_cross_entropy(v[0], v[1]); }, {p, t});
  passes("binary_cross_entropy, all options",
         [&](Vars v) { return binary_cross_entropy(v[0], v[1], {.mask = elements, .divide_by = 5}); }, {p, t});
}

TEST_CASE("nll of log probabilities is cross entropy of their logits") {
  const Tensor<double> logits = normal_tensor({5, 7}, 7);
  const Labels labels{6, 0, 2, 2, 5};
  Tape<double> tape;
  const Var<double> z = tape.constant(logits);
  const Var<double> log_probabilities = z - log(sum(exp(z), -1));
  const LabelOptions<double> options{.ignore_label = 5, .label_smoothing = 0.25};
  CHECK(nll(log_probabilities, labels, options).item() ==
        doctest::Approx(cross_entropy(z, labels, options).item()).epsilon(1e-14));
}

TEST_CASE("what does not count is not looked at: neither its label nor its logits") {
  Tensor<double> logits = normal_tensor({3, 4}, 8);
  for (std::size_t j = 0; j < 4; ++j) logits.data()[4 + j] = std::numeric_limits<double>::quiet_NaN();
  const std::vector<double> mask{1, 0, 1};
  Tape<double> tape;
  const Var<double> z = tape.variable(logits);
  const Var<double> loss = cross_entropy(z, Labels{1, 99, 2}, {.mask = mask});
  CHECK(std::isfinite(loss.item()));
  backward(loss);
  for (double d : tape.gradient(z)) CHECK(std::isfinite(d));
  CHECK(tape.gradient(z).data()[5] == 0);

  using ElementLoss = Var<double> (*)(Var<double>, Var<double>, const LossOptions<double>&);
  for (const ElementLoss element_loss : {ElementLoss(&mean_squared_error), ElementLoss(&binary_cross_entropy)}) {
    tape.clear();
    const double nan = std::numeric_limits<double>::quiet_NaN();
    const Var<double> prediction = tape.variable(tensor<double>({4}, {0.5, nan, 1e300, 2}));
    const Var<double> target = tape.constant(tensor<double>({4}, {1, 0, nan, 0}));
    const std::vector<double> two{1, 0, 0, 1};
    const Var<double> l = element_loss(prediction, target, {.mask = two});
    CHECK(std::isfinite(l.item()));
    backward(l);
    const Tensor<double> gradient = tape.gradient(prediction);
    CHECK(gradient.data()[0] != 0);
    CHECK(gradient.data()[1] == 0);
    CHECK(gradient.data()[2] == 0);
    CHECK(std::isfinite(gradient.data()[3]));
  }
}

TEST_CASE("losses stay exact where a softmax or a sigmoid saturates") {
  Tape<double> tape;
  const Var<double> z = tape.variable(tensor<double>({2, 3}, {1e4, -1e4, 0, 0, 1e4, 1e4 - 1}));
  const Var<double> loss = cross_entropy(z, Labels{1, 2}, {.divide_by = 1});
  CHECK(loss.item() == doctest::Approx(2e4 + 1 + std::log1p(std::exp(-1.0))).epsilon(1e-15));
  const Var<double> x = tape.variable(tensor<double>({6}, {1e4, -1e4, 1e4, -1e4, 40, -40}));
  const Var<double> y = tape.constant(tensor<double>({6}, {1, 0, 0, 1, 1, 0}));
  const Var<double> right = slice(x, 0, 4, 6), wrong = slice(x, 0, 2, 4);
  CHECK(binary_cross_entropy(right, slice(y, 0, 4, 6)).item() == doctest::Approx(std::exp(-40.0)).epsilon(1e-14).scale(0));
  CHECK(binary_cross_entropy(wrong, slice(y, 0, 2, 4)).item() == 1e4);
  backward(loss + binary_cross_entropy(x, y));
  for (double d : tape.gradient(z)) CHECK(std::isfinite(d));
  for (double d : tape.gradient(x)) CHECK(std::isfinite(d));
  constexpr double infinity = std::numeric_limits<double>::infinity();
  const Var<double> sure = tape.constant(tensor<double>({4}, {infinity, -infinity, infinity, -infinity}));
  CHECK(binary_cross_entropy(slice(sure, 0, 0, 2), tape.constant(tensor<double>({2}, {1, 0}))).item() == 0);
  for (Index i = 2; i < 4; ++i)
    CHECK(binary_cross_entropy(slice(sure, 0, i, i + 1), tape.constant(tensor<double>({1}, {i == 2 ? 0.0 : 1.0}))).item() ==
          infinity);
  CHECK(tape.gradient(z).data()[0] == 1);
  CHECK(tape.gradient(z).data()[1] == -1);
}

TEST_CASE("a class ruled out by a logit of minus infinity costs nothing, and NaN is not hidden") {
  const double infinity = std::numeric_limits<double>::infinity();
  Tape<double> tape;
  const Var<double> z = tape.variable(tensor<double>({1, 3}, {0, -infinity, 0}));
  const Var<double> loss = cross_entropy(z, Labels{2});
  CHECK(loss.item() == doctest::Approx(std::log(2.0)));
  backward(loss);
  CHECK(tape.gradient(z).data()[1] == 0);
  tape.clear();
  for (Index at = 0; at < 19; ++at) {
    Tensor<double> values = zeros<double>({1, 19});
    values.data()[at] = std::numeric_limits<double>::quiet_NaN();
    CHECK(std::isnan(cross_entropy(tape.constant(values), Labels{0}).item()));
  }
}

TEST_CASE("in float a loss of many positions is summed in double") {
  Tape<float> tape;
  const Index many = 1 << 18;
  const Var<float> logits = tape.constant(full<float>({many, 2}, 0.0F));
  const Labels labels(static_cast<std::size_t>(many), 1);
  CHECK(cross_entropy(logits, labels, {.divide_by = 1}).item() == static_cast<float>(static_cast<double>(many) * std::log(2.0)));
}

TEST_CASE("shards that divide by the weight of the whole add up to it") {
  const Tensor<double> logits = normal_tensor({6, 4}, 9);
  const Labels labels{0, 1, -1, 3, 2, -1};
  Tape<double> tape;
  const Var<double> z = tape.constant(logits);
  const double whole = cross_entropy(z, labels, {.ignore_label = -1}).item();
  double sum_of_shards = 0;
  for (Index first : {0, 2, 4}) {
    const std::span<const Index> part(labels.data() + first, 2);
    sum_of_shards += cross_entropy(slice(z, 0, first, first + 2), part, {.ignore_label = -1, .divide_by = 4}).item();
  }
  CHECK(whole == doctest::Approx(sum_of_shards).epsilon(1e-15));
}

TEST_CASE("losses name what does not fit") {
  Tape<double> tape;
  const Var<double> z = tape.constant(zeros<double>({2, 3, 96}));
  const Var<double> a = tape.constant(zeros<double>({2, 3})), b = tape.constant(zeros<double>({3, 2}));
  const std::vector<double> two{1, 1}, negative{1, 1, -1, 1, 1, 1}, none(6, 0);
  const Labels labels(6, 0);
  CHECK(message_of<std::invalid_argument>([&] {
          cross_entropy(z, Labels{0, 0, 0, 0, 97, 0});
        }) == "cross_entropy: label 97 at position 4 is outside 96 classes");
  CHECK(message_of<std::invalid_argument>([&] {
          nll(z, Labels{0, -1, 0, 0, 0, 0});
        }) == "nll: label -1 at position 1 is outside 96 classes");
  CHECK(message_of<std::invalid_argument>([&] {
          cross_entropy(z, Labels{0, 0});
        }) == "cross_entropy: logits are [2, 3, 96], labels are 2: must be 6, one per position");
  CHECK(message_of<std::invalid_argument>([&] { cross_entropy(z, labels, {.mask = two}); }) ==
        "cross_entropy: mask has 2 weights: must be 6, one per position");
  CHECK(message_of<std::invalid_argument>([&] { cross_entropy(z, labels, {.mask = negative}); }) ==
        "cross_entropy: mask is -1 at position 2: must not be negative");
  CHECK(message_of<std::invalid_argument>([&] { cross_entropy(z, labels, {.mask = none}); }) ==
        "cross_entropy: nothing counts: there is no mean");
  CHECK(message_of<std::invalid_argument>([&] { cross_entropy(z, labels, {.label_smoothing = 1.5}); }) ==
        "cross_entropy: label_smoothing is 1.5: must lie in [0, 1]");
  CHECK(message_of<std::invalid_argument>([&] { cross_entropy(z, labels, {.divide_by = 0}); }) ==
        "cross_entropy: divide_by is 0: must be positive");
  CHECK(message_of<std::invalid_argument>([&] { cross_entropy(tape.constant(zeros<double>({})), Labels{0}); }) ==
        "cross_entropy: logits are []: must be [..., classes]");
  CHECK(message_of<std::invalid_argument>([&] { mean_squared_error(a, b); }) ==
        "mean_squared_error: prediction is [2, 3], target is [3, 2]: must have the same shape");
  CHECK(message_of<std::invalid_argument>([&] { sum_of_squares(a, b); }) ==
        "sum_of_squares: prediction is [2, 3], target is [3, 2]: must have the same shape");
  CHECK(message_of<std::invalid_argument>([&] {
          mean_squared_error(a, a, {.mask = std::vector<double>{1, 1, 1}});
        }) == "mean_squared_error: mask has 3 weights: must be 6 or 2, one per element or per row");
  CHECK(message_of<std::invalid_argument>([&] { binary_cross_entropy(a, b); }) ==
        "binary_cross_entropy: logits are [2, 3], targets are [3, 2]: must have the same shape");
  CHECK(message_of<std::invalid_argument>([&] { first_element_loss(z, b); }) ==
        "first_element_loss: h is [2, 3, 96], target is [3, 2]: must be [2, 3]");
}

TEST_CASE("where no position counts, a loss with a divisor is zero, and so is its gradient") {
  Tape<double> tape;
  const Var<double> z = tape.variable(normal_tensor({2, 3}, 10));
  const Var<double> loss = cross_entropy(z, Labels{-1, -1}, {.ignore_label = -1, .divide_by = 8});
  CHECK(loss.item() == 0);
  backward(loss);
  for (double d : tape.gradient(z)) CHECK(d == 0);
}

TEST_CASE("losses take nothing from the heap once they are warm") {
  const Labels labels{0, 2, 1, 2};
  const std::vector<double> mask{1, 0, 2, 1}, rows{1, 0.5};
  const Tensor<double> values = normal_tensor({2, 2, 3}, 11), targets = normal_tensor({2, 2}, 12);
  Tape<double> tape;
  std::uint64_t before = 0;
  for (int step = 0; step < 4; ++step) {
    if (step == 2) before = allocations();
    tape.clear();
    const Var<double> x = tape.variable(values), y = tape.constant(targets), first = at(x, -1, 0);
    backward(cross_entropy(x, labels, {.mask = mask, .label_smoothing = 0.1}) + nll(x, labels) + sum_of_squares(first, y) +
             first_element_loss(x, y) + mean_squared_error(first, y, {.mask = rows}) + binary_cross_entropy(first, y));
  }
  CHECK(allocations() == before);
}
