#include <cstdio>

#include "rows.hpp"

namespace bench {

void inference(Session& session) {
  std::printf("inference: one step of an LSTM at batch 1, input 1, without gradient; microseconds, one thread\n");
  Table steps({"H", "carousel:3", "LSTMCell:3", "/LSTMCell:3"});
  for (const std::ptrdiff_t hidden : {4, 8, 16, 32, 64, 128}) {
    Comparison c(session, "inference", "lstm-step", {1, 1, 1, hidden});
    c.add("carousel", 1, "step-lstm", repeats);
    c.add("libtorch", 1, "step-lstm", repeats);
    c.run(1);
    steps.line(std::to_string(hidden), {1e3 * c.ms("carousel"), 1e3 * c.ms("libtorch"), c.ratio("carousel", "libtorch")});
  }

  std::printf("\ninference: a sequence; ms, one thread\n");
  Table sequences({"T,B,I,H", "carousel:3", "oneDNN:3", "nn::LSTM:3", "/oneDNN:2", "/nn::LSTM:2"});
  std::vector<double> onednn, libtorch;
  for (const std::ptrdiff_t hidden : {64, 128, 256})
    for (const std::ptrdiff_t batch : {1, 64}) {
      const Size size{50, batch, hidden, hidden};
      Comparison c(session, "inference", "lstm", size);
      c.add("carousel", 1, "sequence-lstm");
      c.add("onednn", 1, "sequence-lstm");
      c.add("libtorch", 1, "sequence-lstm");
      c.run(1);
      onednn.push_back(c.ratio("carousel", "onednn"));
      libtorch.push_back(c.ratio("carousel", "libtorch"));
      sequences.line(text(size), {c.ms("carousel"), c.ms("onednn"), c.ms("libtorch"), onednn.back(), libtorch.back()});
    }
  std::printf("geometric means: %.2f of oneDNN, %.2f of nn::LSTM\n\n", geometric_mean(onednn), geometric_mean(libtorch));
}

}  // namespace bench
