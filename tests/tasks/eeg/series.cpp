#include <carousel/tasks/eeg/series.hpp>

#include <filesystem>
#include <stdexcept>

#include <doctest/doctest.h>
#include <carousel/tasks/eeg/subject.hpp>

#include "tests/support/folder.hpp"
#include "tests/support/message_of.hpp"

using namespace carousel;
using test::write_text;

namespace {

const std::string header = "id,HandStart,FirstDigitTouch,BothStartLoadPhase,LiftOff,Replace,BothReleased\n";
const std::string good_data = "id,Fp1,Oz\ns_series1_0,-31,4\ns_series1_1,5.5,-6e1\n";
const std::string good_events = header + "s_series1_0,0,0,0,0,0,0\ns_series1_1,1,0,0,1,0,1\n";

/// What is said of two files with these texts, the folder's name left out.
std::string error_of(const std::string& data, const std::string& events) {
  const test::Folder folder;
  write_text(folder / "s_series1_data.csv", data);
  write_text(folder / "s_series1_events.csv", events);
  const std::string text = message_of<std::runtime_error>([&] { read_series(folder / "", "s_series1"); }), before = "read ",
                    path = folder / "";
  return text.starts_with(before + path) ? before + text.substr(before.size() + path.size()) : text;
}

std::string with(std::string text, const std::string& from, const std::string& to) {
  return text.replace(text.find(from), from.size(), to);
}

}  // namespace

TEST_CASE("a series is read from its two files, of any channels, with or without carriage returns and a last line break") {
  const test::Folder folder;
  const auto check = [&] {
    const EegSeries series = read_series(folder / "", "s_series1");
    CHECK(series.name == "s_series1");
    CHECK(series.channels == std::vector<std::string>{"Fp1", "Oz"});
    CHECK(series.signals == std::vector<double>{-31, 4, 5.5, -60});
    CHECK(series.events == std::vector<std::uint8_t>{0, 0b101001});
  };
  write_text(folder / "s_series1_data.csv", good_data);
  write_text(folder / "s_series1_events.csv", good_events);
  check();
  write_text(folder / "s_series1_data.csv", "id,Fp1,Oz\r\ns_series1_0,-31,4\r\ns_series1_1,5.5,-6e1");
  check();
}

TEST_CASE("signals are read without their events, with ids of any kind, and listed by subject and number") {
  std::vector<std::string> ids;
  const EegSeries series = read_signals(Csv::parse("id;Fp1;Oz\nnight 1;-31,5;4\nnight 1;5,5;-6\n", "x.csv"), ids);
  CHECK(ids == std::vector<std::string>{"night 1", "night 1"});
  CHECK(series.channels == std::vector<std::string>{"Fp1", "Oz"});
  CHECK(series.signals == std::vector<double>{-31.5, 4, 5.5, -6});
  CHECK(series.rows() == 2);
  CHECK_THROWS_WITH_AS(read_signals(Csv::parse("time,Fp1\n1,2\n", "x.csv"), ids),
                       "read x.csv: line 1, column 1: \"time\": must be id", std::runtime_error);
  const test::Folder folder;
  for (const char* name : {"a_series10_data.csv", "a_series9_data.csv", "a_series9_events.csv"}) write_text(folder / name, "");
  CHECK(list_signals(folder / ".") ==
        std::vector<std::string>{folder / "./a_series9_data.csv", folder / "./a_series10_data.csv"});
}

TEST_CASE("a series that is made up is the same after it was written and read") {
  const test::Folder folder;
  const EegSeries series = record_series(2, 10, 20);
  write_series(series, folder / "");
  const EegSeries read = read_series(folder / "", "subj2_series10");
  CHECK(read.name == series.name);
  CHECK(read.channels == series.channels);
  CHECK(read.signals == series.signals);
  CHECK(read.events == series.events);
  const std::string text = test::read_text(folder / "subj2_series10_data.csv");
  CHECK(
      text.starts_with("id,Fp1,Fp2,F7,F3,Fz,F4,F8,FC5,FC1,FC2,FC6,T7,C3,Cz,C4,T8,TP9,CP5,CP1,CP2,CP6,TP10,P7,P3,Pz,P4,P8,PO9,"
                       "O1,Oz,O2,PO10\nsubj2_series10_0,"));
  CHECK_THROWS_WITH_AS(write_series(series, folder / ""),
                       doctest::Contains("subj2_series10_data.csv: is there already: must not be, or be elsewhere"),
                       std::runtime_error);
  CHECK(test::read_text(folder / "subj2_series10_data.csv") == text);
}

TEST_CASE("series are listed by subject and number, and each is a pair of files") {
  const test::Folder folder;
  for (const char* name : {"subj1_series10", "subj10_series1", "subj2_series2", "subj1_series9"})
    for (const char* end : {"_data.csv", "_events.csv"}) write_text(folder / (std::string(name) + end), "");
  write_text(folder / "README.txt", "");
  CHECK(list_series(folder / "") ==
        std::vector<std::string>{"subj1_series9", "subj1_series10", "subj2_series2", "subj10_series1"});
  CHECK(list_series(folder / "", "subj1") == std::vector<std::string>{"subj1_series9", "subj1_series10"});
  CHECK(list_series(folder / "", "subj3").empty());
  CHECK(subject_of("subj1_series9") == "subj1");
  CHECK(subject_of("night") == "");
  write_text(folder / "subj3_series1_data.csv", "");
  CHECK_THROWS_WITH_AS(
      list_series(folder / ""),
      doctest::Contains("subj3_series1_data.csv: there is no subj3_series1_events.csv beside it: must be a pair"),
      std::runtime_error);
  std::filesystem::rename(folder / "subj3_series1_data.csv", folder / "subj3_series1_events.csv");
  CHECK_THROWS_WITH_AS(
      list_series(folder / ""),
      doctest::Contains("subj3_series1_events.csv: there is no subj3_series1_data.csv beside it: must be a pair"),
      std::runtime_error);
  CHECK_THROWS_WITH_AS(list_series(folder / "none"),
                       doctest::Contains("none: No such file or directory: must be a folder of *_data.csv and *_events.csv"),
                       std::runtime_error);
}

TEST_CASE("signals may be written with decimal commas, and what may be two numbers is refused") {
  const test::Folder folder;
  write_text(folder / "s_series1_events.csv", good_events);
  write_text(folder / "s_series1_data.csv", "id;Fp1;Oz\ns_series1_0;-31;4,5\ns_series1_1;1.000;6\n");
  CHECK(read_series(folder / "", "s_series1").signals == std::vector<double>{-31, 4.5, 1000, 6});
  write_text(folder / "s_series1_data.csv", "id,Fp1,Oz\ns_series1_0,990,4\ns_series1_1,1.000,6\n");
  CHECK_THROWS_WITH_AS(
      read_series(folder / "", "s_series1"),
      doctest::Contains(
          "s_series1_data.csv: line 3, column 2 (\"Fp1\"): \"1.000\": must be told whether it is 1 or 1000, by --decimal . "
          "or --thousands ."),
      std::runtime_error);
  CHECK(read_series(folder / "", "s_series1", {.decimal = "."}).signals == std::vector<double>{990, 4, 1, 6});
}

TEST_CASE("what is wrong with a data file is said in one line, with its place") {
  CHECK(error_of(good_data, good_events) == "");
  CHECK(error_of("\xef\xbb\xbf" + good_data, "\xef\xbb\xbf" + good_events) == "");  // the mark of UTF-8
  const std::string where = "read s_series1_data.csv: ";
  CHECK(error_of("", good_events) == where + "is empty: must have rows of numbers");
  CHECK(error_of("id,Fp1,Oz\n", good_events) == where + "has a header and no rows: must have rows of numbers");
  CHECK(error_of(with(good_data, "id", "time"), good_events) == where + "line 1, column 1: \"time\": must be id");
  CHECK(error_of("id\ns_series1_0\n", good_events) == where + "line 1: names no channel: must name at least one after id");
  CHECK(error_of(with(good_data, "Oz", "Fp1"), good_events) ==
        where + "line 1, column 3: \"Fp1\": must be the name of another channel");
  CHECK(error_of(with(good_data, "Fp1", ""), good_events) ==
        where + "line 1, column 2: \"\": must be the name of another channel");
  CHECK(error_of(with(good_data, "5.5", "five"), good_events) ==
        where + "line 3, column 2 (\"Fp1\"): \"five\": must be a number");
  CHECK(error_of(with(good_data, "5.5", ""), good_events) ==
        where + "line 3, column 2 (\"Fp1\"): the cell is empty: must be a number");
  CHECK(error_of(with(good_data, "5.5", "nan"), good_events) == where + "line 3, column 2 (\"Fp1\"): \"nan\": must be a number");
  CHECK(error_of(with(good_data, "5.5", "1e99"), good_events) ==
        where + "line 3, column 2 (\"Fp1\"): \"1e99\": must be within ±1e37");
  CHECK(error_of(with(good_data, "5.5", "+5 "), good_events) == "");
  CHECK(error_of(with(good_data, "-31,4", "-31"), good_events) ==
        where + "line 2, column 3: the row ends before it: must have 3 fields, as line 1");
  CHECK(error_of(with(good_data, "-31,4", "-31,4,5"), good_events) ==
        where + "line 2, column 4: one field too many: must have 3 fields, as line 1");
  CHECK(error_of(with(good_data, "s_series1_1", "s_series1_2"), good_events) ==
        where + "line 3, column 1 (\"id\"): \"s_series1_2\": must be s_series1_1");
  CHECK(error_of(good_data + "\n", good_events) == "");
  CHECK(error_of(good_data + std::string(1, '\0'), good_events) ==
        where + "line 4, column 2: the row ends before it: must have 3 fields, as line 1");
}

TEST_CASE("what is wrong with an events file is said in one line, with its place") {
  const std::string where = "read s_series1_events.csv: ", names = header.substr(0, header.size() - 1);
  CHECK(error_of(good_data, "") == where + "is empty: must have rows of numbers");
  CHECK(error_of(good_data, with(good_events, "LiftOff", "Lift")) ==
        where + "line 1: \"id,HandStart,FirstDigitTouch,BothStartLoadPhase,Lift,Replace…\": must be " + names);
  CHECK(error_of(good_data, with(good_events, "1,0,0,1", "1,0,0,2")) ==
        where + "line 3, column 5 (\"LiftOff\"): \"2\": must be 0 or 1");
  CHECK(error_of(good_data, with(good_events, "1,0,0,1", "1,0,0,")) ==
        where + "line 3, column 5 (\"LiftOff\"): the cell is empty: must be 0 or 1");
  CHECK(error_of(good_data, with(good_events, "1,0,0,1", "1,0,0")) ==
        where + "line 3, column 7: the row ends before it: must have 7 fields, as line 1");
  CHECK(error_of(good_data, with(good_events, "s_series1_1", "s_series2_1")) ==
        where + "line 3, column 1 (\"id\"): \"s_series2_1\": must be s_series1_1");
  CHECK(error_of(good_data, header + "s_series1_0,0,0,0,0,0,0\n") == where + "has 1 rows: must have 2, as s_series1_data.csv");
  CHECK(error_of(good_data, good_events + "s_series1_2,0,0,0,0,0,0\n") ==
        where + "has 3 rows: must have 2, as s_series1_data.csv");
}
