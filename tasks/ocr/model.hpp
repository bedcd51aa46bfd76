#pragma once
/// A net that reads a line of digits from an image: convolutions make columns of it, recurrent layers read these, from both ends
/// with options.bidirectional, and one of two heads, or both, says which digits stand there.
///
/// The head `ctc` names a digit or nothing at each column: Shi, Bai, Yao 2015, arXiv:1507.05717. The head `attention` writes the
/// line digit by digit, and looks back at the columns before each; it starts from where the recurrent layers ended. With both the
/// loss is 0.8 of the first and 0.2 of the second, as in ray075hl/attention-ocr-toy-example: Kim, Hori, Watanabe 2017,
/// arXiv:1609.06773, eq. (15).

#include <optional>
#include <string>
#include <vector>

#include <carousel/models/decoding/encoder_decoder.hpp>
#include <carousel/models/layers/conv.hpp>
#include <carousel/tasks/nets/layers.hpp>
#include <carousel/tasks/ocr/printed_digits.hpp>

namespace carousel {

/// attention, ctc, both.
const std::vector<std::string>& ocr_heads();

struct OcrOptions : TrainOptions {
  std::string head = "attention";      ///< one of ocr_heads()
  std::string attention = "additive";  ///< additive, multiplicative
  Index channels = 16;                 ///< of the first convolution; the others have them twice, four times, …
  Index images = 0;                    ///< in an epoch
  double jitter = 1;                   ///< see PrintOptions
  std::string fonts = {};              ///< folder of fonts; empty: those of load_faces()
};

/// Images as a constant of the active tape, each with mean 0 and deviation 1 (one of a single colour: 0): how bright the paper is
/// and how dark the ink is not seen.
///   result: [images, 1, height, width]
Var<float> enter_images(std::span<const GreyImage> images);

using Digits = std::vector<Index>;
/// "3141".
std::string digits_text(const Digits& digits);

/// Digits, and how probable the net holds them.
struct OcrReading {
  Digits digits;
  double probability;
};

/// What the head attention writes, up to the end or as many as it may; and where it looked.
struct OcrLook {
  std::vector<Index> symbols;               ///< with the end, if it came to it
  std::vector<std::vector<float>> weights;  ///< of each: over the columns, 1 in all
};

/// One convolution, a rectifier, and pooling.
struct OcrStage {
  Index channels, size, padding;  // of the convolution
  Index pool_rows, pool_columns;  // pixels that become one; 1: none
};
/// The stages for images of 32 rows, by preset: default, 3 x 3 convolutions from 32 x 120 to 2 x 30; source, those of the
/// original, to 1 x 29.
std::vector<OcrStage> ocr_stages(const OcrOptions& options);

class OcrModel {
 public:
  static constexpr Index height = 32, width = 120;  ///< of an image
  static constexpr Index most_digits = 8;           ///< that the head attention writes
  static constexpr Index end = 10;                  ///< its symbol behind the last digit; and the blank of the head ctc

  OcrModel(Scope<float> p, const OcrOptions& options);

  bool has_ctc() const { return ctc_.has_value(); }
  bool has_attention() const { return decoder_.has_value(); }

  /// The loss of some lines, each the mean over its symbols for the head attention, and −ln p of its digits for the head ctc;
  /// summed over the lines and divided.
  Var<float> loss(std::span<const PrintedLine> lines, double divide_by, const std::optional<DropoutKey>& key = {}) const;

  /// What it reads, by the head ctc or by attention, one that it has: the likeliest digits that a beam of 4 finds.
  ///   images: of `height` x `width`
  std::vector<OcrReading> read(std::span<const GreyImage> images, bool by_ctc) const;
  /// Where the head attention, which it has, looks in one image while it writes what read() has found there.
  OcrLook look(const GreyImage& image, const Digits& found) const;
  /// How probable the head ctc, which it has, holds each symbol at each column of one image: [columns, digits and blank].
  std::vector<std::vector<float>> column_chances(const GreyImage& image) const;

 private:
  /// The columns of images, as the recurrent layers see them.
  struct Columns {
    Var<float> states;  // [columns, images, features]
    StackedState<AnyState<float>> end;
  };
  Columns look_at(Var<float> images, const std::optional<DropoutKey>& key) const;
  Var<float> attention_loss(const Columns& columns, std::span<const PrintedLine> lines, double divide_by,
                            const std::optional<DropoutKey>& key) const;

  std::vector<OcrStage> stages_;
  std::vector<Conv2d<float>> convolutions_;
  Layers<float> encoder_;
  std::optional<Decoder<float>> decoder_;
  std::optional<Linear<float>> ctc_;
};

/// How many insertions, deletions and exchanges make one of the other. Levenshtein 1966.
Index edit_distance(const Digits& a, const Digits& b);

struct OcrAccuracy {
  double strings = 0;     ///< share of lines read without a fault
  double characters = 0;  ///< 1 − edit distances / digits, at least 0
};
OcrAccuracy accuracy(std::span<const OcrReading> read, std::span<const PrintedLine> right);

}  // namespace carousel
