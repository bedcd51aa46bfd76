#pragma once
/// The net of the tasks copy, reverse and sort: an encoder reads a list, a decoder writes another one of the same length.
/// Sutskever, Vinyals, Le 2014, arXiv:1409.3215; with attention, Bahdanau, Cho, Bengio 2015, arXiv:1409.0473.

#include <string>
#include <vector>

#include <carousel/models/decoding/encoder_decoder.hpp>
#include <carousel/tasks/lists/data.hpp>
#include <carousel/tasks/nets/layers.hpp>

namespace carousel {

/// The options of the three tasks.
struct ListOptions : TrainOptions {
  std::string attention = "additive";  ///< one of attention_names()
  std::string teacher_forcing = "on";  ///< on: the decoder reads the right number before, off: the one that it made
  bool as_strings = false;             ///< sort compares digits from the left
  Index embedding = 0;                 ///< features of a number
  Index length = 10;                   ///< of lists to train on
  Index longer = 0;                    ///< of lists to see how far it generalises; 0: twice as long, within the range
  Index range = 20;                    ///< lists hold numbers below it
  Index lists = 0;                     ///< in an epoch
};

/// none, additive, multiplicative.
const std::vector<std::string>& attention_names();

/// With x the embedding of the number before (0 at first) and c the context that the state before finds among the encoder's:
///   h' = decoder([x, c], h);  logits = [h', c] W + b
/// The decoder starts from the encoder's last state; of a bidirectional one from the sum of both directions'.
///
/// The source's net differs: the decoder reads max(0, [x, c]), and logits are of h' alone; with attention it starts from 0, and
/// additive scores are vᵀ max(0, q Wq + s Wk).
class ListModel {
 public:
  ListModel(Scope<float> p, const ListOptions& options);

  /// Makes lists, each number the likeliest.
  ///   lists: [length, batch] row by row
  ///   forced: empty, or the right numbers, of that shape, of which the decoder reads each in place of the one that it made
  ///   key: for dropout between layers; none: the model is in use
  Decoded<float> operator()(std::span<const Index> lists, Index batch, std::span<const Index> forced = {},
                            const std::optional<DropoutKey>& key = {}) const;

 private:
  Embedding<float> embedding_;
  Layers<float> encoder_;
  Decoder<float> decoder_;
  bool from_zero_;  // the decoder's start
};

/// Shares of what was made that is right.
struct ListAccuracy {
  double tokens = 0, strings = 0;  ///< of numbers at their places; of whole lists
};

/// Makes something of lists of any lengths, in their order.
std::vector<List> make_lists(const ListModel& model, std::span<const List> lists);
ListAccuracy accuracy(std::span<const List> made, std::span<const List> right);

/// The weights of attention for one list: row by row those of a number made, over the numbers read.
struct Attending {
  List made;
  std::vector<std::vector<float>> weights;  ///< without attention none
};
Attending attend_to(const ListModel& model, const List& list);

}  // namespace carousel
