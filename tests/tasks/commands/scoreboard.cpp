#include <carousel/tasks/commands/scoreboard.hpp>

#include <unistd.h>

#include <exception>
#include <filesystem>
#include <set>

#include <doctest/doctest.h>

#include <carousel/tasks/base/interrupt.hpp>
#include <carousel/tasks/base/task.hpp>

#include "tests/tasks/written.hpp"

using namespace carousel;

namespace {

/// A program that trains as it is told by the seed: "…--seed N…" gives accuracy=0.N; of the task "broken" it fails.
constexpr const char* program = R"(#!/bin/sh
task=$2
echo "$@" >>"$0.calls"
while [ $# -gt 1 ]; do
  [ "$1" = --seed ] && seed=$2
  shift
done
if [ "$task" = broken ]; then echo 'carousel: it fell | apart' >&2; exit 1; fi
echo "accuracy=7"
echo "result: $task accuracy=0.$seed other=2"
)";

struct Board {
  test::Folder folder;
  ScoreboardOptions options;
  std::string out, err;

  Board() {
    options.program = folder / "program", options.out = folder / "board.md", options.commit = "abc";
    test::write_text(options.program, program);
    std::filesystem::permissions(options.program, std::filesystem::perms::owner_all);
  }
  int run(const std::vector<ScoreRun>& runs) {
    int code = -1;
    std::exception_ptr error;
    const auto call = [&] {
      try {
        code = run_scoreboard(runs, options);
      } catch (...) {
        error = std::current_exception();
      }
    };
    err = test::written_to(STDERR_FILENO, [&] { out = test::written_to(STDOUT_FILENO, call); });
    if (error) std::rethrow_exception(error);
    return code;
  }
  bool has(const std::string& line) const { return test::read_text(options.out).find(line + "\n") != std::string::npos; }
  std::string calls() const { return test::read_text(options.program + ".calls"); }
};

ScoreRun good_run() {
  return {.task = "good",
          .options = "--cell gru",
          .seeds = {3, 1, 2},
          .metrics = {{.name = "accuracy", .at_least = 0.2, .source = "0.1 (a paper)"}, {.name = "other"}}};
}

/// The line with the minutes left out: they are a few thousandths.
std::string line(const std::string& before, const std::string& after = " | 0.00 | abc |") {
  return before + after;
}

}  // namespace

TEST_CASE("the median of the seeds stands in the row, beside bar and source") {
  Board board;
  CHECK(board.run({good_run()}) == exit_done);
  CHECK(board.has(line("| good | `--cell gru` | accuracy | 0.2 | ≥ 0.2 | 0.1 (a paper) | 3, 1, 2")));
  CHECK(board.has(line("| good | `--cell gru` | other | 2 | – | – | 3, 1, 2")));
  CHECK(board.out.ends_with("\nresult: scoreboard good=2 worse=0 failed=0 missing=0\n"));
  const std::string calls = board.calls();
  CHECK(calls.starts_with("train good --cell gru --seed 3 --quiet --out /"));
  CHECK(std::count(calls.begin(), calls.end(), '\n') == 3);
}

TEST_CASE("a metric beyond its bar, on either side, is worse, and with --check a bad result") {
  Board board;
  const std::vector<ScoreRun> runs = {
      {.task = "low", .options = "", .seeds = {3}, .metrics = {{.name = "accuracy", .at_least = 0.31}}},
      {.task = "high", .options = "", .seeds = {3}, .metrics = {{.name = "accuracy", .at_least = 0.1, .at_most = 0.2}}},
      {.task = "slow", .options = "", .seeds = {3}, .metrics = {{.name = "accuracy"}}, .minutes = 0}};
  CHECK(board.run(runs) == exit_done);
  board.options.check = true;
  CHECK(board.run(runs) == exit_bad_result);
  CHECK(board.has(line("| low | – | accuracy | **worse** 0.3 | ≥ 0.31 | – | 3")));
  CHECK(board.has(line("| high | – | accuracy | **worse** 0.3 | 0.1 to 0.2 | – | 3")));
  CHECK(board.has(line("| slow | – | accuracy | **worse** 0.3 | – | – | 3", " | 0.00 (≤ 0) | abc |")));
  CHECK(board.out.ends_with("\nresult: scoreboard good=0 worse=3 failed=0 missing=0\n"));
}

TEST_CASE("a training that fails does not lose the others, and is a bad result") {
  Board board;
  for (const Index jobs : {1, 3}) {
    board.options.jobs = jobs;
    const ScoreRun broken{.task = "broken", .options = "", .seeds = {1, 2}, .metrics = {{.name = "accuracy"}}};
    const ScoreRun other{.task = "other", .options = "", .seeds = {1}, .metrics = {{.name = "loss", .at_most = 1}}};
    CHECK(board.run({broken, good_run(), other}) == exit_bad_result);
    CHECK(board.has(line("| broken | – | accuracy | failed with code 1: carousel: it fell / apart | – | – | 1, 2")));
    CHECK(board.has(line("| good | `--cell gru` | accuracy | 0.2 | ≥ 0.2 | 0.1 (a paper) | 3, 1, 2")));
    CHECK(board.has(line("| other | – | loss | failed: no such metric | ≤ 1 | – | 1")));
    CHECK(board.out.ends_with("\nresult: scoreboard good=2 worse=0 failed=2 missing=0\n"));
  }
}

TEST_CASE("only the tasks that were asked for are trained, and rows of the others stay as they were") {
  Board board;
  const ScoreRun other{.task = "other", .options = "", .seeds = {1}, .metrics = {{.name = "accuracy"}}};
  board.options.tasks = {"other"};
  CHECK(board.run({good_run(), other}) == exit_done);
  CHECK(board.has("| good | `--cell gru` | accuracy | not run | ≥ 0.2 | 0.1 (a paper) | 3, 1, 2 | – | – |"));
  board.options.tasks = {"good"};
  board.options.commit = "def";
  CHECK(board.run({good_run(), other}) == exit_done);
  CHECK(board.has(line("| good | `--cell gru` | accuracy | 0.2 | ≥ 0.2 | 0.1 (a paper) | 3, 1, 2", " | 0.00 | def |")));
  CHECK(board.has(line("| other | – | accuracy | 0.1 | – | – | 1")));
}

TEST_CASE(
    "a row that is not run again has the bar and the source of today, and is judged by them; of other seeds it is not run") {
  Board board;
  const ScoreRun other{.task = "other", .options = "", .seeds = {1}, .metrics = {{.name = "accuracy"}}};
  CHECK(board.run({good_run(), other}) == exit_done);
  board.options.tasks = {"other"};
  ScoreRun today = good_run();
  today.metrics[0] = {.name = "accuracy", .at_least = 0.21, .source = "0.15 (a later paper)"};
  today.metrics[1].at_most = 2;
  today.minutes = 5;
  CHECK(board.run({today, other}) == exit_done);
  CHECK(board.has(
      "| good | `--cell gru` | accuracy | **worse** 0.2 | ≥ 0.21 | 0.15 (a later paper) | 3, 1, 2 | 0.00 (≤ 5) | abc |"));
  CHECK(board.has("| good | `--cell gru` | other | 2 | ≤ 2 | – | 3, 1, 2 | 0.00 (≤ 5) | abc |"));
  CHECK(board.run({good_run(), other}) == exit_done);
  CHECK(board.has("| good | `--cell gru` | accuracy | 0.2 | ≥ 0.2 | 0.1 (a paper) | 3, 1, 2 | 0.00 | abc |"));
  today.seeds = {1};
  CHECK(board.run({today, other}) == exit_done);
  CHECK(board.has("| good | `--cell gru` | accuracy | not run | ≥ 0.21 | 0.15 (a later paper) | 1 | – | – |"));
}

TEST_CASE("a training whose data are not there is left out, and says so") {
  Board board;
  const ScoreRun run{.task = "good",
                     .options = "--input $CAROUSEL_DATA/a/text",
                     .seeds = {1},
                     .metrics = {{.name = "accuracy"}},
                     .needs = "a/text"};
  CHECK(board.run({run}) == exit_done);
  CHECK(board.has("| good | `--input $CAROUSEL_DATA/a/text` | accuracy | no data: a/text | – | – | 1 | – | abc |"));
  CHECK(board.out.ends_with("\nresult: scoreboard good=0 worse=0 failed=0 missing=1\n"));
  board.options.data = board.folder / "";
  std::filesystem::create_directory(board.folder / "a");
  test::write_text(board.folder / "a/text", "");
  CHECK(board.run({run}) == exit_done);
  CHECK(board.calls().starts_with("train good --input " + board.options.data + "/a/text --seed 1 "));
}

TEST_CASE("a file that cannot be written is refused before the work") {
  Board board;
  board.options.out = board.folder / "nowhere/board.md";
  CHECK_THROWS_AS(board.run({good_run()}), std::runtime_error);
  CHECK_FALSE(std::filesystem::exists(board.options.program + ".calls"));
}

TEST_CASE("every row of the scoreboard is of a task that there is, with seeds and metrics, and none is there twice") {
  std::set<std::string> tasks, rows;
  for (const Task& task : all_tasks()) tasks.insert(task.name);
  for (const ScoreRun& run : score_runs()) {
    CAPTURE(run.task);
    CHECK(tasks.contains(run.task));
    CHECK_FALSE(run.seeds.empty());
    for (const ScoreMetric& metric : run.metrics) CHECK(rows.insert(run.task + run.options + " " + metric.name).second);
  }
}
