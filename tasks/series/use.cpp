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
  std::string predict, input, date;
  bool reads_calendar = false;
  BaselineOptions baseline;
  Registry<double> registry;
  std::optional<SeriesModel> model;

  Loaded(const Safetensors& checkpoint, const std::string& file) : options(series_arguments().read(checkpoint, file)) {
    const auto& saved = checkpoint.metadata;
    predict = detail::saved_value(saved, "series-predict", file);
    const Json names = parsed_json(detail::saved_value(saved, "series-columns", file));
    if (!names.is_array() || names.empty() ||
        !std::all_of(names.begin(), names.end(), [](const auto& n) { return n.is_string(); }))
      bad_file(file, ": in its metadata, series-columns: must be a list of names");
    columns = names.get<std::vector<std::string>>();
    const auto at = std::find(columns.begin(), columns.end(), predict);
    if (at == columns.end())
      bad_file(file, ": in its metadata, series-predict ", in_quotes(predict), ": must be one of its columns");
    baseline.average = std::max<Index>(2, options.window);
    try {
      detail::read_value("series-season", detail::saved_value(saved, "series-season", file), size_rule(), baseline.season);
      if (saved.contains("series-average"))
        detail::read_value("series-average", saved.at("series-average"), size_rule(), baseline.average);
    } catch (const std::invalid_argument& error) {
      detail::bad_saved_value(file, error.what());
    }
    if (const auto found = saved.find("input"); found != saved.end()) input = found->second;
    const auto calendar = saved.find("series-calendar");
    const bool extras = calendar != saved.end();
    if (extras) date = detail::saved_value(saved, "series-date", file), reads_calendar = !calendar->second.empty();
    model.emplace(registry, options, std::ssize(columns), at - columns.begin(), std::nullopt,
                  SeriesExtras{extras ? calendar_of(calendar->second) : Calendar{}, extras});
    load(registry, checkpoint, file);
    baseline.mean = model->mean();
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
    Series series = read_same_columns(csv, columns, predict,
                                      {.date = has_date ? date : "none", .order = date_order_of(how), .missing = how.missing});
    if (reads_calendar && series.moments.empty())
      bad_file("read ", csv.name(), ": column ", in_quotes(date), " has no dates: the net reads them");
    std::ranges::for_each(series.remarks, [&](const std::string& remark) {
      if (!how.quiet) note(remark);
    });
    return series;
  }
};

/// One row of a forecast.
struct ForecastRow {
  std::string name;  // its date, or its number
  double value;
  bool has_interval;            // the model has them
  std::optional<double> width;  // half of it; none: beyond the horizon
};

/// Calls head(columns), then each(row) for what follows the end of a series, until that is false.
void forecast(const Loaded& loaded, Series series, const std::optional<Index>& wanted,
              const std::function<void(const std::vector<std::string>&)>& head,
              const std::function<bool(const ForecastRow&)>& each) {
  const Index horizon = loaded.options.horizon, length = wanted.value_or(horizon);
  if (length > horizon && (series.columns.size() > 1 || !series.moments.empty()))
    wrong_argument("--length ", length, ": the net forecasts ", horizon,
                   " rows, and what follows in the other columns is not known: give at most ", horizon);
  const Index window = loaded.options.window, known = series.rows();
  if (known < window || !series.is_whole(known - window, known))
    bad_file(series.name, ": a forecast needs ", window, " rows without a hole, the window, before it, and there are ",
             series.begins.empty() ? known : known - series.begins.back());
  const std::vector<double> widths = loaded.model->widths();
  std::vector<std::string> columns = {series.moments.empty() ? "row" : series.date, loaded.predict};
  if (!widths.empty()) columns.insert(columns.end(), {"low", "high"});
  head(columns);
  std::vector<double>& values = series.values[static_cast<std::size_t>(series.predict)];
  for (Index made = 0; made < length;) {
    const Index end = std::ssize(values);
    const Forecast next = loaded.model->forecasts(series, end, end + 1).front();
    for (std::size_t step = 0; step < next.size() && made < length; ++step, ++made) {
      values.push_back(next[step]);
      std::optional<double> width;
      if (!widths.empty() && made < horizon) width = widths[step];
      if (!each({.name = series.row_name(known + made), .value = next[step], .has_interval = !widths.empty(), .width = width}))
        return;
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
  std::vector<Index> origins = series.origins(first, series.rows(), window, horizon);
  check_part(series, loaded.options, origins, options.input ? "measure" : "test");
  const Forecasts all(*loaded.model, series, loaded.baseline, std::move(origins));
  if (!options.quiet && all.skill.blocks.size() > 1) note(all.backtest());
  if (const std::string said = all.verdict(); !said.empty()) note(said);
  return print_result("series", all.measure(series), end_of_result(series, all));
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
      [](const ForecastRow& row) {
        std::string line = fmt::format("{},{:.12g}", row.name, row.value);
        if (row.has_interval)
          line += row.width ? fmt::format(",{:.12g},{:.12g}", row.value - *row.width, row.value + *row.width) : ",,";
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
      [&](const ForecastRow& row) {
        const auto number = [](double x) { return AnswerValue(NumberText{fmt::format("{:.12g}", x)}); };
        std::vector<AnswerValue> values = {row.name, number(row.value)};
        if (row.has_interval)
          for (const double sign : {-1.0, 1.0})
            values.push_back(row.width ? number(row.value + sign * *row.width) : AnswerValue(std::monostate{}));
        return answers->add(values);
      });
  return answers->finish();
}

}  // namespace carousel
