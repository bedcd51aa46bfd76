#include <carousel/tasks/ocr/views.hpp>

#include <algorithm>
#include <cmath>

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace carousel {

namespace {

view::Images::Image picture(const GreyImage& image, std::string caption) {
  return {.width = static_cast<std::size_t>(image.width), .pixels = image.pixels, .caption = std::move(caption)};
}

/// The image as far as it is looked at: elsewhere it fades to its mean.
GreyImage looked_at(const GreyImage& image, const std::vector<float>& weights) {
  double mean = 0;
  for (const std::uint8_t pixel : image.pixels) mean += pixel / static_cast<double>(image.pixels.size());
  const double most = static_cast<double>(*std::max_element(weights.begin(), weights.end()));
  const auto columns = static_cast<double>(weights.size());
  GreyImage seen = image;
  for (Index row = 0; row < image.height; ++row)
    for (Index column = 0; column < image.width; ++column) {
      // Between the middles of two columns of the net, what lies between their weights.
      const double place =
          std::clamp((static_cast<double>(column) + 0.5) / static_cast<double>(image.width) * columns - 0.5, 0.0, columns - 1);
      const auto left = static_cast<std::size_t>(place), right = std::min(left + 1, weights.size() - 1);
      const double part = place - static_cast<double>(left);
      const double weight = (1 - part) * static_cast<double>(weights[left]) + part * static_cast<double>(weights[right]);
      const double share = most > 0 ? 0.12 + 0.88 * weight / most : 1;
      seen.pixels[static_cast<std::size_t>(row * image.width + column)] =
          static_cast<std::uint8_t>(std::lround(mean + share * (image.at(row, column) - mean)));
    }
  return seen;
}

std::string symbol_text(Index symbol) {
  return symbol == OcrModel::end ? "end" : std::to_string(symbol);
}

void add_attention(Views& views, const OcrModel& model, const PrintedLine& line, const Digits& read) {
  const OcrLook look = model.look(line.image, read);
  view::Images images{{picture(line.image, "shows " + digits_text(line.digits))}};
  view::HeatMap map{.x_name = "column of the image", .y_name = "written", .width = look.weights.front().size(), .values = {}};
  for (std::size_t n = 0; n < look.symbols.size(); ++n) {
    images.images.push_back(picture(looked_at(line.image, look.weights[n]), "writes " + symbol_text(look.symbols[n])));
    map.rows.push_back(symbol_text(look.symbols[n]));
    map.values.insert(map.values.end(), look.weights[n].begin(), look.weights[n].end());
  }
  map.high = std::max(1e-6, *std::max_element(map.values.begin(), map.values.end()));
  views.add("Where it looks while it writes",
            "One image of those above, once for each digit that it read there, faded where the net pays no attention. The digit "
            "that it writes should stand out, and "
            "the eye move from left to right, without anyone having told it where digits are.",
            std::move(images));
  views.add(
      "Attention over the columns",
      "A row for each digit written. Bright fields go down from left to right; a broad one is a net that is not sure where the "
      "digit is.",
      std::move(map));
}

void add_columns(Views& views, const OcrModel& model, const PrintedLine& line) {
  const std::vector<std::vector<float>> chances = model.column_chances(line.image);
  view::HeatMap map{.x_name = "column of the image", .y_name = "symbol", .width = chances.size(), .values = {}};
  for (std::size_t symbol = 0; symbol <= static_cast<std::size_t>(OcrModel::end); ++symbol) {
    map.rows.push_back(symbol == static_cast<std::size_t>(OcrModel::end) ? "blank" : std::to_string(symbol));
    for (const std::vector<float>& column : chances) map.values.push_back(static_cast<double>(column[symbol]));
  }
  views.add(fmt::format("What it names at each column (CTC), of {}", digits_text(line.digits)),
            "Nearly everywhere it says blank, and each digit in a column or two, as a peak: the loss asks only for the order of "
            "the digits, "
            "not for where they are.",
            std::move(map));
}

}  // namespace

void add_ocr_views(Views& views, const OcrModel& model, std::span<const PrintedLine> lines) {
  constexpr std::size_t shown = 12, searched = 500;
  lines = lines.first(std::min(searched, lines.size()));
  std::vector<GreyImage> images;
  for (const PrintedLine& line : lines) images.push_back(line.image);
  const std::vector<OcrReading> read = model.read(images, !model.has_attention());
  view::Images all, wrong;
  view::Table list{.head = {"shows", "read", "sure", ""}, .rows = {}};
  for (std::size_t n = 0; n < lines.size(); ++n) {
    const bool right = read[n].digits == lines[n].digits;
    const std::string caption = right ? fmt::format("read {} ({:.0f} %)", digits_text(read[n].digits), 100 * read[n].probability)
                                      : fmt::format("{}, read {} ({:.0f} %)", digits_text(lines[n].digits),
                                                    digits_text(read[n].digits), 100 * read[n].probability);
    list.rows.push_back({digits_text(lines[n].digits), digits_text(read[n].digits),
                         fmt::format("{:.0f} %", 100 * read[n].probability), right ? "" : "wrong"});
    if (n < shown)
      all.images.push_back(picture(lines[n].image, caption));
    else if (!right && wrong.images.size() < 2 * shown)
      wrong.images.push_back(picture(lines[n].image, caption));
  }
  views.add(
      "Lines, and what it reads",
      "None of these was learned. How sure it is of the whole line stands behind it; where it is not, look which digit is hard.",
      std::move(all));
  views.samples.push_back({"Lines, and what it reads", "", std::move(list)});
  if (!wrong.images.empty())  // then there are more than those shown
    views.add(fmt::format("Lines that it misread, among {} more", lines.size() - shown),
              "First what it shows, then what was read. Would you have read them?", std::move(wrong));
  const auto place =
      std::max_element(lines.begin(), lines.begin() + static_cast<std::ptrdiff_t>(std::min(shown, lines.size())),
                       [](const PrintedLine& a, const PrintedLine& b) { return a.digits.size() < b.digits.size(); });
  const PrintedLine& longest = *place;
  if (model.has_attention()) add_attention(views, model, longest, read[static_cast<std::size_t>(place - lines.begin())].digits);
  if (model.has_ctc()) add_columns(views, model, longest);
}

Sample<float> ocr_sample(const OcrModel& model, const OcrOptions& options, const PrintedLine& line, const std::string& cell) {
  const auto used = net_for<float>(cell, model, [&](Registry<float>& registry) {
    Random random(1);
    return OcrModel(Scope<float>(registry, random), with_cell(options, cell));
  });
  Sample<float> sample{.loss = [used, line] { return used->loss(std::span(&line, 1), 1); },
                       .input = {},
                       .about = fmt::format("The sample is the first line that is shown, {}.", digits_text(line.digits))};
  if (model.has_attention()) {
    for (const Index digit : line.digits) sample.made.push_back(std::to_string(digit));
    sample.made.emplace_back("end");
  }
  return sample;
}

}  // namespace carousel
