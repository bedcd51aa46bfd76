#include <sys/stat.h>

#include <regex>

#include <carousel/tasks/base/interrupt.hpp>
#include <carousel/tasks/runs/run_lock.hpp>
#include <carousel/tasks/runs/runs.hpp>
#include <carousel/tasks/training/training.hpp>

#include "tests/support/message_of.hpp"
#include "tests/tasks/trial.hpp"

using namespace carousel;
using test::NoInterrupt;
using test::Trial;

TEST_CASE("a loss that explodes ends with what was there before it, and code 1") {
  const test::Folder folder;
  Trial<double> trial(folder / "run");
  trial.explode_at = 7;
  CHECK(trial.run() == exit_bad_result);
  CHECK(trial.out.empty());
  CHECK(trial.err.find("carousel: fit: in epoch 2, step 8 the loss is ") != std::string::npos);
  const std::string warning = "the loss exploded in epoch 2, step 8: try --rate 0.01";
  CHECK(trial.err.find("carousel: warning: " + warning + "\n") != std::string::npos);
  CHECK(test::read_text(trial.file("warnings.jsonl")) ==
        "{\"step\":8,\"kind\":\"exploded loss\",\"text\":\"" + warning + "\"}\n");
  CHECK(trial.err.ends_with("carousel: the model as it was before that: " + trial.file("last.safetensors") +
                            "\ncarousel: where it began: carousel train trial --resume " + trial.options.out +
                            " --trace-nonfinite\ncarousel: report: " + trial.file("report.html") + "\n"));
  REQUIRE(trial.metrics().size() == 2);
  CHECK(trial.metrics()[1].at("ended") == "exploded");
  CHECK(trial.resumed().run() == exit_bad_result);  // to the same end, which is kept once
  CHECK(test::read_text(trial.file("warnings.jsonl")).find('\n') + 1 == test::read_text(trial.file("warnings.jsonl")).size());
}

TEST_CASE("a run tells what validates it, what it cost, and why it has no result") {
  const test::Folder folder;
  const NoInterrupt after;
  Trial<double> trial(folder / "run");
  trial.options.metadata["task"] = "echo";  // one that the program has
  trial.validations = {4, 2, 3, 3};
  trial.stop_after = 12;
  REQUIRE(trial.run() == exit_interrupted);
  RunRecord run = read_run(trial.options.out);
  CHECK(run.state == "interrupted");
  CHECK(run.epochs.size() == 2);
  CHECK(run.validation == "validation_loss");
  CHECK_FALSE(run.higher_is_better);
  CHECK(run.cpu_seconds > 0);
  CHECK(run.seconds > 0);
  const std::string metrics = trial.options.out + "/metrics.jsonl";  // as if its epochs had cost 1000 seconds
  test::write_text(metrics,
                   std::regex_replace(test::read_text(metrics), std::regex("\"cpu_seconds\": ?[^,}]+"), "\"cpu_seconds\": 1000"));
  const_cast<std::atomic<bool>&>(interrupted()) = false;
  REQUIRE(trial.resumed().run() == exit_done);
  run = read_run(trial.options.out);
  CHECK(run.state == "finished");
  CHECK(run.cpu_seconds > 1000);
  CHECK(run.cpu_seconds < 2000);
  CHECK(run.outcome()->name == "x");
}

TEST_CASE("one training at a time runs in a folder") {
  const test::Folder folder;
  Trial<double> trial(folder / "run");
  std::filesystem::create_directory(trial.options.out);
  std::optional<RunLock> lock(trial.options.out);
  const std::string error =
      "--out " + trial.options.out + ": another training runs there: must be another folder, or wait for its end";
  CHECK_THROWS_WITH_AS(trial.run(), error.c_str(), std::runtime_error);
  CHECK(std::filesystem::is_empty(trial.options.out));
  lock.reset();
  REQUIRE(trial.run() == exit_done);
  lock.emplace(trial.options.out);
  CHECK_THROWS_WITH_AS(trial.resumed().run(), error.c_str(), std::runtime_error);
}

TEST_CASE("a training whose folder gives way to another's ends with a line, and touches nothing of it") {
  const test::Folder folder;
  Trial<double> trial(folder / "run");
  trial.validations = {4, 3, 2, 1};
  const std::string run = trial.options.out;
  trial.after_step = [&](Index step) {
    if (step != 7) return;
    std::filesystem::rename(run, folder / "moved");
    std::filesystem::create_directory(run);
    for (const char* name : {"best.safetensors", "last.safetensors", "metrics.jsonl", "views.json", "report.html"})
      test::write_text(trial.file(name), "another's");
  };
  const std::string error = message_of<std::runtime_error>([&] { trial.run(); });
  CHECK(error.find(run + " was removed or moved, and is not the folder any more that was opened: ") != std::string::npos);
  CHECK(trial.out.empty());
  std::size_t count = 0;
  for (const auto& file : std::filesystem::directory_iterator(run)) {
    CHECK(test::read_text(file.path().string()) == "another's");
    ++count;
  }
  CHECK(count == 5);
  trial.options.out = folder / "moved", trial.after_step = {};
  CHECK(trial.resumed().run() == exit_done);  // what it had saved is whole
}

TEST_CASE("what a killed training left unfinished is gone when another begins in its folder") {
  const test::Folder folder;
  Trial<double> trial(folder / "run");
  std::filesystem::create_directories(trial.file("pictures"));
  for (const char* name : {"best.safetensors.12-3.tmp", "pictures/01-x.png.12-4.tmp", "notes.tmp"})
    test::write_text(trial.file(name), "");
  REQUIRE(trial.run() == exit_done);
  CHECK_FALSE(std::filesystem::exists(trial.file("best.safetensors.12-3.tmp")));
  CHECK_FALSE(std::filesystem::exists(trial.file("pictures/01-x.png.12-4.tmp")));
  CHECK(std::filesystem::exists(trial.file("notes.tmp")));
}

TEST_CASE("a training that goes on takes no pipe for a file, and waits for none") {
  for (const char* name : {"config.json", "metrics.jsonl", "steps.jsonl", "warnings.jsonl", "last.safetensors"}) {
    CAPTURE(name);
    const test::Folder folder;
    Trial<double> trial(folder / "run");
    REQUIRE(trial.run() == exit_done);
    Trial<double> more = trial.resumed();
    more.options.epochs = 6;
    std::filesystem::remove(trial.file(name));
    REQUIRE(mkfifo(trial.file(name).c_str(), 0600) == 0);
    CHECK(message_of<std::runtime_error>([&] { more.run(); }) ==
          "read " + trial.file(name) + ": not a regular file: must be one");
  }
}

TEST_CASE("of the configuration before it a training takes commands, and nothing that has no end") {
  const test::Folder folder;
  Trial<double> trial(folder / "run");
  REQUIRE(trial.run() == exit_done);
  const auto nested = [](std::size_t depth) { return std::string(depth, '[') + std::string(depth, ']'); };
  for (const std::size_t depth : {10U, 20000U, 100000U}) {
    test::write_text(trial.file("config.json"), R"({"command":"second","before":[)" + nested(depth) + R"(,"first",{"a":1}]})");
    Trial<double> more = trial.resumed();
    more.options.epochs = 6;
    REQUIRE(more.run() == exit_done);
    const std::string config = test::read_text(trial.file("config.json"));
    CHECK(config.size() < 2000);
    CHECK(nlohmann::json::parse(config).at("before") == nlohmann::json{"first", "second"});
  }
  test::write_text(trial.file("config.json"), std::string(1 << 20, ' ') + "{}");
  Trial<double> more = trial.resumed();
  more.options.epochs = 8;
  CHECK(message_of<std::runtime_error>([&] { more.run(); }) ==
        "read " + trial.file("config.json") + ": 1048578 bytes: must be at most 1048576");
}

TEST_CASE("lines of a run are kept up to one that is longer than any of ours") {
  const test::Folder folder;
  Trial<double> trial(folder / "run");
  REQUIRE(trial.run() == exit_done);
  const auto before = trial.metrics();
  test::write_text(trial.file("metrics.jsonl"), test::read_text(trial.file("metrics.jsonl")) + std::string(40 << 20, ' '));
  Trial<double> more = trial.resumed();
  more.options.epochs = 6;
  REQUIRE(more.run() == exit_done);
  CHECK(std::filesystem::file_size(trial.file("metrics.jsonl")) < 10000);
  CHECK(more.metrics().size() == 7);
  CHECK(more.metrics()[3] == before[3]);
}

TEST_CASE("a cosine that more epochs stretch is said") {
  const test::Folder folder;
  Trial<double> trial(folder / "run");
  trial.options.schedule = "cosine";
  trial.options.metadata["epochs"] = "4";
  REQUIRE(trial.run() == exit_done);
  Trial<double> more = trial.resumed();
  REQUIRE(more.run() == exit_done);
  CHECK(more.err.find("cosine") == std::string::npos);
  more.options.epochs = 6;
  REQUIRE(more.run() == exit_done);
  CHECK(more.err.find(
            "carousel: --epochs 6 instead of 4: the cosine of the rate spans them all, and goes on as if it always had\n") !=
        std::string::npos);
}

TEST_CASE("what the task leaves in the folder of a run is named") {
  const test::Folder folder;
  Trial<double> trial(folder / "run");
  std::filesystem::create_directory(trial.options.out);
  test::write_text(trial.file("picture.svg"), "");
  test::write_text(trial.file("a.txt"), "");
  REQUIRE(trial.run() == exit_done);
  CHECK(trial.err.find("carousel: saved in " + trial.options.out + " with a.txt, picture.svg\n") != std::string::npos);
}

TEST_CASE("what cannot be drawn is said, views of an earlier state are gone, and there is a report") {
  const test::Folder folder;
  const NoInterrupt after;
  Trial<double> trial(folder / "run");
  REQUIRE(trial.run() == exit_done);
  for (const Index stop_after : {2, 0}) {  // stopped, and done
    CAPTURE(stop_after);
    test::write_text(trial.file("views.json"), "old");
    test::write_text(trial.file("report.html"), "old");
    Trial<double> more = trial.resumed();
    more.options.epochs = 6, more.blind = true;
    if (stop_after > 0) more.stop_after = 20 + stop_after;
    REQUIRE(more.run() == (stop_after > 0 ? exit_interrupted : exit_done));
    const_cast<std::atomic<bool>&>(interrupted()) = false;
    CHECK(more.err.ends_with(
        "\ncarousel: not everything is drawn: it sees nothing\ncarousel: report: " + trial.file("report.html") + "\n"));
    CHECK_FALSE(std::filesystem::exists(trial.file("views.json")));
    CHECK(test::read_text(trial.file("report.html")).size() > 3);
  }
}
