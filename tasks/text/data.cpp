#include <carousel/tasks/text/data.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <numeric>
#include <span>

#include <fmt/format.h>

#include <carousel/lib/files/file.hpp>
#include <carousel/lib/utf8.hpp>
#include <carousel/tasks/base/text.hpp>

namespace carousel {

namespace {

Index line_of(std::string_view text, std::size_t byte) {
  return 1 + std::count(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(byte), '\n');
}

/// The code points of UTF-8.
std::vector<char32_t> code_points(std::string_view text, const std::string& name) {
  refuse_utf16(text, name);
  if (const std::size_t bad = first_not_utf8(text); bad != std::string_view::npos)
    refuse_not_utf8(text, bad, name, line_of(text, bad), bad);
  std::vector<char32_t> points;
  points.reserve(text.size());
  for (std::size_t i = 0; i < text.size();) {
    const auto lead = static_cast<unsigned char>(text[i++]);
    const int more = lead < 0x80 ? 0 : lead < 0xe0 ? 1 : lead < 0xf0 ? 2 : 3;
    char32_t point = more == 0 ? lead : lead & (0x3fU >> more);
    for (int k = 0; k < more; ++k) point = (point << 6) | (static_cast<unsigned char>(text[i++]) & 0x3fU);
    points.push_back(point);
  }
  return points;
}

std::string utf8(char32_t point) {
  const auto byte = [](char32_t bits) { return static_cast<char>(static_cast<unsigned char>(bits)); };
  if (point < 0x80) return {byte(point)};
  if (point < 0x800) return {byte(0xc0 | (point >> 6)), byte(0x80 | (point & 0x3f))};
  if (point < 0x10000) return {byte(0xe0 | (point >> 12)), byte(0x80 | ((point >> 6) & 0x3f)), byte(0x80 | (point & 0x3f))};
  return {byte(0xf0 | (point >> 18)), byte(0x80 | ((point >> 12) & 0x3f)), byte(0x80 | ((point >> 6) & 0x3f)),
          byte(0x80 | (point & 0x3f))};
}

}  // namespace

Vocabulary Vocabulary::of(std::string_view text, const std::string& name) {
  Vocabulary vocabulary;
  vocabulary.code_points_ = code_points(text, name);
  std::sort(vocabulary.code_points_.begin(), vocabulary.code_points_.end());
  vocabulary.code_points_.erase(std::unique(vocabulary.code_points_.begin(), vocabulary.code_points_.end()),
                                vocabulary.code_points_.end());
  return vocabulary;
}

std::vector<std::uint32_t> Vocabulary::encode(std::string_view text, const std::string& name, Index line) const {
  const std::vector<char32_t> points = code_points(text, name);
  std::vector<std::uint32_t> symbols;
  symbols.reserve(points.size());
  for (char32_t point : points) {
    const auto found = std::lower_bound(code_points_.begin(), code_points_.end(), point);
    if (found == code_points_.end() || *found != point)
      bad_file("read ", name, ": line ", line, ": character ", in_quotes(utf8(point)), " is not among the ", size(),
               " that the model knows");
    symbols.push_back(static_cast<std::uint32_t>(found - code_points_.begin()));
    line += point == U'\n';
  }
  return symbols;
}

std::string Vocabulary::decode(std::uint32_t symbol) const {
  return utf8(code_points_.at(symbol));
}

std::string Vocabulary::characters() const {
  std::string all;
  for (char32_t point : code_points_) all += utf8(point);
  return all;
}

Streams::Streams(std::vector<std::uint32_t> symbols, Index batch, Index steps, double train_part, const std::string& name)
    : symbols_(std::move(symbols)), batch_(batch), steps_(steps) {
  if (batch < 1 || steps < 1) wrong_argument(name, ": batches of ", batch, " streams of ", steps, " steps: must be at least 1");
  const auto size = static_cast<Index>(symbols_.size());
  batches_ = size / batch / steps;  // the product might not fit
  train_ = static_cast<Index>(static_cast<double>(batches_) * train_part);
  if (train_ < 1 || train_ == batches_)
    wrong_argument(name, ": ", size, " characters for batches of ", batch, " streams of ", steps, " steps: must be at least ",
                   fmt::format("{:.0f}", 2.0 * static_cast<double>(batch) * static_cast<double>(steps)),
                   "; a smaller --batch or --steps needs fewer");
  stream_ = batches_ * steps;
  symbols_.resize(static_cast<std::size_t>(stream_ * batch));
}

void Streams::fill(Index batch, Index from, Index to, std::uint32_t* inputs, Index* targets) const {
  const auto size = static_cast<Index>(symbols_.size());
  for (Index t = 0; t < steps_; ++t)
    for (Index stream = from; stream < to; ++stream) {
      const Index at = stream * stream_ + batch * steps_ + t;
      *inputs++ = symbols_[static_cast<std::size_t>(at)];
      *targets++ = static_cast<Index>(symbols_[static_cast<std::size_t>((at + 1) % size)]);
    }
}

Baseline frequency_baseline(const Streams& streams, Index characters) {
  const auto count = [&](Index from, Index to) {
    std::vector<double> counts(static_cast<std::size_t>(characters));
    std::vector<std::uint32_t> inputs(static_cast<std::size_t>(streams.batch() * streams.steps()));
    std::vector<Index> targets(inputs.size());
    for (Index at = from; at < to; ++at) {
      streams.fill(at, 0, streams.batch(), inputs.data(), targets.data());
      for (const Index target : targets) counts[static_cast<std::size_t>(target)] += 1;
    }
    return counts;
  };
  const std::vector<double> train = count(0, streams.train_batches()), held = count(streams.train_batches(), streams.batches());
  const double all = std::accumulate(train.begin(), train.end(), static_cast<double>(characters));
  const auto loss_of = [&](const std::vector<double>& counts) {
    double sum = 0, number = 0;
    for (std::size_t k = 0; k < counts.size(); ++k) sum -= counts[k] * std::log((train[k] + 1) / all), number += counts[k];
    return sum / number;
  };
  return {.metric = "validation_loss",
          .guess = "guessing by the frequency of characters",
          .value = loss_of(held),
          .train_loss = loss_of(train)};
}

}  // namespace carousel
