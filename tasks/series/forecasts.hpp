#pragma once
/// What a net forecast, beside what came and what the baselines said: in numbers, as a table, in pictures.

#include <functional>
#include <string>
#include <vector>

#include <carousel/tasks/drawing/views.hpp>
#include <carousel/tasks/series/model.hpp>

namespace carousel {

inline constexpr const char* what_to_try = "try more --epochs, another --window or --rate";

/// Forecasts from each of some rows on, the net's and those that it has to beat.
struct Forecasts {
  std::vector<Index> origins;  ///< rows
  std::vector<Forecast> net;
  std::vector<SeriesBaseline> others;
  std::vector<double> widths;  ///< of intervals; none: there are no intervals
  Skill skill;

  Forecasts(const SeriesModel& model, const Series& series, const BaselineOptions& options, std::vector<Index> from);

  const std::string& best_name() const { return others[skill.best].name; }
  /// mse mae, those of each baseline, skill skill_min skill_max coverage.
  std::vector<Metric> measure(const Series& series) const;
  /// "not better than the mean of the training part (skill -0.003): …"; nothing where it is better.
  std::string verdict() const;
  /// "skill in 5 consecutive parts: …"
  std::string backtest() const;

  /// A row for each forecast value: what came, the forecast, its interval, and what the baselines said.
  std::string table(const Series& series) const;
  /// The last forecasts that follow on each other, with their intervals and the best baseline.
  Chart picture(const Series& series) const;
  /// The root of the mean square of the errors, by how many rows ahead they are.
  Chart errors(const Series& series) const;
  void add_views(Views& views, const Series& series) const;

 private:
  /// Calls f(row, step, its place among the forecasts) for forecasts that follow on each other, `count` of them up to the end.
  void side_by_side(std::size_t count, const std::function<void(Index, std::size_t, std::size_t)>& f) const;
};

/// Adds the forecast of what comes after the last row, with its interval, behind the rows before it; nothing where a hole is in
/// the last window.
void add_view_of_what_comes(Views& views, const SeriesModel& model, const Series& series);

}  // namespace carousel
