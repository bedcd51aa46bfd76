#include <carousel/tasks/series/data.hpp>

#include <algorithm>
#include <cmath>
#include <numbers>
#include <numeric>
#include <stdexcept>

#include <carousel/lib/numbers/random.hpp>
#include <carousel/lib/utf8.hpp>

namespace carousel {

namespace {

double mean_of(std::span<const double> values) {
  return std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
}

/// √ of the mean of (value − last value)² over the values before the last one of all windows; a window of one row has none before
/// it, and counts as one of two.
double change_within(const Series& series, std::span<const double> values, Index window) {
  window = std::max<Index>(window, 2);
  double squares = 0, count = 0;
  for (auto last = values.begin() + window - 1; last < values.end(); ++last) {
    const Index end = last - values.begin() + 1;
    if (!series.is_whole(end - window, end)) continue;
    for (auto value = last - (window - 1); value < last; ++value, ++count) squares += (*value - *last) * (*value - *last);
  }
  return count > 0 ? std::sqrt(squares / count) : 0;
}

}  // namespace

std::vector<Index> Series::origins(Index first, Index last_row, Index window, Index horizon) const {
  std::vector<Index> all;
  Index seen = first, filled_last = -1;  // no row in [first, seen) after filled_last was filled in
  for (Index origin = std::max(first, window); origin + horizon <= last_row; ++origin) {
    for (seen = std::max(seen, origin); seen < origin + horizon; ++seen)
      if (!filled.empty() && filled[static_cast<std::size_t>(seen)]) filled_last = seen;
    if (filled_last < origin && is_whole(origin - window, origin + horizon)) all.push_back(origin);
  }
  return all;
}

Series Series::looking_at(Index k) const {
  Series other = *this;
  other.predict = target_column(k);
  return other;
}

std::string Series::row_name(Index row) const {
  const Index dated = std::ssize(moments), known = std::min(row, dated - 1);
  if (dated == 0 || (row >= dated && step.kind == TimeStep::Kind::none)) return std::to_string(row + 1);
  const double moment = moments[static_cast<std::size_t>(known)];
  return moment_text(known == row ? moment : step.after(moment, row - known), last);
}

Series built_in_series() {
  constexpr Index hours = 2400;
  constexpr double day = 2 * std::numbers::pi / 24;
  Random random = Random(1).split("the built-in series");
  Series series{"the built-in series", {"temperature", "load"}, {{}, {}}, 1};
  std::vector<double>&temperature = series.values[0], &load = series.values[1];
  double a = 0, b = 0;
  for (Index hour = 0; hour < hours; ++hour) {
    const auto t = static_cast<double>(hour);
    temperature.push_back(12 + 5 * std::sin(day * (t - 9)) + 4 * std::sin(day / 30 * t) + a);
    const double cold = std::max(0.0, 15 - temperature[static_cast<std::size_t>(std::max<Index>(0, hour - 3))]);
    load.push_back(50 + 8 * std::sin(day * (t - 8)) + 3 * std::sin(2 * day * t) + 0.8 * cold + b);
    a = 0.95 * a + 0.5 * random.normal();
    b = 0.8 * b + random.normal();
  }
  return series;
}

SeriesParts series_parts(const Series& series, Index window, Index horizon) {
  const auto parts_of = [](Index rows) { return SeriesParts{rows * 70 / 100, rows * 85 / 100, rows}; };
  const auto has_room = [&](const SeriesParts& p) {
    return p.train >= window + horizon && p.validation - p.train >= horizon && p.rows - p.validation >= horizon;
  };
  const SeriesParts parts = parts_of(series.rows());
  if (has_room(parts)) return parts;
  Index enough = series.rows() + 1;
  while (!has_room(parts_of(enough))) ++enough;
  bad_file(series.name, ": ", series.rows(), " rows: must be at least ", enough, " for a window of ", window,
           " and a horizon of ", horizon, ", 70 of 100 to train on, 15 to validate, 15 to test");
}

Scaling learn_scaling(const Series& series, Index train, Index window) {
  Scaling scaling;
  for (std::size_t column = 0; column < series.values.size(); ++column) {
    const std::span<const double> values = std::span(series.values[column]).first(static_cast<std::size_t>(train));
    const double mean = mean_of(values);
    double squares = 0;
    for (const double x : values) squares += (x - mean) * (x - mean);
    const auto [low, high] = std::minmax_element(values.begin(), values.end());
    const double deviation = std::sqrt(squares / static_cast<double>(train));
    if (*low == *high || !(deviation > 0)) {
      const std::string where =
          series.lines.rows() > 0 ? join("lines ", series.lines[0], " to ", series.lines[train - 1]) : join("rows 1 to ", train);
      bad_file("read ", series.name, ": ", where, ", column ", in_quotes(series.columns[column]), ": is always ", *low,
               ": must change in the part to train on, or be left out of --columns");
    }
    scaling.mean.push_back(mean);
    scaling.deviation.push_back(deviation);
    const double change = change_within(series, values, window);
    scaling.change.push_back(change > 0 ? change : deviation);
  }
  return scaling;
}

}  // namespace carousel
