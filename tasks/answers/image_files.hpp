#pragma once
/// The images that `predict --input` names.

#include <optional>
#include <string>
#include <vector>

#include <carousel/tasks/answers/input_lines.hpp>

namespace carousel {

/// Files of images, one by one: the file itself; of a folder its *.png, by name; for "-" those that standard input names, one a
/// line, as they come.
///
///     ImageFiles files(options.input);
///     while (files.next()) use(read_png(files.path()));
class ImageFiles {
 public:
  /// Throws std::runtime_error, `read PATH: …`, for what is not there, and for a folder without a PNG.
  explicit ImageFiles(const std::string& input);

  /// Goes to the next; false at the end, and when interrupted(). Throws as InputLines does.
  bool next();
  /// Of the file; it lasts until the next one.
  const std::string& path() const { return path_; }

 private:
  std::vector<std::string> files_ = {};  // still to come, the next one last
  std::optional<InputLines> names_ = {};
  std::string path_ = {};
};

}  // namespace carousel
