/// Forecasts of a series of numbers: the user's, from a file of comma-separated values, or one that the task makes.

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <limits>
#include <numeric>

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
#include <carousel/tasks/series/model.hpp>
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
  all.add("--input", "FILE", &TrainOptions::input,
          "comma-separated values, a row for each moment; none: a series that is built in", {.is_path = true})
      .add("--columns", "A,B", &SeriesOptions::columns, "columns to read, names or numbers from 1; none: all that hold numbers")
      .add("--predict", "A", &SeriesOptions::predict, "column to forecast; none: the last of them")
      .add("--header", "WORD", &SeriesOptions::header,
           "whether the first row names the columns: auto, when nothing in it is a number", {.one_of = {"auto", "yes", "no"}})
      .add("--decimal", "MARK", &SeriesOptions::decimal, decimal_help, decimal_rule())
      .add("--thousands", "MARK", &SeriesOptions::thousands, thousands_help, thousands_rule())
      .add("--window", "N", &SeriesOptions::window, "rows that a forecast is made from", size_rule())
      .add("--horizon", "N", &SeriesOptions::horizon, "rows that it is of", size_rule())
      .add("--season", "N", &SeriesOptions::season,
           "rows of a season, for the seasonal baseline; 0: found in the part to train on",
           {.at_least = 0, .at_most = size_rule().at_most})
      .add_net(
          {.hidden = "units of each layer, in each direction", .bidirectional = "layers that read a window from its end too"})
      .add_training({.batch = "windows per update"})
      .add_threads();
  return all;
}

/// A file, with progress.
Csv read_csv(const std::string& input, const SeriesOptions& options) {
  Progress progress(options.quiet);
  return Csv::read(input, {.header = options.header == "auto"  ? CsvHeader::automatic
                                     : options.header == "yes" ? CsvHeader::yes
                                                               : CsvHeader::no,
                           .decimal = options.decimal,
                           .thousands = options.thousands,
                           .progress = reading(progress, input)});
}

Series read(const SeriesOptions& options) {
  const SeriesColumns columns{split_names(options.columns), options.predict};
  if (!options.input.empty()) {
    const Csv csv = read_csv(options.input, options);
    Series series = read_series(csv, columns);
    if (!options.quiet) std::ranges::for_each(csv.remarks(), note);
    return series;
  }
  if (!columns.read.empty() || !columns.predict.empty())
    wrong_argument("--columns, --predict: are of a file: --input must be given too");
  return built_in_series();
}

/// What tells this series from others.
std::string identity_of(const Series& series) {
  std::uint64_t hash = 0;
  for (const std::vector<double>& column : series.values)
    hash = mix(hash, detail::hash({reinterpret_cast<const char*>(column.data()), column.size() * sizeof(double)}));
  return fmt::format("{} rows {:016x}", series.rows(), hash);
}

/// What ends the result line: the column that was forecast.
std::string named(const Series& series) {
  return " column=" + in_quotes(series.columns[static_cast<std::size_t>(series.predict)]);
}

constexpr std::size_t naive_colour = net_colour + 1, seasonal_colour = net_colour + 2;
constexpr const char* what_to_try = "try more --epochs, another --window or --rate";

/// Forecasts from each of some rows on, the net's and those that it has to beat.
struct Forecasts {
  Index first;  // row
  std::vector<Forecast> net, naive, seasonal;

  Forecasts(const SeriesModel& model, const Series& series, Index season, Index from)
      : first(from), net(model.forecasts(series, from, series.rows() - model.horizon() + 1)) {
    for (Index origin = first; origin < first + std::ssize(net); ++origin) {
      naive.push_back(naive_forecast(series.target(), origin, model.horizon()));
      seasonal.push_back(seasonal_forecast(series.target(), origin, model.horizon(), season));
    }
  }

  std::vector<Metric> measure(const Series& series) const {
    const ForecastError n = forecast_error(net, series.target(), first), a = forecast_error(naive, series.target(), first),
                        b = forecast_error(seasonal, series.target(), first);
    std::vector<Metric> metrics = {{"mse", n.mse},       {"mae", n.mae},          {"naive_mse", a.mse},
                                   {"naive_mae", a.mae}, {"seasonal_mse", b.mse}, {"seasonal_mae", b.mae}};
    const double baseline = std::min(a.mse, b.mse);
    if (baseline > 0) metrics.push_back({"skill", 1 - n.mse / baseline});  // of one without an error nothing is a part
    return metrics;
  }

  /// Whether the better of the two does better than the net.
  bool beaten(const Series& series) const {
    const std::vector<Metric> metrics = measure(series);
    return metrics.back().name == "skill" ? metrics.back().value < 0 : metrics.front().value > 0;
  }

  /// Calls f(row, step, its place among the forecasts) for forecasts that follow on each other, `count` of them up to the end.
  template <class F>
  void side_by_side(Index count, const F& f) const {
    const Index horizon = std::ssize(net.front()), whole = (std::ssize(net) - 1) / horizon + 1;
    const Index from = (std::ssize(net) - 1) % horizon + (whole - std::min(count, whole)) * horizon;
    for (Index n = from; n < std::ssize(net); n += horizon)
      for (Index step = 0; step < horizon; ++step)
        f(first + n + step, static_cast<std::size_t>(step), static_cast<std::size_t>(n));
  }

  std::string table(const Series& series) const {
    std::string text =
        "row,step," + csv_field(series.columns[static_cast<std::size_t>(series.predict)]) + ",forecast,naive,seasonal_naive\n";
    side_by_side(std::numeric_limits<Index>::max(), [&](Index row, std::size_t step, std::size_t n) {
      text += fmt::format("{},{},{},{:.12g},{:.12g},{:.12g}\n", row + 1, step + 1, series.target()[static_cast<std::size_t>(row)],
                          net[n][step], naive[n][step], seasonal[n][step]);
    });
    return text;
  }

  /// The last forecasts that follow on each other.
  Chart picture(const Series& series) const {
    const Index horizon = std::ssize(net.front());
    ChartLine lines[] = {{.name = "true", .x = {}, .y = {}, .colour = truth_colour},
                         {.name = "forecast", .x = {}, .y = {}, .colour = net_colour},
                         {.name = "naive", .x = {}, .y = {}, .dashed = true, .colour = naive_colour},
                         {.name = "seasonal naive", .x = {}, .y = {}, .dashed = true, .colour = seasonal_colour}};
    side_by_side(std::max<Index>(1, 160 / horizon), [&](Index row, std::size_t step, std::size_t n) {
      const double values[] = {series.target()[static_cast<std::size_t>(row)], net[n][step], naive[n][step], seasonal[n][step]};
      for (std::size_t i = 0; i < std::size(lines); ++i) {
        const double x = static_cast<double>(row + 1);
        if (step == 0 && i > 0) {  // each forecast is a line of its own
          lines[i].x.push_back(x);
          lines[i].y.push_back(std::numeric_limits<double>::quiet_NaN());
        }
        lines[i].x.push_back(x);
        lines[i].y.push_back(values[i]);
      }
    });
    return {.title = fmt::format("{}: forecasts of {} rows, the last of those to test", last_name(series.name), horizon),
            .x_name = "row",
            .y_name = series.columns[static_cast<std::size_t>(series.predict)],
            .lines = {lines[0], lines[2], lines[3], lines[1]}};
  }

  /// The root of the mean square of the errors, by how many rows ahead they are.
  Chart errors(const Series& series) const {
    const auto line = [&](const char* name, const std::vector<Forecast>& forecasts, std::size_t colour) {
      ChartLine errors{.name = name, .x = {}, .y = {}, .dashed = colour != net_colour, .colour = colour};
      for (std::size_t step = 0; step < forecasts.front().size(); ++step) {
        double sum = 0;
        for (std::size_t n = 0; n < forecasts.size(); ++n)
          sum += std::pow(forecasts[n][step] - series.target()[static_cast<std::size_t>(first) + n + step], 2);
        errors.x.push_back(static_cast<double>(step + 1));
        errors.y.push_back(std::sqrt(sum / static_cast<double>(forecasts.size())));
      }
      return errors;
    };
    return {.title = "",
            .x_name = "rows ahead",
            .y_name = "error",
            .lines = {line("forecast", net, net_colour), line("naive", naive, naive_colour),
                      line("seasonal naive", seasonal, seasonal_colour)}};
  }

  void add_views(Views& views, const Series& series) const {
    Chart chart = picture(series);
    chart.title.clear();
    views.add("Forecasts and the truth",
              std::string("Each stroke is a forecast, made at its left end and seen by nothing after it. It must beat two that "
                          "know nothing: the last value for ever (naive), and what was a season ago. Look how strokes begin: "
                          "with the truth, or late after it?") +
                  (beaten(series) ? fmt::format(" Here the better of the two beats the net: {}.", what_to_try) : ""),
              std::move(chart));
    views.add("How far ahead it sees",
              "The error grows with the distance. The net is worth its effort where its line lies below both dashed ones.",
              errors(series));
  }
};

/// The window before `origin`, the loss of its forecast.
Sample<double> sample_of(const SeriesModel& model, const SeriesOptions& options, const Series& series, const Scaling& scaling,
                         Index origin, const std::string& cell) {
  const auto used = net_for<double>(cell, model, [&](Registry<double>& registry) {
    return SeriesModel(registry, with_cell(options, cell), std::ssize(series.columns), series.predict, scaling);
  });
  Sample<double> sample{.loss = [used, &series, origin] { return used->loss(series, std::span(&origin, 1), 1); }, .input = {}};
  for (Index row = origin - options.window; row < origin; ++row)
    sample.input.push_back(fmt::format("{:.3g}", series.target()[static_cast<std::size_t>(row)]));
  return sample;
}

/// Its first rows.
Series first_rows(Series series, Index rows) {
  for (std::vector<double>& column : series.values) column.resize(static_cast<std::size_t>(rows));
  return series;
}

int train(const SeriesOptions& options) {
  const Series series = read(options);
  const SeriesParts parts = series_parts(series, options.window, options.horizon);
  if (options.season > parts.train)
    wrong_argument("--season ", options.season, ": must be at most ", parts.train, ", the rows to train on");
  const Index season =
      options.season > 0 ? options.season : find_season(std::span(series.target()).first(static_cast<std::size_t>(parts.train)));
  Registry<double> registry;
  const Scaling scaling = learn_scaling(series, parts.train, options.window);
  const SeriesModel model(registry, options, std::ssize(series.columns), series.predict, scaling);
  const auto optimizer = make_optimizer(options.optimizer, registry, options.rate);

  const Index windows = parts.train - options.horizon - options.window + 1;
  std::vector<Index> to_validate(static_cast<std::size_t>(parts.validation - options.horizon - parts.train + 1));
  std::iota(to_validate.begin(), to_validate.end(), parts.train);
  const auto validation_mse = [&] {
    const std::vector<Forecast> forecasts = model.forecasts(series, to_validate.front(), to_validate.back() + 1);
    return forecast_error(forecasts, series.target(), to_validate.front()).mse;
  };
  if (!options.quiet && !series.left.empty())
    note(fmt::format("not read, for it holds no numbers: {}; --columns names those that are to be", list_words(series.left)));
  if (!options.quiet)
    note(fmt::format("{} of {}: {} rows, the first {} to train on, {} to validate, {} to test; {}",
                     series.columns[static_cast<std::size_t>(series.predict)], series.name, parts.rows, parts.train,
                     parts.validation - parts.train, parts.rows - parts.validation,
                     season > 1 ? fmt::format("a season is {} rows", season) : "no season was found: --season N would give one"));
  return train_model<double>(
      options,
      {.about = fmt::format("{}, windows of {} rows, {} to forecast", last_name(series.name), options.window, options.horizon),
       .parts = {.unit = "windows",
                 .train = windows,
                 .validation = std::ssize(to_validate),
                 .test = parts.rows - options.horizon - parts.validation + 1},
       .identity = identity_of(series),
       .metadata = {{"series-columns", written(Json(series.columns))},
                    {"series-predict", series.columns[static_cast<std::size_t>(series.predict)]},
                    {"series-season", std::to_string(season)}},
       .optimizer = *optimizer,
       .data = {.examples = windows, .batch = options.batch},
       .loss =
           [&](const Batch& batch, const Shard& shard) {
             std::vector<Index> origins;
             for (const Index n : shard.of(batch.examples)) origins.push_back(options.window + n);
             const Index size = std::ssize(batch.examples);
             return model.loss(series, origins, size, DropoutKey{.seed = batch.key, .first_example = shard.first(size)});
           },
       .shards = options.shards(),
       .validation = {.name = "validation_mse", .measure = validation_mse},
       .views =
           [&](Views& views) {
             if (views.done) return Forecasts(model, series, season, parts.validation).add_views(views, series);
             const Series shown = first_rows(series, parts.validation);
             Forecasts(model, shown, season, parts.train).add_views(views, shown);
           },
       .sample = [&](const std::string& cell) { return sample_of(model, options, series, scaling, parts.train, cell); },
       .result =
           [&](const TrainOutcome& trained) {
             const Forecasts test(model, series, season, parts.validation);
             write_text(trained.folder + "/forecast.csv", test.table(series));
             write_text(trained.folder + "/forecast.svg", svg(test.picture(series)));
             if (test.beaten(series)) note(fmt::format("worse than the better naive forecast: {}", what_to_try));
             return test.measure(series);
           },
       .result_end = named(series)});
}

/// A model that was saved, and what it was trained on.
struct Loaded {
  SeriesOptions options;
  std::vector<std::string> columns;
  std::string predict, input;
  Index season = 1;
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
    try {
      detail::read_value("series-season", detail::saved_value(saved, "series-season", file), size_rule(), season);
    } catch (const std::invalid_argument& error) {
      detail::bad_saved_value(file, error.what());
    }
    if (const auto found = saved.find("input"); found != saved.end()) input = found->second;
    model.emplace(registry, options, std::ssize(columns), at - columns.begin());
    load(registry, checkpoint, file);
  }

  /// The series that the model was trained on, as it is now.
  Series series() const {
    if (input.empty()) return built_in_series();
    if (!std::filesystem::exists(input)) bad_file("trained on ", input, ", which is not there any more: must be as it was");
    return read_same_columns(read_csv(input, options), columns, predict);
  }
  /// The same columns of another file, in which numbers may be written in another way.
  Series series_of(const EvalOptions& other) const {
    SeriesOptions read = options;
    read.quiet = other.quiet;
    if (other.decimal) read.decimal = *other.decimal;
    if (other.thousands) read.thousands = *other.thousands;
    return read_same_columns(read_csv(*other.input, read), columns, predict);
  }
};

/// On the test part of what it was trained on, or on all rows of another file after the first window.
int eval(const EvalOptions& options) {
  const Loaded loaded(options.checkpoint, options.file);
  if (!options.input && (options.decimal || options.thousands))
    wrong_argument("--decimal, --thousands: are of a file: --input must be given too");
  const Series series = options.input ? loaded.series_of(options) : loaded.series();
  Index first = loaded.options.window;
  if (options.input) {
    if (series.rows() < first + loaded.options.horizon)
      bad_file(series.name, ": ", series.rows(), " rows: must be at least ", first + loaded.options.horizon, " for a window of ",
               first, " and a horizon of ", loaded.options.horizon);
  } else {
    if (detail::saved_value(options.checkpoint.metadata, "identity", options.file) != identity_of(series))
      bad_file(options.file, ": trained on ", series.name,
               ", which has changed since then: must be as it was, or --input FILE gives another");
    first = series_parts(series, loaded.options.window, loaded.options.horizon).validation;
  }
  return print_result("series", Forecasts(*loaded.model, series, loaded.season, first).measure(series), named(series));
}

/// Forecasts what follows the end of the series.
int sample(const SampleOptions& options) {
  const Loaded loaded(options.checkpoint, options.file);
  Series series = loaded.series();
  const Index horizon = loaded.options.horizon, length = options.length.value_or(horizon);
  if (length > horizon && series.columns.size() > 1)
    wrong_argument("--length ", length, ": must be at most the horizon, ", horizon,
                   ": what follows in the other columns is not known");
  if (series.rows() < loaded.options.window)
    bad_file(series.name, ": ", series.rows(), " rows: must be at least ", loaded.options.window, ", the window");
  print("row," + csv_field(loaded.predict));
  std::vector<double>& values = series.values[static_cast<std::size_t>(series.predict)];
  for (Index made = 0; made < length;) {
    const Index end = std::ssize(values);
    const Forecast next = loaded.model->forecasts(series, end, end + 1).front();
    for (const double y : next) {
      values.push_back(y);
      if (made++ < length) print(fmt::format("{},{:.12g}", values.size(), y));
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
