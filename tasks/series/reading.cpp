/// How a table becomes a series: its columns, its dates, what is done about empty cells, and where the holes are.

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <stdexcept>

#include <carousel/lib/utf8.hpp>
#include <carousel/tasks/base/text.hpp>
#include <carousel/tasks/series/data.hpp>

namespace carousel {

namespace {

std::string name_of(const Csv& csv, Index column) {
  return csv.header().empty() ? std::to_string(column + 1) : csv.header()[static_cast<std::size_t>(column)];
}

std::string count_of(Index count, const std::string& one) {
  return join(count, " ", one, count == 1 ? "" : "s");
}

/// The column of dates; none: there is none. Throws for one whose dates have two meanings, and, where it is named, for one that
/// holds none.
std::optional<Index> date_column(const Csv& csv, const SeriesColumns& columns, DateOrder& order) {
  if (columns.date == "none") return {};
  std::vector<Index> candidates;
  if (columns.date != "auto")
    candidates.push_back(csv.column("--date", columns.date));
  else
    for (Index k = 0; k < csv.columns(); ++k)
      if (!csv.holds_numbers(k)) candidates.push_back(k);
  std::vector<DateColumn> known(candidates.size(), DateColumn(columns.order));
  if (!candidates.empty())
    csv.for_each_row([&](const CsvReader& row) {
      for (std::size_t k = 0; k < candidates.size(); ++k)
        known[k].add(row.fields()[static_cast<std::size_t>(candidates[k])], row.line());
    });
  for (std::size_t k = 0; k < candidates.size(); ++k) {
    if (!known[k].holds_dates()) continue;
    known[k].refuse_ambiguous(csv.name(), csv.column_name(candidates[k]), columns.date == "auto" ? ", or --date none" : "");
    order = known[k].order();
    return candidates[k];
  }
  if (columns.date != "auto")
    csv.for_each_row([&](const CsvReader& row) {
      const std::string_view field = row.fields()[static_cast<std::size_t>(candidates[0])];
      if (!is_hole(field) && !read_moment(field, columns.order))
        bad_file("read ", csv.name(), ": line ", row.line(), ", ", csv.column_name(candidates[0]), ": ",
                 in_quotes(trimmed(field)), " is not a date: write dates such as 2024-04-03 or 2024-04-03 12:30");
    });
  return {};
}

/// Rows of a series in the making.
struct Rows {
  std::vector<Index> at;     // which rows of the file are kept, in order
  std::vector<bool> broken;  // of each: rows were left out before it

  void keep(const std::vector<bool>& wanted) {
    Rows some;
    bool gap = false;
    for (std::size_t k = 0; k < at.size(); ++k) {
      gap = gap || broken[k];
      if (!wanted[static_cast<std::size_t>(at[k])]) {
        gap = true;
        continue;
      }
      some.at.push_back(at[k]), some.broken.push_back(gap && !some.at.empty());
      gap = false;
    }
    *this = std::move(some);
  }
};

template <class T>
std::vector<T> chosen_from(const std::vector<T>& all, const std::vector<Index>& at) {
  std::vector<T> some;
  some.reserve(at.size());
  for (const Index row : at) some.push_back(all[static_cast<std::size_t>(row)]);
  return some;
}

/// The moments of the rows, of which those without one are not kept.
void read_moments(const Csv& csv, Index column, DateOrder order, const std::string& missing, Series& series, Rows& rows) {
  std::vector<bool> has_one;
  std::vector<Moment> moments;
  csv.for_each_row([&](const CsvReader& row) {
    const std::string_view field = row.fields()[static_cast<std::size_t>(column)];
    const std::optional<Moment> moment = read_moment(field, order);
    if (!moment && missing == "error")
      bad_file("read ", csv.name(), ": line ", row.line(), ", ", csv.column_name(column),
               ": there is no date: write one, or give --missing skip, which leaves out such rows, or --date none");
    has_one.push_back(moment.has_value());
    moments.push_back(moment.value_or(Moment{}));
  });
  rows.keep(has_one);
  if (const auto without = std::count(has_one.begin(), has_one.end(), false); without > 0)
    series.remarks.push_back(join(count_of(without, "row"), " without a date ", without == 1 ? "is" : "are", " left out"));
  if (rows.at.empty()) bad_file("read ", csv.name(), ", ", csv.column_name(column), ": no row has a date");
  const auto seconds = [&](Index row) { return moments[static_cast<std::size_t>(row)].seconds; };
  if (!std::is_sorted(rows.at.begin(), rows.at.end(), [&](Index a, Index b) { return seconds(a) < seconds(b); })) {
    std::vector<std::size_t> order_by(rows.at.size());
    std::iota(order_by.begin(), order_by.end(), 0U);
    std::stable_sort(order_by.begin(), order_by.end(),
                     [&](std::size_t a, std::size_t b) { return seconds(rows.at[a]) < seconds(rows.at[b]); });
    std::vector<Index> sorted;
    for (const std::size_t k : order_by) sorted.push_back(rows.at[k]);
    rows = {.at = std::move(sorted), .broken = std::vector<bool>(order_by.size(), false)};
    series.remarks.push_back(
        join("the rows of ", last_name(csv.name()), " were not in the order of ", series.date, ": they are sorted by it"));
  }
  for (const Index row : rows.at) series.moments.push_back(seconds(row));
  series.last = moments[static_cast<std::size_t>(rows.at.back())];
  series.step = find_step(series.moments);
}

/// Does what `missing` says about empty cells.
void treat_missing(const Csv& csv, const std::vector<Index>& chosen, const std::string& missing, Series& series, Rows& rows) {
  if (missing == "skip") {
    std::vector<bool> wanted(static_cast<std::size_t>(csv.rows()), true);
    for (const std::vector<double>& column : series.values)
      for (std::size_t row = 0; row < column.size(); ++row) wanted[row] = wanted[row] && !std::isnan(column[row]);
    const auto before = std::ssize(rows.at);
    std::vector<double> moments(wanted.size());
    for (std::size_t k = 0; k < series.moments.size(); ++k) moments[static_cast<std::size_t>(rows.at[k])] = series.moments[k];
    rows.keep(wanted);
    if (!series.moments.empty()) series.moments = chosen_from(moments, rows.at);
    if (const auto out = before - std::ssize(rows.at); out > 0)
      series.remarks.push_back(join("--missing skip: ", count_of(out, "row"), " of ", before, " with empty cells ",
                                    out == 1 ? "is" : "are", " left out; no window runs across the holes"));
    if (rows.at.empty()) bad_file("read ", csv.name(), ": every row has an empty cell: name other --columns");
  }
  for (std::vector<double>& column : series.values) column = chosen_from(column, rows.at);
  if (missing != "fill") return;
  std::string what;
  for (std::size_t k = 0; k < chosen.size(); ++k) {
    std::vector<double>& column = series.values[k];
    const auto holes = std::count_if(column.begin(), column.end(), [](double x) { return std::isnan(x); });
    if (holes == 0) continue;
    bool is_target = false;
    for (Index n = 0; n < series.target_count(); ++n) is_target = is_target || series.target_column(n) == static_cast<Index>(k);
    if (is_target) {
      series.filled.resize(column.size());
      for (std::size_t row = 0; row < column.size(); ++row) series.filled[row] = series.filled[row] || std::isnan(column[row]);
    }
    const auto first = std::find_if(column.begin(), column.end(), [](double x) { return !std::isnan(x); });
    double before = first == column.end() ? 0 : *first;
    for (double& x : column) x = before = std::isnan(x) ? before : x;
    what += join(what.empty() ? "" : ", ", holes, " of ", series.columns[k]);
  }
  if (!what.empty())
    series.remarks.push_back(join("--missing fill: empty cells have the value before: ", what,
                                  "; no forecast is learned from or measured on a value that was filled in"));
}

/// Where a step is longer than the others, or a row was left out, a hole is.
void find_holes(Series& series, const Rows& rows) {
  Index gaps = 0, first = 0, from = 0;
  std::vector<Index> begins = {0};
  for (Index row = 1; row < series.rows(); ++row) {
    const auto at = static_cast<std::size_t>(row);
    const bool gap = !series.moments.empty() && !follows(series.step, series.moments[at - 1], series.moments[at]);
    if (gap && !rows.broken[at] && gaps++ == 0) first = row;
    if (gap || rows.broken[at]) from = row;
    begins.push_back(from);
  }
  if (from > 0) series.begins = std::move(begins);
  if (gaps > 0)
    series.remarks.push_back(join(count_of(gaps, "gap"), " in ", series.date, ", whose steps are of ", series.step.name(),
                                  ": the first from ", series.row_name(first - 1), " to ", series.row_name(first),
                                  "; no window runs across ", gaps == 1 ? "it" : "them"));
  if (!series.moments.empty() && series.step.kind == TimeStep::Kind::none && series.rows() > 2)
    series.remarks.push_back(
        join("the steps of ", series.date, " are irregular: each row counts as one step, and forecasts have no dates"));
}

/// Columns of a table as a series.
Series columns_of(const Csv& csv, const std::vector<Index>& chosen, const std::vector<Index>& predict, const std::string& remedy,
                  const SeriesColumns& columns) {
  Series series{
      csv.name(), {}, columns.missing == "error" ? csv.numbers(chosen, remedy) : csv.numbers_with_holes(chosen, remedy)};
  constexpr double largest = 1e100;
  for (std::size_t k = 0; k < chosen.size(); ++k) {
    const Index column = chosen[k];
    series.columns.push_back(name_of(csv, column));
    const std::vector<double>& values = series.values[k];
    const auto too_large = std::find_if(values.begin(), values.end(), [&](double value) { return std::abs(value) > largest; });
    if (too_large != values.end())
      bad_file("read ", csv.name(), ": line ", csv.lines()[too_large - values.begin()], ", ", csv.column_name(column), ": ",
               *too_large, ": must be within ±", largest);
  }
  for (const Index column : predict) series.targets.push_back(std::find(chosen.begin(), chosen.end(), column) - chosen.begin());
  series.predict = series.targets.front();
  Rows rows{.at = std::vector<Index>(static_cast<std::size_t>(csv.rows())),
            .broken = std::vector<bool>(static_cast<std::size_t>(csv.rows()), false)};
  std::iota(rows.at.begin(), rows.at.end(), 0);
  DateOrder order = columns.order;
  if (const auto date = date_column(csv, columns, order)) {
    series.date = name_of(csv, *date);
    read_moments(csv, *date, order, columns.missing, series, rows);
  }
  treat_missing(csv, chosen, columns.missing, series, rows);
  for (const Index row : rows.at) series.lines.add(csv.lines()[row]);
  find_holes(series, rows);
  return series;
}

}  // namespace

Series read_series(const Csv& csv, const SeriesColumns& columns) {
  std::vector<Index> chosen;
  for (const std::string& name : columns.read) {
    chosen.push_back(csv.column("--columns", name));
    if (std::count(chosen.begin(), chosen.end(), chosen.back()) > 1)
      wrong_argument("--columns ", name, ": is named twice: each column must be named once");
  }
  const bool dates_named = columns.date != "auto" && columns.date != "none";
  const Index dates = dates_named ? csv.column("--date", columns.date) : -1;
  if (columns.read.empty())
    for (Index column = 0; column < csv.columns(); ++column)
      if (csv.holds_numbers(column) && column != dates) chosen.push_back(column);
  if (chosen.empty()) bad_file("read ", csv.name(), ": no column holds numbers", csv.nearest_to_number());

  std::vector<Index> predict = {chosen.back()};
  if (!columns.predict.empty()) {
    predict.clear();
    const bool is_one = std::ranges::count(csv.header(), columns.predict) > 0;  // a name may have a comma
    for (const std::string& name : is_one ? std::vector{columns.predict} : split(columns.predict, ",")) {
      const Index column = csv.column("--predict", name);
      if (std::ranges::count(predict, column) > 0)
        wrong_argument("--predict ", name, ": is named twice: each column must be named once");
      predict.push_back(column);
      if (std::find(chosen.begin(), chosen.end(), column) != chosen.end()) continue;
      if (!columns.read.empty()) wrong_argument("--predict ", name, ": is not among --columns: name it there too");
      chosen.push_back(column);
    }
  }
  const bool may_be_left = columns.read.empty() && columns.predict.empty();
  Series series = columns_of(csv, chosen, predict, may_be_left ? ", or name other --columns" : "", columns);
  if (columns.read.empty())
    for (Index column = 0; column < csv.columns(); ++column)
      if (!csv.holds_numbers(column) && std::ranges::count(predict, column) == 0 && name_of(csv, column) != series.date)
        series.left.push_back(csv.column_name(column));
  return series;
}

Series read_same_columns(const Csv& csv, const std::vector<std::string>& names, const std::vector<std::string>& predict,
                         const SeriesColumns& columns) {
  std::vector<Index> chosen, targets;
  for (const std::string& name : names) {
    try {
      chosen.push_back(csv.column("", name));
    } catch (const std::invalid_argument&) {
      std::string all;
      for (const std::string& one : names) all += (all.empty() ? "" : ", ") + in_quotes(one);
      bad_file("read ", csv.name(), ": there is no column ", in_quotes(name), ": the model reads ", all);
    }
  }
  for (const std::string& name : predict)
    targets.push_back(chosen[static_cast<std::size_t>(std::find(names.begin(), names.end(), name) - names.begin())]);
  return columns_of(csv, chosen, targets, "", columns);
}

}  // namespace carousel
