#include <carousel/tasks/nets/diagnosis.hpp>

#include <algorithm>
#include <filesystem>

#include <fmt/format.h>

#include <carousel/tasks/base/metric.hpp>
#include <carousel/tasks/drawing/json.hpp>

namespace carousel {

namespace {

// What follows has its reason beside it; all of it was tried on the default preset of every task, where nothing may be said.

/// A gradient this many times larger than usual has exploded: in healthy trainings single batches differ by ten or twenty times.
constexpr double much_larger = 100;
/// And did harm if the loss then rises by this part of what it was in the beginning, for some steps and not for one.
constexpr double harm = 0.1;
constexpr Index settled = 20;  // steps until what is usual is known, and until a jump has shown its harm
/// A bound that leaves less than this of nearly all gradients takes the sizes of gradients away: all that is left is a direction.
constexpr double almost_nothing = 0.01, nearly_all = 0.95;
constexpr Index many_steps = 200;
/// The loss has not moved if it lost less than this in a quarter of the training: what learns loses most of it by then.
constexpr double moved = 0.02;
/// ‖Δw‖/‖w‖ of one step: about a thousandth is healthy (Karpathy, CS231n, "Ratio of weights:updates").
constexpr double too_small_step = 1e-5, too_large_step = 0.05;
/// What is left of the gradient after this factor is below what float keeps beside the other terms of a sum (2^-24 = 6e-8).
constexpr double vanished = 1e-6;
/// Gates learn to be open or shut, one by one: of those of the tasks' own nets at most a tenth are, over a sample. A layer in
/// which almost all are can hardly learn any more.
constexpr double almost_all = 0.8;
/// The validation rises if it is worse than its best by this part, over some epochs, while the loss fell by as much.
constexpr double worse = 0.1;
constexpr Index some_epochs = 3;

/// A number of one or two digits for an option.
std::string round_number(double value) {
  const double power = std::pow(10, std::floor(std::log10(value)));
  return fmt::format("{:.3g}", std::round(value / power) * power);
}

double median(std::vector<double> values) {
  if (values.empty()) return std::numeric_limits<double>::quiet_NaN();
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

bool has_gates(const std::string& cell) {
  return !cell.starts_with("rnn");
}

}  // namespace

Diagnosis::Diagnosis(const TrainOptions& options, Index steps, Index done, bool higher_is_better,
                     const std::optional<Baseline>& baseline)
    : options_(options), steps_(steps), from_the_start_(done == 0), higher_is_better_(higher_is_better), baseline_(baseline) {}

std::optional<Warning> Diagnosis::step(const StepReport& report, double loss) {
  ++seen_;
  if (seen_ <= 10) first_loss_ += (loss - first_loss_) / static_cast<double>(seen_);
  const double usual = std::exp(log_norm_.value()), enough = harm * std::abs(first_loss_);
  if (seen_ > settled && !jump_ && report.gradient_norm > much_larger * usual)
    jump_ = {.step = report.step, .times = report.gradient_norm / usual, .loss = loss_.value()};
  log_norm_.add(std::log(std::max(report.gradient_norm, std::numeric_limits<double>::min())));
  loss_.add(loss);
  mean_loss_.add(loss);
  if (seen_ <= settled) return {};

  if (jump_ && report.step >= jump_->step + settled) {
    const Jump jump = *std::exchange(jump_, std::nullopt);
    if (loss_.value() > jump.loss + enough) return exploding(jump);
  }
  lowest_norm_ = std::min(lowest_norm_, std::exp(log_norm_.value()));
  lowest_loss_ = std::min(lowest_loss_, loss_.value());
  if (const double times = std::exp(log_norm_.value()) / lowest_norm_;
      times > much_larger && loss_.value() > lowest_loss_ + enough)
    return exploding({.step = report.step, .times = times, .loss = lowest_loss_});

  if (options_.clip > 0 && !options_.clip_elements && report.gradient_norm > options_.clip / almost_nothing) ++cut_;
  if (seen_ == many_steps && static_cast<double>(cut_) > nearly_all * static_cast<double>(seen_ - settled))
    return Warning{
        "exploding gradient",
        fmt::format("--clip {} cuts more than {:.0f} % off the gradient in nearly every step, whose norm is about {:.2g}: try "
                    "--clip {}, or a smaller --rate",
                    options_.clip, 100 * (1 - almost_nothing), std::exp(log_norm_.value()),
                    round_number(std::exp(log_norm_.value())))};
  return {};
}

std::optional<Warning> Diagnosis::exploding(const Jump& jump) const {
  const std::string slower = "--rate " + round_number(options_.rate / 3);
  const std::string remedy =
      options_.clip > 0 || !takes("clip") ? slower : fmt::format("--clip {}, or {}", round_number(2 * lowest_norm_), slower);
  return Warning{
      "exploding gradient",
      fmt::format("the gradient grew to {:.2g} times of what it was by step {}, and the loss rose from {:.4g} to {:.4g}: try {}",
                  jump.times, jump.step + 1, jump.loss, loss_.value(), remedy)};
}

std::optional<Warning> Diagnosis::epoch(double loss, double validation) {
  ++epochs_;
  if (std::isnan(validation)) return {};
  const double better_by = higher_is_better_ ? validation - best_validation_ : best_validation_ - validation;
  if (std::isnan(best_validation_) || better_by > 0) {
    best_validation_ = validation, best_epoch_ = epochs_, loss_at_best_ = loss;
    return {};
  }
  // An accuracy of 0.99 that falls to 0.98 has twice as many errors: what is left to 1 counts, not what there is.
  const double scale = std::abs(higher_is_better_ && best_validation_ < 1 ? 1 - best_validation_ : best_validation_);
  const bool rises = epochs_ >= best_epoch_ + some_epochs && -better_by > worse * scale;
  if (!rises || !(loss < loss_at_best_ - worse * std::abs(loss_at_best_))) return {};
  std::string remedy;
  const auto add = [&](const std::string& option) { remedy += (remedy.empty() ? "try " : ", or ") + option; };
  if (takes("patience") && options_.patience == 0) add("--patience 3, which ends it then");
  if (takes("dropout")) add("--dropout " + fmt::format("{:.2g}", std::min(0.8, options_.dropout + 0.2)));
  add("a smaller --hidden");
  return Warning{
      "overfitting",
      fmt::format("the validation was best in epoch {}, {:.4g}, and is {:.4g} now, while the loss fell from {:.4g} to {:.4g}: it "
                  "learns its examples by heart; the best is kept; {}",
                  best_epoch_, best_validation_, validation, loss_at_best_, loss, remedy)};
}

std::optional<Warning> Diagnosis::gates(const Inside& inside) const {
  if (inside.saturated < almost_all) return {};
  const std::string slower = "--rate " + round_number(options_.rate / 10);
  if (inside.what == "relu")
    return Warning{"dead units",
                   fmt::format("{:.0f} % of the units of a layer are 0 at every step of a sample and cannot learn any more: "
                               "try {}, or --cell lstm",
                               100 * inside.saturated, slower)};
  return Warning{
      "saturated gates",
      fmt::format("{:.0f} % of the {} of a layer are fully open or shut over a sample and let no gradient through: try {}{}",
                  100 * inside.saturated, inside.what == "gates" ? "gates" : "units", slower,
                  options_.clip == 0 && takes("clip") ? ", or --clip 1" : "")};
}

bool Diagnosis::stands_still() {
  constexpr Index fewest = 100, most = 20000;  // steps until one can say; more than that nobody waits
  if (told_ || !from_the_start_) return false;
  if (!asked_ && seen_ >= std::clamp(steps_ / 4, fewest, most)) {
    asked_ = true;
    told_ = first_loss_ - loss_.value() < moved * std::abs(first_loss_);
  }
  // What is learned first is the best guess, which may be far below the first loss: half of a training must be more than that.
  if (!told_ && seen_ == std::clamp(steps_ / 2, fewest, most)) told_ = stands_at_baseline();
  return told_;
}

bool Diagnosis::stands_at_baseline() const {
  return baseline_ && std::abs(mean_loss_.value() - baseline_->train_loss) < moved * std::abs(baseline_->train_loss);
}

Warning Diagnosis::why_it_stands_still(const std::optional<StepRecord>& noted, const std::optional<Inside>& inside) const {
  const std::string seen =
      stands_at_baseline()
          ? fmt::format("after {} steps the loss is {:.4g}, not better than {}: {:.4g}", seen_, mean_loss_.value(),
                        baseline_->guess, baseline_->train_loss)
          : fmt::format("the loss has not moved in {} steps, {:.4g} at first and {:.4g} now", seen_, first_loss_, loss_.value());
  std::vector<double> ratios;
  if (noted)
    for (const StepRecord::Of& one : noted->parameters)
      if (std::isfinite(one.update_ratio)) ratios.push_back(one.update_ratio);
  const double ratio = median(ratios);
  const std::string slower = round_number(options_.rate / 10), faster = round_number(options_.rate * 10);
  if (ratio < too_small_step)
    return {"loss not moving",
            fmt::format("{}: a step moves the parameters by {:.1g} of what they are: try --rate {}", seen, ratio, faster)};
  if (ratio > too_large_step)
    return {"loss not moving",
            fmt::format("{}: a step moves the parameters by {:.1g} of what they are: try --rate {}", seen, ratio, slower)};
  if (!stands_at_baseline() && loss_.value() > first_loss_ + moved / 2 * std::abs(first_loss_))  // it moved the other way
    return {"loss not moving", fmt::format("{}: try --rate {}", seen, slower)};
  if (inside && inside->first_step < vanished && inside->steps > 1)
    return {"vanishing gradient",
            fmt::format("{}, and the gradient of the first of {} steps is {:.1g} of the largest: try {}", seen, inside->steps,
                        inside->first_step,
                        has_gates(options_.cell) ? takes("chrono") ? "--chrono" : "--rate " + faster : "--cell lstm")};
  if (inside && inside->lowest_layer < vanished && inside->layers > 1)
    return {"vanishing gradient",
            fmt::format("{}, and the gradient of the lowest of {} layers is {:.1g} of that of the highest: try "
                        "--layers {}",
                        seen, inside->layers, inside->lowest_layer, inside->layers - 1)};
  if (stands_at_baseline() && !has_gates(options_.cell))  // what it needs to know has faded by the time it answers
    return {"loss not moving", seen + ": a simple recurrent net forgets what is many steps back: try --cell lstm"};
  return {"loss not moving", fmt::format("{}: try --rate {}, or --rate {}", seen, slower, faster)};
}

Warning Diagnosis::exploded(const FitState& before) const {
  const std::string seen = fmt::format("the loss exploded in epoch {}, step {}", before.epoch + 1, before.step + 1);
  // Where no parameter has moved yet no rate is to blame.
  if (before.step == 0) return {exploded_loss, seen + ", before anything was learned: look at the data, or try another --seed"};
  // A tenth of a rate that is out of all bounds is still too large.
  return {exploded_loss, fmt::format("{}: try --rate {}{}", seen, round_number(std::min(options_.rate / 10, 0.1)),
                                     (options_.clip == 0 || options_.clip > 1) && takes("clip") ? ", or --clip 1" : "")};
}

WarningsFile::WarningsFile(const std::string& folder, Index steps_done) : path_(folder + "/warnings.jsonl") {
  if (!std::filesystem::exists(path_)) return;
  file_.emplace(path_, "step", steps_done, [&](std::string_view line) {
    const auto one = parsed_json(line);
    if (one.contains("kind") && one["kind"].is_string()) kinds_.insert(one["kind"].get<std::string>());
  });
}

bool WarningsFile::add(const Warning& warning, Index step) {
  if (!kinds_.insert(warning.kind).second) return false;
  if (!file_) file_.emplace(path_, "step", 0);
  file_->add(fmt::format(R"({{"step":{},"kind":{},"text":{}}})", step, json_word(warning.kind), json_word(warning.text)));
  return true;
}

}  // namespace carousel
