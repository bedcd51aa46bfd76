#include <carousel/tasks/table/weights.hpp>

#include <charconv>
#include <cmath>
#include <filesystem>
#include <functional>
#include <tuple>

#include <fmt/format.h>

#include <carousel/lib/error.hpp>
#include <carousel/lib/files/file.hpp>
#include <carousel/tasks/base/text.hpp>

namespace carousel {

namespace {

/// One file: lines of numbers, each of which lies somewhere in a parameter.
struct WeightFile {
  std::string name;
  Index lines, numbers;  // in each line
  std::function<float*(Index line, Index number)> at;
  float* rest = nullptr;  // what is to be added to the numbers of the line; none: nothing
};

std::vector<WeightFile> weight_files(Registry<float>& registry, const TableOptions& options) {
  if ((options.cell != "lstm" && options.cell != "lstm-linear") || options.layers != 1)
    wrong_argument("weights as text: of ", options.layers, options.layers == 1 ? " layer of " : " layers of ", options.cell,
                   ": must be one layer of lstm or lstm-linear");
  const auto parameter = [&](const char* path) { return registry.at(path).change().data(); };
  float *const wx = parameter("cell/0/wx"), *const wh = parameter("cell/0/wh"), *const b = parameter("cell/0/b");
  const Index columns = registry.at("cell/0/wx").shape()[0], hidden = options.hidden;
  std::vector<WeightFile> files;
  const std::pair<char, Index> gates[] = {{'G', 2}, {'I', 0}, {'F', 1}, {'O', 3}};  // the blocks are i, f, g, o
  for (const auto& [letter, block] : gates) {
    const Index first = block * hidden;
    files.push_back({fmt::format("weights{}.txt", letter), hidden, columns + hidden, [=](Index unit, Index k) {
                       return k < columns ? wx + k * 4 * hidden + first + unit : wh + (k - columns) * 4 * hidden + first + unit;
                     }});
    files.push_back({fmt::format("bias{}.txt", letter), hidden, 1, [=](Index unit, Index) { return b + first + unit; }});
  }
  if (options.readout == "first") return files;
  if (const Index classes = registry.at("readout/w").shape()[1]; classes != 1)
    wrong_argument("weights as text: of ", classes, " classes: there is a format for two only");
  const auto line_of = [&](const char* name, const char* path, Index count) {
    files.push_back({name, 1, count, [data = parameter(path)](Index, Index k) { return data + k; }});
  };
  line_of("weightsReadout.txt", "readout/w", hidden);
  line_of("biasReadout.txt", "readout/b", 1);
  line_of("columnsMean.txt", "columns/mean", columns);
  if (registry.contains("columns/mean_rest")) files.back().rest = parameter("columns/mean_rest");
  line_of("columnsScale.txt", "columns/scale", columns);
  return files;
}

/// All numbers of a file, apart by whatever is blank.
template <class T>
std::vector<T> read_numbers(const std::string& path, Index lines, Index in_each) {
  const std::string text = read_file(path);
  std::vector<T> numbers;
  Index line = 1;
  std::size_t line_start = 0;
  for (std::size_t at = 0; at < text.size();) {
    if (text[at] == '\n') ++line, line_start = at + 1;
    if (text[at] == ' ' || text[at] == '\t' || text[at] == '\r' || text[at] == '\n') {
      ++at;
      continue;
    }
    const std::size_t end = std::min(text.find_first_of(" \t\r\n", at), text.size());
    T number = 0;
    const auto [stop, error] = std::from_chars(text.data() + at, text.data() + end, number);
    if (error != std::errc() || stop != text.data() + end || !std::isfinite(number))
      bad_file("read ", path, ": line ", line, ", column ", at - line_start + 1, ": ",
               std::string_view(text).substr(at, end - at), ": must be a number");
    numbers.push_back(number);
    at = end;
  }
  if (std::ssize(numbers) != lines * in_each)
    bad_file("read ", path, ": has ", numbers.size(), " numbers: must be ", lines * in_each, ", ", lines, " lines of ", in_each);
  return numbers;
}

}  // namespace

void check_export(Registry<float>& registry, const TableOptions& options, const std::string& folder) {
  weight_files(registry, options);
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  if (error) bad_file("--export ", folder, ": ", error.message(), ": must be a folder, or a place for one");
  NewFile((std::filesystem::path(folder) / "weightsG.txt").string(), 0);  // which is not published: nothing is left of it
}

void export_weights(Registry<float>& registry, const TableOptions& options, const std::string& folder) {
  check_export(registry, options, folder);
  const std::vector<WeightFile> files = weight_files(registry, options);
  for (const WeightFile& file : files) {
    std::string text;
    for (Index line = 0; line < file.lines; ++line)
      for (Index k = 0; k < file.numbers; ++k)
        text += (file.rest ? fmt::format("{}", static_cast<double>(*file.at(line, k)) + static_cast<double>(file.rest[k]))
                           : fmt::format("{}", *file.at(line, k))) +
                (k + 1 == file.numbers ? '\n' : '\t');
    write_text((std::filesystem::path(folder) / file.name).string(), text);
  }
}

void import_weights(Registry<float>& registry, const TableOptions& options, const std::string& folder) {
  const std::vector<WeightFile> files = weight_files(registry, options);
  std::vector<std::vector<float>> numbers;
  std::vector<double> sums;  // of those that are two floats
  const auto path = [&](const WeightFile& file) { return (std::filesystem::path(folder) / file.name).string(); };
  for (const WeightFile& file : files) {
    numbers.push_back(read_numbers<float>(path(file), file.lines, file.numbers));
    if (file.rest) sums = read_numbers<double>(path(file), file.lines, file.numbers);
  }
  for (std::size_t i = 0; i < files.size(); ++i)
    for (Index k = 0; k < std::ssize(numbers[i]); ++k) {
      float& to = *files[i].at(k / files[i].numbers, k % files[i].numbers);
      to = numbers[i][static_cast<std::size_t>(k)];
      if (files[i].rest) std::tie(to, files[i].rest[k]) = split_mean(sums[static_cast<std::size_t>(k)]);
    }
}

}  // namespace carousel
