#pragma once
/// A model as a drawing, from the loss that it has computed.

#include <string>

#include <carousel/lib/look/trace.hpp>
#include <carousel/tasks/drawing/graph.hpp>

namespace carousel {

/// What the active tape holds up to the loss, with steps and layers rolled up: each layer of cells is one box with its
/// parameters and its state, other ops that are repeated with the same operands are drawn once. `trace` has followed the loss;
/// `cell` is what the boxes of layers are called. `backward`: what all these do with gradients instead, from the loss down to the
/// parameters; what gets no gradient is left out.
template <class T>
Graph model_graph(const std::string& title, const std::string& cell, Var<T> loss, const Trace<T>& trace, bool backward = false);

extern template Graph model_graph(const std::string&, const std::string&, Var<float>, const Trace<float>&, bool);
extern template Graph model_graph(const std::string&, const std::string&, Var<double>, const Trace<double>&, bool);

}  // namespace carousel
