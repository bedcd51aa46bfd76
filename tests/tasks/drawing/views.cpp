#include <carousel/tasks/drawing/views.hpp>

#include <algorithm>
#include <cmath>
#include <limits>
#include <stdexcept>
#include <string>
#include <vector>

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

using namespace carousel;

namespace {

template <class What>
nlohmann::json json_of(What what) {
  Views views;
  views.add("a title", "look at it", std::move(what));
  return nlohmann::json::parse(json_text(views)).at("views").at(0);
}

}  // namespace

TEST_CASE("lines keep their points, null where there is none") {
  const auto json = json_of(Chart{.title = "",
                                  .x_name = "x",
                                  .y_name = "y",
                                  .lines = {{.name = "a", .x = {0, 1, 2}, .y = {1.0 / 3, std::nan(""), 1e-9}, .dashed = true}},
                                  .marks = {{1, "here"}}});
  CHECK(json.at("kind") == "lines");
  CHECK(json.at("title") == "a title");
  CHECK(json.at("look_for") == "look at it");
  CHECK(json.at("lines").at(0).at("y").dump() == "[0.333333,null,1e-09]");
  CHECK(json.at("lines").at(0).at("dashed") == true);
  CHECK(json.at("lines").at(0).at("colour") == net_colour);
  CHECK(json.at("marks").at(0).at("name") == "here");
  CHECK(json.at("log_y") == false);
  const auto vanished =
      json_of(Chart{.title = "", .x_name = "", .y_name = "", .lines = {{.name = "a", .x = {0}, .y = {1e-310}}}});
  const double y = vanished.at("lines").at(0).at("y").at(0);
  CHECK(y == doctest::Approx(1e-310));
  CHECK(y > 0);
}

TEST_CASE("of a line with very many points the outermost of each stretch are kept, in their order") {
  ChartLine line{.name = "a", .x = {}, .y = {}};
  for (int i = 0; i < 100000; ++i) line.x.push_back(i), line.y.push_back(i == 77777 ? 5 : std::sin(i));
  const auto json = json_of(Chart{.title = "", .x_name = "", .y_name = "", .lines = {line}});
  const auto x = json.at("lines").at(0).at("x").get<std::vector<double>>(),
             y = json.at("lines").at(0).at("y").get<std::vector<double>>();
  CHECK(x.size() == y.size());
  CHECK(x.size() <= 2000);
  CHECK(x.size() > 1000);
  CHECK(std::is_sorted(x.begin(), x.end()));
  CHECK(*std::max_element(y.begin(), y.end()) == 5);
}

TEST_CASE("a heat map is a byte for each number, from low to high") {
  view::HeatMap map{.x_name = "",
                    .y_name = "",
                    .width = 3,
                    .values = {0, 0.5, 1, -1, 2, std::nan("")},
                    .columns = {"a", "b", "c"},
                    .rows = {"d", "e"},
                    .numbers = true};
  const auto json = json_of(map);
  CHECK(json.at("cells") == "AID/AP8A");  // 0 128 255, 0 255 0
  CHECK(json.at("width") == 3);
  CHECK(json.at("height") == 2);
  CHECK(json.at("columns").size() == 3);
  CHECK(json.at("numbers").dump() == "[0.0,0.5,1.0,-1.0,2.0,null]");
  map.columns.pop_back();
  CHECK_THROWS_WITH_AS(json_of(map), "views: heat map has 3 columns and 2 labels for them: must have the same length",
                       std::invalid_argument);
  map.width = 4;
  CHECK_THROWS_WITH_AS(json_of(map), "views: heat map has 6 numbers in rows of 4: must be full rows, at least one",
                       std::invalid_argument);
}

TEST_CASE("a heat map of more fields than a screen shows is averaged") {
  view::HeatMap map{.x_name = "", .y_name = "", .width = 800, .values = {}, .columns = std::vector<std::string>(800)};
  for (std::size_t i = 0; i < 800; ++i) map.values.push_back(i % 2 == 0 ? 0 : 1);
  const auto json = json_of(map);
  CHECK(json.at("width") == 400);
  CHECK(json.at("whole_width") == 800);
  CHECK_FALSE(json.contains("columns"));
  CHECK(json.at("cells").get<std::string>().starts_with("gICAgICA"));  // 128 each
}

TEST_CASE("a map tells its least and its greatest number, which may lie outside of its colours") {
  const auto map =
      json_of(
          view::Gates{
              .input = {"a", "b"},
              .maps =
                  {{.name = "c", .place = "layer 1", .units = 2, .values = {-3, 0.5, 7, std::nan("")}, .low = -2, .high = 2}}})
          .at("maps")
          .at(0);
  CHECK(map.at("low") == -2);
  CHECK(map.at("high") == 2);
  CHECK(map.at("least") == -3);
  CHECK(map.at("greatest") == 7);
  CHECK(map.at("cells") == "AJ//AA==");  // 0, 159, 255, 0
}

TEST_CASE("gates say how many of their numbers are near their ends") {
  view::Gates gates{.input = {"a", "b"}, .maps = {{.name = "f", .place = "layer 1", .units = 2, .values = {0.05, 0.5, 0.95, 1}}}};
  const auto json = json_of(gates);
  CHECK(json.at("maps").at(0).at("below") == 0.25);
  CHECK(json.at("maps").at(0).at("above") == 0.5);
  CHECK(json.at("maps").at(0).at("cells") == "DYDy/w==");
  CHECK(json.at("input").dump() == R"(["a","b"])");
  gates.input.pop_back();
  CHECK_THROWS_WITH_AS(json_of(gates), "views: gate f has 2 steps, the input 1: must have the same length",
                       std::invalid_argument);
}

TEST_CASE("images, texts, characters and tables are what they were") {
  const auto image = json_of(view::Images{{{.width = 2, .pixels = {1, 2, 3, 4}, .caption = "four"}}});
  CHECK(image.at("images").at(0).at("pixels") == "AQIDBA==");
  CHECK(image.at("images").at(0).at("height") == 2);
  CHECK_THROWS_WITH_AS(json_of(view::Images{{{.width = 3, .pixels = {1, 2}, .caption = ""}}}),
                       "views: image has 2 pixels in rows of 3: must be full rows, at least one", std::invalid_argument);
  CHECK(json_of(view::Texts{{{"cold", "</script>\xff"}}}).at("texts").at(0).at("text") == "</script>\xef\xbf\xbd");
  const auto read = json_of(view::Characters{{{.character = "ä", .probability = 0.25, .candidates = {{"b", 0.5}}}}});
  CHECK(read.at("characters").at(0).dump() == R"({"candidates":[["b",0.5]],"character":"ä","probability":0.25})");
  CHECK(json_of(view::Table{{"a", "b"}, {{"1", "2"}}}).at("rows").dump() == R"([["1","2"]])");
  CHECK_THROWS_WITH_AS(json_of(view::Table{{"a", "b"}, {{"1"}}}),
                       "views: a row of a table has 1 words, its head 2: must have the same length", std::invalid_argument);
}
