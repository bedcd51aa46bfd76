#pragma once
/// What there is to see of a model of text.

#include <carousel/tasks/drawing/views.hpp>
#include <carousel/tasks/text/model.hpp>

namespace carousel {

/// Adds what the model writes at several temperatures, and what it expected at each character of the validation part's first
/// hundreds.
void add_text_views(Views& views, const TextModel& model, const Streams& streams);

}  // namespace carousel
