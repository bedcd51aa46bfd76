#include <carousel/tasks/base/csv.hpp>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <optional>

#include <carousel/lib/utf8.hpp>
#include <carousel/tasks/base/options.hpp>
#include <carousel/tasks/base/text.hpp>

namespace carousel {

namespace {

std::string_view trimmed(std::string_view text) {
  constexpr std::string_view blank = " \t";
  const std::size_t first = text.find_first_not_of(blank);
  return first == std::string_view::npos ? "" : text.substr(first, text.find_last_not_of(blank) - first + 1);
}

/// The number that a field is.
std::optional<double> number_of(std::string_view text, bool decimal_comma) {
  std::string field(trimmed(text));
  if (field.starts_with('+')) field.erase(0, 1);
  if (decimal_comma && field.find('.') == std::string::npos && std::count(field.begin(), field.end(), ',') == 1)
    field[field.find(',')] = '.';
  double value = 0;
  const auto [stop, error] = std::from_chars(field.data(), field.data() + field.size(), value);
  if (error != std::errc() || stop != field.data() + field.size() || !std::isfinite(value)) return {};
  return value;
}

/// The separator that the first line has most of, outside of quotes; a comma if none.
char separator_of(std::string_view text) {
  constexpr std::string_view all = ",;\t";
  Index counts[all.size()] = {};
  bool quoted = false;
  for (const char c : text) {
    if (c == '"') quoted = !quoted;
    if (quoted) continue;
    if (c == '\n' || c == '\r') break;
    if (const std::size_t which = all.find(c); which != std::string_view::npos) ++counts[which];
  }
  return all[static_cast<std::size_t>(std::max_element(std::begin(counts), std::end(counts)) - counts)];
}

/// Takes records off a text.
class Reader {
 public:
  Reader(std::string_view text, std::string name) : text_(text), name_(std::move(name)), separator_(separator_of(text)) {}

  bool at_end() const { return at_ == text_.size(); }
  char separator() const { return separator_; }

  CsvRecord record() {
    CsvRecord record{line_, {}};
    do record.fields.push_back(field(static_cast<Index>(record.fields.size()) + 1));
    while (take(separator_));
    end_line();
    return record;
  }

 private:
  bool take(char c) {
    if (at_end() || text_[at_] != c) return false;
    ++at_;
    return true;
  }
  bool at_line_end() const { return at_end() || text_[at_] == '\n' || text_[at_] == '\r'; }
  /// Line feed, carriage return, or both.
  void end_line() {
    const bool returned = take('\r');
    if (take('\n') || returned) ++line_;
  }

  std::string field(Index column) {
    const std::size_t from = at_;
    while (!at_line_end() && text_[at_] == ' ') ++at_;
    if (!take('"')) {
      at_ = from;
      while (!at_line_end() && text_[at_] != separator_) ++at_;
      return std::string(text_.substr(from, at_ - from));
    }
    const Index line = line_;
    std::string out;
    for (;;) {
      if (at_end())
        bad_file("read ", name_, ": line ", line, ", column ", column, ": a quote begins and does not end: must be closed");
      const char c = text_[at_++];
      if (c == '"' && !take('"')) break;
      if (c == '\n') ++line_;
      out += c;
    }
    while (!at_line_end() && text_[at_] == ' ') ++at_;
    if (!at_line_end() && text_[at_] != separator_)
      bad_file("read ", name_, ": line ", line_, ", column ", column, ": text after the closing quote: must be ",
               separator_ == '\t' ? "a tab" : std::string(1, separator_), " or the end of the line");
    return out;
  }

  std::string_view text_;
  std::string name_;
  char separator_;
  std::size_t at_ = 0;
  Index line_ = 1;
};

bool is_blank(const CsvRecord& record) {
  return record.fields.size() == 1 && trimmed(record.fields.front()).empty();
}

void check_utf8(std::string_view text, const std::string& name) {
  const std::size_t bad = first_not_utf8(text);
  if (bad == std::string_view::npos) return;
  const auto line = std::count(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(bad), '\n') + 1;
  bad_file("read ", name, ": line ", line, ": is not UTF-8: must be text");
}

}  // namespace

Csv Csv::read(const std::string& path, CsvHeader header) {
  return parse(read_file(path), path, header);
}

Csv Csv::parse(std::string_view text, const std::string& name, CsvHeader header) {
  if (text.starts_with("\xef\xbb\xbf")) text.remove_prefix(3);  // the mark that some programs begin UTF-8 with
  check_utf8(text, name);
  Reader reader(text, name);
  Csv csv{name, {}, {}, reader.separator() == ';'};
  while (!reader.at_end()) csv.records.push_back(reader.record());
  while (!csv.records.empty() && is_blank(csv.records.back())) csv.records.pop_back();
  if (csv.records.empty()) bad_file("read ", name, ": is empty: must have rows of numbers");

  const std::size_t columns = csv.records.front().fields.size();
  for (const CsvRecord& record : csv.records) {
    const std::size_t found = record.fields.size();
    if (found == columns) continue;
    if (is_blank(record))
      bad_file("read ", name, ": line ", record.line, ", column 1: an empty line: must be a row or the end of the file");
    bad_file("read ", name, ": line ", record.line, ", column ", std::min(found, columns) + 1, ": ",
             found < columns ? "the row ends before it" : "one field too many", ": must have ", columns,
             columns == 1 ? " field" : " fields", ", as line ", csv.records.front().line);
  }

  std::vector<std::string>& first = csv.records.front().fields;
  const bool numbers = std::any_of(first.begin(), first.end(),
                                   [&](const std::string& field) { return number_of(field, csv.decimal_comma).has_value(); });
  if (header == CsvHeader::yes || (header == CsvHeader::automatic && !numbers)) {
    for (const std::string& field : first) csv.header.emplace_back(trimmed(field));
    csv.records.erase(csv.records.begin());
    if (csv.records.empty()) bad_file("read ", name, ": has a header and no rows: must have rows of numbers");
  }
  return csv;
}

std::string Csv::column_name(Index column) const {
  const std::string number = join("column ", column + 1);
  return header.empty() ? number : number + " (" + in_quotes(header[static_cast<std::size_t>(column)]) + ")";
}

Index Csv::column(const std::string& option, const std::string& wanted) const {
  const auto found = std::find(header.begin(), header.end(), wanted);
  if (found != header.end()) {
    if (std::find(found + 1, header.end(), wanted) != header.end())
      wrong_argument(option, " ", wanted, ": several columns of ", name, " have that name: must be a number of 1 to ", columns());
    return found - header.begin();
  }
  Index number = 0;
  const auto [stop, error] = std::from_chars(wanted.data(), wanted.data() + wanted.size(), number);
  if (error == std::errc() && stop == wanted.data() + wanted.size() && number >= 1 && number <= columns()) return number - 1;
  std::string known;
  for (const std::string& one : header) known += in_quotes(one) + ", ";
  wrong_argument(option, " ", wanted, ": ", name, " has no such column: must be ", known.empty() ? "" : "one of " + known + "or ",
                 "a number of 1 to ", columns());
}

bool Csv::begins_with_number(Index column) const {
  return number_of(records.front().fields[static_cast<std::size_t>(column)], decimal_comma).has_value();
}

std::vector<double> Csv::numbers(Index column) const {
  std::vector<double> out;
  out.reserve(records.size());
  for (const CsvRecord& record : records) {
    const std::string& field = record.fields[static_cast<std::size_t>(column)];
    const std::optional<double> number = number_of(field, decimal_comma);
    if (!number)
      bad_file("read ", name, ": line ", record.line, ", ", column_name(column), ": ",
               trimmed(field).empty() ? "nothing stands there" : in_quotes(trimmed(field)), ": must be a number");
    out.push_back(*number);
  }
  return out;
}

std::string csv_field(const std::string& text) {
  if (text.find_first_of(",;\t\"\r\n") == std::string::npos && trimmed(text) == text) return text;
  std::string out = "\"";
  for (const char c : text) out += c == '"' ? std::string("\"\"") : std::string(1, c);
  return out + "\"";
}

}  // namespace carousel
