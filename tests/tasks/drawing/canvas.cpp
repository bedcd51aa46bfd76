#include <carousel/tasks/drawing/canvas.hpp>

#include <cmath>
#include <vector>

#include <doctest/doctest.h>

using namespace carousel;

namespace {

constexpr Colour red{255, 0, 0}, blue{0, 0, 255};

/// How many pixels of a box are not paper.
Index painted(const Canvas& canvas, Index x0, Index y0, Index x1, Index y1) {
  Index count = 0;
  for (Index y = y0; y < y1; ++y)
    for (Index x = x0; x < x1; ++x) count += canvas.image().at(y, x) != paper;
  return count;
}

}  // namespace

TEST_CASE("fields cover what is there and nothing beside it, and may reach over the edge") {
  Canvas canvas(20, 10);
  canvas.field(2, 3, 4, 2, red);
  CHECK(painted(canvas, 0, 0, 20, 10) == 8);
  CHECK(canvas.image().at(3, 2) == red);
  canvas.field(5, 4, 100, 100, blue);
  CHECK(canvas.image().at(4, 5) == blue);
  CHECK(canvas.image().at(4, 4) == red);
  CHECK(canvas.image().at(9, 19) == blue);
}

TEST_CASE("a line goes through its points, over the edge too, and is broken where there is none") {
  Canvas canvas(20, 10);
  const std::vector<Canvas::Point> across = {{-5, 8.5}, {7, 8.5}, {30, 8.5}};
  canvas.line(across, {.colour = red});
  for (Index x = 0; x < 20; ++x) CHECK(canvas.image().at(8, x) == red);
  CHECK(painted(canvas, 0, 0, 20, 8) == 0);
  const std::vector<Canvas::Point> broken = {{2, 2.5}, {6, 2.5}, {NAN, 2.5}, {12, 2.5}, {18, 2.5}};
  canvas.line(broken, {.colour = blue});
  CHECK(canvas.image().at(2, 4) == blue);
  CHECK(canvas.image().at(2, 15) == blue);
  CHECK(painted(canvas, 8, 0, 11, 6) == 0);
}

TEST_CASE("a line that turns back on itself is not darker, and a point alone is a dot") {
  const std::vector<Canvas::Point> once = {{3, 5}, {15, 5}}, twice = {{3, 5}, {15, 5}, {3, 5}};
  Canvas one(20, 10), two(20, 10);
  one.line(once, {.colour = red});  // on the edge of two rows: half of each
  two.line(twice, {.colour = red});
  CHECK(one.image().pixels == two.image().pixels);
  CHECK(one.image().at(5, 8).green == doctest::Approx(128).epsilon(0.02));
  Canvas dots(20, 10);
  const std::vector<Canvas::Point> alone = {{NAN, 0}, {10.5, 5.5}, {12, NAN}};
  dots.line(alone, {.colour = red, .dashed = true});
  CHECK(dots.image().at(5, 10) == red);
  CHECK(painted(dots, 0, 0, 20, 10) < 40);
}

TEST_CASE("dashes leave gaps, and go on around corners") {
  Canvas straight(100, 3), bent(100, 3);
  const std::vector<Canvas::Point> ends = {{0, 1.5}, {100, 1.5}};
  std::vector<Canvas::Point> many;
  for (int x = 0; x <= 100; ++x) many.push_back({static_cast<double>(x), 1.5});
  straight.line(ends, {.colour = red, .dashed = true});
  bent.line(many, {.colour = red, .dashed = true});
  CHECK(painted(straight, 0, 1, 100, 2) > 50);
  CHECK(painted(straight, 0, 1, 100, 2) < 85);
  CHECK(bent.image().pixels == straight.image().pixels);
}

TEST_CASE("words take room and are drawn where they are aligned") {
  Canvas canvas(200, 30);
  const double width = width_of("σ(z)", 12);
  CHECK(width > 15);
  CHECK(width < 40);
  CHECK(width_of("σ(z)σ(z)", 12) == doctest::Approx(2 * width));
  canvas.text(200, 20, "σ(z)", 12, Canvas::Align::end, red);
  CHECK(painted(canvas, 150, 0, 200, 30) > 20);
  CHECK(painted(canvas, 0, 0, 150, 30) == 0);
}

TEST_CASE("the bars of a norm stand apart") {
  Canvas canvas(40, 30);
  canvas.text(10, 20, "‖", 13);
  Index bars = 0;
  for (Index x = 1; x < 40; ++x) {
    const auto dark = [&](Index column) { return canvas.image().at(15, column).green < 160; };
    bars += dark(x) && !dark(x - 1);
  }
  CHECK(bars == 2);
}
