/// Tables whose rows have a label of 0 or 1, as one series or through a window: what Alfiuman's WhydahGally-LSTM-MLP (2017) does,
/// and its example, which numbers come before a prime.

#include <algorithm>
#include <filesystem>

#include <fmt/format.h>

#include <carousel/lib/error.hpp>
#include <carousel/lib/training/checkpoint.hpp>
#include <carousel/models/losses/loss.hpp>
#include <carousel/tasks/base/interrupt.hpp>
#include <carousel/tasks/base/metric.hpp>
#include <carousel/tasks/base/progress.hpp>
#include <carousel/tasks/base/task.hpp>
#include <carousel/tasks/base/text.hpp>
#include <carousel/tasks/csv/options.hpp>
#include <carousel/tasks/runs/run_folder.hpp>
#include <carousel/tasks/table/sweep.hpp>
#include <carousel/tasks/table/weights.hpp>
#include <carousel/tasks/training/arguments.hpp>
#include <carousel/tasks/training/training.hpp>

namespace carousel {

namespace {

std::vector<Preset<TableOptions>> presets() {
  TableOptions usual;
  usual.epochs = 10, usual.passes = 100, usual.hidden = 20, usual.batch = 32, usual.rate = 0.01, usual.clip = 1;
  // The bound stays: the true gradient, which the original's is not, diverges at its rate from seven of nine starts.
  TableOptions source = usual;
  source.epochs = 50, source.cell = "lstm-linear", source.readout = "first", source.optimizer = "sgd", source.rate = 0.11,
  source.batch = 1;
  return {{"default", "a read-out, cross-entropy, Adam", usual},
          {"source",
           "the original's net h = o∘s with weights uniform in ±1, its first output against the label, 5,000 steps of descent, "
           "bounded",
           source}};
}

Arguments<TableOptions> arguments() {
  Arguments<TableOptions> all("table", presets());
  all.add("--input", "FILE", &TrainOptions::input,
          "table, its values apart by tabs, semicolons or commas; none: which of 1 to 44 come before a prime", {.is_path = true})
      .add("--decimal", "MARK", &TableOptions::decimal, decimal_help, decimal_rule())
      .add("--thousands", "MARK", &TableOptions::thousands, thousands_help, thousands_rule())
      .add("--label", "COLUMN", &TableOptions::label, "name of the column of labels, 0 or 1")
      .add("--name", "COLUMN", &TableOptions::name, "name of a column that is not read: of the rows' names, where there is one")
      .add("--held-out", "P", &TableOptions::held_out,
           "part of the rows, the last ones, not to learn but to be counted; 0: all are both", {.at_least = 0, .below = 1})
      .add("--window", "N", &TableOptions::window, "rows up to its own that an output is made of; 0: the table is one series",
           {.at_least = 0, .at_most = size_rule().at_most})
      .add("--readout", "NAME", &TableOptions::readout, "linear: of all outputs; first: the first output is the answer",
           {.one_of = {"linear", "first"}})
      .add("--passes", "N", &TableOptions::passes, "passes over the table in an epoch", size_rule())
      .add_net(
          {.hidden = "units of each layer, in each direction", .bidirectional = "layers that read a --window from its end too"})
      .add_training({.batch = "windows per update", .patience = patience_on_loss})
      .add("--import", "DIR", &TableOptions::import_from, "starts from weights in text files", {.saved = false})
      .add_flag("--as-imported", &TableOptions::as_imported, "keeps those as they are, without a training: a run for eval",
                {.saved = false})
      .add("--export", "DIR", &TableOptions::export_to, "writes the weights as text files", {.saved = false})
      .add("--sweep", "N", &TableOptions::sweep,
           "tries N nets of 1 to 2 --hidden units and rates around --rate, and ranks them, without the rows held out by as many "
           "of "
           "the last others; 0: trains one",
           {.at_least = 0, .at_most = 1e6, .saved = false})
      .add_threads(
          "processor cores to use: of a --sweep for its nets; else 2 compute a half of each batch of windows, more gain "
          "nothing");
  return all;
}

/// A file, with progress.
Table read_with_progress(const std::string& input, const TableColumns& columns, const TableOptions& options) {
  Progress progress(options.quiet);
  Table table = read_table(input, columns,
                           {.decimal = options.decimal, .thousands = options.thousands, .progress = reading(progress, input)});
  if (!options.quiet) std::ranges::for_each(table.remarks, note);
  return table;
}

Table training_table(const TableOptions& options) {
  if (options.input.empty()) return prime_table();
  return read_with_progress(options.input, {.label = options.label, .name = options.name}, options);
}

std::vector<Metric> metrics_of(const TableConfusion& counts) {
  const auto number = [](Index count) { return static_cast<double>(count); };
  return {{"right", number(counts.right())},         {"rows", number(counts.rows())},
          {"right1to1", number(counts.right1to1)},   {"right0to0", number(counts.right0to0)},
          {"errors0to1", number(counts.errors0to1)}, {"errors1to0", number(counts.errors1to0)}};
}

/// What is said of counts where no rows are held out.
constexpr const char* of_learned_rows = "the counts are of the rows that it learned from";
constexpr const char* try_held_out = "try --held-out 0.2, for those of rows that it has not seen";

void say_what_is_counted(const TableOptions& options) {
  if (!(options.held_out > 0)) note(fmt::format("{}: {}", of_learned_rows, try_held_out));
}

/// How rows were told apart, and the output of each.
///   learned: rows that were learned; the others come after them
///   holds_out: whether there are others, shown or not
void add_views(Views& views, const std::vector<double>& outputs, const Table& table, Index learned, bool holds_out) {
  const auto counts = [&](Index first, Index last) {
    return confusion({outputs.begin() + first, outputs.begin() + last},
                     {table.labels.begin() + first, table.labels.begin() + last});
  };
  const auto add_confusion = [&](const char* title, const std::string& look_for, const TableConfusion& found) {
    view::HeatMap map{.x_name = "taken for", .y_name = "label", .width = 2, .values = {}, .numbers = true};
    map.columns = map.rows = {"0", "1"};
    for (const Index count : {found.right0to0, found.errors0to1, found.errors1to0, found.right1to1})
      map.values.push_back(static_cast<double>(count));
    map.high = std::max(1.0, static_cast<double>(found.rows()));
    views.add(title, look_for, std::move(map));
  };
  add_confusion(learned == table.rows() ? "Rows that were told apart" : "Rows that were told apart, of those learned",
                std::string("The diagonal is right. Count it against always saying the commoner label: only what is above that "
                            "was learned.") +
                    (holds_out ? "" : fmt::format(" Here {}: {}.", of_learned_rows, try_held_out)),
                counts(0, learned));
  if (learned < table.rows())
    add_confusion("Rows that were told apart, of those held out",
                  "None of these was learned. Where this is much worse than the one above, the net has learned rows by heart.",
                  counts(learned, table.rows()));
  ChartLine labels{.name = "label", .x = {}, .y = {}, .dashed = true}, said{.name = "output", .x = {}, .y = outputs};
  for (Index row = 0; row < table.rows(); ++row) {
    labels.x.push_back(static_cast<double>(row + 1));
    labels.y.push_back(static_cast<double>(table.labels[static_cast<std::size_t>(row)]));
  }
  said.x = labels.x;
  Chart chart{.title = "", .x_name = "row", .y_name = "output", .lines = {std::move(labels), std::move(said)}};
  if (learned < table.rows()) chart.marks.push_back({static_cast<double>(learned) + 0.5, "held out"});
  views.add(
      "The output of each row",
      "Above one half it is taken for 1. Outputs near 0 and 1 are sure; look for rows that it is in doubt about, and for those "
      "that it is sure of and wrong.",
      std::move(chart));
}

/// The first rows, or a window; the loss of the last of them.
Sample<float> sample_of(const TableModel& model, const TableOptions& options, const Table& known, const std::string& cell) {
  const auto used = net_for<float>(cell, model, [&](Registry<float>& registry) {
    Random random(1);
    return TableModel(Scope<float>(registry, random), with_cell(options, cell), std::ssize(known.columns), &known);
  });
  const Table some = known.first(std::min<Index>(options.window > 0 ? options.window : 60, known.rows()));
  Sample<float> sample{.loss =
                           [used, some, window = options.window] {
                             const Index last = some.rows() - 1;
                             const Var<float> score = window > 0
                                                          ? used->of_windows(windows_before(some, window, std::span(&last, 1)))
                                                          : slice(used->of_series(some.xs), 0, last, last + 1);
                             const Var<float> wanted = Tape<float>::active().constant(Shape{1, 1});
                             *Tape<float>::active().data(wanted) = static_cast<float>(some.labels.back());
                             return used->has_readout() ? binary_cross_entropy(score, wanted) : sum_of_squares(score, wanted);
                           },
                       .input = {}};
  for (Index row = 0; row < some.rows(); ++row) sample.input.push_back(some.name(row));
  return sample;
}

/// Tries many, shows them best first, and keeps the table in the run's folder. What is held out has no say in it.
int train_many(const TableOptions& options, const Table& table) {
  if (options.schedule != "constant" || options.warm_up > 0)
    wrong_argument("--sweep: of nets whose rate stays: must be without --schedule and --warm-up");
  if (options.patience > 0) wrong_argument("--sweep: of nets that are trained to the end: must be without --patience");
  if (!options.resume.empty()) wrong_argument("--sweep: begins anew: must be without --resume");
  if (!options.import_from.empty() || !options.export_to.empty())
    wrong_argument("--sweep: of nets with starts of their own: must be without --import and --export");
  const Table known = options.held_out > 0 ? table.first(rows_to_learn(options, table)) : table;
  rows_to_learn(options, known);  // throws before the folder is made
  const RunFolder run("table", options.out, true);
  const std::string& folder = run.path();
  const std::vector<Tried> tried = sweep(options, known);
  const std::string text = sweep_table(tried);
  write_text((std::filesystem::path(folder) / "sweep.csv").string(), text);
  print(text.substr(0, text.size() - 1));
  const Tried& best = tried.front();
  if (interrupted()) {
    note(join("stopped; what was done is in ", folder, "/sweep.csv"));
    return exit_interrupted;
  }
  note(
      fmt::format("ranked in {}/sweep.csv; to train the best: carousel train table{} --hidden {} --rate {} --seed {}, and what "
                  "else was given",
                  folder, options.preset == "default" ? "" : " --preset " + options.preset, best.options.hidden,
                  best.options.rate, best.options.seed));
  say_what_is_counted(options);
  std::vector<Metric> metrics = metrics_of(best.counts);
  metrics.push_back({"hidden", static_cast<double>(best.options.hidden)});
  metrics.push_back({"rate", best.options.rate});
  return print_result("table", metrics);
}

/// What checkpoints say besides the options.
Metadata saved_with(const Table& table, bool exact = true) {
  Metadata saved = {{"columns", fmt::format("{}", fmt::join(table.columns, "\t"))}};
  if (exact) saved[exact_means] = "yes";
  return saved;
}

/// Makes a run of the parameters as they are.
int keep_imported(const TableOptions& options, const Table& table, TableTraining& training) {
  const RunFolder run("table", options.out, true);
  const std::string& folder = run.path();
  Metadata metadata = options.metadata;
  metadata.merge(saved_with(table));
  metadata["identity"] = table.identity();
  write_config(folder, options, {});
  save(training.registry, (std::filesystem::path(folder) / "best.safetensors").string(), {.tensors = {}, .metadata = metadata});
  const std::vector<Metric> found = metrics_of(counts_of(outputs_of(training.model, options, table), options, table));
  MetricsFile(folder, 0).add(R"("result":"table")", found);
  note(fmt::format("saved in {}; try: carousel eval {}", folder, shell_word(folder)));
  return print_result("table", found);
}

int train(const TableOptions& options) {
  const Table table = training_table(options);
  const Index learned = rows_to_learn(options, table);
  if (options.sweep > 0) return train_many(options, table);
  TableTraining training(options, table);
  if (!options.export_to.empty()) check_export(training.registry, options, options.export_to);
  if (options.as_imported && (options.import_from.empty() || !options.export_to.empty()))
    wrong_argument("--as-imported: keeps what --import reads: must be with it, and without --export");
  if (!options.import_from.empty()) {
    if (!options.resume.empty()) wrong_argument("--import: is where a training begins: must be without --resume");
    import_weights(training.registry, options, options.import_from);
    if (options.as_imported) return keep_imported(options, table, training);
  }
  const bool exact = options.resumed.empty() || options.resumed.contains(exact_means);
  return train_model<float>(
      options,
      {.about = fmt::format("{} rows of {} columns", table.rows(), table.columns.size()),
       .parts = {.unit = "rows", .train = learned, .test = table.rows() - learned},
       .identity = exact ? table.identity() : table.identity_of_floats(),
       .metadata = saved_with(table, exact),
       .optimizer = *training.optimizer,
       .data = training.data,
       .loss = training.loss,
       .shards = training.shards,
       .after_epoch = [&](const EpochReport&) -> std::vector<Metric> {
         const std::vector<double> outputs = outputs_of(training.model, options, table);
         const auto part = outputs.begin() + learned;
         const TableConfusion found = confusion({outputs.begin(), part}, {table.labels.begin(), table.labels.begin() + learned});
         return {{"train_accuracy", static_cast<double>(found.right()) / static_cast<double>(learned)}};
       },
       .views =
           [&](Views& views) {
             const Table shown = views.done ? table : table.first(learned);
             add_views(views, outputs_of(training.model, options, shown), shown, learned, options.held_out > 0);
           },
       .sample = [&](const std::string& cell) { return sample_of(training.model, options, table.first(learned), cell); },
       .result =
           [&](const TrainOutcome&) {
             if (!options.export_to.empty()) export_weights(training.registry, options, options.export_to);
             say_what_is_counted(options);
             return metrics_of(counts_of(outputs_of(training.model, options, table), options, table));
           },
       .result_writes = !options.export_to.empty()});
}

/// A model that was saved.
struct Loaded {
  TableOptions options;
  std::vector<std::string> columns;
  Registry<float> registry;
  Random random{1};
  TableModel model;

  Loaded(const Safetensors& checkpoint, const std::string& file)
      : options(arguments().read(checkpoint, file)),
        columns(columns_of(checkpoint, file)),
        model(Scope<float>(registry, random), options, std::ssize(columns), nullptr, checkpoint.metadata.contains(exact_means)) {
    load(registry, checkpoint, file);
  }

 private:
  static std::vector<std::string> columns_of(const Safetensors& checkpoint, const std::string& file) {
    const std::string all = detail::saved_value(checkpoint.metadata, "columns", file);
    std::vector<std::string> names;
    for (std::size_t from = 0; from <= all.size();) {
      const std::size_t to = std::min(all.find('\t', from), all.size());
      names.push_back(all.substr(from, to - from));
      from = to + 1;
    }
    return names;
  }
};

/// Classes the rows of a table, and counts where it has labels.
int eval(const EvalOptions& options) {
  Loaded loaded(options.checkpoint, options.file);
  TableOptions& trained = loaded.options;
  trained.quiet = options.quiet;
  Table table;
  if (options.input) {
    if (options.decimal) trained.decimal = *options.decimal;
    if (options.thousands) trained.thousands = *options.thousands;
    table = read_with_progress(*options.input,
                               {.label = trained.label, .name = trained.name, .inputs = loaded.columns, .may_lack_labels = true},
                               trained);
    trained.held_out = 0;
  } else {
    if (options.decimal || options.thousands) wrong_argument("--decimal, --thousands: are of a file: --input must be given too");
    const auto path = options.checkpoint.metadata.find("input");
    const std::string input = path == options.checkpoint.metadata.end() ? "" : path->second;
    table = input.empty()
                ? prime_table()
                : read_with_progress(input, {.label = trained.label, .name = trained.name, .inputs = loaded.columns}, trained);
    const std::string& identity = detail::saved_value(options.checkpoint.metadata, "identity", options.file);
    if (identity != table.identity() && identity != table.identity_of_floats())
      bad_file(options.file, ": trained on ", input.empty() ? "the prime table" : input,
               ", which has changed since then: must be as it was, or --input FILE gives another");
  }
  const std::vector<double> outputs = outputs_of(loaded.model, trained, table);
  if (options.input)
    for (std::size_t i = 0; i < outputs.size(); ++i)
      print(fmt::format("{}\t{}\t{:.4f}", table.name(static_cast<Index>(i)), outputs[i] > 0.5 ? 1 : 0, outputs[i]));
  if (table.labels.empty()) {
    double ones = 0;
    for (const double output : outputs) ones += output > 0.5;
    return print_result("table", {{"rows", static_cast<double>(table.rows())}, {"ones", ones}});
  }
  return print_result("table", metrics_of(counts_of(outputs, trained, table)));
}

}  // namespace

namespace tasks {
Task table() {
  return {.name = "table",
          .about = "tells 0 from 1 in the rows of a table, as a series or through a window; which numbers come before a prime",
          .example = "carousel train table --input my.tsv --label bought --window 5",
          .train = [](CLI::App& app) { return arguments().declare(app, train); },
          .eval = eval,
          .eval_takes = {"--input", "--decimal", "--thousands"},
          .data = OutsideData{.what = "a table of numbers with labels, apart by tabs, semicolons or commas",
                              .option = "--input FILE",
                              .without = "which of 1 to 44 come before a prime"}};
}
}  // namespace tasks

}  // namespace carousel
