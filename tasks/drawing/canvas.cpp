#include <carousel/tasks/drawing/canvas.hpp>

#include <ft2build.h>
#include FT_FREETYPE_H

#include <algorithm>
#include <cmath>

namespace carousel {

namespace {

constexpr const char* font_file = "/usr/share/fonts/truetype/dejavu/DejaVuSans.ttf";

/// The characters of UTF-8; of what is none, its bytes.
std::vector<FT_ULong> characters_of(const std::string& text) {
  std::vector<FT_ULong> all;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if ((byte & 0xC0) != 0x80 || all.empty())
      all.push_back(byte < 0x80 ? byte : byte & (byte < 0xE0 ? 0x1FU : byte < 0xF0 ? 0x0FU : 0x07U));
    else
      all.back() = all.back() << 6 | (byte & 0x3FU);
  }
  return all;
}

class Font {
 public:
  static Font& the() {
    static Font font;
    return font;
  }

  /// Calls f(drawn glyph, where its left edge lies) for each character; returns the width of all.
  template <class F>
  double each(const std::string& words, double size, const F& f) {
    if (!face_) return 0;
    double x = 0;
    FT_Set_Char_Size(face_, 0, static_cast<FT_F26Dot6>(size * 64), 72, 72);
    for (const FT_ULong character : characters_of(words)) {
      // Strokes lie on whole pixels: else the two bars of a small ‖ run together.
      if (FT_Load_Char(face_, character, FT_LOAD_RENDER | FT_LOAD_FORCE_AUTOHINT) != 0) continue;
      f(face_->glyph, x);
      x += static_cast<double>(face_->glyph->advance.x) / 64;
    }
    return x;
  }

  Font(const Font&) = delete;
  Font& operator=(const Font&) = delete;

 private:
  Font() {
    if (FT_Init_FreeType(&library_) == 0) FT_New_Face(library_, font_file, 0, &face_);
  }
  ~Font() {
    if (face_) FT_Done_Face(face_);
    if (library_) FT_Done_FreeType(library_);
  }

  FT_Library library_ = nullptr;
  FT_Face face_ = nullptr;  // none: there is no such file
};

/// What a pen draws without being lifted; both ends in one place: a dot.
struct Piece {
  Canvas::Point from, to;
};

Canvas::Point along(const Piece& piece, double part) {
  return {piece.from.x + part * (piece.to.x - piece.from.x), piece.from.y + part * (piece.to.y - piece.from.y)};
}

std::vector<Piece> pieces_of(std::span<const Canvas::Point> points) {
  const auto there = [&](std::size_t i) { return i < points.size() && std::isfinite(points[i].x) && std::isfinite(points[i].y); };
  std::vector<Piece> pieces;
  for (std::size_t i = 0; i < points.size(); ++i) {
    if (!there(i)) continue;
    if (there(i + 1))
      pieces.push_back({points[i], points[i + 1]});
    else if (i == 0 || !there(i - 1))
      pieces.push_back({points[i], points[i]});
  }
  return pieces;
}

/// The pieces cut into dashes, which go on from one piece to the next.
std::vector<Piece> dashed(const std::vector<Piece>& pieces) {
  constexpr double dash = 7, gap = 5;
  std::vector<Piece> dashes;
  double at = 0;  // since the last dash began
  for (const Piece& piece : pieces) {
    const double length = std::hypot(piece.to.x - piece.from.x, piece.to.y - piece.from.y);
    if (length == 0) dashes.push_back(piece);
    for (double done = 0; done < length;) {
      const double step = std::min((at < dash ? dash : dash + gap) - at, length - done);
      if (at < dash) dashes.push_back({along(piece, done / length), along(piece, (done + step) / length)});
      done += step, at += step;
      if (at >= dash + gap - 1e-9) at = 0;
    }
  }
  return dashes;
}

}  // namespace

double width_of(const std::string& words, double size) {
  return Font::the().each(words, size, [](FT_GlyphSlot, double) {});
}

Canvas::Canvas(Index width, Index height)
    : image_{.height = height, .width = width, .pixels = std::vector<Colour>(static_cast<std::size_t>(width * height), paper)} {}

void Canvas::mix(Index x, Index y, Colour colour, double share) {
  if (x < 0 || y < 0 || x >= image_.width || y >= image_.height) return;
  share = std::round(share * 16) / 16;  // few colours make small files
  Colour& pixel = image_.pixels[static_cast<std::size_t>(y * image_.width + x)];
  for (std::uint8_t Colour::*part : {&Colour::red, &Colour::green, &Colour::blue})
    pixel.*part = static_cast<std::uint8_t>(std::lround(pixel.*part + share * (colour.*part - pixel.*part)));
}

void Canvas::field(double x, double y, double width, double height, Colour colour) {
  for (Index row = std::lround(y); row < std::lround(y + height); ++row)
    for (Index column = std::lround(x); column < std::lround(x + width); ++column) mix(column, row, colour, 1);
}

void Canvas::line(std::span<const Point> points, const Pen& pen) {
  // How much of each pixel is covered by any piece: where pieces meet, paint is not to be laid on twice.
  std::vector<float> covered(image_.pixels.size());
  std::vector<Piece> pieces = pieces_of(points);
  if (pen.dashed) pieces = dashed(pieces);
  for (const Piece& piece : pieces) {
    const double dx = piece.to.x - piece.from.x, dy = piece.to.y - piece.from.y, square = dx * dx + dy * dy;
    const double radius = square > 0 ? pen.width / 2 : std::max(2.5, pen.width / 2), reach = radius + 1;
    const auto first = [&](double a, double b) { return static_cast<Index>(std::floor(std::max(0.0, std::min(a, b) - reach))); };
    const auto last = [&](double a, double b, Index most) {
      return static_cast<Index>(std::ceil(std::min(static_cast<double>(most - 1), std::max(a, b) + reach)));
    };
    for (Index row = first(piece.from.y, piece.to.y); row <= last(piece.from.y, piece.to.y, image_.height); ++row)
      for (Index column = first(piece.from.x, piece.to.x); column <= last(piece.from.x, piece.to.x, image_.width); ++column) {
        const double x = static_cast<double>(column) + 0.5 - piece.from.x, y = static_cast<double>(row) + 0.5 - piece.from.y;
        const double t = square > 0 ? std::clamp((x * dx + y * dy) / square, 0.0, 1.0) : 0;
        float& here = covered[static_cast<std::size_t>(row * image_.width + column)];
        here = std::max(here, static_cast<float>(std::clamp(radius + 0.5 - std::hypot(x - t * dx, y - t * dy), 0.0, 1.0)));
      }
  }
  for (Index row = 0; row < image_.height; ++row)
    for (Index column = 0; column < image_.width; ++column)
      if (const float share = covered[static_cast<std::size_t>(row * image_.width + column)]; share > 0)
        mix(column, row, pen.colour, static_cast<double>(share));
}

void Canvas::text(double x, double y, const std::string& words, double size, Align align, Colour colour) {
  if (align != Align::begin) x -= width_of(words, size) / (align == Align::middle ? 2 : 1);
  Font::the().each(words, size, [&](FT_GlyphSlot glyph, double at) {
    const FT_Bitmap& bitmap = glyph->bitmap;
    const Index left = std::lround(x + at) + glyph->bitmap_left, top = std::lround(y) - glyph->bitmap_top;
    for (Index row = 0; row < static_cast<Index>(bitmap.rows); ++row)
      for (Index column = 0; column < static_cast<Index>(bitmap.width); ++column)
        if (const unsigned char share = bitmap.buffer[row * bitmap.pitch + column]; share > 0)
          mix(left + column, top + row, colour, share / 255.0);
  });
}

}  // namespace carousel
