#pragma once
/// The options of a task's training, declared once for all that is done with them.

#include <concepts>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <variant>
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

/// What --dropout is where the last layer has it too.
inline constexpr const char* dropped_each = "dropout: share of each layer's outputs set to 0 during training";

/// What help says of the options of a net.
struct NetHelp {
  const char* hidden = "units of each layer";
  const char* layers = "layers";
  const char* bidirectional = nullptr;  ///< for tasks that have all of a sequence before they answer; the others say in
  const char* one_way = nullptr;        ///< `one_way` why they refuse the option
  const char* dropout = "dropout: share of outputs between layers set to 0 during training";
};

/// What --patience is where nothing validates.
inline constexpr const char* patience_on_loss = "early stopping: end after N epochs without a better loss; 0: never";

/// What help says of the options of a training.
struct TrainingHelp {
  const char* batch = "examples per update";
  const char* clip = "gradient clipping: bound of the gradient's norm; 0: none";
  const char* patience = "early stopping: end after N epochs without a better validation; 0: never";
};

namespace detail {

/// "help (0.1; source: 0.2)": what each preset says, where they differ; the first is the default.
std::string help_with_defaults(const std::string& help, const std::vector<std::pair<std::string, std::string>>& defaults);
/// The value of an option in the metadata of a checkpoint; throws std::runtime_error if it has none.
const std::string& saved_value(const Metadata& metadata, const std::string& key, const std::string& file);
/// Throws std::runtime_error for a value that cannot be.
[[noreturn]] void bad_saved_value(const std::string& file, const std::string& error);
/// The path as metadata hold it: absolute; empty if it is empty or cannot be in metadata.
std::string saved_path(const std::string& path);

/// The list behind Arguments, for options of any type that derives from TrainOptions: it is compiled once, not for each task.
class ArgumentList {
 public:
  /// Where an option lies in the options of its task.
  using Field = std::variant<Index*, double*, std::string*, bool*>;
  using FieldOf = std::function<Field(TrainOptions&)>;
  using Options = std::shared_ptr<TrainOptions>;  // of the task's own type
  using Presets = std::vector<Preset<Options>>;

  /// With the options that every training has; `copy` makes options of the task's type like these.
  ArgumentList(std::string task, Presets presets, Options (*copy)(const TrainOptions&));

  void add(const std::string& name, const std::string& value, FieldOf field, const std::string& help, const Rule& rule);
  void add_refused(const std::string& name, const std::string& why);
  void add_net(const NetHelp& help);
  void add_training(const TrainingHelp& help);

  std::function<int()> declare(CLI::App& app, std::function<int(const TrainOptions&)> train) const;
  Options read(const Safetensors& checkpoint, const std::string& file) const;

 private:
  struct Option {
    std::string name, value, help;
    Rule rule;
    FieldOf field;    // none: it is refused
    std::string why;  // it is

    void read(const std::string& where, const std::string& text, TrainOptions& options) const;
    void read_saved(const std::string& key, const std::string& text, const std::string& file, TrainOptions& options) const;
    std::string text(TrainOptions& options) const;
  };

  /// The values of a preset; of one that is not there: those that its type begins with.
  Options preset(const std::string& name) const;
  std::string command(TrainOptions& options) const;
  Options options(const Metadata& given) const;

  std::string task_;
  Presets presets_;
  Options (*copy_)(const TrainOptions&);
  std::vector<Option> options_;  // --preset is the first
};

}  // namespace detail

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
requires std::derived_from<Options, TrainOptions>
class Arguments {
 public:
  /// Adds the options that every training has:
  ///     --preset --cell --epochs --seed --out --resume --tensorboard --quiet
  /// The preset "default" must be among the presets.
  Arguments(std::string task, const std::vector<Preset<Options>>& presets) : list_(std::move(task), shared(presets), copy) {}

  /// --hidden --layers --bidirectional --dropout.
  Arguments& add_net(const NetHelp& help) {
    list_.add_net(help);
    return *this;
  }

  /// --batch --optimizer --rate --schedule --warm-up --final-rate --clip --patience --trace-nonfinite --profile --graph
  /// --backward.
  Arguments& add_training(const TrainingHelp& help = {}) {
    list_.add_training(help);
    return *this;
  }

  /// --threads.
  Arguments& add_threads(const char* help = "processor cores: 2 compute half of each batch each; more gain nothing") {
    return add("--threads", "N", &TrainOptions::threads, help, {.at_least = 1, .at_most = 1024, .saved = false});
  }
  /// --data, for a task that reads data sets.
  Arguments& add_data() { return add("--data", "DIR", &TrainOptions::data, detail::data_help, {.is_path = true}); }

  /// An option with a value; its default is that of the preset.
  template <class V, class Base>
  requires std::derived_from<Options, Base> Arguments& add(const std::string& name, const std::string& value, V Base::*member,
                                                           const std::string& help, const Rule& rule = {}) {
    list_.add(
        name, value, [member](TrainOptions& to) -> Field { return &(static_cast<Options&>(to).*member); }, help, rule);
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
    list_.add_refused(name, why);
    return *this;
  }

  /// Declares them on a command line; the command that is returned trains with what was given, over what the training to resume
  /// began with, over what the preset says.
  std::function<int()> declare(CLI::App& app, std::function<int(const Options&)> train) const {
    return list_.declare(app,
                         [train = std::move(train)](const TrainOptions& o) { return train(static_cast<const Options&>(o)); });
  }

  /// The options that a checkpoint was trained with. Throws std::runtime_error, with the file's name, for one that is not there
  /// or cannot be.
  Options read(const Safetensors& checkpoint, const std::string& file) const {
    return static_cast<const Options&>(*list_.read(checkpoint, file));
  }

 private:
  using Field = detail::ArgumentList::Field;

  static detail::ArgumentList::Presets shared(const std::vector<Preset<Options>>& presets) {
    detail::ArgumentList::Presets all;
    for (const Preset<Options>& preset : presets) all.push_back({preset.name, preset.about, copy(preset.options)});
    return all;
  }
  static std::shared_ptr<TrainOptions> copy(const TrainOptions& options) {
    return std::make_shared<Options>(static_cast<const Options&>(options));
  }

  detail::ArgumentList list_;
};

}  // namespace carousel
