#include <carousel/tasks/series/forecasts.hpp>

#include <algorithm>
#include <cmath>
#include <limits>

#include <fmt/format.h>

#include <carousel/tasks/base/text.hpp>

namespace carousel {

namespace {

constexpr double no_number = std::numeric_limits<double>::quiet_NaN();

/// A line in strokes, each of which is a forecast.
struct Strokes {
  ChartLine line;

  void add(double x, double y, bool begins) {
    if (begins) line.x.push_back(x), line.y.push_back(no_number);
    line.x.push_back(x), line.y.push_back(y);
  }
};

/// The edges of intervals as one dashed line, broken between the lower and the upper ones.
ChartLine interval_line(const ChartLine& lower, const ChartLine& upper) {
  ChartLine line{.name = fmt::format("{:.0f} % interval", 100 * interval_part),
                 .x = lower.x,
                 .y = lower.y,
                 .dashed = true,
                 .colour = net_colour};
  line.x.insert(line.x.end(), upper.x.begin(), upper.x.end());
  line.y.insert(line.y.end(), upper.y.begin(), upper.y.end());
  return line;
}

}  // namespace

Forecasts::Forecasts(const SeriesModel& model, const Series& series, const BaselineOptions& options, std::vector<Index> from)
    : origins(std::move(from)),
      net(model.forecasts(series, origins)),
      others(baselines(series, origins, model.horizon(), options)),
      widths(model.widths(series.predict)),
      skill(skill_of(net, others, series.target(), origins)) {}

std::vector<Metric> Forecasts::measure(const Series& series) const {
  std::vector<Metric> metrics = {{"mse", skill.net.mse}, {"mae", skill.net.mae}};
  for (std::size_t k = 0; k < others.size(); ++k) {
    metrics.push_back({others[k].key + "_mse", skill.baselines[k].mse});
    metrics.push_back({others[k].key + "_mae", skill.baselines[k].mae});
  }
  if (skill.skill) metrics.push_back({"skill", *skill.skill});  // of one without an error nothing is a part
  if (skill.blocks.size() > 1) {
    const auto [least, most] = std::minmax_element(skill.blocks.begin(), skill.blocks.end());
    metrics.push_back({"skill_min", *least});
    metrics.push_back({"skill_max", *most});
  }
  if (!widths.empty()) metrics.push_back({"coverage", coverage(net, series.target(), origins, widths)});
  return metrics;
}

std::string Forecasts::verdict() const {
  if (!skill.is_none()) return "";
  return fmt::format("not better than the {}{}: {}", best_name(), skill.skill ? fmt::format(" (skill {:.3g})", *skill.skill) : "",
                     what_to_try);
}

std::string Forecasts::backtest() const {
  std::string all;
  for (const double one : skill.blocks) all += fmt::format(" {:.3g}", one);
  double mean = 0, squares = 0;
  for (const double one : skill.blocks) mean += one / static_cast<double>(skill.blocks.size());
  for (const double one : skill.blocks) squares += (one - mean) * (one - mean);
  const double deviation = std::sqrt(squares / std::max(1.0, static_cast<double>(skill.blocks.size()) - 1));
  return fmt::format("backtest: skill against the {} in {} consecutive parts of the rows to test:{}; mean {:.3g} ± {:.2g}",
                     best_name(), skill.blocks.size(), all, mean, deviation);
}

void Forecasts::side_by_side(std::size_t count, const std::function<void(Index, std::size_t, std::size_t)>& f) const {
  const auto horizon = std::ssize(net.front());
  std::vector<std::size_t> chosen;
  Index end = std::numeric_limits<Index>::max();
  for (std::size_t n = origins.size(); n-- > 0 && chosen.size() < count;)
    if (origins[n] + horizon <= end) chosen.push_back(n), end = origins[n];
  for (auto n = chosen.rbegin(); n != chosen.rend(); ++n)
    for (Index step = 0; step < horizon; ++step) f(origins[*n] + step, static_cast<std::size_t>(step), *n);
}

std::string Forecasts::table(const Series& series) const {
  std::string text = series.moments.empty() ? "row" : "row," + csv_field(series.date);
  text += ",step," + csv_field(series.columns[static_cast<std::size_t>(series.predict)]) + ",forecast";
  if (!widths.empty()) text += ",low,high";
  for (const SeriesBaseline& one : others) text += "," + one.key + (one.key == "seasonal" ? "_naive" : "");
  text += "\n";
  side_by_side(origins.size(), [&](Index row, std::size_t step, std::size_t n) {
    text += std::to_string(row + 1);
    if (!series.moments.empty()) text += "," + series.row_name(row);
    text += fmt::format(",{},{},{:.12g}", step + 1, series.target()[static_cast<std::size_t>(row)], net[n][step]);
    if (!widths.empty()) text += fmt::format(",{:.12g},{:.12g}", net[n][step] - widths[step], net[n][step] + widths[step]);
    for (const SeriesBaseline& one : others) text += fmt::format(",{:.12g}", one.forecasts[n][step]);
    text += "\n";
  });
  return text;
}

Chart Forecasts::picture(const Series& series) const {
  const std::size_t horizon = net.front().size();
  ChartLine truth{.name = "true", .x = {}, .y = {}, .colour = truth_colour};
  Strokes forecast{{.name = "forecast", .x = {}, .y = {}, .colour = net_colour}},
      baseline{{.name = best_name(), .x = {}, .y = {}, .dashed = true, .colour = net_colour + 1 + skill.best}};
  Strokes edges[2];  // the lower and the upper one
  side_by_side(std::max<std::size_t>(1, 160 / horizon), [&](Index row, std::size_t step, std::size_t n) {
    const double x = static_cast<double>(row + 1);
    truth.x.push_back(x), truth.y.push_back(series.target()[static_cast<std::size_t>(row)]);
    forecast.add(x, net[n][step], step == 0);
    baseline.add(x, others[skill.best].forecasts[n][step], step == 0);
    if (widths.empty()) return;
    edges[0].add(x, net[n][step] - widths[step], step == 0);
    edges[1].add(x, net[n][step] + widths[step], step == 0);
  });
  std::vector<ChartLine> lines = {truth, baseline.line};
  if (!widths.empty()) lines.push_back(interval_line(edges[0].line, edges[1].line));
  lines.push_back(forecast.line);
  return {.title = fmt::format("{}: forecasts of {} rows, the last of those to test", last_name(series.name), horizon),
          .x_name = "row",
          .y_name = series.columns[static_cast<std::size_t>(series.predict)],
          .lines = std::move(lines)};
}

Chart Forecasts::errors(const Series& series) const {
  const auto line = [&](const std::string& name, const std::vector<Forecast>& forecasts, std::size_t colour) {
    ChartLine errors{.name = name, .x = {}, .y = {}, .dashed = colour != net_colour, .colour = colour};
    for (std::size_t step = 0; step < forecasts.front().size(); ++step) {
      double sum = 0;
      for (std::size_t n = 0; n < forecasts.size(); ++n)
        sum += std::pow(forecasts[n][step] - series.target()[static_cast<std::size_t>(origins[n]) + step], 2);
      errors.x.push_back(static_cast<double>(step + 1));
      errors.y.push_back(std::sqrt(sum / static_cast<double>(forecasts.size())));
    }
    return errors;
  };
  Chart chart{.title = "", .x_name = "rows ahead", .y_name = "error", .lines = {line("forecast", net, net_colour)}};
  for (std::size_t k = 0; k < others.size(); ++k)
    chart.lines.push_back(line(others[k].name, others[k].forecasts, net_colour + 1 + k));
  return chart;
}

void Forecasts::add_views(Views& views, const Series& series) const {
  const std::string of = series.target_count() > 1 ? ": " + series.columns[static_cast<std::size_t>(series.predict)] : "";
  Chart chart = picture(series);
  chart.title.clear();
  const std::string said = verdict();
  views.add(
      "Forecasts and the truth" + of,
      fmt::format("Each stroke is a forecast, made at its left end; it saw nothing after that. It has to beat the best forecast "
                  "without a net, here the {}.{} Look how strokes begin: with the truth, or late after it?{}",
                  best_name(),
                  widths.empty() ? ""
                                 : fmt::format(" The interval is as wide as it takes to hold {:.0f} % of the rows to validate; "
                                               "of these rows it holds {:.0f} %.",
                                               100 * interval_part, 100 * coverage(net, series.target(), origins, widths)),
                  said.empty() ? "" : " The net is " + said + "."),
      std::move(chart));
  views.add(
      "How far ahead it sees" + of,
      "The error (root mean square) grows with the distance. The net is worth its effort where its line lies below all dashed "
      "ones.",
      errors(series));
}

void add_view_of_what_comes(Views& views, const SeriesModel& model, const Series& series) {
  const Index end = series.rows(), horizon = model.horizon();
  if (end < model.window() || !series.is_whole(end - model.window(), end)) return;
  const Forecast next = model.forecasts(series, end, end + 1).front();
  const std::vector<double> widths = model.widths(series.predict);
  const std::string& column = series.columns[static_cast<std::size_t>(series.predict)];
  ChartLine truth{.name = "true", .x = {}, .y = {}, .colour = truth_colour};
  for (Index row = std::max<Index>(0, end - 5 * horizon); row < end; ++row) {
    truth.x.push_back(static_cast<double>(row + 1));
    truth.y.push_back(series.target()[static_cast<std::size_t>(row)]);
  }
  Strokes forecast{{.name = "forecast", .x = {}, .y = {}, .colour = net_colour}}, edges[2];  // the lower and the upper one
  for (std::size_t step = 0; step < next.size(); ++step) {
    const double x = static_cast<double>(end + 1) + static_cast<double>(step);
    forecast.add(x, next[step], false);
    if (widths.empty()) continue;
    edges[0].add(x, next[step] - widths[step], false);
    edges[1].add(x, next[step] + widths[step], step == 0);
  }
  Chart chart{.title = "", .x_name = "row", .y_name = column, .lines = {std::move(truth)}};
  chart.marks.push_back({static_cast<double>(end) + 0.5, "end"});
  if (!widths.empty()) chart.lines.push_back(interval_line(edges[0].line, edges[1].line));
  chart.lines.push_back(std::move(forecast.line));
  views.add(fmt::format("What comes{}", series.target_count() > 1 ? ": " + column : ""),
            fmt::format("The forecast of the {} rows after the last one, {} to {}. carousel predict writes it as numbers.",
                        horizon, series.row_name(end), series.row_name(end + horizon - 1)),
            std::move(chart));
}

}  // namespace carousel
