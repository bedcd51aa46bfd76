#include <carousel/tasks/commands/data_command.hpp>

#include <algorithm>
#include <cstdint>
#include <filesystem>

#include <fmt/format.h>

#include <carousel/lib/error.hpp>
#include <carousel/tasks/base/interrupt.hpp>
#include <carousel/tasks/base/progress.hpp>
#include <carousel/tasks/commands/fetch.hpp>
#include <carousel/tasks/training/command_line.hpp>

namespace carousel {

namespace {

std::string size_text(std::uint64_t bytes) {
  return bytes < 100000 ? fmt::format("{} bytes", bytes) : fmt::format("{:.1f} MB", static_cast<double>(bytes) / 1e6);
}

/// "4 files, 11.4 MB, /data/mnist/…"
std::string found_text(const std::vector<std::string>& files) {
  std::uint64_t bytes = 0;
  std::error_code error;
  for (const std::string& file : files)
    if (const auto size = std::filesystem::file_size(file, error); !error) bytes += size;
  const std::string place = files.size() == 1 ? files[0] : std::filesystem::path(files[0]).parent_path().string();
  return fmt::format("{}, {}, {}", files.size() == 1 ? "1 file" : fmt::format("{} files", files.size()), size_text(bytes), place);
}

/// Where data sets are looked for, and why there.
std::string place_text(const std::string& folder, bool given) {
  const char* const variable = std::getenv("CAROUSEL_DATA");
  const std::string why = given ? "--data" : variable ? "$CAROUSEL_DATA" : "neither --data nor $CAROUSEL_DATA names another";
  if (folder.empty()) return fmt::format("looked nowhere: {}", variable ? "$CAROUSEL_DATA is empty" : "there is no $HOME");
  std::error_code error;
  const bool there = std::filesystem::is_directory(folder, error);
  return fmt::format("looked in {} ({}){}", folder, why, there ? "" : ", which is not there");
}

std::string place(const std::optional<std::string>& given) {
  if (given) return *given;
  const char* const variable = std::getenv("CAROUSEL_DATA");
  return variable ? variable : detail::usual_data_folder();
}

int list_data(const std::optional<std::string>& data) {
  const std::string folder = place(data);
  print(place_text(folder, data.has_value()));
  fmt::print("{}", as_started(data_page(folder)));
  return exit_done;
}

}  // namespace

std::string data_page(const std::string& folder) {
  std::string page, others;
  for (const Task& task : all_tasks()) {
    if (!task.data) {
      others += (others.empty() ? "" : ", ") + task.name;
      continue;
    }
    const OutsideData& data = *task.data;
    page += fmt::format("{:<8}  {}: {}; without: {}\n", task.name, data.option, data.what, data.without);
    if (!data.find) continue;
    const std::vector<std::string> files = folder.empty() ? std::vector<std::string>() : data.find(folder);
    page += fmt::format("{:<8}  {}\n", "", files.empty() ? "not found" : "found: " + found_text(files));
  }
  page += fmt::format("others    make what they learn from: {}\n", others);
  for (const PublicSet& set : public_sets()) {
    const auto there = std::count_if(set.files.begin(), set.files.end(), [&](const PublicFile& file) {
      return !folder.empty() && std::filesystem::exists(folder + "/" + file.path);
    });
    std::uint64_t bytes = 0;
    for (const PublicFile& file : set.files) bytes += file.bytes;
    page += fmt::format("public    {}: {}\n{:<8}  {}\n", set.name, set.about, "",
                        there == std::ssize(set.files)
                            ? "is there: " + set.use
                            : fmt::format("carousel data fetch {}: {} from {}", set.name, size_text(bytes), set.from));
  }
  return page;
}

void declare_data(CLI::App& app, Command& chosen) {
  struct Given {
    std::optional<std::string> data, to, from;
    std::string name;
    bool quiet = false;
  };
  const auto given = std::make_shared<Given>();
  CLI::App& data = detail::declare_command(app, "data", "what tasks can learn from, where it is, and how to get it",
                                           "carousel data fetch --help says more.\nexample: carousel data");
  detail::allow_command(data);
  detail::declare_optional(data, "--data", "DIR", given->data, detail::data_help);
  detail::on_command(data, [given, &data, &chosen] {
    if (!detail::has_command(data)) chosen = [given] { return list_data(given->data); };
  });

  CLI::App& fetch =
      detail::declare_command(data, "fetch", "downloads a data set, checks size and checksum, resumes a partial download",
                              "example: carousel data fetch mnist");
  std::vector<std::string> names;
  for (const PublicSet& set : public_sets()) names.push_back(set.name);
  detail::declare_argument(fetch, "NAME", given->name, list_words(names), true);
  detail::declare_optional(fetch, "--to", "DIR", given->to, detail::data_help);
  detail::declare_optional(fetch, "--from", "URL", given->from,
                           "folder that has its files, another than its publishers': https, http or file");
  detail::declare_flag(fetch, "--quiet", "no progress on standard error", [given] { given->quiet = true; });
  detail::on_command(fetch, [given, names, &chosen] {
    chosen = [given, names] {
      std::string name;
      detail::read_value("data fetch:", given->name, {.one_of = names}, name);
      const PublicSet& set =
          *std::find_if(public_sets().begin(), public_sets().end(), [&](const PublicSet& one) { return one.name == name; });
      const std::string to = place(given->to);
      if (to.empty()) wrong_argument("data fetch: --to is missing: must name a folder, where $CAROUSEL_DATA and $HOME do not");
      std::string from = given->from.value_or(set.from);
      if (!from.ends_with('/')) from += '/';
      watch_for_interrupt();
      return fetch_set(set, to, from, given->quiet);
    };
  });
}

}  // namespace carousel
