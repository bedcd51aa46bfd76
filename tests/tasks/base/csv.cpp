#include <carousel/tasks/base/csv.hpp>

#include <stdexcept>
#include <string_view>

#include <doctest/doctest.h>

#include <carousel/lib/numbers/random.hpp>

#include "tests/support/folder.hpp"
#include "tests/support/message_of.hpp"

using namespace carousel;

namespace {

Csv parse(std::string_view text, CsvHeader header = CsvHeader::automatic) {
  return Csv::parse(text, "f.csv", header);
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
  CHECK(csv.header == Words{"time", "load"});
  CHECK(csv.columns() == 2);
  CHECK(csv.numbers(0) == Numbers{1, 2});
  CHECK(csv.numbers(1) == Numbers{2.5, -300});
  CHECK(csv.records[1].line == 3);
  CHECK(parse("1,2\n3,4\n").header.empty());
  CHECK(parse("1,2\n3,4\n").numbers(1) == Numbers{2, 4});
  CHECK(parse("monday,2\ntuesday,4\n").header.empty());
}

TEST_CASE("the user may say whether there is a header") {
  CHECK(parse("1,2\n3,4\n", CsvHeader::yes).header == Words{"1", "2"});
  CHECK(parse("a,b\n3,4\n", CsvHeader::no).records.size() == 2);
}

TEST_CASE("separators, line ends, blanks, marks and quotes are read as people write them") {
  for (const char* const text :
       {"a,b\n1,2\n3,4\n", "a;b\n1;2\n3;4\n", "a\tb\n1\t2\n3\t4\n", "a,b\r\n1,2\r\n3,4\r\n", "a,b\r1,2\r3,4\r", "a,b\n1,2\n3,4",
        "\xef\xbb\xbf\x61,b\n1,2\n3,4\n", "\"a\",\"b\"\n\"1\",\"2\"\n 3 , +4 \n", "a, \"b\" \n1, 2\n3, \"4\"\n\n\n"}) {
    CAPTURE(text);
    const Csv csv = parse(text);
    CHECK(csv.header == Words{"a", "b"});
    CHECK(csv.numbers(0) == Numbers{1, 3});
    CHECK(csv.numbers(1) == Numbers{2, 4});
  }
  const Csv quoted = parse("\"a, \"\"or\"\"\nb\",c\n1,2\n");
  CHECK(quoted.header == Words{"a, \"or\"\nb", "c"});
  CHECK(quoted.records[0].line == 3);
}

TEST_CASE("what can not be read is said with file, line and column") {
  CHECK(fault("") == "read f.csv: is empty: must have rows of numbers");
  CHECK(fault("\n \r\n\n") == "read f.csv: is empty: must have rows of numbers");
  CHECK(fault("a,b\n") == "read f.csv: has a header and no rows: must have rows of numbers");
  CHECK(fault("a,b\n1,2\n3\n") == "read f.csv: line 3, column 2: the row ends before it: must have 2 fields, as line 1");
  CHECK(fault("a,b\n1,2\n3,4,5\n") == "read f.csv: line 3, column 3: one field too many: must have 2 fields, as line 1");
  CHECK(fault("a,b\n1,2\n\n3,4\n") == "read f.csv: line 3, column 1: an empty line: must be a row or the end of the file");
  CHECK(fault("a\n1\n\n3\n") == "read f.csv: line 3, column 1 (\"a\"): nothing stands there: must be a number");
  CHECK(fault("a,b\n1,\"2\n3,4\n") == "read f.csv: line 2, column 2: a quote begins and does not end: must be closed");
  CHECK(fault("a,b\n\"1\"x,2\n") ==
        "read f.csv: line 2, column 1: text after the closing quote: must be , or the end of the line");
  CHECK(fault("a,b\n1,\xff\n") == "read f.csv: line 2: is not UTF-8: must be text");
}

TEST_CASE("a field that is no number is said with its line and the name of its column") {
  CHECK(fault("a,b\n1,2\n3,\n", 1) == "read f.csv: line 3, column 2 (\"b\"): nothing stands there: must be a number");
  CHECK(fault("1,2\n3, \n", 1) == "read f.csv: line 2, column 2: nothing stands there: must be a number");
  for (const char* const word : {"x", "1.2.3", "1e", "NA", "nan", "inf", "-", "1e999", "0x10", "1 2"}) {
    CAPTURE(word);
    CHECK(fault(std::string("a,b\n1,2\n3,") + word + "\n", 1) ==
          std::string("read f.csv: line 3, column 2 (\"b\"): \"") + word + "\": must be a number");
  }
  CHECK(fault("a\tb\n1\t2,5\n", 1) == "read f.csv: line 2, column 2 (\"b\"): \"2,5\": must be a number");
  CHECK(fault("a;b\n1;2,5,6\n", 1) == "read f.csv: line 2, column 2 (\"b\"): \"2,5,6\": must be a number");
  CHECK(fault("a;b\n1;2.000,5\n", 1) == "read f.csv: line 2, column 2 (\"b\"): \"2.000,5\": must be a number");
  CHECK(parse("a;b\n1;2,5\n-0,25;1e-1\n").numbers(0) == Numbers{1, -0.25});  // between semicolons numbers may have decimal commas
  CHECK(parse("a;b\n1;2,5\n-0,25;1e-1\n").numbers(1) == Numbers{2.5, 0.1});
  CHECK(fault("a,b\n\"1\n2\",x\n4,5\n", 1) == "read f.csv: line 2, column 2 (\"b\"): \"x\": must be a number");
}

TEST_CASE("columns are chosen by name or by number") {
  const Csv csv = parse("time,load,2,load\n1,2,x,4\n", CsvHeader::yes);
  CHECK(csv.column("--predict", "time") == 0);
  CHECK(csv.column("--predict", "2") == 2);  // a name
  CHECK(csv.column("--predict", "4") == 3);
  CHECK(csv.begins_with_number(1));
  CHECK_FALSE(csv.begins_with_number(2));
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
      for (const CsvRecord& record : csv.records) REQUIRE(std::ssize(record.fields) == csv.columns());
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
    CHECK(csv.records[0].fields[0] == text);
  }
  CHECK(csv_field("load") == "load");
}
