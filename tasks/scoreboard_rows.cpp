#include <carousel/tasks/scoreboard.hpp>

namespace carousel {

const std::vector<ScoreRun>& score_runs() {
  static const std::vector<Index> three = {1, 2, 3};
  static const std::vector<ScoreRun> runs = {
      {.task = "text",
       .options = "--preset source --epochs 1 --input $CAROUSEL_DATA/text/tinyshakespeare.txt",
       .seeds = three,
       .metrics = {{.name = "validation_loss", .at_most = 2.18, .source = "2.13 to 2.16 (the same net in PyTorch)"}},
       .needs = "text/tinyshakespeare.txt"},
      {.task = "text",
       .options = "--epochs 1 --input $CAROUSEL_DATA/text/tinyshakespeare.txt",
       .seeds = three,
       .metrics = {{.name = "validation_loss", .at_most = 2.00, .source = "2.0681 (char-rnn's README, after 0.95 epochs)"}},
       .needs = "text/tinyshakespeare.txt"},
      {.task = "echo",
       .options = "--preset source",
       .seeds = {0},
       .metrics = {{.name = "loss", .at_least = 2.6105e-6, .at_most = 2.6115e-6, .source = "2.611e-06 (nicodjimenez/lstm)"}}},
      {.task = "echo", .options = "", .seeds = three, .metrics = {{.name = "loss", .at_most = 1e-3}}},
      {.task = "count",
       .options = "--preset source",
       .seeds = three,
       .metrics = {{.name = "starts_right", .at_least = 9, .source = "all 9 (fmscole/lstm)"},
                   {.name = "loss", .at_most = 0.2, .source = "0.165 (the fork with the true gradient)"}}},
      {.task = "count", .options = "", .seeds = three, .metrics = {{.name = "starts_right", .at_least = 9}}},
      {.task = "mnist",
       .options = "--preset source",
       .seeds = {0},
       .metrics = {{.name = "test_accuracy", .at_least = 0.9724, .at_most = 0.9734, .source = "0.9729 (fmscole/lstm)"}},
       .needs = "mnist"},
      {.task = "mnist",
       .options = "",
       .seeds = three,
       .metrics = {{.name = "test_accuracy", .at_least = 0.988}},
       .needs = "mnist"},
      {.task = "copy",
       .options = "--attention additive",
       .seeds = three,
       .metrics = {{.name = "token_accuracy", .at_least = 0.999, .source = "0.9973 (kwang1092)"},
                   {.name = "longer_token_accuracy"}},
       .minutes = 10},
      {.task = "reverse",
       .options = "--attention additive",
       .seeds = three,
       .metrics = {{.name = "token_accuracy", .at_least = 0.999, .source = "0.9717 (kwang1092)"},
                   {.name = "longer_token_accuracy"}},
       .minutes = 10},
      {.task = "sort",
       .options = "--attention additive",
       .seeds = three,
       .metrics = {{.name = "token_accuracy", .at_least = 0.995, .source = "0.9310 (kwang1092, as strings)"},
                   {.name = "longer_token_accuracy"}},
       .minutes = 10},
  };
  return runs;
}

}  // namespace carousel
