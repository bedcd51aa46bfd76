#include <cstdio>

#include "rows.hpp"

namespace bench {

void tape(Session& session) {
  constexpr struct {
    const char* statement;
    const char* job;
  } statements[] = {{"a+b", "tape-sum"}, {"five-functions", "tape-five"}};
  std::printf(
      "tape: a + b, and a + tanh(sigmoid(a) * exp(b)), on [1, 8] arrays, forward and backward; nanoseconds, one thread\n");
  Table nodes({"statement", "carousel:1", "eager:1", "/eager:3"});
  for (const auto& [statement, job] : statements) {
    Comparison c(session, "tape", statement, {1, 1, 8, 8});
    c.add("carousel", 1, job, repeats);
    c.add("libtorch-eager", 1, job, repeats);
    c.run(2);
    nodes.line(statement, {1e6 * c.ms("carousel"), 1e6 * c.ms("libtorch-eager"), c.ratio("carousel", "libtorch-eager")});
  }

  std::printf("\ntape: growth of the peak of resident memory in a training step of an LSTM; MB, each in a process of its own\n");
  Table bytes({"T,B,I,H", "carousel:1", "nn::LSTM:1", "eager:1", "/nn::LSTM:2", "/eager:2"});
  for (const Size& size : training_sizes) {
    const double ours = session.memory("carousel", "train-lstm", size),
                 native = session.memory("libtorch", "train-nn-lstm", size),
                 eager = session.memory("libtorch-eager", "train-lstm", size);
    bytes.line(text(size), {ours / 1e6, native / 1e6, eager / 1e6, ours / native, ours / eager});
  }
  std::printf("\n");
}

}  // namespace bench
