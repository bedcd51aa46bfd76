#pragma once
/// Fields, lines and words on an image in colours.

#include <span>
#include <string>
#include <vector>

#include <carousel/tasks/drawing/colours.hpp>

namespace carousel {

/// How wide a word is, in pixels. Letters are those of DejaVu Sans; without that font all words are 0 wide, and none is drawn.
double width_of(const std::string& words, double size);

/// An image to draw on, of white paper at first; what comes later covers what is there. Places are in pixels from the upper left
/// corner; what lies outside is not drawn.
class Canvas {
 public:
  Canvas(Index width, Index height);

  const ColourImage& image() const { return image_; }

  void field(double x, double y, double width, double height, Colour colour);
  struct Point {
    double x, y;
  };
  struct Pen {
    Colour colour = ink;
    double width = 1;
    bool dashed = false;
  };
  /// Through points, broken where one is not finite; a point without a neighbour is a dot.
  void line(std::span<const Point> points, const Pen& pen);
  /// A word whose base line is at y and that ends at x, is in the middle of it, or begins there.
  enum class Align { begin, middle, end };
  void text(double x, double y, const std::string& words, double size, Align align = Align::begin, Colour colour = ink);

 private:
  void mix(Index x, Index y, Colour colour, double share);

  ColourImage image_;
};

}  // namespace carousel
