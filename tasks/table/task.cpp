/// Tables whose rows have a label: independent rows, one series, or through a window. What Alfiuman's WhydahGally-LSTM-MLP (2017)
/// does, and its example, which numbers come before a prime.

#include <algorithm>
#include <filesystem>
#include <functional>

#include <fmt/format.h>

#include <carousel/lib/error.hpp>
#include <carousel/lib/training/checkpoint.hpp>
#include <carousel/tasks/base/interrupt.hpp>
#include <carousel/tasks/base/metric.hpp>
#include <carousel/tasks/base/progress.hpp>
#include <carousel/tasks/base/task.hpp>
#include <carousel/tasks/base/text.hpp>
#include <carousel/tasks/drawing/json.hpp>
#include <carousel/tasks/runs/run_folder.hpp>
#include <carousel/tasks/table/options.hpp>
#include <carousel/tasks/table/sweep.hpp>
#include <carousel/tasks/table/use.hpp>
#include <carousel/tasks/table/views.hpp>
#include <carousel/tasks/table/weights.hpp>
#include <carousel/tasks/training/training.hpp>

namespace carousel {

namespace {

/// The first rows, or a window; the loss of the last of them.
Sample<float> sample_of(const TableModel& model, const TableOptions& options, const Table& known, const std::string& cell) {
  const auto used = net_for<float>(cell, model, [&](Registry<float>& registry) {
    Random random(1);
    return TableModel(Scope<float>(registry, random), with_cell(options, cell), std::ssize(known.columns), &known, true,
                      std::ssize(known.classes));
  });
  const Table some = known.first(std::min<Index>(options.window > 0 ? options.window : 60, known.rows()));
  Sample<float> sample{.loss =
                           [used, some, window = options.window] {
                             const Index last = some.rows() - 1;
                             const Var<float> score = window > 0
                                                          ? used->of_windows(windows_before(some, window, std::span(&last, 1)))
                                                          : slice(used->of_series(some.xs), 0, last, last + 1);
                             return loss_of(*used, score, std::span(&some.labels.back(), 1), {}, 1);
                           },
                       .input = {}};
  for (Index row = 0; row < some.rows(); ++row) sample.input.push_back(some.name(row));
  return sample;
}

/// Tries many, shows them best first, and keeps the table in the run's folder. What is held out has no say in it.
int train_many(const TableOptions& options, const Table& table, bool drawn, const std::function<void()>& say) {
  if (options.schedule != "constant" || options.warm_up > 0)
    wrong_argument("--sweep trains each net at a constant rate: it cannot be combined with --schedule or --warm-up");
  if (options.patience > 0) wrong_argument("--sweep trains each net to the end: it cannot be combined with --patience");
  if (!options.resume.empty()) wrong_argument("--sweep trains each net from its own start: it cannot be combined with --resume");
  if (!options.import_from.empty() || !options.export_to.empty())
    wrong_argument("--sweep trains each net from its own start: it cannot be combined with --import or --export");
  const Table known = options.held_out > 0 ? divided(table.first(rows_to_learn(options, table)), options, drawn) : table;
  rows_to_learn(options, known);  // throws before the folder is made
  const RunFolder run("table", options.out, true);
  say();
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
  const Index majority = majority_of(options, known);
  if (const std::string said = verdict_of(best.counts, majority, known); !said.empty()) note(said);
  std::vector<Metric> metrics = metrics_of(best.counts, majority);
  metrics.push_back({"hidden", static_cast<double>(best.options.hidden)});
  metrics.push_back({"rate", best.options.rate});
  return print_result("table", metrics, baseline_of(majority, options, known));
}

Json json_of(const std::vector<TableColumn>& columns) {
  Json all = Json::array();
  for (const TableColumn& column : columns) {
    Json one = {{"name", column.name}};
    if (column.kind == TableColumn::Kind::text) one["words"] = column.words;
    if (column.kind == TableColumn::Kind::date) one["date"] = true;
    all.push_back(std::move(one));
  }
  return all;
}

/// What checkpoints say besides the options.
Metadata saved_with(const TableOptions& options, const Table& table, bool exact = true) {
  Metadata saved = {{"columns", fmt::format("{}", fmt::join(table.columns, "\t"))}};
  if (exact) saved[exact_means] = "yes";
  if (!options.resumed.empty() && !options.resumed.contains(split_key)) return saved;
  saved[split_key] = has_independent_rows(options) ? "drawn" : "time";
  saved["table-classes"] = written(Json(table.classes));
  if (!table.read.empty()) saved["table-columns"] = written(json_of(table.read));
  return saved;
}

/// Makes a run of the parameters as they are.
int keep_imported(const TableOptions& options, const Table& table, const std::string& identity, TableTraining& training) {
  const RunFolder run("table", options.out, true);
  const std::string& folder = run.path();
  Metadata metadata = options.metadata;
  metadata.merge(saved_with(options, table));
  metadata["identity"] = identity;
  write_config(folder, options, {});
  save(training.registry, (std::filesystem::path(folder) / "best.safetensors").string(), {.tensors = {}, .metadata = metadata});
  const Index majority = majority_of(options, table);
  const std::vector<Metric> found = metrics_of(counts_of(outputs_of(training.model, options, table), options, table), majority);
  MetricsFile(folder, 0).add(R"("result":"table")", found);
  note(fmt::format("saved in {}; try: carousel eval {}", folder, shell_word(folder)));
  return print_result("table", found, baseline_of(majority, options, table));
}

int train(const TableOptions& given) {
  const Table file = training_table(given);
  const TableOptions options = decided(given, file);
  if (options.window == 0 && !file.begins.empty())
    wrong_argument("--window 0: the rows have holes, and one series has none: give --window N, of which none runs across a hole");
  const bool drawn = is_drawn(options);
  const Table table = divided(file, options, drawn);
  const Index learned = rows_to_learn(options, table), majority = majority_of(options, table);
  const auto known = std::span(table.labels).first(static_cast<std::size_t>(learned));
  if (std::count(known.begin(), known.end(), majority) == learned && !options.input.empty())
    bad_file("read ", options.input, ": all rows to train on have the label ", table.classes[static_cast<std::size_t>(majority)],
             ": there must be two labels to tell apart");
  const auto say = [&] {
    say_data(options, table, drawn);
    say_sorted(options, file, drawn);
  };
  if (options.sweep > 0) return train_many(options, table, drawn, say);
  TableTraining training(options, table);
  if (!options.export_to.empty()) check_export(training.registry, options, options.export_to);
  if (options.as_imported && (options.import_from.empty() || !options.export_to.empty()))
    wrong_argument("--as-imported makes a run of what --import reads: give it with --import, and without --export");
  const bool exact = options.resumed.empty() || options.resumed.contains(exact_means);
  const std::string identity = exact ? file.identity() : file.identity_of_floats();
  if (!options.import_from.empty()) {
    if (!options.resume.empty()) wrong_argument("--import gives a training its start: it cannot be combined with --resume");
    import_weights(training.registry, options, options.import_from);
    if (options.as_imported) return keep_imported(options, table, identity, training);
  }
  say();
  const auto counts = [&] { return counts_of(outputs_of(training.model, options, table), options, table); };
  return train_model<float>(
      options, {.about = fmt::format("{} rows of {} columns", table.rows(), table.columns.size()),
                .parts = {.unit = "rows", .train = learned, .test = table.rows() - learned},
                .identity = identity,
                .metadata = saved_with(options, table, exact),
                .optimizer = *training.optimizer,
                .data = training.data,
                .loss = training.loss,
                .shards = training.shards,
                .after_epoch = [&](const EpochReport&) -> std::vector<Metric> {
                  const std::vector<Index> said = said_of(outputs_of(training.model, options, table), std::ssize(table.classes));
                  const TableCounts found = counts_of(std::span(said).first(known.size()), known, std::ssize(table.classes));
                  return {{"train_accuracy", static_cast<double>(found.right()) / static_cast<double>(learned)}};
                },
                .views =
                    [&](Views& views) {
                      const Table shown = views.done ? table : table.first(learned);
                      add_table_views(views, outputs_of(training.model, options, shown), shown, learned, options.held_out > 0,
                                      views.done ? verdict_of(counts(), majority, table) : "");
                    },
                .sample = [&](const std::string& cell) { return sample_of(training.model, options, table.first(learned), cell); },
                .result =
                    [&](const TrainOutcome&) {
                      if (!options.export_to.empty()) export_weights(training.registry, options, options.export_to);
                      say_what_is_counted(options);
                      const TableCounts found = counts();
                      if (const std::string said = verdict_of(found, majority, table); !said.empty()) note(said);
                      return metrics_of(found, majority);
                    },
                .baseline = baseline_of(majority, options, table),
                .result_writes = !options.export_to.empty()});
}

}  // namespace

namespace tasks {
Task table() {
  return {
      .name = "table",
      .about = "predicts the label of rows of a table, independent or in the order of time; which numbers come before a prime",
      .example = "carousel train table --input my.csv --label bought",
      .train = [](CLI::App& app) { return table_arguments().declare(app, train); },
      .eval = eval_table,
      .predict = predict_table,
      .eval_takes = {"--input", "--decimal", "--thousands"},
      .predict_takes = {"--input", "--decimal", "--thousands"},
      .predict_about =
          "a CSV or TSV file with the columns that the net reads; the answer to each row is its columns, the label predicted, "
          "its "
          "probability, and those of all labels. Columns: those of the file, predicted, probability, p_LABEL",
      .data = OutsideData{.what = "a table with labels, CSV or TSV",
                          .option = "--input FILE",
                          .without = "which of 1 to 44 come before a prime"}};
}
}  // namespace tasks

}  // namespace carousel
