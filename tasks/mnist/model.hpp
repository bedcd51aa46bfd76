#pragma once
/// A net that reads a digit as a sequence and says which it is.

#include <array>
#include <string>
#include <vector>

#include <carousel/models/cells/any_cell.hpp>
#include <carousel/models/layers/linear.hpp>
#include <carousel/tasks/base/options.hpp>
#include <carousel/tasks/mnist/data.hpp>

namespace carousel {

struct MnistOptions : TrainOptions {
  bool pixels = false, permuted = false;  // how the net sees an image: see order()
  double readout_rate = 0;                // 0: as rate
  Index shift = 0;                        // most pixels by which an image of the training is moved
  Index images = 0;                       // of the training set, with those to validate on; 0: all
  Index validation = 0;                   // of these, the last so many

  std::string order() const { return permuted ? "permuted" : pixels ? "pixels" : "rows"; }
};

/// Recurrent layers and a read-out of what they know at the end.
template <class T>
class MnistModel {
 public:
  /// Preset source: the read-out has no bias and, as the layers of a cell with four gates, starts as in lstm_batch.
  MnistModel(Registry<T>& registry, const MnistOptions& options);

  const PixelOrder& order() const { return order_; }

  /// Logits of the digits.
  ///   xs: [steps, batch, features], of order();  result: [batch, digit_count]
  ///   key: of dropout, without one the model is in use
  Var<T> operator()(Var<T> xs, const std::optional<DropoutKey>& key = {}) const;

 private:
  MnistModel(Registry<T>& registry, const MnistOptions& options, Random random);
  void start_as_source(Registry<T>& registry, std::uint32_t seed);

  PixelOrder order_;
  double dropout_;
  std::vector<AnyCell<T>> forward_, backward_;  // by layer; backward: none, or as many
  Linear<T> readout_;
};

/// How often digits were taken for others: row true, column predicted.
struct Confusion {
  std::array<std::array<Index, digit_count>, digit_count> counts{};

  Index right() const;
  Index all() const;
  double accuracy() const { return static_cast<double>(right()) / static_cast<double>(all()); }
};
/// A table with a line for each digit.
std::string text(const Confusion& confusion);

/// The likeliest digit of each row of logits: [batch, digit_count].
template <class T>
std::vector<Index> likeliest(Var<T> logits);

/// A digit, and how probable a model holds it.
struct DigitReading {
  Index digit;
  double probability;
};
/// What a model takes images for, from `first` to `last` − 1.
template <class T>
std::vector<DigitReading> read_images(const MnistModel<T>& model, const DigitImages& images, Index first, Index last);
/// What it makes of images whose labels are known; `readings`, where it is given, gets those of read_images().
template <class T>
Confusion measure(const MnistModel<T>& model, const DigitImages& images, Index first, Index last,
                  std::vector<DigitReading>* readings = nullptr);

extern template class MnistModel<float>;
extern template class MnistModel<double>;

}  // namespace carousel
