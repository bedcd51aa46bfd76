#include <carousel/tasks/training/command_line.hpp>

#include <algorithm>
#include <sstream>

#include <doctest/doctest.h>

using namespace carousel;

TEST_CASE("a page says what a command does, how it is called, and shows an example") {
  std::string run;
  const CommandLine line{.about = "does things", .footer = "", .version = "", .declare = [&](CLI::App& app) {
                           CLI::App& make = detail::declare_command(app, "make", "makes something", "example: carousel make x");
                           detail::declare_argument(make, "RUN", run, "where it lies", true);
                           detail::declare_option(make, "--length", "N", "how much of it", [](const std::string&) {});
                           detail::declare_flag(make, "--quiet", "no remarks", [] {});
                         }};
  CHECK(help_page(line, {"make"}) == R"(makes something

usage: carousel make RUN [OPTION...]

arguments
  RUN                 where it lies

options
  -h, --help          this text
  --length N          how much of it
  --quiet             no remarks

example: carousel make x
)");
  CHECK(help_page(line) == R"(does things

usage: carousel [COMMAND] [OPTION...]

commands
  make                makes something

options
  -h, --help          this text
)");
}

TEST_CASE("what was read is there when the command is called, and a word that is wrong is refused by the command's name") {
  std::string run, length;
  std::vector<std::string> given;
  const CommandLine line{.about = "does things", .footer = "", .version = "", .declare = [&](CLI::App& app) {
                           CLI::App& make = detail::declare_command(app, "make", "makes something", "");
                           detail::declare_argument(make, "RUN", run, "where it lies", true);
                           detail::declare_option(make, "--length", "N", "how much of it",
                                                  [&](const std::string& text) { length = text; });
                           detail::on_command(make, [&] { given = detail::given_options(make); });
                         }};
  CHECK(read_command_line(line, {"make", "x", "--length", "3"}));
  CHECK(run == "x");
  CHECK(length == "3");
  CHECK(given == std::vector<std::string>{"--length"});
  CHECK(read_command_line(line, {"make", "y"}));
  CHECK(given.empty());
  CHECK_THROWS_WITH_AS(read_command_line(line, {"make", "x", "--lenght", "3"}),
                       "make: --lenght: no such option (did you mean --length?); carousel make --help lists them",
                       std::invalid_argument);
  CHECK_THROWS_WITH_AS(read_command_line(line, {"make", "x", "--length"}), "make: --length: a value must follow",
                       std::invalid_argument);
  CHECK_THROWS_WITH_AS(read_command_line(line, {"make", "x", "y"}), "make: y: one argument too many", std::invalid_argument);
  CHECK_THROWS_WITH_AS(read_command_line(line, {}), "which command? make", std::invalid_argument);
}

TEST_CASE("long descriptions are folded at 100 columns, below each other") {
  std::string words = "word";
  for (int i = 0; i < 60; ++i) words += " word";
  const auto declare = [&](CLI::App& app) {
    detail::declare_option(app, "--an-option-of-a-long-name", "VALUE", words, [](const std::string&) {});
  };
  std::istringstream page(help_page({.about = "does things", .footer = "", .version = "", .declare = declare}));
  std::size_t folded = 0, counted = 0;
  for (std::string line; std::getline(page, line);) {
    CHECK(line.size() <= 100);
    for (std::size_t at = line.find("word"); at != std::string::npos; at = line.find("word", at + 1)) ++counted;
    if (line.starts_with(std::string(22, ' ') + "word")) ++folded;
  }
  CHECK(counted == 61);
  CHECK(folded >= 4);
}
