#include "tests/lib/tape/fused.hpp"

TEST_CASE("fused statements of double equal one operation per node, bit for bit") {
  fused::check_all<double>(60);
}
