#pragma once
/// Tables as text.

#include <string>
#include <string_view>
#include <vector>

#include <carousel/lib/numbers/shape.hpp>

namespace carousel {

/// The columns that a text takes: its characters, in UTF-8.
Index columns_of(std::string_view text);

/// Rows of cells, two blanks between columns that are as wide as they must be; no blanks and no newline at the end. Cells of the
/// columns in `right` stand at their right edge. A row of one cell is a heading, which may reach over all columns.
std::string text_table(const std::vector<std::vector<std::string>>& rows, const std::vector<std::size_t>& right = {});

/// The columns that its longest line takes.
Index widest_line(std::string_view text);

/// A word of unknown origin, as it is if a terminal can show it in one line and it is not long, else in quotes.
std::string plain_or_quoted(std::string_view word);

}  // namespace carousel
