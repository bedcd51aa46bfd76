#pragma once
/// What `predict` answers: a row for each answer, as CSV or as JSON lines, in a file or on standard output.
///
///     Answers answers(options, {"id", "class", "probability"});
///     InputLines lines(options.input, "must have a list a line");
///     while (lines.next())
///       if (!answers.add({lines.line(), 3, 0.97})) break;
///     return answers.finish();

#include <memory>
#include <string>
#include <variant>
#include <vector>

#include <carousel/lib/files/file.hpp>
#include <carousel/lib/numbers/shape.hpp>
#include <carousel/tasks/answers/input_lines.hpp>
#include <carousel/tasks/base/task.hpp>

namespace carousel {

/// A number as it is to be written, for one that six digits do not say.
struct NumberText {
  std::string text;
};

/// One value of an answer: nothing, a word, a number, or a list of numbers. CSV has an empty field for nothing and for a number
/// that is not finite, and a list as one field with blanks between its numbers; JSON has null, and an array.
using AnswerValue = std::variant<std::monostate, std::string, Index, double, NumberText, std::vector<Index>, std::vector<double>>;

/// Writes answers. On standard output each stands there as soon as it is added; a file appears under its name when all of them
/// are in it, or not at all.
class Answers {
 public:
  /// Of `options` it takes out, json_lines and quiet. A column whose name was there before is called NAME_2. Throws
  /// std::runtime_error, `write PATH: …`, for a file that cannot be made.
  Answers(const PredictOptions& options, const std::vector<std::string>& columns);

  /// Adds an answer, a value for each column; the first one brings the line of the columns' names along, in CSV. False when it is
  /// time to stop: Ctrl-C came, or nobody reads the answers any more. Throws std::runtime_error when they cannot be written, and
  /// std::invalid_argument for another number of values than of columns.
  bool add(const std::vector<AnswerValue>& values);
  /// Throws std::runtime_error if none was added, unless interrupted(): all lines were blank.
  void refuse_none(const InputLines& lines) const;
  /// How many were added.
  Index count() const { return count_; }
  /// Ends them, and gives the exit code: exit_done, or exit_interrupted where they were stopped, and no file is made.
  int finish();

 private:
  void write(std::string line);
  void flush();

  std::string path_;  // empty: standard output
  bool json_lines_, quiet_;
  std::vector<std::string> columns_;
  std::unique_ptr<NewFile> file_ = {};
  std::string waiting_ = {};  // for the file
  Index count_ = 0;
};

}  // namespace carousel
