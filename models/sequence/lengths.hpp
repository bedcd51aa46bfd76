#pragma once
/// Batches of sequences of different lengths.

#include <span>

#include <carousel/lib/numbers/strided.hpp>

namespace carousel::detail {

/// Throws std::invalid_argument for `op` unless there is one length for each example, within the sequence.
void check_lengths(const char* op, std::span<const Index> lengths, const Shape& xs);

}  // namespace carousel::detail
