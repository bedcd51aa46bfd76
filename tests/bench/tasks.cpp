#include <cstdio>

#include "rows.hpp"

namespace bench {

void tasks(Session& session) {
  std::printf("tasks: char-rnn's defaults on text with 65 characters; ms per batch\n");
  Table text_table({"threads", "carousel:2", "nn::LSTM:2", "/nn::LSTM:2"});
  Comparison text_task(session, "tasks", "text", {50, 50, characters, 128});
  for (int threads = 1; threads <= 2; ++threads) {
    text_task.add("carousel", threads, "task-text", batches);
    text_task.add("libtorch", threads, "task-text", batches);
  }
  text_task.run(4);
  for (int threads = 1; threads <= 2; ++threads)
    text_table.line(std::to_string(threads), {text_task.ms("carousel", threads), text_task.ms("libtorch", threads),
                                              text_task.ratio("carousel", "libtorch", threads)});

  const Size size{28, 10, 28, 100};
  std::printf(
      "\ntasks: lstm_batch's MNIST; microseconds per sample (the numpy program 730, a fused rewrite of it in numpy 170 to 270, "
      "elsewhere)\n");
  Table mnist_table({"threads", "carousel:2", "eager:2", "/eager:2"});
  Comparison mnist(session, "tasks", "mnist", size);
  const double samples = static_cast<double>(batches * size.batch);
  for (int threads = 1; threads <= 2; ++threads) {
    mnist.add("carousel", threads, "task-mnist", samples);
    mnist.add("libtorch-eager", threads, "task-mnist", samples);
  }
  mnist.run(3);
  for (int threads = 1; threads <= 2; ++threads)
    mnist_table.line(std::to_string(threads), {1e3 * mnist.ms("carousel", threads), 1e3 * mnist.ms("libtorch-eager", threads),
                                               mnist.ratio("carousel", "libtorch-eager", threads)});
  std::printf("\n");
}

}  // namespace bench
