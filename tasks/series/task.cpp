/// Forecasts of a series of numbers: the user's, from a file of comma-separated values, or one that the task makes.

#include <algorithm>
#include <optional>

#include <fmt/format.h>

#include <carousel/tasks/base/progress.hpp>
#include <carousel/tasks/base/task.hpp>
#include <carousel/tasks/base/text.hpp>
#include <carousel/tasks/drawing/json.hpp>
#include <carousel/tasks/drawing/svg.hpp>
#include <carousel/tasks/nets/optimizers.hpp>
#include <carousel/tasks/series/options.hpp>
#include <carousel/tasks/series/use.hpp>
#include <carousel/tasks/training/training.hpp>

namespace carousel {

namespace {

std::vector<Index> targets_of(const Series& series) {
  std::vector<Index> all;
  for (Index k = 0; k < series.target_count(); ++k) all.push_back(series.target_column(k));
  return all;
}

/// The window before `origin`, the loss of its forecast.
Sample<double> sample_of(const SeriesModel& model, const SeriesOptions& options, const Series& series, const Scaling& scaling,
                         const SeriesExtras& extras, Index origin, const std::string& cell) {
  const auto used = net_for<double>(cell, model, [&](Registry<double>& registry) {
    return SeriesModel(registry, with_cell(options, cell), std::ssize(series.columns), targets_of(series), scaling, extras);
  });
  Sample<double> sample{.loss = [used, &series, origin] { return used->loss(series, std::span(&origin, 1), 1); }, .input = {}};
  for (Index row = origin - options.window; row < origin; ++row)
    sample.input.push_back(fmt::format("{:.3g}", series.target()[static_cast<std::size_t>(row)]));
  return sample;
}

int train(const SeriesOptions& options) {
  const Series series = training_series(options);
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
  const Scaling scaling = learn_scaling(series, parts.train, options.window);
  std::vector<Series> targets;  // each looks at one of the columns to forecast
  std::vector<BaselineOptions> baselines;
  for (Index k = 0; k < series.target_count(); ++k) {
    const Series& one = targets.emplace_back(series.looking_at(k));
    const auto known = std::span(one.target()).first(static_cast<std::size_t>(parts.train));
    baselines.push_back({.mean = scaling.mean[static_cast<std::size_t>(one.predict)],
                         .season = options.season > 0 ? options.season : find_season(known),
                         .average = find_average(known, options.horizon)});
  }
  // Runs that were saved before there were intervals have no place for them.
  const bool extras = options.resumed.empty() || options.resumed.contains("series-calendar");
  const Calendar calendar = extras && options.calendar && !series.moments.empty() ? calendar_for(series.step) : Calendar{};
  Registry<double> registry;
  SeriesModel model(registry, options, std::ssize(series.columns), targets_of(series), scaling, {calendar, extras});
  const auto optimizer = make_optimizer(options.optimizer, registry, options.rate);

  // In the units of the column; of several columns the mean over them, each in squares of its deviation.
  const auto validation_mse = [&] {
    double sum = 0;
    for (const Series& one : targets) {
      const std::vector<Forecast> forecasts = model.forecasts(one, to_validate);
      model.set_widths(one.predict, interval_widths(forecasts, one.target(), to_validate, interval_part));
      const double mse = forecast_error(forecasts, one.target(), to_validate).mse,
                   deviation = scaling.deviation[static_cast<std::size_t>(one.predict)];
      sum += targets.size() == 1 ? mse : mse / (deviation * deviation) / static_cast<double>(targets.size());
    }
    return sum;
  };
  if (!options.quiet && !series.left.empty())
    note(fmt::format("not read, for it holds no numbers: {}; --columns names those that are to be", list_words(series.left)));
  if (!options.quiet) {
    std::vector<std::string> names, seasons;
    for (std::size_t k = 0; k < targets.size(); ++k) {
      names.push_back(series.target_name(static_cast<Index>(k)));
      const std::string of = targets.size() > 1 ? " of " + names.back() : "";
      seasons.push_back(baselines[k].season > 1 ? fmt::format("a season{} is {} rows", of, baselines[k].season)
                                                : fmt::format("no season{} found: --season N gives one", of));
    }
    note(fmt::format("{} of {}: {} rows, the first {} to train on, {} to validate, {} to test; {}", list_words(names),
                     series.name, parts.rows, parts.train, parts.validation - parts.train, parts.rows - parts.validation,
                     list_words(seasons)));
    if (!series.moments.empty())
      note(fmt::format("dates by {}: {} to {}{}{}", series.date, series.row_name(0), series.row_name(series.rows() - 1),
                       series.step.kind == TimeStep::Kind::none ? "" : ", a row for each " + series.step.name(),
                       calendar.features() > 0 ? "; the net reads " + calendar.name() + " too" : ""));
  }
  Metadata metadata = {{"series-columns", written(Json(series.columns))},
                       {"series-predict", series.target_name(0)},
                       {"series-season", std::to_string(baselines[0].season)}};
  if (extras)
    metadata.insert({{"series-calendar", calendar.name()},
                     {"series-date", series.date},
                     {"series-average", std::to_string(baselines[0].average)}});
  for (std::size_t k = 1; k < targets.size(); ++k) {  // the first as runs of one column have it
    metadata[fmt::format("series-predict-{}", k + 1)] = series.target_name(static_cast<Index>(k));
    metadata[fmt::format("series-season-{}", k + 1)] = std::to_string(baselines[k].season);
    metadata[fmt::format("series-average-{}", k + 1)] = std::to_string(baselines[k].average);
  }
  const auto all_forecasts = [&](const std::vector<Index>& from) {
    std::vector<Forecasts> all;
    for (std::size_t k = 0; k < targets.size(); ++k) all.emplace_back(model, targets[k], baselines[k], from);
    return all;
  };
  std::optional<std::vector<Forecasts>> of_test;  // by the weights of the result
  const auto tested = [&]() -> const std::vector<Forecasts>& {
    if (!of_test) of_test = all_forecasts(to_test);
    return *of_test;
  };
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
             const std::vector<Forecasts> all = views.done ? tested() : all_forecasts(to_validate);
             for (std::size_t k = 0; k < all.size(); ++k) all[k].add_views(views, targets[k]);
             for (std::size_t k = 0; views.done && k < targets.size(); ++k) add_view_of_what_comes(views, model, targets[k]);
           },
       .sample =
           [&](const std::string& cell) {
             return sample_of(model, options, series, scaling, {calendar, extras}, to_validate.front(), cell);
           },
       .result =
           [&](const TrainOutcome& trained) {
             const std::vector<Forecasts>& all = tested();
             for (std::size_t k = 0; k < all.size(); ++k) {
               const std::string file = trained.folder + (k == 0 ? "/forecast" : fmt::format("/forecast-{}", k + 1));
               write_text(file + ".csv", all[k].table(targets[k]));
               write_text(file + ".svg", svg(all[k].picture(targets[k])));
             }
             return measure_all(all, targets, options.quiet);
           },
       .baseline = best_baseline(targets[0], to_test, options.horizon, baselines[0]),
       .result_end = [&] { return end_of_result(targets, tested()); }});
}

}  // namespace

namespace tasks {
Task series() {
  return {
      .name = "series",
      .about = "forecasts of a column of numbers, from a file or built in",
      .example = "carousel train series --input load.csv --predict load --window 48 --horizon 12",
      .train = [](CLI::App& app) { return series_arguments().declare(app, train); },
      .eval = eval_series,
      .sample = sample_series,
      .predict = predict_series,
      .eval_takes = {"--input", "--decimal", "--thousands"},
      .sample_takes = {"--length"},
      .predict_takes = {"--input", "--decimal", "--thousands", "--length"},
      .predict_about =
          "a CSV file with the columns that the net reads; the answer is the forecast of the rows after its last one, with 80 % "
          "intervals; without --input: after the file that it was trained on. Columns: the date or row, the column that is "
          "forecast, "
          "low, high",
      .predict_needs_input = false,
      .data = OutsideData{
          .what = "columns of numbers, a CSV file", .option = "--input FILE", .without = "a series that the program makes"}};
}
}  // namespace tasks

}  // namespace carousel
