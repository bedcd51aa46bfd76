#pragma once
/// The net of the task series: it reads a window of all columns and says the next values of one of them at once.

#include <optional>
#include <span>
#include <string>
#include <vector>

#include <carousel/tasks/predictor.hpp>
#include <carousel/tasks/series_data.hpp>

namespace carousel {

struct SeriesOptions : TrainOptions {
  std::string columns = {}, predict = {};
  std::string header = "auto";  ///< auto, yes, no
  Index window = 0;             ///< rows that a forecast is made from
  Index horizon = 0;            ///< rows that it is of
  Index season = 0;             ///< of the seasonal baseline; 0: find it
};

/// With z the window, scaled, and y the last value in it of the column to predict:
///   forecast = y + net(z)
/// so that a net that has learned nothing is near the naive forecast. The scaling lies among the parameters, frozen.
class SeriesModel {
 public:
  /// `scaling` is empty where it is to be loaded.
  SeriesModel(Registry<double>& registry, const SeriesOptions& options, Index columns, Index predict,
              const std::optional<Scaling>& scaling = {});

  Index horizon() const { return horizon_; }

  /// Mean of (forecast − true)² over the steps of the forecasts from these rows on, in squares of the column's deviation.
  Var<double> loss(const Series& series, std::span<const Index> origins, const std::optional<DropoutKey>& key = {}) const;
  /// The forecasts from each of the rows [first, last) on, in the units of the column. Row series.rows() is the first after the
  /// end.
  std::vector<Forecast> forecasts(const Series& series, Index first, Index last) const;

 private:
  SeriesModel(Registry<double>& registry, const SeriesOptions& options, Index columns, Index predict,
              const std::optional<Scaling>& scaling, Random random);

  double mean(Index column) const { return mean_->value.data()[column]; }
  double deviation(Index column) const { return deviation_->value.data()[column]; }
  double scaled(double x, Index column) const { return (x - mean(column)) / deviation(column); }
  Var<double> scaled_forecasts(const Series& series, std::span<const Index> origins, const std::optional<DropoutKey>& key) const;

  Index window_, horizon_, predict_;
  Predictor net_;
  Parameter<double>*mean_, *deviation_;  // of each column
};

}  // namespace carousel
