#include <carousel/tasks/csv/csv.hpp>

#include <cmath>
#include <cstdlib>
#include <stdexcept>
#include <string_view>

#include <doctest/doctest.h>

#include <carousel/lib/numbers/random.hpp>

#include "tests/support/folder.hpp"
#include "tests/support/message_of.hpp"

using namespace carousel;

namespace {

Csv parse(std::string_view text, CsvHeader header = CsvHeader::automatic) {
  return Csv::parse(std::string(text), "f.csv", {.header = header});
}

/// A text in which numbers are written as options say.
Csv written(std::string_view text, const std::string& decimal, const std::string& thousands = "auto") {
  return Csv::parse(std::string(text), "f.csv", {.decimal = decimal, .thousands = thousands});
}

/// What is wrong with a text, or with the numbers of one of its columns.
std::string fault(std::string_view text, Index column = 0, CsvHeader header = CsvHeader::automatic) {
  return message_of<std::runtime_error>([&] { parse(text, header).numbers(column); });
}

using Numbers = std::vector<double>;
using Words = std::vector<std::string>;

}  // namespace

TEST_CASE("a table has a header where no field of the first row is a number") {
  const Csv csv = parse("time,load\n1,2.5\n2,-3e2\n");
  CHECK(csv.header() == Words{"time", "load"});
  CHECK(csv.columns() == 2);
  CHECK(csv.numbers(0) == Numbers{1, 2});
  CHECK(csv.numbers(1) == Numbers{2.5, -300});
  CHECK(csv.lines()[1] == 3);
  CHECK(parse("1,2\n3,4\n").header().empty());
  CHECK(parse("1,2\n3,4\n").numbers(1) == Numbers{2, 4});
  CHECK(parse("monday,2\ntuesday,4\n").header().empty());
}

TEST_CASE("the user may say whether there is a header") {
  CHECK(parse("1,2\n3,4\n", CsvHeader::yes).header() == Words{"1", "2"});
  CHECK(parse("a,b\n3,4\n", CsvHeader::no).rows() == 2);
}

TEST_CASE("separators, line ends, blanks, marks and quotes are read as people write them") {
  for (const char* const text :
       {"a,b\n1,2\n3,4\n", "a;b\n1;2\n3;4\n", "a\tb\n1\t2\n3\t4\n", "a,b\r\n1,2\r\n3,4\r\n", "a,b\r1,2\r3,4\r", "a,b\n1,2\n3,4",
        "\xef\xbb\xbf\x61,b\n1,2\n3,4\n", "\"a\",\"b\"\n\"1\",\"2\"\n 3 , +4 \n", "a, \"b\" \n1, 2\n3, \"4\"\n\n\n"}) {
    CAPTURE(text);
    const Csv csv = parse(text);
    CHECK(csv.header() == Words{"a", "b"});
    CHECK(csv.numbers(0) == Numbers{1, 3});
    CHECK(csv.numbers(1) == Numbers{2, 4});
  }
  const Csv quoted = parse("\"a, \"\"or\"\"\nb\",c\n1,2\n");
  CHECK(quoted.header() == Words{"a, \"or\"\nb", "c"});
  CHECK(quoted.lines()[0] == 3);
}

TEST_CASE("what cannot be read is said with file, line and column") {
  CHECK(fault("") == "read f.csv: is empty: must have rows of numbers");
  CHECK(fault("\n \r\n\n") == "read f.csv: is empty: must have rows of numbers");
  CHECK(fault("a,b\n") == "read f.csv: has a header and no rows: must have rows of numbers");
  CHECK(fault("a,b\n1,2\n3\n") == "read f.csv: line 3, column 2: the row ends before it: must have 2 fields, as line 1");
  CHECK(fault("a,b\n1,2\n3,4,5\n") == "read f.csv: line 3, column 3: one field too many: must have 2 fields, as line 1");
  CHECK(fault("a,b\n1,2\n\n3,4\n") == "read f.csv: line 3, column 1: an empty line: must be a row or the end of the file");
  CHECK(fault("a\n1\n\n3\n") == "read f.csv: line 3, column 1 (\"a\"): the cell is empty: must be a number");
  CHECK(fault("a,b\n1,\"2\n3,4\n") == "read f.csv: line 2, column 2: a quote begins and does not end: must be closed");
  CHECK(fault("a,b\n\"1\"x,2\n") ==
        "read f.csv: line 2, column 1: text after the closing quote: must be , or the end of the line");
  CHECK(fault("a,b\n1,\xff\n") ==
        "read f.csv: line 2, byte 6: \"\\xff\": must be UTF-8; iconv -f LATIN1 -t UTF-8 makes it so, if that is what it is");
  CHECK(fault("a,b\n\"1\n\x80\",\n") ==
        "read f.csv: line 3, byte 7: \"\\x80\": must be UTF-8; iconv -f CP1252 -t UTF-8 makes it so, if that is what it is");
  CHECK(fault(std::string_view("\xff\xfe\x61\0", 4)) ==
        "read f.csv: line 1, byte 0: is UTF-16: must be UTF-8; iconv -f UTF-16 -t UTF-8 makes it so");
}

TEST_CASE("a field that is no number is said with its line and the name of its column") {
  CHECK(fault("a,b\n1,2\n3,\n", 1) == "read f.csv: line 3, column 2 (\"b\"): the cell is empty: must be a number");
  CHECK(fault("1,2\n3, \n", 1) == "read f.csv: line 2, column 2: the cell is empty: must be a number");
  for (const char* const word : {"x", "1.2.3", "1e", "NA", "nan", "inf", "-", "1e999", "0x10", "1 2"}) {
    CAPTURE(word);
    CHECK(fault(std::string("a,b\n1,2\n3,") + word + "\n", 1) ==
          std::string("read f.csv: line 3, column 2 (\"b\"): \"") + word + "\": must be a number");
  }
  CHECK(fault("a;b\n1;2,5,6\n", 1) == "read f.csv: line 2, column 2 (\"b\"): \"2,5,6\": must be a number");
  CHECK(fault("a,b\n\"1\n2\",x\n4,5\n", 1) == "read f.csv: line 2, column 2 (\"b\"): \"x\": must be a number");
}

TEST_CASE("a comma before decimals in one column tells of all: points stand between thousands") {
  const Csv csv = parse("v;temp\n990;9,9\n1.000;10,0\n1.234.567;-0,25\n+2.000,5;1e-1\n");
  CHECK(csv.numbers(0) == Numbers{990, 1000, 1234567, 2000.5});
  CHECK(csv.numbers(1) == Numbers{9.9, 10, -0.25, 0.1});
  const Csv other = parse("v\ttemp\n\"1,000\"\t9.5\n2,000.25\t1.234\n");
  CHECK(other.numbers(0) == Numbers{1000, 2000.25});
  CHECK(other.numbers(1) == Numbers{9.5, 1.234});
  CHECK(parse("a,b\n\"1,000,000\",1.000\n\"2,500\",990\n").numbers(0) == Numbers{1000000, 2500});  // then points are decimal
  CHECK(parse("a;b\n1'234.5;1.000\n1\u2019000;2.5\n").numbers(1) == Numbers{1, 2.5});
  CHECK(parse("a;b\n1\u00a0000,5;1\n12\u2009345,25;2\n1\u202f000;3\n").numbers(0) == Numbers{1000.5, 12345.25, 1000});
}

TEST_CASE("numbers that may be read in two ways are refused with line, column, field and the options that tell") {
  const std::string or_that = "must be told whether it is 1 or 1000, by --decimal . or --thousands .";
  CHECK(fault("v;w\n990;1\n1.000;2\n") == "read f.csv: line 3, column 1 (\"v\"): \"1.000\": " + or_that);
  CHECK(fault("v\tw\n1.000\t1\n2.125\t2\n") == "read f.csv: line 2, column 1 (\"v\"): \"1.000\": " + or_that);
  CHECK(fault("w,v\n0,990\n1,1.000\n", 1) == "read f.csv: line 3, column 2 (\"v\"): \"1.000\": " + or_that);
  CHECK(fault("v;w\n990;1\n-10,134;2\n") ==
        "read f.csv: line 3, column 1 (\"v\"): \"-10,134\": must be told whether it is -10.134 or -10134, by --decimal , or "
        "--thousands ,");
  CHECK(fault("w,v\n0,\"10,134\"\n", 1) ==
        "read f.csv: line 2, column 2 (\"v\"): \"10,134\": must be told whether it is 10.134 or 10134, by --decimal , or "
        "--thousands ,");
  CHECK(fault("v;w\n1.000;2,000\n", 1) ==
        "read f.csv: line 2, column 2 (\"w\"): \"2,000\": must be told whether it is 2 or 2000, by --decimal , or --thousands ,");
  CHECK(fault("v;w\n990;1\n1 000;2\n") ==
        "read f.csv: line 3, column 1 (\"v\"): \"1 000\": must be one number, which --thousands blank says, or have no blank in "
        "it");
  CHECK(parse("v;w\n1.000;1\n").numbers(1) == Numbers{1});  // the other column can be read
  // Where commas separate, columns of three decimals are no wonder, which is said.
  const Csv commas = parse("w,v\n0,12.084\n1,1.000\n");
  CHECK(commas.numbers(1) == Numbers{12.084, 1});
  CHECK(commas.remarks() == Words{"line 2 of f.csv, column 2 (\"v\"): \"12.084\" has decimals, for commas separate columns: "
                                  "--thousands . would say that it has none"});
  CHECK(parse("w,v\n0,12.084\n1,1.5\n").remarks().empty());
  CHECK(written("w,v\n0,12.084\n1,1.000\n", "auto", ".").numbers(1) == Numbers{12084, 1000});
  CHECK(parse("w\tv\n0\t0.084\n1\t1.000\n").numbers(1) == Numbers{0.084, 1});
  CHECK(parse("w;v\n0;1.5\n1;1.000\n").numbers(1) == Numbers{1.5, 1});
}

TEST_CASE("the options tell how numbers are written") {
  for (const auto& [decimal, thousands] : {std::pair{".", "auto"}, {"auto", "none"}, {".", "none"}, {"auto", "apostrophe"}})
    CHECK(written("v;w\n990;1\n1.000;2\n", decimal, thousands).numbers(0) == Numbers{990, 1});
  for (const auto& [decimal, thousands] : {std::pair{",", "auto"}, {"auto", "."}, {",", "."}})
    CHECK(written("v;w\n990;1\n1.000;2\n", decimal, thousands).numbers(0) == Numbers{990, 1000});
  CHECK(written("v;w\n990;1\n1 000;2\n", "auto", "blank").numbers(0) == Numbers{990, 1000});
  CHECK(message_of<std::runtime_error>([] { written("v;w\n990;1\n991;1\n1.5;2\n", ",").numbers(0); }) ==
        "read f.csv: line 4, column 1 (\"v\"): \"1.5\": must be a number as --decimal and --thousands say");
  CHECK_THROWS_WITH_AS(written("1\n", ".", "."),
                       "--decimal ., --thousands .: are the same mark: must be two, or --thousands none", std::invalid_argument);
}

TEST_CASE("a file of two marks before decimals is refused, whatever column they are in") {
  CHECK(fault("v;w\n1.5;2,5\n", 1) ==
        "read f.csv: line 2, column 2 (\"w\"): \"2,5\": must be written as line 2, column 1: \"1.5\"; --decimal and --thousands "
        "tell "
        "what is a number");
  CHECK(fault("v;w\n1.5;1\n7;2\n2,5;3\n") ==
        "read f.csv: line 4, column 1 (\"v\"): \"2,5\": must be written as line 2, column 1: \"1.5\"; --decimal and --thousands "
        "tell "
        "what is a number");
  CHECK(fault("v;w\n1.234.567;1\n2.5;2\n") ==
        "read f.csv: line 3, column 1 (\"v\"): \"2.5\": must be written as line 2, column 1: \"1.234.567\"; --decimal and "
        "--thousands "
        "tell what is a number");
  CHECK(parse("v;w\n1.5;1\n2,5;3\n").numbers(1) == Numbers{1, 3});
  CHECK(written("v;w\n1.5;2,5\n2.5;3,5\n", ",").numbers(1) == Numbers{2.5, 3.5});
}

TEST_CASE("words that look like numbers are none") {
  for (const char* const word : {"1.2.3", "12.05.2024", "1,23,456", "0.123.456", "1.234,567.8", "1234.567.890", "1.234e", "1 2",
                                 "9:00", "1'23", "1.234,567,890", ".", "+", "+-1", "1.234.567e3"}) {
    CAPTURE(word);
    CHECK_FALSE(parse(std::string("a;b\nx;\"") + word + "\"\n").holds_numbers(1));
  }
}

TEST_CASE("what a column holds is told by all of its rows") {
  CHECK(parse("t,load\n0,\n1,12.5\n2,13\n").holds_numbers(1));
  CHECK(fault("t,load\n0,\n1,12.5\n2,13\n", 1) ==
        "read f.csv: line 2, column 2 (\"load\"): the cell is empty: must be a number");
  CHECK(parse("t,load\n0,NA\n1,12.5\n").holds_numbers(1));
  CHECK(parse("t,load\n0,x\n1,12.5\n").holds_numbers(1));
  CHECK_FALSE(parse("t,load\n0,x\n1,y\n2,12.5\n").holds_numbers(1));
  CHECK_FALSE(parse("t,load\n0,\n1,NaN\n").holds_numbers(1));
}

TEST_CASE("a first row is data where a number is missing in it, and names where words stand over numbers") {
  CHECK(parse("NaN\n1\n2\n").header().empty());
  CHECK(fault("NaN\n1\n2\n") == "read f.csv: line 1, column 1: \"NaN\": must be a number");
  CHECK(fault("\n1\n2\n") == "read f.csv: line 1, column 1: the cell is empty: must be a number");
  CHECK(parse("monday,NaN\ntuesday,3\n").header().empty());
  CHECK(parse(",a,b\n0,1,2\n").header() == Words{"", "a", "b"});
  CHECK(parse("a,b\nx,y\n").header() == Words{"a", "b"});
  CHECK(fault("time,2019,2020\n1,5,6\n") ==
        "read f.csv: line 1: column 1: \"time\" is a word and column 2: \"2019\" a number, each over numbers: must be names of "
        "columns, which --header yes says, or numbers, which --header no says");
}

TEST_CASE("a first row of numbers is data, and that is said") {
  const Csv csv = parse("2019,2020\n1,2\n");
  CHECK(csv.header().empty());
  CHECK(csv.remarks() == Words{"line 1 of f.csv is taken for a row, not for names of columns: --header yes or no tells"});
  CHECK(parse("2019,2020\n1,2\n", CsvHeader::no).remarks().empty());
  CHECK(parse("2019,2020\n1,2\n", CsvHeader::yes).header() == Words{"2019", "2020"});
  CHECK(parse("a,b\n1,2\n").remarks().empty());
}

TEST_CASE("a first line of Excel tells the separator") {
  const Csv csv = parse("sep=;\na;b\n1;2,5\n");
  CHECK(csv.header() == Words{"a", "b"});
  CHECK(csv.numbers(1) == Numbers{2.5});
  CHECK(csv.lines()[0] == 3);
  CHECK(parse("\xef\xbb\xbfsep=|\r\na|b\r\n1|2\r\n").numbers(1) == Numbers{2});
  CHECK(parse("sep=,\n1;2,3\n", CsvHeader::no).columns() == 2);
}

TEST_CASE("where no column holds numbers the nearest field is named") {
  const auto nearest = [](std::string_view text) { return parse(text).nearest_to_number(); };
  CHECK(nearest("a,v\nx,12 €\n") ==
        "; the nearest is line 2, column 2 (\"v\"): \"12 €\": must be digits, with a sign, marks and an exponent at most, and no "
        "unit");
  CHECK(nearest("a,b\nx,y\n") == ": must be rows of numbers");
  CHECK(nearest("1 2\n3 4\n") ==
        "; the nearest is line 2, column 1 (\"1 2\"): \"3 4\": must be digits, with a sign, marks and an exponent at most, and "
        "no unit; "
        "columns "
        "must be apart by commas, semicolons or tabs, or by what a first line sep=X says");
}

TEST_CASE("empty lines are passed over where that is asked for") {
  const Csv csv = Csv::parse("\na,b\n\n1,2\n\n\n3,4\n\n", "f.csv", {.skip_empty_lines = true});
  CHECK(csv.header() == Words{"a", "b"});
  CHECK(csv.numbers(1) == Numbers{2, 4});
  CHECK(csv.lines()[0] == 4);
  CHECK(csv.lines()[1] == 7);
  CHECK(fault("\na,b\n1,2\n") == "read f.csv: line 1, column 1: an empty line: must be a row or the end of the file");
}

TEST_CASE("numbers are read as exactly as a double can be, however they are written") {
  Random random(5);
  for (int n = 0; n < 20000; ++n) {
    std::string digits = std::to_string(1 + random.below(9));
    for (Index k = random.below(19); k > 0; --k) digits += std::to_string(random.below(10));
    const auto point = static_cast<std::size_t>(random.below(std::ssize(digits) + 1));
    const std::string whole = digits.substr(0, point), rest = digits.substr(point);
    std::string grouped;
    for (std::size_t k = 0; k < whole.size(); ++k) {
      if (k > 0 && (whole.size() - k) % 3 == 0) grouped += '.';
      grouped += whole[k];
    }
    const std::string sign = random.below(2) == 0 ? "-" : "", plain = sign + whole + "." + rest;
    const double value = std::strtod(plain.c_str(), nullptr);
    CAPTURE(plain);
    CHECK(number_in(plain, 0) == value);
    CHECK(number_in(sign + grouped + "," + rest, 5) == value);
    CHECK(number_in(plain + "e-7", 0) == std::strtod((plain + "e-7").c_str(), nullptr));
  }
  CHECK(all_writings[5].decimal == ',');
  CHECK(all_writings[5].thousands == '.');
  CHECK_FALSE(number_in("0.123,5", 5));
  CHECK_FALSE(number_in("12.34,5", 5));
  CHECK_FALSE(number_in("1234.567,5", 5));
  CHECK_FALSE(number_in("1.00", 5));
  CHECK_FALSE(number_in("1,000", 0));
  CHECK(std::signbit(number_in("-0", 0).value()));
}

TEST_CASE("files of many blocks are read as short ones, and it is said how far") {
  const test::Folder folder;
  std::string text = "a;\"b\nc\"\r\n";
  Numbers as, bs;
  for (Index n = 0; std::ssize(text) < 1'500'000; ++n) {
    as.push_back(static_cast<double>(n) + 0.5), bs.push_back(static_cast<double>(n % 1000));
    text += std::to_string(n) + ",5;\"" + std::to_string(n % 1000) + "\"\r\n";
  }
  test::write_text(folder / "a.csv", text);
  std::uint64_t seen = 0, last = 0;
  const Csv csv = Csv::read(folder / "a.csv", {.progress = [&](std::uint64_t done, std::uint64_t all) {
                              CHECK((done > last || done > text.size()));
                              CHECK(all == 2 * text.size());
                              last = done, ++seen;
                            }});
  CHECK(csv.numbers(0) == as);
  CHECK(csv.numbers(1) == bs);
  CHECK(csv.lines()[0] == 3);
  CHECK(csv.lines()[1000] == 1003);
  CHECK(seen > 6);
  CHECK(last == 2 * text.size());
}

TEST_CASE("columns are chosen by name or by number") {
  const Csv csv = parse("time,load,2,load\n1,2,x,4\n", CsvHeader::yes);
  CHECK(csv.column("--predict", "time") == 0);
  CHECK(csv.column("--predict", "2") == 2);  // a name
  CHECK(csv.column("--predict", "4") == 3);
  CHECK(csv.holds_numbers(1));
  CHECK_FALSE(csv.holds_numbers(2));
  CHECK_THROWS_WITH_AS(
      csv.column("--predict", "wind"),
      "--predict wind: f.csv has no such column: must be one of \"time\", \"load\", \"2\", \"load\", or a number of 1 to 4",
      std::invalid_argument);
  CHECK_THROWS_WITH_AS(csv.column("--columns", "load"),
                       "--columns load: several columns of f.csv have that name: must be a number of 1 to 4",
                       std::invalid_argument);
  CHECK_THROWS_WITH_AS(parse("1,2\n").column("--columns", "0"),
                       "--columns 0: f.csv has no such column: must be a number of 1 to 2", std::invalid_argument);
}

TEST_CASE("a table with any bytes changed is read, or refused with its name") {
  Random random(1);
  const std::string table = "12,34\r\n1,2.5\n\"4\",-3e2\n\n";
  constexpr std::string_view bytes = ",;\t\"\r\n \\0a1.-\xef\xbb\xbf\xff";
  int read = 0, refused = 0;
  for (int n = 0; n < 5000; ++n) {
    std::string text = table.substr(0, static_cast<std::size_t>(random.below(std::ssize(table) + 1)));
    for (std::int64_t k = random.below(6); k > 0 && !text.empty(); --k)
      text[static_cast<std::size_t>(random.below(std::ssize(text)))] =
          bytes[static_cast<std::size_t>(random.below(std::ssize(bytes)))];
    CAPTURE(text);
    try {
      const Csv csv = parse(text);
      Index rows = 0;
      csv.for_each_row([&](const CsvReader& row) {
        REQUIRE(std::ssize(row.fields()) == csv.columns());
        REQUIRE(row.line() == csv.lines()[rows++]);
      });
      REQUIRE(rows == csv.rows());
      for (Index column = 0; column < csv.columns(); ++column) csv.numbers(column);
      ++read;
    } catch (const std::runtime_error& error) {
      REQUIRE(std::string(error.what()).starts_with("read f.csv: "));
      REQUIRE(std::string(error.what()).find('\n') == std::string::npos);
      ++refused;
    }
  }
  CHECK(read > 50);
  CHECK(refused > 50);
}

TEST_CASE("files are read, and their names stand in errors") {
  const test::Folder folder;
  test::write_text(folder / "a.csv", "1\n2\n");
  CHECK(Csv::read(folder / "a.csv").numbers(0) == Numbers{1, 2});
  CHECK_THROWS_AS(Csv::read(folder / "none.csv"), std::runtime_error);
}

TEST_CASE("fields are written so that they are read again") {
  for (const char* const text : {"load", "a,b", "a;b", "say \"no\"", " x", "two\nlines", ""}) {
    CAPTURE(text);
    const Csv csv = parse(csv_field(text) + ",b\n1,2\n", CsvHeader::no);
    csv.for_each_row([&](const CsvReader& row) {
      if (row.line() == 1) CHECK(row.fields()[0] == text);
    });
  }
  CHECK(csv_field("load") == "load");
}
