#include <carousel/tasks/runs/runs.hpp>

#include <fcntl.h>
#include <sys/file.h>

#include <chrono>
#include <cmath>
#include <filesystem>
#include <sstream>
#include <thread>

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include <carousel/tasks/base/interrupt.hpp>
#include <carousel/tasks/base/text_table.hpp>
#include <carousel/tasks/commands/compare.hpp>
#include <carousel/tasks/commands/runs_command.hpp>
#include <carousel/tasks/runs/run_lock.hpp>

#include "tests/support/folder.hpp"
#include "tests/support/message_of.hpp"

using namespace carousel;

namespace {

/// A run in a folder of its own.
std::string put_run(const std::string& path, const std::string& config, const std::string& metrics) {
  std::filesystem::create_directories(path);
  test::write_text(path + "/config.json", config);
  test::write_text(path + "/metrics.jsonl", metrics);
  return path;
}

const std::string config =
    R"({"task":"echo","options":{"cell":"gru","hidden":"8","layers":"2","epochs":"3","update_rule":"sgd"}})";
const std::string metrics =
    R"({"epoch":1,"step":5,"examples":9,"train_loss":3,"validation_accuracy":0.5,"seconds":1.5,"cpu_seconds":2.5}
{"epoch":2,"step":10,"examples":18,"train_loss":null,"validation_accuracy":0.25,"seconds":61,"cpu_seconds":90}
)";
const std::string result = R"({"result":"echo","loss":0.5,"accuracy":null,"seconds":62,"cpu_seconds":91})";

std::string error_of(const std::string& folder) {
  return message_of<std::runtime_error>([&] { read_run(folder); });
}

}  // namespace

TEST_CASE("the folder of a run says what it was told, how it went, and what it came to") {
  const test::Folder folder;
  const RunRecord run = read_run(put_run(folder / "a", config, metrics));
  CHECK(run.task == "echo");
  CHECK(run.option("cell") == "gru");
  CHECK(run.option("nothing").empty());
  CHECK(run.state == "interrupted");
  CHECK(run.epochs.size() == 2);
  CHECK(run.seconds == 61);
  CHECK(run.cpu_seconds == 90);
  CHECK(run.bytes == config.size() + metrics.size());
  CHECK(run.validation == "validation_accuracy");
  CHECK(run.higher_is_better);
  CHECK(run.course("train_loss")[0] == 3);
  CHECK(std::isnan(run.course("train_loss")[1]));
  CHECK(run.course("other").empty());
  CHECK(run.outcome()->name == "validation_accuracy");
  CHECK(run.outcome()->value == 0.5);

  const RunRecord done = read_run(put_run(folder / "b", config, metrics + result));
  CHECK(done.state == "finished");
  CHECK(done.outcome()->name == "loss");
  CHECK(done.outcome()->value == 0.5);
  CHECK(read_run(put_run(folder / "c", config, metrics + "{\"ended\":\"exploded\"}\n")).state == "exploded");
  const RunRecord imported = read_run(put_run(folder / "e", config, result));
  CHECK(imported.state == "imported");  // a result without an epoch
  CHECK(runs_page({imported}).find(" - ") != std::string::npos);
  const std::string told = R"({"task":"echo","validation":{"name":"validation_mse","higher_is_better":false}})";
  CHECK(read_run(put_run(folder / "d", told, metrics)).validation == "validation_mse");
}

TEST_CASE("a run that a training holds is running, and no other training may") {
  const test::Folder folder;
  const std::string path = put_run(folder / "a", config, metrics);
  {
    const RunLock lock(path);
    CHECK(RunLock::held(path));
    CHECK(read_run(path).state == "running");
    CHECK_THROWS_WITH_AS(RunLock{path},
                         ("--out " + path + ": another training runs there: must be another folder, or wait for its end").c_str(),
                         std::runtime_error);
  }
  CHECK_FALSE(RunLock::held(path));
  CHECK(read_run(path).state == "interrupted");
  const RunLock again(path);
  CHECK_FALSE(RunLock::held(folder / "nowhere"));
}

TEST_CASE("who only asks whether a training runs does not keep one from beginning") {
  const test::Folder folder;
  const std::string path = put_run(folder / "a", config, metrics);
  const detail::Descriptor asking(::open(path.c_str(), O_RDONLY | O_DIRECTORY));
  REQUIRE(::flock(asking.get(), LOCK_SH) == 0);
  std::thread ends([&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
    ::flock(asking.get(), LOCK_UN);
  });
  CHECK_NOTHROW(RunLock{path});
  ends.join();
}

TEST_CASE("what is no run is refused with one line, and lines that are no metrics are passed over") {
  const test::Folder folder;
  CHECK(error_of(folder / "nowhere") == folder / "nowhere" + ": must be the folder of a training");
  std::filesystem::create_directory(folder / "empty");
  CHECK(error_of(folder / "empty") == folder / "empty" + ": holds no config.json: must be the folder of a training");
  const std::string deep(100000, '[');
  for (const std::string& wrong :
       {std::string("{"), std::string(), std::string("[1]"), std::string("{\"task\":1}"), deep, std::string("\xff\xfe\0", 3)}) {
    CAPTURE(wrong.substr(0, 20));
    CHECK(error_of(put_run(folder / "wrong", wrong, "")) ==
          folder / "wrong" + "/config.json: must be the configuration of a training, with its task");
  }
  CHECK(error_of(put_run(folder / "wrong", "{\"task\":\"\\u001b[31m\"}", "")) ==
        folder / "wrong" + "/config.json: its task is \"\\x1b[31m\": must be one of this program");
  for (const std::string& more : {std::string("half a li"), std::string("[1]\n"), deep, std::string("null\n")}) {
    CAPTURE(more.substr(0, 20));
    const RunRecord run = read_run(put_run(folder / "damaged", config, metrics + more + "\n" + metrics + result));
    CHECK(run.epochs.size() == 4);
    CHECK(run.state == "finished");
    const RunRecord torn = read_run(put_run(folder / "torn", config, metrics + more));
    CHECK(torn.epochs.size() == 2);
    CHECK(torn.state == "interrupted");
  }
  const std::string odd = R"({"epoch":"x","seconds":"y","a":[1],"b":{"c":2},"d":1e400,"e":true,"train_loss":1})";
  const RunRecord run = read_run(put_run(folder / "odd", R"({"task":"echo","options":[1],"validation":"x"})", odd));
  REQUIRE(run.epochs.size() <= 1);
  CHECK(runs_page({run}).find("echo") != std::string::npos);
}

TEST_CASE("runs in a folder are found, the newest first, and what is none is passed over with a line") {
  const test::Folder folder;
  put_run(folder / "old", config, metrics), put_run(folder / "new", config, metrics + result);
  const auto now = std::filesystem::last_write_time(folder / "new/metrics.jsonl");
  std::filesystem::last_write_time(folder / "old/metrics.jsonl", now - std::chrono::hours(1));
  std::filesystem::create_directory(folder / "odd\n");
  test::write_text(folder / "file", "");
  std::vector<std::string> passed_over;
  const std::vector<RunRecord> runs = find_runs(folder / "", passed_over);
  REQUIRE(runs.size() == 2);
  CHECK(std::filesystem::path(runs[0].folder).filename() == "new");
  CHECK(std::filesystem::path(runs[1].folder).filename() == "old");
  REQUIRE(passed_over.size() == 1);
  CHECK(passed_over[0].find('\n') == std::string::npos);
  CHECK(passed_over[0].ends_with(": holds no config.json: must be the folder of a training; passed over"));
  CHECK(find_runs(folder / "new", passed_over).size() == 1);
  CHECK_THROWS_WITH_AS(find_runs(folder / "nowhere", passed_over), (folder / "nowhere" + ": there is no such folder").c_str(),
                       std::runtime_error);
}

TEST_CASE("runs are listed in columns, and as JSON") {
  const test::Folder folder;
  const std::vector<RunRecord> runs = {read_run(put_run(folder / "a", config, metrics)),
                                       read_run(put_run(folder / "b", config, metrics + result))};
  const std::string page = runs_page(runs);
  CHECK(page.find(" 2 x gru 8     2/3  interrupted  validation_accuracy 0.5000  1:01  1:30  ") != std::string::npos);
  CHECK(page.find(" 2 x gru 8     2/3  finished     loss 0.5000                 1:02  1:31  ") != std::string::npos);
  const auto headings = [&](Index width) {
    const std::string narrow = runs_page(runs, width);
    return narrow.substr(0, narrow.find('\n'));
  };
  const Index all = columns_of(page.substr(0, page.find('\n')));
  CHECK(headings(all + 20) == headings(0));
  CHECK(headings(all - 1).ends_with("time   CPU"));
  CHECK(headings(10).find("task  epochs  state        metric") != std::string::npos);
  const auto json = nlohmann::json::parse(runs_json(runs));
  REQUIRE(json.size() == 2);
  CHECK(json[0].at("state") == "interrupted");
  CHECK(json[0].at("metrics").at("train_loss").is_null());
  CHECK(json[1].at("result").at("loss") == 0.5);
  CHECK(json[1].at("options").at("cell") == "gru");
  CHECK(nlohmann::json::parse(runs_json({})).empty());
}

TEST_CASE("many runs with long names are compared in the columns that there are") {
  const test::Folder folder;
  std::vector<RunRecord> runs;
  for (int n = 0; n < 7; ++n)
    runs.push_back(read_run(put_run(folder / "validation-of-an-lstm-" + std::to_string(n), config, metrics + result)));
  CHECK(compare_page(runs, false).find("lstm-0  validation-of-an-lstm-1") != std::string::npos);
  for (const Index width : {40, 80, 120}) {
    const std::string page = compare_page(runs, false, width);
    std::istringstream lines(page);
    std::ptrdiff_t heads = 0;
    for (std::string line; std::getline(lines, line);) {
      CHECK(columns_of(line) <= width);
      heads += line.find(" (1)  ") != std::string::npos || line.find(" (4)  ") != std::string::npos;
    }
    CHECK(page.starts_with("(1) validation-of-an-lstm-0\n(2) validation-of-an-lstm-1\n"));
    CHECK(heads >= 1);
  }
}

TEST_CASE("runs of different tasks are compared by what all have, each on a scale of its own; samples are named") {
  const test::Folder folder;
  const std::string other = R"({"task":"copy","options":{"cell":"lstm","lists":"5"}})";
  put_run(folder / "b", other,
          R"({"epoch":1,"train_loss":300})"
          "\n"
          R"({"epoch":2,"train_loss":200})"
          "\n");
  test::write_text(folder / "b/samples.txt", "1 2\n");
  const std::string losses = R"({"epoch":1,"train_loss":3})"
                             "\n"
                             R"({"epoch":2,"train_loss":2})"
                             "\n";
  const std::string page = compare_page({read_run(put_run(folder / "a", config, losses)), read_run(folder / "b")}, false, 80);
  CHECK(page.find("common options that differ\n  task  ") != std::string::npos);
  CHECK(page.find("\n  --cell  ") != std::string::npos);
  CHECK(page.find("\n  --lists  ") == std::string::npos);
  CHECK(page.find("train_loss by epoch\n(each task on a scale of its own)\n  a  ^_\n  b  ^_\n") != std::string::npos);
  const std::string chart = losses_chart({read_run(folder / "a"), read_run(folder / "b")});
  CHECK(chart.find(">100<") != std::string::npos);  // a logarithmic axis from 2 to 300
  CHECK(chart.find(">150<") == std::string::npos);
  CHECK(page.ends_with("\nwhat they made\n  " + plain_or_quoted(folder / "b/samples.txt")));
}

TEST_CASE("a column of losses side by side is the same epoch in all runs") {
  const test::Folder folder;
  const auto losses = [](int epochs) {
    std::string lines;
    for (int n = 1; n <= epochs; ++n) lines += "{\"epoch\":" + std::to_string(n) + ",\"train_loss\":2}\n";
    return lines;
  };
  const std::string page = compare_page(
      {read_run(put_run(folder / "a", config, losses(120))), read_run(put_run(folder / "b", config, losses(60)))}, false);
  const std::size_t a = page.find("  a  ", page.find("by epoch")), b = page.find("  b  ", a);
  REQUIRE(b != std::string::npos);
  CHECK(page.find('\n', a) - a == 5 + 60);
  CHECK(std::min(page.find('\n', b), page.size()) - b == 5 + 30);
}

TEST_CASE("two runs are compared by what differs") {
  const test::Folder folder;
  std::string other = config;
  other.replace(other.find("gru"), 3, "lstm");
  const std::vector<RunRecord> runs = {read_run(put_run(folder / "a", config, metrics)),
                                       read_run(put_run(folder / "b/", other, metrics + result))};
  CHECK(short_names(runs) == std::vector<std::string>{"a", "b"});
  CHECK(short_names({runs[0], runs[0]})[0] == plain_or_quoted(runs[0].folder));
  CHECK(compare_page(runs, false) == R"(                       a            b
options that differ
  --cell               gru          lstm
last epoch
  train_loss           -            -
  validation_accuracy  0.2500       0.2500
best epoch
  train_loss           3.0000       3.0000
  validation_accuracy  0.5000       0.5000
result
  loss                 -            0.5000
  accuracy             -            -
run
  state                interrupted  finished
  epochs               2            2
  time                 1:01         1:02
  CPU time             1:30         1:31
train_loss by epoch
  a  _
  b  _
validation_accuracy by epoch
  a  ^_
  b  ^_)");
  CHECK(compare_page({runs[0], runs[0]}, false).find("options: the same\n") != std::string::npos);
}

TEST_CASE("losses of runs are drawn in one chart") {
  const test::Folder folder;
  const std::vector<RunRecord> runs = {read_run(put_run(folder / "a", config, metrics)),
                                       read_run(put_run(folder / "<b>", config, metrics))};
  const std::string chart = losses_chart(runs);
  CHECK(chart.find(">a: train_loss</text>") != std::string::npos);
  CHECK(chart.find(">&lt;b&gt;: train_loss</text>") != std::string::npos);
  CHECK_THROWS_WITH_AS(losses_chart({read_run(put_run(folder / "c", config, ""))}),
                       "c: no epoch is done: must have losses to draw", std::runtime_error);
}
