#include <carousel/tasks/series/model.hpp>

#include <algorithm>
#include <cmath>
#include <numeric>

#include <carousel/models/losses/loss.hpp>

namespace carousel {

namespace {
Parameter<double>& frozen(Registry<double>& registry, const std::string& path, const std::optional<Scaling>& scaling,
                          std::vector<double> Scaling::*values, Index columns) {
  Parameter<double>& parameter = registry.parameter(path, {columns}, [&] {
    Tensor<double> initial = full<double>({columns}, 1);
    if (scaling) std::copy(((*scaling).*values).begin(), ((*scaling).*values).end(), initial.begin());
    return initial;
  });
  parameter.frozen = true;
  return parameter;
}
}  // namespace

SeriesModel::SeriesModel(Registry<double>& registry, const SeriesOptions& options, Index columns,
                         const std::vector<Index>& targets, const std::optional<Scaling>& scaling, const SeriesExtras& extras)
    : SeriesModel(registry, options, columns, targets, scaling, extras,
                  Random(static_cast<std::uint64_t>(options.seed)).split("parameters")) {}

SeriesModel::SeriesModel(Registry<double>& registry, const SeriesOptions& options, Index columns,
                         const std::vector<Index>& targets, const std::optional<Scaling>& scaling, const SeriesExtras& extras,
                         Random random)
    : window_(options.window),
      horizon_(options.horizon),
      targets_(targets),
      calendar_(extras.calendar),
      net_(Scope<double>(registry, random), 2 * columns + calendar_.features(), std::ssize(targets) * options.horizon, options),
      mean_(&frozen(registry, "scaling/mean", scaling, &Scaling::mean, columns)),
      deviation_(&frozen(registry, "scaling/deviation", scaling, &Scaling::deviation, columns)),
      change_(&frozen(registry, "scaling/change", scaling, &Scaling::change, columns)) {
  if (!extras.intervals) return;
  widths_ = &registry.parameter("interval/width", {std::ssize(targets) * horizon_},
                                [&] { return zeros<double>({std::ssize(targets) * horizon_}); });
  widths_->frozen = true;
}

Index SeriesModel::place_of(Index column) const {
  const auto found = std::find(targets_.begin(), targets_.end(), column);
  if (found == targets_.end()) wrong_argument("series: column ", column + 1, ": the net does not forecast it");
  return found - targets_.begin();
}

std::vector<double> SeriesModel::widths(Index column) const {
  if (widths_ == nullptr) return {};
  const double* const from = widths_->value.data() + place_of(column) * horizon_;
  return {from, from + horizon_};
}

void SeriesModel::set_widths(Index column, const std::vector<double>& widths) {
  if (widths_ == nullptr) return;
  Tensor<double> values = widths_->value;
  std::copy(widths.begin(), widths.end(), values.data() + place_of(column) * horizon_);
  widths_->set(values);
}

Var<double> SeriesModel::scaled_forecasts(const Series& series, std::span<const Index> origins,
                                          const std::optional<DropoutKey>& key) const {
  Tape<double>& tape = Tape<double>::active();
  const auto batch = std::ssize(origins), columns = std::ssize(series.values);
  const Index calendar = calendar_.features();
  const Var<double> xs = tape.constant(Shape{window_, batch, 2 * columns + calendar});
  double* to = tape.data(xs);
  for (Index t = 0; t < window_; ++t)
    for (const Index origin : origins) {
      for (Index column = 0; column < columns; ++column) {
        const double* const end = series.values[static_cast<std::size_t>(column)].data() + origin;
        const double x = *(end - window_ + t);
        *to++ = (x - *(end - 1)) / change_->value.data()[column];
        *to++ = std::tanh((x - mean_->value.data()[column]) / (2 * deviation_->value.data()[column]));
      }
      if (calendar == 0) continue;
      calendar_.write(series.moments[static_cast<std::size_t>(origin - window_ + t)], series.last.offset.value_or(0), to);
      to += calendar;
    }
  return net_.after_all(xs, key);
}

Var<double> SeriesModel::loss(const Series& series, std::span<const Index> origins, Index divide_by,
                              const std::optional<DropoutKey>& key) const {
  Tape<double>& tape = Tape<double>::active();
  const Index count = std::ssize(targets_);
  const Var<double> ys = tape.constant(Shape{std::ssize(origins), count * horizon_});
  double* to = tape.data(ys);
  for (const Index origin : origins)
    for (const Index column : targets_) {
      const double* const next = series.values[static_cast<std::size_t>(column)].data() + origin;
      for (Index step = 0; step < horizon_; ++step) *to++ = (next[step] - *(next - 1)) / change(column);
    }
  return mean_squared_error(scaled_forecasts(series, origins, key), ys,
                            {.divide_by = static_cast<double>(divide_by * horizon_ * count)});
}

std::vector<Forecast> SeriesModel::forecasts(const Series& series, Index first, Index last) const {
  std::vector<Index> origins(static_cast<std::size_t>(last - first));
  std::iota(origins.begin(), origins.end(), first);
  return forecasts(series, origins);
}

std::vector<Forecast> SeriesModel::forecasts(const Series& series, std::span<const Index> origins) const {
  constexpr std::size_t most = 250;  // at once
  Tape<double> tape;
  const NoGrad<double> no_gradient;
  std::vector<Forecast> all;
  const Index count = std::ssize(targets_), place = place_of(series.predict);
  while (!origins.empty()) {
    const std::span<const Index> some = origins.first(std::min(most, origins.size()));
    origins = origins.subspan(some.size());
    tape.clear();
    const Tensor<double> made = scaled_forecasts(series, some, {}).value();
    for (std::size_t n = 0; n < some.size(); ++n) {
      const double* const row = made.data() + (static_cast<Index>(n) * count + place) * horizon_;
      Forecast& forecast = all.emplace_back(row, row + horizon_);
      const double before = series.target()[static_cast<std::size_t>(some[n] - 1)];
      for (double& y : forecast) y = before + change(series.predict) * y;
    }
  }
  return all;
}

}  // namespace carousel
