#include <carousel/tasks/drawing/sparkline.hpp>

#include <cmath>
#include <limits>
#include <numeric>

#include <doctest/doctest.h>

using namespace carousel;

namespace {
constexpr double not_a_number = std::numeric_limits<double>::quiet_NaN(), infinity = std::numeric_limits<double>::infinity();
}

TEST_CASE("a sparkline is as high as its values are between the least and the greatest") {
  CHECK(sparkline(std::vector<double>{1, 2, 3, 4, 5, 6, 7, 8}, true) == "▁▂▃▄▅▆▇█");
  CHECK(sparkline(std::vector<double>{-1, 1}, true) == "▁█");
  CHECK(sparkline(std::vector<double>{5, 4, 3, 2, 1}, false) == "^~-._");
  CHECK(sparkline(std::vector<double>{3, 3}, true) == "▁▁");
  CHECK(sparkline({}, true).empty());
}

TEST_CASE("a sparkline of values that are far apart is logarithmic") {
  CHECK(sparkline(std::vector<double>{1, 1e-2, 1e-4}, false) == "^-_");
  CHECK(sparkline(std::vector<double>{1, 0.5, 0}, false) == "^-_");
}

TEST_CASE("what is not finite is a blank of a sparkline") {
  CHECK(sparkline(std::vector<double>{not_a_number, 1, infinity, 2, -infinity}, true) == " ▁ █ ");
  CHECK(sparkline(std::vector<double>{not_a_number}, true) == " ");
  CHECK(sparkline(std::vector<double>{-1.7e308, 1.7e308}, true) == "▁▁");  // whose difference is no number
}

TEST_CASE("values are thinned to the means of equal parts") {
  CHECK(thinned(std::vector<double>{1, 2, 3}, 3) == std::vector<double>{1, 2, 3});
  CHECK(thinned(std::vector<double>{1, 2, 3, 4, 5}, 2) == std::vector<double>{1.5, 4});
  CHECK(thinned(std::vector<double>{1, not_a_number, 3, 5}, 2) == std::vector<double>{1, 4});
  CHECK(std::isnan(thinned(std::vector<double>{not_a_number, not_a_number, 3, 5}, 2)[0]));
}

TEST_CASE("a course keeps its shape in bounded room") {
  Course course;
  CHECK(course.values().empty());
  course.add(3);
  CHECK(course.values() == std::vector<double>{3});
  for (int i = 1; i < 100000; ++i) course.add(3 - 3e-5 * i);
  const std::vector<double> values = course.values();
  CHECK(values.size() <= Course::capacity);
  CHECK(values.size() >= Course::capacity / 2);
  for (std::size_t i = 0; i < values.size(); ++i) {
    const double at = (static_cast<double>(i) + 0.5) * 512;  // steps in each of them
    if (i + 1 < values.size()) CHECK(values[i] == doctest::Approx(3 - 3e-5 * at).epsilon(1e-4));
  }
}
