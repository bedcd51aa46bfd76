#include <carousel/tasks/answers/image_files.hpp>

#include <algorithm>
#include <filesystem>
#include <functional>
#include <map>

#include <carousel/lib/error.hpp>
#include <carousel/tasks/base/interrupt.hpp>
#include <carousel/tasks/base/text.hpp>

namespace carousel {

namespace {

std::vector<std::string> images_in(const std::string& folder) {
  std::vector<std::string> files;
  std::map<std::string, int> others;  // images that are no PNG, by ending
  std::error_code error;
  for (std::filesystem::directory_iterator file(folder, error), end; !error && file != end; file.increment(error)) {
    const std::string ending = lowered(file->path().extension().string());
    if (ending == ".png") files.push_back(file->path().string());
    for (const char* other : {".jpg", ".jpeg", ".gif", ".bmp", ".tif", ".tiff", ".webp", ".heic"})
      if (ending == other) ++others[ending];
  }
  if (error) bad_file("read ", folder, ": ", error.message(), ": must be a folder that can be read");
  if (files.empty() && others.empty()) bad_file("read ", folder, ": has no *.png: must have at least one");
  if (files.empty())
    bad_file("read ", folder, ": has no *.png, but ", others.begin()->second, " *", others.begin()->first,
             "; ImageMagick makes PNGs of them: mogrify -format png *", others.begin()->first);
  std::sort(files.begin(), files.end(), std::greater<>());
  return files;
}

}  // namespace

ImageFiles::ImageFiles(const std::string& input) {
  std::error_code error;
  if (input == "-")
    names_.emplace(input, "must have the name of an image a line");
  else if (std::filesystem::is_directory(input, error))
    files_ = images_in(input);
  else
    files_ = {input};
}

bool ImageFiles::next() {
  if (interrupted()) return false;
  if (names_) {
    while (names_->next())
      if (!names_->line().empty()) {
        path_ = names_->line();
        return true;
      }
    return false;
  }
  if (files_.empty()) return false;
  path_ = std::move(files_.back());
  files_.pop_back();
  return true;
}

}  // namespace carousel
