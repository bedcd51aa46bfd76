#include <carousel/tasks/training/arguments.hpp>

#include <filesystem>

#include <carousel/lib/error.hpp>
#include <carousel/lib/utf8.hpp>
#include <carousel/tasks/base/progress.hpp>
#include <carousel/tasks/base/text.hpp>
#include <carousel/tasks/nets/optimizers.hpp>

namespace carousel::detail {

namespace {

/// The metadata of the training in `folder`, by its last.safetensors. Throws std::runtime_error if there is none or another task
/// saved it.
Metadata training_to_resume(const std::string& folder, const std::string& task) {
  const std::string file = last_file(folder);
  if (!std::filesystem::is_directory(folder)) bad_file("--resume ", folder, ": must be the folder of a training");
  if (!std::filesystem::exists(file))
    bad_file("--resume ", folder, ": holds no last.safetensors: must be the folder of a training");
  Metadata saved = read_safetensors(file).metadata;
  const auto found = saved.find("task");
  const std::string there = found == saved.end() ? "none" : found->second;
  if (there != task) bad_file(file, ": saved with task ", there, ", this is ", task, ": must be the same to go on");
  return saved;
}

/// An option as a command line has it: " --rate 0.1"; of one without a value " --pixels" or " --pixels=no".
std::string command_words(const std::string& name, const std::string& value, const std::string& text) {
  if (value.empty()) return " " + name + (text == "yes" ? "" : "=" + text);
  return " " + name + " " + shell_word(text);
}

/// Throws std::invalid_argument unless an option that was given says what the training to resume began with.
void check_unchanged(const std::string& name, const std::string& given, const std::string& saved, const std::string& out) {
  if (given != saved)
    wrong_argument(name, " ", given, ": the training in ", out, " has ", saved, ": must be the same to go on, or left out");
}

/// Throws std::invalid_argument unless --out names the folder of --resume.
void check_out(const std::string& out, const std::string& resume) {
  std::error_code not_there;
  if (out != resume && !std::filesystem::equivalent(out, resume, not_there))
    wrong_argument("--out ", out, ": --resume ", resume, " goes on there: must be the same, or left out");
}

/// Where an option lies that every task has.
template <class V>
ArgumentList::FieldOf in(V TrainOptions::*member) {
  return [member](TrainOptions& options) -> ArgumentList::Field { return &(options.*member); };
}

}  // namespace

std::string help_with_defaults(const std::string& help, const std::vector<std::pair<std::string, std::string>>& defaults) {
  if (defaults.empty()) return help;
  const std::string& usual = defaults.front().second;
  std::string out;
  for (const auto& [preset, value] : defaults) {
    if (value == usual && preset != defaults.front().first) continue;
    if (value.empty() || (value == "no" && usual == "no")) continue;
    out += (out.empty() ? "" : "; ") + (preset == defaults.front().first ? value : preset + ": " + value);
  }
  return out.empty() ? help : help + " (" + out + ")";
}

const std::string& saved_value(const Metadata& metadata, const std::string& key, const std::string& file) {
  const auto found = metadata.find(key);
  if (found == metadata.end()) bad_file(file, ": its metadata have no ", key, ": must be saved by carousel train");
  return found->second;
}

void bad_saved_value(const std::string& file, const std::string& error) {
  bad_file(file, ": in its metadata, ", error);
}

std::string saved_path(const std::string& path) {
  if (path.empty()) return "";
  const std::string whole = std::filesystem::absolute(path).lexically_normal().string();
  return is_utf8(whole) ? whole : "";
}

using Options = std::shared_ptr<TrainOptions>;

ArgumentList::ArgumentList(std::string task, Presets presets, Options (*copy)(const TrainOptions&))
    : task_(std::move(task)), presets_(std::move(presets)), copy_(copy) {
  std::string about = "values of all other options:";
  Rule names;
  for (const Preset<Options>& preset : presets_) {
    names.one_of.push_back(preset.name);
    about += (names.one_of.size() > 1 ? "; " : " ") + preset.name + ", " + preset.about;
  }
  const Rule once{.saved = false};
  add("--preset", "NAME", in(&TrainOptions::preset), about, names);
  add("--cell", "CELL", in(&TrainOptions::cell), "recurrent cell; `carousel list` names them", one_of_the_cells());
  add("--epochs", "N", in(&TrainOptions::epochs), "passes over the data", {.at_least = 1, .at_most = 1e9, .may_change = true});
  add("--seed", "N", in(&TrainOptions::seed), "seed of all random numbers", {.at_least = 0});
  add("--out", "DIR", in(&TrainOptions::out),
      "folder of the run, where everything is saved; default: runs/" + task_ + "-DATE-TIME", once);
  add("--resume", "RUN", in(&TrainOptions::resume), "continue the training in that folder, with its options", once);
  add("--tensorboard", "", in(&TrainOptions::tensorboard), "also write event files for TensorBoard into the run's folder", once);
  add("--quiet", "", in(&TrainOptions::quiet), "no progress on standard error", once);
}

void ArgumentList::add(const std::string& name, const std::string& value, FieldOf field, const std::string& help,
                       const Rule& rule) {
  options_.push_back({.name = name, .value = value, .help = help, .rule = rule, .field = std::move(field), .why = {}});
}

void ArgumentList::add_refused(const std::string& name, const std::string& why) {
  options_.push_back({.name = name, .value = "", .help = "not here: " + why, .rule = {.saved = false}, .field = {}, .why = why});
}

void ArgumentList::add_net(const NetHelp& help) {
  add("--hidden", "N", in(&TrainOptions::hidden), help.hidden, size_rule());
  add("--layers", "N", in(&TrainOptions::layers), help.layers, layers_rule());
  if (help.bidirectional)
    add("--bidirectional", "", in(&TrainOptions::bidirectional), help.bidirectional, {});
  else
    add_refused("--bidirectional", help.one_way);
  add("--dropout", "P", in(&TrainOptions::dropout), help.dropout, {.at_least = 0, .below = 1});
}

void ArgumentList::add_training(const TrainingHelp& help) {
  const Rule once{.saved = false}, optimizers{.one_of = optimizer_names()};
  add("--batch", "N", in(&TrainOptions::batch), help.batch, size_rule());
  add("--optimizer", "NAME", in(&TrainOptions::optimizer),
      "rule that turns gradients into steps: " + list_words(optimizers.one_of), optimizers);
  add("--rate", "R", in(&TrainOptions::rate), "learning rate", {.above = 0});
  add("--schedule", "NAME", in(&TrainOptions::schedule),
      "how the learning rate changes: constant; cosine, down to --final-rate; exponential, by 0.97 after each epoch from the "
      "tenth on",
      {.one_of = schedule_names()});
  add("--warm-up", "N", in(&TrainOptions::warm_up), "first N steps, in which the learning rate rises from 0",
      {.at_least = 0, .at_most = 1e9});
  add("--final-rate", "F", in(&TrainOptions::final_rate), "share of --rate that a cosine ends with",
      {.at_least = 0, .at_most = 1});
  add("--clip", "C", in(&TrainOptions::clip), help.clip, {.at_least = 0});
  add("--patience", "N", in(&TrainOptions::patience), help.patience, {.at_least = 0, .at_most = 1e9, .may_change = true});
  add("--trace-nonfinite", "", in(&TrainOptions::trace_nonfinite),
      "report the first operation, parameter, layer and step that produced a NaN or infinity", once);
  add("--profile", "", in(&TrainOptions::profile), "says at the end what time and memory each op and layer took", once);
  add("--graph", "FILE", in(&TrainOptions::graph),
      "draws the model instead: .dot or .gv, DOT text; .svg or .png, a picture, by Graphviz; -: DOT text on standard output",
      once);
  add("--backward", "", in(&TrainOptions::backward), "with --graph: what the model does with gradients", once);
}

void ArgumentList::Option::read(const std::string& where, const std::string& words, TrainOptions& options) const {
  if (field) {
    std::visit([&](auto* to) { read_value(where, words, rule, *to); }, field(options));
    return;
  }
  bool given = false;
  read_value(where, words, {}, given);
  if (given) wrong_argument(where, ": not here, ", why, ": must be left out");
}

/// A value as a file has it, which may be damaged.
void ArgumentList::Option::read_saved(const std::string& key, const std::string& words, const std::string& file,
                                      TrainOptions& options) const {
  try {
    read(key, words, options);
  } catch (const std::invalid_argument& error) {
    bad_saved_value(file, error.what());
  }
}

std::string ArgumentList::Option::text(TrainOptions& options) const {
  if (!field) return "no";
  return std::visit([](const auto* from) { return text_of(*from); }, field(options));
}

std::function<int()> ArgumentList::declare(CLI::App& app, std::function<int(const TrainOptions&)> train) const {
  const auto given = std::make_shared<Metadata>();
  for (const Option& option : options_) {
    std::vector<std::pair<std::string, std::string>> defaults;
    for (const Preset<Options>& preset : presets_) defaults.emplace_back(preset.name, option.text(*preset.options));
    const bool of_presets = option.name == "--preset";
    declare_option(app, option.name, option.value, of_presets ? option.help : help_with_defaults(option.help, defaults),
                   [given, option, unused = preset("default")](const std::string& text) {
                     option.read(option.name, text, *unused);
                     (*given)[option.name] = text;
                   });
  }
  return [*this, given, train = std::move(train)] { return train(*options(*given)); };
}

Options ArgumentList::read(const Safetensors& checkpoint, const std::string& file) const {
  Options options = preset("default");
  for (const Option& option : options_) {
    const std::string key = metadata_key(option.name);
    if (!option.rule.saved || option.rule.is_path) continue;
    const bool older = option.rule.before && !checkpoint.metadata.contains(key);
    option.read_saved(key, older ? *option.rule.before : saved_value(checkpoint.metadata, key, file), file, *options);
    if (option.name == "--preset") options = preset(options->preset);
  }
  return options;
}

Options ArgumentList::preset(const std::string& name) const {
  for (const Preset<Options>& one : presets_)
    if (one.name == name) {
      Options options = copy_(*one.options);
      options->preset = name;
      return options;
    }
  wrong_argument("--preset ", name, ": must be one of those of ", task_);
}

/// What a shell must be given for these options, but where they are saved and on how many threads.
std::string ArgumentList::command(TrainOptions& options) const {
  const Options usual = preset(options.preset);
  std::string line = "carousel train " + task_;
  for (const Option& option : options_) {
    const std::string text = option.text(options);
    if ((option.rule.saved && text != option.text(*usual)) || (option.name == "--preset" && text != "default"))
      line += command_words(option.name, option.value, option.rule.is_path ? saved_path(text) : text);
  }
  return line;
}

/// From what was given, by name.
Options ArgumentList::options(const Metadata& given) const {
  const auto resume = given.find("--resume");
  const bool resumes = resume != given.end();
  Metadata saved;
  if (resumes) saved = training_to_resume(resume->second, task_);
  const std::string file = resumes ? last_file(resume->second) : "";
  const auto found = [](const Option& option, const std::string& value) {
    return option.rule.shelf.empty() ? value : find_on_shelf(value, option.rule.shelf);
  };
  std::vector<std::string> missing;
  Options options = preset("default");
  for (const Option& option : options_) {
    if (const auto now = given.find(option.name); now != given.end())
      option.read(option.name, found(option, now->second), *options);
    else if (const auto before = saved.find(metadata_key(option.name)); before != saved.end())
      option.read_saved(before->first, found(option, before->second), file, *options);
    else if (resumes && option.rule.before)
      option.read(option.name, *option.rule.before, *options);
    else if (resumes && option.rule.saved && !option.rule.is_path)
      missing.push_back(option.name);
    if (option.name == "--preset") options = preset(options->preset);
  }
  if (!options->resume.empty()) {
    if (given.contains("--out")) check_out(options->out, options->resume);
    options->out = options->resume;
  }
  for (const Option& option : options_) {
    if (!option.rule.saved) continue;
    const std::string key = metadata_key(option.name), text = option.text(*options);
    if (option.rule.is_path) {
      if (const std::string path = saved_path(text); !path.empty()) options->metadata[key] = path;
      continue;
    }
    options->metadata[key] = text;
    if (const auto before = saved.find(key); before != saved.end() && !option.rule.may_change)
      check_unchanged(option.name, text, before->second, options->out);
  }
  if (!missing.empty())
    note(file + " does not say with what " + list_words(missing) + " it began: now as in the preset " + options->preset);
  options->metadata["task"] = task_;
  options->command = command(*options);
  for (const auto& one : given) options->given.push_back(one.first);
  options->resumed = std::move(saved);
  return options;
}

}  // namespace carousel::detail
