#include <carousel/tasks/series/use.hpp>

#include <algorithm>
#include <filesystem>
#include <functional>
#include <optional>

#include <fmt/format.h>

#include <carousel/lib/training/checkpoint.hpp>
#include <carousel/lib/utf8.hpp>
#include <carousel/tasks/answers/answers.hpp>
#include <carousel/tasks/base/interrupt.hpp>
#include <carousel/tasks/base/metric.hpp>
#include <carousel/tasks/drawing/json.hpp>
#include <carousel/tasks/series/options.hpp>

namespace carousel {

namespace {

/// A model that was saved, and what it was trained on.
struct Loaded {
  SeriesOptions options;
  std::vector<std::string> columns;
  std::vector<std::string> predict;  // columns to forecast
  std::string input, date;
  bool reads_calendar = false, has_intervals = false;
  std::vector<BaselineOptions> baselines;  // of each of them
  Registry<double> registry;
  std::optional<SeriesModel> model;

  Loaded(const Safetensors& checkpoint, const std::string& file) : options(series_arguments().read(checkpoint, file)) {
    const auto& saved = checkpoint.metadata;
    const Json names = parsed_json(detail::saved_value(saved, "series-columns", file));
    if (!names.is_array() || names.empty() ||
        !std::all_of(names.begin(), names.end(), [](const auto& n) { return n.is_string(); }))
      bad_file(file, ": in its metadata, series-columns: must be a list of names");
    columns = names.get<std::vector<std::string>>();
    std::vector<Index> targets;
    for (std::string behind; behind.empty() || saved.contains("series-predict" + behind);
         behind = fmt::format("-{}", predict.size() + 1)) {
      predict.push_back(detail::saved_value(saved, "series-predict" + behind, file));
      const auto at = std::find(columns.begin(), columns.end(), predict.back());
      if (at == columns.end())
        bad_file(file, ": in its metadata, series-predict ", in_quotes(predict.back()), ": must be one of its columns");
      targets.push_back(at - columns.begin());
      BaselineOptions& baseline = baselines.emplace_back();
      baseline.average = std::max<Index>(2, options.window);
      try {
        detail::read_value("series-season", detail::saved_value(saved, "series-season" + behind, file), size_rule(),
                           baseline.season);
        if (saved.contains("series-average" + behind))
          detail::read_value("series-average", saved.at("series-average" + behind), size_rule(), baseline.average);
      } catch (const std::invalid_argument& error) {
        detail::bad_saved_value(file, error.what());
      }
    }
    if (const auto found = saved.find("input"); found != saved.end()) input = found->second;
    const auto calendar = saved.find("series-calendar");
    const bool extras = calendar != saved.end();
    if (extras) date = detail::saved_value(saved, "series-date", file), reads_calendar = !calendar->second.empty();
    has_intervals = extras;
    model.emplace(registry, options, std::ssize(columns), targets, std::nullopt,
                  SeriesExtras{extras ? calendar_of(calendar->second) : Calendar{}, extras});
    load(registry, checkpoint, file);
    for (std::size_t k = 0; k < targets.size(); ++k) baselines[k].mean = model->mean(targets[k]);
  }

  /// The series that the model was trained on, as it is now.
  Series series() const {
    if (input.empty()) return built_in_series();
    if (!std::filesystem::exists(input))
      bad_file("the forecast continues ", input,
               ", the file that the net was trained on, which is gone: put it back, or give rows with --input");
    return read_same(input, options);
  }
  /// The same columns of another file, in which numbers may be written in another way.
  Series series_of(const EvalOptions& other) const {
    SeriesOptions how = options;
    how.quiet = other.quiet;
    if (other.decimal) how.decimal = *other.decimal;
    if (other.thousands) how.thousands = *other.thousands;
    return read_same(*other.input, how);
  }

  Series read_same(const std::string& path, const SeriesOptions& how) const {
    const Csv csv = read_series_file(path, how);
    // What a calendar says the net must read; else dates only name the rows.
    const bool has_date = !date.empty() && (std::ranges::count(csv.header(), date) > 0 || csv.header().empty());
    if (reads_calendar && !has_date)
      bad_file("read ", csv.name(), ": there is no column ", in_quotes(date), " of dates: the net reads them");
    Series series =
        read_same_columns(csv, columns, predict,
                          {.date = has_date ? date : "none", .order = date_order_of(how.date_order), .missing = how.missing});
    if (reads_calendar && series.moments.empty())
      bad_file("read ", csv.name(), ": column ", in_quotes(date), " has no dates: the net reads them");
    std::ranges::for_each(series.remarks, [&](const std::string& remark) {
      if (!how.quiet) note(remark);
    });
    return series;
  }
};

/// One column of one row of a forecast.
struct ForecastValue {
  double value;
  std::optional<double> width;  // half of the interval; none: beyond the horizon
};

/// Calls head(columns), then each(date or number, a value for each column) for what follows the end of a series, until that is
/// false. Of `loaded` tells whether there are intervals.
void forecast(const Loaded& loaded, Series series, const std::optional<Index>& wanted,
              const std::function<void(const std::vector<std::string>&)>& head,
              const std::function<bool(const std::string&, const std::vector<ForecastValue>&)>& each) {
  const Index horizon = loaded.options.horizon, length = wanted.value_or(horizon);
  if (length > horizon && (std::ssize(series.columns) > series.target_count() || !series.moments.empty()))
    wrong_argument("--length ", length, ": the net forecasts ", horizon,
                   " rows, and what follows in the other columns is not known: give at most ", horizon);
  const Index window = loaded.options.window, known = series.rows();
  if (known < window || !series.is_whole(known - window, known))
    bad_file(series.name, ": a forecast needs ", window, " rows without a hole, the window, before it, and there are ",
             series.begins.empty() ? known : known - series.begins.back());
  std::vector<std::string> columns = {series.moments.empty() ? "row" : series.date};
  for (const std::string& name : loaded.predict) {
    const std::string of = loaded.predict.size() > 1 ? name + "_" : "";
    columns.push_back(name);
    if (loaded.has_intervals) columns.insert(columns.end(), {of + "low", of + "high"});
  }
  head(columns);
  for (Index made = 0; made < length;) {
    const Index end = known + made;
    std::vector<Forecast> next;
    std::vector<std::vector<double>> widths;
    for (Index k = 0; k < series.target_count(); ++k) {
      series.predict = series.target_column(k);
      next.push_back(loaded.model->forecasts(series, end, end + 1).front());
      widths.push_back(loaded.model->widths(series.predict));
    }
    for (std::size_t step = 0; step < static_cast<std::size_t>(horizon) && made < length; ++step, ++made) {
      std::vector<ForecastValue> values;
      for (Index k = 0; k < series.target_count(); ++k) {
        const auto n = static_cast<std::size_t>(k);
        series.values[static_cast<std::size_t>(series.target_column(k))].push_back(next[n][step]);
        values.push_back({.value = next[n][step], .width = {}});
        if (loaded.has_intervals && made < horizon) values.back().width = widths[n][step];
      }
      if (!each(series.row_name(known + made), values)) return;
    }
  }
}

}  // namespace

/// On the test part of what it was trained on, or on all rows of another file after the first window.
int eval_series(const EvalOptions& options) {
  const Loaded loaded(options.checkpoint, options.file);
  if (!options.input && (options.decimal || options.thousands))
    wrong_argument("--decimal and --thousands say how a file is written: give --input too");
  const Series series = options.input ? loaded.series_of(options) : loaded.series();
  const Index window = loaded.options.window, horizon = loaded.options.horizon;
  Index first = window;
  if (options.input) {
    if (series.rows() < window + horizon)
      bad_file(series.name, ": ", series.rows(), " rows: must be at least ", window + horizon, " for a window of ", window,
               " and a horizon of ", horizon);
  } else {
    if (detail::saved_value(options.checkpoint.metadata, "identity", options.file) != identity_of(series))
      bad_file(options.file, ": trained on ", series.name,
               ", which has changed since then: put the old file back, or give another with --input");
    first = series_parts(series, window, horizon).validation;
  }
  const std::vector<Index> origins = series.origins(first, series.rows(), window, horizon);
  check_part(series, loaded.options, origins, options.input ? "measure" : "test");
  std::vector<Series> targets;
  std::vector<Forecasts> all;
  for (Index k = 0; k < series.target_count(); ++k)
    all.emplace_back(*loaded.model, targets.emplace_back(series.looking_at(k)), loaded.baselines[static_cast<std::size_t>(k)],
                     origins);
  const std::vector<Metric> metrics = measure_all(all, targets, options.quiet);
  return print_result(
      "series", metrics,
      beside(best_baseline(targets[0], origins, horizon, loaded.baselines[0]), metrics) + end_of_result(targets, all));
}

/// Forecasts what follows the end of the series that was learned.
int sample_series(const SampleOptions& options) {
  const Loaded loaded(options.checkpoint, options.file);
  forecast(
      loaded, loaded.series(), options.length,
      [](const std::vector<std::string>& columns) {
        std::string line;
        for (const std::string& one : columns) line += (line.empty() ? "" : ",") + csv_field(one);
        print(line);
      },
      [&](const std::string& name, const std::vector<ForecastValue>& values) {
        std::string line = name;
        for (const ForecastValue& one : values) {
          line += fmt::format(",{:.12g}", one.value);
          if (!loaded.has_intervals) continue;
          line += one.width ? fmt::format(",{:.12g},{:.12g}", one.value - *one.width, one.value + *one.width) : ",,";
        }
        print(line);
        return true;
      });
  return exit_done;
}

/// Forecasts what follows the end of another file.
int predict_series(const PredictOptions& options) {
  const Loaded loaded(options.checkpoint, options.file);
  SeriesOptions how = loaded.options;
  how.quiet = options.quiet;
  if (options.decimal) how.decimal = *options.decimal;
  if (options.thousands) how.thousands = *options.thousands;
  if (options.input.empty() && (options.decimal || options.thousands))
    wrong_argument("--decimal and --thousands say how a file is written: give --input too");
  const Series series = options.input.empty() ? loaded.series() : loaded.read_same(options.input, how);
  std::optional<Answers> answers;
  forecast(
      loaded, series, options.length, [&](const std::vector<std::string>& columns) { answers.emplace(options, columns); },
      [&](const std::string& name, const std::vector<ForecastValue>& all) {
        const auto number = [](double x) { return AnswerValue(NumberText{fmt::format("{:.12g}", x)}); };
        std::vector<AnswerValue> values;
        if (series.moments.empty())
          values.emplace_back(NumberText{name});
        else
          values.emplace_back(name);
        for (const ForecastValue& one : all) {
          values.push_back(number(one.value));
          if (!loaded.has_intervals) continue;
          for (const double sign : {-1.0, 1.0})
            values.push_back(one.width ? number(one.value + sign * *one.width) : AnswerValue(std::monostate{}));
        }
        return answers->add(values);
      });
  return answers->finish();
}

}  // namespace carousel
