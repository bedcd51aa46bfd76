#pragma once
/// The digits of MNIST, and images as sequences.

#include <optional>
#include <span>
#include <string>
#include <vector>

#include <carousel/lib/tape/tape.hpp>
#include <carousel/tasks/mnist/drawn_digits.hpp>

namespace carousel {

/// Reads images and their labels from two IDX files. Throws std::runtime_error as read_idx does, and for no images, images that
/// are not 28 x 28, another number of labels than of images, or a label above 9.
DigitImages read_digits(const std::string& images, const std::string& labels);

/// What is learned from, and what the result is measured on.
struct DigitSets {
  std::string name;  ///< "MNIST of FOLDER", "drawn digits"
  bool drawn = false;
  DigitImages train, test;
};

/// The files of MNIST that a folder has.
std::vector<std::string> mnist_files(const std::string& folder);
/// Where MNIST lies: in DATA/mnist or in DATA itself, whichever has a file of it. Nothing if neither has.
std::optional<std::string> find_mnist(const std::string& data);
/// Reads the four files train-images-idx3-ubyte, train-labels-idx1-ubyte, t10k-images-idx3-ubyte and t10k-labels-idx1-ubyte, each
/// as it is or with .gz behind its name, also called train-images.idx3-ubyte and so on. Throws std::runtime_error as read_digits
/// does, and for a file that is not there.
DigitSets read_mnist(const std::string& folder);
/// Digits for those who have no MNIST: as many as that to learn from, 2,000 to test with.
DigitSets drawn_sets(Index train);

/// Images as sequences: in what order a net sees their pixels.
class PixelOrder {
 public:
  /// "rows": 28 steps of a row each; "pixels": 784 steps of a pixel each; "permuted": these in one random order, the same for
  /// all images and seeds (Le, Jaitly, Hinton 2015, arXiv:1504.00941, section 4.2).
  static const std::vector<std::string>& names();
  /// Throws std::invalid_argument for another name.
  explicit PixelOrder(const std::string& name);

  Index steps() const { return steps_; }
  Index features() const { return image_size / steps_; }

  /// Where an image is moved to, in pixels.
  struct Shift {
    Index right = 0, down = 0;
  };
  /// Images as a constant of the active tape, 0 paper and 1 ink; shifts, one for each image or none at all, move paper in.
  ///   numbers: those of the images;  result: [steps, images, features]
  template <class T>
  Var<T> enter(const DigitImages& images, std::span<const Index> numbers, std::span<const Shift> shifts = {}) const;

 private:
  Index steps_;
  std::vector<Index> order_;  // the pixel at each place of the sequence
};

}  // namespace carousel
