#include <carousel/tasks/report/tensorboard.hpp>

#include <filesystem>
#include <map>

#include <doctest/doctest.h>

#include <carousel/tasks/base/metric.hpp>
#include <carousel/tasks/drawing/picture.hpp>

#include "tests/tasks/report/event_reader.hpp"

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
  TensorBoard board(folder / "", 0, {{"cell", "lstm"}, {"input", "a|b"}, {"out", "/data/runs/first"}});
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
        "| option | value |\n| --- | --- |\n| cell | lstm |\n| input | a\\|b |\n| out | first |\n");
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
  CHECK(values["views/curve"].at(8).message(9).text(3) == "Look at it.");
  CHECK(values["views/curve"].at(8).message(4).integer(3) == 3);  // colours
  const test::Folder other;
  for (const std::size_t n : {0U, 1U, 2U}) {
    const GreyImage shown = image_of(values["views/" + views.all[n].title].at(8), other);
    CHECK(shown.width == picture(views.all[n]).width);
    CHECK(shown.height == picture(views.all[n]).height);
  }
  CHECK(values["views/digits/1"].at(8).message(4).integer(3) == 1);  // grey
  CHECK(image_of(values["views/digits/1"].at(8), other).pixels == std::vector<std::uint8_t>{0, 9, 200, 255});
  CHECK(values["views/digits/1"].at(8).message(9).text(3) == "a 7");
  CHECK(values["views/samples/temperature 1"].at(8).message(8).text(8) == "    to be\n    or");
  CHECK(values["views/expected"].at(8).message(8).text(8).find("| \"e\" | 0.50 | \"e\" 0.50, \"a\" 0.25 |") != std::string::npos);
  CHECK(values["views/table"].at(8).message(8).text(8).find("| value |") != std::string::npos);
}
