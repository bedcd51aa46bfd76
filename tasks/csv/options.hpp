#pragma once
/// Options of tasks that read tables.

#include <functional>
#include <string>

#include <fmt/format.h>

#include <carousel/tasks/base/options.hpp>
#include <carousel/tasks/base/progress.hpp>
#include <carousel/tasks/base/text.hpp>

namespace carousel {

inline constexpr const char *decimal_help =
                                "mark before decimals in a table: auto, as all of its numbers say; a point or a comma",
                            *thousands_help = "mark between thousands: auto; none; a point or a comma; blank, apostrophe";
/// Rules of --decimal and --thousands, see writings_of().
inline Rule decimal_rule() {
  return {.one_of = {"auto", ".", ","}};
}
inline Rule thousands_rule() {
  return {.one_of = {"auto", "none", ".", ",", "blank", "apostrophe"}};
}

/// What shows on `progress`, which must outlive it, how much of a file is read.
inline std::function<void(std::uint64_t, std::uint64_t)> reading(Progress& progress, const std::string& path) {
  return [&progress, name = last_name(path)](std::uint64_t done, std::uint64_t all) {
    if (progress.due())
      progress.show(fmt::format("reading {}: {:.0f} of 100", name, 100 * static_cast<double>(done) / static_cast<double>(all)));
  };
}

}  // namespace carousel
