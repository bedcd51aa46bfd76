#include <carousel/tasks/base/did_you_mean.hpp>

#include <stdexcept>

#include <doctest/doctest.h>

using namespace carousel;

TEST_CASE("a mistyped word brings the nearest one to mind, a foreign one none") {
  const std::vector<std::string> words = {"--epochs", "--seed", "--out", "--steps"};
  CHECK(did_you_mean("--epoch", words) == " (did you mean --epochs?)");
  CHECK(did_you_mean("--sede", words) == " (did you mean --seed?)");
  CHECK(did_you_mean("--ou", words) == " (did you mean --out?)");
  CHECK(did_you_mean("--verbosity", words).empty());
  CHECK(did_you_mean("x", words).empty());
  CHECK(did_you_mean("--epoch", {}).empty());
}

TEST_CASE("letters that changed places are one mistake, capital letters none, and a part of a name may be meant") {
  const std::vector<std::string> cells = {"lstm", "lstm-peephole", "gru", "rnn-tanh"};
  CHECK(did_you_mean("lsmt", cells) == " (did you mean lstm?)");
  CHECK(did_you_mean("gur", cells) == " (did you mean gru?)");
  CHECK(did_you_mean("LSTM", cells) == " (did you mean lstm?)");
  CHECK(did_you_mean("peephol", cells) == " (did you mean lstm-peephole?)");
  CHECK(did_you_mean("lstm-peehpole", cells) == " (did you mean lstm-peephole?)");
  CHECK(did_you_mean("txet", {"sort", "text"}) == " (did you mean text?)");
  CHECK(did_you_mean("transformer", cells).empty());
  CHECK(did_you_mean("", cells).empty());
  CHECK(did_you_mean(std::string(100000, 'l'), cells).empty());
  CHECK_THROWS_WITH_AS(refuse_word("graph: ", "gur", cells),
                       "graph: gur (did you mean gru?): must be one of lstm, lstm-peephole, gru, rnn-tanh",
                       std::invalid_argument);
  CHECK_THROWS_WITH_AS(refuse_word("--cell ", "transformer", {"lstm", "gru"}), "--cell transformer: must be one of lstm, gru",
                       std::invalid_argument);
}

TEST_CASE("words that other programs have for it are known") {
  const std::vector<std::string> options = {"--rate", "--batch", "--out"};
  CHECK(did_you_mean("--lr", options) == " (here it is --rate)");
  CHECK(did_you_mean("--batch_size", options) == " (here it is --batch)");
  CHECK(did_you_mean("--gpu", options) == " (carousel computes on the CPU only)");
  CHECK(did_you_mean("forecast", {"train", "predict"}) == " (here it is predict)");
  CHECK(did_you_mean("--num-layers", options) == "");  // not where it is not
}
