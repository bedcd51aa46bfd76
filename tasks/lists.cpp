/// Copying, reversing and sorting lists of numbers, with and without attention: the tasks of kwang1092's
/// AttentionNeuralNetworkToyTasks (2018).

#include <algorithm>
#include <filesystem>

#include <fmt/format.h>

#include <carousel/lib/checkpoint.hpp>
#include <carousel/lib/file.hpp>
#include <carousel/models/loss.hpp>
#include <carousel/tasks/lists_model.hpp>
#include <carousel/tasks/task.hpp>
#include <carousel/tasks/training.hpp>

namespace carousel {

namespace {

/// One of the three tasks.
struct Kind {
  const char* name;
  ListTask task;
};
constexpr Kind kinds[] = {{"copy", ListTask::copy}, {"reverse", ListTask::reverse}, {"sort", ListTask::sort}};

ListTask task_of(const Kind& kind, const ListOptions& options) {
  return kind.task == ListTask::sort && options.as_strings ? ListTask::sort_as_strings : kind.task;
}

std::vector<Preset<ListOptions>> presets() {
  ListOptions usual, source;
  usual.epochs = 10, usual.lists = 10000, usual.hidden = 128, usual.embedding = 64, usual.batch = 50, usual.rate = 3e-3,
  usual.clip = 1;
  source.epochs = 2, source.lists = 10000, source.hidden = 128, source.embedding = 128, source.batch = 100, source.rate = 1e-3,
  source.teacher_forcing = "off", source.schedule = "constant";
  return {{"default", "the best that we know: new lists in each epoch, a rate that falls along a cosine", usual},
          {"source", "the original's net and rates: it learns 10,000 lists, and reads what it made itself", source}};
}

/// The options that a model and its lists depend on, apart from those of TrainOptions, under the names of their flags.
constexpr std::pair<const char*, Index ListOptions::*> saved_numbers[] = {{"embedding", &ListOptions::embedding},
                                                                          {"length", &ListOptions::length},
                                                                          {"longer", &ListOptions::longer},
                                                                          {"range", &ListOptions::range},
                                                                          {"lists", &ListOptions::lists}};
constexpr std::pair<const char*, std::string ListOptions::*> saved_words[] = {{"attention", &ListOptions::attention},
                                                                              {"teacher-forcing", &ListOptions::teacher_forcing},
                                                                              {"schedule", &ListOptions::schedule}};
constexpr std::pair<const char*, bool ListOptions::*> saved_flags[] = {{"bidirectional", &ListOptions::bidirectional},
                                                                       {"as-strings", &ListOptions::as_strings}};

std::string yes_or_no(bool flag) {
  return flag ? "yes" : "no";
}

Metadata list_metadata(const Kind& kind, const ListOptions& options) {
  Metadata metadata = metadata_of(kind.name, options);
  for (const auto& [name, member] : saved_numbers) metadata[name] = std::to_string(options.*member);
  for (const auto& [name, member] : saved_words) metadata[name] = options.*member;
  for (const auto& [name, member] : saved_flags) metadata[name] = yes_or_no(options.*member);
  return metadata;
}

ListOptions saved_list_options(const Safetensors& checkpoint, const std::string& file) {
  ListOptions options;
  static_cast<TrainOptions&>(options) = saved_options(checkpoint, file);
  const auto read = [&](const std::string& name, const Rule& rule, auto& value) {
    const auto found = checkpoint.metadata.find(name);
    if (found == checkpoint.metadata.end()) bad_file(file, ": its metadata have no ", name, ": must be saved by carousel train");
    try {
      detail::read_value(name, found->second, rule, value);
    } catch (const std::invalid_argument& error) {
      bad_file(file, ": in its metadata, ", error.what());
    }
  };
  for (const auto& [name, member] : saved_numbers) read(name, size_rule(), options.*member);
  for (const auto& [name, member] : saved_words)
    read(name, member == &ListOptions::attention ? Rule{.one_of = attention_names()} : Rule{}, options.*member);
  for (const auto& [name, member] : saved_flags) {
    std::string flag;
    read(name, {.one_of = {"yes", "no"}}, flag);
    options.*member = flag == "yes";
  }
  return options;
}

Random random_of(const ListOptions& options, const char* name) {
  return Random(static_cast<std::uint64_t>(options.seed)).split(name);
}

std::vector<List> solutions(ListTask task, std::span<const List> lists) {
  std::vector<List> all;
  for (const List& list : lists) all.push_back(solution(task, list));
  return all;
}

ListAccuracy accuracy_on(const ListModel& model, ListTask task, std::span<const List> lists) {
  return accuracy(make_lists(model, lists), solutions(task, lists));
}

/// 2,000 lists longer than those of the training.
std::vector<List> longer_lists(const ListOptions& options) {
  Random random = random_of(options, "longer lists");
  std::vector<List> lists(2000);
  for (List& list : lists) list = draw_list(random, options.longer, options.range);
  return lists;
}

/// The weights of attention as comma-separated values: first the list, then a row for each number made.
std::string attention_table(const List& list, const Attending& attending) {
  std::string text = "made";
  for (const Index number : list) text += fmt::format(",{}", number);
  text += "\n";
  for (std::size_t t = 0; t < attending.weights.size(); ++t) {
    text += std::to_string(attending.made[t]);
    for (const float weight : attending.weights[t]) text += fmt::format(",{:.6f}", weight);
    text += "\n";
  }
  return text;
}

void write_text(const std::string& path, const std::string& text) {
  NewFile file(path, text.size());
  file.write(std::as_bytes(std::span(text)));
  file.publish();
}

/// The accuracies on the test lists and on longer ones; with a folder, attention to one of each goes there.
void report(const ListModel& model, const Kind& kind, const ListOptions& options, const ListData& data,
            const std::string& folder) {
  const ListTask task = task_of(kind, options);
  const std::vector<List> longer = longer_lists(options);
  const ListAccuracy test = accuracy_on(model, task, data.test()), far = accuracy_on(model, task, longer);
  for (const auto& [list, name] : {std::pair(data.test().front(), "attention.csv"), {longer.front(), "attention-longer.csv"}}) {
    const Attending attending = attend_to(model, list);
    print(fmt::format("{}: {} -> {}", kind.name, words(list), words(attending.made)));
    if (!folder.empty() && !attending.weights.empty())
      write_text((std::filesystem::path(folder) / name).string(), attention_table(list, attending));
  }
  print_result(kind.name, {{"token_accuracy", test.tokens},
                           {"string_accuracy", test.strings},
                           {"longer_token_accuracy", far.tokens},
                           {"longer_string_accuracy", far.strings}});
}

Schedule make_schedule(const ListOptions& options, Index steps) {
  if (options.schedule == "constant") return {};
  return WarmUp{.steps = 50, .then = CosineDecay{.steps = steps, .to = 0.01}};
}

/// The mean over the numbers of each list of their cross-entropy, summed over the lists and divided by `divide_by`.
Var<float> loss_of(const ListModel& model, ListTask task, const ListOptions& options, std::span<const List> lists,
                   double divide_by, const std::optional<DropoutKey>& key = {}) {
  const std::vector<Index> right = side_by_side(solutions(task, lists));
  const bool forced = options.teacher_forcing == "on";
  const Decoded<float> decoded = model(side_by_side(lists), static_cast<Index>(lists.size()),
                                       forced ? std::span<const Index>(right) : std::span<const Index>(), key);
  return cross_entropy(decoded.logits, right, {.divide_by = divide_by * static_cast<double>(options.length)});
}

/// A training that goes on has the flags that it began with.
void restore_flags(ListOptions& options) {
  for (const auto& [name, member] : saved_flags) {
    const auto found = options.resumed.find(name);
    const std::string saved = found == options.resumed.end() ? "no" : found->second;
    options.*member = options.*member || saved == "yes";
    detail::check_unchanged(join("--", name), yes_or_no(options.*member), saved, options.out);
  }
}

int train(const Kind& kind, ListOptions options) {
  if (options.resume) restore_flags(options);
  if (options.longer == 0) options.longer = std::min(2 * options.length, options.range);
  const ListTask task = task_of(kind, options);
  const ListData data(random_of(options, "lists"), options.length, options.range);
  longer_lists(options);  // throws before the training, not after it
  if (options.out.empty()) options.out = new_run_folder(kind.name);

  Registry<float> registry;
  Random random = random_of(options, "parameters");
  const ListModel model(Scope<float>(registry, random), options);
  const auto optimizer = make_optimizer(options.optimizer, registry, options.rate);
  const bool source = options.preset == "source";
  if (source && options.cell == "lstm")
    for (const Parameter<float>& p : registry)  // two biases of the source's LSTMs move their sum twice as far as one
      if (p.path.ends_with("/b") && !p.path.starts_with("readout/")) optimizer->group(p.path, {.rate = 2 * options.rate});
  const Metadata metadata = list_metadata(kind, options);
  FitState state = start_state(*optimizer, options);
  FitOptions fitting = fit_options(options, metadata);
  const DataSet set{.examples = options.lists, .batch = options.batch};
  fitting.shards = static_cast<int>(std::min<Index>(2, options.batch));
  fitting.clip_norm = options.clip;
  fitting.schedule = make_schedule(options, set.batches() * options.epochs);
  fitting.validate = [&] {
    Tape<float> tape;
    const NoGrad<float> no_gradient;
    const auto lists = static_cast<double>(data.validation().size());
    return static_cast<double>(loss_of(model, task, options, data.validation(), lists).item());
  };

  // The source adds the losses of the lists up, and learns the same lists in every epoch.
  const double scale = source ? static_cast<double>(options.batch) : 1;
  Progress progress(options.quiet);
  fitting.after_step = [&](const StepReport& report) {
    if (progress.due())
      progress.show(fmt::format("epoch {}/{}  batch {}/{}  loss {:.3f}", report.epoch + 1, options.epochs, report.batch + 1,
                                set.batches(), report.loss / scale));
  };
  fitting.after_epoch = [&](const EpochReport& report) {
    if (options.quiet) return false;
    progress.line(fmt::format("epoch {}/{}  train_loss {:.4f}  validation_loss {:.4f}  validation_token_accuracy {:.4f}",
                              report.epoch + 1, options.epochs, report.loss / scale, report.validation,
                              accuracy_on(model, task, data.validation()).tokens));
    return false;
  };
  const auto loss = [&](const Batch& batch, const Shard& shard) {
    std::vector<List> lists;
    for (const Index n : shard.of(batch.examples)) lists.push_back(data.training(source ? n : batch.epoch * options.lists + n));
    const DropoutKey key{.seed = batch.key, .first_example = shard.first(static_cast<Index>(batch.examples.size()))};
    return loss_of(model, task, options, lists, source ? 1 : static_cast<double>(batch.examples.size()), key);
  };

  if (!options.quiet)
    note(fmt::format("{} lists of {} of the numbers 0 to {} per epoch, {} others to validate and {} to test; {} parameters",
                     options.lists, options.length, options.range - 1, data.validation().size(), data.test().size(),
                     registry.elements()));
  const FitResult result = fit(*optimizer, set, loss, fitting, std::move(state));
  if (const int code = report_end(result, options); code != exit_done) return code;
  load(registry, fitting.best);
  report(model, kind, options, data, options.out);
  note(fmt::format("saved in {0}{1}; try: carousel sample {0}", options.out,
                   options.attention == "none" ? "" : ", the weights of attention in attention.csv"));
  return exit_done;
}

/// A model that was saved.
struct Loaded {
  Kind kind;
  ListOptions options;
  Registry<float> registry;
  Random random{1};
  ListModel model;

  Loaded(const Safetensors& checkpoint, const std::string& file)
      : kind(kind_of(checkpoint)), options(saved_list_options(checkpoint, file)), model(Scope<float>(registry, random), options) {
    load(registry, checkpoint, file);
  }

 private:
  static const Kind& kind_of(const Safetensors& checkpoint) {
    const std::string& name = checkpoint.metadata.find("task")->second;  // by which the program came here
    return *std::find_if(std::begin(kinds), std::end(kinds), [&](const Kind& one) { return one.name == name; });
  }
};

int eval(const EvalOptions& options) {
  const Loaded loaded(options.checkpoint, options.file);
  if (!options.input) {
    const ListData data(random_of(loaded.options, "lists"), loaded.options.length, loaded.options.range);
    report(loaded.model, loaded.kind, loaded.options, data, "");
    return exit_done;
  }
  const std::vector<List> lists = read_lists(*options.input, loaded.options.range);
  const ListAccuracy found = accuracy_on(loaded.model, task_of(loaded.kind, loaded.options), lists);
  print_result(
      loaded.kind.name,
      {{"token_accuracy", found.tokens}, {"string_accuracy", found.strings}, {"lists", static_cast<double>(lists.size())}});
  return exit_done;
}

/// Makes something of one list, and shows where it looked.
int sample(const SampleOptions& options) {
  const Loaded loaded(options.checkpoint, options.file);
  Random random = Random(static_cast<std::uint64_t>(options.seed)).split("sample");
  const List list = options.prime ? parse_list(*options.prime, loaded.options.range, "--prime")
                                  : draw_list(random, options.length.value_or(loaded.options.length), loaded.options.range);
  if (list.empty()) wrong_argument("--prime: must have at least one number");
  const Attending attending = attend_to(loaded.model, list);
  print("given:  " + words(list));
  print("made:   " + words(attending.made));
  if (!attending.weights.empty()) {
    std::string head = "attention";
    for (const Index number : list) head += fmt::format("{:>6}", number);
    print(head);
  }
  for (std::size_t t = 0; t < attending.weights.size(); ++t) {
    std::string row = fmt::format("{:>9}", attending.made[t]);
    for (const float weight : attending.weights[t]) row += fmt::format("{:>6.2f}", weight);
    print(row);
  }
  return exit_done;
}

Command declare_training(const Kind& kind, CLI::App& app) {
  Arguments<ListOptions> arguments(app, presets());
  arguments.add_threads()
      .add("--attention", "FORM", &ListOptions::attention, "one of " + list_words(attention_names()),
           {.one_of = attention_names()})
      .add("--teacher-forcing", "ON", &ListOptions::teacher_forcing,
           "on: in training the decoder reads the right number before; off: the one that it made", {.one_of = {"on", "off"}})
      .add_flag("--bidirectional", &ListOptions::bidirectional, "the encoder reads lists from both ends")
      .add("--hidden", "N", &TrainOptions::hidden, "units of each layer", size_rule())
      .add("--layers", "N", &TrainOptions::layers, "layers of encoder and decoder", {.at_least = 1, .at_most = 8})
      .add("--embedding", "N", &ListOptions::embedding, "features of a number", size_rule())
      .add("--dropout", "P", &TrainOptions::dropout, "part of a layer's outputs that the next one does not see in training",
           {.at_least = 0, .below = 1})
      .add("--length", "N", &ListOptions::length, "numbers of a list", size_rule())
      .add("--longer", "N", &ListOptions::longer, "numbers of longer lists to test on; 0: twice --length, within --range",
           {.at_least = 0, .at_most = size_rule().at_most})
      .add("--range", "N", &ListOptions::range, "lists hold numbers below it", size_rule())
      .add("--lists", "N", &ListOptions::lists, "lists per epoch", size_rule())
      .add("--batch", "N", &TrainOptions::batch, "lists per update", size_rule())
      .add("--optimizer", "NAME", &TrainOptions::optimizer, "one of " + list_words(optimizer_names()),
           {.one_of = optimizer_names()})
      .add("--rate", "R", &TrainOptions::rate, "learning rate", {.above = 0})
      .add("--schedule", "NAME", &ListOptions::schedule, "of the rate: constant, or a cosine down to a hundredth",
           {.one_of = {"constant", "cosine"}})
      .add("--clip", "C", &TrainOptions::clip, "bound of the gradient's norm; 0: none", {.at_least = 0});
  if (kind.task == ListTask::sort)
    arguments.add_flag("--as-strings", &ListOptions::as_strings, "sorts digits from the left, 10 before 2, as the source does");
  return [arguments, kind] { return train(kind, arguments.options()); };
}

Task make_task(const Kind& kind, std::string about, std::string example) {
  return {.name = kind.name,
          .about = std::move(about),
          .example = std::move(example),
          .train = [kind](CLI::App& app) { return declare_training(kind, app); },
          .eval = eval,
          .sample = sample,
          .eval_takes = {"--input"},
          .sample_takes = {"--length", "--prime", "--seed"}};
}

}  // namespace

namespace tasks {
Task copy() {
  return make_task(kinds[0], "gives a list of numbers back, with attention: kwang1092's toy tasks",
                   "carousel train copy --attention multiplicative");
}
Task reverse() {
  return make_task(kinds[1], "gives a list of numbers back from its end", "carousel train reverse --attention none");
}
Task sort() {
  return make_task(kinds[2], "sorts a list of numbers", "carousel train sort --preset source --as-strings");
}
}  // namespace tasks

}  // namespace carousel
