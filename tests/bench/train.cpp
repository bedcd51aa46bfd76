#include <cmath>
#include <cstdio>

#include "rows.hpp"

namespace bench {

namespace {

/// Operations in the products of a training step: forward, and backward two for each of those. The blocks are the columns of the
/// weights in units of `hidden`.
double operations(Size s, int blocks) {
  return 3 * 2.0 * static_cast<double>(s.steps * s.batch * (s.in + s.hidden) * s.hidden * blocks);
}

}  // namespace

void train_lstm(Session& session) {
  std::vector<Comparison> all;
  std::vector<double> onednn, native, eager, shards, shards_onednn;
  std::printf(
      "train-lstm: a training step of an LSTM, loss on all steps, gradients of weights, bias and input; ms, one thread\n");
  Table one({"T,B,I,H", "carousel:3", "oneDNN:3", "nn::LSTM:3", "eager:3", "/oneDNN:2", "/nn::LSTM:2", "/eager:2", "of peak:2",
             "peak GF/s:0"});
  for (const Size& size : training_sizes) {
    Comparison& c = all.emplace_back(session, "train-lstm", "lstm", size);
    for (int threads = 1; threads <= 2; ++threads) {
      if (threads == 1 || size.batch > 1) c.add("carousel", threads, "train-lstm");  // a batch of one is not divided
      c.add("onednn", threads, "train-lstm");
      c.add("libtorch", threads, "train-nn-lstm");
      c.add("libtorch-eager", threads, "train-lstm");
    }
    c.add_peak();
    c.run(3);
    const double gflops = operations(size, 4) / c.ms("carousel") / 1e6;
    one.line(text(size),
             {c.ms("carousel"), c.ms("onednn"), c.ms("libtorch"), c.ms("libtorch-eager"), c.ratio("carousel", "onednn"),
              c.ratio("carousel", "libtorch"), c.ratio("carousel", "libtorch-eager"), gflops / c.peak_gflops(), c.peak_gflops()});
    if (size.batch > 1) onednn.push_back(c.ratio("carousel", "onednn"));
    native.push_back(c.ratio("carousel", "libtorch"));
    eager.push_back(c.ratio("carousel", "libtorch-eager"));
  }
  std::printf("geometric means: %.2f of oneDNN beyond batch 1; %.2f of nn::LSTM, %.2f of eager\n\n", geometric_mean(onednn),
              geometric_mean(native), geometric_mean(eager));

  std::printf("train-lstm: the same, two threads (carousel: half of the batch on each)\n");
  Table two({"T,B,I,H", "carousel:3", "oneDNN:3", "nn::LSTM:3", "eager:3", "/carousel 1:2", "/best oneDNN:2"});
  for (std::size_t i = 0; i < all.size(); ++i) {
    const Comparison& c = all[i];
    const double best = std::fmin(c.ms("onednn", 1), c.ms("onednn", 2)), to_one = c.ms("carousel", 2) / c.ms("carousel", 1);
    two.line(text(training_sizes[i]), {c.ms("carousel", 2), c.ms("onednn", 2), c.ms("libtorch", 2), c.ms("libtorch-eager", 2),
                                       to_one, c.ms("carousel", 2) / best});
    if (training_sizes[i].batch > 1) shards.push_back(to_one), shards_onednn.push_back(c.ms("carousel", 2) / best);
  }
  std::printf("geometric means beyond batch 1: %.2f of one thread; %.2f of oneDNN with its better number of threads\n\n",
              geometric_mean(shards), geometric_mean(shards_onednn));
}

void train_cells(Session& session) {
  constexpr struct {
    const char* cell;
    int blocks;  // columns of the weights in units of `hidden`
  } cells[] = {{"gru", 3}, {"peephole", 4}, {"layer-norm", 4}, {"minimal-gated", 2}, {"tanh", 1}};
  std::printf(
      "train-cells: a training step of other cells; ms, one thread; at last the time per operation of the products, over that of "
      "the LSTM\n");
  for (const auto& [cell, blocks] : cells) {
    Table table({cell, "carousel:3", "eager:3", "/eager:2", "/LSTM per op:2"});
    std::vector<double> eager;
    for (const Size& size : training_sizes) {
      Comparison c(session, "train-cells", cell, size);
      const std::string job = std::string("train-") + cell;
      c.add("carousel", 1, job);
      c.add("libtorch-eager", 1, job);
      c.add_aside("lstm", "carousel", "train-lstm");
      c.run(1);
      eager.push_back(c.ratio("carousel", "libtorch-eager"));
      table.line(text(size), {c.ms("carousel"), c.ms("libtorch-eager"), eager.back(), c.ratio("carousel", "lstm") * 4 / blocks});
    }
    std::printf("geometric mean: %.2f of eager\n\n", geometric_mean(eager));
  }
}

}  // namespace bench
