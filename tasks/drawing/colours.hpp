#pragma once
/// The colours of pictures: those of the report's light page (tasks/report), so that a picture and a page look alike.

#include <cstddef>

#include <carousel/tasks/drawing/image.hpp>

namespace carousel {

inline constexpr Colour paper{255, 255, 255}, ink{29, 33, 38}, soft_ink{91, 99, 109}, grid{227, 229, 232};

/// So many lines have a colour of their own.
inline constexpr std::size_t line_colours = 8;

/// Of a line by the number of its colour, see Chart::colour_of(); the ninth has the first again.
Colour line_colour(std::size_t number);

/// The colours of numbers in a field. Where low = −high, numbers below 0 are blue, those above orange, and 0 is white. Else they
/// go evenly from dark to bright, by viridis (Smith & van der Walt 2015). Numbers outside have the first or the last colour, what
/// is not finite is grey. They are a sixtieth of the scale apart: hardly an eye tells that, and a PNG of few colours is small.
struct ColourScale {
  double low, high;

  bool two_sided() const;
  Colour operator()(double value) const;
};

/// Black or white, whichever is easier to read on that.
Colour ink_on(Colour colour);

}  // namespace carousel
