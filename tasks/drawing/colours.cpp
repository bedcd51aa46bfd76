#include <carousel/tasks/drawing/colours.hpp>

#include <algorithm>
#include <cmath>
#include <span>

namespace carousel {

namespace {

// As in tasks/report: page.css has those of lines, fields.js the others.
constexpr Colour of_lines[line_colours] = {{0x8a, 0x8a, 0x8a}, {0x00, 0x72, 0xb2}, {0xd5, 0x5e, 0x00}, {0x00, 0x9e, 0x73},
                                           {0xcc, 0x79, 0xa7}, {0x7a, 0x51, 0x95}, {0xb8, 0x86, 0x0b}, {0x3f, 0x6f, 0x8f}};
constexpr Colour dark_to_bright[] = {{68, 1, 84},    {65, 68, 135},  {42, 120, 142}, {34, 168, 132},
                                     {122, 209, 81}, {189, 223, 38}, {253, 231, 37}};
constexpr Colour blue_to_orange[] = {{0, 90, 160}, {120, 178, 220}, {255, 255, 255}, {240, 170, 110}, {200, 80, 0}};
constexpr Colour not_finite{208, 208, 208};

/// The colour at a place, from 0 to 1, between equally distant ones.
Colour between(std::span<const Colour> stops, double place) {
  const double at = place * static_cast<double>(stops.size() - 1);
  const auto k = std::min(static_cast<std::size_t>(at), stops.size() - 2);
  const auto mixed = [&](std::uint8_t Colour::*part) {
    const double from = stops[k].*part, to = stops[k + 1].*part;
    return static_cast<std::uint8_t>(std::lround(from + (at - static_cast<double>(k)) * (to - from)));
  };
  return {mixed(&Colour::red), mixed(&Colour::green), mixed(&Colour::blue)};
}

}  // namespace

Colour line_colour(std::size_t number) {
  return of_lines[number % line_colours];
}

bool ColourScale::two_sided() const {
  return low < 0 && std::abs(low + high) < 1e-9;
}

Colour ColourScale::operator()(double value) const {
  if (!std::isfinite(value)) return not_finite;
  double place = high > low ? std::clamp((value - low) / (high - low), 0.0, 1.0) : 0.0;
  place = std::round(60 * place) / 60;  // all stops of both scales are sixtieths
  return two_sided() ? between(blue_to_orange, place) : between(dark_to_bright, place);
}

Colour ink_on(Colour colour) {
  const double bright = 0.299 * colour.red + 0.587 * colour.green + 0.114 * colour.blue;  // ITU-R BT.601
  return bright > 140 ? Colour{17, 17, 17} : Colour{245, 245, 245};
}

}  // namespace carousel
