#pragma once
/// Options of tasks that read tables.

#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include <fmt/format.h>

#include <carousel/tasks/base/options.hpp>
#include <carousel/tasks/base/progress.hpp>
#include <carousel/tasks/base/text.hpp>
#include <carousel/tasks/csv/dates.hpp>

namespace carousel {

inline constexpr const char *decimal_help = "decimal mark: a point or a comma; auto: what all numbers of the file say",
                            *thousands_help = "mark between thousands: none, a point, a comma, blank, apostrophe; auto",
                            *date_order_help =
                                "order of dates such as 03/04/2024: day-first, month-first; auto: what the file says",
                            *missing_help = "empty cells: error; fill: take the value before; skip: leave out the row";
/// Rules of --decimal and --thousands, see writings_of().
inline Rule decimal_rule() {
  return {.one_of = {"auto", ".", ","}};
}
inline Rule thousands_rule() {
  return {.one_of = {"auto", "none", ".", ",", "blank", "apostrophe"}};
}

/// Of --date-order, and of --missing. Runs that were saved before there were these had neither.
inline Rule date_order_rule() {
  return {.one_of = {"auto", "day-first", "month-first"}, .before = "auto"};
}
inline Rule missing_rule() {
  return {.one_of = {"error", "fill", "skip"}, .before = "error"};
}

/// The names of columns that an option gives, with commas between them; none of "".
inline std::vector<std::string> names_in(const std::string& given) {
  return given.empty() ? std::vector<std::string>() : split(given, ",");
}
/// What --date-order says.
inline DateOrder date_order_of(std::string_view word) {
  return word == "day-first" ? DateOrder::day_first : word == "month-first" ? DateOrder::month_first : DateOrder::automatic;
}

/// What shows how much of a file is read. A table keeps it, for it asks as often as its rows are read.
inline std::function<void(std::uint64_t, std::uint64_t)> reading(bool quiet, const std::string& path) {
  return [progress = std::make_shared<Progress>(quiet), name = last_name(path)](std::uint64_t done, std::uint64_t all) {
    if (progress->due())
      progress->show(fmt::format("reading {}: {:.0f} of 100", name, 100 * static_cast<double>(done) / static_cast<double>(all)));
  };
}

}  // namespace carousel
