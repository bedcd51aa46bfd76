#include <carousel/tasks/canvas.hpp>

#include <ft2build.h>
#include FT_FREETYPE_H

#include <algorithm>
#include <cmath>
#include <vector>

#include <carousel/lib/error.hpp>

namespace carousel {

namespace {

constexpr const char* font_file = "/usr/share/fonts/truetype/dejavu/DejaVuSans.ttf";

/// The characters of UTF-8; of what is none, its bytes.
std::vector<FT_ULong> characters_of(const std::string& text) {
  std::vector<FT_ULong> all;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto byte = static_cast<unsigned char>(text[i]);
    if ((byte & 0xC0) != 0x80 || all.empty())
      all.push_back(byte < 0x80 ? byte : byte & (byte < 0xE0 ? 0x1FU : byte < 0xF0 ? 0x0FU : 0x07U));
    else
      all.back() = all.back() << 6 | (byte & 0x3FU);
  }
  return all;
}

}  // namespace

struct Canvas::Font {
  FT_Library library = nullptr;
  FT_Face face = nullptr;

  Font() {
    if (FT_Init_FreeType(&library) == 0) FT_New_Face(library, font_file, 0, &face);
  }
  ~Font() {
    if (face) FT_Done_Face(face);
    if (library) FT_Done_FreeType(library);
  }
  Font(const Font&) = delete;
  Font& operator=(const Font&) = delete;

  /// Calls f(drawn glyph, where its left edge lies) for each character; returns the width of all.
  template <class F>
  double each(const std::string& words, double size, const F& f) {
    double x = 0;
    FT_Set_Char_Size(face, 0, static_cast<FT_F26Dot6>(size * 64), 72, 72);
    for (const FT_ULong character : characters_of(words)) {
      if (FT_Load_Char(face, character, FT_LOAD_RENDER | FT_LOAD_NO_HINTING) != 0) continue;
      f(face->glyph, x);
      x += static_cast<double>(face->glyph->advance.x) / 64;
    }
    return x;
  }
};

Canvas::Canvas(Index width, Index height)
    : image_{.height = height,
             .width = width,
             .pixels = std::vector<std::uint8_t>(static_cast<std::size_t>(width * height), 255)},
      font_(std::make_unique<Font>()) {
  if (!font_->face) font_.reset();
}
Canvas::~Canvas() = default;

void Canvas::darken(Index x, Index y, double shade) {
  if (x < 0 || y < 0 || x >= image_.width || y >= image_.height) return;
  std::uint8_t& pixel = image_.pixels[static_cast<std::size_t>(y * image_.width + x)];
  pixel = std::min(pixel, static_cast<std::uint8_t>(std::lround(255 * (1 - std::clamp(shade, 0.0, 1.0)))));
}

void Canvas::field(double x, double y, double width, double height, double shade) {
  for (Index row = std::lround(y); row < std::lround(y + height); ++row)
    for (Index column = std::lround(x); column < std::lround(x + width); ++column) darken(column, row, shade);
}

void Canvas::line(double x0, double y0, double x1, double y1, double width, double shade) {
  const double dx = x1 - x0, dy = y1 - y0, square = dx * dx + dy * dy, reach = width / 2 + 1;
  const auto first = [](double a, double b, double r) { return static_cast<Index>(std::floor(std::min(a, b) - r)); };
  const auto last = [](double a, double b, double r) { return static_cast<Index>(std::ceil(std::max(a, b) + r)); };
  for (Index row = std::max<Index>(0, first(y0, y1, reach)); row <= std::min(image_.height - 1, last(y0, y1, reach)); ++row)
    for (Index column = std::max<Index>(0, first(x0, x1, reach)); column <= std::min(image_.width - 1, last(x0, x1, reach));
         ++column) {
      const double px = static_cast<double>(column) + 0.5 - x0, py = static_cast<double>(row) + 0.5 - y0;
      const double t = square > 0 ? std::clamp((px * dx + py * dy) / square, 0.0, 1.0) : 0;
      const double covered = width / 2 + 0.5 - std::hypot(px - t * dx, py - t * dy);
      if (covered > 0) darken(column, row, shade * std::min(1.0, covered));
    }
}

double Canvas::width_of(const std::string& words, double size) {
  return font_ ? font_->each(words, size, [](FT_GlyphSlot, double) {}) : 0;
}

void Canvas::text(double x, double y, const std::string& words, double size, Align align, double shade) {
  if (!font_) return;
  if (align != Align::begin) x -= width_of(words, size) / (align == Align::middle ? 2 : 1);
  font_->each(words, size, [&](FT_GlyphSlot glyph, double at) {
    const FT_Bitmap& bitmap = glyph->bitmap;
    const Index left = std::lround(x + at) + glyph->bitmap_left, top = std::lround(y) - glyph->bitmap_top;
    for (Index row = 0; row < static_cast<Index>(bitmap.rows); ++row)
      for (Index column = 0; column < static_cast<Index>(bitmap.width); ++column)
        darken(left + column, top + row, shade * bitmap.buffer[row * bitmap.pitch + column] / 255);
  });
}

}  // namespace carousel
