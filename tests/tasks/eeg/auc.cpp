#include <carousel/tasks/eeg/auc.hpp>

#include <array>
#include <limits>
#include <memory>
#include <stdexcept>
#include <vector>

#include <doctest/doctest.h>
#include <carousel/lib/numbers/random.hpp>

using namespace carousel;

namespace {
template <std::size_t n>
double area(const std::array<float, n>& scores, const std::array<bool, n>& labels) {
  return auc(scores, labels);
}
}  // namespace

TEST_CASE("the area is the share of pairs that are in order, ties half") {
  CHECK(area<4>({0.1F, 0.4F, 0.35F, 0.8F}, {false, false, true, true}) == 0.75);  // of scikit-learn's documentation
  CHECK(area<4>({1, 2, 3, 4}, {false, false, true, true}) == 1);
  CHECK(area<4>({4, 3, 2, 1}, {false, false, true, true}) == 0);
  CHECK(area<4>({5, 5, 5, 5}, {false, true, true, false}) == 0.5);
  CHECK(area<5>({1, 2, 2, 2, 3}, {false, true, false, true, true}) == 5.0 / 6);
  CHECK(area<3>({-std::numeric_limits<float>::infinity(), 0, 0.5F}, {false, false, true}) == 1);
  CHECK(area<2>({-0.0F, 0.0F}, {true, false}) == 0.5);
}

TEST_CASE("the area equals a count of all pairs, whatever the order of the rows") {
  Random random(5);
  constexpr std::size_t n = 300;
  std::vector<float> scores(n);
  const auto labels = std::make_unique<bool[]>(n);
  for (std::size_t i = 0; i < n; ++i) {
    labels[i] = random.below(4) == 0;
    scores[i] = static_cast<float>(random.below(20) + (labels[i] ? 3 : 0));  // with many ties
  }
  double wins = 0, pairs = 0;
  for (std::size_t i = 0; i < n; ++i)
    for (std::size_t j = 0; j < n; ++j)
      if (labels[i] && !labels[j]) ++pairs, wins += scores[i] > scores[j] ? 1 : scores[i] == scores[j] ? 0.5 : 0;
  CHECK(auc(scores, {labels.get(), n}) == wins / pairs);
}

TEST_CASE("there is no area without labels of both kinds, or of scores that are not numbers") {
  CHECK_THROWS_WITH_AS(area<2>({1, 2}, {true, true}), "auc: labels are all true: must be of both kinds", std::invalid_argument);
  CHECK_THROWS_WITH_AS(area<2>({1, 2}, {false, false}), "auc: labels are all false: must be of both kinds",
                       std::invalid_argument);
  CHECK_THROWS_WITH_AS(area<2>({1, std::numeric_limits<float>::quiet_NaN()}, {false, true}),
                       "auc: score 1 is nan: must be a number", std::invalid_argument);
  const std::array<float, 3> scores{};
  const std::array<bool, 2> labels{};
  CHECK_THROWS_WITH_AS(auc(scores, labels), "auc: 3 scores, 2 labels: must be as many", std::invalid_argument);
}

TEST_CASE("a ROC curve goes from nothing to all, and the area below it is auc()") {
  const std::array<float, 4> scores{0.1F, 0.4F, 0.35F, 0.8F};
  const std::array<bool, 4> labels{false, false, true, true};
  const RocCurve curve = roc(scores, labels);
  CHECK(curve.false_rate == std::vector<double>{0, 0, 0.5, 0.5, 1});
  CHECK(curve.true_rate == std::vector<double>{0, 0.5, 0.5, 1, 1});
  Random random(6);
  std::vector<float> many(200);
  const auto kinds = std::make_unique<bool[]>(many.size());
  for (std::size_t i = 0; i < many.size(); ++i)
    kinds[i] = random.below(3) == 0, many[i] = static_cast<float>(random.below(15) + (kinds[i] ? 4 : 0));
  const std::span<const bool> all(kinds.get(), many.size());
  const RocCurve stepped = roc(many, all);
  double area = 0;
  for (std::size_t i = 1; i < stepped.true_rate.size(); ++i) {
    CHECK(stepped.false_rate[i] >= stepped.false_rate[i - 1]);
    area += (stepped.false_rate[i] - stepped.false_rate[i - 1]) * (stepped.true_rate[i] + stepped.true_rate[i - 1]) / 2;
  }
  CHECK(area == doctest::Approx(auc(many, all)));
  CHECK(stepped.true_rate.front() == 0);
  CHECK(stepped.true_rate.back() == 1);
  CHECK_THROWS_WITH(roc(scores, std::span(labels).first(2)), "auc: 4 scores, 2 labels: must be as many");
}
