#include <carousel/tasks/table/data.hpp>

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
  const Table other = file.read("\xEF\xBB\xBFy\tb\ta\n1.0\t3\t4", {.label = "y", .inputs = {"a", "b"}});
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
  file.refuses("a\tlabel\n\t0\n",
               "line 2, column 1 (\"a\"): the cell is empty: must be a number; a column of names is told by --name");
  file.refuses("a\tlabel\ninf\t0\n", "line 2, column 1 (\"a\"): \"inf\": must be a number; a column of names is told by --name");
  file.refuses("a\tlabel\n1\t2\n", "line 2, column 2 (\"label\"): \"2\": must be 0 or 1");
  file.refuses("a\tlabel\n1\tyes\n", "line 2, column 2 (\"label\"): \"yes\": must be 0 or 1");
  file.refuses("a\tlabel\n1\t\n", "line 2, column 2 (\"label\"): the cell is empty: must be 0 or 1");
  file.refuses("a\tlabel\n1e38\t0\n", "line 2, column 1 (\"a\"): \"1e38\": must be within ±1e37");
  file.refuses("a\tb\n1\t0\n", "line 1: no column is called label: --label must name one of a, b");
  file.refuses("a\ta\n1\t0\n", "line 1: two columns are called \"a\": their names must differ");
  file.refuses("name\tlabel\n1\t0\n", "line 1: no column besides names and labels: must have at least one to read");
  file.refuses("a\tlabel\n1\t0\n", "line 1: no column is called c: the model reads a, c", {.inputs = {"a", "c"}});
}

TEST_CASE("tables that differ in anything but names are told apart") {
  const File file;
  const std::string one = file.read("a\tlabel\n1\t0\n").identity();
  CHECK(one == file.read("label\ta\n0\t1\n").identity());
  CHECK(one != file.read("a\tlabel\n1\t1\n").identity());
  CHECK(one != file.read("a\tlabel\n2\t0\n").identity());
  CHECK(one != file.read("b\tlabel\n1\t0\n").identity());
}

TEST_CASE("the counts go by the label and by what it was taken for") {
  const TableConfusion counts = confusion({0.9, 0.5, 0.2, 0.51, 0.4, 1}, {1, 1, 0, 0, 1, 1});
  CHECK(counts.right1to1 == 2);
  CHECK(counts.right0to0 == 1);
  CHECK(counts.errors0to1 == 1);
  CHECK(counts.errors1to0 == 2);  // one half is not above it
  CHECK(counts.right() == 3);
  CHECK(counts.rows() == 6);
  CHECK(confusion({0.3}, {1}, 0.2).right1to1 == 1);
}
