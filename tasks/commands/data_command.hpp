#pragma once
/// `carousel data`: what tasks can learn from, and where it is; `carousel data fetch` gets what is public.

#include <string>

#include <carousel/tasks/base/task.hpp>

namespace carousel {

/// A page of what each task can learn from, and what of that is in a folder of data sets.
std::string data_page(const std::string& folder);

/// Adds the command to the program's; `chosen` is to be what the user asked for.
void declare_data(CLI::App& app, Command& chosen);

}  // namespace carousel
