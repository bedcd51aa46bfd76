#include "tests/lib/tape/fused.hpp"

TEST_CASE("fused statements of float equal one operation per node, bit for bit") {
  fused::check_all<float>(60);
}
