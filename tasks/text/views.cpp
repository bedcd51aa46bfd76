#include <carousel/tasks/text/views.hpp>

#include <algorithm>
#include <cmath>
#include <numeric>

#include <fmt/format.h>

#include <carousel/ops/softmax.hpp>

namespace carousel {

namespace {

view::Texts samples(const TextModel& model) {
  view::Texts texts;
  for (const double temperature : {0.3, 0.7, 1.0, 1.3}) {
    view::Texts::Text text{.caption = fmt::format("temperature {}", temperature), .text = {}};
    sample_text(model, {.length = 320, .temperature = temperature}, [&](const std::string& character) {
      text.text += character;
      return true;
    });
    texts.texts.push_back(std::move(text));
  }
  return texts;
}

/// What the model, from a state of zeros on, expects after each character of the beginning of the validation part.
view::Characters expectations(const TextModel& model, const Streams& streams) {
  constexpr std::size_t most_characters = 240, candidates = 4;
  view::Characters read;
  Tape<float> tape;
  const NoGrad<float> no_gradient;
  TextState state = model.start(1);
  std::vector<std::uint32_t> inputs(static_cast<std::size_t>(streams.steps()));
  std::vector<Index> targets(inputs.size());
  const auto symbols = static_cast<std::size_t>(model.vocabulary.size());
  std::vector<std::uint32_t> order(symbols);
  for (Index at = streams.train_batches(); at < streams.batches() && read.characters.size() < most_characters; ++at) {
    tape.clear();
    streams.fill(at, 0, 1, inputs.data(), targets.data());
    const Var<float> chances = softmax(model(inputs.data(), streams.steps(), 1, state));
    for (std::size_t t = 0; t < targets.size() && read.characters.size() < most_characters; ++t) {
      const float* const p = tape.data(chances) + t * symbols;
      const auto right = static_cast<std::uint32_t>(targets[t]);
      view::Characters::Character one{
          .character = model.vocabulary.decode(right), .probability = static_cast<double>(p[right]), .candidates = {}};
      const auto count = static_cast<std::ptrdiff_t>(std::min(candidates, symbols));
      std::iota(order.begin(), order.end(), 0U);
      std::partial_sort(order.begin(), order.begin() + count, order.end(),
                        [&](std::uint32_t a, std::uint32_t b) { return p[a] > p[b]; });
      for (std::ptrdiff_t n = 0; n < count; ++n) {
        const std::uint32_t symbol = order[static_cast<std::size_t>(n)];
        one.candidates.emplace_back(model.vocabulary.decode(symbol), static_cast<double>(p[symbol]));
      }
      read.characters.push_back(std::move(one));
    }
  }
  return read;
}

}  // namespace

void add_text_views(Views& views, const TextModel& model, const Streams& streams) {
  views.add("What it writes",
            "At a low temperature the net takes what is likeliest and soon repeats itself; at a high one it dares more and "
            "misspells. Look for whole words first, then for lines and names, and only then for sense.",
            samples(model));
  views.add(
      "What it expected",
      "A text that it has not learned from, and below each character what the net held likeliest there, the surer the stronger; "
      "a frame marks the right one. It should be sure inside words, and in doubt where a new word begins.",
      expectations(model, streams));
}

}  // namespace carousel
