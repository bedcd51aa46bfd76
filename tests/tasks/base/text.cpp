#include <carousel/tasks/base/text.hpp>

#include <doctest/doctest.h>

using namespace carousel;

TEST_CASE("a text is split at every mark, and has one part more than marks") {
  using Parts = std::vector<std::string>;
  CHECK(split("a,,b", ",") == Parts{"a", "", "b"});
  CHECK(split("", ",") == Parts{""});
  CHECK(split("a, b,", ", ") == Parts{"a", "b,"});
  CHECK(lowered("N/A É") == "n/a É");
}
