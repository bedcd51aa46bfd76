#include <carousel/tasks/base/metric.hpp>
#include <carousel/tasks/report/event_file.hpp>

#include <sys/resource.h>

#include <cmath>
#include <csignal>
#include <filesystem>
#include <limits>
#include <stdexcept>

#include <doctest/doctest.h>

#include "tests/support/folder.hpp"
#include "tests/tasks/report/event_reader.hpp"

using namespace carousel;
using test::events_of;
using test::Fields;
using test::last_value;

namespace {

/// A folder in a folder of the test's own.
struct Folder {
  test::Folder outer;
  std::string path = outer / "run";

  Folder() { std::filesystem::create_directory(path); }
  std::string operator/(const std::string& name) const { return path + "/" + name; }
  void write(const std::string& name, const std::string& content) const { test::write_text(*this / name, content); }
};

GreyImage checkers(Index height, Index width) {
  GreyImage image{height, width, {}};
  for (Index i = 0; i < height * width; ++i) image.pixels.push_back((i / width + i % width) % 2 ? 255 : 0);
  return image;
}

template <class T>
Histogram histogram_of(const std::vector<T>& values) {
  return Histogram::of<T>(values);
}

}  // namespace

TEST_CASE("CRC-32C is that of RFC 3720, appendix B.4, and of the usual nine digits") {
  CHECK(crc32c("123456789") == 0xE3069283U);
  CHECK(crc32c(std::string(32, '\0')) == 0x8A9136AAU);
  CHECK(crc32c(std::string(32, '\xff')) == 0x62A8AB43U);
  std::string rising, falling;
  for (int i = 0; i < 32; ++i) rising += static_cast<char>(i), falling += static_cast<char>(31 - i);
  CHECK(crc32c(rising) == 0x46DD794EU);
  CHECK(crc32c(falling) == 0x113FDB5CU);
  // An iSCSI read command, in RFC 3720's order of bytes.
  const unsigned char command[] = {0x01, 0xc0, 0, 0,    0, 0, 0, 0,    0,    0, 0, 0, 0, 0, 0, 0, 0x14, 0, 0, 0, 0, 0, 0x04, 0,
                                   0,    0,    0, 0x14, 0, 0, 0, 0x18, 0x28, 0, 0, 0, 0, 0, 0, 0, 0x02, 0, 0, 0, 0, 0, 0,    0};
  CHECK(crc32c({reinterpret_cast<const char*>(command), sizeof command}) == 0xD9963A56U);
  CHECK(crc32c("") == 0U);
  CHECK(crc32c("a table and a bit at a time") == test::slow_crc32c("a table and a bit at a time"));
}

TEST_CASE("a check sum is masked by a turn and a sum") {
  CHECK(masked_crc32c("123456789") == ((0xE3069283U >> 15 | 0xE3069283U << 17) + 0xA282EAD8U));
  CHECK(masked_crc32c("") == 0xA282EAD8U);
}

TEST_CASE("an event file begins with its version and with where the training starts") {
  const Folder folder;
  const EventFile file(folder.path, 0);
  CHECK(file.path().starts_with(folder.path + "/events.out.tfevents."));
  const std::vector<Fields> events = events_of(file.path());
  REQUIRE(events.size() == 2);
  CHECK(events[0].text(3) == "brain.Event:2");
  CHECK(std::abs(events[0].real(1) - static_cast<double>(std::time(nullptr))) < 100);
  CHECK(events[0].integer(2) == 0);
  CHECK(events[1].integer(2) == 1);
  CHECK(events[1].message(7).integer(1) == 1);  // START
}

TEST_CASE("a training that goes on has a further file, and what came after its step counts no more") {
  const Folder folder;
  CHECK_FALSE(has_event_files(folder.path));
  const EventFile first(folder.path, 0), second(folder.path, 300);
  CHECK(has_event_files(folder.path));
  CHECK(first.path() < second.path());  // TensorBoard reads them in the order of their names
  const std::vector<Fields> events = events_of(second.path());
  CHECK(events[0].text(3) == "brain.Event:2");
  CHECK(events[1].integer(2) == 301);
  CHECK(events[1].message(7).integer(1) == 1);
}

TEST_CASE("numbers of a step are one event") {
  const Folder folder;
  EventFile file(folder.path, 0);
  const double nan = std::numeric_limits<double>::quiet_NaN();
  const std::vector<Metric> numbers = {{"step/loss", 0.75}, {"step/rate", 1e-3}, {"step/norm", nan}};
  file.scalars(70000000000, numbers);
  const Fields event = events_of(file.path()).back();
  CHECK(event.integer(2) == 70000000000);
  std::vector<Fields> values;
  for (const auto& [field, bytes] : event.message(5).bytes) values.emplace_back(bytes);
  REQUIRE(values.size() == 3);
  CHECK(values[0].text(1) == "step/loss");
  CHECK(values[0].single(2) == 0.75F);
  CHECK(values[1].single(2) == 1e-3F);
  CHECK(std::isnan(values[2].single(2)));
}

TEST_CASE("a histogram counts by TensorFlow's limits, and empty buckets in a row are one") {
  const Histogram all = histogram_of<float>({0.5F, -1, 0, 0.5F, 2});
  CHECK(all.min == -1);
  CHECK(all.max == 2);
  CHECK(all.count == 5);
  CHECK(all.sum == 2);
  CHECK(all.sum_of_squares == 5.5);
  REQUIRE(all.limit.size() == all.bucket.size());
  CHECK(all.limit.size() <= 10);
  CHECK(all.limit.back() == std::numeric_limits<double>::max());
  double sum = 0, from = -std::numeric_limits<double>::max();
  for (std::size_t i = 0; i < all.limit.size(); ++i) {
    sum += all.bucket[i];
    double inside = 0;
    for (const double value : {0.5, -1.0, 0.0, 0.5, 2.0}) inside += from <= value && value < all.limit[i];
    CHECK(all.bucket[i] == inside);
    if (all.bucket[i] > 0 && from > 1e-12) CHECK(all.limit[i] == doctest::Approx(1.1 * from));
    from = all.limit[i];
  }
  CHECK(sum == 5);
}

TEST_CASE("a histogram is of finite values, the smallest and the largest too") {
  const double infinity = std::numeric_limits<double>::infinity(), most = std::numeric_limits<double>::max();
  const Histogram all = histogram_of<double>({infinity, most, -most, 5e-324, std::nan(""), -infinity});
  CHECK(all.count == 3);
  CHECK(all.min == -most);
  CHECK(all.max == most);
  double sum = 0;
  for (const double count : all.bucket) sum += count;
  CHECK(sum == 3);
  const Histogram none = histogram_of<float>({});
  CHECK(none.count == 0);
  REQUIRE(none.bucket.size() == 1);
  CHECK(none.bucket[0] == 0);
}

TEST_CASE("a histogram, an image and a text have the fields of TensorBoard's messages") {
  const Folder folder;
  EventFile file(folder.path, 0);
  const Histogram histogram = histogram_of<float>({-1, 1, 3});
  file.histogram(5, "parameters/cell/wx", histogram);
  Fields value = last_value(file.path());
  CHECK(value.text(1) == "parameters/cell/wx");
  const Fields proto = value.message(5);
  CHECK(proto.real(1) == -1);
  CHECK(proto.real(2) == 3);
  CHECK(proto.real(3) == 3);
  CHECK(proto.real(4) == 3);
  CHECK(proto.real(5) == 11);
  CHECK(proto.reals(6) == histogram.limit);
  CHECK(proto.reals(7) == histogram.bucket);

  const GreyImage image = checkers(3, 200);
  file.image(6, "views/attention", image, "where it looks");
  value = last_value(file.path());
  CHECK(value.text(1) == "views/attention");
  CHECK(value.message(4).integer(1) == 3);
  CHECK(value.message(4).integer(2) == 200);
  CHECK(value.message(4).integer(3) == 1);
  CHECK(value.message(9).text(3) == "where it looks");
  folder.write("image.png", value.message(4).text(4));
  CHECK(read_png(folder / "image.png").pixels == image.pixels);

  const std::string text(300, 'x');
  file.text(7, "samples", text);
  value = last_value(file.path());
  CHECK(value.text(1) == "samples");
  CHECK(value.message(8).integer(1) == 7);
  CHECK(value.message(8).message(2).message(2).integer(1) == 1);
  CHECK(value.message(8).text(8) == text);
  CHECK(value.message(9).message(1).text(1) == "text");
  CHECK(value.message(9).integer(4) == 2);
}

TEST_CASE("the files of a folder are told by their names; a new one comes after those of a clock that goes ahead") {
  const Folder folder;
  folder.write("events.out.tfevents.x.carousel", "");
  folder.write("events.out.tfevents.12", "");
  CHECK_FALSE(has_event_files(folder.path));
  folder.write("events.out.tfevents.99999999999.carousel", "");
  CHECK(has_event_files(folder.path));
  CHECK(EventFile(folder.path, 0).path() == folder / "events.out.tfevents.100000000000.carousel");
  CHECK_FALSE(has_event_files(folder / "nowhere"));
}

TEST_CASE("a folder that is not there is an error with the file's path") {
  const Folder folder;
  std::string error;
  try {
    const EventFile file(folder / "nowhere", 0);
  } catch (const std::runtime_error& thrown) {
    error = thrown.what();
  }
  CHECK(error.starts_with("write " + (folder / "nowhere/events.out.tfevents.")));
  CHECK(error.ends_with(".carousel: No such file or directory: must be a file that can be written"));
}

TEST_CASE("where the disk is full, the file ends with its last whole record") {
  const Folder folder;
  EventFile file(folder.path, 0);
  file.text(1, "first", "whole");
  const auto size = std::filesystem::file_size(file.path());
  rlimit before{};
  getrlimit(RLIMIT_FSIZE, &before);
  const auto handler = std::signal(SIGXFSZ, SIG_IGN);
  rlimit full = before;
  full.rlim_cur = size + 50;
  setrlimit(RLIMIT_FSIZE, &full);
  std::string error;
  try {
    file.text(2, "second", std::string(1000, 'x'));
  } catch (const std::runtime_error& thrown) {
    error = thrown.what();
  }
  setrlimit(RLIMIT_FSIZE, &before);
  std::signal(SIGXFSZ, handler);
  CHECK(error == "write " + file.path() + ": File too large: must have room on its disk");
  CHECK(std::filesystem::file_size(file.path()) == size);
  CHECK(last_value(file.path()).text(1) == "first");
  file.text(3, "third", "whole");  // when there is room again
  CHECK(events_of(file.path()).size() == 4);
  CHECK(last_value(file.path()).text(1) == "third");
}

TEST_CASE("a code block shows each line as it is") {
  CHECK(as_code_block("a\n\n# b") == "    a\n    \n    # b");
}
