/// Copying, reversing and sorting lists of numbers, with and without attention: the tasks of kwang1092's
/// AttentionNeuralNetworkToyTasks (2018).

#include <algorithm>
#include <cmath>
#include <filesystem>

#include <fmt/format.h>

#include <carousel/lib/training/checkpoint.hpp>
#include <carousel/models/losses/loss.hpp>
#include <carousel/ops/shape.hpp>
#include <carousel/tasks/answers/answers.hpp>
#include <carousel/tasks/answers/input_lines.hpp>
#include <carousel/tasks/base/interrupt.hpp>
#include <carousel/tasks/base/metric.hpp>
#include <carousel/tasks/base/progress.hpp>
#include <carousel/tasks/base/task.hpp>
#include <carousel/tasks/base/text.hpp>
#include <carousel/tasks/lists/model.hpp>
#include <carousel/tasks/training/arguments.hpp>
#include <carousel/tasks/training/training.hpp>

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
  usual.clip = 1, usual.schedule = "cosine", usual.warm_up = 50;
  source.epochs = 2, source.lists = 10000, source.hidden = 128, source.embedding = 128, source.batch = 100, source.rate = 1e-3,
  source.teacher_forcing = "off";
  return {{"default", "our tuned settings: new lists in each epoch, a rate that falls along a cosine", usual},
          {"source", "the original's net and rates: it learns 10,000 lists, and reads what it made itself", source}};
}

Arguments<ListOptions> arguments(const Kind& kind) {
  Arguments<ListOptions> all(kind.name, presets());
  all.add_threads()
      .add("--attention", "FORM", &ListOptions::attention, "one of " + list_words(attention_names()),
           {.one_of = attention_names()})
      .add("--teacher-forcing", "ON", &ListOptions::teacher_forcing,
           "on: in training the decoder reads the right number before; off: the one that it made", {.one_of = {"on", "off"}})
      .add_net({.layers = "layers of encoder and decoder",
                .bidirectional = "the encoder reads lists from both ends",
                .dropout = "dropout: share of outputs between layers set to 0 during training"})
      .add("--embedding", "N", &ListOptions::embedding, "features of a number", size_rule())
      .add("--length", "N", &ListOptions::length, "numbers of a list", size_rule())
      .add("--longer", "N", &ListOptions::longer, "numbers of longer lists to test on; 0: twice --length, within --range",
           {.at_least = 0, .at_most = size_rule().at_most})
      .add("--range", "N", &ListOptions::range, "lists hold numbers below it", size_rule())
      .add("--lists", "N", &ListOptions::lists, "lists per epoch", size_rule())
      .add_training({.batch = "lists per update"});
  if (kind.task == ListTask::sort)
    all.add_flag("--as-strings", &ListOptions::as_strings, "sorts digits from the left, 10 before 2, as the source does");
  return all;
}

/// What --longer 0 stands for.
ListOptions completed(ListOptions options) {
  if (options.longer == 0) options.longer = std::min(2 * options.length, options.range);
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

/// The accuracies on the test lists and on longer ones; with a folder, attention to one of each goes there.
std::vector<Metric> report(const ListModel& model, const Kind& kind, const ListOptions& options, const ListData& data,
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
  return {{"token_accuracy", test.tokens},
          {"string_accuracy", test.strings},
          {"longer_token_accuracy", far.tokens},
          {"longer_string_accuracy", far.strings}};
}

/// Any number of those that there are.
Baseline baseline(const ListOptions& options) {
  const auto range = static_cast<double>(options.range);
  return {
      .metric = "token_accuracy", .guess = "a uniform guess", .value = 1 / range, .perfect = 1, .train_loss = std::log(range)};
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

/// Lists, what the model made of them, and where it looked.
void add_views(Views& views, const ListModel& model, ListTask task, const std::vector<List>& lists, const List& longer) {
  view::Table table{.head = {"given", "made", "right"}, .rows = {}};
  const std::span<const List> some = std::span(lists).first(std::min<std::size_t>(8, lists.size()));
  const std::vector<List> made = make_lists(model, some);
  for (std::size_t n = 0; n < some.size(); ++n) {
    const List right = solution(task, some[n]);
    table.rows.push_back({words(some[n]), words(made[n]), made[n] == right ? "yes" : "no: " + words(right)});
  }
  views.add("Lists, and what it made of them",
            "None of these lists was learned. Where one is wrong, look whether a number is wrong "
            "or two have changed places.",
            std::move(table));
  for (const auto& [list, title] :
       {std::pair(&lists.front(), "Where it looked"), {&longer, "Where it looked in a longer list"}}) {
    const Attending attending = attend_to(model, *list);
    if (attending.weights.empty()) continue;
    view::HeatMap map{.x_name = "given", .y_name = "made", .width = list->size(), .values = {}};
    for (const Index number : *list) map.columns.push_back(std::to_string(number));
    for (const Index number : attending.made) map.rows.push_back(std::to_string(number));
    for (const std::vector<float>& row : attending.weights) map.values.insert(map.values.end(), row.begin(), row.end());
    views.add(title,
              "A row is a number that was made, a bright field the number of the list that it was made from, or the one after "
              "it, where the net has read both: attention. Copying draws a diagonal, reversing the other one; sorting finds each "
              "number wherever it stands.",
              std::move(map));
  }
}

/// One list that was not learned.
Sample<float> sample_of(const ListModel& model, ListTask task, const ListOptions& options, const List& list,
                        const std::string& cell) {
  const List right = solution(task, list);
  const auto used = net_for<float>(cell, model, [&](Registry<float>& registry) {
    Random random(1);
    return ListModel(Scope<float>(registry, random), with_cell(options, cell));
  });
  Sample<float> sample{.loss =
                           [=] {
                             const Var<float> logits = last((*used)(list, 1, right).logits);
                             return cross_entropy(logits, std::span(&right.back(), 1));
                           },
                       .input = {}};
  for (const Index number : list) sample.input.push_back(std::to_string(number));
  for (const Index number : right) sample.made.push_back(std::to_string(number));
  return sample;
}

int train(const Kind& kind, const ListOptions& given) {
  const ListOptions options = completed(given);
  const ListTask task = task_of(kind, options);
  const ListData data(random_of(options, "lists"), options.length, options.range);
  const List longer = longer_lists(options).front();  // throws before the training, not after it

  Registry<float> registry;
  Random random = random_of(options, "parameters");
  const ListModel model(Scope<float>(registry, random), options);
  const auto optimizer = make_optimizer(options.optimizer, registry, options.rate);
  const bool source = options.preset == "source";
  if (source && options.cell == "lstm")
    for (const Parameter<float>& p : registry)  // two biases of the source's LSTMs move their sum twice as far as one
      if (p.path.ends_with("/b") && !p.path.starts_with("readout/")) optimizer->group(p.path, {.rate = 2 * options.rate});

  // The source adds the losses of the lists up, and learns the same lists in every epoch.
  const auto loss = [&](const Batch& batch, const Shard& shard) {
    std::vector<List> lists;
    for (const Index n : shard.of(batch.examples)) lists.push_back(data.training(source ? n : batch.epoch * options.lists + n));
    const DropoutKey key{.seed = batch.key, .first_example = shard.first(static_cast<Index>(batch.examples.size()))};
    return loss_of(model, task, options, lists, source ? 1 : static_cast<double>(batch.examples.size()), key);
  };
  const auto validation_loss = [&] {
    Tape<float> tape;
    const NoGrad<float> no_gradient;
    const auto lists = static_cast<double>(data.validation().size());
    return static_cast<double>(loss_of(model, task, options, data.validation(), lists).item());
  };
  return train_model<float>(
      options,
      {.about = fmt::format("lists of {} of the numbers 0 to {}", options.length, options.range - 1),
       .parts = {.unit = "lists in each epoch",
                 .train = options.lists,
                 .validation = std::ssize(data.validation()),
                 .test = std::ssize(data.test()),
                 .overfits = source},
       .optimizer = *optimizer,
       .data = {.examples = options.lists, .batch = options.batch},
       .loss = loss,
       .loss_scale = source ? static_cast<double>(options.batch) : 1,
       .shards = options.shards(),
       .validation = {.name = "validation_loss", .measure = validation_loss},
       .after_epoch = [&](const EpochReport&) -> std::vector<Metric> {
         return {{"validation_token_accuracy", accuracy_on(model, task, data.validation()).tokens}};
       },
       .views = [&](Views& views) { add_views(views, model, task, views.done ? data.test() : data.validation(), longer); },
       .sample = [&](const std::string& cell) { return sample_of(model, task, options, data.validation().front(), cell); },
       .result = [&](const TrainOutcome& trained) { return report(model, kind, options, data, trained.folder); },
       .baseline = baseline(options)});
}

/// A model that was saved.
struct Loaded {
  Kind kind;
  ListOptions options;
  Registry<float> registry;
  Random random{1};
  ListModel model;

  Loaded(const Safetensors& checkpoint, const std::string& file)
      : kind(kind_of(checkpoint)),
        options(completed(arguments(kind).read(checkpoint, file))),
        model(Scope<float>(registry, random), options) {
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
    return print_result(loaded.kind.name, report(loaded.model, loaded.kind, loaded.options, data, ""), baseline(loaded.options));
  }
  const std::vector<List> lists = read_lists(*options.input, loaded.options.range);
  const ListAccuracy found = accuracy_on(loaded.model, task_of(loaded.kind, loaded.options), lists);
  return print_result(
      loaded.kind.name,
      {{"token_accuracy", found.tokens}, {"string_accuracy", found.strings}, {"lists", static_cast<double>(lists.size())}});
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

/// Makes something of each line of the input that holds numbers.
int predict(const PredictOptions& options) {
  const Loaded loaded(options.checkpoint, options.file);
  Answers answers(options, {"line", "given", "made"});
  InputLines lines(options.input, "must have a list a line");
  while (lines.next()) {
    const List list = parse_list(lines.line(), loaded.options.range, lines.where());
    if (!list.empty() && !answers.add({lines.number(), list, make_lists(loaded.model, std::span(&list, 1)).front()})) break;
  }
  answers.refuse_none(lines);
  return answers.finish();
}

Task make_task(const Kind& kind, std::string about, std::string example) {
  return {.name = kind.name,
          .about = std::move(about),
          .example = std::move(example),
          .train = [kind](CLI::App& app) { return arguments(kind).declare(app, std::bind_front(train, kind)); },
          .eval = eval,
          .sample = sample,
          .predict = predict,
          .eval_takes = {"--input"},
          .sample_takes = {"--length", "--prime", "--seed"},
          .predict_takes = {"--input"},
          .predict_about =
              "a list of whole numbers a line, apart by blanks or commas; the answer is the list that is made of "
              "it. Columns: line, given, made"};
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
