#pragma once
/// Dates and times as people write them, the steps between them, and what a calendar says of a moment.

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <carousel/lib/numbers/shape.hpp>

namespace carousel {

/// What 03/04/2024 means: 3 April or March 4.
enum class DateOrder { automatic, day_first, month_first };

/// A moment as it was written.
struct Moment {
  double seconds = 0;                ///< since 1970-01-01 00:00 UTC; without an offset the clock time is taken for UTC
  std::optional<int> offset = {};    ///< minutes east of UTC, where the field says so
  bool has_time = false, t = false;  ///< it has a time of day; a T stands before it
};

/// Reads ISO 8601 (2024-04-03, 2024-04-03T12:30:00.5+02:00, 20240403), 2024/04/03, 3.4.2024, 03/04/2024 and 03-04-2024 (by
/// `order`), 3 Apr 2024, Apr 3, 2024, each alone or with a time of day, 12:30 or 12:30:05, also 1:30 pm. None: it is no date, or,
/// with `automatic`, it has two meanings.
std::optional<Moment> read_moment(std::string_view field, DateOrder order);

/// Learns from all fields of a column whether it holds dates, and in which order.
class DateColumn {
 public:
  explicit DateColumn(DateOrder order = DateOrder::automatic) : order_(order) {}
  /// The next field; holes are passed over.
  void add(std::string_view field, Index line);
  /// Whether every field so far is a date in at least one order, and there was one.
  bool holds_dates() const { return count_ > 0 && (day_first_ || month_first_); }
  /// The order; `automatic` where no field needs one. Ambiguous columns: see ambiguous().
  DateOrder order() const;
  /// The first field with two meanings, where no other field tells which: its line and text; line 0: there is none.
  std::pair<Index, std::string> ambiguous() const;
  /// Throws std::runtime_error if there is one. `remedy` ends the error: ", or --date none".
  void refuse_ambiguous(const std::string& file, const std::string& column, const std::string& remedy) const;

 private:
  DateOrder order_;
  bool day_first_ = true, month_first_ = true, needs_order_ = false;
  Index count_ = 0, line_ = 0;
  std::string field_;
};

/// How far rows are apart in time.
struct TimeStep {
  enum class Kind { none, seconds, weekdays, months } kind = Kind::none;
  double seconds = 0;  ///< for seconds; of weekdays: a day
  Index months = 0;

  /// The moment `count` steps after another.
  double after(double moment, Index count) const;
  /// "1 hour", "1 day", "1 weekday", "3 months".
  std::string name() const;
};

/// The commonest step of moments that rise; `none` where fewer than half of the steps are alike.
TimeStep find_step(std::span<const double> moments);
/// Whether the second moment is one step after the first. A step of weekdays may leave out up to five days, for holidays.
bool follows(const TimeStep& step, double first, double second);

/// "3 hours", "2 days", "1 month": a duration as people say it.
std::string duration_text(double seconds);
/// The moment in ISO 8601, with a time of day and an offset as `like` has them.
std::string moment_text(double seconds, const Moment& like);

/// What a calendar says, each as two numbers, sine and cosine: of the hour in the day, the day in the week, the day in the year.
struct Calendar {
  bool hour = false, weekday = false, month = false;
  Index features() const { return 2 * (static_cast<Index>(hour) + static_cast<Index>(weekday) + static_cast<Index>(month)); }
  /// "hour, weekday and month": for people; "": none.
  std::string name() const;
  /// Writes features() numbers of a moment of an offset in minutes.
  void write(double seconds, int offset, double* to) const;
};
/// What is of use at steps of this length: the hour below a day, the weekday up to a day, the month up to a month.
Calendar calendar_for(const TimeStep& step);
/// Reads what name() wrote.
Calendar calendar_of(std::string_view name);

}  // namespace carousel
