#include <carousel/tasks/mnist/data.hpp>

#include <algorithm>
#include <filesystem>
#include <stdexcept>

#include <doctest/doctest.h>

#include "tests/support/folder.hpp"
#include "tests/tasks/idx_files.hpp"

using namespace carousel;
using namespace std::string_literals;

namespace {

/// `count` images, of which number n is filled with the byte n.
std::string filled(std::uint32_t count) {
  std::string pixels;
  for (std::uint32_t n = 0; n < count; ++n) pixels += std::string(image_size, static_cast<char>(static_cast<std::uint8_t>(n)));
  return test::image_file(count, pixels);
}

void write_mnist(const test::Folder& folder, const std::string& below) {
  std::filesystem::create_directories(folder / below);
  test::write_text(folder / (below + "/train-images-idx3-ubyte.gz"), test::gzip(filled(3)));
  test::write_text(folder / (below + "/train-labels-idx1-ubyte"), test::label_file("\x07\x00\x09"s));
  test::write_text(folder / (below + "/t10k-images-idx3-ubyte"), filled(2));
  test::write_text(folder / (below + "/t10k-labels-idx1-ubyte.gz"), test::gzip(test::label_file("\x01\x02"s)));
}

struct Complaint {
  std::string images = filled(3), labels = test::label_file("\x01\x02\x03"s);

  /// What read_digits says, with IMAGES and LABELS for the files' names.
  operator std::string() const {
    const test::Folder folder;
    test::write_text(folder / "IMAGES", images);
    test::write_text(folder / "LABELS", labels);
    try {
      read_digits(folder / "IMAGES", folder / "LABELS");
    } catch (const std::runtime_error& error) {
      std::string what = error.what();
      const std::string prefix = folder / "";
      for (std::size_t at; (at = what.find(prefix)) != std::string::npos;) what.erase(at, prefix.size());
      return what;
    }
    return "nothing";
  }
};

/// An image whose pixel k is k modulo 251.
DigitImages numbered() {
  DigitImages images;
  for (Index k = 0; k < image_size; ++k) images.pixels.push_back(static_cast<std::uint8_t>(k % 251));
  images.labels = {0};
  return images;
}

/// The image as the net sees it, in pixels.
std::vector<Index> seen(const PixelOrder& order, const DigitImages& images, std::vector<PixelOrder::Shift> shifts = {}) {
  Tape<double> tape;
  const Index first = 0;
  const Var<double> xs = order.enter<double>(images, {&first, 1}, shifts);
  CHECK(xs.shape() == Shape{order.steps(), 1, order.features()});
  std::vector<Index> pixels;
  for (Index k = 0; k < image_size; ++k) pixels.push_back(std::lround(255 * tape.data(xs)[k]));
  return pixels;
}

std::vector<Index> pixels_of(const DigitImages& images) {
  return {images.pixels.begin(), images.pixels.end()};
}

}  // namespace

TEST_CASE("the four files of MNIST are read, plain or gzipped, in a folder or in mnist below it") {
  for (const std::string below : {"mnist", "."}) {
    CAPTURE(below);
    const test::Folder folder;
    write_mnist(folder, below);
    const auto found = find_mnist(folder / ".");
    REQUIRE(found);
    const DigitSets sets = read_mnist(*found);
    CHECK_FALSE(sets.drawn);
    CHECK(sets.train.labels == std::vector<std::uint8_t>{7, 0, 9});
    CHECK(sets.test.labels == std::vector<std::uint8_t>{1, 2});
    CHECK(sets.train.image(2)[0] == 2);
    CHECK(sets.train.image(2)[image_size - 1] == 2);
    CHECK(sets.test.image(1)[0] == 1);
  }
}

TEST_CASE("files of MNIST that archives name with a point, or pack into folders of their names, are found") {
  const test::Folder folder;
  write_mnist(folder, ".");
  const auto rename = [&](const char* from, const char* to) { std::filesystem::rename(folder / from, folder / to); };
  std::size_t plain = 0;
  for (const std::string name : {"train-images", "train-labels", "t10k-images", "t10k-labels"}) {
    const std::string kind = name.ends_with("images") ? "idx3-ubyte" : "idx1-ubyte";
    for (const char* const end : {"", ".gz"})
      if (std::filesystem::exists(folder / (name + "-" + kind + end))) {
        rename((name + "-" + kind + end).c_str(), (name + "." + kind + end).c_str());
        if (plain == 0 && *end == '\0') {
          plain = 1;
          const std::string file = name + "." + kind;
          rename(file.c_str(), "moved");
          std::filesystem::create_directory(folder / file);
          rename("moved", (file + "/" + file).c_str());
        }
      }
  }
  CHECK(plain == 1);
  const auto found = find_mnist(folder / ".");
  REQUIRE(found);
  CHECK(mnist_files(*found).size() == 4);
  CHECK(read_mnist(*found).train.labels == std::vector<std::uint8_t>{7, 0, 9});
}

TEST_CASE("a folder without MNIST has none; one with a part of it is refused, with the name of what lacks") {
  const test::Folder folder;
  CHECK_FALSE(find_mnist(folder / "."));
  CHECK_FALSE(find_mnist(folder / "none"));
  write_mnist(folder, "mnist");
  std::filesystem::remove(folder / "mnist/t10k-images-idx3-ubyte");
  const auto found = find_mnist(folder / ".");
  REQUIRE(found);
  CHECK_THROWS_WITH_AS(
      read_mnist(*found),
      ("read " + *found + ": t10k-images-idx3-ubyte is not there: must be, or with .idx for -idx in its name, or .gz behind it")
          .c_str(),
      std::runtime_error);
}

TEST_CASE("images and labels that do not fit are refused in one line") {
  CHECK(std::string(Complaint{.images = filled(4)}) == "read LABELS: 3 labels for the 4 images of IMAGES: must be as many");
  CHECK(std::string(Complaint{.labels = test::label_file("\x01\x0a\x03"s)}) ==
        "read LABELS: label 10 of image 1: must be 0 to 9");
  CHECK(std::string(Complaint{.labels = test::label_file("\x01\x02\xff"s)}) ==
        "read LABELS: label 255 of image 2: must be 0 to 9");
  CHECK(std::string(Complaint{.images = test::idx_file({8, 3}, {3, 27, 28}, std::string(3 * 27 * 28, '\0'))}) ==
        "read IMAGES: images of 27 x 28: must be 28 x 28");
  CHECK(std::string(Complaint{.images = filled(0), .labels = test::label_file("")}) ==
        "read IMAGES: has no images: must have one at least");
  CHECK(std::string(Complaint{.images = test::label_file("\x01"s + std::string(20, '\0'))}) ==
        "read IMAGES: begins with 00 00 08 01: must begin with 00 00 08 03, as IDX files of bytes with 3 axes do");
  CHECK(std::string(Complaint{.labels = filled(1)}) ==
        "read LABELS: begins with 00 00 08 03: must begin with 00 00 08 01, as IDX files of bytes with 1 axis do");
  CHECK(std::string(Complaint{.images = filled(3).substr(0, 1000)}) ==
        "read IMAGES: ends after 984 values: must have 2352, as its header says [3, 28, 28]");
}

TEST_CASE("an image is 28 steps of a row each, or 784 of a pixel each, from 0 to 1") {
  const DigitImages images = numbered();
  const PixelOrder rows("rows"), pixels("pixels");
  CHECK(rows.steps() == 28);
  CHECK(rows.features() == 28);
  CHECK(pixels.steps() == 784);
  CHECK(pixels.features() == 1);
  CHECK(seen(rows, images) == pixels_of(images));
  CHECK(seen(pixels, images) == pixels_of(images));
}

TEST_CASE("permuted pixels are all pixels of an image in another order, always the same") {
  DigitImages places;  // the pixels' rows and columns: two images by which each place is known
  for (Index k = 0; k < 2 * image_size; ++k)
    places.pixels.push_back(static_cast<std::uint8_t>(k < image_size ? k / image_side : k % image_side));
  places.labels = {0, 1};
  const auto order_of = [&](const PixelOrder& order) {
    Tape<double> tape;
    const Index both[] = {0, 1};
    const Var<double> xs = order.enter<double>(places, both);
    std::vector<Index> places_seen;
    for (Index k = 0; k < image_size; ++k)
      places_seen.push_back(image_side * std::lround(255 * tape.data(xs)[2 * k]) + std::lround(255 * tape.data(xs)[2 * k + 1]));
    return places_seen;
  };
  std::vector<Index> order = order_of(PixelOrder("permuted"));
  CHECK(order == order_of(PixelOrder("permuted")));
  CHECK_FALSE(std::is_sorted(order.begin(), order.end()));
  std::sort(order.begin(), order.end());
  for (Index k = 0; k < image_size; ++k) CHECK(order[static_cast<std::size_t>(k)] == k);
}

TEST_CASE("images stand side by side in each step") {
  DigitImages images;
  images.pixels.assign(3 * image_size, 0);
  for (std::size_t n = 0; n < 3; ++n) images.pixels[n * image_size + 28 * 5 + 7] = static_cast<std::uint8_t>(51 * (n + 1));
  images.labels = {0, 1, 2};
  Tape<float> tape;
  const Index numbers[] = {2, 0};
  const Var<float> xs = PixelOrder("rows").enter<float>(images, numbers);
  CHECK(xs.shape() == Shape{28, 2, 28});
  CHECK(tape.data(xs)[(5 * 2 + 0) * 28 + 7] == 0.6F);
  CHECK(tape.data(xs)[(5 * 2 + 1) * 28 + 7] == 0.2F);
}

TEST_CASE("a moved image has paper where nothing moved in") {
  const DigitImages images = numbered();
  const PixelOrder rows("rows");
  CHECK(seen(rows, images, {{0, 0}}) == pixels_of(images));
  const std::vector<Index> moved = seen(rows, images, {{.right = 2, .down = -1}});
  for (Index y = 0; y < image_side; ++y)
    for (Index x = 0; x < image_side; ++x) {
      CAPTURE(y);
      CAPTURE(x);
      const bool paper = x < 2 || y == image_side - 1;
      CHECK(moved[static_cast<std::size_t>(y * image_side + x)] == (paper ? 0 : ((y + 1) * image_side + x - 2) % 251));
    }
}

TEST_CASE("an order of pixels by another name is refused") {
  CHECK_THROWS_WITH_AS(PixelOrder("columns"), "pixel order columns: must be rows, pixels or permuted", std::invalid_argument);
}
