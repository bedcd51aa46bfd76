#include <carousel/tasks/ocr/model.hpp>

#include <algorithm>
#include <cmath>
#include <numeric>

#include <carousel/models/losses/ctc.hpp>
#include <carousel/models/losses/loss.hpp>
#include <carousel/ops/elementwise.hpp>
#include <carousel/ops/shape.hpp>
#include <carousel/ops/softmax.hpp>

namespace carousel {

namespace {

constexpr double ctc_share = 0.8;  // of the loss of both heads

std::vector<Conv2d<float>> make_convolutions(Scope<float> p, const std::vector<OcrStage>& stages) {
  std::vector<Conv2d<float>> all;
  Index in = 1;
  for (const OcrStage& stage : stages) {
    all.emplace_back(p / std::to_string(all.size()), in, stage.channels, stage.size, Conv2dOptions{.padding = stage.padding});
    in = stage.channels;
  }
  return all;
}

/// Features of a column: channels times rows that are left.
Index column_features(const std::vector<OcrStage>& stages) {
  Index rows = OcrModel::height;
  for (const OcrStage& stage : stages) rows = (rows + 2 * stage.padding - stage.size + 1) / stage.pool_rows;
  return rows * stages.back().channels;
}

/// `states`: features of a state of the encoder.
AnyAttention<float> make_attention(Scope<float> p, const OcrOptions& options, Index states) {
  if (options.attention == "multiplicative") return MultiplicativeAttention<float>(p, options.hidden, states);
  return AdditiveAttention<float>(p, options.hidden, states, options.hidden);
}

Decoder<float> make_decoder(Scope<float> p, const OcrOptions& options, Index states) {
  constexpr Index symbols = OcrModel::end + 1, features = 16;
  Stacked<AnyCell<float>> cell = make_layers(p, features + states, options);
  return {Embedding<float>(p / "embedding", symbols, features), std::move(cell), make_attention(p / "attention", options, states),
          Linear<float>(p / "readout", options.hidden + states, symbols)};
}

}  // namespace

const std::vector<std::string>& ocr_heads() {
  static const std::vector<std::string> names = {"attention", "ctc", "both"};
  return names;
}

Var<float> enter_images(std::span<const GreyImage> images) {
  const Index height = images.front().height, width = images.front().width;
  Tape<float>& tape = Tape<float>::active();
  const Var<float> all = tape.constant(Shape{static_cast<Index>(images.size()), 1, height, width});
  float* to = tape.data(all);
  for (const GreyImage& image : images) {
    if (image.height != height || image.width != width)
      wrong_argument("enter_images: images of ", height, " x ", width, " and ", image.height, " x ", image.width,
                     " pixels: must be of one size");
    double sum = 0, squares = 0;
    for (const std::uint8_t pixel : image.pixels) sum += pixel, squares += pixel * pixel;
    const double count = static_cast<double>(image.pixels.size()), mean = sum / count;
    const double variance = squares / count - mean * mean, scale = variance > 1e-3 ? 1 / std::sqrt(variance) : 0;
    for (const std::uint8_t pixel : image.pixels) *to++ = static_cast<float>((pixel - mean) * scale);
  }
  return all;
}

std::vector<OcrStage> ocr_stages(const OcrOptions& options) {
  const Index c = options.channels;
  if (options.preset == "source")
    return {{c, 3, 1, 2, 2},     {2 * c, 3, 1, 2, 2}, {4 * c, 3, 1, 1, 1}, {4 * c, 3, 1, 2, 1},
            {8 * c, 3, 1, 1, 1}, {8 * c, 3, 1, 2, 1}, {8 * c, 2, 0, 1, 1}};
  return {{c, 3, 1, 2, 2}, {2 * c, 3, 1, 2, 2}, {4 * c, 3, 1, 2, 1}, {4 * c, 3, 1, 2, 1}};
}

OcrModel::OcrModel(Scope<float> p, const OcrOptions& options)
    : stages_(ocr_stages(options)),
      convolutions_(make_convolutions(p / "conv", stages_)),
      encoder_(p / "encoder", column_features(stages_), options) {
  if (options.head != "ctc") decoder_ = make_decoder(p / "decoder", options, encoder_.outputs());
  if (options.head != "attention") ctc_ = Linear<float>(p / "ctc", encoder_.outputs(), end + 1);
}

OcrModel::Columns OcrModel::look_at(Var<float> x, const std::optional<DropoutKey>& key) const {
  const Index images = x.shape()[0];
  for (std::size_t i = 0; i < stages_.size(); ++i) {
    x = convolutions_[i](x);
    if (stages_[i].pool_rows > 1) x = max_pool2d(x, {.size = stages_[i].pool_rows, .width = stages_[i].pool_columns});
    x = relu(x);  // after the pooling: it comes to the same, of fewer numbers
  }
  const Index columns = x.shape()[3];
  const Var<float> rows = reshape(x, {images, -1, columns});
  const Var<float> by_column = packed(transpose(transpose(rows, 0, 2), 1, 2));  // [columns, images, features]
  const auto [states, last] = encoder_.read(by_column, {.key = key});
  return {states, last};
}

Var<float> OcrModel::attention_loss(const Columns& columns, std::span<const PrintedLine> lines, double divide_by,
                                    const std::optional<DropoutKey>& key) const {
  std::size_t steps = 0;
  for (const PrintedLine& line : lines) steps = std::max(steps, line.digits.size() + 1);
  std::vector<Index> right(steps * lines.size(), end);
  std::vector<float> weights(right.size(), 0);
  for (std::size_t i = 0; i < lines.size(); ++i) {
    const Digits& digits = lines[i].digits;
    for (std::size_t t = 0; t <= digits.size(); ++t) {
      if (t < digits.size()) right[t * lines.size() + i] = digits[t];
      weights[t * lines.size() + i] = 1 / static_cast<float>(digits.size() + 1);
    }
  }
  const Memory<float> memory = decoder_->remember(columns.states);
  const auto decoded = (*decoder_)(memory, columns.end, static_cast<Index>(steps), right, detail::at_place(key, 1));
  return cross_entropy(decoded.logits, right, {.mask = weights, .divide_by = divide_by});
}

Var<float> OcrModel::loss(std::span<const PrintedLine> lines, double divide_by, const std::optional<DropoutKey>& key) const {
  std::vector<GreyImage> images;
  std::vector<Digits> digits;
  for (const PrintedLine& line : lines) images.push_back(line.image), digits.push_back(line.digits);
  const Columns columns = look_at(enter_images(images), detail::at_place(key, 0));
  if (!ctc_) return attention_loss(columns, lines, divide_by, key);
  const Var<float> by_ctc = ctc_loss((*ctc_)(columns.states), digits, {.blank = end, .divide_by = divide_by});
  if (!decoder_) return by_ctc;
  return ctc_share * by_ctc + (1 - ctc_share) * attention_loss(columns, lines, divide_by, key);
}

std::vector<OcrReading> OcrModel::read(std::span<const GreyImage> images, bool by_ctc) const {
  constexpr std::size_t most = 100;
  constexpr Index beam = 4;
  std::vector<OcrReading> all;
  Tape<float> tape;
  const NoGrad<float> no_gradient;
  while (!images.empty()) {
    const std::span<const GreyImage> some = images.first(std::min(most, images.size()));
    images = images.subspan(some.size());
    tape.clear();
    const Columns columns = look_at(enter_images(some), {});
    if (by_ctc) {
      for (const auto& found : ctc_beam_search((*ctc_)(columns.states).value(), {.blank = end, .width = beam}))
        all.push_back({found.front().labels, std::exp(found.front().log_probability)});
      continue;
    }
    const Memory<float> memory = decoder_->remember(columns.states);
    for (const auto& found : search(*decoder_, memory, columns.end, {.most = most_digits + 1, .end = end, .beam = beam}))
      all.push_back({found.front().symbols, std::exp(found.front().log_likelihood)});
  }
  return all;
}

OcrLook OcrModel::look(const GreyImage& image, const Digits& found) const {
  OcrLook look{.symbols = found, .weights = {}};
  if (std::ssize(found) <= most_digits) look.symbols.push_back(end);
  Tape<float> tape;
  const NoGrad<float> no_gradient;
  const Columns columns = look_at(enter_images(std::span(&image, 1)), {});
  // The likeliest symbol of each step may be another one than that of the likeliest digits.
  const Decoded<float> decoded =
      (*decoder_)(decoder_->remember(columns.states), columns.end, std::ssize(look.symbols), look.symbols);
  for (const Var<float>& step : decoded.weights) {
    const Tensor<float> weights = step.value();
    look.weights.emplace_back(weights.begin(), weights.end());
  }
  return look;
}

std::vector<std::vector<float>> OcrModel::column_chances(const GreyImage& image) const {
  Tape<float> tape;
  const NoGrad<float> no_gradient;
  const Columns columns = look_at(enter_images(std::span(&image, 1)), {});
  const Tensor<float> chances = softmax((*ctc_)(columns.states)).value();
  std::vector<std::vector<float>> all;
  for (const float* at = chances.data(); at != chances.data() + chances.size(); at += end + 1) all.emplace_back(at, at + end + 1);
  return all;
}

std::string digits_text(const Digits& digits) {
  std::string all;
  for (const Index digit : digits) all += static_cast<char>('0' + digit);
  return all;
}

Index edit_distance(const Digits& a, const Digits& b) {
  std::vector<Index> before(b.size() + 1), now(b.size() + 1);
  std::iota(before.begin(), before.end(), Index{0});
  for (std::size_t i = 0; i < a.size(); ++i) {
    now[0] = static_cast<Index>(i) + 1;
    for (std::size_t j = 0; j < b.size(); ++j)
      now[j + 1] = std::min({before[j] + (a[i] == b[j] ? 0 : 1), before[j + 1] + 1, now[j] + 1});
    std::swap(before, now);
  }
  return before.back();
}

OcrAccuracy accuracy(std::span<const OcrReading> read, std::span<const PrintedLine> right) {
  Index strings = 0, digits = 0, faults = 0;
  for (std::size_t i = 0; i < right.size(); ++i) {
    const Index distance = edit_distance(read[i].digits, right[i].digits);
    strings += distance == 0;
    faults += distance;
    digits += static_cast<Index>(right[i].digits.size());
  }
  return {static_cast<double>(strings) / static_cast<double>(right.size()),
          std::max(0.0, 1 - static_cast<double>(faults) / static_cast<double>(digits))};
}

}  // namespace carousel
