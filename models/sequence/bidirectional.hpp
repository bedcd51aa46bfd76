#pragma once
/// Both directions of time.

#include <utility>

#include <carousel/models/sequence/scan.hpp>
#include <carousel/ops/arrange.hpp>

namespace carousel {

/// The states of both directions, each after its own last step.
template <class Inner>
struct BidirectionalState {
  using Scalar = ScalarOfState<Inner>;
  Inner forward, backward;

  detail::Members<Scalar> members() {
    detail::Members<Scalar> all;
    detail::add_members(all, forward);
    detail::add_members(all, backward);
    return all;
  }
  void set_key(const std::optional<DropoutKey>& key) {
    detail::set_key(forward, detail::at_place(key, 0));
    detail::set_key(backward, detail::at_place(key, 1));
  }
};

/// Two cells of one kind, one from the first step to the last, one from the last to the first; with lengths, each example's
/// backward cell begins at the example's own last step. Outputs stand side by side: [time, batch, forward's hidden + backward's
/// hidden]. Schuster & Paliwal 1997, "Bidirectional Recurrent Neural Networks".
template <detail::ExpectCell Cell>
struct Bidirectional {
  using State = BidirectionalState<typename Cell::State>;
  using T = ScalarOfState<State>;
  Cell forward, backward;
  Index outputs;  ///< features of an output

  /// Makes the cells in p / "forward" and p / "backward", of `hidden` units each.
  template <class... More>
  Bidirectional(Scope<T> p, Index in, Index hidden, const More&... more)
      : forward(p / "forward", in, hidden, more...),
        backward(p / "backward", in, hidden, more...),
        outputs(detail::outputs_of(forward, hidden) + detail::outputs_of(backward, hidden)) {}
  /// Cells that exist, with that many features of output together.
  Bidirectional(Cell f, Cell b, Index features) : forward(std::move(f)), backward(std::move(b)), outputs(features) {}

  State start(Index batch) const { return {forward.start(batch), backward.start(batch)}; }
  State form() const { return {detail::form_of(forward), detail::form_of(backward)}; }
};

/// Runs both directions over a sequence. Throws std::invalid_argument if options.reverse is set.
template <class Cell>
Scanned<typename Bidirectional<Cell>::State> scan(const Bidirectional<Cell>& model, InputOf<Bidirectional<Cell>> xs,
                                                  typename Bidirectional<Cell>::State start, ScanOptions options = {}) {
  if (options.reverse) wrong_argument("scan: reverse of a Bidirectional: it runs both ways already");
  const std::optional<DropoutKey> key = options.key;
  options.key = detail::at_place(key, 0);
  const auto [ahead, end] = scan(model.forward, xs, start.forward, options);
  options.key = detail::at_place(key, 1);
  options.reverse = true;
  const auto [back, begin] = scan(model.backward, xs, start.backward, options);
  return {concat({ahead, back}, -1), {end, begin}};
}

}  // namespace carousel
