#pragma once
/// Attention: a decoder looks back at all states of an encoder, and weighs them anew at each of its steps.
///
///     const Memory<float> memory = attention.remember(states, lengths);  // once for a batch
///     auto [context, weights] = attention(h, memory);                    // at each step
///
/// The weights are positive and add up to 1 over the states s₁ … s_T of an example; the context is what they pick.
///   a_t = e^score(q, s_t) / Σ_u e^score(q, s_u);  context = Σ_t a_t s_t
/// The forms differ in the score of a query q, a state of the decoder. What lies beyond an example's length is not looked at.

#include <optional>
#include <span>

#include <carousel/lib/tape/parameter.hpp>
#include <carousel/lib/training/init.hpp>
#include <carousel/ops/elementwise.hpp>

namespace carousel {

/// What is looked back at, on the tape where it was made.
template <class T>
struct Memory {
  Var<T> states;                  // [time, batch, hidden]
  Var<T> keys;                    // [time, batch, features]: the part of the scores that no query changes
  std::optional<Var<T>> present;  // [time, batch, 1]: 1 within the lengths, else 0; none: all are within
};

/// What a query found.
template <class T>
struct Attended {
  Var<T> context;  // [batch, hidden]
  Var<T> weights;  // [time, batch]
};

/// How the weights of an AdditiveAttention start, and what bends its scores.
template <class T>
struct AdditiveOptions {
  Init<T> init = init::xavier_uniform<T>();
  bool rectifier = false;  ///< max(0, ·) in place of tanh
};

/// Additive attention, a small net of its own. Bahdanau, Cho, Bengio 2015, arXiv:1409.0473, section 3.1 and appendix A.1.2.
///   score(q, s) = vᵀ tanh(q Wq + s Wk)
///   wq: [query, units];  wk: [hidden, units];  v: [units, 1]
template <class T>
struct AdditiveAttention {
  Param<T> wq, wk, v;
  bool rectifier;

  AdditiveAttention(Scope<T> p, Index query, Index hidden, Index units, const AdditiveOptions<T>& options = {});

  /// Prepares states for queries. Throws std::invalid_argument for shapes that do not fit, and lengths outside 1 … time.
  ///   states: [time, batch, hidden];  lengths: of each example, [batch]; empty: all have the whole time
  Memory<T> remember(Var<T> states, std::span<const Index> lengths = {}) const;
  /// Looks back once. Throws std::invalid_argument for a query that does not fit.
  ///   query: [batch, query]
  Attended<T> operator()(Var<T> query, const Memory<T>& memory) const;
};

/// Multiplicative attention. Luong, Pham, Manning 2015, arXiv:1508.04025, eq. (8), "general".
///   score(q, s) = qᵀ (s W)
///   w: [hidden, query]
template <class T>
struct MultiplicativeAttention {
  Param<T> w;

  MultiplicativeAttention(Scope<T> p, Index query, Index hidden, const Init<T>& init = init::xavier_uniform<T>());

  /// As AdditiveAttention's.
  Memory<T> remember(Var<T> states, std::span<const Index> lengths = {}) const;
  Attended<T> operator()(Var<T> query, const Memory<T>& memory) const;
};

/// The same without a weight, for queries with as many features as the states. Luong et al. 2015, eq. (8), "dot".
///   score(q, s) = qᵀ s
template <class T>
struct DotAttention {
  /// As AdditiveAttention's.
  Memory<T> remember(Var<T> states, std::span<const Index> lengths = {}) const;
  Attended<T> operator()(Var<T> query, const Memory<T>& memory) const;
};

extern template struct AdditiveAttention<float>;
extern template struct AdditiveAttention<double>;
extern template struct MultiplicativeAttention<float>;
extern template struct MultiplicativeAttention<double>;
extern template struct DotAttention<float>;
extern template struct DotAttention<double>;

}  // namespace carousel
