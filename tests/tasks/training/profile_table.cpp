#include <carousel/tasks/training/profile_table.hpp>

#include <doctest/doctest.h>

using namespace carousel;

TEST_CASE("the profile of a step, as a table whose parts add up to 100 percent") {
  ProfileReport report{.steps = 2};
  report.ops = {{"affine", 0.002, 0.004, 2e6, 1e6, 8}, {"σ(·)∘·", 0.001, 0.001, 4e6, 0, 4}, {"sum", 0.0005, 0.0005, 0, 0, 2}};
  report.layers = {{"layer 0", 0.003, 0.0055, 6e6, 1e6, 14}, {"update of parameters", 0, 0.0005, 0, 0, 0}};
  CHECK(profile_table(report) ==
        "profile of 2 steps; of one step: calls, milliseconds, part of the time, megabytes\n"
        "\n"
        "op                                              calls   forward  backward     time    values gradients\n"
        "affine                                            4.0     1.000     2.000    66.7%     1.000     0.500\n"
        "σ(·)∘·                                            2.0     0.500     0.500    22.2%     2.000     0.000\n"
        "sum                                               1.0     0.250     0.250    11.1%     0.000     0.000\n"
        "all                                               7.0     1.750     2.750   100.0%     3.000     0.500\n"
        "\n"
        "layer                                           calls   forward  backward     time    values gradients\n"
        "layer 0                                           7.0     1.500     2.750    94.4%     3.000     0.500\n"
        "update of parameters                              0.0     0.000     0.250     5.6%     0.000     0.000\n"
        "all                                               7.0     1.500     3.000   100.0%     3.000     0.500\n");
}

TEST_CASE("long tables are cut, long names too, and nothing is lost from the sums") {
  ProfileReport report{.steps = 1};
  for (int i = 0; i < 20; ++i) report.ops.push_back({.name = "op" + std::string(60, 'x'), .forward_seconds = 0.001, .calls = 1});
  const std::string table = profile_table(report);
  CHECK(table.find("op" + std::string(41, 'x') + "…") != std::string::npos);
  CHECK(table.find("9 others") != std::string::npos);
  CHECK(table.find("all                                              20.0    20.000     0.000   100.0%") != std::string::npos);
}

TEST_CASE("profile.json has every row") {
  ProfileReport report{.steps = 3};
  report.ops = {{"sum", 0.5, 0.25, 8, 16, 3}};
  CHECK(profile_json(report).find("\"forward_seconds\": 0.5,\n") != std::string::npos);
  CHECK(profile_json(report).starts_with("{\n \"steps\": 3,\n \"ops\": ["));
}
