#include <carousel/tasks/base/metric.hpp>
#include <carousel/tasks/training/training_progress.hpp>

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

namespace carousel {

double detail::seconds_since(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

namespace {

/// " 3/40": as wide as it will be at the end.
std::string of_all(Index done, Index all) {
  const std::string last = std::to_string(all);
  return fmt::format("{:>{}}/{}", done, last.size(), last);
}

/// The part of all steps that is done.
double part_done(const TrainingState& state) {
  const double epochs = static_cast<double>(state.epoch - 1) + static_cast<double>(state.step) / static_cast<double>(state.steps);
  return std::clamp(epochs / static_cast<double>(state.epochs), 0.0, 1.0);
}

/// Words of the line, each empty if there is nothing to say.
struct Words {
  std::string epoch, step, loss, metric, speed, left;

  explicit Words(const TrainingState& state)
      : epoch("epoch " + of_all(state.epoch, state.epochs)),
        step("step " + of_all(state.step, state.steps)),
        loss("loss " + number(state.loss)),
        left(state.doing) {
    if (state.metric) metric = state.metric->name + " " + number(state.metric->value);
    if (state.steps_per_second <= 0) return;
    speed = fmt::format("{:.1f} steps/s", state.steps_per_second);
    const double steps = (1 - part_done(state)) * static_cast<double>(state.epochs * state.steps);
    if (left.empty()) left = clock_text(steps / state.steps_per_second) + " left";
  }
};

std::string bar(double part, Index columns, const Terminal& terminal) {
  const auto full = static_cast<Index>(part * static_cast<double>(columns));
  const auto repeated = [](const char* mark, Index times) {
    std::string out;
    for (Index i = 0; i < times; ++i) out += mark;
    return out;
  };
  const std::string done = repeated(terminal.utf8 ? "━" : "=", full), rest = repeated(terminal.utf8 ? "─" : "-", columns - full);
  return coloured(done, "36", terminal) + coloured(rest, "2", terminal);
}

}  // namespace

std::string progress_line(const TrainingState& state) {
  const Words words(state);
  std::string line;
  for (const std::string* word : {&words.epoch, &words.step, &words.loss, &words.metric, &words.speed, &words.left})
    if (!word->empty()) line += (line.empty() ? "" : "  ") + *word;
  return line;
}

std::string progress_line(const TrainingState& state, const Terminal& terminal) {
  constexpr Index least_bar = 8, most_bar = 30, least_course = 6, most_course = 24;
  Words words(state);
  Index room = terminal.columns - 1 - static_cast<Index>(words.loss.size());
  if (room < 0) return std::string(cut(words.loss, terminal.columns - 1));
  const auto take = [&](Index columns) {
    if (columns > room) return false;
    room -= columns;
    return true;
  };
  const auto keep = [&](std::string& word) {
    if (!word.empty() && !take(static_cast<Index>(word.size()) + 2)) word.clear();
  };
  keep(words.epoch), keep(words.left), keep(words.metric);
  Index course = take(least_course + 1) ? least_course : 0;
  Index bar_columns = take(least_bar + 2) ? least_bar : 0;
  keep(words.step), keep(words.speed);
  if (course > 0) {
    const Index more = std::clamp<Index>(room / 2, 0, most_course - course);
    course += more, room -= more;
  }
  if (bar_columns > 0) bar_columns = std::min(bar_columns + room, most_bar);

  if (course > 0) {
    const std::vector<double> values = thinned(state.losses, course);
    words.loss += " " + coloured(sparkline(values, terminal.utf8), "32", terminal) +
                  std::string(static_cast<std::size_t>(course) - values.size(), ' ');
  }
  std::string line;
  const auto add = [&](const std::string& word) {
    if (!word.empty()) line += (line.empty() ? "" : "  ") + word;
  };
  add(words.epoch);
  if (bar_columns > 0) add(bar(part_done(state), bar_columns, terminal));
  add(words.step), add(words.loss), add(words.metric), add(words.speed), add(words.left);
  return line;
}

std::string number(double value) {
  const bool plain = value == 0 || (std::abs(value) >= 1e-3 && std::abs(value) < 1e7) || !std::isfinite(value);
  return plain ? fmt::format("{:.4f}", value) : fmt::format("{:.2e}", value);
}

bool is_whole(double value) {
  return std::abs(value) < 1e15 && value == std::floor(value);
}

std::string count_text(double value) {
  return fmt::format("{:.0f}", value);
}

std::string clock_text(double seconds) {
  constexpr double longest = 100 * 365 * 86400.0;
  const auto all = static_cast<long long>(std::min(seconds, longest));
  if (all < 3600) return fmt::format("{}:{:02}", all / 60, all % 60);
  return fmt::format("{}:{:02}:{:02}", all / 3600, all / 60 % 60, all % 60);
}

void TrainingProgress::begin() {
  began_ = epoch_began_ = Clock::now();
}

void TrainingProgress::step(const StepReport& report, double loss) {
  smoothed_.add(loss);
  course_.add(loss);
  ++steps_done_;
  now_.epoch = report.epoch + 1, now_.step = report.batch + 1;
  if (now_.step == 1) epoch_began_ = Clock::now();
  if (due()) draw();
}

void TrainingProgress::validating() {
  constexpr double noticed = 0.5;  // seconds: what follows a shorter epoch is short as well
  if (!live() || now_.epoch == 0 || detail::seconds_since(epoch_began_) < noticed) return;
  now_.doing = "validating";
  draw();
}

void TrainingProgress::validated(const Metric& metric) {
  now_.metric = metric;
  if (now_.doing.empty()) return;
  now_.doing.clear();
  draw();
}

void TrainingProgress::draw() {
  now_.loss = smoothed_.value();
  now_.steps_per_second = static_cast<double>(steps_done_) / detail::seconds_since(began_);
  if (const std::optional<Terminal> screen = terminal()) {
    now_.losses = course_.values();
    Progress::draw(progress_line(now_, *screen));
  } else {
    show(progress_line(now_));
  }
}

}  // namespace carousel
