#include <unistd.h>

#include <array>
#include <cmath>
#include <set>
#include <string>

#include <doctest/doctest.h>

#include <carousel/tasks/base/metric.hpp>
#include <carousel/tasks/base/task.hpp>
#include <carousel/tasks/runs/run_folder.hpp>

#include "tests/support/folder.hpp"
#include "tests/tasks/written.hpp"

using namespace carousel;

TEST_CASE("a result line names the task and its metrics with six digits") {
  CHECK(result_line("echo", std::array{Metric{"loss", 2.610762345e-06}}) == "result: echo loss=2.61076e-06");
  CHECK(result_line("count", std::array{Metric{"starts_right", 9}, Metric{"starts", 9}, Metric{"loss", 0.165}}) ==
        "result: count starts_right=9 starts=9 loss=0.165");
  CHECK(result_line("x", {}) == "result: x");
}

TEST_CASE("a result that is not finite is said to be, and is no good end") {
  int code = -1;
  std::string out, err;
  const auto print_three = [&](double third) {
    err = test::written_to(STDERR_FILENO, [&] {
      out = test::written_to(STDOUT_FILENO, [&] { code = print_result("x", {{"loss", 1}, {"auc", 0.5}, {"mse", third}}); });
    });
  };
  print_three(2);
  CHECK(code == exit_done);
  CHECK(out == "result: x loss=1 auc=0.5 mse=2\n");
  CHECK(err.empty());
  print_three(HUGE_VAL);
  CHECK(code == exit_bad_result);
  CHECK(out == "result: x loss=1 auc=0.5 mse=inf\n");
  CHECK(err == "carousel: mse is inf: must be a finite number\n");
  print_three(-std::nan(""));  // whatever its sign
  CHECK(code == exit_bad_result);
  CHECK(err == "carousel: mse is nan: must be a finite number\n");
}

TEST_CASE("every task has a name of its own, a line about it, an example that calls it, and trains") {
  std::set<std::string> names;
  for (const Task& task : all_tasks()) {
    CAPTURE(task.name);
    CHECK(names.insert(task.name).second);
    CHECK_FALSE(task.about.empty());
    CHECK(task.about.find('\n') == std::string::npos);
    CHECK(task.example.starts_with("carousel train " + task.name));
    CHECK(task.train);
  }
  CHECK(names.contains("echo"));
  CHECK(names.contains("count"));
}

TEST_CASE("a run is a file, or a folder whose best checkpoint is taken, or else the last") {
  const test::Folder folder;
  const std::string run = folder / "run", best = folder / "run/best.safetensors", last = folder / "run/last.safetensors";
  CHECK_THROWS_WITH_AS(find_checkpoint(run), (run + ": there is no such folder or file").c_str(), std::runtime_error);
  std::filesystem::create_directory(run);
  CHECK_THROWS_WITH_AS(
      find_checkpoint(run),
      (run + ": holds no best.safetensors and no last.safetensors: must be a folder that a training saved in, or a file of it")
          .c_str(),
      std::runtime_error);
  test::write_text(last, "x");
  CHECK(find_checkpoint(run) == last);
  test::write_text(best, "x");
  CHECK(find_checkpoint(run) == best);
  CHECK(find_checkpoint(last) == last);
}
