#include <carousel/tasks/series/data.hpp>

#include <algorithm>
#include <cmath>

#include <doctest/doctest.h>

#include <carousel/tasks/csv/options.hpp>

using namespace carousel;

namespace {

using Numbers = std::vector<double>;
using Words = std::vector<std::string>;

Series read_text(std::string_view text, const SeriesColumns& columns = {}) {
  return read_series(Csv::parse(std::string(text), "f.csv", {.missing_option = true}), columns);
}

const char* const table = "time,temperature,load\n9:00,1,10\n10:00,2,20\n11:00,3,30\n";

}  // namespace

TEST_CASE("without a word on columns those are read that hold numbers, and the last is to be forecast") {
  const Series series = read_text(table);
  CHECK(series.columns == Words{"temperature", "load"});
  CHECK(series.predict == 1);
  CHECK(series.target() == Numbers{10, 20, 30});
  CHECK(series.rows() == 3);
  CHECK(series.lines[0] == 2);
  CHECK(series.lines[2] == 4);
}

TEST_CASE("columns are read in the order in which they are named") {
  const Series series = read_text(table, {.read = {"load", "2"}, .predict = "load"});
  CHECK(series.columns == Words{"load", "temperature"});
  CHECK(series.predict == 0);
  CHECK(read_text("1,2\n3,4\n").columns == Words{"1", "2"});
  CHECK(read_text(table, {.predict = "temperature"}).predict == 0);
}

TEST_CASE("columns that cannot be read are refused") {
  CHECK_THROWS_WITH_AS(
      read_text(table, {.read = {"wind"}}),
      "--columns wind: f.csv has no such column: must be one of \"time\", \"temperature\", \"load\", or a number of 1 to 3",
      std::invalid_argument);
  CHECK_THROWS_WITH_AS(read_text(table, {.read = {"load"}, .predict = "temperature"}),
                       "--predict temperature: is not among --columns: name it there too", std::invalid_argument);
  CHECK_THROWS_WITH_AS(read_text(table, {.read = {"load", "3"}}), "--columns 3: is named twice: each column must be named once",
                       std::invalid_argument);
  CHECK_THROWS_WITH_AS(read_text(table, {.predict = "time"}),
                       "read f.csv: line 2, column 1 (\"time\"): \"9:00\": must be a number", std::runtime_error);
  CHECK_THROWS_WITH_AS(read_text("a,b\nx,y\n"), "read f.csv: no column holds numbers: must be rows of numbers",
                       std::runtime_error);
  CHECK_THROWS_WITH_AS(read_text("a\n1\n-1e200\n"), "read f.csv: line 3, column 1 (\"a\"): -1e+200: must be within ±1e+100",
                       std::runtime_error);
}

TEST_CASE("a column whose first value is missing is not left out, but refused with its line") {
  CHECK_THROWS_WITH_AS(read_text("t,load\n0,\n1,12.084\n2,13.161\n"),
                       "read f.csv: line 2, column 2 (\"load\"): the cell is empty: give --missing fill or --missing skip, or "
                       "fill it, or name other "
                       "--columns",
                       std::runtime_error);
  CHECK_THROWS_WITH_AS(read_text("t,load\n0,x\n1,12.084\n2,13.161\n"),
                       "read f.csv: line 2, column 2 (\"load\"): \"x\": must be a number, or name other --columns",
                       std::runtime_error);
  CHECK_THROWS_WITH_AS(
      read_text("t,load\n0,\n1,12.084\n", {.read = {"load"}}),
      "read f.csv: line 2, column 2 (\"load\"): the cell is empty: give --missing fill or --missing skip, or fill it",
      std::runtime_error);
  CHECK(read_text("t,load\n0,\n1,12.084\n", {.read = {"t"}}).columns == Words{"t"});
  const Series words = read_text("t,load\n0,x\n1,y\n2,13.161\n");
  CHECK(words.columns == Words{"t"});
  CHECK(words.left == Words{"column 2 (\"load\")"});
}

TEST_CASE("a model finds its columns in another file, or says which is not there") {
  const Csv csv = Csv::parse("b,a,c\n1,2,3\n4,5,6\n", "g.csv");
  const Series series = read_same_columns(csv, {"a", "b"}, {"b"});
  CHECK(series.columns == Words{"a", "b"});
  CHECK(series.target() == Numbers{1, 4});
  CHECK_THROWS_WITH_AS(read_same_columns(csv, {"a", "d"}, {"a"}),
                       "read g.csv: there is no column \"d\": the model reads \"a\", \"d\"", std::runtime_error);
}

TEST_CASE("names are taken apart at commas") {
  CHECK(names_in("").empty());
  CHECK(names_in("a") == Words{"a"});
  CHECK(names_in("a,b c,3") == Words{"a", "b c", "3"});
}

TEST_CASE("a column of dates gives the step between rows, and names rows beyond the end") {
  const Series series = read_text("when;y\n2024-02-28 22:00;1\n2024-02-28 23:00;2\n2024-02-29 00:00;3\n");
  CHECK(series.columns == Words{"y"});
  CHECK(series.date == "when");
  CHECK(series.left.empty());
  CHECK(series.step.name() == "1 hour");
  CHECK(series.begins.empty());
  CHECK(series.row_name(0) == "2024-02-28 22:00");
  CHECK(series.row_name(26) == "2024-03-01 00:00");
  CHECK(read_text("when,y\n2024-02-28,1\n2024-02-29,2\n").row_name(2) == "2024-03-01");
  CHECK(read_text("when,y\n2024-02-28,1\n2024-02-29,2\n", {.date = "none"}).row_name(2) == "3");
  CHECK(read_text(table).moments.empty());  // times of a day are no dates
}

TEST_CASE("dates with two meanings are refused with what settles them") {
  const char* const text = "when,y\n03/04/2024,1\n04/04/2024,2\n05/04/2024,3\n";
  CHECK_THROWS_WITH_AS(read_text(text),
                       "read f.csv: line 2, column 1 (\"when\"): \"03/04/2024\" has two meanings: give --date-order day-first or "
                       "--date-order month-first, or --date none",
                       std::runtime_error);
  CHECK(read_text(text, {.order = DateOrder::day_first}).row_name(0) == "2024-04-03");
  CHECK(read_text(text, {.order = DateOrder::month_first}).row_name(0) == "2024-03-04");
  CHECK(read_text(text, {.date = "none"}).moments.empty());
  CHECK(read_text("when,y\n03/04/2024,1\n14/04/2024,2\n").row_name(0) == "2024-04-03");  // 14 tells
  CHECK_THROWS_WITH_AS(read_text("when,y\n2024-02-30,1\n", {.date = "when"}),
                       "read f.csv: line 2, column 1 (\"when\"): \"2024-02-30\" is not a date: write dates such as 2024-04-03 or "
                       "2024-04-03 12:30",
                       std::runtime_error);
}

TEST_CASE("rows that are not in the order of time are sorted, and a gap is a hole; both are said") {
  const Series series = read_text("when,y\n2024-01-05,5\n2024-01-02,2\n2024-01-01,1\n2024-01-03,3\n2024-01-06,6\n");
  CHECK(series.target() == Numbers{1, 2, 3, 5, 6});
  CHECK(series.begins == std::vector<Index>{0, 0, 0, 3, 3});
  CHECK(series.lines[0] == 4);
  REQUIRE(series.remarks.size() == 2);
  CHECK(series.remarks[0] == "the rows of f.csv were not in the order of when: they are sorted by it");
  CHECK(series.remarks[1] ==
        "1 gap in when, whose steps are of 1 day: the first from 2024-01-03 to 2024-01-05; no window runs across it");
}

TEST_CASE("weekends are no gaps where no row is of a weekend") {
  std::string text = "when,y\n";
  for (int day = 1; day <= 26; ++day)
    if (day % 7 != 6 && day % 7 != 0) text += "2024-01-" + std::string(day < 10 ? "0" : "") + std::to_string(day) + ",1\n";
  const Series series = read_text(text);
  CHECK(series.step.name() == "1 weekday");
  CHECK(series.begins.empty());
  CHECK(series.row_name(series.rows()) == "2024-01-29");  // after Friday the 26th
}

TEST_CASE("empty cells are filled with the value before, or their rows left out, as is said") {
  const char* const text = "x,y\n1,\n2,20\n,30\n4,NA\n5,50\n";
  const Series filled = read_text(text, {.missing = "fill"});
  CHECK(filled.values[0] == Numbers{1, 2, 2, 4, 5});
  CHECK(filled.target() == Numbers{20, 20, 30, 30, 50});
  CHECK(filled.filled == std::vector<bool>{true, false, false, true, false});
  CHECK(filled.begins.empty());
  CHECK(filled.remarks ==
        Words{"--missing fill: empty cells have the value before: 1 of x, 2 of y; no forecast is learned from or "
              "measured on a value that was filled in"});
  const Series skipped = read_text(text, {.missing = "skip"});
  CHECK(skipped.target() == Numbers{20, 50});
  CHECK(skipped.begins == std::vector<Index>{0, 1});
  CHECK(skipped.lines[1] == 6);
  CHECK(skipped.remarks == Words{"--missing skip: 3 rows of 5 with empty cells are left out; no window runs across the holes"});
  CHECK_THROWS_WITH_AS(read_text("x,y\n1,a\n2,20\n3,30\n", {.missing = "skip"}),
                       "read f.csv: line 2, column 2 (\"y\"): \"a\": must be a number, or name other --columns",
                       std::runtime_error);
}

TEST_CASE("several columns to forecast are named with commas between them") {
  const Series series = read_text("a,b,c\n1,2,3\n4,5,6\n", {.predict = "c,a"});
  CHECK(series.targets == std::vector<Index>{2, 0});
  CHECK(series.predict == 2);
  CHECK(series.looking_at(1).target() == Numbers{1, 4});
  CHECK(read_text("\"a,b\",c\n1,2\n4,5\n", {.predict = "a,b"}).targets == std::vector<Index>{0});  // a name may have a comma
  CHECK_THROWS_WITH_AS(read_text("a,b\n1,2\n", {.predict = "a,a"}), "--predict a: is named twice: each column must be named once",
                       std::invalid_argument);
  const Series filled = read_text("a,b,c\n1,2,3\n,5,6\n7,,9\n", {.predict = "a,b", .missing = "fill"});
  CHECK(filled.filled == std::vector<bool>{false, true, true});
}
