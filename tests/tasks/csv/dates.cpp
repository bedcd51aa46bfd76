#include <carousel/tasks/csv/dates.hpp>

#include <cmath>

#include <doctest/doctest.h>

using namespace carousel;

namespace {

std::string read(std::string_view field, DateOrder order = DateOrder::automatic) {
  const std::optional<Moment> moment = read_moment(field, order);
  return moment ? moment_text(moment->seconds, *moment) : "none";
}

std::vector<double> moments_of(const std::vector<std::string>& fields) {
  std::vector<double> all;
  for (const std::string& field : fields) all.push_back(read_moment(field, DateOrder::automatic).value().seconds);
  return all;
}

}  // namespace

TEST_CASE("dates are read as people write them") {
  CHECK(read_moment("1970-01-02", DateOrder::automatic)->seconds == 86400);
  for (const char* const field : {"2024-04-03", " 2024/04/03 ", "2024/4/3", "20240403", "3.4.2024", "03.04.2024", "3 Apr 2024",
                                  "3. April 2024", "3-apr-2024", "Apr 3, 2024", "April 3 2024"}) {
    CAPTURE(field);
    CHECK(read(field) == "2024-04-03");
  }
  CHECK(read("2024-04-03 12:30") == "2024-04-03 12:30");
  CHECK(read("2024-04-03T12:30:05") == "2024-04-03T12:30:05");
  CHECK(read("2024-04-03T12:30:05.25Z") == "2024-04-03T12:30:05Z");
  CHECK(read("2024-04-03T12:30+02:00") == "2024-04-03T12:30+02:00");
  CHECK(read_moment("2024-04-03T12:30+0200", DateOrder::automatic)->seconds ==
        read_moment("2024-04-03T10:30Z", DateOrder::automatic)->seconds);
  CHECK(read("13/4/2024 1:05 pm") == "2024-04-13 13:05");
  CHECK(read("4/13/2024 12:05 AM") == "2024-04-13 00:05");
}

TEST_CASE("what is no date is none, and what has two meanings is none without an order") {
  for (const char* const field :
       {"", "x", "2024", "2024-13-01", "2024-02-30", "2023-02-29", "31.4.2024", "9:00", "1.5", "2024-000", "2024-04-03 25:00",
        "2024-04-03 12:60", "2024-04-03x", "May", "03/04/24", "0000-01-01"}) {
    CAPTURE(field);
    CHECK(read(field) == "none");
  }
  CHECK(read("03/04/2024") == "none");
  CHECK(read("03/04/2024", DateOrder::day_first) == "2024-04-03");
  CHECK(read("03/04/2024", DateOrder::month_first) == "2024-03-04");
  CHECK(read("03-04-2024") == "none");
  CHECK(read("04/04/2024") == "2024-04-04");
}

TEST_CASE("a column of dates has one order, which one of its fields may tell") {
  const auto column = [](const std::vector<std::string>& fields, DateOrder order = DateOrder::automatic) {
    DateColumn known(order);
    for (std::size_t k = 0; k < fields.size(); ++k) known.add(fields[k], static_cast<Index>(k) + 2);
    return known;
  };
  CHECK(column({"03/04/2024", "13/04/2024"}).order() == DateOrder::day_first);
  CHECK(column({"03/04/2024", "03/14/2024"}).order() == DateOrder::month_first);
  CHECK_FALSE(column({"14/04/2024", "03/14/2024"}).holds_dates());
  CHECK_FALSE(column({"2024-04-03", "word"}).holds_dates());
  CHECK_FALSE(column({}).holds_dates());
  CHECK_FALSE(column({"", "NA"}).holds_dates());
  CHECK(column({"2024-04-03", ""}).holds_dates());
  CHECK(column({"04/04/2024", "03/04/2024"}).ambiguous() == std::pair(Index{3}, std::string("03/04/2024")));
  CHECK(column({"03/04/2024"}, DateOrder::month_first).ambiguous().first == 0);
  CHECK(column({"03/04/2024"}, DateOrder::month_first).order() == DateOrder::month_first);
  CHECK(column({"2024-04-03"}).ambiguous().first == 0);
  CHECK_FALSE(column({"13/04/2024"}, DateOrder::month_first).holds_dates());
}

TEST_CASE("the step is the commonest one: seconds, weekdays, months") {
  CHECK(find_step(moments_of({"2024-01-01 00:00", "2024-01-01 00:15", "2024-01-01 00:30", "2024-01-01 02:00"})).name() ==
        "15 minutes");
  CHECK(find_step(moments_of({"2024-01-31", "2024-02-29", "2024-03-31"})).name() == "1 month");
  CHECK(find_step(moments_of({"2024-01-01", "2024-04-01", "2024-07-01"})).name() == "3 months");
  CHECK(find_step(moments_of({"2020-05-01", "2021-05-01", "2022-05-01"})).name() == "1 year");
  CHECK(find_step(moments_of({"2024-01-01", "2024-01-02", "2024-01-05", "2024-01-11"})).kind == TimeStep::Kind::none);
  CHECK(find_step(moments_of({"2024-01-01"})).kind == TimeStep::Kind::none);
  CHECK(find_step(moments_of({"2024-01-04", "2024-01-05", "2024-01-06", "2024-01-07", "2024-01-08"})).name() == "1 day");
}

TEST_CASE("time goes on by steps: over the end of a month, a weekend, a year") {
  const auto after = [](const std::vector<std::string>& known, Index count) {
    const std::vector<double> moments = moments_of(known);
    return moment_text(find_step(moments).after(moments.back(), count), {});
  };
  CHECK(after({"2023-12-30", "2023-12-31"}, 1) == "2024-01-01");
  CHECK(after({"2023-11-30", "2023-12-31"}, 2) == "2024-02-29");
  CHECK(after({"2023-11-15", "2023-12-15"}, 3) == "2024-03-15");
  CHECK(after({"2024-01-01", "2024-01-02", "2024-01-03", "2024-01-04", "2024-01-05", "2024-01-08", "2024-01-09", "2024-01-10",
               "2024-01-11", "2024-01-12"},
              1) == "2024-01-15");
}

TEST_CASE("a calendar tells the hour, the weekday and the month as places on circles") {
  const Calendar all{.hour = true, .weekday = true, .month = true};
  CHECK(all.features() == 6);
  CHECK(all.name() == "hour, weekday, month");
  CHECK(calendar_of(all.name()).features() == 6);
  CHECK(calendar_of("").features() == 0);
  double at[6];
  all.write(moments_of({"2024-01-01 06:00"}).front(), 0, at);  // a Monday
  const double wanted[] = {1, 0, 0, 1, 0, 1};
  for (int k = 0; k < 6; ++k) CHECK(at[k] == doctest::Approx(wanted[k]).epsilon(1e-9));
  all.write(moments_of({"2024-01-01T04:00Z"}).front(), 120, at);
  CHECK(at[0] == doctest::Approx(1));
  CHECK(calendar_for({.kind = TimeStep::Kind::seconds, .seconds = 3600}).name() == "hour, weekday, month");
  CHECK(calendar_for({.kind = TimeStep::Kind::weekdays, .seconds = 86400}).name() == "weekday, month");
  CHECK(calendar_for({.kind = TimeStep::Kind::months, .months = 1}).name() == "month");
  CHECK(calendar_for({}).name() == "");
}
