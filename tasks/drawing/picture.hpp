#pragma once
/// Views as images, for a README or a letter: the report draws the same ones, in the same colours, and to be looked into.

#include <string>

#include <carousel/tasks/drawing/image.hpp>
#include <carousel/tasks/drawing/views.hpp>

namespace carousel {

/// A view of lines, a heat map, gates or images, as an image at most 720 pixels wide (a heat map with many numbers, or a long
/// title, may be wider); of another kind: an image without pixels. Letters are those of DejaVu Sans; without that font there are
/// none. Throws std::invalid_argument for what is not as long as it says.
ColourImage picture(const View& view);

/// Writes those of a run's views that can be drawn so, in their order, as pictures/01-title.png, pictures/02-… in its folder;
/// those that lie there from before are taken away, and nothing else. Throws std::runtime_error for what cannot be written.
void write_pictures(const std::string& folder, const Views& views);

}  // namespace carousel
