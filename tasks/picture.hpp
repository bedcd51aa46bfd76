#pragma once
/// Views as images in grey, for a README or a letter: the report draws the same ones, in colours and to be looked into.

#include <string>

#include <carousel/tasks/grey_image.hpp>
#include <carousel/tasks/views.hpp>

namespace carousel {

/// A view of lines, a heat map or gates, as an image at most 720 pixels wide; of another kind: an image without pixels. Letters
/// are those of DejaVu Sans; without that font there are none. Throws std::invalid_argument for what is not as long as it says.
GreyImage picture(const View& view);

/// Writes those of a run's views that can be drawn so, as pictures/1-title.png, pictures/2-… in its folder; those that lie there
/// from before are taken away, and nothing else. Throws std::runtime_error for what can not be written.
void write_pictures(const std::string& folder, const Views& views);

}  // namespace carousel
