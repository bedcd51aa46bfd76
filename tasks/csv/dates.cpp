#include <carousel/tasks/csv/dates.hpp>

#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>
#include <map>
#include <numbers>

#include <fmt/format.h>

#include <carousel/lib/error.hpp>
#include <carousel/lib/utf8.hpp>
#include <carousel/tasks/csv/writing.hpp>

namespace carousel {

namespace {

constexpr double day_seconds = 86400;

char lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}
bool digit_at(std::string_view text, std::size_t at) {
  return at < text.size() && text[at] >= '0' && text[at] <= '9';
}

/// Reads a field from left to right.
struct Scanner {
  std::string_view rest;
  std::size_t digits = 0;  // of the last number

  std::optional<int> number(std::size_t most) {
    digits = 0;
    int value = 0;
    while (digits < most && digit_at(rest, digits)) value = 10 * value + (rest[digits++] - '0');
    if (digits == 0 || digit_at(rest, digits)) return {};
    rest.remove_prefix(digits);
    return value;
  }
  bool take(char c) {
    if (rest.empty() || rest.front() != c) return false;
    rest.remove_prefix(1);
    return true;
  }
  void blanks() {
    while (take(' ')) {
    }
  }
  /// 1 … 12 for the name of a month, of three letters or whole; 0: it is none.
  int month() {
    constexpr std::array<std::string_view, 12> names = {"january", "february", "march",     "april",   "may",      "june",
                                                        "july",    "august",   "september", "october", "november", "december"};
    std::string word;
    while (word.size() < rest.size() && lower(rest[word.size()]) >= 'a' && lower(rest[word.size()]) <= 'z')
      word += lower(rest[word.size()]);
    if (word.size() < 3) return 0;
    for (std::size_t k = 0; k < names.size(); ++k)
      if (names[k] == word || names[k].substr(0, 3) == word) {
        rest.remove_prefix(word.size());
        take('.');
        return static_cast<int>(k) + 1;
      }
    return 0;
  }
};

std::optional<double> seconds_of_day(int year, int month, int day) {
  const std::chrono::year_month_day date{std::chrono::year(year), std::chrono::month(static_cast<unsigned>(month)),
                                         std::chrono::day(static_cast<unsigned>(day))};
  if (month < 1 || day < 1 || year < 1 || year > 9999 || !date.ok()) return {};
  return day_seconds * static_cast<double>(std::chrono::sys_days(date).time_since_epoch().count());
}

std::chrono::year_month_day date_of(double seconds) {
  return std::chrono::sys_days(std::chrono::days(static_cast<int>(std::floor(seconds / day_seconds))));
}

/// The day at the front of the scanner.
std::optional<double> take_day(Scanner& scan, DateOrder order) {
  if (const int month = scan.month()) {  // Apr 3, 2024
    scan.blanks();
    const auto day = scan.number(2);
    scan.take(',');
    scan.blanks();
    const auto year = scan.number(4);
    return day && year && scan.digits == 4 ? seconds_of_day(*year, month, *day) : std::nullopt;
  }
  const auto first = scan.number(8);
  if (!first) return {};
  if (scan.digits == 8) return seconds_of_day(*first / 10000, *first / 100 % 100, *first % 100);
  if (scan.digits == 4) {
    const char mark = scan.rest.empty() ? 0 : scan.rest.front();
    if (mark != '-' && mark != '/' && mark != '.') return {};
    scan.take(mark);
    const auto month = scan.number(2);
    if (!month || !scan.take(mark)) return {};
    const auto day = scan.number(2);
    return day ? seconds_of_day(*first, *month, *day) : std::nullopt;
  }
  if (scan.digits > 2) return {};
  const char mark = scan.rest.empty() ? 0 : scan.rest.front();
  if (mark == ' ' || mark == '-' || mark == '.') {
    Scanner words = scan;  // 3 Apr 2024, 3-Apr-2024, 3. April 2024
    words.take(mark);
    words.blanks();
    if (const int month = words.month()) {
      while (words.take(mark) || words.take(' ')) {
      }
      const auto year = words.number(4);
      if (!year || words.digits != 4) return {};
      scan = words;
      return seconds_of_day(*year, month, *first);
    }
  }
  if (mark != '/' && mark != '-' && mark != '.') return {};
  scan.take(mark);
  const auto second = scan.number(2);
  if (!second || !scan.take(mark)) return {};
  const auto year = scan.number(4);
  if (!year || scan.digits != 4) return {};
  const std::optional<double> day_first = seconds_of_day(*year, *second, *first),
                              month_first = seconds_of_day(*year, *first, *second);
  if (mark == '.' || order == DateOrder::day_first) return day_first;  // points stand between day and month, in this order
  if (order == DateOrder::month_first) return month_first;
  if (day_first && month_first && *day_first != *month_first) return {};
  return day_first ? day_first : month_first;
}

}  // namespace

std::optional<Moment> read_moment(std::string_view field, DateOrder order) {
  Scanner scan{trimmed(field)};
  const std::optional<double> day = take_day(scan, order);
  if (!day) return {};
  Moment moment{.seconds = *day};
  if (scan.rest.empty()) return moment;
  moment.has_time = true;
  moment.t = scan.rest.front() == 'T';
  if (!scan.take('T') && !scan.take(' ')) return {};
  scan.blanks();
  auto hour = scan.number(2);
  if (!hour || !scan.take(':')) return {};
  const auto minute = scan.number(2);
  if (!minute || scan.digits != 2) return {};
  double second = 0;
  if (scan.take(':')) {
    const auto whole = scan.number(2);
    if (!whole || scan.digits != 2) return {};
    second = *whole;
    if (scan.take('.') || scan.take(',')) {
      double unit = 0.1;
      for (; digit_at(scan.rest, 0); scan.rest.remove_prefix(1), unit /= 10) second += unit * (scan.rest.front() - '0');
    }
  }
  scan.blanks();
  if (scan.rest.size() == 2 && lower(scan.rest[1]) == 'm' && (lower(scan.rest[0]) == 'a' || lower(scan.rest[0]) == 'p')) {
    if (*hour < 1 || *hour > 12) return {};
    *hour = *hour % 12 + (lower(scan.rest[0]) == 'p' ? 12 : 0);
    scan.rest = {};
  }
  if (*hour > 24 || *minute > 59 || second > 60 || (*hour == 24 && (*minute > 0 || second > 0))) return {};
  moment.seconds += 3600 * *hour + 60 * *minute + second;
  if (scan.take('Z')) {
    moment.offset = 0;
  } else if (!scan.rest.empty() && (scan.rest.front() == '+' || scan.rest.front() == '-')) {
    const int sign = scan.take('-') ? -1 : 1;
    scan.take('+');
    const auto hours = scan.number(4);
    if (!hours) return {};
    int minutes = scan.digits == 4 ? *hours / 100 * 60 + *hours % 100 : 60 * *hours;
    if (scan.digits <= 2 && scan.take(':')) {
      const auto more = scan.number(2);
      if (!more) return {};
      minutes += *more;
    }
    if (minutes > 18 * 60) return {};
    moment.offset = sign * minutes;
    moment.seconds -= 60 * *moment.offset;
  }
  if (!scan.rest.empty()) return {};
  return moment;
}

void DateColumn::add(std::string_view field, Index line) {
  if (is_hole(field) || (!day_first_ && !month_first_)) return;
  ++count_;
  const auto a = read_moment(field, DateOrder::day_first), b = read_moment(field, DateOrder::month_first);
  day_first_ = day_first_ && a && order_ != DateOrder::month_first;
  month_first_ = month_first_ && b && order_ != DateOrder::day_first;
  const bool differ = a.has_value() != b.has_value() || (a && b && a->seconds != b->seconds);
  needs_order_ = needs_order_ || differ;
  if (line_ == 0 && differ && a && b) line_ = line, field_ = std::string(trimmed(field));
}

DateOrder DateColumn::order() const {
  if (!needs_order_) return DateOrder::automatic;
  return day_first_ ? DateOrder::day_first : DateOrder::month_first;
}

std::pair<Index, std::string> DateColumn::ambiguous() const {
  return day_first_ && month_first_ && needs_order_ ? std::pair(line_, field_) : std::pair(Index{0}, std::string());
}

void DateColumn::refuse_ambiguous(const std::string& file, const std::string& column, const std::string& remedy) const {
  if (const auto [line, field] = ambiguous(); line > 0)
    bad_file("read ", file, ": line ", line, ", ", column, ": ", in_quotes(field),
             " has two meanings: give --date-order day-first or --date-order month-first", remedy);
}

double TimeStep::after(double moment, Index count) const {
  const auto n = static_cast<double>(count);
  if (kind == Kind::months) {
    const std::chrono::year_month_day date = date_of(moment);
    const double of_day = moment - day_seconds * std::floor(moment / day_seconds);
    const std::chrono::year_month_day next = date + std::chrono::months(static_cast<int>(months * count));
    const std::chrono::year_month_day_last end{next.year(), std::chrono::month_day_last(next.month())};
    const bool was_last = date == std::chrono::year_month_day_last{date.year(), std::chrono::month_day_last(date.month())};
    const auto day = was_last || !next.ok() ? end.day() : next.day();
    return of_day +
           day_seconds * static_cast<double>(std::chrono::sys_days(next.year() / next.month() / day).time_since_epoch().count());
  }
  if (kind == Kind::weekdays) {
    for (Index k = 0; k < count;) {
      moment += day_seconds;
      const std::chrono::weekday weekday{std::chrono::sys_days(date_of(moment))};
      k += weekday != std::chrono::Saturday && weekday != std::chrono::Sunday;
    }
    return moment;
  }
  return moment + n * seconds;
}

std::string duration_text(double seconds) {
  constexpr std::pair<double, const char*> units[] = {
      {365.25 * day_seconds, "year"}, {day_seconds, "day"}, {3600, "hour"}, {60, "minute"}};
  for (const auto& [unit, name] : units)
    if (seconds >= unit && (std::abs(seconds / unit - std::round(seconds / unit)) < 1e-9 || seconds >= 10 * unit))
      return fmt::format("{:.3g} {}{}", seconds / unit, name, seconds == unit ? "" : "s");
  return fmt::format("{:.3g} second{}", seconds, seconds == 1 ? "" : "s");
}

std::string TimeStep::name() const {
  if (kind == Kind::months) return months == 12 ? "1 year" : fmt::format("{} month{}", months, months == 1 ? "" : "s");
  if (kind == Kind::weekdays) return "1 weekday";
  return duration_text(seconds);
}

TimeStep find_step(std::span<const double> moments) {
  if (moments.size() < 2) return {};
  std::map<double, Index> counts, month_counts;
  bool weekend = false, midnight_steps = true;
  for (std::size_t k = 0; k < moments.size(); ++k) {
    const std::chrono::weekday weekday{std::chrono::sys_days(date_of(moments[k]))};
    weekend = weekend || weekday == std::chrono::Saturday || weekday == std::chrono::Sunday;
    if (k == 0) continue;
    const double step = moments[k] - moments[k - 1];
    midnight_steps = midnight_steps && std::fmod(step, day_seconds) == 0;
    ++counts[std::round(step * 1000) / 1000];
    const auto a = date_of(moments[k - 1]), b = date_of(moments[k]);
    const int months = 12 * (static_cast<int>(b.year()) - static_cast<int>(a.year())) + static_cast<int>(unsigned(b.month())) -
                       static_cast<int>(unsigned(a.month()));
    const TimeStep one{.kind = TimeStep::Kind::months, .months = months};
    if (months > 0 && one.after(moments[k - 1], 1) == moments[k]) ++month_counts[months];
  }
  const auto by_count = [](const auto& a, const auto& b) { return a.second < b.second; };
  const auto steps = static_cast<Index>(moments.size()) - 1;
  if (const auto most = std::max_element(month_counts.begin(), month_counts.end(), by_count);
      most != month_counts.end() && 2 * most->second > steps)
    return {.kind = TimeStep::Kind::months, .months = static_cast<Index>(most->first)};
  const auto most = std::max_element(counts.begin(), counts.end(), by_count);
  if (2 * most->second <= steps || !(most->first > 0)) return {};
  const bool weekdays = most->first == day_seconds && !weekend && moments.size() > 7;
  return {.kind = weekdays ? TimeStep::Kind::weekdays : TimeStep::Kind::seconds, .seconds = most->first};
}

bool follows(const TimeStep& step, double first, double second) {
  switch (step.kind) {
    case TimeStep::Kind::none:
      return true;
    case TimeStep::Kind::weekdays:
      return second > first && second - first <= 6 * day_seconds;
    case TimeStep::Kind::months:
      return step.after(first, 1) == second;
    case TimeStep::Kind::seconds:
      break;
  }
  return std::abs(second - first - step.seconds) <= 0.01 * step.seconds;
}

std::string moment_text(double seconds, const Moment& like) {
  const double local = seconds + 60 * like.offset.value_or(0);
  const auto date = date_of(local);
  std::string text =
      fmt::format("{:04d}-{:02d}-{:02d}", static_cast<int>(date.year()), unsigned(date.month()), unsigned(date.day()));
  const double of_day = local - day_seconds * std::floor(local / day_seconds);
  if (!like.has_time && of_day == 0) return text;
  const auto whole = static_cast<int>(of_day);
  text += fmt::format("{}{:02d}:{:02d}", like.t ? 'T' : ' ', whole / 3600, whole / 60 % 60);
  if (whole % 60 != 0 || of_day != whole) text += fmt::format(":{:02d}", whole % 60);
  if (like.offset == 0) text += "Z";
  if (like.offset.value_or(0) != 0)
    text +=
        fmt::format("{}{:02d}:{:02d}", *like.offset < 0 ? '-' : '+', std::abs(*like.offset) / 60, std::abs(*like.offset) % 60);
  return text;
}

std::string Calendar::name() const {
  std::string all;
  for (const auto& [given, word] : {std::pair(hour, "hour"), std::pair(weekday, "weekday"), std::pair(month, "month")})
    if (given) all += (all.empty() ? "" : ", ") + std::string(word);
  return all;
}

void Calendar::write(double seconds, int offset, double* to) const {
  const double local = seconds + 60 * offset, days = std::floor(local / day_seconds);
  const auto turn = [&](double part) {
    *to++ = std::sin(2 * std::numbers::pi * part);
    *to++ = std::cos(2 * std::numbers::pi * part);
  };
  if (hour) turn(local / day_seconds - days);
  if (weekday) turn(std::fmod(std::fmod(days + 3, 7) + 7, 7) / 7);  // 1970-01-01 was a Thursday; Monday is 0
  if (month) {
    const auto date = date_of(local);
    turn((unsigned(date.month()) - 1 + (unsigned(date.day()) - 1) / 31.0) / 12);
  }
}

Calendar calendar_for(const TimeStep& step) {
  if (step.kind == TimeStep::Kind::none) return {};
  const double length = step.kind == TimeStep::Kind::months ? 28 * day_seconds * static_cast<double>(step.months) : step.seconds;
  return {.hour = length < day_seconds, .weekday = length <= day_seconds, .month = length <= 100 * day_seconds};
}

Calendar calendar_of(std::string_view name) {
  const auto has = [&](std::string_view word) { return name.find(word) != std::string_view::npos; };
  return {.hour = has("hour"), .weekday = has("weekday"), .month = has("month")};
}

}  // namespace carousel
