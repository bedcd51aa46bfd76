#pragma once
/// Many nets for one table, of random sizes and rates, side by side.

#include <span>
#include <string>
#include <vector>

#include <carousel/tasks/table/model.hpp>

namespace carousel {

/// One net of a sweep, and what it came to.
struct Tried {
  Index number;  ///< from 1
  TableOptions options;
  TableCounts counts;
  double loss;  ///< of its last epoch
  bool whole;   ///< its training came to its end
};

/// The options of net `number`: units uniform in 1 … twice those of `options`, and a rate between a tenth and ten times theirs,
/// of three digits, whose logarithm is uniform; a seed of its own. Training with them alone makes the same net.
TableOptions drawn_options(const TableOptions& options, Index number);

/// Trains options.sweep nets on options.threads threads; the threads change nothing. Best first: by rows that are right, then by
/// loss, then by number. Ends early at Ctrl-C.
std::vector<Tried> sweep(const TableOptions& options, const Table& table);

/// A line for each, its values apart by commas: rank, number, hidden, rate, seed, right, rows, loss.
std::string sweep_table(std::span<const Tried> tried);

}  // namespace carousel
