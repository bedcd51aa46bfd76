#include <carousel/tasks/runs/run_curves.hpp>

#include <algorithm>
#include <cctype>
#include <cmath>
#include <limits>
#include <set>
#include <string>

#include <fmt/format.h>

#include <carousel/tasks/drawing/json.hpp>
#include <carousel/tasks/runs/baseline_json.hpp>
#include <carousel/tasks/runs/metric_meaning.hpp>

namespace carousel {

namespace {

constexpr double nothing = std::numeric_limits<double>::quiet_NaN();

double number_at(const Json& json, const std::string& key) {
  const auto found = json.find(key);
  return found != json.end() && found->is_number() ? found->get<double>() : nothing;
}

/// Lines by name, in the order of their first points.
class Curves {
 public:
  void add(const std::string& name, double x, double y) {
    const auto found = std::find_if(lines_.begin(), lines_.end(), [&](const ChartLine& line) { return line.name == name; });
    ChartLine& line = found == lines_.end() ? lines_.emplace_back(ChartLine{.name = name, .x = {}, .y = {}}) : *found;
    line.x.push_back(x);
    line.y.push_back(y);
  }
  /// Those that `wanted` says, without what has no point.
  template <class Wanted>
  std::vector<ChartLine> where(Wanted wanted) const {
    std::vector<ChartLine> some;
    for (const ChartLine& line : lines_)
      if (wanted(line) && std::any_of(line.y.begin(), line.y.end(), [](double y) { return std::isfinite(y); }))
        some.push_back(line);
    return some;
  }
  std::vector<ChartLine> named(const std::string& name) const {
    return where([&](const ChartLine& line) { return line.name == name; });
  }

 private:
  std::vector<ChartLine> lines_;
};

/// How a view is shown.
struct Look {
  bool log_y = false, smooth = false, wide = false;
};

void add_lines(Json& to, const std::string& title, const std::string& look_for, const std::string& y_name,
               std::vector<ChartLine> lines, const Look& look = {}) {
  if (lines.empty()) return;
  Views views;
  views.add(title, look_for,
            Chart{.title = "", .x_name = "step", .y_name = y_name, .lines = std::move(lines), .marks = {}, .log_y = look.log_y});
  Json view = parsed_json(json_text(views))["views"][0];
  view["smooth"] = look.smooth;
  view["wide"] = look.wide;
  to.push_back(std::move(view));
}

/// Metrics of an epoch that are not what the net is judged by.
bool is_aside(const std::string& name) {
  static const std::set<std::string> names = {"epoch", "step",    "examples",    "gradient_norm",
                                              "rate",  "seconds", "cpu_seconds", "ms_per_batch"};
  return names.contains(name);
}
bool is_loss(const std::string& name) {
  return name.ends_with("loss");
}
bool is_error(const std::string& name) {
  return name.ends_with("mse") || name.ends_with("mae");
}

/// What a metric means, as a sentence.
std::string sentence_of(const std::string& metric) {
  std::string text = meaning_of(metric);
  if (text.empty()) return "What this task measures after each epoch.";
  text.front() = static_cast<char>(std::toupper(static_cast<unsigned char>(text.front())));
  return text + ".";
}

void add_metrics(Json& to, const Curves& epochs) {
  const auto is_share = [](const ChartLine& line) {
    return line.name.ends_with("accuracy") && line.x.size() > 1 &&
           std::all_of(line.y.begin(), line.y.end(), [](double y) { return !(y < 0 || y > 1); });
  };
  std::vector<ChartLine> shares = epochs.where(is_share);
  const auto has = [&](std::string_view part) {
    return std::any_of(shares.begin(), shares.end(), [&](const ChartLine& line) { return line.name.starts_with(part); });
  };
  const bool trains = has("train"), validates = has("validation");
  add_lines(to, "How often it is right",
            std::string("1 is always. ") +
                (trains && validates ? "Training and validation should rise together; a gap that opens between them shows what "
                                       "the net has only learned by heart."
                 : trains            ? "This is of the examples that it learns from: how it does on others cannot be seen here."
                                     : "It should rise fast at first, then level off."),
            "", std::move(shares), {});
  add_lines(to, "How far it is off", "An error, 0 where it is always right: it should fall as the loss does, and not rise again.",
            "", epochs.where([](const ChartLine& line) { return is_error(line.name) && line.x.size() > 1; }), {});
  for (const ChartLine& line : epochs.where(
           [&](const ChartLine& one) { return !is_loss(one.name) && !is_error(one.name) && one.x.size() > 1 && !is_share(one); }))
    add_lines(to, line.name, sentence_of(line.name), line.name, {line});
}

void add_loss(Json& to, const Curves& steps, const Curves& epochs, const StoredBaseline& baseline) {
  std::vector<ChartLine> lines = steps.named("loss");
  for (ChartLine& line : lines) line.name = "loss of a step";
  for (ChartLine& line : epochs.where([](const ChartLine& one) { return is_loss(one.name); })) {
    const bool told = !lines.empty() && line.name == "train_loss";  // the mean of the steps that stand there
    if (!told && (line.x.size() > 1 || lines.empty())) lines.push_back(std::move(line));
  }
  const bool validates =
      std::any_of(lines.begin(), lines.end(), [](const ChartLine& l) { return l.name.starts_with("validation"); });
  double least = std::numeric_limits<double>::infinity(), greatest = 0;
  for (const ChartLine& line : lines)
    for (const double y : line.y)
      if (y > 0) least = std::min(least, y), greatest = std::max(greatest, y);
  if (!lines.empty() && std::isfinite(baseline.train_loss)) {
    const std::vector<double> x = {lines.front().x.front(), lines.front().x.back()};
    ChartLine level{.name = baseline.guess, .x = x, .y = {baseline.train_loss, baseline.train_loss}, .dashed = true};
    if (lines.size() == 1) lines.front().colour = net_colour, level.colour = truth_colour;
    lines.push_back(std::move(level));
  }
  const bool falls_far = greatest > 100 * least;  // on a linear scale its end would lie on the axis
  add_lines(to, "Loss",
            std::string("What the training pushes down: it should fall fast at first, then level off.") +
                (validates ? " Where validation turns up for good while training still falls, a net that sees the same examples "
                             "again and again "
                             "begins to learn them by heart."
                           : " A curve that is still falling at its end would gain by more epochs."),
            "loss", std::move(lines), {.log_y = falls_far, .smooth = true, .wide = true});
}

/// At most so many lines of parameters are told apart; of more, those that are spread over the net.
std::vector<ChartLine> some_of(std::vector<ChartLine> lines, std::string& look_for) {
  constexpr std::size_t most = 16;
  if (lines.size() <= most) return lines;
  std::vector<ChartLine> some;
  for (std::size_t n = 0; n < most; ++n) some.push_back(std::move(lines[n * lines.size() / most]));
  look_for += fmt::format(" {} of the {} parameters are shown.", most, lines.size());
  return some;
}

}  // namespace

RunCurves curves_of(const std::vector<Json>& metrics, const std::vector<Json>& steps) {
  RunCurves run;
  Curves epochs, of_steps, gradients, updates;
  StoredBaseline baseline;
  for (const Json& line : metrics) {
    const bool is_result = line.contains("result");
    run.done = run.done || is_result;
    if (const auto ended = line.find("ended"); ended != line.end()) run.exploded = *ended == "exploded";
    if (line.contains("epoch") || is_result) run.result = Json::array();  // else it says why there is no result
    for (const auto& [name, value] : line.items()) {
      if (!is_result && !is_aside(name) && value.is_number()) epochs.add(name, number_at(line, "step"), value.get<double>());
      if (value.is_number() && (!is_aside(name) || name == "ms_per_batch")) run.result.push_back({name, value});
    }
    if (is_result) baseline = stored_baseline(line);
    if (std::isfinite(number_at(line, "seconds"))) run.seconds = number_at(line, "seconds");
  }
  for (const Json& line : steps) {
    const double step = number_at(line, "step");
    for (const char* name : {"loss", "rate", "gradient_norm"}) of_steps.add(name, step, number_at(line, name));
    for (const auto& [key, into] : {std::pair("gradients", &gradients), {"updates", &updates}})
      if (const auto of = line.find(key); of != line.end() && of->is_object())
        for (const auto& [path, value] : of->items()) into->add(path, step, value.is_number() ? value.get<double>() : nothing);
  }

  if (baseline.not_better) run.not_better_than = baseline.guess;
  add_loss(run.learning, of_steps, epochs, baseline);
  add_metrics(run.learning, epochs);
  std::vector<ChartLine> rates = of_steps.named("rate");
  std::erase_if(rates, [](const ChartLine& line) {  // a level line shows nothing: it stands among the options
    const auto [least, greatest] = std::minmax_element(line.y.begin(), line.y.end());
    return *least == *greatest;
  });
  add_lines(run.learning, "Learning rate", "How far a step may go, by the schedule: up in the warm-up, then constant or down.",
            "", std::move(rates));
  add_lines(
      run.gradients, "Norm of the whole gradient",
      "How steep the loss is where the parameters stand, before clipping. Single spikes are cut by --clip; a line that climbs "
      "without end is an exploding gradient, one that sinks to nothing has nothing left to learn from.",
      "", of_steps.named("gradient_norm"), {.log_y = true, .smooth = true});
  const auto all = [](const ChartLine&) { return true; };
  std::string look_for =
      "Which parts of the net learn. Lines should lie within a few powers of ten of each other; one that lies "
      "far below the rest gets hardly any signal.";
  std::vector<ChartLine> lines = some_of(gradients.where(all), look_for);
  add_lines(run.gradients, "Norm of the gradient, parameter by parameter", look_for, "", std::move(lines),
            {.log_y = true, .smooth = true});
  look_for =
      "How far a step moves a parameter beside its own size, ‖Δw‖/‖w‖. About one in a thousand is healthy; near 1 the net "
      "is shaken to pieces, below one in a million it stands still. Biases begin at 0, so they begin high.";
  lines = some_of(updates.where(all), look_for);
  add_lines(run.gradients, "Step beside weight", look_for, "", std::move(lines), {.log_y = true, .smooth = true, .wide = true});
  return run;
}

Chart chart_of(const Json& view) {
  Chart chart{.title = view.at("title"), .x_name = view.at("x_name"), .y_name = view.at("y_name"), .lines = {}};
  chart.log_y = view.at("log_y");
  const auto numbers = [](const Json& all) {
    std::vector<double> out;
    for (const Json& one : all) out.push_back(one.is_number() ? one.get<double>() : nothing);
    return out;
  };
  for (const Json& line : view.at("lines")) {
    chart.lines.push_back(
        {.name = line.at("name"), .x = numbers(line.at("x")), .y = numbers(line.at("y")), .dashed = line.at("dashed")});
    if (const auto colour = line.find("colour"); colour != line.end() && colour->is_number_unsigned())
      chart.lines.back().colour = colour->get<std::size_t>();
  }
  for (const Json& mark : view.at("marks")) chart.marks.push_back({mark.at("x"), mark.at("name")});
  return chart;
}

}  // namespace carousel
