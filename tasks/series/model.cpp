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

SeriesModel::SeriesModel(Registry<double>& registry, const SeriesOptions& options, Index columns, Index predict,
                         const std::optional<Scaling>& scaling, const SeriesExtras& extras)
    : SeriesModel(registry, options, columns, predict, scaling, extras,
                  Random(static_cast<std::uint64_t>(options.seed)).split("parameters")) {}

SeriesModel::SeriesModel(Registry<double>& registry, const SeriesOptions& options, Index columns, Index predict,
                         const std::optional<Scaling>& scaling, const SeriesExtras& extras, Random random)
    : window_(options.window),
      horizon_(options.horizon),
      predict_(predict),
      calendar_(extras.calendar),
      net_(Scope<double>(registry, random), 2 * columns + calendar_.features(), options.horizon, options),
      mean_(&frozen(registry, "scaling/mean", scaling, &Scaling::mean, columns)),
      deviation_(&frozen(registry, "scaling/deviation", scaling, &Scaling::deviation, columns)),
      change_(&frozen(registry, "scaling/change", scaling, &Scaling::change, columns)) {
  if (!extras.intervals) return;
  widths_ = &registry.parameter("interval/width", {horizon_}, [&] { return zeros<double>({horizon_}); });
  widths_->frozen = true;
}

std::vector<double> SeriesModel::widths() const {
  if (widths_ == nullptr) return {};
  return {widths_->value.begin(), widths_->value.end()};
}

void SeriesModel::set_widths(const std::vector<double>& widths) {
  if (widths_ == nullptr) return;
  Tensor<double> values = zeros<double>({horizon_});
  std::copy(widths.begin(), widths.end(), values.begin());
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
  const Var<double> ys = tape.constant(Shape{std::ssize(origins), horizon_});
  double* to = tape.data(ys);
  for (const Index origin : origins) {
    const double* const next = series.target().data() + origin;
    for (Index step = 0; step < horizon_; ++step) *to++ = (next[step] - *(next - 1)) / change();
  }
  return mean_squared_error(scaled_forecasts(series, origins, key), ys, {.divide_by = static_cast<double>(divide_by * horizon_)});
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
  while (!origins.empty()) {
    const std::span<const Index> some = origins.first(std::min(most, origins.size()));
    origins = origins.subspan(some.size());
    tape.clear();
    const Tensor<double> made = scaled_forecasts(series, some, {}).value();
    for (std::size_t n = 0; n < some.size(); ++n) {
      const double* const row = made.data() + static_cast<Index>(n) * horizon_;
      Forecast& forecast = all.emplace_back(row, row + horizon_);
      const double before = series.target()[static_cast<std::size_t>(some[n] - 1)];
      for (double& y : forecast) y = before + change() * y;
    }
  }
  return all;
}

}  // namespace carousel
