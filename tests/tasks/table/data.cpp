#include <carousel/tasks/table/data.hpp>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <stdexcept>

#include <doctest/doctest.h>

#include "tests/support/folder.hpp"

using namespace carousel;

namespace {

/// A file of a table.
struct File {
  test::Folder folder;
  std::string path = folder / "table.tsv";

  Table read(const std::string& text, const TableColumns& columns = {}) const {
    std::ofstream(path) << text;
    return read_table(path, columns);
  }
  void refuses(const std::string& text, const std::string& error, const TableColumns& columns = {}) const {
    CHECK_THROWS_WITH_AS(read(text, columns), ("read " + path + ": " + error).c_str(), std::runtime_error);
  }
};

}  // namespace

TEST_CASE("the prime table has the bits of 1 to 44, and 14 of these come before a prime") {
  const Table table = prime_table();
  CHECK(table.rows() == 44);
  CHECK(table.columns.size() == 6);
  std::vector<std::string> ones;
  for (Index row = 0; row < 44; ++row) {
    Index n = 0;
    for (Index k = 0; k < 6; ++k) n = 2 * n + static_cast<Index>(table.xs(row, k));
    CHECK(n == row + 1);
    CHECK(table.name(row) == std::to_string(n));
    if (table.labels[static_cast<std::size_t>(row)] == 1) ones.push_back(table.name(row));
  }
  CHECK(ones == std::vector<std::string>{"1", "2", "4", "6", "10", "12", "16", "18", "22", "28", "30", "36", "40", "42"});
}

TEST_CASE("a table is read by the names of its columns") {
  const File file;
  const Table table = file.read("name\ta\tlabel\tb\r\nx\t1\t0\t-2.5\r\n\r\ny\t2\t1\t1e2\r\n");
  CHECK(table.columns == std::vector<std::string>{"a", "b"});
  CHECK(table.names == std::vector<std::string>{"x", "y"});
  CHECK(table.labels == std::vector<Index>{0, 1});
  CHECK(shape_of(table.xs) == Shape{2, 2});
  CHECK(table.xs(0, 1) == -2.5);
  CHECK(table.xs(1, 1) == 100);
  const Table other = file.read("\xEF\xBB\xBFy\tb\ta\n1.0\t3\t4", {.label = "y", .inputs = {{.name = "a"}, {.name = "b"}}});
  CHECK(other.name(0) == "1");
  CHECK(other.labels == std::vector<Index>{1});
  CHECK(other.xs(0, 0) == 4);
  CHECK(other.xs(0, 1) == 3);
  const Table without = file.read("a\tb\n3\t4\n", {.may_lack_labels = true});
  CHECK(without.labels.empty());
  CHECK(without.rows() == 1);
}

TEST_CASE("a table may be apart by commas and semicolons, its numbers written with signs, blanks and decimal commas") {
  const File file;
  CHECK(file.read("a,label\n+2.3,0\n 4,1\n").xs(0, 0) == 2.3);
  CHECK(file.read("a\tlabel\n +2.3\t 1 \n").labels == std::vector<Index>{1});
  const Table german = file.read("v;w;label\n990;9,5;0\n1.000;10,0;1\n");
  CHECK(german.xs(1, 0) == 1000);
  CHECK(german.xs(1, 1) == 10);
  std::ofstream(file.path) << "v;label\n990;0\n1.000;1\n";
  CHECK(read_table(file.path, {}, {.decimal = "."}).xs(1, 0) == 1);
  CHECK(read_table(file.path, {}, {.thousands = "."}).xs(1, 0) == 1000);
}

TEST_CASE("moments of today differ in a table, which floats do not") {
  const File file;
  const Table table = file.read("time\tlabel\n1700000117\t1\n1700000118\t0\n");
  CHECK(table.xs(1, 0) - table.xs(0, 0) == 1);
  CHECK(table.identity() != file.read("time\tlabel\n1700000117\t1\n1700000119\t0\n").identity());
  const Table old = file.read("x\tlabel\n0.1\t1\n-31\t0\n1e20\t0\n");  // runs that had floats are told by the same words
  CHECK(old.identity() == old.identity_of_floats());
}

TEST_CASE("what is wrong with a table is said with file, line and column") {
  const File file;
  file.refuses("", "is empty: must have rows of numbers");
  file.refuses("\n\n", "is empty: must have rows of numbers");
  file.refuses("a\tlabel\n", "has a header and no rows: must have rows of numbers");
  file.refuses("a\tlabel\n1\t0\n\n1\t0\t5\n", "line 4, column 3: one field too many: must have 2 fields, as line 1");
  file.refuses("a\tlabel\n1\n", "line 2, column 2: the row ends before it: must have 2 fields, as line 1");
  file.refuses("v;label\n990;0\n1.000;1\n",
               "line 3, column 1 (\"v\"): \"1.000\": must be told whether it is 1 or 1000, by --decimal . or --thousands .");
  file.refuses("a\tlabel\n1\t0\nx7\t1\n", "line 3, column 1 (\"a\"): \"x7\": must be a number");
  file.refuses(
      "a\tlabel\n\t0\n",
      "line 2, column 1 (\"a\"): the cell is empty: give --missing fill or --missing skip, or fill it; or leave the column "
      "out by --ignore");
  file.refuses(
      "a\tlabel\ninf\t0\n",
      "line 2, column 1 (\"a\"): \"inf\" is not a number: give --missing fill or --missing skip, or write a number; or leave "
      "the column out by --ignore");
  file.refuses("a\tlabel\n1\t2\n", "line 2, column 2 (\"label\"): \"2\": must be one of the labels that the model knows, no, yes",
               {.classes = {"no", "yes"}});
  file.refuses("a\tlabel\n1\t\n",
               "line 2, column 2 (\"label\"): there is no label: write one, or give --missing skip, which leaves out such rows");
  file.refuses("a\tlabel\n1\t0\n", "line 1: no column is called b: --ignore must name one of a, label", {.ignore = {"b"}});
  file.refuses("a\tlabel\n1e38\t0\n", "line 2, column 1 (\"a\"): \"1e38\": must be within ±1e37");
  file.refuses("a\tb\n1\t0\n", "line 1: no column is called label: --label must name one of a, b");
  file.refuses("a\ta\n1\t0\n", "line 1: two columns are called \"a\": their names must differ");
  file.refuses("name\tlabel\n1\t0\n", "line 1: no column besides names and labels: there must be at least one to read");
  file.refuses("a\tlabel\n1\t0\n", "line 1: no column is called c: the model reads a, c",
               {.inputs = {{.name = "a"}, {.name = "c"}}});
}

TEST_CASE("tables that differ in anything but names are told apart") {
  const File file;
  const std::string one = file.read("a\tlabel\n1\t0\n").identity();
  CHECK(one == file.read("label\ta\n0\t1\n").identity());
  CHECK(one != file.read("a\tlabel\n1\t1\n").identity());
  CHECK(one != file.read("a\tlabel\n2\t0\n").identity());
  CHECK(one != file.read("b\tlabel\n1\t0\n").identity());
}

TEST_CASE("labels are 0 and 1, or names, or numbers in their order") {
  const File file;
  using Words = std::vector<std::string>;
  const Table named = file.read("a,label\n1,yes\n2,no\n3,yes\n");
  CHECK(named.classes == Words{"no", "yes"});
  CHECK(named.labels == std::vector<Index>{1, 0, 1});
  const Table numbers = file.read("a;label\n1;10\n2;9\n3;100\n");
  CHECK(numbers.classes == Words{"9", "10", "100"});
  CHECK(numbers.labels == std::vector<Index>{1, 0, 2});
  CHECK(file.read("a,label\n1,1\n2,0.0\n").classes == Words{"0", "1"});
  CHECK(file.read("a,label\n1,1\n2,1\n").labels == std::vector<Index>{1, 1});
  CHECK(file.read("a,label\n1,no\n", {.classes = {"no", "yes"}}).labels == std::vector<Index>{0});
  CHECK(file.read("a,label\n1,\n2,no\n", {.classes = {"no", "yes"}, .may_lack_labels = true}).labels.empty());
  std::string many = "a,label\n";
  for (int row = 0; row < 30; ++row) many += "1," + std::to_string(row) + ".5\n";
  file.refuses(
      many,
      "column 2 (\"label\") has 30 different labels in 30 rows: --label must name a column of classes; for numbers there "
      "is carousel train series");
}

TEST_CASE("words become a feature each, and one that was not there in the training is none of them, which is counted") {
  const File file;
  const Table table = file.read("city,a,label\nRome,1,0\nOslo,2,1\nRome,3,0\n");
  CHECK(table.columns == std::vector<std::string>{"city=Oslo", "city=Rome", "a"});
  CHECK(table.xs(0, 0) == 0);
  CHECK(table.xs(0, 1) == 1);
  CHECK(table.xs(1, 0) == 1);
  REQUIRE(table.read.size() == 2);
  const Table other = file.read("a,city\n9,Oslo\n8,Paris\n7,Rome\n", {.inputs = table.read, .may_lack_labels = true});
  CHECK(other.columns == table.columns);
  CHECK(other.xs(0, 0) == 1);
  CHECK(std::isnan(other.xs(1, 0)));
  CHECK(std::isnan(other.xs(1, 1)));
  CHECK(other.xs(1, 2) == 8);
  CHECK(other.remarks ==
        std::vector<std::string>{"city: 1 row has a word that the training did not have (the first is \"Paris\"): it "
                                 "counts as none of the known ones"});
  CHECK(file.read("city,a,b,label\nRome,1,2,0\n", {.ignore = {"city", "b"}}).columns == std::vector<std::string>{"a"});
  std::string ids = "id,label\n";
  for (int row = 0; row < 30; ++row) ids += "x" + std::to_string(row) + ",0\n";
  file.refuses(
      ids,
      "column 1 (\"id\") has 30 different words in 30 rows: leave it out by --ignore id, or by --name, if it names the rows");
}

TEST_CASE("a date is read as its time, hour, weekday and month") {
  const File file;
  const Table table = file.read("when,label\n2024-01-01 06:00,0\n2024-01-02 18:00,1\n");
  REQUIRE(table.columns.size() == 7);
  CHECK(table.columns[1] == "when hour sin");
  CHECK(table.xs(1, 0) - table.xs(0, 0) == 36 * 3600);
  CHECK(table.xs(0, 1) == doctest::Approx(1));
  CHECK(table.xs(1, 1) == doctest::Approx(-1));
  file.refuses(
      "when,label\n03/04/2024,0\n05/04/2024,1\n",
      "line 2, column 1 (\"when\"): \"03/04/2024\" has two meanings: give --date-order day-first or --date-order month-first, or "
      "leave the column out by --ignore");
}

TEST_CASE("empty cells count as the mean, or their rows are left out, as is said") {
  const File file;
  const char* const text = "a,b,label\n1,,0\n2,5,1\n,6,0\n4,7,1\n";
  const Table filled = file.read(text, {.missing = "fill"});
  CHECK(filled.rows() == 4);
  CHECK(std::isnan(filled.xs(0, 1)));
  CHECK(filled.remarks ==
        std::vector<std::string>{"--missing fill: empty cells count as the mean of the rows to train on: 1 of a, 1 of b"});
  const Table skipped = file.read(text, {.missing = "skip"});
  CHECK(skipped.rows() == 2);
  CHECK(skipped.lines == std::vector<Index>{3, 5});
  CHECK(skipped.begins == std::vector<Index>{0, 1});
  CHECK(skipped.labels == std::vector<Index>{1, 1});
  CHECK(skipped.remarks == std::vector<std::string>{"--missing skip: 2 of 4 rows with empty cells are left out"});
}

TEST_CASE("rows are sorted by a column of dates, and gaps in it are holes") {
  const File file;
  const Table table = file.read("day,a,label\n2024-01-03,3,1\n2024-01-01,1,0\n2024-01-02,2,1\n2024-01-06,6,0\n", {.date = "day"});
  CHECK(table.columns == std::vector<std::string>{"a"});
  CHECK(table.xs(0, 0) == 1);
  CHECK(table.xs(2, 0) == 3);
  CHECK(table.labels == std::vector<Index>{0, 1, 1, 0});
  CHECK(table.begins == std::vector<Index>{0, 0, 0, 3});
  CHECK(table.remarks.size() == 2);
}

TEST_CASE("rows to test are drawn from each class, the same ones by the same seed") {
  Table table{.columns = {"a"}, .names = {}, .xs = empty<double>({100, 1}), .labels = {}};
  for (Index row = 0; row < 100; ++row) table.xs(row, 0) = static_cast<double>(row), table.labels.push_back(row < 70 ? 0 : 1);
  const Table drawn = stratified(table, 20, 1);
  CHECK(drawn.rows() == 100);
  CHECK(std::count(drawn.labels.begin() + 80, drawn.labels.end(), 1) == 6);
  std::vector<double> learned(drawn.xs.begin(), drawn.xs.begin() + 80), all(drawn.xs.begin(), drawn.xs.end());
  CHECK(std::is_sorted(learned.begin(), learned.end()));
  CHECK_FALSE(learned.back() < 80);  // the last rows are not the ones to test
  std::sort(all.begin(), all.end());
  CHECK(std::equal(all.begin(), all.end(), table.xs.begin()));
  CHECK(drawn.name(0) == std::to_string(static_cast<int>(drawn.xs(0, 0)) + 1));
  CHECK(stratified(table, 20, 1).xs == drawn.xs);
  CHECK_FALSE(stratified(table, 20, 2).xs == drawn.xs);
}

TEST_CASE("a table that is sorted by label is noticed") {
  Table table{.columns = {"a"}, .names = {}, .xs = empty<double>({100, 1}), .labels = {}};
  for (Index row = 0; row < 100; ++row) table.labels.push_back(row < 30);
  CHECK(is_sorted_by_label(table));
  for (Index row = 0; row < 100; ++row) table.labels[static_cast<std::size_t>(row)] = row * 7 % 10 < 3;
  CHECK_FALSE(is_sorted_by_label(table));
  table.labels.assign(100, 1);
  CHECK_FALSE(is_sorted_by_label(table));
  table.labels = {0, 0, 1, 1};
  CHECK_FALSE(is_sorted_by_label(table));
}
