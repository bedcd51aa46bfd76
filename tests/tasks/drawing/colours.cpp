#include <carousel/tasks/drawing/colours.hpp>

#include <cmath>
#include <limits>
#include <string>

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <carousel/tasks/report/report.hpp>

#include "tests/support/folder.hpp"

using namespace carousel;

TEST_CASE("a one-sided scale goes evenly from dark to bright") {
  const ColourScale scale{0, 1};
  CHECK(scale(0) == Colour{68, 1, 84});
  CHECK(scale(0.5) == Colour{34, 168, 132});
  CHECK(scale(1) == Colour{253, 231, 37});
  CHECK(scale(-7) == scale(0));
  CHECK(scale(7) == scale(1));
  const auto brightness = [](Colour c) { return 0.2126 * c.red + 0.7152 * c.green + 0.0722 * c.blue; };
  for (int n = 1; n <= 60; ++n) CHECK(brightness(scale(n / 60.0)) > brightness(scale((n - 1) / 60.0)));
}

TEST_CASE("a two-sided scale is white at 0, blue below and orange above") {
  const ColourScale scale{-2, 2};
  CHECK(scale.two_sided());
  CHECK(scale(0) == paper);
  CHECK(scale(-2) == Colour{0, 90, 160});
  CHECK(scale(2) == Colour{200, 80, 0});
  CHECK(scale(-1).blue > scale(-1).red);
  CHECK(scale(1).red > scale(1).blue);
  CHECK_FALSE(ColourScale{-1, 2}.two_sided());
  CHECK_FALSE(ColourScale{0, 0}.two_sided());
}

TEST_CASE("what is not finite is grey, and a scale without extent has one colour") {
  for (const double value : {std::nan(""), std::numeric_limits<double>::infinity()})
    for (const ColourScale scale : {ColourScale{0, 1}, ColourScale{-1, 1}}) CHECK(scale(value) == Colour{208, 208, 208});
  CHECK(ColourScale{3, 3}(3) == ColourScale{0, 1}(0));
}

TEST_CASE("words on a field are dark where it is bright") {
  CHECK(ink_on(ColourScale{0, 1}(1)).red < 60);
  CHECK(ink_on(ColourScale{0, 1}(0)).red > 200);
  CHECK(ink_on(paper).red < 60);
}

TEST_CASE("pictures have the colours of the report") {
  const test::Folder folder;
  test::write_text(folder / "views.json", "{}");
  const std::string page = report_page(folder / "");
  const auto stops = [](const ColourScale& scale, int count) {
    std::string text;
    for (int n = 0; n < count; ++n) {
      const Colour c = scale(scale.low + (scale.high - scale.low) * n / (count - 1));
      text += fmt::format("{}[{}, {}, {}]", n > 0 ? ", " : "", c.red, c.green, c.blue);
    }
    return "[" + text + "]";
  };
  CHECK(page.find(stops({0, 1}, 7)) != std::string::npos);
  CHECK(page.find(stops({-1, 1}, 5)) != std::string::npos);
  const auto css = [](Colour c) { return fmt::format("#{:02x}{:02x}{:02x}", c.red, c.green, c.blue); };
  std::string lines;
  for (std::size_t n = 0; n < 8; ++n) lines += fmt::format(" --c{}: {};", n, css(line_colour(n)));
  CHECK(page.find(lines + "\n  color-scheme: light") != std::string::npos);
  CHECK(page.find(fmt::format("--ink: {}; --soft: {}; --grid: {};", css(ink), css(soft_ink), css(grid))) != std::string::npos);
  CHECK(line_colour(line_colours) == line_colour(0));
}
