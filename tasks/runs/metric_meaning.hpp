#pragma once
/// What the numbers of a result say, for a reader who meets them for the first time.

#include <string>
#include <string_view>

namespace carousel {

/// A line about a metric, "part that is right; 1 is all; of what it never saw"; nothing for a name that no task gives.
std::string meaning_of(std::string_view metric);

}  // namespace carousel
