#pragma once
/// A cell as a drawing, from one step that it has run.

#include <string>

#include <carousel/tasks/drawing/graph.hpp>

namespace carousel {

/// The cell of that name, once, with its state going back to it: each product and statement as its formula, with parameters,
/// gates, and shapes in B (batch), I (features of x) and H (hidden units). `backward`: what the step does with gradients instead.
/// Throws std::invalid_argument if there is no such cell.
Graph cell_graph(const std::string& name, bool backward);

}  // namespace carousel
