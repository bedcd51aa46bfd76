#pragma once
/// `carousel gradcheck`: the tape's gradients against numeric and hand-derived ones, for people to see.

#include <string>

namespace carousel {

/// Checks one cell and prints, tensor by tensor, the worst differences; returns an exit code.
int gradcheck_cell(const std::string& name);

/// Checks every cell, layer and loss and prints a line for each; returns an exit code.
int gradcheck_all();

}  // namespace carousel
