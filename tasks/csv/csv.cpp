#include <carousel/tasks/csv/csv.hpp>

#include <algorithm>
#include <array>
#include <bit>
#include <charconv>
#include <limits>
#include <tuple>

#include <carousel/lib/utf8.hpp>
#include <carousel/tasks/base/text.hpp>

namespace carousel {

namespace {

constexpr Writings with_point = writings_where([](const Writing& one) { return one.decimal == '.'; });
constexpr Writings with_comma = writings_where([](const Writing& one) { return one.decimal == ','; });
constexpr Writings point_between = writings_where([](const Writing& one) { return one.thousands == '.'; });
constexpr Writings comma_between = writings_where([](const Writing& one) { return one.thousands == ','; });
// Those in which a mark that is alone stands before decimals.
constexpr Writings lone_point = with_point & ~comma_between;
constexpr Writings lone_comma = with_comma & ~point_between;
constexpr Writings blank_between = writings_where([](const Writing& one) { return one.thousands == ' '; });

bool both(Writings set, Writings a, Writings b) {
  return (set & a) != 0 && (set & b) != 0;
}

}  // namespace

void RowLines::add(Index line) {
  if (rows_ == 0 || line != (*this)[rows_ - 1] + 1) jumps_.emplace_back(rows_, line);
  ++rows_;
}

void RowLines::add_first(Index line) {
  for (auto& jump : jumps_) ++jump.first;
  jumps_.insert(jumps_.begin(), {0, line});
  ++rows_;
}

Index RowLines::operator[](Index row) const {
  const auto after =
      std::upper_bound(jumps_.begin(), jumps_.end(), row, [](Index r, const auto& jump) { return r < jump.first; });
  return std::prev(after)->second + row - std::prev(after)->first;
}

Csv Csv::read(const std::string& path, const CsvOptions& options) {
  return Csv({.name = path, .file = std::make_shared<const InputFile>(path)}, options);
}

Csv Csv::parse(std::string text, const std::string& name, const CsvOptions& options) {
  return Csv({.name = name, .text = std::move(text)}, options);
}

Csv::Csv(CsvSource source, const CsvOptions& options)
    : source_(std::move(source)), options_(options), allowed_(writings_of(options.decimal, options.thousands)) {
  learn();
  decide();
}

void Csv::learn() {
  CsvReader reader(source_, [this, done = std::uint64_t{0}](std::uint64_t more) mutable {
    if (options_.progress) options_.progress(done += more, 2 * source_.size());
  });
  separator_ = reader.separator();
  std::vector<std::string> first;
  Index empty = 0, first_empty = 0;  // lines that are empty, and may be the last ones
  const auto add = [&](Index line, std::span<const std::string_view> fields) {
    if (columns_.empty()) {
      first.assign(fields.begin(), fields.end());
      columns_.resize(fields.size());
      first_line_ = line;
      return;
    }
    if (fields.size() != columns_.size())
      bad_file("read ", name(), ": line ", line, ", column ", std::min(fields.size(), columns_.size()) + 1, ": ",
               fields.size() < columns_.size() ? "the row ends before it" : "one field too many", ": must have ", columns_.size(),
               columns_.size() == 1 ? " field" : " fields", ", as line ", first_line_);
    for (std::size_t k = 0; k < fields.size(); ++k) add_field(static_cast<Index>(k), line, fields[k]);
    lines_.add(line);
  };
  while (reader.next()) {
    if (reader.blank()) {
      if (empty++ == 0) first_empty = reader.line();
      continue;
    }
    if (!options_.skip_empty_lines && empty > 0) {
      if (reader.fields().size() > 1 || columns_.size() > 1)
        bad_file("read ", name(), ": line ", first_empty, ", column 1: an empty line: must be a row or the end of the file");
      for (; empty > 0; --empty) add(first_empty++, std::array{std::string_view()});
    }
    empty = 0;
    add(reader.line(), reader.fields());
  }
  if (columns_.empty()) bad_file("read ", name(), ": is empty: must have rows of numbers");

  if (options_.header == CsvHeader::yes || (options_.header == CsvHeader::automatic && begins_with_header(first))) {
    for (const std::string& field : first) header_.emplace_back(trimmed(field));
    if (rows() == 0) bad_file("read ", name(), ": has a header and no rows: must have rows of numbers");
    return;
  }
  for (std::size_t k = 0; k < first.size(); ++k) add_field(static_cast<Index>(k), first_line_, first[k]);
  lines_.add_first(first_line_);
}

void Csv::add_field(Index column, Index line, std::string_view field) {
  Column& known = columns_[static_cast<std::size_t>(column)];
  const Writings all = writings_of_number(field), writings = all & allowed_;
  const auto keep = [&](Seen& seen) {
    if (seen.line == 0 || line < seen.line) seen = {line, column, std::string(field), writings};
  };
  if (writings == 0) {
    if (is_hole(field)) {
      ++known.holes;
    } else {
      ++known.words;
      keep(known.word);
      if (field.find_first_of("0123456789") != std::string_view::npos) keep(known.candidate);
    }
    keep(known.bad);
    return;
  }
  ++known.numbers;
  if (all == any_writing) {
    ++known.whole;
    return;
  }
  if ((known.writings & ~writings) != 0) {
    known.writings &= writings;
    known.narrowed.push_back({line, column, std::string(field), writings});
  }
  if (both(writings, lone_point, point_between)) keep(known.point);
  if (both(writings, lone_comma, comma_between)) keep(known.comma);
  if (all == blank_between && options_.thousands == "auto" && trimmed(field).find(' ') != std::string_view::npos)
    keep(known.blank);
}

bool Csv::begins_with_header(const std::vector<std::string>& first) const {
  std::size_t name = 0, number = 0, nothing = 0;  // over a column of numbers, its place from 1
  bool words = false, numbers = false;
  for (std::size_t k = 0; k < first.size(); ++k) {
    const bool is_number = (writings_of_number(first[k]) & allowed_) != 0, hole = is_hole(first[k]);
    numbers = numbers || is_number;
    words = words || (!is_number && !hole);
    if (!holds_numbers(static_cast<Index>(k))) continue;
    std::size_t& place = is_number ? number : hole ? nothing : name;
    if (place == 0 && !(hole && trimmed(first[k]).empty())) place = k + 1;
  }
  if (name > 0 && number > 0)
    bad_file(
        "read ", this->name(), ": line ", first_line_, ": column ", name, ": ", in_quotes(trimmed(first[name - 1])),
        " is a word and column ", number, ": ", in_quotes(trimmed(first[number - 1])),
        " a number, each over numbers: must be names of columns, which --header yes says, or numbers, which --header no says");
  return name > 0 || (words && !numbers && nothing == 0);
}

std::string Csv::Seen::text() const {
  return join("line ", line, ", column ", column + 1, ": ", in_quotes(trimmed(field)));
}

void Csv::decide() {
  if (header_.empty() && options_.header == CsvHeader::automatic)
    remarks_.push_back(
        join("line ", first_line_, " of ", name(), " is taken for a row, not for names of columns: --header yes or no tells"));
  left_ = allowed_;
  std::vector<Seen> all;
  for (Index k = 0; k < columns(); ++k)
    if (const Column& one = columns_[static_cast<std::size_t>(k)]; holds_numbers(k))
      all.insert(all.end(), one.narrowed.begin(), one.narrowed.end());
  std::sort(all.begin(), all.end(),
            [](const Seen& a, const Seen& b) { return std::tie(a.line, a.column) < std::tie(b.line, b.column); });
  for (const Seen& one : all) {
    if ((left_ & one.writings) == 0) {
      const auto other = std::find_if(all.begin(), all.end(), [&](const Seen& o) { return (o.writings & one.writings) == 0; });
      contradiction_ =
          join("read ", name(), ": line ", one.line, ", ", column_name(one.column), ": ", in_quotes(trimmed(one.field)),
               ": must be written as ", other == all.end() ? "the numbers before it" : other->text(),
               "; --decimal and --thousands tell what is a number");
      return;
    }
    left_ &= one.writings;
  }
  // Where commas separate, a comma before decimals would need quotes: points stand before decimals, unless whole numbers beside
  // them might be of less than a thousand, and the others of more.
  const Column* point = nullptr;
  bool doubtful = false;
  for (Index k = 0; k < columns(); ++k)
    if (const Column& one = columns_[static_cast<std::size_t>(k)]; holds_numbers(k)) {
      if (one.point.line > 0) point = &one;
      doubtful = doubtful || one.comma.line > 0 || (one.point.line > 0 && one.whole > 0);
    }
  if (separator_ == ',' && point && !doubtful && both(left_, with_point, point_between)) {
    left_ &= with_point;
    remarks_.push_back(join("line ", point->point.line, " of ", name(), ", ", column_name(point->point.column), ": ",
                            in_quotes(trimmed(point->point.field)),
                            " has decimals, for commas separate columns: --thousands . would say that it has none"));
  }
  writing_ = static_cast<std::size_t>(std::countr_zero(left_));
}

std::string Csv::column_name(Index column) const {
  const std::string number = join("column ", column + 1);
  return header_.empty() ? number : number + " (" + in_quotes(header_[static_cast<std::size_t>(column)]) + ")";
}

Index Csv::column(const std::string& option, const std::string& wanted) const {
  const auto found = std::find(header_.begin(), header_.end(), wanted);
  if (found != header_.end()) {
    if (std::find(found + 1, header_.end(), wanted) != header_.end())
      wrong_argument(option, " ", wanted, ": several columns of ", name(), " have that name: must be a number of 1 to ",
                     columns());
    return found - header_.begin();
  }
  Index number = 0;
  const auto [stop, error] = std::from_chars(wanted.data(), wanted.data() + wanted.size(), number);
  if (error == std::errc() && stop == wanted.data() + wanted.size() && number >= 1 && number <= columns()) return number - 1;
  std::string known;
  for (const std::string& one : header_) known += in_quotes(one) + ", ";
  wrong_argument(option, " ", wanted, ": ", name(), " has no such column: must be ",
                 known.empty() ? "" : "one of " + known + "or ", "a number of 1 to ", columns());
}

bool Csv::holds_numbers(Index column) const {
  const Column& known = columns_[static_cast<std::size_t>(column)];
  return known.numbers > 0 && known.numbers >= known.words;
}

std::string Csv::nearest_to_number() const {
  const Column* nearest = nullptr;
  for (const Column& one : columns_)
    if (one.candidate.line > 0 && (nearest == nullptr || one.numbers > nearest->numbers)) nearest = &one;
  const std::string apart =
      columns() == 1 ? "; columns must be apart by commas, semicolons or tabs, or by what a first line sep=X says" : "";
  if (nearest == nullptr) return ": must be rows of numbers" + apart;
  const Seen& field = nearest->candidate;
  return join("; the nearest is line ", field.line, ", ", column_name(field.column), ": ", in_quotes(trimmed(field.field)),
              ": must be digits, with a sign, marks and an exponent at most, and no unit", apart);
}

void Csv::refuse_field(Index column, Index line, std::string_view field, const std::string& rule) const {
  bad_file("read ", name(), ": line ", line, ", ", column_name(column), ": ",
           trimmed(field).empty() ? "the cell is empty" : in_quotes(trimmed(field)), ": must be ", rule);
}

void Csv::refuse_hole(const Seen& seen, const std::string& remedy) const {
  if (!options_.missing_option) refuse_field(seen.column, seen.line, seen.field, "a number" + remedy);
  const bool empty = trimmed(seen.field).empty();
  bad_file("read ", name(), ": line ", seen.line, ", ", column_name(seen.column), ": ",
           empty ? "the cell is empty" : in_quotes(trimmed(seen.field)) + " is not a number",
           ": give --missing fill or --missing skip, or ", empty ? "fill it" : "write a number", remedy);
}

void Csv::refuse(Index column, const CsvReader& row, const std::string& rule) const {
  refuse_field(column, row.line(), row.fields()[static_cast<std::size_t>(column)], rule);
}

void Csv::refuse_two_readings(const Seen& seen, char mark) const {
  const std::string m(1, mark);
  if (mark == ' ')
    refuse_field(seen.column, seen.line, seen.field, "one number, which --thousands blank says, or have no blank in it");
  const auto value = [&](auto is_it) {
    return number_in(seen.field, static_cast<std::size_t>(std::countr_zero(writings_where(is_it)))).value_or(0);
  };
  refuse_field(
      seen.column, seen.line, seen.field,
      join("told whether it is ", value([&](const Writing& one) { return one.decimal == mark; }), " or ",
           value([&](const Writing& one) { return one.thousands == mark; }), ", by --decimal ", m, " or --thousands ", m));
}

void Csv::check_numbers(Index column, const std::string& remedy, bool may_have_holes) const {
  const Column& known = columns_[static_cast<std::size_t>(column)];
  const Seen& bad = may_have_holes ? known.word : known.bad;
  if (bad.line > 0 && bad.line != known.word.line) refuse_hole(bad, remedy);
  if (bad.line > 0) {
    const bool told = writings_of_number(bad.field) != 0;
    refuse_field(column, bad.line, bad.field, (told ? "a number as --decimal and --thousands say" : "a number") + remedy);
  }
  if (known.writings == any_writing) return;
  if (!contradiction_.empty()) bad_file(contradiction_);
  if (known.point.line > 0 && both(left_, with_point, point_between)) refuse_two_readings(known.point, '.');
  if (known.comma.line > 0 && both(left_, with_comma, comma_between)) refuse_two_readings(known.comma, ',');
  if (known.blank.line > 0) refuse_two_readings(known.blank, ' ');
}

double Csv::number(Index column, const CsvReader& row, const std::string& remedy) const {
  const std::optional<double> found = value(column, row);
  if (!found) refuse(column, row, "a number" + remedy);
  return *found;
}

std::optional<double> Csv::value(Index column, const CsvReader& row) const {
  return number_in(row.fields()[static_cast<std::size_t>(column)], writing_);
}

std::vector<std::vector<double>> Csv::numbers(std::span<const Index> columns, const std::string& remedy) const {
  std::vector<std::vector<double>> all(columns.size());
  for (std::size_t k = 0; k < columns.size(); ++k) {
    check_numbers(columns[k], remedy);
    all[k].reserve(static_cast<std::size_t>(rows()));
  }
  for_each_row([&](const CsvReader& row) {
    for (std::size_t k = 0; k < columns.size(); ++k) all[k].push_back(number(columns[k], row, remedy));
  });
  return all;
}

std::vector<std::vector<double>> Csv::numbers_with_holes(std::span<const Index> columns, const std::string& remedy) const {
  std::vector<std::vector<double>> all(columns.size());
  for (std::size_t k = 0; k < columns.size(); ++k) {
    check_numbers(columns[k], remedy, true);
    all[k].reserve(static_cast<std::size_t>(rows()));
  }
  for_each_row([&](const CsvReader& row) {
    for (std::size_t k = 0; k < columns.size(); ++k)
      all[k].push_back(is_hole(row.fields()[static_cast<std::size_t>(columns[k])]) ? std::numeric_limits<double>::quiet_NaN()
                                                                                   : number(columns[k], row, remedy));
  });
  return all;
}

CsvReader Csv::first_row() const {
  CsvReader reader(source_, [this, done = source_.size()](std::uint64_t more) mutable {
    if (options_.progress) options_.progress(done += more, 2 * source_.size());
  });
  if (!header_.empty()) next_row(reader);
  return reader;
}

void Csv::next_row(CsvReader& reader) const {
  const bool pass_over = options_.skip_empty_lines || columns() > 1;
  bool found = reader.next();
  while (found && pass_over && reader.blank()) found = reader.next();
  if (!found || std::ssize(reader.fields()) != columns())
    bad_file("read ", name(), ": changed while it was read: must stay as it is");
}

std::string csv_field(const std::string& text) {
  if (text.find_first_of(",;\t\"\r\n") == std::string::npos && trimmed(text) == text) return text;
  std::string out = "\"";
  for (const char c : text) out += c == '"' ? std::string("\"\"") : std::string(1, c);
  return out + "\"";
}

}  // namespace carousel
