#include <carousel/tasks/runs/step_record.hpp>

#include <cmath>
#include <iterator>
#include <numeric>

#include <fmt/format.h>

#include <carousel/tasks/base/metric.hpp>
#include <carousel/tasks/drawing/json.hpp>

namespace carousel {

namespace {

/// √Σ (a − b)², or without b √Σ a², in double; sums side by side, so that registers are full.
template <class T>
double norm(const Tensor<T>& a, const Tensor<T>* b = nullptr) {
  constexpr std::size_t lanes = 16;
  double sums[lanes] = {};
  const auto add = [&](std::size_t i, std::size_t lane) {
    const double x = static_cast<double>(b ? a.data()[i] - b->data()[i] : a.data()[i]);
    sums[lane] += x * x;
  };
  std::size_t i = 0;
  for (; i + lanes <= a.size(); i += lanes)
    for (std::size_t lane = 0; lane < lanes; ++lane) add(i + lane, lane);
  for (; i < a.size(); ++i) add(i, 0);
  return std::sqrt(std::accumulate(std::begin(sums), std::end(sums), 0.0));
}

}  // namespace

template <class T>
void StepRecorder<T>::before(const StepReport& report) {
  if (report.step % every_ != 0) return;
  values_.clear(), gradient_norms_.clear();
  for (const Parameter<T>& p : registry_) {
    values_.push_back(p.value);
    gradient_norms_.push_back(p.has_gradient ? norm(p.gradient) : 0);
  }
}

template <class T>
std::optional<StepRecord> StepRecorder<T>::after(const StepReport& report, double loss, double rate) const {
  if (report.step % every_ != 0) return {};
  StepRecord record{.step = report.step + 1,
                    .epoch = report.epoch + 1,
                    .loss = loss,
                    .rate = rate,
                    .gradient_norm = report.gradient_norm,
                    .parameters = {}};
  std::size_t n = 0;
  for (const Parameter<T>& p : registry_) {
    const Tensor<T>& before = values_[n];
    const double gradient = gradient_norms_[n++];
    if (!p.frozen) record.parameters.push_back({p.path, gradient, norm(p.value, &before) / norm(before)});
  }
  return record;
}

void StepsFile::add(const StepRecord& record) {
  std::string line = fmt::format(R"({{"step":{},"epoch":{},"loss":{},"rate":{},"gradient_norm":{})", record.step, record.epoch,
                                 json_number(record.loss), json_number(record.rate), json_number(record.gradient_norm));
  const auto add_all = [&](const char* name, double StepRecord::Of::*number) {
    const char* separator = "";
    line += fmt::format(",\"{}\":{{", name);
    for (const StepRecord::Of& one : record.parameters) {
      line += fmt::format("{}{}:{}", separator, json_word(one.path), json_number(one.*number));
      separator = ",";
    }
    line += "}";
  };
  add_all("gradients", &StepRecord::Of::gradient_norm);
  add_all("updates", &StepRecord::Of::update_ratio);
  file_.add(line + "}");
}

template class StepRecorder<float>;
template class StepRecorder<double>;

}  // namespace carousel
