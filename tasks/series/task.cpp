/// Forecasts of a series of numbers: the user's, from a file of comma-separated values, or one that the task makes.

#include <algorithm>

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
       .result_end = [&] { return end_of_result(series, shown_test()); }});
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
