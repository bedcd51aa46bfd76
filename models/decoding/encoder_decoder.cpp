#include <carousel/models/decoding/encoder_decoder.hpp>

#include <algorithm>

#include <carousel/ops/arrange.hpp>

namespace carousel {

namespace {

/// The batch of a state.
template <class T>
Index batch_of(StackedState<AnyState<T>> state) {
  const Shape shape = output(state).shape();
  if (shape.rank() != 2) wrong_argument("decoder: the output of the state is ", shape, ": must be [batch, hidden]");
  return shape[0];
}

}  // namespace

template <class T>
Memory<T> Decoder<T>::remember(Var<T> states, std::span<const Index> lengths) const {
  return std::visit(
      [&]<class A>(const A& form) {
        if constexpr (std::is_same_v<A, std::monostate>)
          return Memory<T>{};
        else
          return form.remember(states, lengths);
      },
      attention);
}

template <class T>
Var<T> Decoder<T>::nothing(Index batch) const {
  return zero_state<T>(batch, embedding.table->shape()[1]);
}

template <class T>
typename Decoder<T>::Stepped Decoder<T>::step(Var<T> before, State state, const Memory<T>& memory,
                                              const std::optional<DropoutKey>& key) const {
  return std::visit(
      [&]<class A>(const A& form) {
        constexpr bool attends = !std::is_same_v<A, std::monostate>;
        Stepped stepped;
        Var<T> x = before, context;
        if constexpr (attends) {
          const Attended<T> attended = form(output(state), memory);
          stepped.weights = attended.weights;
          context = attended.context;
          x = concat({x, context});
        }
        if (options.rectified_input) x = relu(x);
        stepped.state = carousel::step(cell, x, state, key);
        Var<T> h = output(stepped.state);
        if (attends && !options.readout_without_context) h = concat({h, context});
        stepped.logits = readout(h);
        return stepped;
      },
      attention);
}

template <class T>
Decoded<T> Decoder<T>::operator()(const Memory<T>& memory, State state, Index steps, std::span<const Index> right,
                                  const std::optional<DropoutKey>& key) const {
  cell.check_state("decoder", state);
  const Index batch = batch_of(state);
  if (steps < 1) wrong_argument("decoder: ", steps, " steps: must be at least 1");
  if (!right.empty() && static_cast<Index>(right.size()) != steps * batch)
    wrong_argument("decoder: ", right.size(), " right symbols for ", steps, " steps of a batch of ", batch, ": must be ",
                   steps * batch);
  Tape<T>& tape = Tape<T>::active();
  Decoded<T> decoded;
  decoded.symbols.resize(static_cast<std::size_t>(steps * batch));
  std::vector<Var<T>> logits;
  Var<T> before = nothing(batch);
  const At<T> part(&Place::part, "decoder");
  for (Index t = 0; t < steps; ++t) {
    const At<T> at(&Place::step, t);
    std::optional<DropoutKey> now = key;
    if (now) now->first_time += t;
    Stepped stepped = step(before, state, memory, now);
    state = stepped.state;
    logits.push_back(stepped.logits);
    if (stepped.weights) decoded.weights.push_back(*stepped.weights);

    const auto first = static_cast<std::size_t>(t * batch), count = static_cast<std::size_t>(batch);
    const std::span<Index> likeliest = std::span(decoded.symbols).subspan(first, count);
    const Index symbols = stepped.logits.shape()[1];
    const T* row = tape.data(stepped.logits);
    for (Index& symbol : likeliest) {
      symbol = std::max_element(row, row + symbols) - row;
      row += symbols;
    }
    if (t + 1 < steps)
      before = embedding(right.empty() ? std::span<const Index>(likeliest) : right.subspan(first, count), {batch});
  }
  decoded.logits = stack(std::span<const Var<T>>(logits));
  return decoded;
}

template <class T>
StackedState<AnyState<T>> sum_of_directions(StackedState<BidirectionalState<AnyState<T>>> state) {
  StackedState<AnyState<T>> sum(state.size());
  for (std::size_t layer = 0; layer < state.size(); ++layer) {
    sum[layer] = state[layer].forward;
    const auto to = sum[layer].members(), other = state[layer].backward.members();
    for (std::size_t k = 0; k < to.size(); ++k) to[k] = to[k] + other[k];
  }
  return sum;
}

template <class T>
std::vector<std::vector<FoundString>> search(const Decoder<T>& decoder, const Memory<T>& memory, typename Decoder<T>::State start,
                                             const SearchOptions& options) {
  using State = typename Decoder<T>::State;
  decoder.cell.check_state("decoder", start);
  const Index batch = batch_of(start);
  if (decoder.attention.index() != 0 && memory.states.shape()[1] != batch)
    wrong_argument("decoder: a state of a batch of ", batch, " beside a memory of ", memory.states.shape()[1],
                   ": must be the same");
  const NoGrad<T> no_gradient;
  Memory<T> repeated = memory;  // a copy for each row
  if (decoder.attention.index() != 0 && options.beam > 1) {
    std::vector<Index> rows;
    for (Index example = 0; example < batch; ++example) rows.insert(rows.end(), static_cast<std::size_t>(options.beam), example);
    repeated.states = gather(memory.states, 1, rows);
    repeated.keys = memory.keys.index() == memory.states.index() ? repeated.states : gather(memory.keys, 1, rows);
    if (memory.present) repeated.present = gather(*memory.present, 1, rows);
  }
  const auto step = [&](std::span<const Index> before, State state) {
    const Index rows = batch * options.beam;
    const auto stepped =
        decoder.step(before.empty() ? decoder.nothing(rows) : decoder.embedding(before, {rows}), state, repeated);
    return std::pair(stepped.logits, stepped.state);
  };
  return search(start, batch, step, options);
}

template struct Decoder<float>;
template struct Decoder<double>;
template StackedState<AnyState<float>> sum_of_directions(StackedState<BidirectionalState<AnyState<float>>>);
template StackedState<AnyState<double>> sum_of_directions(StackedState<BidirectionalState<AnyState<double>>>);
template std::vector<std::vector<FoundString>> search(const Decoder<float>&, const Memory<float>&, Decoder<float>::State,
                                                      const SearchOptions&);
template std::vector<std::vector<FoundString>> search(const Decoder<double>&, const Memory<double>&, Decoder<double>::State,
                                                      const SearchOptions&);

}  // namespace carousel
