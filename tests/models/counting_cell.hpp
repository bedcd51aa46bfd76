#pragma once
/// A cell whose state holds more than Vars.

#include <tuple>

#include <carousel/models/cells/gates.hpp>
#include <carousel/ops/elementwise.hpp>

/// Takes less and less in: the t-th step counts 1 / t.
template <class T>
struct CountingCell {
  struct State {
    using Scalar = T;
    carousel::Var<T> h;
    carousel::Index steps = 0;
    auto members() { return std::tie(h); }
  };
  carousel::Gates<T> gates;

  CountingCell(carousel::Scope<T> p, carousel::Index in, carousel::Index hidden) : gates(p, in, hidden, 1) {}
  State start(carousel::Index batch) const { return {carousel::zero_state<T>(batch, gates.hidden)}; }
  State operator()(carousel::Var<T> x, State s) const {
    const double share = 1.0 / static_cast<double>(s.steps + 1);
    return {s.h + share * tanh(gates(x, s.h)), s.steps + 1};
  }
};
