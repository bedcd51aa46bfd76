#include <carousel/tasks/series/options.hpp>

#include <algorithm>
#include <limits>

#include <fmt/format.h>

#include <carousel/lib/utf8.hpp>
#include <carousel/tasks/answers/input_lines.hpp>
#include <carousel/tasks/base/progress.hpp>
#include <carousel/tasks/csv/options.hpp>

namespace carousel {

namespace {

std::vector<Preset<SeriesOptions>> presets() {
  SeriesOptions usual;
  usual.epochs = 20, usual.hidden = 48, usual.batch = 32, usual.rate = 1e-2, usual.window = 48, usual.horizon = 12;
  usual.clip = 1, usual.schedule = "cosine", usual.warm_up = 20;
  return {{"default", "our tuned settings", usual}};
}

void say_remarks(const Csv& csv, const Series& series, bool quiet) {
  if (quiet) return;
  std::ranges::for_each(csv.remarks(), note);
  std::ranges::for_each(series.remarks, note);
}

}  // namespace

Arguments<SeriesOptions> series_arguments() {
  Arguments<SeriesOptions> all("series", presets());
  all.add("--input", "FILE", &TrainOptions::input, "CSV file, a row for each moment in time; default: a built-in series",
          {.is_path = true})
      .add("--columns", "A,B", &SeriesOptions::columns, "columns to read, by name or number; default: all that hold numbers")
      .add("--predict", "A,B", &SeriesOptions::predict, "columns to forecast; default: the last of those")
      .add("--header", "WORD", &SeriesOptions::header,
           "whether the first row names the columns: yes, no; auto: yes if no cell of it is a number",
           {.one_of = {"auto", "yes", "no"}})
      .add("--decimal", "MARK", &SeriesOptions::decimal, decimal_help, decimal_rule())
      .add("--thousands", "MARK", &SeriesOptions::thousands, thousands_help, thousands_rule())
      .add("--date", "COLUMN", &SeriesOptions::date,
           "column of dates; auto: the first of which every cell is a date; none: there is none", {.before = "none"})
      .add("--date-order", "WORD", &SeriesOptions::date_order, date_order_help, date_order_rule())
      .add_flag("--calendar", &SeriesOptions::calendar, "the net also reads hour, weekday and month, where there are dates",
                {.before = "no"})
      .add("--missing", "WORD", &SeriesOptions::missing, missing_help, missing_rule())
      .add("--window", "N", &SeriesOptions::window, "rows that the net reads before it forecasts", size_rule())
      .add("--horizon", "N", &SeriesOptions::horizon, "rows to forecast", size_rule())
      .add("--season", "N", &SeriesOptions::season,
           "rows of a season, for the seasonal baseline; 0: found by autocorrelation in the part to train on",
           {.at_least = 0, .at_most = size_rule().at_most})
      .add_net(
          {.hidden = "units of each layer, in each direction", .bidirectional = "layers that read a window from its end too"})
      .add_training({.batch = "windows per update"})
      .add_threads();
  return all;
}

Csv read_series_file(const std::string& input, const SeriesOptions& options) {
  return csv_input(input, {.header = options.header == "auto"  ? CsvHeader::automatic
                                     : options.header == "yes" ? CsvHeader::yes
                                                               : CsvHeader::no,
                           .decimal = options.decimal,
                           .thousands = options.thousands,
                           .missing_option = true,
                           .progress = reading(options.quiet, input)});
}

Series training_series(const SeriesOptions& options) {
  const SeriesColumns columns{.read = names_in(options.columns),
                              .predict = options.predict,
                              .date = options.date,
                              .order = date_order_of(options.date_order),
                              .missing = options.missing};
  if (!options.input.empty()) {
    const Csv csv = read_series_file(options.input, options);
    Series series = read_series(csv, columns);
    say_remarks(csv, series, options.quiet);
    return series;
  }
  if (!columns.read.empty() || !columns.predict.empty())
    wrong_argument("--columns and --predict name columns of a file: give --input too");
  return built_in_series();
}

std::string identity_of(const Series& series) {
  std::uint64_t hash = 0;
  for (const std::vector<double>& column : series.values)
    hash = mix(hash, detail::hash({reinterpret_cast<const char*>(column.data()), column.size() * sizeof(double)}));
  return fmt::format("{} rows {:016x}", series.rows(), hash);
}

Baseline best_baseline(const Series& series, const std::vector<Index>& origins, Index horizon, const BaselineOptions& options) {
  Baseline best{.metric = "mse", .guess = {}, .value = std::numeric_limits<double>::infinity()};
  for (const SeriesBaseline& one : baselines(series, origins, horizon, options))
    if (const double mse = forecast_error(one.forecasts, series.target(), origins).mse; mse < best.value)
      best.value = mse, best.guess = "the " + one.name;
  return best;
}

std::vector<Metric> measure_all(const std::vector<Forecasts>& all, const std::vector<Series>& targets, bool quiet) {
  std::vector<Metric> metrics;
  for (std::size_t k = 0; k < all.size(); ++k) {
    const std::string& name = targets[k].target_name(static_cast<Index>(k));
    const std::string of = all.size() > 1 ? name + ": " : "";
    if (!quiet && all[k].skill.blocks.size() > 1) note(of + all[k].backtest());
    if (const std::string said = all[k].verdict(); !said.empty()) note(of + said);
    for (Metric& metric : all[k].measure(targets[k])) {
      if (k > 0 && metric.name != "mse" && metric.name != "skill" && metric.name != "coverage") continue;
      if (k > 0) {
        metric.name += "_";
        for (const char c : name) metric.name += c == ' ' || c == '=' || c == '"' ? '_' : c;
      }
      metrics.push_back(std::move(metric));
    }
  }
  return metrics;
}

std::string end_of_result(const std::vector<Series>& targets, const std::vector<Forecasts>& all) {
  std::string text;
  for (std::size_t k = 0; k < all.size(); ++k)
    text += fmt::format(" baseline{0}={1} column{0}={2}", k == 0 ? "" : fmt::format("_{}", k + 1), in_quotes(all[k].best_name()),
                        in_quotes(targets[k].target_name(static_cast<Index>(k))));
  return text;
}

void check_part(const Series& series, const SeriesOptions& options, const std::vector<Index>& origins, const char* part) {
  if (origins.empty())
    bad_file(series.name, ": in the part to ", part, " no ", options.window + options.horizon,
             " rows, a window and a horizon, stand without a hole: give a shorter --window or --horizon, or --missing fill");
}

}  // namespace carousel
