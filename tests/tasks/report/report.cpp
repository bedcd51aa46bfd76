#include <carousel/tasks/base/interrupt.hpp>
#include <carousel/tasks/report/report.hpp>

#include <cstdlib>
#include <stdexcept>
#include <string>

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include "tests/support/folder.hpp"

using namespace carousel;

namespace {

/// The data in a page.
nlohmann::json data_of(const std::string& page) {
  const std::string open = R"(<script type="application/json" id="data">)";
  const std::size_t from = page.find(open) + open.size();
  return nlohmann::json::parse(page.substr(from, page.find("</script>", from) - from));
}

}  // namespace

TEST_CASE("texts of a run come into the page whole, and never as a part of it") {
  const test::Folder folder;
  const std::string hostile = "</script><script>alert(1)</script><!-- {{chart}} {{nothing}} \" \\ \xff";
  test::write_text(folder / "config.json", nlohmann::json{{"task", "echo"}, {"command", "</ScRipt>{{style}}<b>"}}.dump());
  nlohmann::json views;
  views["views"].push_back({{"title", "</title></script>"}, {"look_for", "<!--"}, {"kind", "texts"}});
  views["views"][0]["texts"].push_back({{"caption", "c"}, {"text", hostile}});
  test::write_text(folder / "views.json", views.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace));
  const std::string page = report_page(folder / "");
  CHECK(page.find("alert(1)</script>") == std::string::npos);
  CHECK(page.find("</ScRipt>") == std::string::npos);
  const auto data = data_of(page);
  CHECK(data.at("commands") == nlohmann::json{"</ScRipt>{{style}}<b>"});
  CHECK(data.at("name") == "echo");
  CHECK_FALSE(data.at("about").get<std::string>().empty());
  const std::string text = data.at("sections").at(0).at("views").at(0).at("texts").at(0).at("text");
  CHECK(text == hostile.substr(0, hostile.size() - 1) + "\xef\xbf\xbd");
}

TEST_CASE("commands are told as they are typed here, all of them, and numbers with what they mean") {
  const test::Folder folder;
  const nlohmann::json config = {{"task", "add"},
                                 {"options", {{"input", "/some/place/my data"}, {"update_rule", "adam"}}},
                                 {"before", {"carousel train add --epochs 2 --input '/some/place/my data'"}},
                                 {"command", "carousel train add --epochs 3"}};
  test::write_text(folder / "config.json", config.dump());
  test::write_text(folder / "metrics.jsonl", R"({"epoch":1,"step":2,"train_loss":0.5,"unheard_of":1})");
  const auto commands = [&](const char* started) {
    started ? setenv("CAROUSEL_STARTED_AS", started, 1) : unsetenv("CAROUSEL_STARTED_AS");
    auto found = data_of(report_page(folder / "")).at("commands").get<std::vector<std::string>>();
    unsetenv("CAROUSEL_STARTED_AS");
    return found;
  };
  using Lines = std::vector<std::string>;
  const Lines plain = {"carousel train add --epochs 2 --input 'my data'", "carousel train add --epochs 3"};
  CHECK(commands(nullptr) == plain);
  CHECK(commands("/somewhere/of/mine/run") == plain);
  CHECK(commands("./tasks/run") ==
        Lines{"./tasks/run train add --epochs 2 --input 'my data'", "./tasks/run train add --epochs 3"});
  const auto data = data_of(report_page(folder / "", true));
  CHECK(data.at("running") == true);
  CHECK(data.at("metrics").dump() ==
        R"([["train_loss",0.5,"loss, lower is better; on the training data"],["unheard_of",1,""]])");
  const std::string told = data.at("sections").back().dump();
  CHECK(told.find(R"(["--optimizer","adam"])") != std::string::npos);
  CHECK(told.find("before") == std::string::npos);
}

TEST_CASE("a view that is none is left out of the page") {
  const test::Folder folder;
  test::write_text(folder / "views.json", R"({"views":[null,7,[],{"title":"t","look_for":"","kind":"texts","texts":[]}]})");
  const auto views = data_of(report_page(folder / "")).at("sections").at(0).at("views");
  REQUIRE(views.size() == 1);
  CHECK(views.at(0).at("title") == "t");
}

TEST_CASE("what is nested without end is left out of the page") {
  const test::Folder folder;
  constexpr std::size_t deep = 300000;
  const std::string nest = std::string(deep, '[') + std::string(deep, ']');
  test::write_text(folder / "config.json", R"({"task":"echo","x":)" + nest + "}");
  test::write_text(folder / "views.json", R"({"views":[)" + nest + "]}");
  test::write_text(folder / "steps.jsonl", R"({"step":1,"loss":2,"gradients":{"a":)" + nest + "}}");
  const auto data = data_of(report_page(folder / ""));
  CHECK(data.at("name") == "echo");
  CHECK(data.at("sections").at(0).at("views").at(0).at("lines").at(0).at("y").dump() == "[2.0]");
}

TEST_CASE("a drawing that views.json brings along is not put into the page") {
  const test::Folder folder;
  const char* const views = R"({"views":[{"kind":"lines","lines":[],"svg":"<svg onload='alert(1)'/>"},7]})";
  test::write_text(folder / "views.json", views);
  for (const char* library : {"", "/nowhere"}) {
    setenv("CAROUSEL_CHART_JS", *library ? library : (folder / "chart.js").c_str(), 1);
    if (!*library) test::write_text(folder / "chart.js", "/* a library */");
    const std::string page = report_page(folder / "");
    CHECK(data_of(page).at("sections").at(0).at("views").size() == 1);
    CHECK(page.find("alert(1)") == std::string::npos);
  }
  unsetenv("CAROUSEL_CHART_JS");
}

TEST_CASE("warnings of the training stand in the page") {
  const test::Folder folder;
  test::write_text(folder / "config.json", R"({"task":"echo"})");
  CHECK(data_of(report_page(folder / "")).at("warnings").empty());
  test::write_text(folder / "warnings.jsonl",
                   "{\"step\":9,\"kind\":\"dead units\",\"text\":\"try </script>\"}\n{\"text\":5}\n{\"te");
  const std::string page = report_page(folder / "");
  CHECK(data_of(page).at("warnings").dump() == R"(["try </script>"])");
}

TEST_CASE("a page says that the loss exploded, with what to try, and not after a training that went well since") {
  const test::Folder folder;
  const auto failure = [&](const char* metrics) {
    test::write_text(folder / "metrics.jsonl", metrics);
    return data_of(report_page(folder / "")).at("failure").get<std::string>();
  };
  CHECK(failure("{\"ended\":\"interrupted\"}\n").empty());
  CHECK(failure("{\"ended\":\"exploded\"}\n") == "The loss exploded: try a smaller --rate, or --clip 1");  // of an older run
  test::write_text(folder / "warnings.jsonl", R"({"step":9,"kind":"exploded loss","text":"try this"})");
  CHECK(failure("{\"ended\":\"exploded\"}\n") == "try this");
  CHECK(data_of(report_page(folder / "")).at("warnings").empty());
  CHECK(failure("{\"ended\":\"exploded\"}\n{\"result\":\"echo\"}\n").empty());
}

TEST_CASE("a page says what was read, and not where it lay") {
  const test::Folder folder;
  const nlohmann::json config = {
      {"task", "eeg"},
      {"data", "read /of/anna/My waves"},
      {"command", "carousel train eeg --data '/of/anna/My waves' --input /of/anna/x.txt --epochs 2"},
      {"options", {{"data", "/of/anna/My waves"}, {"input", "/of/anna/x.txt"}, {"epochs", "2"}, {"root", "/"}}}};
  test::write_text(folder / "config.json", config.dump());
  const std::string page = report_page(folder / "");
  CHECK(page.find("anna") == std::string::npos);
  const auto data = data_of(page);
  CHECK(data.at("commands").at(0) == "carousel train eeg --data 'My waves' --input x.txt --epochs 2");
  CHECK(data.at("facts").at(0) == "data: read My waves");
  const std::filesystem::path whole = std::filesystem::path(folder / "x").parent_path();
  CHECK(page.find("<title>eeg: " + whole.filename().string() + "</title>") != std::string::npos);
  CHECK(page.find(whole.string()) == std::string::npos);
}

TEST_CASE("without Chart.js curves are SVG") {
  const test::Folder folder;
  test::write_text(folder / "steps.jsonl", "{\"step\":1,\"loss\":2}\n{\"step\":2,\"loss\":1}\nhalf a l");
  setenv("CAROUSEL_CHART_JS", (folder / "nowhere").c_str(), 1);
  const auto plain = data_of(report_page(folder / "")).at("sections").at(0).at("views").at(0);
  CHECK(plain.at("svg").get<std::string>().starts_with("<svg "));
  test::write_text(folder / "chart.js", "/* a library */");
  setenv("CAROUSEL_CHART_JS", (folder / "chart.js").c_str(), 1);
  const std::string page = report_page(folder / "");
  CHECK(page.find("<script>/* a library */</script>") != std::string::npos);
  CHECK_FALSE(data_of(page).at("sections").at(0).at("views").at(0).contains("svg"));
  unsetenv("CAROUSEL_CHART_JS");
}

TEST_CASE("a folder that holds nothing of a training is refused") {
  const test::Folder folder;
  CHECK_THROWS_AS(report_page(folder / ""), std::runtime_error);
}
