#include <carousel/tasks/nets/inside.hpp>

#include <cmath>
#include <memory>
#include <string>
#include <variant>
#include <vector>

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <carousel/models/cells/any_cell.hpp>
#include <carousel/ops/reduce.hpp>
#include <carousel/ops/shape.hpp>
#include <carousel/tasks/nets/layers.hpp>

using namespace carousel;

namespace {

/// Five steps of a net of two layers of three units; its loss is of the last output.
SampleFunction<double> samples(const std::string& trained) {
  return [=](const std::string& cell) -> Sample<double> {
    const auto registry = std::make_shared<Registry<double>>();
    Random random(1);
    TrainOptions options;
    options.cell = cell.empty() ? trained : cell, options.hidden = 3, options.layers = 2;
    const auto net = std::make_shared<Layers<double>>(Scope<double>(*registry, random), 2, options);
    return {.loss =
                [registry, net] {
                  Var<double> xs = Tape<double>::active().constant(full<double>({5, 1, 2}, 0.5));
                  return sum(net->after_all(xs));
                },
            .input = {"a", "b", "c"}};
  };
}

}  // namespace

TEST_CASE("into an LSTM one sees gates and states of every layer, and three gradients through time") {
  Views views;
  add_inside_views<double>(views, samples("lstm"), "lstm");
  REQUIRE(views.all.size() == 2);
  CHECK(views.all[0].title == "Gates over a sample");
  const auto& gates = std::get<view::Gates>(views.all[0].what);
  CHECK(views.all[0].look_for.starts_with("A row is a unit, a column a step; underneath stands what was read. "));
  CHECK(gates.input == std::vector<std::string>{"a", "b", "c", "4", "5"});
  REQUIRE(gates.maps.size() == 12);
  const char* const names[] = {"i", "f", "o", "g", "c", "h"};
  for (std::size_t n = 0; n < 12; ++n) {
    const auto& map = gates.maps[n];
    CHECK(map.name == names[n % 6]);
    CHECK(map.place == (n < 6 ? "layer 1" : "layer 2"));
    CHECK(map.units == 3);
    CHECK(map.values.size() == 15);
    CHECK(map.low == (n % 6 < 3 ? 0 : -map.high));
    for (const double value : map.values) CHECK((value >= map.low && value <= map.high));
  }
  const auto& chart = std::get<Chart>(views.all[1].what);
  REQUIRE(chart.lines.size() == 3);
  CHECK(chart.lines[0].name == "rnn-tanh, untrained");
  CHECK(chart.lines[2].name == "lstm, trained");
  CHECK(chart.log_y);
  for (const ChartLine& line : chart.lines) {
    REQUIRE(line.y.size() == 5);
    for (const double norm : line.y) CHECK(norm > 0);
    CHECK(line.y[4] == doctest::Approx(std::sqrt(3.0)));  // of the sum over three units
    CHECK(line.y[0] < line.y[4]);
  }
  CHECK(chart.lines[1].y == chart.lines[2].y);  // the trained one is not trained here
  CHECK(views.all[1].look_for.ends_with(fmt::format("; lstm, trained {:.2g}.", chart.lines[2].y[0] / chart.lines[2].y[4])));
  CHECK(views.all[0].look_for.find("forget gate") != std::string::npos);
}

TEST_CASE("under the steps of a decoder stands what is right, and the sentence says so") {
  const SampleFunction<double> plain = samples("gru");
  const SampleFunction<double> decoding = [&](const std::string& cell) {
    Sample<double> sample = plain(cell);
    sample.loss = [loss = sample.loss] {
      const At<double> part(&Place::part, "decoder");
      return loss();
    };
    sample.made = {"1", "2", "3", "4", "end"};
    sample.about = "It is the first.";
    return sample;
  };
  Views views;
  add_inside_views<double>(views, decoding, "gru");
  CHECK(views.all.at(0).look_for.starts_with(
      "It is the first. A row is a unit, a column a step; underneath stands the right symbol of each step; the decoder is given "
      "the one before it, and is to say it. "));
  CHECK(std::get<view::Gates>(views.all[0].what).input.back() == "end");
}

TEST_CASE("one number that is far off does not make the others pale") {
  const SampleFunction<double> far_off = [](const std::string&) -> Sample<double> {
    return {.loss =
                [] {
                  Tensor<double> state = full<double>({1, 200}, 3.0);
                  state.data()[7] = -100;
                  const Var<double> c = watch("c", Tape<double>::active().variable(state));
                  return sum(watch("h", Var<double>(tanh(c))));
                },
            .input = {"a"}};
  };
  Views views;
  add_inside_views<double>(views, far_off, "lstm");
  const auto& maps = std::get<view::Gates>(views.all.at(0).what).maps;
  REQUIRE(maps.size() == 2);
  CHECK(maps[0].name == "c");
  CHECK(maps[0].high == 3);
  CHECK(maps[0].low == -3);
  CHECK(maps[0].values.at(7) == -100);
  CHECK(maps[1].high == 1);
}

TEST_CASE("a cell without gates has states") {
  Views views;
  add_inside_views<double>(views, samples("rnn-tanh"), "rnn-tanh");
  CHECK(views.all.at(0).title == "States over a sample");
  CHECK(std::get<view::Gates>(views.all[0].what).maps.size() == 2);
}
