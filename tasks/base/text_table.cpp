#include <carousel/tasks/base/text_table.hpp>

#include <algorithm>

#include <carousel/lib/utf8.hpp>
#include <carousel/tasks/base/text.hpp>

namespace carousel {

Index columns_of(std::string_view text) {
  return std::count_if(text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xc0) != 0x80; });
}

std::string text_table(const std::vector<std::vector<std::string>>& rows, const std::vector<std::size_t>& right) {
  std::vector<Index> widths;
  for (const auto& row : rows) {
    if (row.size() == 1) continue;
    widths.resize(std::max(widths.size(), row.size()));
    for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], columns_of(row[i]));
  }
  std::string out;
  for (const auto& row : rows) {
    std::string line;
    for (std::size_t i = 0; i < row.size(); ++i) {
      const Index width = row.size() == 1 ? 0 : widths[i] - columns_of(row[i]);
      const std::string blanks(static_cast<std::size_t>(width), ' ');
      const bool at_right = std::find(right.begin(), right.end(), i) != right.end();
      line += (i > 0 ? "  " : "") + (at_right ? blanks + row[i] : row[i] + blanks);
    }
    line.erase(line.find_last_not_of(' ') + 1);
    out += (out.empty() ? "" : "\n") + line;
  }
  return out;
}

Index widest_line(std::string_view text) {
  Index widest = 0;
  for_each_line(text, [&](std::string_view line, Index) { widest = std::max(widest, columns_of(line)); });
  return widest;
}

std::string plain_or_quoted(std::string_view word) {
  const std::string quoted = in_quotes(word);
  const std::string_view inside = std::string_view(quoted).substr(1, quoted.size() - 2);
  return inside == word ? std::string(word) : quoted;
}

}  // namespace carousel
