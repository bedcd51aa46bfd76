#pragma once
/// Lines, fields and words on an image in grey.

#include <memory>
#include <string>

#include <carousel/tasks/grey_image.hpp>

namespace carousel {

/// An image to draw on; whatever is drawn darkens it, so that the order does not matter. Places are in pixels from the upper left
/// corner, shades from 0, the paper's white, to 1, black.
class Canvas {
 public:
  Canvas(Index width, Index height);
  ~Canvas();

  const GreyImage& image() const { return image_; }

  void field(double x, double y, double width, double height, double shade);
  void line(double x0, double y0, double x1, double y1, double width, double shade);
  /// A word whose base line is at y and that ends at x, is in the middle of it, or begins there.
  enum class Align { begin, middle, end };
  void text(double x, double y, const std::string& words, double size, Align align = Align::begin, double shade = 1);
  /// How wide that word is; 0 without a font.
  double width_of(const std::string& words, double size);

 private:
  struct Font;

  void darken(Index x, Index y, double shade);

  GreyImage image_;
  std::unique_ptr<Font> font_;  // none: there is none
};

}  // namespace carousel
