#include <carousel/lib/training/fit.hpp>
#include <carousel/models/cells/lstm.hpp>
#include <carousel/models/losses/loss.hpp>
#include <carousel/tasks/text/model.hpp>

#include "jobs.hpp"

namespace bench {

using namespace carousel;

namespace {

/// Batches of a training by fit(), and the losses of the first two of all.
class Training {
 public:
  std::vector<double> result() const { return losses_; }

 protected:
  FitOptions options(int shards, int threads) {
    return {.shards = shards, .threads = threads, .after_step = [this](const StepReport& step) {
              if (losses_.size() < 2) losses_.push_back(step.loss);
            }};
  }
  std::vector<double> losses_;
};

/// char-rnn's defaults, as the preset `source` of the task text has them: two layers, a state that goes on from batch to batch,
/// the sum of the loss over time, every element of the gradient clipped, RMSprop. Always two shards.
class Text : Training {
 public:
  using Training::result;
  Text(Size size, int threads)
      : size_(size),
        threads_(threads),
        model_(Scope<float>(registry_, random_), {.hidden = size.hidden, .layers = 2}, all_characters()),
        streams_(symbols(size), size.batch, size.steps) {
    unsigned array = 0;
    for (const char* path :
         {"readout/w", "readout/b", "layer0/wx", "layer0/wh", "layer0/b", "layer1/wx", "layer1/wh", "layer1/b"}) {
      const std::span<float> value = registry_.at(path).change();
      fill(value.data(), value.size(), array++, parameter_scale(size));
    }
    for (Index s = 0; s < 2; ++s) {
      const Shard shard{s, 2};
      const Index streams = shard.last(size.batch) - shard.first(size.batch);
      states_.push_back(model_.start(streams));
      inputs_.emplace_back(streams * size.steps);
      targets_.emplace_back(streams * size.steps);
    }
  }

  void run() {
    FitOptions fitting = options(2, threads_);
    fitting.clip_value = 5;
    const auto loss = [&](const Batch& batch, const Shard& shard) {
      const auto s = static_cast<std::size_t>(shard.index);
      const Index from = shard.first(size_.batch), to = shard.last(size_.batch);
      streams_.fill(batch.index, from, to, inputs_[s].data(), targets_[s].data());
      const Var<float> logits = model_(inputs_[s].data(), size_.steps, to - from, states_[s]);
      return cross_entropy(logits, targets_[s], {.divide_by = static_cast<double>(size_.batch)});
    };
    fit(optimizer_, {.examples = batches * size_.batch, .batch = size_.batch, .shuffle = false}, loss, fitting);
  }

 private:
  static Vocabulary all_characters() {
    std::string all;
    for (char c = '!'; c < '!' + bench::characters; ++c) all += c;
    return Vocabulary::of(all, "the characters");
  }
  static std::vector<std::uint32_t> symbols(Size size) {
    std::vector<std::uint32_t> all(static_cast<std::size_t>(text_batches * size.batch * size.steps));
    for (std::size_t i = 0; i < all.size(); ++i) all[i] = static_cast<std::uint32_t>(symbol(i, bench::characters));
    return all;
  }

  Size size_;
  int threads_;
  Registry<float> registry_;
  Random random_{1};
  TextModel model_;
  Streams streams_;
  RmsProp<float> optimizer_{registry_, {.rate = 2e-3, .alpha = 0.95}};
  std::vector<TextState> states_;
  std::vector<std::vector<std::uint32_t>> inputs_;
  std::vector<std::vector<Index>> targets_;
};

/// The MNIST net of fmscole/lstm_batch: rows of an image as steps, an LSTM whose output is linear in the cell, a read-out without
/// bias of its last output, and a rate for each of the two.
class Mnist : Training {
 public:
  using Training::result;
  Mnist(Size size, int threads)
      : size_(size),
        threads_(threads),
        lstm_(Scope<float>(registry_, random_) / "lstm", size.in, size.hidden),
        readout_(Scope<float>(registry_, random_) / "readout", size.hidden, digits, {.bias = false}),
        images_(static_cast<std::size_t>(batches * size.batch * size.steps * size.in)) {
    fill(registry_, parameter_scale(size));
    fill(images_.data(), images_.size(), input_array);
    optimizer_.group("readout", {.rate = 0.05});
  }

  void run() {
    const Index row = size_.in, image = size_.steps * row;
    const auto loss = [&](const Batch& batch, const Shard& shard) {
      const std::span<const Index> mine = shard.of(batch.examples);
      const auto count = static_cast<Index>(mine.size());
      Tape<float>& tape = Tape<float>::active();
      const Var<float> xs = tape.constant(Shape{size_.steps, count, row});
      float* to = tape.data(xs);
      for (Index t = 0; t < size_.steps; ++t)
        for (const Index example : mine) to = std::copy_n(images_.data() + example * image + t * row, row, to);
      std::vector<Index> labels;
      for (const Index example : mine) labels.push_back(symbol(static_cast<std::size_t>(example), digits));
      return cross_entropy(readout_(last(scan(lstm_, xs).outputs)), labels, {.divide_by = 1});
    };
    fit(optimizer_, {.examples = batches * size_.batch, .batch = size_.batch, .shuffle = false}, loss,
        options(threads_, threads_));
  }

 private:
  Size size_;
  int threads_;
  Registry<float> registry_;
  Random random_{1};
  LstmLinear<float> lstm_;
  Linear<float> readout_;
  std::vector<float> images_;  // [examples, steps, in]
  Sgd<float> optimizer_{registry_, {.rate = 0.001}};
};

}  // namespace

void add_tasks(Jobs& jobs, int threads) {
  jobs["task-text"] = [threads](Size size) { return job<Text>(size, threads); };
  jobs["task-mnist"] = [threads](Size size) { return job<Mnist>(size, threads); };
}

}  // namespace bench
