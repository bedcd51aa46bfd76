#include <carousel/tasks/commands/help.hpp>

#include <algorithm>
#include <sstream>

#include <doctest/doctest.h>

using namespace carousel;

TEST_CASE("a page says what a command does, how it is called, and shows an example") {
  CLI::App app("does things");
  app.formatter(std::make_shared<Help>());
  app.set_help_flag("-h,--help", "this text");
  CLI::App* const make = app.add_subcommand("make", "makes something");
  std::string run;
  make->add_option("RUN", run, "where it lies")->required();
  make->add_option("--length", run, "how much of it")->type_name("N");
  bool quiet = false;
  make->add_flag("--quiet", quiet, "no remarks");
  make->footer("example: carousel make x");
  CHECK(full_name(make) == "make");
  CHECK(full_name(&app).empty());
  CHECK(make->help() == R"(makes something

usage: carousel make RUN [OPTION...]

arguments
  RUN                 where it lies

options
  -h, --help          this text
  --length N          how much of it
  --quiet             no remarks

example: carousel make x
)");
  CHECK(app.help() == R"(does things

usage: carousel [COMMAND] [OPTION...]

commands
  make                makes something

options
  -h, --help          this text
)");
}

TEST_CASE("long descriptions are folded at 100 columns, below each other") {
  CLI::App app("does things");
  app.formatter(std::make_shared<Help>());
  std::string value;
  std::string words = "word";
  for (int i = 0; i < 60; ++i) words += " word";
  app.add_option("--an-option-of-a-long-name", value, words)->type_name("VALUE");
  std::istringstream page(app.help());
  std::size_t folded = 0, counted = 0;
  for (std::string line; std::getline(page, line);) {
    CHECK(line.size() <= 100);
    for (std::size_t at = line.find("word"); at != std::string::npos; at = line.find("word", at + 1)) ++counted;
    if (line.starts_with(std::string(22, ' ') + "word")) ++folded;
  }
  CHECK(counted == 61);
  CHECK(folded >= 4);
}
