#include <carousel/tasks/tensorboard.hpp>

#include <cmath>
#include <filesystem>
#include <limits>
#include <map>

#include <doctest/doctest.h>

#include <carousel/lib/random.hpp>

#include "tests/tasks/event_reader.hpp"

using namespace carousel;
using test::Fields;

namespace {

/// What the event files of a folder say: the values of each name, by step.
std::map<std::string, std::map<std::uint64_t, Fields>> values_in(const std::string& folder) {
  std::map<std::string, std::map<std::uint64_t, Fields>> all;
  for (const auto& file : std::filesystem::directory_iterator(folder))
    for (const Fields& event : test::events_of(file.path().string()))
      if (event.bytes.contains(5)) {
        const Fields summary = event.message(5);
        for (const auto& [field, bytes] : summary.bytes) all[Fields(bytes).text(1)].emplace(event.integer(2), Fields(bytes));
      }
  return all;
}

GreyImage image_of(const Fields& value, const test::Folder& folder) {
  test::write_text(folder / "image.png", value.message(4).text(4));
  return read_png(folder / "image.png");
}

}  // namespace

TEST_CASE("a training's numbers, histograms and configuration are there by name and step") {
  const test::Folder folder;
  TensorBoard board(folder / "", 0, {{"cell", "lstm"}, {"input", "a|b"}});
  board.add_step({.step = 3, .epoch = 1, .loss = 0.5, .rate = 0.25, .gradient_norm = 2, .parameters = {{"cell/wx", 1.5, 0.125}}});
  Registry<double> registry;
  registry.parameter("cell/wx", {2, 2}, [] { return tensor<double>({2, 2}, {1, 2, 3, 4}); });
  const std::vector<Metric> metrics = {{"train_loss", 0.75}}, result = {{"accuracy", 1}};
  board.add_epoch<double>(10, metrics, registry);
  board.add_result(10, result);
  auto values = values_in(folder / "");
  CHECK(values["step/loss"].at(3).single(2) == 0.5F);
  CHECK(values["step/rate"].at(3).single(2) == 0.25F);
  CHECK(values["step/gradient_norm"].at(3).single(2) == 2);
  CHECK(values["gradient_norm/cell/wx"].at(3).single(2) == 1.5F);
  CHECK(values["update_ratio/cell/wx"].at(3).single(2) == 0.125F);
  CHECK(values["epoch/train_loss"].at(10).single(2) == 0.75F);
  CHECK(values["parameters/cell/wx"].at(10).message(5).real(4) == 10);
  CHECK(values["result/accuracy"].at(10).single(2) == 1);
  CHECK(values["configuration"].at(0).message(8).text(8) ==
        "| option | value |\n| --- | --- |\n| cell | lstm |\n| input | a\\|b |\n");
}

TEST_CASE("views become images and texts, each with what there is to see") {
  const test::Folder folder;
  Views views;
  views.add("curve", "Look at it.",
            Chart{.title = "", .x_name = "x", .y_name = "y", .lines = {{.name = "truth", .x = {0, 1}, .y = {0, 1}}}});
  views.add("field", "And at this.",
            view::HeatMap{.x_name = "read", .y_name = "written", .width = 2, .values = {0, 1, 0.5, 0.5, 1, 0}});
  views.add("gates", "",
            view::Gates{.input = {"a", "b", "c"},
                        .maps = {{.name = "i", .place = "layer 1", .units = 2, .values = {0, 1, 0, 1, 0, 1}}}});
  views.add("digits", "", view::Images{{{.width = 2, .pixels = {0, 9, 200, 255}, .caption = "a 7"}}});
  views.add("samples", "", view::Texts{{{.caption = "temperature 1", .text = "to be\nor"}}});
  views.add("expected", "", view::Characters{{{.character = "e", .probability = 0.5, .candidates = {{"e", 0.5}, {"a", 0.25}}}}});
  views.add("table", "", view::Table{{"name"}, {{"value"}}});
  TensorBoard board(folder / "", 7, {});
  board.add_views(8, views);
  auto values = values_in(folder / "");
  CHECK(values["views/curve"].at(8).message(9).text(3) == "Look at it. y over x; from black to light: truth");
  CHECK(values["views/curve"].at(8).message(4).integer(2) == 600);
  const test::Folder other;
  const GreyImage field = image_of(values["views/field"].at(8), other);
  CHECK(field.height == 48);
  CHECK(field.width == 32);
  CHECK(field.at(0, 0) == 255);
  CHECK(field.at(15, 16) == 0);
  CHECK(field.at(16, 0) == 128);
  const GreyImage gates = image_of(values["views/gates/layer 1/i"].at(8), other);
  CHECK(gates.height == 32);  // units downwards
  CHECK(gates.width == 48);
  CHECK(gates.at(0, 20) == 255);
  CHECK(gates.at(20, 20) == 0);
  CHECK(image_of(values["views/digits/1"].at(8), other).pixels == std::vector<std::uint8_t>{0, 9, 200, 255});
  CHECK(values["views/digits/1"].at(8).message(9).text(3) == "a 7");
  CHECK(values["views/samples/temperature 1"].at(8).message(8).text(8) == "    to be\n    or");
  CHECK(values["views/expected"].at(8).message(8).text(8).find("| \"e\" | 0.50 | \"e\" 0.50, \"a\" 0.25 |") != std::string::npos);
  CHECK(values["views/table"].at(8).message(8).text(8).find("| value |") != std::string::npos);
}

TEST_CASE("a chart is drawn as far as there are points, and in its frame whatever they are") {
  const double nan = std::nan(""), infinity = std::numeric_limits<double>::infinity();
  const auto ink_of = [](const Chart& chart) {
    const GreyImage image = picture_of(chart);
    int black = 0;
    for (const std::uint8_t pixel : image.pixels) black += pixel == 0;
    return black;
  };
  const auto line = [](std::vector<double> y) {
    Chart chart;
    for (std::size_t i = 0; i < y.size(); ++i) chart.lines.resize(1), chart.lines[0].x.push_back(static_cast<double>(i));
    if (!y.empty()) chart.lines[0].y = std::move(y);
    return chart;
  };
  CHECK(ink_of({}) == 0);
  CHECK(ink_of(line({1})) == 0);
  CHECK(ink_of(line({nan, infinity, -infinity})) == 0);
  CHECK(ink_of(line({5, 5})) > 1000);  // level, two pixels thick
  CHECK(ink_of(line({0, 1, nan, 1, 0})) < ink_of(line({0, 1, 1, 1, 0})));
  CHECK(ink_of(line({-1e300, 1e300})) > 500);
  Chart chart = line({1, 10, 100});
  chart.log_y = true;
  CHECK(picture_of(chart).at(149, 300) == 0);  // a straight line now
  CHECK(picture_of(line({1, 10, 100})).at(149, 300) == 255);
}

TEST_CASE("a field of colours of any size is an image of a size that can be shown") {
  const auto field = [](std::size_t width, std::size_t height) {
    return view::HeatMap{.x_name = "", .y_name = "", .width = width, .values = std::vector<double>(width * height, 1)};
  };
  CHECK(picture_of(field(3000, 2)).width == 1000);
  CHECK(picture_of(field(1, 5000)).height == 1000);
  CHECK(picture_of(field(0, 5)).pixels.size() == 1);
  view::HeatMap bad = field(1, 2);
  bad.values = {std::nan(""), 7};
  CHECK(picture_of(bad).at(0, 0) == 255);
  CHECK(picture_of(bad).at(20, 0) == 0);
}
