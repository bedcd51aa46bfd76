#pragma once
/// Text as a sequence of symbols, cut into streams for stateful training, as char-rnn does.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <carousel/lib/numbers/shape.hpp>
#include <carousel/tasks/base/metric.hpp>

namespace carousel {

/// The characters that a model knows, sorted by code point; a symbol is a place in that order.
class Vocabulary {
 public:
  Vocabulary() = default;
  /// Those that occur in the text; throws std::runtime_error for text that is not UTF-8, `name` and the line in the message.
  static Vocabulary of(std::string_view text, const std::string& name);

  Index size() const { return static_cast<Index>(code_points_.size()); }
  /// The symbols of a text; throws std::runtime_error if it is not UTF-8 or has a character that is not among these. `line` is
  /// the number of its first line, for errors.
  std::vector<std::uint32_t> encode(std::string_view text, const std::string& name, Index line = 1) const;
  /// The character as UTF-8.
  std::string decode(std::uint32_t symbol) const;
  /// All characters in order, as UTF-8: `Vocabulary::of` of it is the same vocabulary.
  std::string characters() const;

 private:
  std::vector<char32_t> code_points_;
};

/// A text as `batch` streams that are read side by side, `steps` symbols at a time: batch i continues where batch i − 1 stopped,
/// so that the state of a net carries over. The target of a symbol is the next one; that of the last is the first of all. The
/// last batches, 5 % of them, are for validation (char-rnn: the text is cut to whole batches, and 95 % of them, rounded down,
/// train).
class Streams {
 public:
  /// Throws std::invalid_argument if the text, of that name, is too short for one batch of each kind.
  Streams(std::vector<std::uint32_t> symbols, Index batch, Index steps, double train_part = 0.95,
          const std::string& name = "text");

  Index batch() const { return batch_; }
  Index steps() const { return steps_; }
  Index train_batches() const { return train_; }
  Index batches() const { return batches_; }

  /// Inputs and targets of the streams [from, to) in a batch, in the order [steps, to − from].
  void fill(Index batch, Index from, Index to, std::uint32_t* inputs, Index* targets) const;

 private:
  std::vector<std::uint32_t> symbols_;
  Index batch_, steps_, batches_, train_, stream_;
};

/// Guessing each character by how often it occurs among those to learn from: a model of order 0, which counts each of the
/// `characters` once more than it occurs. Its loss is the cross-entropy in nats per character.
Baseline frequency_baseline(const Streams& streams, Index characters);

}  // namespace carousel
