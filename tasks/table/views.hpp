#pragma once
/// What there is to see of a table: which labels were taken for which, and the output of each row.

#include <string>
#include <vector>

#include <carousel/tasks/drawing/views.hpp>
#include <carousel/tasks/table/data.hpp>

namespace carousel {

/// What is said of counts where no rows are held out.
inline constexpr const char* of_learned_rows = "the counts are of the rows that it learned from";
inline constexpr const char* try_held_out = "try --held-out 0.2, for those of rows that it has not seen";

/// Adds the confusion of the rows that were learned, that of the others, and, of two classes, the output of each row.
///   learned: rows that were learned; the others come after them
///   holds_out: whether there are others, shown or not
///   verdict: of a net that is not better than the majority class; else empty
void add_table_views(Views& views, const std::vector<double>& outputs, const Table& table, Index learned, bool holds_out,
                     const std::string& verdict);

}  // namespace carousel
