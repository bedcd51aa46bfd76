#include <carousel/tasks/lists/model.hpp>

#include <algorithm>
#include <cmath>
#include <functional>
#include <map>

#include <carousel/lib/error.hpp>

namespace carousel {

namespace {

bool as_source(const ListOptions& options) {
  return options.preset == "source";
}
bool has_attention(const ListOptions& options) {
  return options.attention != "none";
}
/// Features of a state of the encoder.
Index encoded(const ListOptions& options) {
  return (options.bidirectional ? 2 : 1) * options.hidden;
}

/// torch.nn's start of a recurrent or a linear layer: uniform in ±1/√hidden.
Init<float> torch_start(Index hidden) {
  const double reach = 1 / std::sqrt(static_cast<double>(hidden));
  return init::uniform<float>(-reach, reach);
}
/// torch.nn's LSTM has two biases where ours has their sum.
Init<float> twice(const Init<float>& init) {
  return [init](const Shape& shape, Random& random) {
    Tensor<float> sum = init(shape, random);
    const Tensor<float> other = init(shape, random);
    std::transform(sum.begin(), sum.end(), other.begin(), sum.begin(), std::plus<>());
    return sum;
  };
}
CellOptions<float> cell_options(const ListOptions& options) {
  if (!as_source(options)) return {};
  const Init<float> start = torch_start(options.hidden);
  return {.forget_bias = {}, .init = start, .b = options.cell == "lstm" ? twice(start) : start};
}
LinearOptions<float> readout_options(const ListOptions& options) {
  if (!as_source(options)) return {};
  return {.w = torch_start(options.hidden), .b = torch_start(options.hidden)};
}

Stacked<AnyCell<float>> make_decoder_cell(Scope<float> p, const ListOptions& options) {
  const Index in = options.embedding + (has_attention(options) ? encoded(options) : 0);
  return make_layers(p, in, options, cell_options(options));
}

AnyAttention<float> make_attention(Scope<float> p, const ListOptions& options) {
  const Init<float> init = as_source(options) ? init::normal<float>(0, 1e-4) : init::xavier_uniform<float>();
  if (options.attention == "additive")
    return AdditiveAttention<float>(p, options.hidden, encoded(options), options.hidden,
                                    {.init = init, .rectifier = as_source(options)});
  if (options.attention == "multiplicative") return MultiplicativeAttention<float>(p, options.hidden, encoded(options), init);
  return {};
}

Linear<float> make_readout(Scope<float> p, const ListOptions& options) {
  const bool context = has_attention(options) && !as_source(options);
  return {p, options.hidden + (context ? encoded(options) : 0), options.range, readout_options(options)};
}

/// Calls f(lists of one length, their places among all) for each length, some lists at a time.
template <class F>
void for_each_length(std::span<const List> lists, const F& f) {
  constexpr std::size_t most = 250;
  std::map<std::size_t, std::vector<std::size_t>> places;
  for (std::size_t i = 0; i < lists.size(); ++i) places[lists[i].size()].push_back(i);
  for (const auto& [length, all] : places)
    for (std::size_t from = 0; from < all.size(); from += most) {
      const std::span<const std::size_t> some = std::span(all).subspan(from, std::min(most, all.size() - from));
      std::vector<List> group;
      for (const std::size_t place : some) group.push_back(lists[place]);
      f(group, some);
    }
}

}  // namespace

const std::vector<std::string>& attention_names() {
  static const std::vector<std::string> names = {"none", "additive", "multiplicative"};
  return names;
}

ListModel::ListModel(Scope<float> p, const ListOptions& options)
    : embedding_(p / "embedding", options.range, options.embedding),
      encoder_(p / "encoder", options.embedding, options, cell_options(options)),
      decoder_{embedding_, make_decoder_cell(p / "decoder", options), make_attention(p / "attention", options),
               make_readout(p / "readout", options),
               DecoderOptions{.rectified_input = as_source(options), .readout_without_context = as_source(options)}},
      from_zero_(as_source(options) && has_attention(options)) {}

Decoded<float> ListModel::operator()(std::span<const Index> lists, Index batch, std::span<const Index> forced,
                                     const std::optional<DropoutKey>& key) const {
  const Index length = static_cast<Index>(lists.size()) / batch;
  const Var<float> read = embedding_(lists, {length, batch});
  const auto [states, end] = encoder_.read(read, {.key = detail::at_place(key, 0)});
  return decoder_(decoder_.remember(states), from_zero_ ? decoder_.cell.start(batch) : end, length, forced,
                  detail::at_place(key, 1));
}

std::vector<List> make_lists(const ListModel& model, std::span<const List> lists) {
  Tape<float> tape;
  const NoGrad<float> no_gradient;
  std::vector<List> made(lists.size());
  for_each_length(lists, [&](const std::vector<List>& group, std::span<const std::size_t> places) {
    tape.clear();
    const Decoded<float> decoded = model(side_by_side(group), static_cast<Index>(group.size()));
    for (std::size_t i = 0; i < decoded.symbols.size(); ++i) made[places[i % places.size()]].push_back(decoded.symbols[i]);
  });
  return made;
}

ListAccuracy accuracy(std::span<const List> made, std::span<const List> right) {
  double tokens = 0, right_tokens = 0, right_strings = 0;
  for (std::size_t i = 0; i < right.size(); ++i) {
    tokens += static_cast<double>(right[i].size());
    for (std::size_t t = 0; t < right[i].size(); ++t) right_tokens += made[i][t] == right[i][t];
    right_strings += made[i] == right[i];
  }
  return {right_tokens / tokens, right_strings / static_cast<double>(right.size())};
}

Attending attend_to(const ListModel& model, const List& list) {
  Tape<float> tape;
  const NoGrad<float> no_gradient;
  Decoded<float> decoded = model(list, 1);
  Attending attending{std::move(decoded.symbols), {}};
  for (const Var<float>& weights : decoded.weights) {
    const Tensor<float> row = weights.value();
    attending.weights.emplace_back(row.begin(), row.end());
  }
  return attending;
}

}  // namespace carousel
