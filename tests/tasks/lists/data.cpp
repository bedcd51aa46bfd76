#include <carousel/tasks/lists/data.hpp>

#include <algorithm>
#include <cstdlib>
#include <map>
#include <set>
#include <stdexcept>

#include <doctest/doctest.h>

#include "tests/support/folder.hpp"

using namespace carousel;

TEST_CASE("a list is copied, reversed, and sorted by value or by digits") {
  const List list{10, 2, 19, 0, 1, 3};
  CHECK(solution(ListTask::copy, list) == list);
  CHECK(solution(ListTask::reverse, list) == List{3, 1, 0, 19, 2, 10});
  CHECK(solution(ListTask::sort, list) == List{0, 1, 2, 3, 10, 19});
  CHECK(solution(ListTask::sort_as_strings, list) == List{0, 1, 10, 19, 2, 3});
}

TEST_CASE("drawn lists hold distinct numbers, and every list is as likely as another") {
  Random random(1);
  std::map<List, int> seen;
  constexpr int draws = 60000;
  for (int i = 0; i < draws; ++i) ++seen[draw_list(random, 2, 4)];
  CHECK(seen.size() == 12);
  for (const auto& [list, times] : seen) {
    CHECK(list.size() == 2);
    CHECK(list[0] != list[1]);
    CHECK(std::abs(times - draws / 12) < 4 * 68);  // √(n p (1 − p)) = 68
  }
  List all = draw_list(random, 20, 20);
  std::sort(all.begin(), all.end());
  for (std::size_t i = 0; i < 20; ++i) CHECK(all[i] == static_cast<Index>(i));
  CHECK_THROWS_WITH_AS(draw_list(random, 5, 4), "lists: 5 distinct numbers of 0 to 3: must be 1 to 4 of them",
                       std::invalid_argument);
  CHECK_THROWS_WITH_AS(draw_list(random, 0, 4), "lists: 0 distinct numbers of 0 to 3: must be 1 to 4 of them",
                       std::invalid_argument);
}

TEST_CASE("lists to train, validate and test on have nothing in common, however few there are") {
  const ListData data(Random(3), 3, 19);  // of 5,814 lists
  std::set<List> held_out(data.test().begin(), data.test().end());
  held_out.insert(data.validation().begin(), data.validation().end());
  CHECK(held_out.size() == 2500);
  std::set<List> trained;
  for (Index n = 0; n < 30000; ++n) trained.insert(data.training(n));
  CHECK(trained.size() > 3300);
  CHECK(std::none_of(trained.begin(), trained.end(), [&](const List& list) { return held_out.contains(list); }));
  CHECK_THROWS_WITH_AS(ListData(Random(3), 3, 18),
                       "lists: there are 4896 of 3 distinct numbers of 0 to 17: must be at least 5000, half of them to train on",
                       std::invalid_argument);
  CHECK_THROWS_WITH_AS(ListData(Random(3), 21, 20), "lists: 21 distinct numbers of 0 to 19: must be 1 to 20 of them",
                       std::invalid_argument);
}

TEST_CASE("held-out lists follow the seed, training lists their number") {
  const ListData data(Random(3), 10, 20), same(Random(3), 10, 20), other(Random(4), 10, 20);
  CHECK(data.validation().size() == 500);
  CHECK(data.test().size() == 2000);
  CHECK(data.test() == same.test());
  CHECK(data.test() != other.test());
  CHECK(data.training(7) == same.training(7));
  CHECK(data.training(7) != data.training(8));
  CHECK(data.training(7) != other.training(7));
}

TEST_CASE("files of lists are read line by line") {
  const test::Folder folder;
  const std::string path = folder / "lists.txt";
  test::write_text(path, "3 1 2\n\n10,0, 7\r\n  19\t5");
  CHECK(read_lists(path, 20) == std::vector<List>{{3, 1, 2}, {10, 0, 7}, {19, 5}});
  const auto error_of = [&](const std::string& text) -> std::string {
    test::write_text(path, text);
    try {
      read_lists(path, 20);
    } catch (const std::runtime_error& error) {
      return std::string(error.what()).substr(("read " + path + ": ").size());
    }
    return "none";
  };
  CHECK(error_of("1 2\n3 20\n") == "line 2: \"20\": must be a whole number of 0 to 19");
  std::string longest;
  for (Index n = 0; n < longest_list; ++n) longest += "1 ";
  CHECK(error_of(longest + "\n") == "none");
  CHECK(error_of(longest + "1\n") == "line 1: has 1001 numbers: must be at most 1000, as memory grows with their square");
  CHECK(error_of("1 -2\n") == "line 1: \"-2\": must be a whole number of 0 to 19");
  CHECK(error_of("1\n\nx 2\n") == "line 3: \"x\": must be a whole number of 0 to 19");
  CHECK(error_of("1 2.5\n") == "line 1: \"2.5\": must be a whole number of 0 to 19");
  CHECK(error_of("99999999999999999999\n") == "line 1: \"99999999999999999999\": must be a whole number of 0 to 19");
  CHECK(error_of("\n \n") == "holds no list: must have one a line");
  CHECK(error_of("") == "holds no list: must have one a line");
}

TEST_CASE("lists of one length stand side by side, step by step") {
  CHECK(side_by_side(std::vector<List>{{1, 2, 3}, {4, 5, 6}}) == std::vector<Index>{1, 4, 2, 5, 3, 6});
  CHECK(side_by_side({}).empty());
  CHECK(words(List{3, 1, 12}) == "3 1 12");
}
