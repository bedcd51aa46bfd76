#include <carousel/tasks/csv/writing.hpp>

#include <algorithm>
#include <bit>
#include <charconv>
#include <cmath>

#include <carousel/lib/error.hpp>
#include <carousel/tasks/base/text.hpp>

namespace carousel {

namespace {

constexpr bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

/// A mark at the beginning of a text: what it counts as, and its bytes; 0: none.
struct Mark {
  char kind = 0;
  std::size_t bytes = 0;
};
Mark mark_of(std::string_view text) {
  if (text[0] == '.' || text[0] == ',' || text[0] == ' ' || text[0] == '\'') return {text[0], 1};
  for (const char* const blank : {"\u00a0", "\u2009", "\u202f"})
    if (text.starts_with(blank)) return {' ', std::string_view(blank).size()};
  if (text.starts_with("\u2019")) return {'\'', 3};
  return {};
}

std::string_view without_sign(std::string_view text) {
  if (!text.empty() && (text[0] == '+' || text[0] == '-')) text.remove_prefix(1);
  return text;
}

constexpr Writings of_mark[2] = {writings_where([](const Writing& one) { return one.decimal == '.'; }),
                                 writings_where([](const Writing& one) { return one.decimal == ','; })};
constexpr Writings of_mark_between[2] = {writings_where([](const Writing& one) { return one.thousands == '.'; }),
                                         writings_where([](const Writing& one) { return one.thousands == ','; })};

/// What most numbers are: digits, and a point or a comma at most. None: it is something else.
std::optional<Writings> writings_of_plain(std::string_view text) {
  std::size_t before = 0;
  while (before < text.size() && is_digit(text[before])) ++before;
  if (before == text.size()) return before > 0 ? std::optional(any_writing) : std::nullopt;
  const bool comma = text[before] == ',';
  if (!comma && text[before] != '.') return {};
  std::size_t end = before + 1;
  while (end < text.size() && is_digit(text[end])) ++end;
  if (end < text.size() || end == 1) return {};
  const bool groups = end - before == 4 && before >= 1 && before <= 3 && text[0] != '0';
  return static_cast<Writings>(of_mark[comma] | (groups ? of_mark_between[comma] : 0));
}

/// What most numbers are: 15 digits at most, with marks. Then the digits are a double, so is the power of ten below them, and
/// their quotient is rounded once, as it must be (Clinger 1990, "How to read floating point numbers accurately"). None: it is
/// something else.
std::optional<double> short_number(std::string_view text, const Writing& how) {
  constexpr double tens[] = {1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15};
  const bool negative = text.starts_with('-');
  text = without_sign(text);
  std::uint64_t all = 0;
  std::size_t digits = 0, decimals = 0, group = 0;  // `group`: since a mark between thousands
  bool grouped = false, after = false;
  for (const char c : text) {
    if (is_digit(c)) {
      all = 10 * all + static_cast<std::uint64_t>(c - '0');
      ++digits, ++group, decimals += after;
    } else if (after) {
      return {};
    } else if (c == how.decimal) {
      if (grouped && group != 3) return {};
      after = true;
    } else if (c == how.thousands) {
      if (grouped ? group != 3 : group < 1 || group > 3 || text[0] == '0') return {};
      grouped = true, group = 0;
    } else {
      return {};
    }
    if (digits > 15) return {};
  }
  if (digits == 0 || (grouped && !after && group != 3)) return {};
  const double value = static_cast<double>(all) / tens[decimals];
  return negative ? -value : value;
}

std::optional<double> whole_number(std::string_view text) {
  if (text.starts_with('+')) text = without_sign(text), text = text.starts_with('-') ? "" : text;
  double value = 0;
  const auto [stop, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || stop != text.data() + text.size() || !std::isfinite(value)) return {};
  return value;
}

}  // namespace

Writings writings_of(const std::string& decimal, const std::string& thousands) {
  const char between = thousands == "none"         ? char{0}
                       : thousands == "blank"      ? ' '
                       : thousands == "apostrophe" ? '\''
                                                   : thousands[0];
  const Writings found = writings_where([&](const Writing& one) {
    return (decimal == "auto" || one.decimal == decimal[0]) && (thousands == "auto" || one.thousands == between);
  });
  if (found == 0)
    wrong_argument("--decimal ", decimal, ", --thousands ", thousands, ": are the same mark: must be two, or --thousands none");
  return found;
}

std::string_view trimmed(std::string_view field) {
  const auto is_blank = [](char c) { return c == ' ' || c == '\t'; };
  while (!field.empty() && is_blank(field.front())) field.remove_prefix(1);
  while (!field.empty() && is_blank(field.back())) field.remove_suffix(1);
  return field;
}

Writings writings_of_number(std::string_view field) {
  std::string_view rest = without_sign(trimmed(field));
  if (const std::optional<Writings> plain = writings_of_plain(rest)) return *plain;
  const bool zero_first = rest.starts_with('0');
  const auto take_digits = [&] {
    const auto end = std::find_if_not(rest.begin(), rest.end(), is_digit);
    const auto count = static_cast<std::size_t>(end - rest.begin());
    rest.remove_prefix(count);
    return count;
  };
  std::size_t digits = take_digits(), all = digits, marks = 0;
  bool grouped = digits >= 1 && digits <= 3 && !zero_first;  // so far, whatever the last mark is
  char between = 0, last = 0;                                // all marks but the last one; the last one
  while (!rest.empty()) {
    const Mark mark = mark_of(rest);
    if (mark.kind == 0) break;
    if (marks > 0) {  // the one before is not the last one: it stands between thousands
      if (digits != 3 || (marks > 1 && between != last)) return 0;
      between = last;
    }
    rest.remove_prefix(mark.bytes);
    last = mark.kind, ++marks;
    all += digits = take_digits();
  }
  const bool exponent = !rest.empty();
  if (exponent) {
    if (rest[0] != 'e' && rest[0] != 'E') return 0;
    rest.remove_prefix(1);
    rest = without_sign(rest);
    if (take_digits() == 0 || !rest.empty()) return 0;
  }
  if (all == 0) return 0;
  if (marks == 0) return any_writing;
  grouped = grouped && !exponent;
  const bool ends_grouped = grouped && digits == 3 && (marks == 1 || between == last);
  if (marks > 1 && !grouped) return 0;
  return writings_where([&](const Writing& one) {
    if (ends_grouped && one.thousands == last) return true;
    return one.decimal == last && (marks == 1 || (between != last && one.thousands == between));
  });
}

std::optional<double> number_in(std::string_view field, std::size_t writing) {
  field = trimmed(field);
  const Writing how = all_writings[writing];
  if (const std::optional<double> value = short_number(field, how)) return value;
  if (how.decimal == '.' || field.find('.') == std::string_view::npos)  // else a point is none before decimals
    if (const std::optional<double> plain = whole_number(field)) return plain;
  if ((writings_of_number(field) >> writing & 1) == 0) return {};
  std::string text;
  while (!field.empty()) {
    const Mark mark = mark_of(field);
    if (mark.kind == 0)
      text += field[0];
    else if (mark.kind == how.decimal)
      text += '.';
    field.remove_prefix(std::max<std::size_t>(mark.bytes, 1));
  }
  return whole_number(text);
}

bool is_hole(std::string_view field) {
  field = trimmed(field);
  const std::string word = lowered(field.substr(0, 10));
  constexpr std::string_view words[] = {"", "na", "n/a", "#n/a", "nan", "null", "none", "missing", "-", "--", "?", ".", "\u2013"};
  if (std::find(std::begin(words), std::end(words), word) != std::end(words)) return true;
  const std::string_view size = without_sign(word);
  return size == "inf" || size == "infinity" || size == "nan";
}

}  // namespace carousel
