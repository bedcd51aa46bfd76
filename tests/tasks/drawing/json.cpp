#include <carousel/tasks/drawing/json.hpp>

#include <doctest/doctest.h>

using namespace carousel;

TEST_CASE("what is written is read again, in the order in which it was put together") {
  const Json made{{"b", 1.5}, {"a", {"x", nullptr, true}}};
  CHECK(written(made) == R"({"b":1.5,"a":["x",null,true]})");
  CHECK(written(Json{{"b", 1}}, 2) == "{\n  \"b\": 1\n}");
  CHECK(parsed_json(written(made)) == made);
}

TEST_CASE("a text that is no JSON is discarded, and so is what is nested too deep") {
  for (const char* text : {"", "{", "[1,]", "{} {}", "nan"}) CHECK(parsed_json(text).is_discarded());
  const std::string deep = std::string(100000, '[') + std::string(100000, ']');
  CHECK(written(parsed_json(deep)).size() < 200);
  CHECK(parsed_json("[[1]]")[0][0] == 1);
}

TEST_CASE("a word stands in quotes, and bytes that are no UTF-8 are replaced or refused") {
  CHECK(json_word("say \"so\"\n") == R"("say \"so\"\n")");
  CHECK(written(Json("\xff")) == "\"\xef\xbf\xbd\"");
  CHECK_THROWS(json_word("\xff"));
}
