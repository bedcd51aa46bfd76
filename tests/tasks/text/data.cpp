#include <carousel/tasks/base/text.hpp>
#include <carousel/tasks/text/data.hpp>

#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <numeric>
#include <stdexcept>

#include <doctest/doctest.h>

#include "tests/support/folder.hpp"

using namespace carousel;
using namespace std::string_literals;

namespace {

std::string decode(const Vocabulary& vocabulary, const std::vector<std::uint32_t>& symbols) {
  std::string text;
  for (std::uint32_t symbol : symbols) text += vocabulary.decode(symbol);
  return text;
}

/// 0, 1, …, n − 1: symbols that tell where they stood.
std::vector<std::uint32_t> numbered(Index n) {
  std::vector<std::uint32_t> symbols(static_cast<std::size_t>(n));
  std::iota(symbols.begin(), symbols.end(), 0U);
  return symbols;
}

struct Filled {
  std::vector<std::uint32_t> inputs;
  std::vector<Index> targets;
};

Filled fill(const Streams& streams, Index batch, Index from, Index to) {
  Filled filled;
  filled.inputs.resize(static_cast<std::size_t>(streams.steps() * (to - from)));
  filled.targets.resize(filled.inputs.size());
  streams.fill(batch, from, to, filled.inputs.data(), filled.targets.data());
  return filled;
}

}  // namespace

TEST_CASE("the symbols of a text are the places of its characters, sorted by code point") {
  const std::string text = "b\naäa😀€b";
  const Vocabulary vocabulary = Vocabulary::of(text, "");
  CHECK(vocabulary.size() == 6);
  CHECK(vocabulary.characters() == "\nabä€😀");
  const std::vector<std::uint32_t> symbols = vocabulary.encode(text, "");
  CHECK(symbols == std::vector<std::uint32_t>{2, 0, 1, 3, 1, 5, 4, 2});
  CHECK(vocabulary.decode(3) == "ä");
  CHECK(decode(vocabulary, symbols) == text);
}

TEST_CASE("the first and last characters of each length of UTF-8 come back as they were") {
  const std::string characters =
      "\0\x7f\xc2\x80\xdf\xbf\xe0\xa0\x80\xed\x9f\xbf\xee\x80\x80\xef\xbf\xbf\xf0\x90\x80\x80\xf4\x8f\xbf\xbf"s;
  const Vocabulary vocabulary = Vocabulary::of(characters, "");
  CHECK(vocabulary.size() == 10);
  CHECK(vocabulary.characters() == characters);
  CHECK(Vocabulary::of(vocabulary.characters(), "").characters() == characters);
  CHECK(decode(vocabulary, vocabulary.encode(characters, "")) == characters);
  CHECK(vocabulary.decode(0) == "\0"s);
  CHECK(vocabulary.decode(9) == "\xf4\x8f\xbf\xbf");
}

TEST_CASE("what is not UTF-8 is named with its line and its byte") {
  struct Row {
    std::string text, place;
  };
  const Vocabulary vocabulary = Vocabulary::of("abc\n", "");
  for (const Row& row : {
           Row{"\x80", "line 1, byte 0"},               // a byte that continues nothing
           Row{"ab\nc\xff", "line 2, byte 4"},          // one that no character has
           Row{"a\n\n\xe2\x82", "line 3, byte 3"},      // the text ends within a character
           Row{"a\xc3\nb", "line 1, byte 1"},           // a line does
           Row{"\n\xc0\xaf", "line 2, byte 1"},         // longer than need be
           Row{"\xed\xa0\x80", "line 1, byte 0"},       // half of a pair of UTF-16
           Row{"c\xf4\x90\x80\x80", "line 1, byte 1"},  // past U+10FFFF
           Row{"\n\n\n\n\xef\xbb", "line 5, byte 4"},   // a byte order mark, cut
           Row{"a\0\n\0\xfe"s, "line 2, byte 4"},       // after zero bytes
           Row{"a\r\n\xfc", "line 2, byte 3"},          // lines of Windows
           Row{std::string(70000, '\n').append("\xfe"), "line 70001, byte 70000"},
       }) {
    CAPTURE(row.place);
    const std::string error = "read a poem: " + row.place + ": \"\\x";
    CHECK_THROWS_WITH_AS(Vocabulary::of(row.text, "a poem"), doctest::Contains(error.c_str()), std::runtime_error);
    CHECK_THROWS_WITH_AS(vocabulary.encode(row.text, "a poem"), doctest::Contains(error.c_str()), std::runtime_error);
  }
}

TEST_CASE("a text in another encoding is told how it becomes UTF-8") {
  CHECK_THROWS_WITH_AS(
      Vocabulary::of("caf\xe9", "a poem"),
      "read a poem: line 1, byte 3: \"\\xe9\": must be UTF-8; iconv -f LATIN1 -t UTF-8 makes it so, if that is what it is",
      std::runtime_error);
  CHECK_THROWS_WITH_AS(
      Vocabulary::of("\n\x93so\x94", "a poem"),
      "read a poem: line 2, byte 1: \"\\x93\": must be UTF-8; iconv -f CP1252 -t UTF-8 makes it so, if that is what it is",
      std::runtime_error);
  CHECK_THROWS_WITH_AS(Vocabulary::of("\xff\xfe\x61\0"s, "a poem"),
                       "read a poem: line 1, byte 0: is UTF-16: must be UTF-8; iconv -f UTF-16 -t UTF-8 makes it so",
                       std::runtime_error);
}

TEST_CASE("a character that the model does not know is named with its line") {
  const Vocabulary vocabulary = Vocabulary::of("b\na", "");
  CHECK_THROWS_WITH_AS(vocabulary.encode("x", "a song"),
                       "read a song: line 1: character \"x\" is not among the 3 that the model knows", std::runtime_error);
  CHECK_THROWS_WITH_AS(vocabulary.encode("ab\n\nbaéa\n", "a song"),
                       "read a song: line 3: character \"é\" is not among the 3 that the model knows", std::runtime_error);
  CHECK_THROWS_WITH_AS(vocabulary.encode("ab\r\n", "a song"),
                       "read a song: line 1: character \"\\x0d\" is not among the 3 that the model knows", std::runtime_error);
  CHECK_THROWS_WITH_AS(vocabulary.encode("\0"s, "a song"),
                       "read a song: line 1: character \"\\x00\" is not among the 3 that the model knows", std::runtime_error);
  CHECK_THROWS_WITH_AS(vocabulary.encode("a\ufeff", "a song"),
                       "read a song: line 1: character \"\\ufeff\" is not among the 3 that the model knows", std::runtime_error);
  CHECK_THROWS_WITH_AS(Vocabulary().encode("a", "a song"),
                       "read a song: line 1: character \"a\" is not among the 0 that the model knows", std::runtime_error);
}

TEST_CASE("an empty text has no characters, a text of one has one") {
  const Vocabulary none = Vocabulary::of("", ""), one = Vocabulary::of("zzz", "");
  CHECK(none.size() == 0);
  CHECK(none.characters().empty());
  CHECK(none.encode("", "").empty());
  CHECK(one.size() == 1);
  CHECK(one.encode("zz", "") == std::vector<std::uint32_t>{0, 0});
}

TEST_CASE("a file is read as it is, every byte") {
  const test::Folder folder;
  const std::string content = "a\r\n\0\xff\n"s;
  test::write_text(folder / "text", content);
  test::write_text(folder / "empty", "");
  CHECK(read_file(folder / "text") == content);
  CHECK(read_file(folder / "empty").empty());
  CHECK_THROWS_WITH_AS(read_file(folder / "none"),
                       ("read " + (folder / "none") + ": No such file or directory: must be a readable file").c_str(),
                       std::runtime_error);
  CHECK_THROWS_WITH_AS(read_file(folder / ""), ("read " + (folder / "") + ": not a regular file: must be one").c_str(),
                       std::runtime_error);
}

TEST_CASE("each row of the batches is a stream that reads on where it stopped, and its targets are the next symbols") {
  constexpr Index batch = 3, steps = 4, batches = 20, used = batch * steps * batches;
  const Streams streams(numbered(used + 11), batch, steps);  // 11 are too few for another batch
  REQUIRE(streams.batches() == batches);
  CHECK(streams.batch() == batch);
  CHECK(streams.steps() == steps);
  std::vector<std::vector<Index>> inputs(batch), targets(batch);
  for (Index b = 0; b < batches; ++b) {
    const Filled filled = fill(streams, b, 0, batch);
    for (std::size_t i = 0; i < filled.inputs.size(); ++i) {
      inputs[i % batch].push_back(filled.inputs[i]);
      targets[i % batch].push_back(filled.targets[i]);
    }
  }
  for (Index row = 0; row < batch; ++row) {
    CAPTURE(row);
    std::vector<Index> stream(used / batch), next(used / batch);
    std::iota(stream.begin(), stream.end(), row * used / batch);
    std::iota(next.begin(), next.end(), row * used / batch + 1);
    if (row + 1 == batch) next.back() = 0;  // after the last symbol comes the first of all, as in char-rnn
    CHECK(inputs[static_cast<std::size_t>(row)] == stream);
    CHECK(targets[static_cast<std::size_t>(row)] == next);
  }
}

TEST_CASE("some streams of a batch are those columns of the whole") {
  constexpr Index batch = 5, steps = 3;
  const Streams streams(numbered(300), batch, steps);
  for (Index b : {0, 7, 19}) {
    const Filled whole = fill(streams, b, 0, batch);
    for (const auto& [from, to] : {std::pair<Index, Index>{0, 2}, {2, 5}, {4, 5}, {3, 3}}) {
      const Filled part = fill(streams, b, from, to);
      std::size_t i = 0;
      for (Index t = 0; t < steps; ++t)
        for (Index stream = from; stream < to; ++stream, ++i) {
          CHECK(part.inputs[i] == whole.inputs[static_cast<std::size_t>(t * batch + stream)]);
          CHECK(part.targets[i] == whole.targets[static_cast<std::size_t>(t * batch + stream)]);
        }
      CHECK(i == part.inputs.size());
    }
  }
}

TEST_CASE("of whole batches 95 % train, rounded down, and at least one of each kind there must be") {
  struct Row {
    Index batches, train;
  };
  for (const Row& row : {Row{2, 1}, {3, 2}, {19, 18}, {20, 19}, {21, 19}, {40, 38}, {100, 95}}) {
    const Index batches = row.batches, train = row.train;
    CAPTURE(batches);
    const Streams exact(numbered(batches * 6), 2, 3), more(numbered(batches * 6 + 5), 2, 3);
    CHECK(exact.batches() == batches);
    CHECK(exact.train_batches() == train);
    CHECK(more.batches() == batches);
    CHECK(more.train_batches() == train);
  }
  const Streams half(numbered(60), 2, 3, 0.5);
  CHECK(half.train_batches() == 5);
}

TEST_CASE("char-rnn's text gives as many batches as char-rnn prints") {
  const Streams usual(numbered(1115394), 50, 50), short_ones(numbered(1115394), 50, 8);
  CHECK(usual.train_batches() == 423);
  CHECK(usual.batches() - usual.train_batches() == 23);
  CHECK(short_ones.train_batches() == 2648);  // karpathy/char-rnn, issue 38
  CHECK(short_ones.batches() - short_ones.train_batches() == 140);

  const char* const data = std::getenv("CAROUSEL_DATA");
  const std::string path = (data ? data : "") + "/text/tinyshakespeare.txt"s;
  if (!std::filesystem::exists(path)) {
    MESSAGE("tinyshakespeare: not read: no text/tinyshakespeare.txt in CAROUSEL_DATA");
    return;
  }
  const std::string text = read_file(path);
  const Vocabulary vocabulary = Vocabulary::of(text, path);
  CHECK(vocabulary.size() == 65);
  CHECK(vocabulary.encode(text, path).size() == 1115394);
}

TEST_CASE("a text that is too short is refused with how much it takes") {
  const auto refusal = [](Index characters, Index batch, Index steps) {
    return "text: " + std::to_string(characters) + " characters for batches of " + std::to_string(batch) + " streams of " +
           std::to_string(steps) + " steps: must be at least " + std::to_string(2 * batch * steps) +
           "; a smaller --batch or --steps needs fewer";
  };
  for (Index characters : {0, 1, 11, 23}) {
    CAPTURE(characters);
    CHECK_THROWS_WITH_AS(Streams(numbered(characters), 3, 4), refusal(characters, 3, 4).c_str(), std::invalid_argument);
  }
  CHECK(Streams(numbered(24), 3, 4).batches() == 2);
  CHECK_THROWS_WITH_AS(Streams(numbered(1), 1, 1), refusal(1, 1, 1).c_str(), std::invalid_argument);
  const Streams smallest(numbered(2), 1, 1);
  CHECK(smallest.train_batches() == 1);
  CHECK(fill(smallest, 0, 0, 1).targets[0] == 1);
  CHECK(fill(smallest, 1, 0, 1).targets[0] == 0);
}

TEST_CASE("lines come without their ends, with their numbers, the last one with or without an end") {
  const auto lines = [](std::string_view text) {
    std::string seen;
    for_each_line(text, [&](std::string_view line, Index number) { seen += std::to_string(number) + std::string(line) + ";"; });
    return seen;
  };
  CHECK(lines("a\n\nbc\r\n") == "1a;2;3bc\r;");
  CHECK(lines("a\nb") == "1a;2b;");
  CHECK(lines("").empty());
  CHECK(lines("\xef\xbb\xbf\x61\nb") == "1a;2b;");  // a byte order mark is no part of a line
}

TEST_CASE("the baseline of a text is its frequencies, of those to learn from, each counted once more than it occurs") {
  // Streams of one character a step: 19 batches to learn from, of 0 0 0 … with a 1 at the end, and one to validate on.
  std::vector<std::uint32_t> symbols(20);
  symbols[19] = 1;
  const Baseline found = frequency_baseline(Streams(symbols, 1, 1), 3);
  // The targets are 18 times 0 and then 1, of which 19 are learned from; the last one is the first symbol again.
  CHECK(found.train_loss == doctest::Approx(-(18 * std::log(19.0 / 22) + std::log(2.0 / 22)) / 19));
  CHECK(found.value == doctest::Approx(-std::log(19.0 / 22)));
  CHECK(found.metric == "validation_loss");
}
