#include <carousel/tasks/mnist/data.hpp>

#include <algorithm>
#include <array>
#include <filesystem>
#include <numeric>

#include <carousel/lib/numbers/random.hpp>
#include <carousel/tasks/base/idx.hpp>

namespace carousel {

namespace {

constexpr const char* file_names[] = {"train-images-idx3-ubyte", "train-labels-idx1-ubyte", "t10k-images-idx3-ubyte",
                                      "t10k-labels-idx1-ubyte"};

/// Of that name or, as some archives call it, with a point for its last hyphen but one; as it is or packed; or in a folder of its
/// name.
std::optional<std::string> find_file(const std::string& folder, const std::string& name) {
  std::string dotted = name;
  dotted[dotted.find("-idx")] = '.';
  std::error_code not_there;
  for (const std::string& one : {name, dotted})
    for (const std::string& path : {one, one + ".gz", one + "/" + one, one + "/" + name, one + "/" + dotted})
      if (std::string whole = folder + "/" + path; std::filesystem::is_regular_file(whole, not_there)) return whole;
  return std::nullopt;
}

}  // namespace

DigitImages read_digits(const std::string& images, const std::string& labels) {
  IdxBytes pixels = read_idx(images, 3), digits = read_idx(labels, 1);
  const Index count = pixels.shape[0];
  if (count == 0) bad_file("read ", images, ": has no images: must have one at least");
  if (pixels.shape[1] != image_side || pixels.shape[2] != image_side)
    bad_file("read ", images, ": images of ", pixels.shape[1], " x ", pixels.shape[2], ": must be 28 x 28");
  if (digits.shape[0] != count)
    bad_file("read ", labels, ": ", digits.shape[0], " labels for the ", count, " images of ", images, ": must be as many");
  const auto bad = std::find_if(digits.values.begin(), digits.values.end(), [](std::uint8_t label) { return label > 9; });
  if (bad != digits.values.end())
    bad_file("read ", labels, ": label ", int{*bad}, " of image ", bad - digits.values.begin(), ": must be 0 to 9");
  return {std::move(pixels.values), std::move(digits.values)};
}

std::vector<std::string> mnist_files(const std::string& folder) {
  std::vector<std::string> files;
  for (const char* name : file_names)
    if (const std::optional<std::string> file = find_file(folder, name)) files.push_back(*file);
  return files;
}

std::optional<std::string> find_mnist(const std::string& data) {
  for (const std::string& folder : {data + "/mnist", data})
    if (!mnist_files(folder).empty()) return folder;
  return std::nullopt;
}

DigitSets read_mnist(const std::string& folder) {
  std::array<std::string, 4> paths;
  for (std::size_t i = 0; i < paths.size(); ++i) {
    const std::optional<std::string> path = find_file(folder, file_names[i]);
    if (!path)
      bad_file("read ", folder, ": ", file_names[i],
               " is not there: must be, or with .idx for -idx in its name, or .gz behind it");
    paths[i] = *path;
  }
  return {"MNIST of " + folder, false, read_digits(paths[0], paths[1]), read_digits(paths[2], paths[3])};
}

DigitSets drawn_sets(Index train) {
  return {"drawn digits", true, draw_digits("train", train), draw_digits("test", 2000)};
}

const std::vector<std::string>& PixelOrder::names() {
  static const std::vector<std::string> names = {"rows", "pixels", "permuted"};
  return names;
}

PixelOrder::PixelOrder(const std::string& name) : steps_(name == "rows" ? image_side : image_size), order_(image_size) {
  if (std::find(names().begin(), names().end(), name) == names().end())
    wrong_argument("pixel order ", name, ": must be rows, pixels or permuted");
  std::iota(order_.begin(), order_.end(), Index{0});
  if (name == "permuted") Random(0).split("permuted pixels").shuffle(order_);
}

template <class T>
Var<T> PixelOrder::enter(const DigitImages& images, std::span<const Index> numbers, std::span<const Shift> shifts) const {
  static const auto scaled = [] {
    std::array<T, 256> values;
    for (std::size_t i = 0; i < values.size(); ++i) values[i] = static_cast<T>(static_cast<double>(i) / 255);
    return values;
  }();
  Tape<T>& tape = Tape<T>::active();
  const auto count = static_cast<Index>(numbers.size());
  const Index features = this->features();
  const Var<T> xs = tape.constant(Shape{steps_, count, features});
  T* const to = tape.data(xs);
  std::array<std::uint8_t, image_size> moved;
  for (Index n = 0; n < count; ++n) {
    const std::uint8_t* pixels = images.image(numbers[static_cast<std::size_t>(n)]);
    if (!shifts.empty()) {
      const auto [right, down] = shifts[static_cast<std::size_t>(n)];
      for (Index y = 0; y < image_side; ++y)
        for (Index x = 0; x < image_side; ++x) {
          const Index from_x = x - right, from_y = y - down;
          const bool inside = from_x >= 0 && from_x < image_side && from_y >= 0 && from_y < image_side;
          moved[static_cast<std::size_t>(y * image_side + x)] = inside ? pixels[from_y * image_side + from_x] : std::uint8_t{0};
        }
      pixels = moved.data();
    }
    for (Index t = 0; t < steps_; ++t)
      for (Index k = 0; k < features; ++k)
        to[(t * count + n) * features + k] = scaled[pixels[order_[static_cast<std::size_t>(t * features + k)]]];
  }
  return xs;
}

template Var<float> PixelOrder::enter(const DigitImages&, std::span<const Index>, std::span<const Shift>) const;
template Var<double> PixelOrder::enter(const DigitImages&, std::span<const Index>, std::span<const Shift>) const;

}  // namespace carousel
