#include <carousel/tasks/drawing/picture.hpp>

#include <cmath>
#include <filesystem>
#include <set>
#include <stdexcept>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include <carousel/tasks/drawing/colours.hpp>
#include <carousel/tasks/drawing/picture_parts.hpp>

#include "tests/support/folder.hpp"

using namespace carousel;

namespace {

/// How many pixels of a box are of a colour.
Index count(const ColourImage& image, Colour colour, Index x0 = 0, Index y0 = 0, Index x1 = 10000, Index y1 = 10000) {
  Index found = 0;
  for (Index y = y0; y < std::min(y1, image.height); ++y)
    for (Index x = x0; x < std::min(x1, image.width); ++x) found += image.at(y, x) == colour;
  return found;
}

View heat_map(std::vector<double> values, std::size_t width, double low = 0) {
  return {.title = "where",
          .look_for = "",
          .what = view::HeatMap{.x_name = "x", .y_name = "y", .width = width, .values = std::move(values), .low = low}};
}

/// The least and the greatest row with pixels of a colour.
std::pair<Index, Index> rows_of(const ColourImage& image, Colour colour, Index x0, Index x1) {
  Index first = -1, last = -1;
  for (Index y = 0; y < image.height; ++y)
    if (count(image, colour, x0, y, x1, y + 1) > 0) first = first < 0 ? y : first, last = y;
  return {first, last};
}

}  // namespace

TEST_CASE("a chart shows its lines in colours of their own, broken where there is no number, with a legend") {
  Chart chart{.title = "",
              .x_name = "x",
              .y_name = "y",
              .lines = {{.name = "a", .x = {0, 1, 2, 3, 4}, .y = {1, 1, NAN, 1, 1}}, {.name = "b", .x = {0, 4}, .y = {0, 0}}}};
  const auto draw = [&] { return picture({.title = "t", .look_for = "", .what = chart}); };
  const ColourImage image = draw();
  const Colour a = line_colour(0), b = line_colour(1);
  CHECK(image.width == 720);
  CHECK(count(image, a, 60, 60) > 250);  // below the legend
  CHECK(count(image, b, 60, 60) > 600);
  CHECK(count(image, a, 350, 60, 410) == 0);  // the gap
  CHECK(rows_of(image, a, 60, 300).second < rows_of(image, b, 60, 300).second);
  CHECK(count(image, a, 0, 30, 720, 60) > 20);  // a piece of it stands before its name
  CHECK(count(image, b, 0, 30, 720, 60) > 20);
  chart.lines[1].y = {NAN, -1};
  chart.log_y = true;
  CHECK(count(draw(), b, 60, 60) == 0);
  chart.lines = {};
  CHECK(draw().width == 720);
  chart.lines = {{.name = "a", .x = {0, 1}, .y = {1}}};
  CHECK_THROWS_WITH_AS(draw(), "picture: line a has 2 x and 1 y: must be as many", std::invalid_argument);
}

TEST_CASE("a legend takes as many rows as it needs, and lines of one number are of one colour") {
  Chart chart{.title = "", .x_name = "x", .y_name = "y", .lines = {}};
  const auto height = [&] { return picture({.title = "t", .look_for = "", .what = chart}).height; };
  for (int n = 0; n < 3; ++n) chart.lines.push_back({.name = "a line with a long name", .x = {0, 1}, .y = {0, 1}, .colour = 3});
  const ColourImage image = picture({.title = "t", .look_for = "", .what = chart});
  CHECK(count(image, line_colour(3)) > 100);
  CHECK(count(image, line_colour(1)) == 0);
  for (int n = 0; n < 10; ++n) chart.lines.push_back(chart.lines.front());
  CHECK(height() > image.height + 40);
}

TEST_CASE("an axis of one number, and a logarithmic one of less than a decade, can be drawn") {
  Chart chart{.title = "", .x_name = "x", .y_name = "y", .lines = {{.name = "a", .x = {3}, .y = {0.5}}}};
  CHECK(count(picture({.title = "t", .look_for = "", .what = chart}), line_colour(1), 60, 60) > 10);  // a dot
  chart.log_y = true;
  chart.lines = {{.name = "a", .x = {0, 1}, .y = {0.4, 0.6}}};
  CHECK(count(picture({.title = "t", .look_for = "", .what = chart}), grid, 200, 60, 201) > 0);  // a line at 0.5
  chart.lines = {{.name = "a", .x = {0, 1}, .y = {2.2, 4.4}}};                                   // without 1, 2, 5 between
  CHECK(count(picture({.title = "t", .look_for = "", .what = chart}), grid, 200, 60, 201) > 1);
}

TEST_CASE("a heat map goes from dark to bright, averages what is smaller than a pixel, and has a key") {
  const ColourImage image = picture(heat_map({0, 1, 0.5, 0}, 2));
  const ColourScale scale{0, 1};
  const auto field = [&](Index row, Index column) { return image.at(56 + 26 * row + 13, 36 + 26 * column + 13); };
  CHECK(field(0, 0) == scale(0));
  CHECK(field(0, 1) == scale(1));
  CHECK(field(1, 0) == scale(0.5));
  CHECK(field(1, 1) == scale(0));
  CHECK(count(image, scale(1), 100) == 12);  // the key's ends
  CHECK(count(image, scale(0), 100) == 12);
  CHECK(rows_of(image, scale(1), 100, 200).first < rows_of(image, scale(0), 100, 200).first);
  std::vector<double> stripes(2000 * 40);  // of 0 and 1, two to a pixel at least
  for (std::size_t i = 0; i < stripes.size(); ++i) stripes[i] = static_cast<double>(i % 2);
  const ColourImage fine = picture(heat_map(stripes, 2000));
  CHECK(fine.width <= 720);
  CHECK(fine.at(65, 300).green > 100);
  CHECK(fine.at(65, 300).green < 225);
  CHECK_THROWS_AS(picture(heat_map({1, 2, 3}, 2)), std::invalid_argument);
  CHECK_THROWS_AS(picture(heat_map({}, 0)), std::invalid_argument);
}

TEST_CASE("a heat map of numbers below and above 0 is white at 0, and so is its key in the middle") {
  const ColourImage image = picture(heat_map({-1, 0, 1}, 3, -1));
  const ColourScale scale{-1, 1};
  CHECK(image.at(66, 49) == scale(-1));
  CHECK(image.at(66, 75) == paper);
  CHECK(image.at(66, 101) == scale(1));
  CHECK(count(image, scale(-1), 130) > 0);
  CHECK(count(image, scale(1), 130) > 0);
}

TEST_CASE("small numbers of a heat map are written in its fields, and a title has room") {
  View view = heat_map({0, 1234567, 3, 4}, 2);
  const Index plain = picture(view).width;
  std::get<view::HeatMap>(view.what).numbers = true;
  std::get<view::HeatMap>(view.what).high = 1234567;
  const ColourImage written = picture(view);
  CHECK(written.width > plain + 50);
  Index dark = 0;  // on the bright field of the highest, the upper right one
  for (Index y = 80; y < 110; ++y)
    for (Index x = 118; x < 190; ++x) dark += written.at(y, x).red < 100;
  CHECK(dark > 20);
  view.title = std::string(120, 'M');
  const ColourImage wide = picture(view);
  CHECK(static_cast<double>(wide.width) > width_of(view.title, title_letters) + 30);
}

TEST_CASE("gates lie above each other, each with a key, and must have a number for each unit and step") {
  view::Gates gates{.input = {"a", "b"},
                    .maps = {{.name = "i", .place = "layer 1", .units = 1, .values = {0, 1}},
                             {.name = "c", .place = "layer 1", .units = 2, .values = {-1, -1, 1, 0}, .low = -1, .high = 1}}};
  const ColourImage image = picture({.title = "gates", .look_for = "", .what = gates});
  const ColourScale gate{0, 1}, state{-1, 1};
  CHECK(image.at(70, 200) == gate(0));  // i in step a
  CHECK(image.at(70, 600) == gate(1));  // and b
  CHECK(image.at(150, 200) == state(-1));
  CHECK(image.at(150, 600) == state(1));  // the first unit of c
  CHECK(image.at(205, 600) == paper);     // the second
  for (const Colour end : {gate(0), gate(1), state(-1), state(1)}) CHECK(count(image, end, 655) >= 12);
  gates.maps[0].units = 2;
  CHECK_THROWS_WITH_AS(picture({.title = "gates", .look_for = "", .what = gates}),
                       "picture: i has 2 numbers for 2 units in 2 steps", std::invalid_argument);
}

TEST_CASE("images stay grey, and stand beside each other as long as there is room") {
  view::Images images;
  for (int n = 0; n < 3; ++n)
    images.images.push_back({.width = 24, .pixels = std::vector<std::uint8_t>(24 * 24, 77), .caption = "a 7"});
  const ColourImage row = picture({.title = "digits", .look_for = "", .what = images});
  CHECK(count(row, {77, 77, 77}) == 3 * 96 * 96);  // four times as large
  for (int n = 0; n < 7; ++n) images.images.push_back(images.images.front());
  CHECK(picture({.title = "digits", .look_for = "", .what = images}).height > row.height + 96);
  images.images[0].width = 7;
  CHECK_THROWS_AS(picture({.title = "digits", .look_for = "", .what = images}), std::invalid_argument);
}

TEST_CASE("words along an axis never touch, and empty ones take no room") {
  std::vector<AxisWord> words;
  for (int n = 0; n < 20; ++n) words.push_back({20.0 + 10 * n, n % 5 == 0 ? "0.12" : ""});
  const auto ink_in = [&](Index x0, Index x1) {
    Canvas canvas(240, 20);
    words_along(canvas, 15, words);
    return count(canvas.image(), paper, x0, 0, x1) < 20 * (x1 - x0);
  };
  for (const Index x : {20, 70, 120, 170}) CHECK(ink_in(x - 5, x + 5));
  words[6].word = "0.12";  // too near to its neighbour: now only some are written
  CHECK(ink_in(15, 25));
  CHECK_FALSE(ink_in(165, 175));
  words[17].word = "0.12*";  // a marked one, and not its neighbours
  CHECK(ink_in(185, 195));
}

TEST_CASE("of a text all letters are written where words would not fit") {
  const auto written = [](const std::string& one) {
    std::vector<AxisWord> words;
    for (int n = 0; n < 20; ++n) words.push_back({20.0 + 10 * n, n == 5 ? one : ""});
    words[4].word = words[6].word = "a";
    Canvas canvas(240, 20);
    words_along(canvas, 15, words);
    return count(canvas.image(), paper, 67, 0, 73) < 20 * 6;
  };
  CHECK(written("b"));
  CHECK(written("ß"));
  CHECK_FALSE(written("bb"));
}

TEST_CASE("numbers are short, and signs that nobody sees are shown") {
  CHECK(number_text(0.25) == "0.25");
  CHECK(number_text(-1e-5) == "−1e−5");
  CHECK(number_text(1e7) == "1e7");
  CHECK(number_text(3.58303, 3) == "3.58");
  CHECK(visible(" ") == "␣");
  CHECK(visible("\n") == "⏎");
  CHECK(visible("row 3") == "row 3");
}

TEST_CASE("the pictures of a run are numbered without gaps, in the order of its views, and take the place of those from before") {
  const test::Folder folder;
  const auto names = [&] {
    std::set<std::string> all;
    for (const auto& file : std::filesystem::directory_iterator(folder / "pictures")) all.insert(file.path().filename().string());
    return all;
  };
  Views views;
  views.add("A table", "", view::Table{});
  views.all.push_back(heat_map({0, 1}, 2));
  views.all.back().title = "Truth / prediction: 40 % wrong!";
  views.add("Texts", "", view::Texts{});
  views.add("A chart", "", Chart{.title = "", .x_name = "", .y_name = "", .lines = {{.name = "a", .x = {0, 1}, .y = {0, 1}}}});
  write_pictures(folder / "", views);
  CHECK(names() == std::set<std::string>{"01-truth-prediction-40-wrong.png", "02-a-chart.png"});
  CHECK(read_png(folder / "pictures/02-a-chart.png").width == 720);
  views.all.erase(views.all.begin() + 1);
  write_pictures(folder / "", views);
  CHECK(names() == std::set<std::string>{"01-a-chart.png"});
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
  CHECK(std::filesystem::exists(folder / "pictures/01-new.png"));
  write_pictures(folder / "", Views());
  for (const std::string& name : kept) CHECK(std::filesystem::exists(folder / name));
}
