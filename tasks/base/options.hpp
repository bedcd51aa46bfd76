#pragma once
/// Options of commands: what they may be, how they are read, and errors that say what would be right. Those of a training are in
/// arguments.hpp.

#include <functional>
#include <limits>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include <carousel/lib/numbers/shape.hpp>

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
  Index hidden = 0;  ///< units of each layer, in each direction
  Index layers = 1;
  bool bidirectional = false;
  double dropout = 0;
  Index batch = 1;  ///< examples per update
  Index steps = 0;  ///< of time per update
  std::string optimizer = "adam";
  double rate = 0;                    ///< learning rate
  std::string schedule = "constant";  ///< of the rate, see schedule_names()
  Index warm_up = 0;                  ///< steps in which the rate rises at the beginning
  double final_rate = 0.01;           ///< the part of the rate with which a cosine ends
  double clip = 0;                    ///< of gradients; 0: none
  bool clip_elements = false;         ///< it bounds each of their elements, not their norm
  Index patience = 0;                 ///< epochs without a better one before a training ends early; 0: it does not
  std::string input = {};             ///< file to train on
  std::string data = {};              ///< folder of data sets that was named; empty: that of detail::data_folder()
  std::string out = {};               ///< folder for what is saved; empty: a new one, runs/TASK-DATE-TIME
  std::string resume = {};            ///< folder of a training to go on with, then the same as `out`
  bool tensorboard = false;           ///< event files for TensorBoard, too
  bool quiet = false;
  bool trace_nonfinite = false;
  bool profile = false;
  std::string graph = {};               ///< file for a drawing of the model, in place of a training
  bool backward = false;                ///< the drawing is of its gradients
  std::string command = {};             ///< a command line that trains the same
  Metadata metadata = {};               ///< all of these as a checkpoint says them, with the task's name
  std::vector<std::string> given = {};  ///< names of the options that the command line gave
  Metadata resumed = {};                ///< with --resume: of the training that goes on

  /// Parts of a batch, each on a thread of its own if there are as many; results depend on their number.
  int shards() const { return batch < 2 ? 1 : 2; }
};

/// What a value must be; nothing said: any value of its type.
struct Rule {
  double at_least = -std::numeric_limits<double>::infinity();
  double above = -std::numeric_limits<double>::infinity();
  double below = std::numeric_limits<double>::infinity();
  double at_most = std::numeric_limits<double>::infinity();
  std::vector<std::string> one_of = {};  ///< words to choose from
  bool may_change = false;               ///< with --resume, from what the training began with
  bool saved = true;                     ///< checkpoints say it
  bool is_path = false;                  ///< of a file or folder: may change, and checkpoints say it as an absolute path
  std::string instead = {};              ///< what to give in place of a number that it must not be
  std::optional<std::string> before{};   ///< what checkpoints mean that do not say it, for they are older than the option
  std::string shelf = {};                ///< of a path: folder in the folder of data sets, where a file of that name may lie
};

/// How a rate may go on: constant, cosine, exponential.
const std::vector<std::string>& schedule_names();

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

/// "yes", "on", "true" or nothing; "no", "off" or "false".
void read_value(const std::string& option, const std::string& text, const Rule& rule, bool& value);

std::string text_of(Index value);
std::string text_of(double value);
std::string text_of(const std::string& value);
std::string text_of(bool value);

/// Under what name metadata hold an option: "rate" for "--rate".
std::string metadata_key(const std::string& option);
/// And back.
std::string option_of_key(const std::string& key);
/// Rule of --cell: the cells that there are.
Rule one_of_the_cells();
/// The last.safetensors of the training in `folder`.
std::string last_file(const std::string& folder);

/// What help says of --data.
inline constexpr const char* data_help = "folder of data sets ($CAROUSEL_DATA, or ~/.local/share/carousel)";
/// The folder of data sets: $CAROUSEL_DATA; without that, usual_data_folder() if it is there; else nothing.
std::string data_folder();
/// Where data sets lie if nothing else is said: $XDG_DATA_HOME/carousel or $HOME/.local/share/carousel (XDG Base Directory
/// Specification, freedesktop.org); nothing where neither is set.
std::string usual_data_folder();
/// The path, or, where there is no such file, that of one by this name, or with .txt behind it, in a folder of data_folder():
/// "tinyshakespeare" may be DATA/text/tinyshakespeare.txt. Nothing found: the path as it was given.
std::string find_on_shelf(const std::string& path, const std::string& shelf);

}  // namespace detail

/// The words joined: "a, b, c".
std::string list_words(const std::vector<std::string>& words);

}  // namespace carousel
