/// Adding numbers up: sequences of several lengths (Apollo's LSTMSummation, Russell91 2015), or two marked numbers among many,
/// the adding problem of Hochreiter & Schmidhuber 1997, which asks for a memory over hundreds of steps.

#include <algorithm>
#include <cmath>
#include <limits>

#include <fmt/format.h>

#include <carousel/lib/training/checkpoint.hpp>
#include <carousel/models/layers/linear.hpp>
#include <carousel/models/losses/loss.hpp>
#include <carousel/tasks/add/data.hpp>
#include <carousel/tasks/answers/answers.hpp>
#include <carousel/tasks/answers/input_lines.hpp>
#include <carousel/tasks/base/interrupt.hpp>
#include <carousel/tasks/base/metric.hpp>
#include <carousel/tasks/base/progress.hpp>
#include <carousel/tasks/base/task.hpp>
#include <carousel/tasks/nets/layers.hpp>
#include <carousel/tasks/training/arguments.hpp>
#include <carousel/tasks/training/training.hpp>

namespace carousel {

namespace {

struct AddOptions : TrainOptions {
  std::string problem = "sum";
  Index shortest = 5, longest = 15;  // of the sums
  Index sequences = 0;               // in an epoch
  bool chrono = true;

  bool marks() const { return problem == "adding"; }
  /// Of the longest sequence.
  Index time() const { return marks() ? steps : longest; }
};

std::vector<Preset<AddOptions>> presets() {
  AddOptions usual;
  usual.epochs = 10, usual.hidden = 64, usual.batch = 50, usual.steps = 200, usual.sequences = 20000, usual.rate = 3e-3,
  usual.clip = 1, usual.schedule = "cosine", usual.final_rate = 0.01;
  AddOptions source = usual;
  source.cell = "lstm-linear", source.chrono = false, source.optimizer = "momentum", source.batch = 32, source.rate = 0.01,
  source.clip = 0.1, source.schedule = "constant";
  return {{"default", "our tuned settings", usual},
          {"source", "Apollo's net: h = o∘c, no biases, all weights uniform in ±0.1, descent with momentum", source}};
}

Arguments<AddOptions> arguments() {
  Arguments<AddOptions> all("add", presets());
  all.add("--problem", "NAME", &AddOptions::problem,
          "sum: of all numbers, sequences of several lengths; adding: of two that are marked, among --steps",
          {.one_of = {"sum", "adding"}})
      .add("--shortest", "N", &AddOptions::shortest, "numbers of the shortest sum", size_rule())
      .add("--longest", "N", &AddOptions::longest, "numbers of the longest sum", size_rule())
      .add("--steps", "N", &TrainOptions::steps, "numbers of an adding problem", {.at_least = 2, .at_most = 1 << 20})
      .add("--sequences", "N", &AddOptions::sequences, "sequences per epoch, new ones in each", size_rule())
      .add_net({.hidden = "units of each layer, in each direction", .bidirectional = "layers that read from the last number too"})
      .add_flag("--chrono", &AddOptions::chrono,
                "forget gates start for memories as long as the sequences (Tallec & Ollivier 2018); no: biases of 1")
      .add_training({.batch = "sequences per update"})
      .add_threads();
  return all;
}

CellOptions<float> cell_options(const AddOptions& options) {
  CellOptions<float> cell;
  if (options.preset == "source")
    cell = {.forget_bias = {}, .init = init::uniform<float>(-0.1, 0.1), .b = init::constant<float>(0)};
  if (options.chrono) cell.chrono = static_cast<double>(options.time());
  return cell;
}

/// Layers, and a number read off what they know at the end.
struct Adder {
  Layers<float> layers;
  Linear<float> readout;

  Adder(Scope<float> p, const AddOptions& options)
      : layers(p / "cell", options.marks() ? 2 : 1, options, cell_options(options)),
        readout(p / "readout", layers.outputs(), 1, linear(options)) {
    if (options.preset != "source") return;
    for (Parameter<float>& parameter : p.registry())  // without biases: they stay 0
      if (parameter.path.ends_with("/b") || parameter.path.ends_with("/bh")) parameter.frozen = true;
  }

  /// What the sequences add up to: [batch, 1].
  Var<float> operator()(const AdditionBatch& batch, const std::optional<DropoutKey>& key = {}) const {
    return readout(layers.after_all(Tape<float>::active().constant(batch.xs), {.lengths = batch.lengths, .key = key}));
  }

 private:
  static LinearOptions<float> linear(const AddOptions& options) {
    if (options.preset != "source") return {};
    return {.w = init::uniform<float>(-0.1, 0.1)};
  }
};

/// Sequence number n of one part of the data: "training", "validation" or "test". No two are the same.
Addition sequence(const AddOptions& options, const char* part, Index n) {
  Random random = Random(static_cast<std::uint64_t>(options.seed)).split(part).split(static_cast<std::uint64_t>(n));
  return options.marks() ? draw_adding(random, options.steps) : draw_sum(random, options.shortest, options.longest);
}
std::vector<Addition> sequences(const AddOptions& options, const char* part, Index count) {
  std::vector<Addition> all;
  for (Index n = 0; n < count; ++n) all.push_back(sequence(options, part, n));
  return all;
}
constexpr Index held_out = 2000;

std::vector<double> answers(const Adder& model, std::span<const Addition> additions) {
  Tape<float> tape;
  const NoGrad<float> no_gradient;
  std::vector<double> all;
  for (std::size_t from = 0; from < additions.size(); from += 500) {
    tape.clear();
    const Tensor<float> some =
        model(side_by_side(additions.subspan(from, std::min<std::size_t>(500, additions.size() - from)))).value();
    all.insert(all.end(), some.begin(), some.end());
  }
  return all;
}

double mean_square(std::span<const Addition> additions, std::span<const double> answers) {
  double sum = 0;
  for (std::size_t i = 0; i < answers.size(); ++i) sum += std::pow(answers[i] - additions[i].sum(), 2);
  return sum / static_cast<double>(answers.size());
}

double mean_of_sums(std::span<const Addition> additions) {
  double sum = 0;
  for (const Addition& addition : additions) sum += addition.sum();
  return sum / static_cast<double>(additions.size());
}

/// Always the mean of the sums that were held out: 1/6 for two marked numbers.
Baseline baseline(std::span<const Addition> test) {
  const double error = mean_square(test, std::vector<double>(test.size(), mean_of_sums(test)));
  return {.metric = "mse", .guess = "always the mean", .value = error, .train_loss = error};
}

/// The error on sequences that were held out, and that of always saying their mean; of sums, also how far a longer one is off,
/// 20 times 0.5, after 15 of them and after all.
std::vector<Metric> report(const Adder& model, const AddOptions& options) {
  const std::vector<Addition> test = sequences(options, "test", held_out);
  std::vector<Metric> metrics{{"mse", mean_square(test, answers(model, test))}, {"baseline_mse", baseline(test).value}};
  if (!options.marks()) {
    const std::vector<Addition> halves{{std::vector<float>(15, 0.5F), {}}, {std::vector<float>(20, 0.5F), {}}};
    const std::vector<double> found = answers(model, halves);
    metrics.push_back({"error_of_15_halves", std::abs(found[0] - 7.5)});
    metrics.push_back({"error_of_20_halves", std::abs(found[1] - 10)});
  }
  return metrics;
}

/// Answers over what is right, and the answer while a sequence is read: the net is asked after each of its first numbers.
void add_views(Views& views, const Adder& model, const AddOptions& options, const char* part) {
  std::vector<Addition> asked = sequences(options, part, 200);
  std::sort(asked.begin(), asked.end(), [](const Addition& a, const Addition& b) { return a.sum() < b.sum(); });
  ChartLine right{.name = "right", .x = {}, .y = {}, .dashed = true, .colour = truth_colour},
      said{.name = "said", .x = {}, .y = {}, .colour = net_colour};
  const std::vector<double> said_of = answers(model, asked);
  for (std::size_t n = 0; n < asked.size(); ++n) {
    const double sum = asked[n].sum();
    right.x.push_back(sum), right.y.push_back(sum);
    for (const double y : {said_of[n], std::numeric_limits<double>::quiet_NaN()})
      said.x.push_back(sum), said.y.push_back(y);  // dots
  }
  views.add("What it says of sums",
            "A dot is a sequence that it did not learn, one of 200; the line is right. Dots in a level row would be a net that "
            "always says the mean; look at "
            "both ends, where there was least to learn from.",
            Chart{.title = "", .x_name = "sum", .y_name = "answer", .lines = {std::move(said), std::move(right)}});

  AddOptions longer = options;
  if (!options.marks()) longer.shortest = longer.longest = options.longest + options.longest / 3 + 1;
  const Addition whole = sequence(longer, part, 0);
  const std::size_t most = 100, count = whole.numbers.size(), apart = (count + most - 1) / most;
  std::vector<Addition> beginnings;
  ChartLine so_far{.name = "right so far", .x = {}, .y = {}, .dashed = true, .colour = truth_colour};
  for (std::size_t n = apart; n <= count; n += apart) {
    Addition beginning = whole;
    beginning.numbers.resize(n);
    if (whole.marked.size() > n) beginning.marked.resize(n);
    so_far.x.push_back(static_cast<double>(n)), so_far.y.push_back(beginning.sum());
    beginnings.push_back(std::move(beginning));
  }
  ChartLine asked_then{.name = "said, asked then", .x = so_far.x, .y = answers(model, beginnings), .colour = net_colour};
  Chart chart{.title = "", .x_name = "numbers read", .y_name = "sum", .lines = {std::move(asked_then), std::move(so_far)}};
  if (!options.marks()) chart.marks.push_back({static_cast<double>(options.longest), "longest learned"});
  views.add("A sum while it is read",
            options.marks()
                ? "The sum rises only where a number is marked, twice. The net was only ever asked after the last number: "
                  "before that its line is free, but at the right edge it must meet the dashed one."
                : "It rises by each number. Right of the mark sequences are longer than any that was learned: a net that "
                  "counts by adding goes on, one that has learned typical sums bends away.",
            std::move(chart));
}

/// A sequence that was not learned, of 60 numbers at most.
Sample<float> sample_of(const Adder& model, const AddOptions& options, const std::string& cell) {
  AddOptions shorter = options;
  shorter.steps = std::min<Index>(60, options.steps);
  shorter.longest = std::min<Index>(60, options.longest), shorter.shortest = shorter.longest;
  const Addition one = sequence(shorter, "sample", 0);
  const auto used = net_for<float>(cell, model, [&](Registry<float>& registry) {
    Random random(1);
    return Adder(Scope<float>(registry, random), with_cell(options, cell));
  });
  Sample<float> sample{.loss =
                           [used, one] {
                             const AdditionBatch data = side_by_side(std::span(&one, 1));
                             return mean_squared_error((*used)(data), Tape<float>::active().constant(data.sums));
                           },
                       .input = {}};
  for (std::size_t i = 0; i < one.numbers.size(); ++i)
    sample.input.push_back(fmt::format("{:.2f}{}", one.numbers[i], !one.marked.empty() && one.marked[i] ? "*" : ""));
  return sample;
}

int train(const AddOptions& options) {
  const std::vector<Addition> validation = sequences(options, "validation", held_out / 2);
  Registry<float> registry;
  Random random = Random(static_cast<std::uint64_t>(options.seed)).split("parameters");
  const Adder model(Scope<float>(registry, random), options);
  const auto optimizer = make_optimizer(options.optimizer, registry, options.rate);
  const auto loss = [&](const Batch& batch, const Shard& shard) -> Var<float> {
    std::vector<Addition> mine;
    for (const Index n : shard.of(batch.examples))
      mine.push_back(sequence(options, "training", batch.epoch * options.sequences + n));
    const AdditionBatch data = side_by_side(mine);
    const auto count = static_cast<Index>(batch.examples.size());
    const Var<float> answers = model(data, DropoutKey{.seed = batch.key, .first_example = shard.first(count)});
    return mean_squared_error(answers, Tape<float>::active().constant(data.sums), {.divide_by = static_cast<double>(count)});
  };
  return train_model<float>(
      options,
      {.about = options.marks() ? fmt::format("sums of two marked numbers among {}", options.steps)
                                : fmt::format("sums of {} to {} numbers", options.shortest, options.longest),
       .parts = {.unit = "sequences in each epoch",
                 .train = options.sequences,
                 .validation = held_out / 2,
                 .test = held_out,
                 .overfits = false},
       .optimizer = *optimizer,
       .data = {.examples = options.sequences, .batch = options.batch, .shuffle = false},
       .loss = loss,
       .shards = options.shards(),
       .validation = {.name = "validation_mse", .measure = [&] { return mean_square(validation, answers(model, validation)); }},
       .views = [&](Views& views) { add_views(views, model, options, views.done ? "test" : "validation"); },
       .sample = [&](const std::string& cell) { return sample_of(model, options, cell); },
       .result = [&](const TrainOutcome&) { return report(model, options); },
       .baseline = baseline(sequences(options, "test", held_out))});
}

/// A model that was saved.
struct Loaded {
  AddOptions options;
  Registry<float> registry;
  Random random{1};
  Adder model;

  Loaded(const Safetensors& checkpoint, const std::string& file)
      : options(arguments().read(checkpoint, file)), model(Scope<float>(registry, random), options) {
    load(registry, checkpoint, file);
  }
};

std::string shown(const Addition& addition, double answer) {
  return fmt::format("{} = {:.4g}, made: {:.4g}", words(addition), addition.sum(), answer);
}

int eval(const EvalOptions& options) {
  const Loaded loaded(options.checkpoint, options.file);
  if (!options.input) {
    return print_result("add", report(loaded.model, loaded.options), baseline(sequences(loaded.options, "test", held_out)));
  }
  const std::vector<Addition> given = read_additions(*options.input, loaded.options.marks());
  const std::vector<double> made = answers(loaded.model, given);
  for (std::size_t i = 0; i < given.size(); ++i) print(shown(given[i], made[i]));
  return print_result("add", {{"mse", mean_square(given, made)}, {"sequences", static_cast<double>(given.size())}});
}

/// Adds up what is given, or a sequence that it draws.
int sample(const SampleOptions& options) {
  Loaded loaded(options.checkpoint, options.file);
  if (options.length && static_cast<double>(*options.length) > size_rule().at_most)
    wrong_argument("--length ", *options.length, ": must be at most ", size_rule().at_most, " numbers");
  if (options.length) loaded.options.steps = loaded.options.shortest = loaded.options.longest = *options.length;
  loaded.options.seed = options.seed;
  const std::vector<Addition> one{options.prime ? parse_addition(*options.prime, loaded.options.marks(), "--prime")
                                                : sequence(loaded.options, "sample", 0)};
  if (one[0].numbers.empty()) wrong_argument("--prime: must have at least one number");
  print(shown(one[0], answers(loaded.model, one)[0]));
  return exit_done;
}

/// Adds up each line of the input that holds numbers.
int predict(const PredictOptions& options) {
  const Loaded loaded(options.checkpoint, options.file);
  Answers to(options, {"line", "numbers", "sum"});
  InputLines lines(options.input, "must have numbers to add up");
  while (lines.next()) {
    const Addition addition = parse_addition(lines.line(), loaded.options.marks(), lines.where());
    if (addition.numbers.empty()) continue;
    if (!to.add({lines.number(), lines.line(), answers(loaded.model, std::span(&addition, 1)).front()})) break;
  }
  to.refuse_none(lines);
  return to.finish();
}

}  // namespace

namespace tasks {
Task add() {
  return {.name = "add",
          .about = "adds up 5 to 15 numbers, or two that are marked among hundreds: the adding problem",
          .example = "carousel train add --problem adding --steps 500",
          .train = [](CLI::App& app) { return arguments().declare(app, train); },
          .eval = eval,
          .sample = sample,
          .predict = predict,
          .eval_takes = {"--input"},
          .sample_takes = {"--length", "--prime", "--seed"},
          .predict_takes = {"--input"},
          .predict_about =
              "numbers a line, apart by blanks or commas, of the adding problem with a star after those that count "
              "(0.5* 0.25 1*); the answer is their sum. Columns: line, numbers, sum"};
}
}  // namespace tasks

}  // namespace carousel
