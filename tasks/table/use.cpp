#include <carousel/tasks/table/use.hpp>

#include <algorithm>
#include <map>

#include <fmt/format.h>

#include <carousel/lib/training/checkpoint.hpp>
#include <carousel/tasks/answers/answers.hpp>
#include <carousel/tasks/base/interrupt.hpp>
#include <carousel/tasks/base/metric.hpp>
#include <carousel/tasks/drawing/json.hpp>
#include <carousel/tasks/table/options.hpp>

namespace carousel {

namespace {

/// A model that was saved.
struct Loaded {
  TableOptions options;
  std::vector<std::string> features, classes;
  std::vector<TableColumn> columns;  // of a file
  bool drawn;                        // the rows to test were
  Registry<float> registry;
  Random random{1};
  TableModel model;

  Loaded(const Safetensors& checkpoint, const std::string& file)
      : options(table_arguments().read(checkpoint, file)),
        features(features_of(checkpoint, file)),
        classes(classes_of(checkpoint, file)),
        columns(file_columns_of(checkpoint, file, features)),
        drawn(has_independent_rows(options) && options.held_out > 0 && checkpoint.metadata.contains(split_key)),
        model(Scope<float>(registry, random), options, std::ssize(features), nullptr, checkpoint.metadata.contains(exact_means),
              std::ssize(classes)) {
    load(registry, checkpoint, file);
  }

  /// What the model reads of a file.
  TableColumns known(bool may_lack_labels) const {
    TableColumns how = columns_of(options);
    how.ignore.clear();
    how.inputs = columns;
    how.classes = classes;
    how.may_lack_labels = may_lack_labels;
    return how;
  }

 private:
  static std::vector<std::string> features_of(const Safetensors& checkpoint, const std::string& file) {
    return split(detail::saved_value(checkpoint.metadata, "columns", file), "\t");
  }
  static std::vector<std::string> classes_of(const Safetensors& checkpoint, const std::string& file) {
    const auto found = checkpoint.metadata.find("table-classes");
    if (found == checkpoint.metadata.end()) return {"0", "1"};
    return words_of(parsed_json(found->second), 2, file, "table-classes");
  }
  static std::vector<std::string> words_of(const Json& json, std::size_t at_least, const std::string& file, const char* key) {
    if (!json.is_array() || json.size() < at_least ||
        !std::all_of(json.begin(), json.end(), [](const auto& word) { return word.is_string(); }))
      bad_file(file, ": in its metadata, ", key, ": must be a list of names");
    return json.get<std::vector<std::string>>();
  }
  static std::vector<TableColumn> file_columns_of(const Safetensors& checkpoint, const std::string& file,
                                                  const std::vector<std::string>& features) {
    std::vector<TableColumn> all;
    const auto found = checkpoint.metadata.find("table-columns");
    if (found == checkpoint.metadata.end()) {
      for (const std::string& name : features) all.push_back({.name = name});
      return all;
    }
    const Json json = parsed_json(found->second);
    std::size_t count = 0;
    for (const Json& one : json.is_array() ? json : Json::array()) {
      if (!one.is_object() || !one.contains("name") || !one["name"].is_string()) break;
      TableColumn& column = all.emplace_back();
      column.name = one["name"].get<std::string>();
      if (one.contains("date")) column.kind = TableColumn::Kind::date;
      if (one.contains("words"))
        column.kind = TableColumn::Kind::text, column.words = words_of(one["words"], 0, file, "table-columns");
      count += column.features().size();
    }
    if (all.empty() || count != features.size())
      bad_file(file, ": in its metadata, table-columns: must be the columns of its net");
    return all;
  }
};

}  // namespace

/// Classes the rows of a table, and counts where it has labels.
int eval_table(const EvalOptions& options) {
  Loaded loaded(options.checkpoint, options.file);
  TableOptions& trained = loaded.options;
  trained.quiet = options.quiet;
  Table table;
  if (options.input) {
    if (options.decimal) trained.decimal = *options.decimal;
    if (options.thousands) trained.thousands = *options.thousands;
    table = read_with_remarks(*options.input, loaded.known(true), trained);
    trained.held_out = 0;
  } else {
    if (options.decimal || options.thousands)
      wrong_argument("--decimal and --thousands say how a file is written: give --input too");
    const auto path = options.checkpoint.metadata.find("input");
    const std::string input = path == options.checkpoint.metadata.end() ? "" : path->second;
    table = input.empty() ? prime_table() : read_with_remarks(input, loaded.known(false), trained);
    const std::string& identity = detail::saved_value(options.checkpoint.metadata, "identity", options.file);
    if (identity != table.identity() && identity != table.identity_of_floats())
      bad_file(options.file, ": trained on ", input.empty() ? "the prime table" : input,
               ", which has changed since then: put the old file back, or give another with --input");
    table = divided(table, trained, loaded.drawn);
  }
  const std::vector<double> outputs = outputs_of(loaded.model, trained, table);
  const std::vector<Index> said = said_of(outputs, std::ssize(table.classes));
  if (options.input)
    for (std::size_t i = 0; i < said.size(); ++i) {
      const auto k = static_cast<std::size_t>(said[i]);
      const double p = table.classes.size() == 2 ? outputs[i] : outputs[i * table.classes.size() + k];
      print(fmt::format("{}\t{}\t{:.4f}", table.name(static_cast<Index>(i)), table.classes[k], p));
    }
  if (table.labels.empty()) {
    std::vector<Metric> found = {{"rows", static_cast<double>(table.rows())}};
    if (table.classes.size() == 2) found.push_back({"ones", static_cast<double>(std::count(said.begin(), said.end(), 1))});
    return print_result("table", found);
  }
  // Without the table that was learned, the majority is that of the table at hand: a harder baseline.
  const Index majority = majority_of(trained, table);
  const TableCounts counts = counts_of(outputs, trained, table);
  if (const std::string verdict = verdict_of(counts, majority, table); !verdict.empty()) note(verdict);
  return print_result("table", metrics_of(counts, majority), baseline_of(majority, trained, table));
}

/// Answers each row of a table, all of whose columns stand before the answer.
int predict_table(const PredictOptions& options) {
  Loaded loaded(options.checkpoint, options.file);
  TableOptions& trained = loaded.options;
  trained.quiet = options.quiet;
  if (options.decimal) trained.decimal = *options.decimal;
  if (options.thousands) trained.thousands = *options.thousands;
  TableColumns how = loaded.known(true);
  how.label = "\n";  // labels that stand there are not read
  const Csv csv = read_table_file(options.input, trained);
  const Table table = read_table(csv, how);
  if (!options.quiet) std::ranges::for_each(table.remarks, note);
  const std::vector<double> outputs = outputs_of(loaded.model, trained, table);
  const std::size_t classes = table.classes.size();
  const std::vector<Index> said = said_of(outputs, std::ssize(table.classes));
  std::map<Index, std::size_t> rows;  // by their lines
  for (std::size_t row = 0; row < table.lines.size(); ++row) rows[table.lines[row]] = row;
  std::vector<std::string> columns = csv.header();
  columns.insert(columns.end(), {"predicted", "probability"});
  for (const std::string& name : table.classes) columns.push_back("p_" + name);
  Answers answers(options, columns);
  bool goes_on = true;
  csv.for_each_row([&](const CsvReader& line) {
    if (!goes_on) return;
    std::vector<AnswerValue> values;
    for (const std::string_view field : line.fields()) values.emplace_back(std::string(field));
    if (const auto found = rows.find(line.line()); found == rows.end()) {  // it has an empty cell, and is left out
      values.resize(columns.size());
    } else {
      const std::size_t row = found->second;
      const auto probability = [&](std::size_t k) {
        return classes > 2 ? outputs[row * classes + k] : k == 1 ? outputs[row] : 1 - outputs[row];
      };
      const auto label = static_cast<std::size_t>(said[row]);
      values.emplace_back(table.classes[label]);
      values.emplace_back(probability(label));
      for (std::size_t k = 0; k < classes; ++k) values.emplace_back(probability(k));
    }
    goes_on = answers.add(values);
  });
  return answers.finish();
}

}  // namespace carousel
