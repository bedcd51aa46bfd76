#pragma once
/// The net of the task series: it reads a window of all columns and says the next values of one of them at once.

#include <optional>
#include <span>
#include <string>
#include <vector>

#include <carousel/tasks/nets/predictor.hpp>
#include <carousel/tasks/series/baselines.hpp>

namespace carousel {

struct SeriesOptions : TrainOptions {
  std::string columns = {}, predict = {};
  std::string header = "auto";                       ///< auto, yes, no
  std::string decimal = "auto", thousands = "auto";  ///< see Csv
  std::string date = "auto", date_order = "auto";    ///< column of dates; which of day and month is first
  std::string missing = "error";                     ///< what is done about empty cells: error, fill, skip
  bool calendar = true;                              ///< the net reads what a calendar says of the dates
  Index window = 0;                                  ///< rows that a forecast is made from
  Index horizon = 0;                                 ///< rows that it is of
  Index season = 0;                                  ///< of the seasonal baseline; 0: find it
};

/// What runs have that were saved since forecasts have them.
struct SeriesExtras {
  Calendar calendar = {};
  bool intervals = false;
};
/// The part of what comes that an interval is made to hold.
inline constexpr double interval_part = 0.8;

/// With y the last value in the window of the column to predict, and for each column two features of a value x, l the last value:
///   forecast = y + change · net([(x − l) / change, tanh((x − mean) / (2 · deviation))])
/// The first feature is the same at any level, so that a series may leave the range in which it was learned; the second, which
/// does not leave its own, tells the level. (Zeng et al. 2023, "Are Transformers Effective for Time Series Forecasting?",
/// arXiv:2205.13504: NLinear takes the last value off.) A net that says 0 gives the naive forecast. Where there are dates, it
/// reads besides what a calendar says of each row. The scaling and the widths of intervals lie among the parameters, frozen.
class SeriesModel {
 public:
  /// `scaling` is empty where it is to be loaded.
  SeriesModel(Registry<double>& registry, const SeriesOptions& options, Index columns, const std::vector<Index>& targets,
              const std::optional<Scaling>& scaling = {}, const SeriesExtras& extras = {});

  Index horizon() const { return horizon_; }
  Index window() const { return window_; }
  /// The mean of a column in the part to train on, and how far its values are from the last one of a window.
  double mean(Index column) const { return mean_->value.data()[column]; }
  double change(Index column) const { return change_->value.data()[column]; }
  /// Half the width of the interval around each step of a forecast of a column; none in runs that were saved before there were
  /// any.
  std::vector<double> widths(Index column) const;
  void set_widths(Index column, const std::vector<double>& widths);

  /// Σ over the forecasts from these rows on of the mean of (forecast − true)² over their steps and columns, in squares of each
  /// column's change, divided.
  Var<double> loss(const Series& series, std::span<const Index> origins, Index divide_by,
                   const std::optional<DropoutKey>& key = {}) const;
  /// The forecasts of the column series.predict from each of the rows [first, last) on, in its units. Row series.rows() is the
  /// first after the end.
  std::vector<Forecast> forecasts(const Series& series, Index first, Index last) const;
  /// From each of these rows on.
  std::vector<Forecast> forecasts(const Series& series, std::span<const Index> origins) const;

 private:
  SeriesModel(Registry<double>& registry, const SeriesOptions& options, Index columns, const std::vector<Index>& targets,
              const std::optional<Scaling>& scaling, const SeriesExtras& extras, Random random);

  /// (forecast − last value) / change.
  ///   result: [origins, columns to forecast · horizon]
  Var<double> scaled_forecasts(const Series& series, std::span<const Index> origins, const std::optional<DropoutKey>& key) const;
  /// Which of the columns to forecast it is; throws std::invalid_argument for another.
  Index place_of(Index column) const;

  Index window_, horizon_;
  std::vector<Index> targets_;
  Calendar calendar_;
  Predictor net_;
  const Parameter<double>*mean_, *deviation_, *change_;  // of each column
  Parameter<double>* widths_ = nullptr;
};

}  // namespace carousel
