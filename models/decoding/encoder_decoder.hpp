#pragma once
/// Encoder and decoder: one net reads, of any kind, another writes a string symbol by symbol, and may look back at all that the
/// first has read. Sutskever, Vinyals, Le 2014, arXiv:1409.3215; with attention, Bahdanau, Cho, Bengio 2015, arXiv:1409.0473.
///
///     const Decoder<float> decoder{Embedding<float>(p / "embedding", 11, 32),
///                                  Stacked(std::vector{make_cell("gru", p / "decoder" / "0", 32 + 256, 128)}),
///                                  AdditiveAttention<float>(p / "attention", 128, 256, 128),
///                                  Linear<float>(p / "readout", 128 + 256, 11)};
///     const Memory<float> memory = decoder.remember(states, lengths);              // states: [time, batch, 256]
///     const Decoded<float> decoded = decoder(memory, start, steps, right);         // it reads the right symbols: training
///     const auto strings = search(decoder, memory, start, {.most = 8, .end = 10, .beam = 5});  // and what it makes itself

#include <optional>
#include <span>
#include <utility>
#include <variant>
#include <vector>

#include <carousel/models/cells/any_cell.hpp>
#include <carousel/models/decoding/attention.hpp>
#include <carousel/models/decoding/search.hpp>
#include <carousel/models/layers/embedding.hpp>
#include <carousel/models/layers/linear.hpp>
#include <carousel/models/sequence/bidirectional.hpp>
#include <carousel/models/sequence/stacked.hpp>

namespace carousel {

/// One of the forms of attention, or none.
template <class T>
using AnyAttention = std::variant<std::monostate, AdditiveAttention<T>, MultiplicativeAttention<T>, DotAttention<T>>;

/// What a decoder has written of a batch of strings, side by side.
template <class T>
struct Decoded {
  Var<T> logits;                // [steps, batch, symbols]
  std::vector<Index> symbols;   // the likeliest ones, [steps, batch] row by row
  std::vector<Var<T>> weights;  // of attention, for each step: [time, batch]; without attention none
};

/// What differs from the usual form.
struct DecoderOptions {
  bool rectified_input = false;          ///< the cell reads max(0, ·) of what it would read
  bool readout_without_context = false;  ///< logits are of h' alone
};

/// With x the embedding of the symbol before (0 at first), h the output of the state before and c = attention(h) the context:
///   h' = cell([x, c], h);  logits = [h', c] W + b
/// Without attention there is no c.
template <class T>
struct Decoder {
  using State = StackedState<AnyState<T>>;

  Embedding<T> embedding;
  Stacked<AnyCell<T>> cell;
  AnyAttention<T> attention;
  Linear<T> readout;
  DecoderOptions options = {};

  /// Prepares the states of an encoder to be looked back at; without attention it is nothing. Throws as the attention does.
  ///   states: [time, batch, features];  lengths: of each example, [batch]; empty: all have the whole time
  Memory<T> remember(Var<T> states, std::span<const Index> lengths = {}) const;

  /// One step.
  struct Stepped {
    Var<T> logits;  // [batch, symbols]
    State state;
    std::optional<Var<T>> weights;  // of attention, [time, batch]
  };
  /// What stands before the first symbol: 0.
  Var<T> nothing(Index batch) const;
  /// Writes one symbol.
  ///   before: [batch, dim], the embedding of the symbol before;  key: of this step; none: the model is in use
  Stepped step(Var<T> before, State state, const Memory<T>& memory, const std::optional<DropoutKey>& key = {}) const;

  /// Writes strings of `steps` symbols. Throws std::invalid_argument unless steps ≥ 1, and for `right` of another size.
  ///   start: the state before the first step, from the encoder or cell.start(batch)
  ///   right: empty, or the right symbols, [steps, batch] row by row, of which it reads each in place of the likeliest one
  ///     (teacher forcing); beyond the end of a string, any symbols
  ///   key: for dropout between layers; none: the model is in use
  Decoded<T> operator()(const Memory<T>& memory, State start, Index steps, std::span<const Index> right = {},
                        const std::optional<DropoutKey>& key = {}) const;
};

/// The states of both directions added up, layer by layer: a start for a decoder with the cells of one.
template <class T>
StackedState<AnyState<T>> sum_of_directions(StackedState<BidirectionalState<AnyState<T>>> state);

/// The best strings of each example that a decoder would write, best first; see search() for any net.
template <class T>
std::vector<std::vector<FoundString>> search(const Decoder<T>& decoder, const Memory<T>& memory, typename Decoder<T>::State start,
                                             const SearchOptions& options);

extern template struct Decoder<float>;
extern template struct Decoder<double>;
extern template StackedState<AnyState<float>> sum_of_directions(StackedState<BidirectionalState<AnyState<float>>>);
extern template StackedState<AnyState<double>> sum_of_directions(StackedState<BidirectionalState<AnyState<double>>>);
extern template std::vector<std::vector<FoundString>> search(const Decoder<float>&, const Memory<float>&, Decoder<float>::State,
                                                             const SearchOptions&);
extern template std::vector<std::vector<FoundString>> search(const Decoder<double>&, const Memory<double>&,
                                                             Decoder<double>::State, const SearchOptions&);

}  // namespace carousel
