#pragma once
/// The options of a task's training, declared once for all that is done with them.

#include <concepts>
#include <functional>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include <carousel/lib/files/safetensors.hpp>
#include <carousel/tasks/training/command_line.hpp>

namespace carousel {

/// Values of all options by one name.
template <class Options>
struct Preset {
  std::string name;
  std::string about;  ///< one line
  Options options;
};

namespace detail {

/// "help (0.1; source: 0.2)": what each preset says, where they differ; the first is the default.
std::string help_with_defaults(const std::string& help, const std::vector<std::pair<std::string, std::string>>& defaults);

/// Rule of --optimizer: the optimisers that there are.
Rule one_of_the_optimizers();
/// The metadata of the training in `folder`, by its last.safetensors. Throws std::runtime_error if there is none or another task
/// saved it.
Metadata training_to_resume(const std::string& folder, const std::string& task);
/// The path as metadata hold it: absolute; empty if it is empty or can not be in metadata.
std::string saved_path(const std::string& path);
/// An option as a command line has it: " --rate 0.1"; of one without a value " --pixels" or " --pixels=no".
std::string command_words(const std::string& name, const std::string& value, const std::string& text);
/// Throws std::invalid_argument unless an option that was given says what the training to resume began with.
void check_unchanged(const std::string& name, const std::string& given, const std::string& saved, const std::string& out);
/// Throws std::invalid_argument unless --out names the folder of --resume.
void check_out(const std::string& out, const std::string& resume);
/// Throws std::invalid_argument: "--bidirectional: not here, WHY: must be left out".
[[noreturn]] void refuse_option(const std::string& name, const std::string& why);
/// The value of an option in the metadata of a checkpoint; throws std::runtime_error if it has none.
const std::string& saved_value(const Metadata& metadata, const std::string& key, const std::string& file);
/// Says which options a training to resume does not name, and of which preset they are.
void say_missing(const std::string& file, const std::vector<std::string>& names, const std::string& preset);
/// Throws std::runtime_error for a value that can not be.
[[noreturn]] void bad_saved_value(const std::string& file, const std::string& error);

}  // namespace detail

/// What --dropout is where the last layer has it too.
inline constexpr const char* dropped_each = "part of each layer's outputs that is dropped in training";

/// What help says of the options of a net.
struct NetHelp {
  const char* hidden = "units of each layer";
  const char* layers = "layers";
  const char* bidirectional = nullptr;  ///< for tasks that have all of a sequence before they answer; the others say in
  const char* one_way = nullptr;        ///< `one_way` why they refuse the option
  const char* dropout = "part of a layer's outputs that the next one does not see in training";
};

/// What --patience is where nothing validates.
inline constexpr const char* patience_on_loss = "ends after so many epochs whose loss is not better than the best; 0: never";

/// What help says of the options of a training.
struct TrainingHelp {
  const char* batch = "examples per update";
  const char* clip = "bound of the gradient's norm; 0: none";
  const char* patience = "ends after so many epochs whose validation is not better than the best; 0: never";
};

/// The options of a task's training, declared once: for its command line, for what its checkpoints say, and to read that again.
///
///     Arguments<ListOptions> arguments() {
///       Arguments<ListOptions> all("sort", presets());
///       all.add_net({.bidirectional = "the encoder reads lists from both ends"}).add_training().add_threads();
///       all.add("--length", "N", &ListOptions::length, "numbers of a list", size_rule());
///       return all;
///     }
///     … .train = [](CLI::App& app) { return arguments().declare(app, train); }      // int train(const ListOptions& options)
///     … const ListOptions options = arguments().read(checkpoint, file);
///
/// With --resume, what is not given is as it was when the training began, and what is given must be so, but for options whose
/// rule lets them change: as far as the checkpoint's metadata have them.
template <class Options>
class Arguments {
 public:
  /// Adds the options that every training has:
  ///     --preset --cell --epochs --seed --out --resume --tensorboard --quiet
  /// The preset "default" must be among the presets.
  Arguments(std::string task, std::vector<Preset<Options>> presets) : task_(std::move(task)), presets_(std::move(presets)) {
    std::string about = "values of all other options:";
    Rule names;
    for (const Preset<Options>& preset : presets_) {
      names.one_of.push_back(preset.name);
      about += (names.one_of.size() > 1 ? "; " : " ") + preset.name + ", " + preset.about;
    }
    add("--preset", "NAME", &Options::preset, about, names);
    add("--cell", "CELL", &Options::cell, "recurrent cell, one of those of `carousel list`", detail::one_of_the_cells());
    add("--epochs", "N", &Options::epochs, "passes over the data", {.at_least = 1, .at_most = 1e9, .may_change = true});
    add("--seed", "N", &Options::seed, "of all random numbers", {.at_least = 0});
    add("--out", "DIR", &Options::out, "folder of the run, for all that is saved; none: runs/" + task_ + "-DATE-TIME",
        {.saved = false});
    add("--resume", "RUN", &Options::resume, "goes on with the training in that folder, with its options", {.saved = false});
    add_flag("--tensorboard", &Options::tensorboard, "event files for TensorBoard, too, in the folder of the run",
             {.saved = false});
    add_flag("--quiet", &Options::quiet, "no progress on standard error", {.saved = false});
  }

  /// --hidden --layers --bidirectional --dropout.
  Arguments& add_net(const NetHelp& help) {
    add("--hidden", "N", &Options::hidden, help.hidden, size_rule());
    add("--layers", "N", &Options::layers, help.layers, layers_rule());
    if (help.bidirectional)
      add_flag("--bidirectional", &Options::bidirectional, help.bidirectional);
    else
      add_refused("--bidirectional", help.one_way);
    return add("--dropout", "P", &Options::dropout, help.dropout, {.at_least = 0, .below = 1});
  }

  /// --batch --optimizer --rate --schedule --warm-up --final-rate --clip --patience --trace-nonfinite --profile --graph
  /// --backward.
  Arguments& add_training(const TrainingHelp& help = {}) {
    add("--batch", "N", &Options::batch, help.batch, size_rule());
    add("--optimizer", "NAME", &Options::optimizer, "how parameters follow gradients: " + list_words(optimizers().one_of),
        optimizers());
    add("--rate", "R", &Options::rate, "learning rate", {.above = 0});
    add("--schedule", "NAME", &Options::schedule,
        "how the rate goes on: constant; cosine, down to --final-rate; exponential, by 0.97 after each epoch from the tenth on",
        {.one_of = schedule_names()});
    add("--warm-up", "N", &Options::warm_up, "steps in which it rises at the beginning", {.at_least = 0, .at_most = 1e9});
    add("--final-rate", "F", &Options::final_rate, "the part of it that a cosine ends with", {.at_least = 0, .at_most = 1});
    add("--clip", "C", &Options::clip, help.clip, {.at_least = 0});
    add("--patience", "N", &Options::patience, help.patience, {.at_least = 0, .at_most = 1e9, .may_change = true});
    add_flag("--trace-nonfinite", &Options::trace_nonfinite,
             "says of a loss or gradient that is not finite where it began: op, parameter, layer, step, what it was made of",
             {.saved = false});
    add_flag("--profile", &Options::profile, "says at the end what time and memory each op and layer took", {.saved = false});
    add("--graph", "FILE", &Options::graph,
        "draws the model instead: .dot or .gv, DOT text; .svg or .png, a picture, by Graphviz; -: DOT text on standard output",
        {.saved = false});
    return add_flag("--backward", &Options::backward, "with --graph: what the model does with gradients", {.saved = false});
  }

  /// --threads.
  Arguments& add_threads(const char* help = "processor cores to use: 2 compute a half of each batch, more gain nothing") {
    return add("--threads", "N", &Options::threads, help, {.at_least = 1, .at_most = 1024, .saved = false});
  }
  /// --data, for a task that reads data sets.
  Arguments& add_data() { return add("--data", "DIR", &Options::data, detail::data_help, {.is_path = true}); }

  /// An option with a value; its default is that of the preset.
  template <class V, class Base>
  requires std::derived_from<Options, Base> Arguments& add(const std::string& name, const std::string& value, V Base::*member,
                                                           const std::string& help, const Rule& rule = {}) {
    Option option{.name = name, .value = value, .help = help, .rule = rule};
    option.read = [=](const std::string& where, const std::string& text, Options& options) {
      detail::read_value(where, text, rule, options.*member);
    };
    option.text = [=](const Options& options) { return detail::text_of(options.*member); };
    options_.push_back(std::move(option));
    return *this;
  }
  /// An option without a value: present or not, or --name=no.
  template <class Base>
  requires std::derived_from<Options, Base> Arguments& add_flag(const std::string& name, bool Base::*member,
                                                                const std::string& help, const Rule& rule = {}) {
    return add(name, "", member, help, rule);
  }
  /// A flag that other tasks have, but for which there is no use here: `why` is what help and the error say.
  Arguments& add_refused(const std::string& name, const std::string& why) {
    Option option{.name = name, .value = "", .help = "not here: " + why, .rule = {.saved = false}};
    option.read = [=](const std::string& where, const std::string& text, Options&) {
      bool given = false;
      detail::read_value(where, text, {}, given);
      if (given) detail::refuse_option(where, why);
    };
    option.text = [](const Options&) { return "no"; };
    options_.push_back(std::move(option));
    return *this;
  }

  /// Declares them on a command line; the command that is returned trains with what was given, over what the training to resume
  /// began with, over what the preset says.
  std::function<int()> declare(CLI::App& app, std::function<int(const Options&)> train) const {
    const auto given = std::make_shared<Metadata>();
    for (const Option& option : options_) {
      std::vector<std::pair<std::string, std::string>> defaults;
      for (const Preset<Options>& preset : presets_) defaults.emplace_back(preset.name, option.text(preset.options));
      const bool of_presets = option.name == "--preset";
      detail::declare_option(app, option.name, option.value,
                             of_presets ? option.help : detail::help_with_defaults(option.help, defaults),
                             [given, option](const std::string& text) {
                               Options unused;
                               option.read(option.name, text, unused);
                               (*given)[option.name] = text;
                             });
    }
    return [*this, given, train = std::move(train)] { return train(options(*given)); };
  }

  /// The options that a checkpoint was trained with. Throws std::runtime_error, with the file's name, for one that is not there
  /// or can not be.
  Options read(const Safetensors& checkpoint, const std::string& file) const {
    Options options;
    for (const Option& option : options_) {
      const std::string key = detail::metadata_key(option.name);
      if (!option.rule.saved || option.rule.is_path) continue;
      read_saved(option, key, detail::saved_value(checkpoint.metadata, key, file), file, options);
      if (option.name == "--preset") options = preset(options.preset);
    }
    return options;
  }

 private:
  struct Option {
    std::string name, value, help;
    Rule rule;
    std::function<void(const std::string& where, const std::string& text, Options&)> read = {};
    std::function<std::string(const Options&)> text = {};
  };

  static const Rule& optimizers() {
    static const Rule rule = detail::one_of_the_optimizers();
    return rule;
  }

  /// A value as a file has it, which may be damaged.
  static void read_saved(const Option& option, const std::string& key, const std::string& value, const std::string& file,
                         Options& options) {
    try {
      option.read(key, value, options);
    } catch (const std::invalid_argument& error) {
      detail::bad_saved_value(file, error.what());
    }
  }

  Options preset(const std::string& name) const {
    for (const Preset<Options>& one : presets_)
      if (one.name == name) {
        Options options = one.options;
        options.preset = name;
        return options;
      }
    return {};
  }

  /// What a shell must be given for these options, but where they are saved and on how many threads.
  std::string command(const Options& options) const {
    const Options usual = preset(options.preset);
    std::string line = "carousel train " + task_;
    for (const Option& option : options_) {
      const std::string text = option.text(options);
      if ((option.rule.saved && text != option.text(usual)) || (option.name == "--preset" && text != "default"))
        line += detail::command_words(option.name, option.value, option.rule.is_path ? detail::saved_path(text) : text);
    }
    return line;
  }

  /// From what was given, by name.
  Options options(const Metadata& given) const {
    const auto resume = given.find("--resume");
    const bool resumes = resume != given.end();
    Metadata saved;
    if (resumes) saved = detail::training_to_resume(resume->second, task_);
    const std::string file = resumes ? detail::last_file(resume->second) : "";
    const auto found = [](const Option& option, const std::string& value) {
      return option.rule.shelf.empty() ? value : detail::find_on_shelf(value, option.rule.shelf);
    };
    std::vector<std::string> missing;
    Options options = preset("default");
    for (const Option& option : options_) {
      if (const auto now = given.find(option.name); now != given.end())
        option.read(option.name, found(option, now->second), options);
      else if (const auto before = saved.find(detail::metadata_key(option.name)); before != saved.end())
        read_saved(option, before->first, found(option, before->second), file, options);
      else if (resumes && option.rule.saved && !option.rule.is_path)
        missing.push_back(option.name);
      if (option.name == "--preset") options = preset(options.preset);
    }
    if (!options.resume.empty()) {
      if (given.contains("--out")) detail::check_out(options.out, options.resume);
      options.out = options.resume;
    }
    for (const Option& option : options_) {
      if (!option.rule.saved) continue;
      const std::string key = detail::metadata_key(option.name), text = option.text(options);
      if (option.rule.is_path) {
        if (const std::string path = detail::saved_path(text); !path.empty()) options.metadata[key] = path;
        continue;
      }
      options.metadata[key] = text;
      if (const auto before = saved.find(key); before != saved.end() && !option.rule.may_change)
        detail::check_unchanged(option.name, text, before->second, options.out);
    }
    if (!missing.empty()) detail::say_missing(file, missing, options.preset);
    options.metadata["task"] = task_;
    options.command = command(options);
    options.resumed = std::move(saved);
    return options;
  }

  std::string task_;
  std::vector<Preset<Options>> presets_;
  std::vector<Option> options_;  // --preset is the first
};

}  // namespace carousel
