#include <carousel/tasks/answers/answers.hpp>

#include <unistd.h>

#include <cmath>

#include <doctest/doctest.h>

#include <carousel/tasks/base/interrupt.hpp>

#include "tests/support/folder.hpp"
#include "tests/tasks/written.hpp"

using namespace carousel;

namespace {

const std::vector<AnswerValue> every_kind[] = {
    {std::string("a, \"b\""), Index{7}, 0.25, NumberText{"12.34567890123"}, std::vector<Index>{3, 1, 2},
     std::vector<double>{0.5, -1}},
    {std::string("ä"), Index{-1}, std::nan(""), NumberText{"1e9"}, std::vector<Index>{}, std::monostate()}};

std::string written_as(bool json_lines) {
  return test::written_to(STDOUT_FILENO, [&] {
    PredictOptions options;
    options.json_lines = json_lines;
    Answers answers(options, {"id", "n", "p", "exact", "list", "list"});
    for (const std::vector<AnswerValue>& values : every_kind) CHECK(answers.add(values));
    CHECK(answers.finish() == exit_done);
  });
}

}  // namespace

TEST_CASE("answers are CSV: quotes where they must be, lists with blanks, nothing for what is no number") {
  CHECK(written_as(false) ==
        "id,n,p,exact,list,list_2\n"
        "\"a, \"\"b\"\"\",7,0.25,12.34567890123,3 1 2,0.5 -1\n"
        "ä,-1,,1e9,,\n");
}

TEST_CASE("answers are JSON lines: an object for each, with arrays and null") {
  CHECK(written_as(true) == R"({"id":"a, \"b\"","n":7,"p":0.25,"exact":12.34567890123,"list":[3,1,2],"list_2":[0.5,-1]})"
                            "\n"
                            R"({"id":"ä","n":-1,"p":null,"exact":1e9,"list":[],"list_2":null})"
                            "\n");
}

TEST_CASE("a word that is not UTF-8, such as the name of a file, does not spoil a line of JSON") {
  const std::string line = test::written_to(STDOUT_FILENO, [&] {
    PredictOptions options;
    options.json_lines = true;
    Answers answers(options, {"file"});
    answers.add({std::string("a\xff")});
  });
  CHECK(line == "{\"file\":\"a\xef\xbf\xbd\"}\n");
}

TEST_CASE("a file of answers appears when all are in it, or not at all") {
  const test::Folder folder;
  PredictOptions options;
  options.out = folder / "answers.csv";
  options.quiet = true;
  {
    Answers answers(options, {"n"});
    answers.add({Index{1}});
    CHECK(std::filesystem::exists(options.out) == false);
  }
  CHECK(folder.count() == 0);  // it was not finished
  Answers answers(options, {"n"});
  for (Index n = 0; n < 20000; ++n) answers.add({n});
  CHECK(answers.count() == 20000);
  CHECK(answers.finish() == exit_done);
  CHECK(folder.count() == 1);
  const std::string text = test::read_text(options.out);
  CHECK(text.starts_with("n\n0\n1\n"));
  CHECK(text.ends_with("\n19999\n"));
}

TEST_CASE("a file of answers that cannot be made, and a row of another width, are refused") {
  const test::Folder folder;
  PredictOptions options;
  options.out = folder / "none/answers.csv";
  CHECK_THROWS_WITH_AS(
      Answers(options, {"n"}),
      ("write " + options.out + ": No such file or directory after 0 bytes: nothing under that name was changed").c_str(),
      std::runtime_error);
  options.out = "";
  Answers answers(options, {"n"});
  CHECK_THROWS_WITH_AS(answers.add({Index{1}, Index{2}}), "answers: 2 values for 1 columns: must be as many",
                       std::invalid_argument);
}
