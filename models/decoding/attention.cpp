#include <carousel/models/decoding/attention.hpp>

#include <algorithm>
#include <limits>

#include <carousel/models/sequence/lengths.hpp>
#include <carousel/ops/elementwise.hpp>
#include <carousel/ops/matmul.hpp>
#include <carousel/ops/reduce.hpp>
#include <carousel/ops/shape.hpp>
#include <carousel/ops/softmax.hpp>

namespace carousel {

namespace {

/// The states with 0 beyond the lengths, so that no NaN comes from there, and themselves as keys.
template <class T>
Memory<T> remember_states(Var<T> states, Index hidden, std::span<const Index> lengths) {
  const Shape shape = states.shape();
  if (shape.rank() != 3 || shape[0] == 0 || (hidden >= 0 && shape[2] != hidden))
    wrong_argument("attention: states is ", shape, ": must be [time, batch, ", hidden < 0 ? "hidden" : std::to_string(hidden),
                   "] with at least one step");
  if (lengths.empty()) return {states, states, {}};
  detail::check_lengths("attention", lengths, shape);
  for (std::size_t i = 0; i < lengths.size(); ++i)
    if (lengths[i] == 0) wrong_argument("attention: example ", i, " has length 0: must have at least one step to look at");
  if (std::all_of(lengths.begin(), lengths.end(), [&](Index length) { return length == shape[0]; })) return {states, states, {}};

  Tape<T>& tape = Tape<T>::active();
  const Var<T> present = tape.constant(Shape{shape[0], shape[1], 1});
  T* to = tape.data(present);
  for (Index t = 0; t < shape[0]; ++t)
    for (const Index length : lengths) *to++ = t < length ? T(1) : T(0);
  states = where(present, states, 0);
  return {states, states, present};
}

template <class T>
void check_query(Var<T> query, Index features, const Memory<T>& memory) {
  const Index batch = memory.states.shape()[1];
  if (!(query.shape() == Shape{batch, features}))
    wrong_argument("attention: query is ", query.shape(), ": must be ", Shape{batch, features}, ", [batch, features]");
}

/// What states of those scores, [time, batch, 1], come to.
template <class T>
Attended<T> attend(Var<T> scores, const Memory<T>& memory) {
  if (memory.present) scores = where(*memory.present, scores, -std::numeric_limits<T>::infinity());
  const Var<T> weights = softmax(scores, 0);
  const Var<T> context = sum(weights * memory.states, 0);  // [1, batch, hidden]
  const Shape shape = memory.states.shape();
  return {reshape(context, {shape[1], shape[2]}), reshape(weights, {shape[0], shape[1]})};
}

template <class T>
Attended<T> attend_by_product(Var<T> query, const Memory<T>& memory) {
  check_query(query, memory.keys.shape()[2], memory);
  return attend(sum(memory.keys * query, -1), memory);
}

}  // namespace

template <class T>
AdditiveAttention<T>::AdditiveAttention(Scope<T> p, Index query, Index hidden, Index units, const AdditiveOptions<T>& options)
    : wq(p.parameter("wq", {query, units}, options.init)),
      wk(p.parameter("wk", {hidden, units}, options.init)),
      v(p.parameter("v", {units, 1}, options.init)),
      rectifier(options.rectifier) {}

template <class T>
Memory<T> AdditiveAttention<T>::remember(Var<T> states, std::span<const Index> lengths) const {
  Memory<T> memory = remember_states(states, wk->shape()[0], lengths);
  memory.keys = affine(memory.states, wk);
  return memory;
}

template <class T>
Attended<T> AdditiveAttention<T>::operator()(Var<T> query, const Memory<T>& memory) const {
  check_query(query, wq->shape()[0], memory);
  const Var<T> q = affine(query, wq);  // [batch, units]
  const Var<T> units = rectifier ? Var<T>(relu(memory.keys + q)) : Var<T>(tanh(memory.keys + q));
  return attend(affine(units, v), memory);
}

template <class T>
MultiplicativeAttention<T>::MultiplicativeAttention(Scope<T> p, Index query, Index hidden, const Init<T>& init)
    : w(p.parameter("w", {hidden, query}, init)) {}

template <class T>
Memory<T> MultiplicativeAttention<T>::remember(Var<T> states, std::span<const Index> lengths) const {
  Memory<T> memory = remember_states(states, w->shape()[0], lengths);
  memory.keys = affine(memory.states, w);
  return memory;
}

template <class T>
Attended<T> MultiplicativeAttention<T>::operator()(Var<T> query, const Memory<T>& memory) const {
  return attend_by_product(query, memory);
}

template <class T>
Memory<T> DotAttention<T>::remember(Var<T> states, std::span<const Index> lengths) const {
  return remember_states(states, -1, lengths);
}

template <class T>
Attended<T> DotAttention<T>::operator()(Var<T> query, const Memory<T>& memory) const {
  return attend_by_product(query, memory);
}

template struct AdditiveAttention<float>;
template struct AdditiveAttention<double>;
template struct MultiplicativeAttention<float>;
template struct MultiplicativeAttention<double>;
template struct DotAttention<float>;
template struct DotAttention<double>;

}  // namespace carousel
