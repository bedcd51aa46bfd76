#include <carousel/tasks/ocr/views.hpp>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <string_view>

#include <doctest/doctest.h>

#include <carousel/tasks/ocr/data.hpp>

using namespace carousel;

namespace {

struct Small {
  OcrOptions options;
  Registry<float> registry;
  Random random{1};
  std::optional<OcrModel> model;
  std::vector<PrintedLine> lines;

  explicit Small(const std::string& head, Index count = 14) {
    options.head = head, options.cell = "gru", options.hidden = 8, options.bidirectional = true, options.channels = 2;
    model.emplace(Scope<float>(registry, random), options);
    const OcrData data("", {}, 1);
    for (Index n = 0; n < count; ++n) lines.push_back(data.training(n));
  }
};

template <class What>
const What& view_of(const Views& views, std::string_view title) {
  for (const View& view : views.all)
    if (view.title.starts_with(title)) return std::get<What>(view.what);
  throw std::runtime_error("no view " + std::string(title));
}

}  // namespace

TEST_CASE(
    "where the head attention looks is a share of each column for each symbol of the digits that were found, and their end") {
  const Small small("attention");
  const OcrLook look = small.model->look(small.lines[0].image, {8, 0, 7});
  CHECK(look.symbols == std::vector<Index>{8, 0, 7, OcrModel::end});
  CHECK(small.model->look(small.lines[0].image, Digits(9, 1)).symbols == Digits(9, 1));  // no more may be written
  REQUIRE(look.weights.size() == look.symbols.size());
  for (const std::vector<float>& weights : look.weights) {
    CHECK(weights.size() == 30);
    CHECK(std::accumulate(weights.begin(), weights.end(), 0.0) == doctest::Approx(1).epsilon(1e-5));
  }
}

TEST_CASE("the head ctc gives each column a share of each symbol") {
  const Small small("ctc");
  const std::vector<std::vector<float>> chances = small.model->column_chances(small.lines[0].image);
  CHECK(chances.size() == 30);
  for (const std::vector<float>& column : chances) {
    CHECK(column.size() == 11);
    CHECK(std::accumulate(column.begin(), column.end(), 0.0) == doctest::Approx(1).epsilon(1e-5));
  }
}

TEST_CASE("the views show lines, those misread, and what each head has; and can be saved") {
  for (const std::string& head : ocr_heads()) {
    const Small small(head);
    Views views;
    add_ocr_views(views, *small.model, small.lines);
    const auto shown = view_of<view::Images>(views, "Lines, and what it reads");
    CHECK(shown.images.size() == 12);
    CHECK(shown.images[0].pixels == small.lines[0].image.pixels);
    CHECK(view_of<view::Images>(views, "Lines that it misread, among 2 more").images.size() <= 2);
    if (head != "ctc") {
      const auto looks = view_of<view::Images>(views, "Where it looks");
      const auto map = view_of<view::HeatMap>(views, "Attention");
      CHECK(looks.images.size() == map.rows.size() + 1);
      CHECK(map.values.size() == map.rows.size() * map.width);
      for (const view::Images::Image& image : looks.images) CHECK(image.pixels.size() == small.lines[0].image.pixels.size());
    }
    if (head != "attention") CHECK(view_of<view::HeatMap>(views, "What it names").values.size() == 11 * 30);
    CHECK_NOTHROW(json_text(views));
  }
}

TEST_CASE("where it looks it writes what it is said to have read in that image") {
  const Small small("attention");
  Views views;
  add_ocr_views(views, *small.model, small.lines);
  const auto lines = view_of<view::Images>(views, "Lines, and what it reads");
  const auto looks = view_of<view::Images>(views, "Where it looks");
  std::string written;
  for (std::size_t n = 1; n < looks.images.size(); ++n)
    if (const std::string symbol = looks.images[n].caption.substr(std::string("writes ").size()); symbol != "end")
      written += symbol;
  const auto same = std::find_if(lines.images.begin(), lines.images.end(),
                                 [&](const view::Images::Image& image) { return image.pixels == looks.images[0].pixels; });
  REQUIRE(same != lines.images.end());
  CHECK(same->caption.find("read " + written + " (") != std::string::npos);
}

TEST_CASE("the sample is one line: of the net itself, or of another one with that cell") {
  const Small small("attention");
  const Sample<float> own = ocr_sample(*small.model, small.options, small.lines[1], "");
  const Sample<float> other = ocr_sample(*small.model, small.options, small.lines[1], "rnn-tanh");
  CHECK(own.made.size() == small.lines[1].digits.size() + 1);
  CHECK(own.about.starts_with("The sample is the first line that is shown, "));
  Tape<float> tape;
  const double loss = static_cast<double>(own.loss().item());
  CHECK(loss == doctest::Approx(static_cast<double>(small.model->loss(std::span(small.lines).subspan(1, 1), 1).item())));
  CHECK(std::isfinite(other.loss().item()));
  CHECK(static_cast<double>(other.loss().item()) != loss);
}
