/// Forecasts of a series of numbers: the user's, from a file of comma-separated values, or one that the task makes.

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <memory>

#include <fmt/format.h>

#include <carousel/lib/training/checkpoint.hpp>
#include <carousel/lib/utf8.hpp>
#include <carousel/tasks/base/interrupt.hpp>
#include <carousel/tasks/base/metric.hpp>
#include <carousel/tasks/base/progress.hpp>
#include <carousel/tasks/base/task.hpp>
#include <carousel/tasks/base/text.hpp>
#include <carousel/tasks/csv/options.hpp>
#include <carousel/tasks/drawing/json.hpp>
#include <carousel/tasks/drawing/svg.hpp>
#include <carousel/tasks/nets/optimizers.hpp>
#include <carousel/tasks/runs/run_folder.hpp>
#include <carousel/tasks/series/forecasts.hpp>
#include <carousel/tasks/training/arguments.hpp>
#include <carousel/tasks/training/training.hpp>

namespace carousel {

namespace {

std::vector<Preset<SeriesOptions>> presets() {
  SeriesOptions usual;
  usual.epochs = 20, usual.hidden = 48, usual.batch = 32, usual.rate = 1e-2, usual.window = 48, usual.horizon = 12;
  usual.clip = 1, usual.schedule = "cosine", usual.warm_up = 20;
  return {{"default", "the best that we know", usual}};
}

Arguments<SeriesOptions> arguments() {
  Arguments<SeriesOptions> all("series", presets());
  all.add("--input", "FILE", &TrainOptions::input, "CSV file, a row for each moment in time; default: a built-in series",
          {.is_path = true})
      .add("--columns", "A,B", &SeriesOptions::columns, "columns to read, by name or number; default: all that hold numbers")
      .add("--predict", "A", &SeriesOptions::predict, "column to forecast; default: the last of them")
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

/// A file, with progress.
Csv read_csv(const std::string& input, const SeriesOptions& options) {
  const auto progress = std::make_shared<Progress>(options.quiet);  // the table asks for it as often as it is read
  return Csv::read(input, {.header = options.header == "auto"  ? CsvHeader::automatic
                                     : options.header == "yes" ? CsvHeader::yes
                                                               : CsvHeader::no,
                           .decimal = options.decimal,
                           .thousands = options.thousands,
                           .missing_option = true,
                           .progress = [progress, show = reading(*progress, input)](std::uint64_t done, std::uint64_t all) {
                             show(done, all);
                           }});
}

DateOrder order_of(const SeriesOptions& options) {
  return options.date_order == "day-first"     ? DateOrder::day_first
         : options.date_order == "month-first" ? DateOrder::month_first
                                               : DateOrder::automatic;
}

void say_remarks(const Csv& csv, const Series& series, bool quiet) {
  if (quiet) return;
  std::ranges::for_each(csv.remarks(), note);
  std::ranges::for_each(series.remarks, note);
}

Series read(const SeriesOptions& options) {
  const SeriesColumns columns{.read = split_names(options.columns),
                              .predict = options.predict,
                              .date = options.date,
                              .order = order_of(options),
                              .missing = options.missing};
  if (!options.input.empty()) {
    const Csv csv = read_csv(options.input, options);
    Series series = read_series(csv, columns);
    say_remarks(csv, series, options.quiet);
    return series;
  }
  if (!columns.read.empty() || !columns.predict.empty())
    wrong_argument("--columns and --predict name columns of a file: give --input too");
  return built_in_series();
}

/// What tells this series from others.
std::string identity_of(const Series& series) {
  std::uint64_t hash = 0;
  for (const std::vector<double>& column : series.values)
    hash = mix(hash, detail::hash({reinterpret_cast<const char*>(column.data()), column.size() * sizeof(double)}));
  return fmt::format("{} rows {:016x}", series.rows(), hash);
}

/// What ends the result line: the column that was forecast, and the best baseline.
std::string named(const Series& series, const Forecasts& forecasts) {
  return fmt::format(" baseline={} column={}", in_quotes(forecasts.best_name()),
                     in_quotes(series.columns[static_cast<std::size_t>(series.predict)]));
}

/// Throws std::runtime_error if there is nothing to forecast in a part.
void check_part(const Series& series, const SeriesOptions& options, const std::vector<Index>& origins, const char* part) {
  if (origins.empty())
    bad_file(series.name, ": in the part to ", part, " no ", options.window + options.horizon,
             " rows, a window and a horizon, stand without a hole: give a shorter --window or --horizon, or --missing fill");
}

/// The window before `origin`, the loss of its forecast.
Sample<double> sample_of(const SeriesModel& model, const SeriesOptions& options, const Series& series, const Scaling& scaling,
                         const SeriesExtras& extras, Index origin, const std::string& cell) {
  const auto used = net_for<double>(cell, model, [&](Registry<double>& registry) {
    return SeriesModel(registry, with_cell(options, cell), std::ssize(series.columns), series.predict, scaling, extras);
  });
  Sample<double> sample{.loss = [used, &series, origin] { return used->loss(series, std::span(&origin, 1), 1); }, .input = {}};
  for (Index row = origin - options.window; row < origin; ++row)
    sample.input.push_back(fmt::format("{:.3g}", series.target()[static_cast<std::size_t>(row)]));
  return sample;
}

int train(const SeriesOptions& options) {
  const Series series = read(options);
  const SeriesParts parts = series_parts(series, options.window, options.horizon);
  if (options.season > parts.train)
    wrong_argument("--season ", options.season, ": there are ", parts.train, " rows to train on: give at most as many");
  const auto origins = [&](Index first, Index last, const char* part) {
    std::vector<Index> all = series.origins(first, last, options.window, options.horizon);
    check_part(series, options, all, part);
    return all;
  };
  const std::vector<Index> windows = origins(0, parts.train, "train on"),
                           to_validate = origins(parts.train, parts.validation, "validate"),
                           to_test = origins(parts.validation, parts.rows, "test");
  const auto known = std::span(series.target()).first(static_cast<std::size_t>(parts.train));
  const Scaling scaling = learn_scaling(series, parts.train, options.window);
  const BaselineOptions baseline{.mean = scaling.mean[static_cast<std::size_t>(series.predict)],
                                 .season = options.season > 0 ? options.season : find_season(known),
                                 .average = find_average(known, options.horizon)};
  // Runs that were saved before there were intervals have no place for them.
  const bool extras = options.resumed.empty() || options.resumed.contains("series-calendar");
  const Calendar calendar = extras && options.calendar && !series.moments.empty() ? calendar_for(series.step) : Calendar{};
  Registry<double> registry;
  SeriesModel model(registry, options, std::ssize(series.columns), series.predict, scaling, {calendar, extras});
  const auto optimizer = make_optimizer(options.optimizer, registry, options.rate);

  const auto validation_mse = [&] {
    const std::vector<Forecast> forecasts = model.forecasts(series, to_validate);
    model.set_widths(interval_widths(forecasts, series.target(), to_validate, interval_part));
    return forecast_error(forecasts, series.target(), to_validate).mse;
  };
  if (!options.quiet && !series.left.empty())
    note(fmt::format("not read, for it holds no numbers: {}; --columns names those that are to be", list_words(series.left)));
  if (!options.quiet) {
    note(fmt::format(
        "{} of {}: {} rows, the first {} to train on, {} to validate, {} to test; {}",
        series.columns[static_cast<std::size_t>(series.predict)], series.name, parts.rows, parts.train,
        parts.validation - parts.train, parts.rows - parts.validation,
        baseline.season > 1 ? fmt::format("a season is {} rows", baseline.season) : "no season found: --season N gives one"));
    if (!series.moments.empty())
      note(fmt::format("dates by {}: {} to {}{}{}", series.date, series.row_name(0), series.row_name(series.rows() - 1),
                       series.step.kind == TimeStep::Kind::none ? "" : ", a row for each " + series.step.name(),
                       calendar.features() > 0 ? "; the net reads " + calendar.name() + " too" : ""));
  }
  Metadata metadata = {{"series-columns", written(Json(series.columns))},
                       {"series-predict", series.columns[static_cast<std::size_t>(series.predict)]},
                       {"series-season", std::to_string(baseline.season)}};
  if (extras)
    metadata.insert({{"series-calendar", calendar.name()},
                     {"series-date", series.date},
                     {"series-average", std::to_string(baseline.average)}});
  const auto shown_test = [&] { return Forecasts(model, series, baseline, to_test); };
  return train_model<double>(
      options,
      {.about = fmt::format("{}, windows of {} rows, {} to forecast", last_name(series.name), options.window, options.horizon),
       .parts =
           {.unit = "windows", .train = std::ssize(windows), .validation = std::ssize(to_validate), .test = std::ssize(to_test)},
       .identity = identity_of(series),
       .metadata = metadata,
       .optimizer = *optimizer,
       .data = {.examples = std::ssize(windows), .batch = options.batch},
       .loss =
           [&](const Batch& batch, const Shard& shard) {
             std::vector<Index> from;
             for (const Index n : shard.of(batch.examples)) from.push_back(windows[static_cast<std::size_t>(n)]);
             const Index size = std::ssize(batch.examples);
             return model.loss(series, from, size, DropoutKey{.seed = batch.key, .first_example = shard.first(size)});
           },
       .shards = options.shards(),
       .validation = {.name = "validation_mse", .measure = validation_mse},
       .views =
           [&](Views& views) {
             if (views.done) return shown_test().add_views(views, series);
             Forecasts(model, series, baseline, to_validate).add_views(views, series);
           },
       .sample =
           [&](const std::string& cell) {
             return sample_of(model, options, series, scaling, {calendar, extras}, to_validate.front(), cell);
           },
       .result =
           [&](const TrainOutcome& trained) {
             const Forecasts test = shown_test();
             write_text(trained.folder + "/forecast.csv", test.table(series));
             write_text(trained.folder + "/forecast.svg", svg(test.picture(series)));
             if (!options.quiet && test.skill.blocks.size() > 1) note(test.backtest());
             if (const std::string said = test.verdict(); !said.empty()) note(said);
             return test.measure(series);
           },
       .result_end = [&] { return named(series, shown_test()); }});
}

/// A model that was saved, and what it was trained on.
struct Loaded {
  SeriesOptions options;
  std::vector<std::string> columns;
  std::string predict, input, date;
  BaselineOptions baseline;
  Registry<double> registry;
  std::optional<SeriesModel> model;

  Loaded(const Safetensors& checkpoint, const std::string& file) : options(arguments().read(checkpoint, file)) {
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
    if (extras) date = detail::saved_value(saved, "series-date", file);
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

 private:
  Series read_same(const std::string& path, const SeriesOptions& how) const {
    const Csv csv = read_csv(path, how);
    const bool needs_date = !date.empty();
    Series series = read_same_columns(csv, columns, predict,
                                      {.date = needs_date ? date : "none", .order = order_of(how), .missing = how.missing});
    if (needs_date && series.moments.empty())
      bad_file("read ", path, ": column ", in_quotes(date), " has no dates: the net reads them");
    std::ranges::for_each(series.remarks, [&](const std::string& remark) {
      if (!how.quiet) note(remark);
    });
    return series;
  }
};

/// On the test part of what it was trained on, or on all rows of another file after the first window.
int eval(const EvalOptions& options) {
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
  return print_result("series", all.measure(series), named(series, all));
}

/// Forecasts what follows the end of the series.
int sample(const SampleOptions& options) {
  const Loaded loaded(options.checkpoint, options.file);
  Series series = loaded.series();
  const Index horizon = loaded.options.horizon, length = options.length.value_or(horizon);
  if (length > horizon && (series.columns.size() > 1 || !series.moments.empty()))
    wrong_argument("--length ", length, ": the net forecasts ", horizon,
                   " rows, and what follows in the other columns is not known: give at most ", horizon);
  const Index window = loaded.options.window, known = series.rows();
  if (known < window || !series.is_whole(known - window, known))
    bad_file(series.name, ": a forecast needs ", window, " rows without a hole, the window, before it");
  const std::vector<double> widths = loaded.model->widths();
  print((series.moments.empty() ? "row," : csv_field(series.date) + ",") + csv_field(loaded.predict) +
        (widths.empty() ? "" : ",low,high"));
  std::vector<double>& values = series.values[static_cast<std::size_t>(series.predict)];
  for (Index made = 0; made < length;) {
    const Index end = std::ssize(values);
    const Forecast next = loaded.model->forecasts(series, end, end + 1).front();
    for (std::size_t step = 0; step < next.size(); ++step, ++made) {
      values.push_back(next[step]);
      if (made >= length) continue;
      std::string line = fmt::format("{},{:.12g}", series.row_name(known + made), next[step]);
      if (!widths.empty() && made < horizon)
        line += fmt::format(",{:.12g},{:.12g}", next[step] - widths[step], next[step] + widths[step]);
      else if (!widths.empty())
        line += ",,";
      print(line);
    }
  }
  return exit_done;
}

}  // namespace

namespace tasks {
Task series() {
  return {.name = "series",
          .about = "forecasts of a column of numbers, from a file or built in",
          .example = "carousel train series --input load.csv --predict load --window 48 --horizon 12",
          .train = [](CLI::App& app) { return arguments().declare(app, train); },
          .eval = eval,
          .sample = sample,
          .eval_takes = {"--input", "--decimal", "--thousands"},
          .sample_takes = {"--length"},
          .data = OutsideData{
              .what = "columns of numbers, a CSV file", .option = "--input FILE", .without = "a series that the program makes"}};
}
}  // namespace tasks

}  // namespace carousel
