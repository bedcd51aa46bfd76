#include <carousel/tasks/add/data.hpp>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <stdexcept>

#include <doctest/doctest.h>

#include "tests/support/folder.hpp"

using namespace carousel;

TEST_CASE("sums have 5 to 15 numbers in [0, 1), each length as likely as another, and add all of them up") {
  Random random(1);
  std::vector<int> seen(16);
  double mean = 0;
  constexpr int draws = 11000;
  for (int i = 0; i < draws; ++i) {
    const Addition addition = draw_sum(random, 5, 15);
    REQUIRE(addition.numbers.size() >= 5);
    REQUIRE(addition.numbers.size() <= 15);
    ++seen[addition.numbers.size()];
    for (const float x : addition.numbers) CHECK((x >= 0 && x < 1));
    mean += addition.sum() / draws;
  }
  for (std::size_t length = 5; length <= 15; ++length) CHECK(std::abs(seen[length] - 1000) < 4 * 31);
  CHECK(std::abs(mean - 5) < 0.07);  // √(3.33 / 11000) = 0.017
  CHECK(Addition{{0.5F, 0.25F, 1}, {}}.sum() == 1.75);
  CHECK_THROWS_WITH_AS(draw_sum(random, 0, 3), "add: 0 to 3 numbers: must be at least 1, and no fewer at most than at least",
                       std::invalid_argument);
  CHECK_THROWS_WITH_AS(draw_sum(random, 4, 3), "add: 4 to 3 numbers: must be at least 1, and no fewer at most than at least",
                       std::invalid_argument);
}

TEST_CASE("an adding problem marks one number in each half, anywhere in it, and adds these up") {
  Random random(2);
  std::vector<int> seen(7);
  double squares = 0;
  for (int i = 0; i < 7000; ++i) {
    const Addition addition = draw_adding(random, 7);
    CHECK(addition.numbers.size() == 7);
    CHECK(std::count(addition.marked.begin(), addition.marked.end(), true) == 2);
    CHECK(std::count(addition.marked.begin(), addition.marked.begin() + 3, true) == 1);
    for (std::size_t t = 0; t < 7; ++t) seen[t] += addition.marked[t];
    squares += std::pow(addition.sum() - 1, 2) / 7000;
  }
  for (std::size_t t = 0; t < 7; ++t) CHECK(std::abs(seen[t] - (t < 3 ? 7000 / 3 : 7000 / 4)) < 160);  // a deviation is 40
  CHECK(std::abs(squares - 1.0 / 6) < 0.01);  // the baseline of who always says 1
  CHECK(Addition{{0.5F, 0.25F, 1}, {true, false, true}}.sum() == 1.5);
  CHECK_THROWS_WITH_AS(draw_adding(random, 1), "add: 1 steps of the adding problem: must be at least 2", std::invalid_argument);
}

TEST_CASE("side by side, what lies beyond a length is no number") {
  const std::vector<Addition> additions{{{0.5F}, {}}, {{0.25F, 0.125F, 1}, {}}};
  const AdditionBatch batch = side_by_side(additions);
  CHECK(shape_of(batch.xs) == Shape{3, 2, 1});
  CHECK(batch.lengths == std::vector<Index>{1, 3});
  CHECK(batch.xs(0, 0, 0) == 0.5F);
  CHECK(std::isnan(batch.xs(1, 0, 0)));
  CHECK(std::isnan(batch.xs(2, 0, 0)));
  CHECK(batch.xs(2, 1, 0) == 1);
  CHECK(batch.sums(0, 0) == 0.5F);
  CHECK(batch.sums(1, 0) == 1.375F);

  const std::vector<Addition> marked{{{0.5F, 0.25F}, {true, false}}};
  const AdditionBatch two = side_by_side(marked);
  CHECK(shape_of(two.xs) == Shape{2, 1, 2});
  CHECK(two.xs(0, 0, 1) == 1);
  CHECK(two.xs(1, 0, 1) == 0);
  CHECK(two.sums(0, 0) == 0.5F);
  CHECK_THROWS_WITH_AS(side_by_side(std::vector<Addition>{}), "add: a batch of 0: must be at least 1", std::invalid_argument);
  CHECK_THROWS_WITH_AS(side_by_side(std::vector<Addition>{{}}), "add: nothing to add up: must be at least one number",
                       std::invalid_argument);
}

TEST_CASE("additions are read from lines, and an error names file, line and column") {
  const test::Folder folder;
  const std::string path = folder / "numbers";
  const auto read = [&](const std::string& text, bool marks) {
    std::ofstream(path) << text;
    return read_additions(path, marks);
  };
  const std::vector<Addition> plain = read("0.5 1e-1\n\n,2,\t-3\r\n", false);
  CHECK(plain.size() == 2);
  CHECK(plain[0].numbers == std::vector<float>{0.5F, 0.1F});
  CHECK(plain[0].marked.empty());
  CHECK(plain[1].numbers == std::vector<float>{2, -3});
  const std::vector<Addition> marked = read("0.5 1* 2*\n", true);
  CHECK(marked[0].numbers == std::vector<float>{0.5F, 1, 2});
  CHECK(marked[0].marked == std::vector<bool>{false, true, true});
  CHECK(words(marked[0]) == "0.5 1* 2*");
  CHECK(words(plain[1]) == "2 -3");
  const auto refuses = [&](const std::string& text, bool marks, const std::string& error) {
    CHECK_THROWS_WITH_AS(read(text, marks), ("read " + path + ": " + error).c_str(), std::runtime_error);
  };
  refuses("1 2\n3 x 4\n", false, "line 2: column 3: \"x\": must be a number");
  refuses("1 2*\n", false, "line 1: column 3: \"2*\": must be a number");
  refuses("1 *\n", true, "line 1: column 3: \"*\": must be a number, with a star if it counts");
  refuses("1 nan\n", false, "line 1: column 3: \"nan\": must be a number");
  refuses("1 1e99\n", false, "line 1: column 3: \"1e99\": must be a number");
  refuses("\n \n", false, "there are no numbers: must be at least one line of them");
}
