#include <carousel/tasks/training/profile_table.hpp>

#include <algorithm>

#include <fmt/format.h>

#include <carousel/tasks/drawing/json.hpp>

namespace carousel {

namespace {

constexpr std::size_t most_rows = 12, name_width = 44;

ProfileRow sum_of(const std::vector<ProfileRow>& rows, std::size_t from) {
  ProfileRow sum{.name = fmt::format("{} others", rows.size() - from)};
  for (std::size_t i = from; i < rows.size(); ++i) sum.add(rows[i]);
  return sum;
}

/// The name in name_width columns.
std::string fitted(const std::string& name) {
  const auto begins = [](char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; };  // a character of UTF-8
  const auto columns = static_cast<std::size_t>(std::count_if(name.begin(), name.end(), begins));
  if (columns <= name_width) return name + std::string(name_width - columns, ' ');
  std::size_t end = 0, seen = 0;
  while (!begins(name[end]) || ++seen < name_width) ++end;
  return name.substr(0, end) + "…";
}

/// Tenths of a percent that add up to 1000: what is left of rounding down goes to those that lost most.
std::vector<int> tenths(const std::vector<ProfileRow>& rows, double all) {
  std::vector<int> parts;
  std::vector<std::pair<double, std::size_t>> lost;
  int sum = 0;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const double exact = all > 0 ? 1000 * (rows[i].forward_seconds + rows[i].backward_seconds) / all : 0;
    parts.push_back(static_cast<int>(exact));
    lost.emplace_back(exact - parts.back(), i);
    sum += parts.back();
  }
  std::sort(lost.rbegin(), lost.rend());
  for (std::size_t i = 0; all > 0 && i < lost.size() && sum < 1000; ++i, ++sum) ++parts[lost[i].second];
  return parts;
}

std::string table(const std::string& what, std::vector<ProfileRow> rows, Index steps) {
  if (rows.size() > most_rows) {
    const ProfileRow others = sum_of(rows, most_rows - 1);
    rows.resize(most_rows - 1);
    rows.push_back(others);
  }
  const double n = static_cast<double>(std::max<Index>(steps, 1));
  const ProfileRow all = sum_of(rows, 0);
  const auto line = [&](const ProfileRow& row, int part) {
    return fmt::format("{}{:9.1f}{:10.3f}{:10.3f}{:8.1f}%{:10.3f}{:10.3f}\n", fitted(row.name),
                       static_cast<double>(row.calls) / n, 1e3 * row.forward_seconds / n, 1e3 * row.backward_seconds / n,
                       part / 10.0, row.forward_bytes / n / 1e6, row.backward_bytes / n / 1e6);
  };
  std::string text = fitted(what) + fmt::format("{:>9}{:>10}{:>10}{:>9}{:>10}{:>10}\n", "calls", "forward", "backward", "time",
                                                "values", "gradients");
  const std::vector<int> parts = tenths(rows, all.forward_seconds + all.backward_seconds);
  for (std::size_t i = 0; i < rows.size(); ++i) text += line(rows[i], parts[i]);
  ProfileRow whole = all;
  whole.name = "all";
  return text + line(whole, 1000);
}

Json json_of(const std::vector<ProfileRow>& rows) {
  Json list = Json::array();
  for (const ProfileRow& row : rows)
    list.push_back({{"name", row.name},
                    {"calls", row.calls},
                    {"forward_seconds", row.forward_seconds},
                    {"backward_seconds", row.backward_seconds},
                    {"forward_bytes", row.forward_bytes},
                    {"backward_bytes", row.backward_bytes}});
  return list;
}

}  // namespace

std::string profile_table(const ProfileReport& report) {
  return fmt::format("profile of {} steps; of one step: calls, milliseconds, part of the time, megabytes\n\n", report.steps) +
         table("op", report.ops, report.steps) + "\n" + table("layer", report.layers, report.steps);
}

std::string profile_json(const ProfileReport& report) {
  Json json{{"steps", report.steps}, {"ops", json_of(report.ops)}, {"layers", json_of(report.layers)}};
  return written(json, 1) + "\n";
}

}  // namespace carousel
