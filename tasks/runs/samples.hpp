#pragma once
/// samples.txt of a run: what the net made, to be read without a browser.

#include <string>

#include <carousel/tasks/drawing/views.hpp>

namespace carousel {

/// The texts and tables among the views, each with its title, and those that the views have for this file alone; empty if there
/// are none.
std::string samples_text(const Views& views);

}  // namespace carousel
