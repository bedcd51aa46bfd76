#include <carousel/tasks/commands/compare.hpp>

#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>
#include <set>

#include <carousel/lib/error.hpp>
#include <carousel/tasks/base/metric.hpp>
#include <carousel/tasks/base/text.hpp>
#include <carousel/tasks/base/text_table.hpp>
#include <carousel/tasks/drawing/sparkline.hpp>
#include <carousel/tasks/drawing/svg.hpp>
#include <carousel/tasks/runs/run_folder.hpp>
#include <carousel/tasks/training/arguments.hpp>
#include <carousel/tasks/training/training_progress.hpp>

namespace carousel {

namespace {

using Rows = std::vector<std::vector<std::string>>;

/// A row of a name and what `cell` says of each run.
template <class F>
std::vector<std::string> row(const std::string& name, const std::vector<RunRecord>& runs, const F& cell) {
  std::vector<std::string> cells = {"  " + name};
  for (const RunRecord& run : runs) cells.push_back(cell(run));
  return cells;
}

/// Names in the order in which they come first.
class Names {
 public:
  void add(const std::string& name) {
    if (std::find(all_.begin(), all_.end(), name) == all_.end()) all_.push_back(name);
  }
  const std::vector<std::string>& all() const { return all_; }

 private:
  std::vector<std::string> all_;
};

bool one_task(const std::vector<RunRecord>& runs) {
  return std::all_of(runs.begin(), runs.end(), [&](const RunRecord& run) { return run.task == runs.front().task; });
}

void add_options(const std::vector<RunRecord>& runs, Rows& rows) {
  std::set<std::string> names;
  for (const RunRecord& run : runs)
    for (const auto& [name, value] : run.options) names.insert(name);
  Rows differing;
  const auto add = [&](const std::string& name, const auto& value) {
    const std::string first = value(runs.front());
    if (std::any_of(runs.begin(), runs.end(), [&](const RunRecord& run) { return value(run) != first; }))
      differing.push_back(row(name, runs, [&](const RunRecord& run) { return plain_or_quoted(value(run)); }));
  };
  add("task", [](const RunRecord& run) { return run.task; });
  const bool all_have = !one_task(runs);  // what another task does not have is no difference
  for (const std::string& name : names)
    if (!all_have || std::all_of(runs.begin(), runs.end(), [&](const RunRecord& run) { return run.options.contains(name); }))
      add(plain_or_quoted(detail::option_of_key(name)),
          [&](const RunRecord& run) { return run.options.contains(name) ? run.option(name) : "-"; });
  rows.push_back({differing.empty() ? "options: the same" : all_have ? "common options that differ" : "options that differ"});
  rows.insert(rows.end(), differing.begin(), differing.end());
}

/// The best of the values that are numbers; NaN if there are none.
double best_of(const std::vector<double>& values, bool higher) {
  double best = std::numeric_limits<double>::quiet_NaN();
  for (const double value : values)
    if (std::isfinite(value) && (std::isnan(best) || (higher ? value > best : value < best))) best = value;
  return best;
}

std::string number_or_dash(double value) {
  return std::isnan(value) ? "-" : number(value);
}

void add_metrics(const std::vector<RunRecord>& runs, Rows& rows) {
  Names of_epochs, of_results;
  for (const RunRecord& run : runs) {
    if (!run.epochs.empty())
      for (const Metric& metric : run.epochs.back()) of_epochs.add(metric.name);
    for (const Metric& metric : run.result) of_results.add(metric.name);
  }
  rows.push_back({"last epoch"});
  for (const std::string& name : of_epochs.all())
    rows.push_back(row(plain_or_quoted(name), runs, [&](const RunRecord& run) {
      const std::vector<double> values = run.course(name);
      return number_or_dash(values.empty() ? std::numeric_limits<double>::quiet_NaN() : values.back());
    }));
  rows.push_back({"best epoch"});
  for (const std::string& name : of_epochs.all()) {
    const auto is_of = [&](const RunRecord& run) { return name == run.validation || name == "train_loss"; };
    if (std::any_of(runs.begin(), runs.end(), is_of))
      rows.push_back(row(plain_or_quoted(name), runs, [&](const RunRecord& run) {
        return number_or_dash(best_of(run.course(name), name == run.validation && run.higher_is_better));
      }));
  }
  if (!of_results.all().empty()) rows.push_back({"result"});
  for (const std::string& name : of_results.all()) {
    const auto value_in = [&](const RunRecord& run) {
      const auto found = std::find_if(run.result.begin(), run.result.end(), [&](const Metric& one) { return one.name == name; });
      return found == run.result.end() ? std::numeric_limits<double>::quiet_NaN() : found->value;
    };
    const bool counts = std::all_of(runs.begin(), runs.end(),
                                    [&](const RunRecord& run) { return std::isnan(value_in(run)) || is_whole(value_in(run)); });
    rows.push_back(row(plain_or_quoted(name), runs, [&](const RunRecord& run) {
      const double value = value_in(run);
      return counts && is_whole(value) ? count_text(value) : number_or_dash(value);
    }));
  }
}

void add_ends(const std::vector<RunRecord>& runs, Rows& rows) {
  rows.push_back({"run"});
  rows.push_back(row("state", runs, [](const RunRecord& run) { return run.state; }));
  rows.push_back(row("epochs", runs, [](const RunRecord& run) { return std::to_string(run.epochs.size()); }));
  rows.push_back(row("time", runs, [](const RunRecord& run) { return clock_text(run.seconds); }));
  rows.push_back(row("CPU time", runs,
                     [](const RunRecord& run) { return std::isnan(run.cpu_seconds) ? "-" : clock_text(run.cpu_seconds); }));
}

/// "train_loss", and what runs are validated by.
std::vector<std::string> courses_of(const std::vector<RunRecord>& runs) {
  Names names;
  names.add("train_loss");
  for (const RunRecord& run : runs) names.add(run.validation);
  return names.all();
}

/// Those that have one scale.
std::vector<std::string> losses_of(const std::vector<RunRecord>& runs) {
  std::vector<std::string> losses = courses_of(runs);
  losses.erase(std::remove_if(losses.begin(), losses.end(),
                              [](const std::string& name) { return !name.ends_with("_loss") && !name.ends_with("_mse"); }),
               losses.end());
  return losses;
}

/// A sparkline for each of them and each run, called `names`; those of one name and one task on one scale.
std::string courses(const std::vector<RunRecord>& runs, const std::vector<std::string>& names, bool utf8, Index width) {
  Index longest = 60, name_width = 0;
  for (const std::string& name : names) name_width = std::max(name_width, columns_of(name));
  if (width > 0) longest = std::clamp<Index>(width - name_width - 4, 10, longest);
  std::string out;
  for (const std::string& loss : courses_of(runs)) {
    std::size_t epochs = 1;  // of the longest run: a column is the same epoch in all
    for (const RunRecord& run : runs) epochs = std::max(epochs, run.course(loss).size());
    std::vector<std::vector<double>> all;
    std::map<std::string, std::vector<double>> joined;  // by task
    for (const RunRecord& run : runs) {
      const std::vector<double> course = run.course(loss);
      const double part = static_cast<double>(course.size()) / static_cast<double>(epochs);
      all.push_back(thinned(course, std::max<Index>(1, std::lround(part * static_cast<double>(longest)))));
      std::vector<double>& scale = joined[run.task];
      scale.insert(scale.end(), all.back().begin(), all.back().end());
    }
    if (std::all_of(all.begin(), all.end(), [](const std::vector<double>& one) { return one.empty(); })) continue;
    Rows rows;
    for (std::size_t i = 0; i < runs.size(); ++i)
      rows.push_back({"  " + names[i], all[i].empty() ? "-" : sparkline(all[i], utf8, joined[runs[i].task])});
    const char* const scales = one_task(runs) ? "" : "\n(each task on a scale of its own)";
    out += "\n" + plain_or_quoted(loss) + " by epoch" + scales + "\n" + text_table(rows);
  }
  return out;
}

/// The table of the columns from..to-1 beside the first; of some of them without the rows in which none says anything.
std::string part_of_table(const Rows& rows, std::size_t from, std::size_t to) {
  const bool is_whole = from == 1 && to == rows.front().size();
  Rows part;
  bool left_out = false;  // something below the last heading
  for (const std::vector<std::string>& row : rows) {
    if (row.size() == 1) {
      if (left_out && part.back().size() == 1) part.pop_back();  // nothing is left below that heading
      left_out = false;
      part.push_back(row);
      continue;
    }
    std::vector<std::string> cells(row.begin() + static_cast<std::ptrdiff_t>(from),
                                   row.begin() + static_cast<std::ptrdiff_t>(to));
    if (!is_whole && std::all_of(cells.begin(), cells.end(), [](const std::string& cell) { return cell == "-"; })) {
      left_out = true;
      continue;
    }
    cells.insert(cells.begin(), row.front());
    part.push_back(std::move(cells));
  }
  return text_table(part);
}

/// The table, in several below each other where it is wider than that; 0: it may be as wide as it is.
std::string folded_table(const Rows& rows, Index width) {
  std::string out;
  for (std::size_t from = 1, to; from < rows.front().size(); from = to) {
    to = rows.front().size();
    while (width > 0 && to > from + 1 && widest_line(part_of_table(rows, from, to)) > width) --to;
    out += (out.empty() ? "" : "\n\n") + part_of_table(rows, from, to);
  }
  return out;
}

/// Where there is to be read what they made.
std::string places_of_samples(const std::vector<RunRecord>& runs) {
  std::string out;
  for (const RunRecord& run : runs)
    if (!run.samples.empty()) out += "\n  " + plain_or_quoted(run.samples);
  return out.empty() ? "" : "\nwhat they made" + out;
}

}  // namespace

std::vector<std::string> short_names(const std::vector<RunRecord>& runs) {
  std::vector<std::string> names;
  for (const RunRecord& run : runs) {
    const std::string name = last_name(run.folder);
    const auto same =
        std::count_if(runs.begin(), runs.end(), [&](const RunRecord& other) { return last_name(other.folder) == name; });
    names.push_back(plain_or_quoted(same == 1 ? name : run.folder));
  }
  return names;
}

std::string compare_page(const std::vector<RunRecord>& runs, bool utf8, Index width) {
  std::vector<std::string> names = short_names(runs);
  Rows rows = {{""}};
  rows.front().insert(rows.front().end(), names.begin(), names.end());
  add_options(runs, rows);
  add_metrics(runs, rows);
  add_ends(runs, rows);
  const bool is_long = std::any_of(names.begin(), names.end(), [](const auto& name) { return columns_of(name) > 8; });
  std::string legend;
  if (is_long && width > 0 && widest_line(text_table(rows)) > width)  // names become numbers
    for (std::size_t i = 0; i < names.size(); ++i) {
      const std::string number = "(" + std::to_string(i + 1) + ")";
      legend += number + " " + names[i] + "\n";
      names[i] = rows.front()[i + 1] = number;
    }
  return legend + folded_table(rows, width) + courses(runs, names, utf8, width) + places_of_samples(runs);
}

std::string losses_chart(const std::vector<RunRecord>& runs) {
  const std::vector<std::string> names = short_names(runs), losses = losses_of(runs);
  Chart chart{.title = "Losses of " + list_words(names),
              .x_name = "epoch",
              .y_name = "loss",
              .lines = {},
              .log_y = !one_task(runs)};  // losses of different tasks may lie far apart
  for (std::size_t i = 0; i < runs.size(); ++i)
    for (const std::string& loss : losses) {
      const std::vector<double> y = runs[i].course(loss);
      if (std::none_of(y.begin(), y.end(), [](double value) { return std::isfinite(value); })) continue;
      std::vector<double> x(y.size());
      std::iota(x.begin(), x.end(), 1.0);
      chart.lines.push_back({.name = names[i] + ": " + plain_or_quoted(loss),
                             .x = x,
                             .y = y,
                             .dashed = loss == "train_loss" && losses.size() > 1,
                             .colour = i + 1});
    }
  if (chart.lines.empty()) bad_file(list_words(names), ": no epoch is done: must have losses to draw");
  return svg(chart);
}

}  // namespace carousel
