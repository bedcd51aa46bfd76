#include <carousel/tasks/training/training_progress.hpp>

#include <numeric>

#include <doctest/doctest.h>

#include <carousel/tasks/base/metric.hpp>
#include <carousel/tasks/base/terminal.hpp>

using namespace carousel;

namespace {

TrainingState state() {
  std::vector<double> losses(100);
  std::iota(losses.rbegin(), losses.rend(), 100.0);
  return {.epoch = 3,
          .epochs = 40,
          .step = 12,
          .steps = 500,
          .loss = 0.1234,
          .metric = Metric{"validation_loss", 0.2011},
          .steps_per_second = 13.94,
          .losses = losses};
}

/// The columns of a line: its characters without colours.
Index columns(const std::string& line) {
  Index count = 0;
  for (std::size_t i = 0; i < line.size(); ++i) {
    if (line[i] == '\033')
      i = line.find('m', i);
    else if ((static_cast<unsigned char>(line[i]) & 0xc0) != 0x80)
      ++count;
  }
  return count;
}

bool has(const std::string& line, const char* word) {
  return line.find(word) != std::string::npos;
}

}  // namespace

TEST_CASE("the line of a training says all of it in a file") {
  CHECK(progress_line(state()) == "epoch  3/40  step  12/500  loss 0.1234  validation_loss 0.2011  13.9 steps/s  22:42 left");
  TrainingState first{.epoch = 1, .epochs = 2, .step = 1, .steps = 3, .loss = 5e-5};
  CHECK(progress_line(first) == "epoch 1/2  step 1/3  loss 5.00e-05");
  first.steps_per_second = 0.001, first.doing = "validating";
  CHECK(progress_line(first) == "epoch 1/2  step 1/3  loss 5.00e-05  0.0 steps/s  validating");
}

TEST_CASE("on a terminal it has a bar and the course of the loss") {
  TrainingState half = state();
  half.epoch = 21, half.step = 0;
  const std::string wide = progress_line(half, {.columns = 200, .utf8 = true});
  CHECK(wide ==
        "epoch 21/40  ━━━━━━━━━━━━━━━───────────────  step   0/500  loss 0.1234 ██▇▇▇▆▆▆▆▅▅▅▄▄▄▃▃▃▃▂▂▂▁▁  validation_loss 0.2011 "
        " 13.9 steps/s  11:57 left");
  CHECK(progress_line(half, {.columns = 80, .utf8 = true}) ==
        "epoch 21/40  ━━━━─────  loss 0.1234 █▇▆▅▃▂▁  validation_loss 0.2011  11:57 left");
  CHECK(progress_line(half, {.columns = 80}) ==
        "epoch 21/40  ====-----  loss 0.1234 ^~~-.._  validation_loss 0.2011  11:57 left");
  CHECK(progress_line(half, {.columns = 80, .utf8 = true, .colours = true}) ==
        "epoch 21/40  \033[36m━━━━\033[0m\033[2m─────\033[0m  loss 0.1234 \033[32m█▇▆▅▃▂▁\033[0m  validation_loss 0.2011  11:57 "
        "left");
  CHECK(progress_line(half, {.columns = 40, .utf8 = true}) == "epoch 21/40  loss 0.1234  11:57 left");
}

TEST_CASE("it never fills a line, however narrow that is, and what is narrower says less") {
  for (const bool utf8 : {false, true})
    for (const bool colours : {false, true}) {
      std::size_t words = 0;
      for (Index width = 1; width < 200; ++width) {
        CAPTURE(width);
        const std::string line = progress_line(state(), {.columns = width, .utf8 = utf8, .colours = colours});
        CHECK(columns(line) < width);
        CHECK(has(line, "loss 0.1234") == (width > 11));
        const auto now = static_cast<std::size_t>(has(line, "epoch")) + has(line, "left") + has(line, "validation");
        CHECK(now >= words);
        words = now;
      }
      CHECK(words == 3);
    }
}

TEST_CASE("a bar is full when all is done") {
  TrainingState end = state();
  end.epoch = 40, end.step = 500;
  const std::string line = progress_line(end, {.columns = 80});
  CHECK(has(line, "  ==========  "));
  CHECK(has(line, "0:00 left"));
}

TEST_CASE("a time is shown as by a clock") {
  CHECK(clock_text(0) == "0:00");
  CHECK(clock_text(65.9) == "1:05");
  CHECK(clock_text(7200) == "2:00:00");
  CHECK(clock_text(1e300) == "876000:00:00");
}

TEST_CASE("a loss is smoothed over the last steps, and over all there are in the beginning") {
  Smoothed loss;
  loss.add(4);
  CHECK(loss.value() == 4);
  loss.add(2);
  CHECK(loss.value() == doctest::Approx((0.98 * 4 + 2) / 1.98));
  for (int i = 0; i < 1000; ++i) loss.add(1);
  CHECK(loss.value() == doctest::Approx(1).epsilon(1e-6));
}
