#pragma once
/// Zoneout: noise that keeps parts of a state as they were.

#include <vector>

#include <carousel/models/sequence/scan.hpp>
#include <carousel/ops/elementwise.hpp>

namespace carousel {

/// The state of the cell within, and the key of the noise of this step.
template <class Inner>
struct ZoneoutState {
  using Scalar = ScalarOfState<Inner>;
  Inner inner;
  std::optional<DropoutKey> key = {};

  detail::Members<Scalar> members() { return detail::members_of(inner); }
  std::span<const char* const> names() const { return detail::names_of(inner); }
  void set_key(const std::optional<DropoutKey>& step) {
    key = step;
    detail::set_key(inner, detail::at_place(step, 0));
  }
};

/// A cell whose state is noisy in training: each element keeps its old value with probability `rate`; in use old and new are
/// averaged with that weight.
///   s' = d∘s + (1 − d)∘cell(x, s),  d ~ Bernoulli(rate) in training, d = rate in use
/// A scan trains where it has a key (ScanOptions::key). Krueger et al. 2016, arXiv:1606.01305, section 3, whose best language
/// models of characters had rates of 0.05 for h and 0.5 for c of an LSTM.
template <detail::ExpectCell Cell>
class Zoneout {
 public:
  using State = ZoneoutState<typename Cell::State>;
  using T = ScalarOfState<State>;

  /// One rate for each member of the state, or one for all. Throws std::invalid_argument for a rate outside [0, 1], or none.
  Zoneout(Cell cell, std::vector<double> rates) : cell_(std::move(cell)), rates_(std::move(rates)) {
    if (rates_.empty()) wrong_argument("Zoneout: no rates: must be one for each member of the state, or one for all");
    for (const double rate : rates_)
      if (!(rate >= 0 && rate <= 1)) wrong_argument("Zoneout: rate ", rate, ": must lie in [0, 1]");
  }

  State start(Index batch) const { return {cell_.start(batch)}; }
  State form() const { return {detail::form_of(cell_)}; }
  /// Features of an output where the cell has `hidden` units.
  Index outputs_of(Index hidden) const { return detail::outputs_of(cell_, hidden); }

  /// Throws std::invalid_argument if there are neither one rate nor as many as members.
  State operator()(Var<T> x, State state) const {
    State next = state;
    next.inner = cell_(x, state.inner);
    const auto after = next.members(), before = state.members();
    if (rates_.size() != 1 && rates_.size() != after.count)
      wrong_argument("Zoneout: ", rates_.size(), " rates for a state of ", after.count,
                     " members: must be one for each, or one for all");
    for (std::size_t k = 0; k < after.count; ++k) {
      const double rate = rates_[rates_.size() == 1 ? 0 : k];
      if (rate == 0) continue;
      if (state.key)
        after[k] = where(random_mask<T>(after[k].shape(), rate, *detail::at_place(state.key, k + 1)), before[k], after[k]);
      else
        after[k] = static_cast<T>(rate) * before[k] + static_cast<T>(1 - rate) * after[k];
    }
    return next;
  }

 private:
  Cell cell_;
  std::vector<double> rates_;
};

}  // namespace carousel
