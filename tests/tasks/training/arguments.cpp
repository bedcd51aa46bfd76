#include <carousel/tasks/training/arguments.hpp>

#include <unistd.h>

#include <algorithm>
#include <optional>

#include <doctest/doctest.h>

#include <carousel/lib/files/safetensors.hpp>
#include <carousel/models/cells/any_cell.hpp>

#include "tests/tasks/written.hpp"

using namespace carousel;

namespace {

struct Given : TrainOptions {
  double decay = 0.97;
  std::string mood = "wild";
};

std::vector<Preset<Given>> presets() {
  Given usual, source;
  usual.hidden = 128;
  usual.rate = 0.002;
  source.hidden = 128;
  source.rate = 0.1;
  source.epochs = 7;
  return {{"default", "what is best", usual}, {"source", "as the original", source}};
}

Arguments<Given> arguments() {
  Arguments<Given> all("text", presets());
  all.add_threads()
      .add_data()
      .add_net({.bidirectional = "both ways"})
      .add_training()
      .add("--input", "FILE", &Given::input, "text", {.is_path = true})
      .add("--decay", "F", &Given::decay, "of the rate");
  return all;
}

Given parse(std::vector<std::string> words) {
  Given given;
  std::function<int()> command;
  const auto keep = [&](const Given& options) {
    given = options;
    return 0;
  };
  read_options([&](CLI::App& app) { command = arguments().declare(app, keep); }, std::move(words));
  command();
  return given;
}

std::string error_of(std::vector<std::string> arguments) {
  try {
    parse(std::move(arguments));
  } catch (const std::exception& error) {
    return error.what();
  }
  return "";
}

/// What the training in `folder` began with.
void save(const std::string& folder, const Metadata& metadata) {
  write_safetensors(folder + "/last.safetensors", {.tensors = {}, .metadata = metadata});
}

}  // namespace

TEST_CASE("without arguments every option has the default preset's value") {
  const Given options = parse({});
  CHECK(options.preset == "default");
  CHECK(options.hidden == 128);
  CHECK(options.rate == 0.002);
  CHECK(options.epochs == 1);
  CHECK(options.decay == 0.97);
  CHECK_FALSE(options.quiet);
  CHECK(options.resume.empty());
  CHECK_FALSE(options.bidirectional);
}

TEST_CASE("a preset changes its options, and what is given wins over it wherever it stands") {
  for (const std::vector<std::string>& arguments : {std::vector<std::string>{"--preset", "source", "--rate", "0.5"},
                                                    std::vector<std::string>{"--rate=0.5", "--preset=source"}}) {
    const Given options = parse(arguments);
    CHECK(options.preset == "source");
    CHECK(options.rate == 0.5);
    CHECK(options.epochs == 7);
    CHECK(options.hidden == 128);
  }
}

TEST_CASE("the last of an option that is given twice counts") {
  CHECK(parse({"--epochs", "3", "--epochs", "4"}).epochs == 4);
}

TEST_CASE("all shared options are read") {
  const Given options = parse({"--cell", "gru", "--epochs", "2", "--seed", "18446744073", "--threads", "2", "--out", "runs/x",
                               "--data", "d", "--quiet", "--dropout", "0.25", "--decay", "-1e-3"});
  CHECK(options.cell == "gru");
  CHECK(options.epochs == 2);
  CHECK(options.seed == 18446744073);
  CHECK(options.threads == 2);
  CHECK(options.out == "runs/x");
  CHECK(options.data == "d");
  CHECK(options.quiet);
  CHECK(options.dropout == 0.25);
  CHECK(options.decay == -1e-3);
}

TEST_CASE("a value that cannot be is refused with what it must be") {
  CHECK(error_of({"--epochs", "0"}) == "--epochs 0: must be a whole number of 1 to 1000000000");
  CHECK(error_of({"--epochs", "2.5"}) == "--epochs 2.5: must be a whole number of 1 to 1000000000");
  CHECK(error_of({"--epochs", "3x"}) == "--epochs 3x: must be a whole number of 1 to 1000000000");
  CHECK(error_of({"--epochs", ""}) == "--epochs : must be a whole number of 1 to 1000000000");
  CHECK(error_of({"--epochs", "9223372036854775808"}) ==
        "--epochs 9223372036854775808: must be a whole number of 1 to 1000000000");
  CHECK(error_of({"--hidden", "1048577"}) == "--hidden 1048577: must be a whole number of 1 to 1048576");
  CHECK(error_of({"--hidden", "4611686018427387904"}) == "--hidden 4611686018427387904: must be a whole number of 1 to 1048576");
  CHECK(error_of({"--threads", "4294967297"}) == "--threads 4294967297: must be a whole number of 1 to 1024");
  CHECK(error_of({"--seed", "-1"}) == "--seed -1: must be a whole number of 0 or more");
  CHECK(parse({"--hidden", "1048576"}).hidden == 1048576);
  CHECK(error_of({"--rate", "0"}) == "--rate 0: must be a number above 0");
  CHECK(error_of({"--rate", "inf"}) == "--rate inf: must be a number above 0");
  CHECK(error_of({"--rate", "nan"}) == "--rate nan: must be a number above 0");
  CHECK(error_of({"--decay", "fast"}) == "--decay fast: must be a number");
  CHECK(error_of({"--dropout", "1"}) == "--dropout 1: must be a number of 0 or more and below 1");
  CHECK(error_of({"--preset", "best"}) == "--preset best: must be one of default, source");
  std::string cells;
  for (const CellName& cell : cell_names()) cells += (cells.empty() ? "" : ", ") + std::string(cell.name);
  CHECK(error_of({"--cell", "lstn"}) == "--cell lstn (did you mean lstm?): must be one of " + cells);
}

TEST_CASE("a flag that a task refuses is refused with its reason, which help says too, and may be said to be off") {
  std::function<int()> command;
  const auto declare = [&](CLI::App& app) {
    command = Arguments<Given>("text", presets())
                  .add_net({.one_way = "what is to be said would be read before"})
                  .declare(app, [](const Given& options) { return options.metadata.contains("bidirectional") ? 1 : 0; });
  };
  const auto refusing = [&](const std::vector<std::string>& words) {
    read_options(declare, words);
    return command();
  };
  const std::string page = help_page({.about = "", .footer = "", .version = "", .declare = declare});
  CHECK(page.find("  --bidirectional     not here: what is to be said would be read before\n") != std::string::npos);
  CHECK_THROWS_WITH_AS(refusing({"--bidirectional"}),
                       "--bidirectional: not here, what is to be said would be read before: must be left out",
                       std::invalid_argument);
  CHECK(refusing({"--bidirectional=no"}) == 0);
  CHECK(refusing({}) == 0);
}

TEST_CASE("a training that goes on has the options that it began with, those of its preset too, and may have more epochs") {
  const test::Folder folder;
  const std::string out = folder / "";
  save(out, {{"task", "text"},
             {"preset", "source"},
             {"rate", "0.25"},
             {"decay", "-0.001"},
             {"update_rule", "momentum"},
             {"epochs", "20"},
             {"cell", "gru"},
             {"bidirectional", "yes"},
             {"input", "/a/text"}});
  const Given options = parse({"--resume", out});
  CHECK(options.resume == out);
  CHECK(options.out == out);
  CHECK(options.preset == "source");
  CHECK(options.rate == 0.25);
  CHECK(options.decay == -0.001);
  CHECK(options.optimizer == "momentum");
  CHECK(options.epochs == 20);
  CHECK(options.cell == "gru");
  CHECK(options.input == "/a/text");
  CHECK(options.bidirectional);
  CHECK(options.resumed.at("rate") == "0.25");
  const Given other =
      parse({"--epochs", "30", "--input", "b", "--rate", "2.5e-1", "--preset", "source", "--out", out, "--resume", out});
  CHECK(other.epochs == 30);
  CHECK(other.input == "b");
  CHECK(other.rate == 0.25);
  CHECK(parse({"--out", out}).rate == 0.002);
  CHECK(parse({"--out", out}).resumed.empty());
}

TEST_CASE("an option that would make another training of one that goes on is refused with both values") {
  const test::Folder folder;
  const std::string out = folder / "";
  save(out, {{"task", "text"}, {"preset", "source"}, {"rate", "0.25"}, {"cell", "gru"}, {"bidirectional", "no"}});
  const auto refused = [&](const std::vector<std::string>& option, const std::string& saved) {
    std::vector<std::string> words = option;
    words.insert(words.end(), {"--resume", out});
    const std::string value = option.size() > 1 ? option[1] : "yes";
    CHECK(error_of(words) ==
          option[0] + " " + value + ": the training in " + out + " has " + saved + ": must be the same to go on, or left out");
  };
  refused({"--rate", "0.5"}, "0.25");
  refused({"--preset", "default"}, "source");
  refused({"--cell", "lstm"}, "gru");
  refused({"--bidirectional"}, "no");
  CHECK(error_of({"--resume", out, "--out", "x"}) ==
        "--out x: --resume " + out + " goes on there: must be the same, or left out");
  CHECK(parse({"--resume", out, "--out", out + "/."}).out == out);
  save(out, {{"task", "echo"}});
  CHECK(error_of({"--resume", out}) == out + "/last.safetensors: saved with task echo, this is text: must be the same to go on");
  save(out, {{"task", "text"}, {"rate", "x"}});
  CHECK(error_of({"--resume", out}) == out + "/last.safetensors: in its metadata, rate x: must be a number above 0");
  save(out, {{"task", "text"}, {"preset", "best"}});
  CHECK(error_of({"--resume", out}) == out + "/last.safetensors: in its metadata, preset best: must be one of default, source");
}

TEST_CASE("options that the training to resume does not name are of its preset, and that is said") {
  const test::Folder folder;
  const std::string out = folder / "";
  Metadata all = parse({"--preset", "source", "--clip", "3"}).metadata;
  save(out, all);
  const auto said = [&] { return test::written_to(STDERR_FILENO, [&] { CHECK(parse({"--resume", out}).epochs == 7); }); };
  CHECK(said().empty());
  all.erase("clip"), all.erase("epochs"), all.erase("update_rule");
  save(out, all);
  CHECK(said() ==
        "carousel: " + out +
            "/last.safetensors does not say with what --epochs, --optimizer, --clip it began: now as in the preset source\n");
}

TEST_CASE("--resume must name the folder of a training") {
  const test::Folder folder;
  const std::string nowhere = folder / "nowhere", empty = folder / "";
  CHECK(error_of({"--resume", nowhere}) == "--resume " + nowhere + ": must be the folder of a training");
  CHECK(error_of({"--resume", empty}) == "--resume " + empty + ": holds no last.safetensors: must be the folder of a training");
  test::write_text(folder / "last.safetensors", "x");
  CHECK(error_of({"--resume", folder / "last.safetensors"}) ==
        "--resume " + (folder / "last.safetensors") + ": must be the folder of a training");
  CHECK(error_of({"--resume", empty}).find("last.safetensors") != std::string::npos);
}

TEST_CASE("metadata have every option that is saved, and a checkpoint gives back the options that it was made with") {
  const Given given = parse({"--preset", "source", "--cell", "gru", "--seed", "7", "--hidden", "20", "--batch", "3",
                             "--bidirectional", "--decay", "0.5", "--optimizer", "momentum", "--input", "/a/../b"});
  CHECK(given.metadata == Metadata{{"task", "text"},
                                   {"preset", "source"},
                                   {"cell", "gru"},
                                   {"epochs", "7"},
                                   {"seed", "7"},
                                   {"hidden", "20"},
                                   {"layers", "1"},
                                   {"bidirectional", "yes"},
                                   {"dropout", "0"},
                                   {"batch", "3"},
                                   {"update_rule", "momentum"},
                                   {"rate", "0.1"},
                                   {"schedule", "constant"},
                                   {"warm-up", "0"},
                                   {"final-rate", "0.01"},
                                   {"clip", "0"},
                                   {"patience", "0"},
                                   {"decay", "0.5"},
                                   {"input", "/b"}});
  const Given read = arguments().read({.tensors = {}, .metadata = given.metadata}, "a.safetensors");
  CHECK(read.preset == "source");
  CHECK(read.cell == "gru");
  CHECK(read.seed == 7);
  CHECK(read.hidden == 20);
  CHECK(read.batch == 3);
  CHECK(read.bidirectional);
  CHECK(read.decay == 0.5);
  CHECK(read.optimizer == "momentum");
}

TEST_CASE("an option that came later has for older checkpoints the value that their runs had") {
  Arguments<Given> later = arguments();
  later.add("--mood", "WORD", &Given::mood, "how it feels", {.before = "calm"});
  Metadata metadata = parse({}).metadata;
  CHECK(later.read({.tensors = {}, .metadata = metadata}, "a.safetensors").mood == "calm");
  metadata["mood"] = "merry";
  CHECK(later.read({.tensors = {}, .metadata = metadata}, "a.safetensors").mood == "merry");

  const test::Folder folder;
  const std::string out = folder / "";
  const auto resumed = [&](std::vector<std::string> words) {
    Given given;
    std::function<int()> command;
    read_options([&](CLI::App& app) { command = later.declare(app, [&](const Given& options) { return given = options, 0; }); },
                 std::move(words));
    command();
    return given;
  };
  CHECK(resumed({}).mood == "wild");
  CHECK(resumed({"--seed", "7"}).given == std::vector<std::string>{"--seed"});
  metadata.erase("mood");
  save(out, metadata);
  const std::string said = test::written_to(STDERR_FILENO, [&] { CHECK(resumed({"--resume", out}).mood == "calm"); });
  CHECK(said.empty());
}

TEST_CASE("a checkpoint without an option, or with one that cannot be, is refused") {
  const Metadata good = parse({}).metadata;
  const auto refusal = [&](const std::string& name, const std::optional<std::string>& value) {
    Metadata metadata = good;
    metadata.erase(name);
    if (value) metadata[name] = *value;
    try {
      arguments().read({.tensors = {}, .metadata = metadata}, "a.safetensors");
    } catch (const std::runtime_error& error) {
      return std::string(error.what());
    }
    return std::string();
  };
  CHECK(refusal("hidden", "-1") == "a.safetensors: in its metadata, hidden -1: must be a whole number of 1 to 1048576");
  CHECK(refusal("batch", "4611686018427387904") ==
        "a.safetensors: in its metadata, batch 4611686018427387904: must be a whole number of 1 to 1048576");
  CHECK(refusal("bidirectional", "perhaps") == "a.safetensors: in its metadata, bidirectional perhaps: must be yes or no");
  CHECK(refusal("preset", "best") == "a.safetensors: in its metadata, preset best: must be one of default, source");
  CHECK(refusal("hidden", {}) == "a.safetensors: its metadata have no hidden: must be saved by carousel train");
}

TEST_CASE("a flag is on, or what it is said to be") {
  CHECK(parse({"--bidirectional"}).bidirectional);
  CHECK_FALSE(parse({"--bidirectional=no"}).bidirectional);
  CHECK_FALSE(parse({}).bidirectional);
}

TEST_CASE("a folder of data sets is named by --data alone") {
  CHECK(parse({}).data.empty());
  CHECK(parse({"--data", "from/here"}).data == "from/here");
}

TEST_CASE("help names the default, and what another preset has instead") {
  using detail::help_with_defaults;
  CHECK(help_with_defaults("learning rate", {{"default", "0.002"}, {"source", "0.1"}}) == "learning rate (0.002; source: 0.1)");
  CHECK(help_with_defaults("units", {{"default", "128"}, {"source", "128"}}) == "units (128)");
  CHECK(help_with_defaults("folder", {{"default", ""}, {"source", ""}}) == "folder");
  CHECK(help_with_defaults("units", {}) == "units");
}

TEST_CASE("options say the command line that trains the same: what differs from the preset, ready for a shell") {
  CHECK(parse({"--out", "x", "--quiet", "--threads", "2"}).command == "carousel train text");
  const Given options =
      parse({"--preset", "source", "--epochs", "3", "--bidirectional", "--input", "/it's here", "--decay", "-1e-3"});
  CHECK(options.command ==
        "carousel train text --preset source --epochs 3 --bidirectional --input '/it'\\''s here' --decay -0.001");
  std::vector<std::string> words = {"--preset", "source",     "--epochs", "3",     "--bidirectional",
                                    "--input",  "/it's here", "--decay",  "-0.001"};
  CHECK(parse(std::move(words)).command == options.command);
}
