#pragma once
/// How labels were told from rows: counts, and what is made of them.

#include <span>
#include <string>
#include <vector>

#include <carousel/lib/numbers/shape.hpp>
#include <carousel/tasks/base/metric.hpp>

namespace carousel {

/// How many rows of each class were taken for each.
struct TableCounts {
  Index classes = 2;
  std::vector<Index> counts = std::vector<Index>(4, 0);  ///< [label, what it was taken for]

  explicit TableCounts(Index of = 2) : classes(of), counts(static_cast<std::size_t>(of * of), 0) {}
  Index at(Index label, Index said) const { return counts[static_cast<std::size_t>(label * classes + said)]; }
  Index& at(Index label, Index said) { return counts[static_cast<std::size_t>(label * classes + said)]; }
  Index right() const;
  Index rows() const;
  /// Rows of that label.
  Index of(Index label) const;

  /// Of the rows taken for a class, the part that is of it; 0 where none is.
  double precision(Index label) const;
  /// Of the rows of a class, the part taken for it; 0 where there is none.
  double recall(Index label) const;
  /// 2 · precision · recall / (precision + recall)
  double f1(Index label) const;
};

/// Which class a net says of a row: of two, the second above one half; of more, the likeliest.
///   outputs: the probability of the second class of each row, or of all classes of each row
std::vector<Index> said_of(std::span<const double> outputs, Index classes);
///   said, labels: of the same rows
TableCounts counts_of(std::span<const Index> said, std::span<const Index> labels, Index classes);

/// right rows accuracy majority_accuracy precision recall f1, of two classes right1to1 right0to0 errors0to1 errors1to0 too.
/// Precision, recall and F1 are those of the second class of two; of more, means over the classes (macro).
///   majority: the commonest class of the rows that were learned
std::vector<Metric> metrics_of(const TableCounts& counts, Index majority);
/// Whether the net is right more often than always saying the majority class, by more than chance: McNemar's test at 5 %.
bool beats_majority(const TableCounts& counts, Index majority);
/// The commonest of the labels.
Index commonest(std::span<const Index> labels, Index classes);

}  // namespace carousel
