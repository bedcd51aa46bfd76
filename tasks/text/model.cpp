#include <carousel/tasks/text/model.hpp>

#include <algorithm>
#include <cmath>

#include <carousel/models/sequence/scan.hpp>
#include <carousel/tasks/base/progress.hpp>
#include <carousel/tasks/nets/one_hot.hpp>

namespace carousel {

TextModel::TextModel(Scope<float> p, const TrainOptions& options, Vocabulary characters, const CellOptions<float>& cell,
                     const LinearOptions<float>& linear)
    : vocabulary(std::move(characters)), readout(p / "readout", options.hidden, vocabulary.size(), linear) {
  for (Index layer = 0; layer < options.layers; ++layer)
    layers.push_back(make_cell(options.cell, p / ("layer" + std::to_string(layer)),
                               layer == 0 ? vocabulary.size() : options.hidden, options.hidden, cell));
}

TextState TextModel::start(Index batch) const {
  Tape<float> tape;  // the states are copied from it at once
  TextState state;
  for (const AnyCell<float>& layer : layers) state.emplace_back(layer.start(batch));
  return state;
}

Var<float> TextModel::operator()(const std::uint32_t* symbols, Index steps, Index batch, TextState& state, double dropout,
                                 DropoutKey key) const {
  Var<float> x = one_hot(std::span(symbols, static_cast<std::size_t>(steps * batch)), batch, vocabulary.size());
  for (std::size_t layer = 0; layer < layers.size(); ++layer) {
    const At<float> here(&Place::layer, static_cast<Index>(layer));
    const auto scanned = scan(layers[layer], x, state[layer].enter());
    state[layer] = scanned.state;
    key.place = layer;
    x = carousel::dropout(scanned.outputs, dropout, key);
  }
  return readout(x);
}

void sample_text(const TextModel& model, const TextSampling& sampling, const std::function<bool(const std::string&)>& print) {
  if (!(sampling.temperature > 0))
    wrong_argument("sample: temperature ", sampling.temperature, ": must be above 0; argmax draws always the likeliest");
  const Vocabulary& vocabulary = model.vocabulary;
  std::vector<std::uint32_t> prime = vocabulary.encode(sampling.prime, sampling.prime_name, sampling.prime_line);
  for (std::uint32_t symbol : prime)
    if (!print(vocabulary.decode(symbol))) return;

  Tape<float> tape;
  const NoGrad<float> no_gradient;
  Random random(sampling.seed);
  TextState state = model.start(1);
  std::vector<double> chances(static_cast<std::size_t>(vocabulary.size()));
  std::size_t read = 0;
  // Without a prime text, it begins after a line break, where there is one among the characters.
  if (prime.empty())
    prime = vocabulary.characters().find('\n') != std::string::npos
                ? vocabulary.encode("\n", "")
                : std::vector{static_cast<std::uint32_t>(random.below(static_cast<Index>(chances.size())))};
  std::uint32_t symbol = prime[0];
  for (Index drawn = 0; drawn < sampling.length;) {
    tape.clear();
    const Var<float> logits = model(&symbol, 1, 1, state);
    if (++read < prime.size()) {
      symbol = prime[read];
      continue;
    }
    const float* z = tape.data(logits);
    for (const float* logit = z; logit != z + vocabulary.size(); ++logit)
      if (!std::isfinite(*logit)) bad_file("sample: after ", read, " characters a logit is ", *logit, ": must be finite");
    const float* const likeliest = std::max_element(z, z + vocabulary.size());
    if (sampling.argmax) {
      symbol = static_cast<std::uint32_t>(likeliest - z);
    } else {
      double sum = 0;
      for (std::size_t i = 0; i < chances.size(); ++i)
        sum += chances[i] = std::exp(static_cast<double>(z[i] - *likeliest) / sampling.temperature);
      double left = random.uniform() * sum;
      symbol = 0;
      while (symbol + 1 < chances.size() && (left -= chances[symbol]) >= 0) ++symbol;
    }
    ++drawn;
    if (!print(vocabulary.decode(symbol))) return;
  }
}

}  // namespace carousel
