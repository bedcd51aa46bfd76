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

/// The values less the straight line through them of least squares.
std::vector<double> without_line(std::span<const double> values) {
  const double mean = mean_of(values), middle = (static_cast<double>(values.size()) - 1) / 2;
  double slope = 0, squares = 0;
  for (std::size_t t = 0; t < values.size(); ++t) {
    const double at = static_cast<double>(t) - middle;
    slope += at * (values[t] - mean);
    squares += at * at;
  }
  if (squares > 0) slope /= squares;
  std::vector<double> rest;
  for (std::size_t t = 0; t < values.size(); ++t) rest.push_back(values[t] - mean - slope * (static_cast<double>(t) - middle));
  return rest;
}

double product_at(std::span<const double> values, std::size_t lag) {
  return std::inner_product(values.begin(), values.end() - static_cast<std::ptrdiff_t>(lag),
                            values.begin() + static_cast<std::ptrdiff_t>(lag), 0.0);
}

/// Columns of a table as a series.
Series columns_of(const Csv& csv, const std::vector<Index>& chosen, Index predict, const std::string& remedy) {
  Series series{csv.name(), {}, csv.numbers(chosen, remedy)};
  constexpr double largest = 1e100;
  for (std::size_t k = 0; k < chosen.size(); ++k) {
    const Index column = chosen[k];
    if (column == predict) series.predict = static_cast<Index>(k);
    series.columns.push_back(csv.header().empty() ? std::to_string(column + 1) : csv.header()[static_cast<std::size_t>(column)]);
    const std::vector<double>& values = series.values[k];
    const auto too_large = std::find_if(values.begin(), values.end(), [&](double value) { return std::abs(value) > largest; });
    if (too_large != values.end())
      bad_file("read ", csv.name(), ": line ", csv.lines()[too_large - values.begin()], ", ", csv.column_name(column), ": ",
               *too_large, ": must be within ±", largest);
  }
  series.lines = csv.lines();
  return series;
}

/// √ of the mean of (value − last value)² over the values before the last one of all windows; a window of one row has none before
/// it, and counts as one of two.
double change_within(std::span<const double> values, Index window) {
  window = std::max<Index>(window, 2);
  double squares = 0, count = 0;
  for (auto last = values.begin() + window - 1; last < values.end(); ++last)
    for (auto value = last - (window - 1); value < last; ++value, ++count) squares += (*value - *last) * (*value - *last);
  return count > 0 ? std::sqrt(squares / count) : 0;
}

}  // namespace

std::vector<std::string> split_names(const std::string& word) {
  std::vector<std::string> names;
  if (word.empty()) return names;
  std::size_t from = 0;
  for (std::size_t comma; (comma = word.find(',', from)) != std::string::npos; from = comma + 1)
    names.push_back(word.substr(from, comma - from));
  names.push_back(word.substr(from));
  return names;
}

Series read_series(const Csv& csv, const SeriesColumns& columns) {
  std::vector<Index> chosen;
  for (const std::string& name : columns.read) {
    chosen.push_back(csv.column("--columns", name));
    if (std::count(chosen.begin(), chosen.end(), chosen.back()) > 1)
      wrong_argument("--columns ", name, ": is named twice: each column must be named once");
  }
  if (columns.read.empty())
    for (Index column = 0; column < csv.columns(); ++column)
      if (csv.holds_numbers(column)) chosen.push_back(column);
  if (chosen.empty()) bad_file("read ", csv.name(), ": no column holds numbers", csv.nearest_to_number());

  Index predict = chosen.back();
  if (!columns.predict.empty()) {
    predict = csv.column("--predict", columns.predict);
    if (std::find(chosen.begin(), chosen.end(), predict) == chosen.end()) {
      if (!columns.read.empty()) wrong_argument("--predict ", columns.predict, ": is not among --columns: must be one of them");
      chosen.push_back(predict);
    }
  }
  const bool may_be_left = columns.read.empty() && columns.predict.empty();
  Series series = columns_of(csv, chosen, predict, may_be_left ? ", or --columns must name others" : "");
  if (columns.read.empty())
    for (Index column = 0; column < csv.columns(); ++column)
      if (!csv.holds_numbers(column) && column != predict) series.left.push_back(csv.column_name(column));
  return series;
}

Series read_same_columns(const Csv& csv, const std::vector<std::string>& names, const std::string& predict) {
  std::vector<Index> chosen;
  Index target = 0;
  for (const std::string& name : names) {
    try {
      chosen.push_back(csv.column("", name));
    } catch (const std::invalid_argument&) {
      std::string all;
      for (const std::string& one : names) all += (all.empty() ? "" : ", ") + in_quotes(one);
      bad_file("read ", csv.name(), ": has no column ", in_quotes(name), " of its own: must have those that the model reads, ",
               all);
    }
    if (name == predict) target = chosen.back();
  }
  return columns_of(csv, chosen, target, "");
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
    scaling.change.push_back(change_within(values, window));
  }
  return scaling;
}

Index find_season(std::span<const double> values) {
  const std::vector<double> rest = without_line(values);
  const std::size_t longest = std::min<std::size_t>(rest.size() / 3, 1000);
  const double power = product_at(rest, 0);
  if (!(power > 0)) return 1;
  std::vector<double> likeness = {1};
  for (std::size_t lag = 1; lag <= longest + 1 && lag < rest.size(); ++lag) {
    const auto pairs = static_cast<double>(rest.size() - lag);
    likeness.push_back(product_at(rest, lag) / pairs * static_cast<double>(rest.size()) / power);
  }
  std::vector<std::size_t> peaks;
  for (std::size_t lag = 2; lag + 1 < likeness.size(); ++lag)
    if (likeness[lag] > likeness[lag - 1] && likeness[lag] >= likeness[lag + 1]) peaks.push_back(lag);
  double highest = 0;
  for (const std::size_t lag : peaks) highest = std::max(highest, likeness[lag]);
  if (highest < 0.3) return 1;
  for (const std::size_t lag : peaks)
    if (likeness[lag] >= 0.9 * highest) return static_cast<Index>(lag);
  return 1;
}

Forecast naive_forecast(std::span<const double> values, Index origin, Index horizon) {
  return Forecast(static_cast<std::size_t>(horizon), values[static_cast<std::size_t>(origin - 1)]);
}

Forecast seasonal_forecast(std::span<const double> values, Index origin, Index horizon, Index season) {
  if (origin < season) return naive_forecast(values, origin, horizon);
  Forecast forecast;
  for (Index step = 0; step < horizon; ++step)
    forecast.push_back(values[static_cast<std::size_t>(origin - season + step % season)]);
  return forecast;
}

ForecastError forecast_error(std::span<const Forecast> forecasts, std::span<const double> values, Index first) {
  ForecastError sum;
  double count = 0;
  for (std::size_t n = 0; n < forecasts.size(); ++n)
    for (std::size_t step = 0; step < forecasts[n].size(); ++step, ++count) {
      const double off = forecasts[n][step] - values[static_cast<std::size_t>(first) + n + step];
      sum.mse += off * off;
      sum.mae += std::abs(off);
    }
  return {sum.mse / count, sum.mae / count};
}

}  // namespace carousel
