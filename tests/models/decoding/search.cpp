#include <carousel/models/decoding/search.hpp>

#include <cmath>
#include <functional>
#include <map>

#include <doctest/doctest.h>

#include <carousel/models/cells/gates.hpp>

using namespace carousel;

namespace {

using String = std::vector<Index>;
/// The chances of the next symbol after a beginning.
using Language = std::function<std::vector<double>(const String& beginning)>;

/// Searches a language: the state of a row is the beginning that it has read, as a number.
struct Searched {
  std::vector<std::vector<FoundString>> found;
  std::size_t steps = 0, nodes = 0;
};
Searched search_in(const std::vector<Language>& languages, const SearchOptions& options) {
  Tape<double> tape;
  const auto batch = static_cast<Index>(languages.size());
  Var<double> start = zero_state<double>(batch, 2);  // the beginning and the language
  for (Index b = 0; b < batch; ++b) tape.data(start)[2 * b + 1] = static_cast<double>(b);
  std::map<double, String> read{{0, {}}};
  Searched searched;
  const auto step = [&](std::span<const Index> before, Var<double> state) {
    ++searched.steps;
    const Index rows = state.shape()[0];
    Tensor<double> next = state.value();
    std::vector<double> chances;
    for (Index row = 0; row < rows; ++row) {
      double& code = next(row, 0);
      if (!before.empty()) {
        const Index symbol = before[static_cast<std::size_t>(row)];
        String beginning = read.at(code);
        beginning.push_back(symbol);
        code = code * 7 + static_cast<double>(symbol + 1);
        read[code] = beginning;
      }
      for (const double p : languages[static_cast<std::size_t>(next(row, 1))](read.at(code))) chances.push_back(p);
    }
    const auto symbols = static_cast<Index>(chances.size()) / rows;
    const Var<double> logits = tape.constant(Shape{rows, symbols});
    for (std::size_t i = 0; i < chances.size(); ++i) tape.data(logits)[i] = std::log(chances[i]) + 3;  // not normalised
    return std::pair(logits, tape.constant(next));
  };
  searched.found = search(start, batch, step, options);
  searched.nodes = tape.size();
  return searched;
}
std::vector<FoundString> search_in(const Language& language, const SearchOptions& options) {
  return search_in(std::vector{language}, options).found[0];
}

/// A language of `symbols` whose chances are drawn anew after each beginning.
Language drawn(std::uint64_t seed, Index symbols) {
  return [=](const String& beginning) {
    std::uint64_t key = seed;
    for (const Index symbol : beginning) key = mix(key, static_cast<std::uint64_t>(symbol));
    Random random(key);
    std::vector<double> chances;
    double sum = 0;
    for (Index k = 0; k < symbols; ++k) chances.push_back(std::exp(2 * random.normal())), sum += chances.back();
    for (double& p : chances) p /= sum;
    return chances;
  };
}

/// All strings that there can be, best first.
std::vector<FoundString> all_strings(const Language& language, const SearchOptions& options) {
  std::vector<FoundString> all;
  const auto add = [&](const String& symbols, double likelihood, std::size_t length, bool ended) {
    all.push_back({symbols, likelihood, likelihood / std::pow(static_cast<double>(length), options.length_power), ended});
  };
  const std::function<void(String, double)> grow = [&](const String& beginning, double likelihood) {
    const std::vector<double> chances = language(beginning);
    for (std::size_t k = 0; k < chances.size(); ++k) {
      const double now = likelihood + std::log(chances[k]);
      String longer = beginning;
      if (options.end == static_cast<Index>(k)) {
        add(longer, now, longer.size() + 1, true);
        continue;
      }
      longer.push_back(static_cast<Index>(k));
      if (static_cast<Index>(longer.size()) == options.most)
        add(longer, now, longer.size(), false);
      else
        grow(longer, now);
    }
  };
  grow({}, 0);
  std::sort(all.begin(), all.end(), [](const FoundString& a, const FoundString& b) { return a.score > b.score; });
  return all;
}

void check_same(const FoundString& a, const FoundString& b) {
  CHECK(a.symbols == b.symbols);
  CHECK(a.ended == b.ended);
  CHECK(a.log_likelihood == doctest::Approx(b.log_likelihood).epsilon(1e-12));
  CHECK(a.score == doctest::Approx(b.score).epsilon(1e-12));
}

}  // namespace

TEST_CASE("a beam of 2 finds the likelier string that greedy search misses") {
  const Language language = [](const String& beginning) -> std::vector<double> {
    if (beginning.empty()) return {0.6, 0.4};
    return beginning[0] == 0 ? std::vector{0.5, 0.5} : std::vector{0.1, 0.9};
  };
  const FoundString greedy = search_in(language, {.most = 2})[0];
  CHECK(greedy.symbols == String{0, 0});  // of equals the first
  CHECK(greedy.log_likelihood == doctest::Approx(std::log(0.3)).epsilon(1e-13));
  CHECK(!greedy.ended);
  const std::vector<FoundString> found = search_in(language, {.most = 2, .beam = 2});
  CHECK(found.size() == 2);
  CHECK(found[0].symbols == String{1, 1});
  CHECK(found[0].log_likelihood == doctest::Approx(std::log(0.36)).epsilon(1e-13));
  CHECK(found[1].symbols == String{0, 0});
}

TEST_CASE("short strings are likelier, long ones may be likelier per symbol") {
  // Symbol 1 is the end: at once with 0.3, else after 0 0, each step of which has 0.7 and more.
  const Language language = [](const String& beginning) -> std::vector<double> {
    if (beginning.empty()) return {0.7, 0.3};
    return beginning.size() < 2 ? std::vector{0.5, 0.5} : std::vector{0.2, 0.8};
  };
  const SearchOptions options{.most = 3, .end = 1, .beam = 4};
  const std::vector<FoundString> likely = search_in(language, options);
  CHECK(likely[0].symbols == String{0});
  CHECK(likely[0].log_likelihood == doctest::Approx(std::log(0.35)).epsilon(1e-13));
  CHECK(likely[0].score == likely[0].log_likelihood);
  CHECK(likely[0].ended);
  CHECK(likely[1].symbols.empty());
  CHECK(likely[1].log_likelihood == doctest::Approx(std::log(0.3)).epsilon(1e-13));
  SearchOptions each = options;
  each.length_power = 1;
  const std::vector<FoundString> long_ones = search_in(language, each);
  CHECK(long_ones[0].symbols == String{0, 0});
  CHECK(long_ones[0].score == doctest::Approx(std::log(0.7 * 0.5 * 0.8) / 3).epsilon(1e-13));
}

TEST_CASE("a beam that is wide enough finds what looking at all strings finds, in that order") {
  for (std::uint64_t seed = 1; seed <= 5; ++seed)
    for (const double power : {0.0, 0.5, 1.0})
      for (const std::optional<Index> end : {std::optional<Index>(), std::optional<Index>(2)}) {
        CAPTURE(seed);
        CAPTURE(power);
        CAPTURE(end.has_value());
        const SearchOptions options{.most = 4, .end = end, .beam = 81, .length_power = power};
        const Language language = drawn(seed, 3);
        const std::vector<FoundString> all = all_strings(language, options), found = search_in(language, options);
        CHECK(found.size() == all.size());
        for (std::size_t i = 0; i < std::min(found.size(), all.size()); ++i) check_same(found[i], all[i]);
      }
}

TEST_CASE("a beam of 1 is greedy search, and wider ones find likelier strings more often than not") {
  int better = 0, worse = 0;
  for (std::uint64_t seed = 0; seed < 50; ++seed) {
    CAPTURE(seed);
    const Language language = drawn(seed, 5);
    String greedy;
    double likelihood = 0;
    bool ended = false;
    while (greedy.size() < 6 && !ended) {
      const std::vector<double> chances = language(greedy);
      const auto most = std::max_element(chances.begin(), chances.end());
      likelihood += std::log(*most);
      if (ended = most == chances.begin() + 4; !ended) greedy.push_back(most - chances.begin());
    }
    const std::vector<FoundString> one = search_in(language, {.most = 6, .end = 4});
    CHECK(one.size() == 1);
    check_same(one[0], {greedy, likelihood, likelihood, ended});
    const double wide = search_in(language, {.most = 6, .end = 4, .beam = 5})[0].log_likelihood;
    better += wide > likelihood + 1e-9, worse += wide < likelihood - 1e-9;
  }
  CHECK(better > 10);
  CHECK(worse < 3);
}

TEST_CASE("examples do not know of those beside them, and the search ends when all of their strings have") {
  const std::vector<Language> languages{drawn(1, 4), drawn(2, 4), [](const String&) { return std::vector{0.0, 0.0, 0.0, 1.0}; }};
  const SearchOptions options{.most = 5, .end = 3, .beam = 3};
  const Searched together = search_in(languages, options);
  CHECK(together.found.size() == 3);
  for (std::size_t b = 0; b < 3; ++b) {
    const std::vector<FoundString> alone = search_in(languages[b], options);
    CHECK(alone.size() == together.found[b].size());
    for (std::size_t i = 0; i < alone.size(); ++i) check_same(alone[i], together.found[b][i]);
  }
  CHECK(together.steps == 5);
  CHECK(together.found[2].size() == 1);  // what is impossible is not found
  CHECK(together.found[2][0].symbols.empty());
  CHECK(search_in(std::vector{languages[2]}, options).steps == 1);
}

TEST_CASE("a long search holds no more of the tape than a short one") {
  const std::vector<Language> language{drawn(1, 3)};
  CHECK(search_in(language, {.most = 2, .beam = 3}).nodes == search_in(language, {.most = 30, .beam = 3}).nodes);
}

TEST_CASE("search refuses what cannot be") {
  const auto refuses = [](const Language& language, const SearchOptions& options, const char* error) {
    CHECK_THROWS_WITH_AS(search_in(language, options), error, std::invalid_argument);
  };
  const Language fair = [](const String&) { return std::vector{0.5, 0.5}; };
  refuses(fair, {}, "search: strings of at most 0 symbols: must be at least 1");
  refuses(fair, {.most = 1, .beam = 0}, "search: a beam of 0: must be at least 1");
  refuses(fair, {.most = 1, .end = 2}, "search: the end is symbol 2: must be one of 0 to 1");
  refuses(fair, {.most = 1, .end = -1}, "search: the end is symbol -1: must be one of 0 to 1");
  refuses(fair, {.most = 1, .length_power = -1}, "search: length power -1: must be at least 0");
  const Language nan =
                     [](const String&) {
                       return std::vector<double>{0.5, NAN};
                     },
                 nothing = [](const String&) {
                   return std::vector{0.0, 0.0};
                 };
  refuses(nan, {.most = 1}, "search: a logit is nan: must be a number");
  refuses(nothing, {.most = 1}, "search: the largest logit is -inf: must be finite");
  Tape<double> tape;
  const auto wrong = [&](std::span<const Index>, Var<double> state) { return std::pair(zero_state<double>(3, 4), state); };
  CHECK_THROWS_WITH_AS(search(zero_state<double>(2, 1), 2, wrong, {.most = 1}), "search: logits is [3, 4]: must be [2, symbols]",
                       std::invalid_argument);
  CHECK_THROWS_WITH_AS(search(zero_state<double>(2, 1), 5, wrong, {.most = 1}),
                       "search: a state member is [2, 1]: its first axis must be the batch, 5", std::invalid_argument);
  const auto shrinking = [&](std::span<const Index>, Var<double>) {
    return std::pair(zero_state<double>(4, 4), zero_state<double>(2, 1));
  };
  CHECK_THROWS_WITH_AS(search(zero_state<double>(2, 1), 2, shrinking, {.most = 2, .beam = 2}),
                       "search: a state member is [2, 1]: its first axis must be the batch, 4", std::invalid_argument);
  CHECK_THROWS_WITH_AS(search(zero_state<double>(2, 1), 0, wrong, {.most = 1}), "search: a batch of 0: must be at least 1",
                       std::invalid_argument);
}
