#pragma once
/// Pictures of one's own as images of digits, in the form that those of MNIST have.

#include <string>

#include <carousel/tasks/drawing/image.hpp>
#include <carousel/tasks/mnist/drawn_digits.hpp>

namespace carousel {

/// What the help says of it.
inline constexpr const char* own_digit_help =
    "a picture becomes grey, light ink on black by what its edge shows as background, what is fainter than a fifth of the "
    "darkest "
    "ink is left out, the box around the ink is scaled to 20 x 20 pixels with its shape kept, and its centre of mass is put in "
    "the middle of 28 x 28; one of 28 x 28 on black is read as it is";

/// Puts a digit into the form that LeCun, Cortes, Burges 1998, "The MNIST database of handwritten digits", describe:
///  1. The background is the median of the edge. Ink is how far a pixel is from that, in either direction: 255 for the furthest;
///     what is below a fifth of it is paper.
///  2. The box around the ink is scaled, its shape kept, so that its longer side has 20 pixels, which are means of those that
///  they
///     cover; again the most is 255.
///  3. It is put into an image of 28 x 28 so that its centre of mass lies in the middle, at pixel 14, as far as it stays inside.
/// An image of 28 x 28 pixels with a black edge has that form already and is taken as it is.
///
/// There should be one digit, on a plain background. Throws std::runtime_error, `read NAME: …`, for an image of a single colour,
/// and for lines so thin that nothing is left of them.
///   result: [image_size], 0 paper, 255 ink
std::vector<std::uint8_t> own_digit(const GreyImage& image, const std::string& name);

}  // namespace carousel
