#pragma once
/// Options of commands: presets of them, values given over those of the preset, and errors that say what would be right.

#include <concepts>
#include <cstdint>
#include <functional>
#include <limits>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <carousel/lib/tensor.hpp>

namespace CLI {
class App;
}

namespace carousel {

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
  std::vector<std::string> one_of = {};  ///< words to choose from
};

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
/// $CAROUSEL_DATA, or nothing.
std::string data_folder();

}  // namespace detail

/// The words joined: "a, b, c".
std::string list_words(const std::vector<std::string>& words);

/// Declares the options of a training on its command line and collects what is given. Copies share what they collect.
template <class Options>
class Arguments {
 public:
  /// Adds the options that every training has: --preset --cell --epochs --seed --threads --out --resume --data
  /// --quiet. The preset
  /// "default" must be among the presets.
  Arguments(CLI::App& app, std::vector<Preset<Options>> presets) : app_(&app), state_(std::make_shared<State>()) {
    state_->presets = std::move(presets);
    std::string about = "values of all other options:";
    Rule names;
    for (const Preset<Options>& preset : state_->presets) {
      names.one_of.push_back(preset.name);
      about += (names.one_of.size() > 1 ? "; " : " ") + preset.name + ", " + preset.about;
    }
    const std::shared_ptr<State> state = state_;
    detail::declare_option(app, "--preset", "NAME", about, [state, names](const std::string& text) {
      detail::read_value("--preset", text, names, state->chosen);
    });
    add("--cell", "CELL", &Options::cell, "recurrent cell, one of those of `carousel list`", detail::one_of_the_cells());
    add("--epochs", "N", &Options::epochs, "passes over the data", {.at_least = 1});
    add("--seed", "N", &Options::seed, "of all random numbers", {.at_least = 0});
    add("--threads", "N", &Options::threads, "processor cores to use", {.at_least = 1});
    add("--out", "DIR", &Options::out, "folder to save the model in");
    add_flag("--resume", &Options::resume, "go on with what a stopped training left in --out");
    add("--data", "DIR", &Options::data, "folder of data sets ($CAROUSEL_DATA)");
    add_flag("--quiet", &Options::quiet, "no progress on standard error");
  }

  /// An option with a value; its default is that of the preset.
  template <class V, class Base>
  requires std::derived_from<Options, Base> Arguments& add(const std::string& name, const std::string& value, V Base::*member,
                                                           const std::string& help, const Rule& rule = {}) {
    std::vector<std::pair<std::string, std::string>> defaults;
    for (const Preset<Options>& preset : state_->presets)
      defaults.emplace_back(preset.name, detail::text_of(preset.options.*member));
    const std::shared_ptr<State> state = state_;
    detail::declare_option(*app_, name, value, detail::help_with_defaults(help, defaults), [=](const std::string& text) {
      V given;
      detail::read_value(name, text, rule, given);
      state->given.push_back([member, given](Options& options) { options.*member = given; });
    });
    return *this;
  }

  /// An option without a value: present or not.
  template <class Base>
  requires std::derived_from<Options, Base> Arguments& add_flag(const std::string& name, bool Base::*member,
                                                                const std::string& help) {
    const std::shared_ptr<State> state = state_;
    detail::declare_flag(*app_, name, help,
                         [state, member] { state->given.push_back([member](Options& options) { options.*member = true; }); });
    return *this;
  }

  /// What was given, over what the preset says. To be called after the command line was read.
  Options options() const {
    Options options;
    for (const Preset<Options>& preset : state_->presets)
      if (preset.name == state_->chosen) options = preset.options;
    options.preset = state_->chosen;
    for (const auto& set : state_->given) set(options);
    if (options.data.empty()) options.data = detail::data_folder();
    return options;
  }

 private:
  struct State {
    std::vector<Preset<Options>> presets;
    std::string chosen = "default";
    std::vector<std::function<void(Options&)>> given;
  };

  CLI::App* app_;
  std::shared_ptr<State> state_;
};

}  // namespace carousel
