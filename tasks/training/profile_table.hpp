#pragma once
/// What `--profile` prints and saves.

#include <string>

#include <carousel/lib/look/profile.hpp>

namespace carousel {

/// A table of ops and one of layers: milliseconds and megabytes of a step, forward and backward, and the part of the time.
std::string profile_table(const ProfileReport& report);
/// The same for profile.json: seconds of all steps, bytes of all steps.
std::string profile_json(const ProfileReport& report);

}  // namespace carousel
