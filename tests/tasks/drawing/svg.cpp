#include <carousel/tasks/drawing/svg.hpp>

#include <algorithm>
#include <limits>
#include <stdexcept>

#include <doctest/doctest.h>

using namespace carousel;

namespace {
bool has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}
std::ptrdiff_t count(const std::string& text, const std::string& part) {
  std::ptrdiff_t found = 0;
  for (std::size_t at = 0; (at = text.find(part, at)) != std::string::npos; ++at) ++found;
  return found;
}
}  // namespace

TEST_CASE("an axis has round numbers within its range") {
  using Numbers = std::vector<double>;
  CHECK(axis_numbers(0, 100, 10) == Numbers{0, 10, 20, 30, 40, 50, 60, 70, 80, 90, 100});
  CHECK(axis_numbers(-1, 1, 4) == Numbers{-1, -0.5, 0, 0.5, 1});
  const Numbers few = axis_numbers(0.13, 0.91, 4);
  REQUIRE(few.size() == 4);
  CHECK(few[0] == doctest::Approx(0.2));
  CHECK(few[3] == doctest::Approx(0.8));
  CHECK(axis_numbers(2e9, 5e9, 3) == Numbers{2e9, 3e9, 4e9, 5e9});
}

TEST_CASE("what stands in markup can neither begin nor end any of it") {
  CHECK(markup("a < b & \"c\" > d\n\x1b[0m é") == "a &lt; b &amp; &quot;c&quot; &gt; d[0m é");
}

TEST_CASE("a chart has a line through its points, names and numbers") {
  const std::string text = svg({.title = "a < b & c",
                                .x_name = "row",
                                .y_name = "load",
                                .lines = {{.name = "true", .x = {0, 1, 2}, .y = {0, 10, 0}}},
                                .marks = {{1, "here"}}});
  CHECK(text.starts_with("<svg "));
  CHECK(text.ends_with("</svg>\n"));
  CHECK(has(text, "a &lt; b &amp; c"));
  for (const char* const word : {">row<", ">load<", ">true<", ">here<", ">1<", ">10<"}) CHECK(has(text, word));
  CHECK(has(text, "d=\"M70.0 "));  // from the left edge
  CHECK(has(text, "L940.0 "));     // to the right one
  CHECK(count(text, "L") == 2);
  CHECK(has(text, "prefers-color-scheme: dark"));
}

TEST_CASE("a line has the next colour or its own; alone it is not grey") {
  Chart chart{.title = "", .x_name = "", .y_name = "", .lines = {{.name = "a", .x = {0}, .y = {1}}}};
  CHECK(chart.colour_of(0) == net_colour);
  CHECK(has(svg(chart), "class=\"line c1\""));
  chart.lines.push_back({.name = "b", .x = {0}, .y = {2}});
  chart.lines.push_back({.name = "c", .x = {0}, .y = {3}, .colour = 7});
  CHECK(chart.colour_of(0) == truth_colour);
  CHECK(chart.colour_of(1) == 1);
  CHECK(chart.colour_of(2) == 7);
  CHECK(has(svg(chart), "class=\"line c7\""));
}

TEST_CASE("a line is broken where it is not finite") {
  constexpr double nan = std::numeric_limits<double>::quiet_NaN(), inf = std::numeric_limits<double>::infinity();
  const std::string text = svg({.title = "",
                                .x_name = "",
                                .y_name = "",
                                .lines = {{.name = "", .x = {0, 1, 2, 3, 4, 5}, .y = {1, 2, nan, 3, 4, inf}, .dashed = true}}});
  const std::size_t at = text.find(R"(stroke-dasharray="5 4" d=")");
  REQUIRE(at != std::string::npos);
  const std::string path = text.substr(at, text.find("/>", at) - at);
  CHECK(std::count(path.begin(), path.end(), 'M') == 2);
  CHECK(std::count(path.begin(), path.end(), 'L') == 2);
  CHECK_FALSE(has(text, "nan"));
  CHECK_FALSE(has(text, "inf\""));
}

TEST_CASE("a constant line and a single point are drawn too") {
  const std::string text = svg({.title = "", .x_name = "", .y_name = "", .lines = {{.name = "", .x = {3}, .y = {7}}}});
  CHECK(has(text, ">8<"));
  CHECK_FALSE(has(text, "nan"));
  CHECK(has(text, "h0\"/>"));  // a dot
}

TEST_CASE("points between breaks are dots") {
  const double none = std::numeric_limits<double>::quiet_NaN();
  const std::string text = svg(
      {.title = "", .x_name = "", .y_name = "", .lines = {{.name = "", .x = {0, 0, 1, 2, 2, 3}, .y = {1, none, 2, 3, none, 4}}}});
  CHECK(count(text, "h0") == 2);  // the first and the last; those between are a line
}

TEST_CASE("an axis of whole numbers names no halves") {
  const std::string text = svg({.title = "", .x_name = "epoch", .y_name = "", .lines = {{.name = "", .x = {1, 2}, .y = {7, 5}}}});
  CHECK(has(text, "text-anchor=\"middle\">1<"));
  CHECK(has(text, "text-anchor=\"middle\">2<"));
  CHECK_FALSE(has(text, "text-anchor=\"middle\">1."));
}

TEST_CASE("a line that is level and low does not look like 0") {
  const std::string text =
      svg({.title = "", .x_name = "x", .y_name = "y", .lines = {{.name = "", .x = {1, 2}, .y = {0.001, 0.001}}}});
  CHECK(has(text, ">0.001<"));
  CHECK_FALSE(has(text, ">0<"));
}

TEST_CASE("charts that cannot be drawn are refused") {
  CHECK_THROWS_WITH_AS(svg({.title = "", .x_name = "", .y_name = "", .lines = {{.name = "a", .x = {1}, .y = {}}}}),
                       "svg: line a has 1 x and 0 y: must have the same length", std::invalid_argument);
  CHECK_THROWS_WITH_AS(svg({.title = "t", .x_name = "", .y_name = "", .lines = {}}),
                       "svg: the chart t has no point: must have at least one", std::invalid_argument);
}

TEST_CASE("on a logarithmic axis factors are equally far apart, and what is not above 0 is left out") {
  const std::string text = svg({.title = "",
                                .x_name = "",
                                .y_name = "",
                                .lines = {{.name = "", .x = {0, 1, 2, 3}, .y = {1e-3, 1e-2, 0, 1e-1}}},
                                .log_y = true});
  CHECK(has(text, ">0.001<"));
  CHECK(has(text, ">0.1<"));
  CHECK_FALSE(has(text, "inf"));
  CHECK_FALSE(has(text, "nan"));
  const std::size_t at = text.find(R"(class="line c1" d=")");
  REQUIRE(at != std::string::npos);
  CHECK(std::count(text.begin() + static_cast<std::ptrdiff_t>(at), text.end(), 'L') == 1);
}

TEST_CASE("names that do not fit beside each other stand above each other, and lines may share a colour") {
  Chart chart{.title = "t", .x_name = "x", .y_name = "y", .lines = {}};
  for (const char* name : {"a", "b", "c"}) chart.lines.push_back({.name = std::string(60, *name), .x = {0, 1}, .y = {0, 1}});
  chart.lines[2].colour = 1;
  const std::string text = svg(chart);
  CHECK(text.find("viewBox=\"0 -40 960 440\"") != std::string::npos);
  for (const char* place : {R"(x="102" y="10">aa)", R"(x="102" y="30">bb)", R"(x="102" y="50">cc)"})
    CHECK(text.find(place) != std::string::npos);
  CHECK(text.find("\"line c0\"") != std::string::npos);
  CHECK(text.find("\"line c1\"") != std::string::npos);
  CHECK(text.find("\"line c2\"") == std::string::npos);
}

TEST_CASE("lines have eight colours, the pictures' own; where these come again, lines are dotted") {
  Chart chart{.title = "t", .x_name = "x", .y_name = "y", .lines = {}};
  for (int n = 0; n < 9; ++n) chart.lines.push_back({.name = "a", .x = {0, 1}, .y = {0, 1}});
  const std::string text = svg(chart);
  CHECK(has(text, ".c7 { stroke: #3f6f8f; stroke: var(--c7); }"));
  CHECK(has(text, "class=\"line c7\" d="));
  CHECK(has(text, "class=\"line c0\" d="));
  CHECK(has(text, "class=\"line c0\" stroke-dasharray=\"1 3\" d="));
}

TEST_CASE("an axis of numbers that are almost the same ends") {
  CHECK(axis_numbers(1e17, 1e17 + 32, 6).size() < 100);
}
