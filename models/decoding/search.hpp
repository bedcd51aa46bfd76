#pragma once
/// Search for likely strings, written symbol by symbol by a net that gives the chances of the next symbol after each beginning.
///
/// Greedy search takes the likeliest symbol at each step, and can miss the likeliest string. Beam search goes on with the `beam`
/// best beginnings of each example; a beam of 1 is greedy search. Graves 2012, arXiv:1211.3711, algorithm 1; Sutskever, Vinyals,
/// Le 2014, arXiv:1409.3215, section 3.2.

#include <algorithm>
#include <optional>
#include <span>
#include <vector>

#include <carousel/models/sequence/state.hpp>
#include <carousel/ops/shape.hpp>

namespace carousel {

/// How long strings may be, how many are followed, and how they are ranked.
struct SearchOptions {
  Index most = 0;                 ///< symbols of a string, its end among them
  std::optional<Index> end = {};  ///< the symbol that ends a string; none: all strings have `most` symbols
  Index beam = 1;                 ///< beginnings to go on with
  /// Strings are ranked by log-likelihood / length^this: 0 by likelihood, which favours short ones; 1 by the mean over their
  /// symbols. The length counts the end.
  double length_power = 0;
};

/// A string that was found.
struct FoundString {
  std::vector<Index> symbols;  ///< without its end
  double log_likelihood = 0;   ///< of its symbols and its end, in nats
  double score = 0;            ///< what it was ranked by
  bool ended = false;          ///< by its end, not by options.most
};

namespace detail {

/// The beginnings that a search goes on with, `beam` rows for each example.
class Beams {
 public:
  /// Throws std::invalid_argument for options that cannot be.
  Beams(Index batch, const SearchOptions& options);

  Index rows() const { return static_cast<Index>(rows_.size()); }
  /// The row before the latest step that each row goes on from.
  std::span<const Index> parents() const { return parents_; }
  /// The symbol that each row made last.
  std::span<const Index> latest() const { return latest_; }
  /// Chooses among all that may follow; true if there is more to do. Throws std::invalid_argument for a logit that is not a
  /// number.
  ///   logits: [rows, symbols]
  template <class T>
  bool step(const T* logits, Index symbols);
  /// What has been found for each example, best first.
  std::vector<std::vector<FoundString>> found() const;

 private:
  struct Row {
    FoundString string;
    Index length = 0;
  };
  double score(double log_likelihood, Index length) const;

  SearchOptions options_;
  Index steps_ = 0;
  std::vector<Row> rows_;  // [batch, beam]
  std::vector<Index> parents_, latest_;
};

/// Rows of a tensor, put in the place of all.
///   x: [count, ...]
template <class T>
void take_rows(Tensor<T>& x, Index count, std::span<const Index> rows) {
  Shape shape = carousel::shape_of(x);
  if (shape.rank() == 0 || shape[0] != count)
    wrong_argument("search: a state member is ", shape, ": its first axis must be the batch, ", count);
  const Index size = shape.size() / count;
  shape[0] = static_cast<Index>(rows.size());
  Tensor<T> taken = empty<T>(shape);
  T* to = taken.data();
  for (const Index row : rows) to = std::copy_n(x.data() + row * size, size, to);
  x = std::move(taken);
}

}  // namespace detail

/// The best strings of each example, best first: at most options.beam of them, at least one.
///   start: the state of each example; its members are [batch, ...]
///   step: (symbols before, state) → {logits, state'}, for batch · beam rows, those of an example one after the other. `before`
///     has a symbol for each row, or at the first step none; logits: [rows, symbols]. Called without recording.
/// Throws std::invalid_argument for options that cannot be, or a state or logits that do not fit.
template <class State, class Step>
std::vector<std::vector<FoundString>> search(State start, Index batch, const Step& step, const SearchOptions& options) {
  using T = ScalarOfState<State>;
  detail::Beams beams(batch, options);
  Tape<T>& tape = Tape<T>::active();
  const NoGrad<T> no_gradient;
  const detail::Forgetting<T> forgetting(tape);
  Kept<State> kept(start);
  std::vector<Index> rows(static_cast<std::size_t>(beams.rows()));
  for (std::size_t row = 0; row < rows.size(); ++row) rows[row] = static_cast<Index>(row) / options.beam;
  std::size_t nodes = 0;
  detail::Arena::Mark mark{};
  bool more = true;
  for (Index t = 0; more; ++t) {
    for (Tensor<T>& member : kept.tensors()) detail::take_rows(member, t == 0 ? batch : beams.rows(), rows);
    const auto [logits, state] = step(t == 0 ? std::span<const Index>() : beams.latest(), kept.enter());
    const Shape shape = logits.shape();
    if (shape.rank() != 2 || shape[0] != beams.rows() || shape[1] == 0)
      wrong_argument("search: logits is ", shape, ": must be [", beams.rows(), ", symbols]");
    more = beams.step(tape.data(packed(logits)), shape[1]);
    kept = state;
    rows.assign(beams.parents().begin(), beams.parents().end());
    if (t == 0)  // what the first step made of the parameters serves the others
      nodes = tape.size(), mark = tape.arena().mark();
    else
      tape.rewind(nodes, mark);
  }
  return beams.found();
}

}  // namespace carousel
