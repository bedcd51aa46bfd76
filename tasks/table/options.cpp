#include <carousel/tasks/table/options.hpp>

#include <algorithm>

#include <fmt/format.h>

#include <carousel/lib/error.hpp>
#include <carousel/lib/utf8.hpp>
#include <carousel/tasks/answers/input_lines.hpp>
#include <carousel/tasks/base/progress.hpp>
#include <carousel/tasks/base/text.hpp>
#include <carousel/tasks/csv/options.hpp>
#include <carousel/tasks/table/views.hpp>

namespace carousel {

namespace {

std::vector<Preset<TableOptions>> presets() {
  TableOptions usual;
  usual.epochs = 10, usual.passes = 100, usual.window = 1, usual.hidden = 20, usual.batch = 32, usual.rate = 0.01, usual.clip = 1;
  // The bound stays: the true gradient, which the original's is not, diverges at its rate from seven of nine starts.
  TableOptions source = usual;
  source.epochs = 50, source.cell = "lstm-linear", source.readout = "first", source.optimizer = "sgd", source.rate = 0.11,
  source.batch = 1, source.window = 0;
  return {{"default", "our tuned settings: a read-out, cross-entropy, Adam", usual},
          {"source",
           "those of the original project: its net h = o∘s with weights uniform in ±1, its first output against the label, 5,000 "
           "steps of descent, "
           "bounded",
           source}};
}

}  // namespace

Arguments<TableOptions> table_arguments() {
  Arguments<TableOptions> all("table", presets());
  all.add("--input", "FILE", &TrainOptions::input,
          "CSV or TSV file with a row of column names; default: which of 1 to 44 come before a prime", {.is_path = true})
      .add("--label", "COLUMN", &TableOptions::label, "column of labels: 0 and 1, or names of any number of classes")
      .add("--name", "COLUMN", &TableOptions::name, "column to ignore, such as an id; answers show it")
      .add("--ignore", "A,B", &TableOptions::ignore, "further columns to ignore", {.before = ""})
      .add("--held-out", "P", &TableOptions::held_out,
           "share of rows kept for testing: drawn from each class where rows are independent, else the last ones; 0: train and "
           "test on "
           "the same rows; default for a file: 0.2",
           {.at_least = 0, .below = 1})
      .add_flag("--series", &TableOptions::series, "the rows are in the order of time: --window 0, if none is given",
                {.before = "no"})
      .add("--window", "N", &TableOptions::window,
           "how many rows, the row itself last, an answer may use; 1: rows are independent; 0: the rows are one time series, as "
           "those of "
           "the primes are",
           {.at_least = 0, .at_most = size_rule().at_most})
      .add("--date", "COLUMN", &TableOptions::date, "column of dates that puts the rows in order; makes them a time series",
           {.before = ""})
      .add("--date-order", "WORD", &TableOptions::date_order, date_order_help, date_order_rule())
      .add("--missing", "WORD", &TableOptions::missing, "empty cells: error; fill: take the mean; skip: leave out the row",
           missing_rule())
      .add("--class-weights", "WORD", &TableOptions::class_weights,
           "balanced: errors on a rare class weigh more, so that all classes weigh the same",
           {.one_of = {"none", "balanced"}, .before = "none"})
      .add("--decimal", "MARK", &TableOptions::decimal, decimal_help, decimal_rule())
      .add("--thousands", "MARK", &TableOptions::thousands, thousands_help, thousands_rule())
      .add("--readout", "NAME", &TableOptions::readout, "linear: of all outputs; first: the first output is the answer",
           {.one_of = {"linear", "first"}})
      .add("--passes", "N", &TableOptions::passes,
           "passes over the table in an epoch; default for independent rows: 3,000 / rows", size_rule())
      .add_net(
          {.hidden = "units of each layer, in each direction", .bidirectional = "layers that read a --window from its end too"})
      .add_training({.batch = "windows per update", .patience = patience_on_loss})
      .add("--import", "DIR", &TableOptions::import_from, "start from weights in text files", {.saved = false})
      .add_flag("--as-imported", &TableOptions::as_imported, "do not train; only make a run of the imported weights",
                {.saved = false})
      .add("--export", "DIR", &TableOptions::export_to, "write the weights as text files", {.saved = false})
      .add("--sweep", "N", &TableOptions::sweep,
           "random search: N nets with 1 to 2 × --hidden units and learning rates near --rate, ranked on a part of the rows to "
           "train "
           "on; 0: train one net",
           {.at_least = 0, .at_most = 1e6, .saved = false})
      .add_threads(
          "processor cores to use: of a --sweep for its nets; else 2 compute a half of each batch of windows, more gain "
          "nothing");
  return all;
}

Csv read_table_file(const std::string& input, const TableOptions& options) {
  return csv_input(input, {.header = CsvHeader::yes,
                           .decimal = options.decimal,
                           .thousands = options.thousands,
                           .skip_empty_lines = true,
                           .missing_option = true,
                           .progress = reading(options.quiet, input)});
}

Table read_with_remarks(const std::string& input, const TableColumns& columns, const TableOptions& options) {
  Table table = read_table(read_table_file(input, options), columns);
  if (!options.quiet) std::ranges::for_each(table.remarks, note);
  return table;
}

TableColumns columns_of(const TableOptions& options) {
  return {.label = options.label,
          .name = options.name,
          .ignore = names_in(options.ignore),
          .missing = options.missing,
          .order = date_order_of(options.date_order),
          .date = options.date};
}

bool is_drawn(const TableOptions& options) {
  return has_independent_rows(options) && options.held_out > 0 &&
         (options.resumed.empty() || options.resumed.contains(split_key));
}
Table divided(const Table& table, const TableOptions& options, bool drawn) {
  return drawn ? stratified(table, table.rows() - rows_to_learn(options, table), options.seed) : table;
}

Table training_table(const TableOptions& options) {
  return options.input.empty() ? prime_table() : read_with_remarks(options.input, columns_of(options), options);
}

TableOptions decided(TableOptions options, const Table& table) {
  if (!options.resumed.empty()) return options;
  const auto given = [&](const char* name) {
    return std::find(options.given.begin(), options.given.end(), name) != options.given.end();
  };
  const bool file = !options.input.empty(), usual = options.preset == "default";
  if (!given("--window") && usual) options.window = !file || options.series || !options.date.empty() ? 0 : 1;
  if (!given("--held-out") && usual && file && table.rows() >= 10) options.held_out = 0.2;
  if (!given("--passes") && usual && file && options.window > 0)
    options.passes = std::clamp<Index>(3000 / table.rows(), 1, options.passes);
  for (const auto& [key, text] : {std::pair("window", detail::text_of(options.window)),
                                  {"held-out", detail::text_of(options.held_out)},
                                  {"passes", detail::text_of(options.passes)}})
    options.metadata[key] = text;
  return options;
}

void say_data(const TableOptions& options, const Table& table, bool drawn) {
  if (options.quiet) return;
  const Index learned = rows_to_learn(options, table), tested = table.rows() - learned;
  std::string line = options.input.empty() ? "the prime table" : last_name(options.input);
  line += has_independent_rows(options) ? ": rows are independent (--series if they are in the order of time)"
          : options.window == 0         ? ": the rows are one time series"
                                        : fmt::format(": the rows are a time series, {} of them make an answer", options.window);
  if (tested > 0)
    line += drawn ? fmt::format("; {} of {} rows, drawn from each class by --seed {}, are kept for testing", tested, table.rows(),
                                options.seed)
                  : fmt::format("; the last {} of {} rows are kept for testing", tested, table.rows());
  note(line);
  std::vector<std::string> numbers, others;
  for (const TableColumn& column : table.read)
    if (column.kind == TableColumn::Kind::number)
      numbers.push_back(column.name);
    else if (column.kind == TableColumn::Kind::text)
      others.push_back(fmt::format("{} (words, one-hot: {})", column.name, column.words.size()));
    else
      others.push_back(column.name + " (a date: time, hour, weekday, month)");
  if (!table.read.empty() && options.readout == "linear")
    note(fmt::format("standardised to mean 0 and deviation 1 of the rows to train on: {}{}{}", list_words(numbers),
                     numbers.empty() || others.empty() ? "" : ", ", list_words(others)));
}

void say_sorted(const TableOptions& options, const Table& table, bool drawn) {
  if (!is_sorted_by_label(table)) return;
  note(fmt::format(
      "the rows are sorted by label{}",
      drawn ? ": the rows to test are drawn from all of them, so this does no harm"
      : has_independent_rows(options)
          ? ": this does no harm, for rows are independent"
          : ": as a time series their order gives the label away, and new rows in another order are answered wrongly; "
            "leave out --series, --date and --window if the rows are independent"));
}

std::string verdict_of(const TableCounts& counts, Index majority, const Table& table) {
  if (counts.rows() == 0 || beats_majority(counts, majority)) return "";
  return fmt::format("not better than always saying {}", table.classes[static_cast<std::size_t>(majority)]);
}

Baseline baseline_of(Index majority, const TableOptions& options, const Table& table) {
  const Index learned = rows_to_learn(options, table), first = learned == table.rows() ? 0 : learned;
  const auto tested = std::span(table.labels).subspan(static_cast<std::size_t>(first));
  return {.metric = "accuracy",
          .guess = "always " + table.classes[static_cast<std::size_t>(majority)],
          .value = static_cast<double>(std::count(tested.begin(), tested.end(), majority)) / static_cast<double>(tested.size()),
          .perfect = 1};
}

void say_what_is_counted(const TableOptions& options) {
  if (!(options.held_out > 0)) note(fmt::format("{}: {}", of_learned_rows, try_held_out));
}

}  // namespace carousel
