/// A curve that a net learns to draw without any input: the example of junhyukoh/caffe-lstm (2015).

#include <cmath>
#include <numeric>

#include <fmt/format.h>

#include <carousel/lib/training/checkpoint.hpp>
#include <carousel/models/losses/loss.hpp>
#include <carousel/tasks/answers/answers.hpp>
#include <carousel/tasks/base/interrupt.hpp>
#include <carousel/tasks/base/metric.hpp>
#include <carousel/tasks/base/progress.hpp>
#include <carousel/tasks/base/task.hpp>
#include <carousel/tasks/base/text.hpp>
#include <carousel/tasks/curve/model.hpp>
#include <carousel/tasks/drawing/svg.hpp>
#include <carousel/tasks/nets/optimizers.hpp>
#include <carousel/tasks/training/arguments.hpp>
#include <carousel/tasks/training/training.hpp>

namespace carousel {

namespace {

constexpr Index passes = 100;  // over the curve in an epoch
constexpr Index longest = 960;

bool as_source(const CurveOptions& options) {
  return options.preset == "source";
}

std::vector<Preset<CurveOptions>> presets() {
  CurveOptions usual, source;
  usual.epochs = 100, usual.hidden = 32, usual.rate = 3e-3, usual.clip = 1, usual.forget = 3;
  usual.schedule = "cosine", usual.warm_up = 20;
  source.epochs = 500, source.hidden = 15, source.rate = 1e-4, source.optimizer = "momentum", source.clip = 1, source.forget = 5;
  return {{"default", "our tuned settings", usual},
          {"source", "15 units, forget gates that start at 5, 50,000 passes of descent by 0.0001 with momentum 0.95", source}};
}

Arguments<CurveOptions> arguments() {
  Arguments<CurveOptions> all("curve", presets());
  all.add("--points", "N", &CurveOptions::points, "points of the curve to learn; the original has 320 and 960", size_rule())
      .add_net({.one_way = "the net reads nothing, and a point is made from those before"})
      .add("--forget-bias", "B", &CurveOptions::forget, "bias with which forget gates start")
      .add_training({.batch = "passes over the curve per update, which are all the same"})
      .add_threads("processor cores to use: there is one curve, whose points follow on each other, and more than 1 gain nothing");
  return all;
}

/// What the net makes, beside the curve.
struct Drawn {
  std::vector<double> made, truth;

  Drawn(const Predictor& net, const CurveOptions& options, Index length)
      : made(generate(net, length)), truth(curve(options.points, length)) {}
};

std::vector<Metric> measure(const Drawn& drawn, const CurveOptions& options) {
  return {{"rmse", curve_error(drawn.made, drawn.truth, options.points)},
          {"rmse_960", curve_error(drawn.made, drawn.truth, longest)}};
}

/// The mean of the points is 0.
Baseline baseline(const CurveOptions& options) {
  const std::vector<double> points = curve(options.points, options.points);
  return {.metric = "rmse",
          .guess = "always 0, the mean",
          .value = curve_error(std::vector<double>(points.size()), points, options.points)};
}

Index drawn_length(const CurveOptions& options) {
  return std::max(options.points, longest);
}

Chart picture(const Drawn& drawn, const CurveOptions& options) {
  std::vector<double> numbers(drawn.made.size());
  std::iota(numbers.begin(), numbers.end(), 0.0);
  Chart chart{.title = "a curve drawn without input",
              .x_name = "point",
              .y_name = "",
              .lines = {{.name = "the curve", .x = numbers, .y = drawn.truth},
                        {.name = "the net", .x = numbers, .y = drawn.made, .dashed = true}}};
  if (options.points < longest) chart.marks = {{static_cast<double>(options.points), "not learned from here on"}};
  return chart;
}

/// The first hundred points, made from nothing.
Sample<double> sample_of(const Predictor& net, const CurveOptions& options, const std::string& cell) {
  const Index steps = std::min<Index>(100, options.points);
  const double point = curve(options.points, steps).back();
  const auto used =
      net_for<double>(cell, net, [&](Registry<double>& registry) { return curve_net(registry, with_cell(options, cell)); });
  return {.loss =
              [=] {
                const Var<double> said = used->after_all(Tape<double>::active().constant(zeros<double>({steps, 1, 1})));
                return sum_of_squares(said, Tape<double>::active().constant(full<double>({1, 1}, point)));
              },
          .input = {}};
}

/// There is one curve, and it is learned: nothing is held out, but how it goes on.
int train(const CurveOptions& options) {
  const bool source = as_source(options);
  Registry<double> registry;
  const Predictor net = curve_net(registry, options);
  const auto optimizer = source && options.optimizer == "momentum"
                             ? std::make_unique<Sgd<double>>(registry, SgdOptions{.rate = options.rate, .momentum = 0.95})
                             : make_optimizer(options.optimizer, registry, options.rate);
  const std::vector<double> points = curve(options.points, options.points);
  const double scale = source ? static_cast<double>(options.points) / 2 : 1;  // the original's loss is half the sum of squares
  return train_model<double>(
      options, {.about = fmt::format("a curve of {} points", options.points),
                .parts = {.unit = "passes in each epoch", .train = passes, .overfits = false},
                .optimizer = *optimizer,
                .data = {.examples = passes, .batch = options.batch, .shuffle = false},
                .loss = [&](const Batch& batch, const Shard&) -> Var<double> {
                  return curve_loss(net, points, DropoutKey{.seed = batch.key}) * scale;
                },
                .loss_scale = scale,
                .validation = {.name = "rmse",
                               .measure = [&] { return curve_error(generate(net, options.points), points, options.points); }},
                .views =
                    [&](Views& views) {
                      views.add(
                          "The curve, and what the net draws",
                          "The net reads nothing: all that it draws comes out of its state, which must remember how far it is. "
                          "Look first for the great swing, then for the ripples on it.",
                          picture(Drawn(net, options, drawn_length(options)), options));
                    },
                .sample = [&](const std::string& cell) { return sample_of(net, options, cell); },
                .result =
                    [&](const TrainOutcome& trained) {
                      const Drawn drawn(net, options, drawn_length(options));
                      write_text(trained.folder + "/curve.svg", svg(picture(drawn, options)));
                      return measure(drawn, options);
                    },
                .baseline = baseline(options)});
}

/// A model that was saved.
struct Loaded {
  CurveOptions options;
  Registry<double> registry;
  Predictor net;

  Loaded(const Safetensors& checkpoint, const std::string& file)
      : options(arguments().read(checkpoint, file)), net(curve_net(registry, options)) {
    load(registry, checkpoint, file);
  }
};

int eval(const EvalOptions& options) {
  const Loaded loaded(options.checkpoint, options.file);
  return print_result("curve", measure(Drawn(loaded.net, loaded.options, drawn_length(loaded.options)), loaded.options),
                      baseline(loaded.options));
}

int sample(const SampleOptions& options) {
  const Loaded loaded(options.checkpoint, options.file);
  const Drawn drawn(loaded.net, loaded.options, options.length.value_or(loaded.options.points));
  print("point,curve,made");
  for (std::size_t i = 0; i < drawn.made.size(); ++i) print(fmt::format("{},{:.6f},{:.6f}", i, drawn.truth[i], drawn.made[i]));
  return exit_done;
}

/// The points that the net makes.
int predict(const PredictOptions& options) {
  const Loaded loaded(options.checkpoint, options.file);
  Answers answers(options, {"point", "made"});
  const std::vector<double> made = generate(loaded.net, options.length.value_or(loaded.options.points));
  for (std::size_t i = 0; i < made.size(); ++i)
    if (!answers.add({static_cast<Index>(i), made[i]})) break;
  return answers.finish();
}

}  // namespace

namespace tasks {
Task curve() {
  return {.name = "curve",
          .about = "a fixed curve, generated from nothing: caffe-lstm's",
          .example = "carousel train curve --points 960 --hidden 48",
          .train = [](CLI::App& app) { return arguments().declare(app, train); },
          .eval = eval,
          .sample = sample,
          .predict = predict,
          .sample_takes = {"--length"},
          .predict_takes = {"--length"},
          .predict_about =
              "no --input, for the net reads nothing; an answer is a point of its curve, --length of them (as many as "
              "it learned). Columns: point, made",
          .predict_needs_input = false};
}
}  // namespace tasks

}  // namespace carousel
