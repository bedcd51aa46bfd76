#include <carousel/tasks/commands/scoreboard_command.hpp>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <optional>

#include <carousel/lib/error.hpp>
#include <carousel/tasks/base/interrupt.hpp>
#include <carousel/tasks/base/text.hpp>
#include <carousel/tasks/commands/scoreboard.hpp>
#include <carousel/tasks/training/command_line.hpp>

namespace carousel {

void declare_scoreboard(CLI::App& app, Command& chosen) {
  struct Given {
    std::optional<std::string> tasks, out, data;
    std::optional<Index> jobs;
    bool check = false;
  };
  const auto given = std::make_shared<Given>();
  CLI::App& board =
      detail::declare_command(app, "scoreboard", "trains every task with fixed seeds, hours in all, and notes the results",
                              "example: carousel scoreboard --tasks copy,sort --jobs 2");
  detail::declare_optional(board, "--tasks", "A,B", given->tasks, "only these; the rows of the others are kept");
  detail::declare_optional(board, "--out", "FILE", given->out, "file to write (tasks/SCOREBOARD.md of the tree)");
  detail::declare_flag(board, "--check", "exit code 1 where a metric is worse than its bar", [given] { given->check = true; });
  detail::declare_optional(board, "--jobs", "N", given->jobs, "trainings at a time, each on one core (1)",
                           {.at_least = 1, .at_most = 64});
  detail::declare_optional(board, "--data", "DIR", given->data, detail::data_help);
  detail::on_command(board, [given, &chosen] {
    chosen = [given] {
      Rule rule;
      for (const ScoreRun& run : score_runs())
        if (std::find(rule.one_of.begin(), rule.one_of.end(), run.task) == rule.one_of.end()) rule.one_of.push_back(run.task);
      ScoreboardOptions options{.out = given->out.value_or(default_scoreboard()),
                                .check = given->check,
                                .jobs = given->jobs.value_or(1),
                                .data = given->data.value_or(detail::data_folder()),
                                .program = std::filesystem::read_symlink("/proc/self/exe").string(),
                                .commit = current_commit()};
      if (given->tasks)
        for (const std::string& task : split(*given->tasks, ","))
          detail::read_value("--tasks", task, rule, options.tasks.emplace_back());
      if (options.out.empty()) wrong_argument("--out: the tree that this program was built from is not there: must name a file");
      if (!options.data.empty()) setenv("CAROUSEL_DATA", options.data.c_str(), 1);  // for the trainings
      watch_for_interrupt();
      return run_scoreboard(score_runs(), options);
    };
  });
}

}  // namespace carousel
