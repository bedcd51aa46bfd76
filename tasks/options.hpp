#pragma once
/// Options of commands: presets of them, values given over those of the preset, and errors that say what would be right.

#include <concepts>
#include <cstdint>
#include <functional>
#include <limits>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <carousel/lib/tensor.hpp>

namespace CLI {
class App;
}

namespace carousel {

/// What a checkpoint says of its training: the task, and its options under their metadata_key().
using Metadata = std::map<std::string, std::string, std::less<>>;

/// What most trainings are told; a task with more options derives from it.
struct TrainOptions {
  std::string preset = "default";
  std::string cell = "lstm";  ///< one of those of `carousel list`
  Index epochs = 1;
  Index seed = 1;
  Index threads = 1;
  Index hidden = 0;  ///< units of each layer
  Index layers = 1;
  Index batch = 1;  ///< examples per update
  Index steps = 0;  ///< of time per update
  double rate = 0;  ///< learning rate
  double dropout = 0;
  double clip = 0;  ///< of gradients; 0: none
  std::string optimizer = "adam";
  std::string input = {};  ///< file to train on
  std::string data = {};   ///< folder of data sets
  std::string out = {};    ///< folder for what is saved; empty: nothing is saved
  bool resume = false;
  bool quiet = false;
  Metadata resumed = {};  ///< with --resume: of the training that goes on
};

/// Values of all options by one name.
template <class Options>
struct Preset {
  std::string name;
  std::string about;  ///< one line
  Options options;
};

/// What a value must be; nothing said: any value of its type.
struct Rule {
  double at_least = -std::numeric_limits<double>::infinity();
  double above = -std::numeric_limits<double>::infinity();
  double below = std::numeric_limits<double>::infinity();
  double at_most = std::numeric_limits<double>::infinity();
  std::vector<std::string> one_of = {};  ///< words to choose from
  bool may_change = false;               ///< with --resume, from what the training began with
};

/// Rules of what makes models and batches large: products of such numbers fit their type.
inline Rule size_rule() {
  return {.at_least = 1, .at_most = 1 << 20};
}
inline Rule layers_rule() {
  return {.at_least = 1, .at_most = 1000};
}

namespace detail {

/// Reads a value as it stands on the command line; throws std::invalid_argument, "--epochs x: must be a whole number, 1 or more".
void read_value(const std::string& option, const std::string& text, const Rule& rule, Index& value);
void read_value(const std::string& option, const std::string& text, const Rule& rule, double& value);
void read_value(const std::string& option, const std::string& text, const Rule& rule, std::string& value);

std::string text_of(Index value);
std::string text_of(double value);
std::string text_of(const std::string& value);

/// "help (0.1; source: 0.2)": what each preset says, where they differ.
std::string help_with_defaults(const std::string& help, const std::vector<std::pair<std::string, std::string>>& defaults);

void declare_option(CLI::App& app, const std::string& name, const std::string& value, const std::string& help,
                    std::function<void(const std::string&)> read);
void declare_flag(CLI::App& app, const std::string& name, const std::string& help, std::function<void()> set);

/// Rule of --cell: the cells that there are.
Rule one_of_the_cells();
/// The metadata of the training that --resume goes on with: of last.safetensors in `out`. Throws std::invalid_argument if `out`
/// is empty, std::runtime_error if there is none or it was saved by another task than the command of that name.
Metadata training_to_resume(const std::string& out, const CLI::App& command);
/// That last.safetensors.
std::string last_file(const std::string& out);
/// Under what name metadata hold an option: "rate" for "--rate".
std::string metadata_key(const std::string& option);
/// Throws std::invalid_argument unless an option that was given says what the training to resume began with.
void check_unchanged(const std::string& name, const std::string& given, const std::string& saved, const std::string& out);

/// $CAROUSEL_DATA, or nothing.
std::string data_folder();

}  // namespace detail

/// The words joined: "a, b, c".
std::string list_words(const std::vector<std::string>& words);

/// Declares the options of a training on its command line and collects what is given. Copies share what they collect.
///
/// With --resume, what is not given is as it was when the training began, and what is given must be so, but for options whose
/// rule lets them change: as far as the checkpoint's metadata have them.
template <class Options>
class Arguments {
 public:
  /// Adds the options that every training has:
  ///     --preset --cell --epochs --seed --out --resume --quiet
  /// The preset "default" must be among the presets. The command's name is that of the task.
  Arguments(CLI::App& app, std::vector<Preset<Options>> presets) : app_(&app), state_(std::make_shared<State>()) {
    std::string about = "values of all other options:";
    Rule names;
    for (const Preset<Options>& preset : presets) {
      names.one_of.push_back(preset.name);
      about += (names.one_of.size() > 1 ? "; " : " ") + preset.name + ", " + preset.about;
    }
    add("--preset", "NAME", &Options::preset, about, names);
    state_->presets = std::move(presets);  // from here on, help shows what they say
    add("--cell", "CELL", &Options::cell, "recurrent cell, one of those of `carousel list`", detail::one_of_the_cells());
    add("--epochs", "N", &Options::epochs, "passes over the data", {.at_least = 1, .at_most = 1e9, .may_change = true});
    add("--seed", "N", &Options::seed, "of all random numbers", {.at_least = 0});
    add("--out", "DIR", &Options::out, "folder to save the model in");
    add_flag("--resume", &Options::resume, "go on with what a stopped training left in --out, with its options");
    add_flag("--quiet", &Options::quiet, "no progress on standard error");
  }

  /// --threads, for a task that computes parts of a batch side by side.
  Arguments& add_threads() {
    return add("--threads", "N", &Options::threads, "processor cores to use", {.at_least = 1, .at_most = 1024});
  }
  /// --data, for a task that reads data sets.
  Arguments& add_data() { return add("--data", "DIR", &Options::data, "folder of data sets ($CAROUSEL_DATA)"); }

  /// An option with a value; its default is that of the preset.
  template <class V, class Base>
  requires std::derived_from<Options, Base> Arguments& add(const std::string& name, const std::string& value, V Base::*member,
                                                           const std::string& help, const Rule& rule = {}) {
    std::vector<std::pair<std::string, std::string>> defaults;
    for (const Preset<Options>& preset : state_->presets)
      defaults.emplace_back(preset.name, detail::text_of(preset.options.*member));
    Option option{.name = name, .may_change = rule.may_change};
    option.read = [=](const std::string& text, Options& options) { detail::read_value(name, text, rule, options.*member); };
    option.text = [=](const Options& options) { return detail::text_of(options.*member); };
    const std::shared_ptr<State> state = state_;
    detail::declare_option(*app_, name, value, detail::help_with_defaults(help, defaults),
                           [state, index = state->options.size()](const std::string& text) {
                             Options unused;
                             state->options[index].read(text, unused);
                             state->options[index].given = text;
                           });
    state->options.push_back(std::move(option));
    return *this;
  }

  /// An option without a value: present or not.
  template <class Base>
  requires std::derived_from<Options, Base> Arguments& add_flag(const std::string& name, bool Base::*member,
                                                                const std::string& help) {
    const std::shared_ptr<State> state = state_;
    detail::declare_flag(*app_, name, help,
                         [state, member] { state->flags.push_back([member](Options& options) { options.*member = true; }); });
    return *this;
  }

  /// What was given, over what the training to resume began with, over what the preset says. To be called after the command line
  /// was read.
  Options options() const {
    Options options = with_given({});
    if (options.resume) {
      const Metadata saved = detail::training_to_resume(options.out, *app_);
      options = with_given(saved);
      options.resumed = saved;
    }
    if (options.data.empty()) options.data = detail::data_folder();
    return options;
  }

 private:
  struct Option {
    std::string name;
    bool may_change;
    std::function<void(const std::string&, Options&)> read = {};
    std::function<std::string(const Options&)> text = {};
    std::optional<std::string> given = {};
  };
  struct State {
    std::vector<Preset<Options>> presets;
    std::vector<Option> options;  // --preset is the first
    std::vector<std::function<void(Options&)>> flags;
  };

  Options with_given(const Metadata& saved) const {
    const auto saved_value = [&](const Option& option) {
      const auto found = saved.find(detail::metadata_key(option.name));
      return found == saved.end() ? std::nullopt : std::optional(found->second);
    };
    const Option& preset = state_->options.front();
    const std::string name = preset.given.value_or(saved_value(preset).value_or("default"));
    Options options;
    for (const Preset<Options>& one : state_->presets)
      if (one.name == name) options = one.options;
    options.preset = name;
    for (const auto& set : state_->flags) set(options);
    for (const Option& option : state_->options)
      if (const auto value = option.given ? option.given : saved_value(option)) option.read(*value, options);
    for (const Option& option : state_->options)
      if (const auto value = saved_value(option); value && !option.may_change)
        detail::check_unchanged(option.name, option.text(options), *value, options.out);
    return options;
  }

  CLI::App* app_;
  std::shared_ptr<State> state_;
};

}  // namespace carousel
