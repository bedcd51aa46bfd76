#include <carousel/tasks/picture.hpp>

#include <cmath>
#include <filesystem>
#include <stdexcept>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include <carousel/tasks/canvas.hpp>

#include "tests/lib/folder.hpp"

using namespace carousel;

namespace {

/// How many pixels of a box are darker than a grey.
Index darker(const GreyImage& image, Index x0, Index y0, Index x1, Index y1, int than = 128) {
  Index count = 0;
  for (Index y = y0; y < y1; ++y)
    for (Index x = x0; x < x1; ++x) count += image.at(y, x) < than;
  return count;
}

View heat_map(std::vector<double> values, std::size_t width) {
  return {.title = "where",
          .look_for = "",
          .what = view::HeatMap{.x_name = "x", .y_name = "y", .width = width, .values = std::move(values)}};
}

}  // namespace

TEST_CASE("fields and lines darken what they cover and nothing beside it, and may reach over the edge") {
  Canvas canvas(20, 10);
  canvas.field(2, 3, 4, 2, 1);
  CHECK(darker(canvas.image(), 2, 3, 6, 5) == 8);
  CHECK(darker(canvas.image(), 0, 0, 20, 10, 255) == 8);
  canvas.line(-5, 8.5, 30, 8.5, 1, 1);
  for (Index x = 0; x < 20; ++x) CHECK(canvas.image().at(8, x) == 0);
  CHECK(darker(canvas.image(), 0, 0, 20, 3, 255) == 0);
  canvas.field(2, 3, 4, 2, 0.5);  // what is dark stays so
  CHECK(canvas.image().at(3, 2) == 0);
  canvas.line(7, 1, 7, 1, 1, 0.5);  // a point
  CHECK(darker(canvas.image(), 6, 0, 9, 3, 255) > 0);
}

TEST_CASE("words take room and are drawn where they are aligned") {
  Canvas canvas(200, 30);
  const double width = canvas.width_of("σ(z)", 12);
  CHECK(width > 15);
  CHECK(width < 40);
  CHECK(canvas.width_of("σ(z)σ(z)", 12) == doctest::Approx(2 * width));
  canvas.text(200, 20, "σ(z)", 12, Canvas::Align::end);
  CHECK(darker(canvas.image(), 150, 0, 200, 30) > 20);
  CHECK(darker(canvas.image(), 0, 0, 150, 30, 255) == 0);
}

TEST_CASE("a chart shows its lines from the lowest number to the highest, broken where there is none") {
  Chart chart{.title = "",
              .x_name = "x",
              .y_name = "y",
              .lines = {{.name = "a", .x = {0, 1, 2, 3, 4}, .y = {1, 1, NAN, 1, 1}}, {.name = "b", .x = {0, 4}, .y = {0, 0}}}};
  const GreyImage image = picture({.title = "t", .look_for = "", .what = chart});
  CHECK(image.width == 720);
  // Line b lies on the axis at the bottom; line a, the lighter one, at the top, with a gap in the middle.
  CHECK(darker(image, 64, 54, 706, 58, 200) > 600);
  CHECK(darker(image, 300, 54, 460, 58, 200) == 0);
  CHECK(darker(image, 64, 315, 706, 319, 60) > 1000);
  chart.lines[1].y = {NAN, -1};
  chart.log_y = true;
  CHECK(darker(picture({.title = "t", .look_for = "", .what = chart}), 64, 315, 706, 319, 60) == 0);
  chart.lines = {};
  CHECK(picture({.title = "t", .look_for = "", .what = chart}).pixels.size() == image.pixels.size());
  chart.lines = {{.name = "a", .x = {0, 1}, .y = {1}}};
  CHECK_THROWS_WITH_AS(picture({.title = "t", .look_for = "", .what = chart}), "picture: line a has 2 x and 1 y: must be as many",
                       std::invalid_argument);
}

TEST_CASE("a heat map is dark where numbers are high, and averages what is smaller than a pixel") {
  const GreyImage image = picture(heat_map({0, 1, 0.5, 0}, 2));
  const auto shade = [&](Index row, Index column) { return image.at(60 + 26 * row + 13, 90 + 26 * column + 13); };
  CHECK(shade(0, 0) == 255);
  CHECK(shade(0, 1) == 0);
  CHECK(shade(1, 0) == doctest::Approx(128).epsilon(0.01));
  CHECK(shade(1, 1) == 255);
  std::vector<double> stripes(2000 * 40);  // of 0 and 1, two to a pixel at least
  for (std::size_t i = 0; i < stripes.size(); ++i) stripes[i] = static_cast<double>(i % 2);
  const GreyImage fine = picture(heat_map(stripes, 2000));
  CHECK(fine.width <= 720);
  CHECK(fine.at(65, 300) > 60);
  CHECK(fine.at(65, 300) < 200);
  CHECK_THROWS_AS(picture(heat_map({1, 2, 3}, 2)), std::invalid_argument);
}

TEST_CASE("gates lie above each other with what was read beneath, and must have a number for each unit and step") {
  view::Gates gates{.input = {"a", "b"},
                    .maps = {{.name = "i", .place = "layer 1", .units = 1, .values = {0, 1}},
                             {.name = "c", .place = "layer 1", .units = 2, .values = {-1, -1, 1, -1}, .low = -1, .high = 1}}};
  const GreyImage image = picture({.title = "gates", .look_for = "", .what = gates});
  CHECK(image.at(60, 200) == 255);  // i in step a
  CHECK(image.at(60, 600) == 0);    // and b
  CHECK(image.at(105, 600) == 0);   // the first unit of c
  CHECK(image.at(135, 600) == 255);
  gates.maps[0].units = 2;
  CHECK_THROWS_WITH_AS(picture({.title = "gates", .look_for = "", .what = gates}),
                       "picture: i has 2 numbers for 2 units in 2 steps", std::invalid_argument);
}

TEST_CASE("the pictures of a run are numbered files of its views, and take the place of those from before") {
  const test::Folder folder;
  Views views;
  views.add("A table", "", view::Table{});
  views.all.push_back(heat_map({0, 1}, 2));
  views.all.back().title = "Truth / prediction: 40 % wrong!";
  write_pictures(folder / "", views);
  CHECK(read_png(folder / "pictures/2-truth-prediction-40-wrong.png").width == 400);
  views.all.pop_back();
  write_pictures(folder / "", views);
  CHECK_FALSE(std::filesystem::exists(folder / "pictures"));
}

TEST_CASE("pictures of the user's that lie in the folder of a run stay") {
  const test::Folder folder;
  std::filesystem::create_directories(folder / "pictures/2-album.png");  // a folder of that name
  const std::vector<std::string> kept = {"pictures/me.png",   "pictures/-a.png",  "pictures/2024.png",
                                         "pictures/1-Me.png", "pictures/1-a.jpg", "pictures/2-album.png/me.png"};
  for (const std::string& name : kept) test::write_text(folder / name, "mine");
  test::write_text(folder / "pictures/3-old.png", "from before");
  Views views;
  views.all.push_back(heat_map({0, 1}, 2));
  views.all.back().title = "New";
  write_pictures(folder / "", views);
  for (const std::string& name : kept) CHECK(std::filesystem::exists(folder / name));
  CHECK_FALSE(std::filesystem::exists(folder / "pictures/3-old.png"));
  CHECK(std::filesystem::exists(folder / "pictures/1-new.png"));
  write_pictures(folder / "", Views());
  for (const std::string& name : kept) CHECK(std::filesystem::exists(folder / name));
}
