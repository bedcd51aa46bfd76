#include <carousel/lib/numbers/random.hpp>

#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>
#include <set>
#include <span>

#include <doctest/doctest.h>

using namespace carousel;

TEST_CASE("philox gives the known answers of Random123") {
  using Words = std::array<std::uint32_t, 4>;
  constexpr std::uint32_t ones = 0xffffffff;
  CHECK(philox({0, 0, 0, 0}, {0, 0}) == Words{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8});
  CHECK(philox({ones, ones, ones, ones}, {ones, ones}) == Words{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd});
  CHECK(philox({0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}, {0xa4093822, 0x299f31d0}) ==
        Words{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1});
}

TEST_CASE("mix gives the known answers of SplitMix64") {
  constexpr std::uint64_t golden = 0x9e3779b97f4a7c15;
  CHECK(mix(0) == 0xe220a8397b1dcdaf);
  CHECK(mix(golden) == 0x6e789e6aa1b965f4);
  CHECK(mix(2 * golden) == 0x06c45d188009454f);
  CHECK(mix(1234567) == 6457827717110365317u);
}

TEST_CASE("mix of two keys tells them and their order apart") {
  std::set<std::uint64_t> keys;
  for (std::uint64_t a = 0; a < 200; ++a)
    for (std::uint64_t b = 0; b < 200; ++b) keys.insert(mix(a, b));
  CHECK(keys.size() == 200 * 200);
}

TEST_CASE("a stream is the cipher of its counter, in words of 32 bits") {
  Random random(0);
  CHECK(random.bits32() == 0x6627e8d5);
  CHECK(random.bits32() == 0xe169c58d);
  CHECK(random.bits64() == 0x9b00dbd8bc57ac4c);
  CHECK(random.bits32() == philox({1, 0, 0, 0}, {0, 0})[0]);
  CHECK(Random(0x299f31d0a4093822).bits32() == philox({0, 0, 0, 0}, {0xa4093822, 0x299f31d0})[0]);
}

TEST_CASE("uniform numbers are the upper 53 bits of a draw of 64") {
  Random random(0);
  CHECK(random.uniform() == static_cast<double>(0xe169c58d6627e8d5 >> 11) / 9007199254740992.0);
  double least = 1, most = 0, sum = 0;
  for (int i = 0; i < 100000; ++i) {
    const double x = random.uniform();
    least = std::min(least, x), most = std::max(most, x), sum += x;
  }
  CHECK(least >= 0);
  CHECK(most < 1);
  CHECK(least < 1e-4);
  CHECK(most > 1 - 1e-4);
  CHECK(std::abs(sum / 100000 - 0.5) < 0.004);
  for (int i = 0; i < 1000; ++i) {
    const double x = random.uniform(-3, -1);
    CHECK((x >= -3 && x < -1));
  }
}

TEST_CASE("the first numbers of seed 1 are these on every platform") {
  Random random(1);
  CHECK(random.bits64() == 16504019988892878448u);
  CHECK(random.below(1000) == 384);
  CHECK(Random(1).split("weights").bits64() == 1257436717846729001u);
  CHECK(Random(1).split(7).bits64() == 12048609275219214025u);
  CHECK(random_bits(1, 0) == 2433363436u);
  CHECK(random_bits(1, 1) == 2985693156u);
  CHECK(random_bits(25, 1) == 2578142787u);  // a key whose stride had too few changes between bits
}

TEST_CASE("normal numbers have the moments of a normal") {
  Random random(3);
  constexpr int count = 200000;
  double sum[5] = {};
  int outside = 0;
  for (int i = 0; i < count; ++i) {
    const double x = random.normal();
    for (int power = 1; power <= 4; ++power) sum[power] += std::pow(x, power);
    outside += std::abs(x) > 1.959963985;
  }
  CHECK(std::abs(sum[1] / count) < 0.01);
  CHECK(std::abs(sum[2] / count - 1) < 0.015);
  CHECK(std::abs(sum[3] / count) < 0.03);
  CHECK(std::abs(sum[4] / count - 3) < 0.1);
  CHECK(std::abs(outside / double{count} - 0.05) < 0.002);

  Random same(3);
  CHECK(same.normal(10, 2) == 10 + 2 * Random(3).normal());
}

TEST_CASE("a normal number is the cosine half of Box and Muller") {
  Random random(5), same(5);
  const double u = 1 - same.uniform(), v = same.uniform();
  CHECK(std::abs(random.normal() - std::sqrt(-2 * std::log(u)) * std::cos(6.283185307179586 * v)) < 1e-15);
  CHECK(random.state() == same.state());
}

TEST_CASE("below draws every number equally often") {
  Random random(4);
  int counts[7] = {};
  for (int i = 0; i < 70000; ++i) ++counts[random.below(7)];
  double chi_square = 0;
  for (int count : counts) chi_square += (count - 10000.0) * (count - 10000.0) / 10000;
  CHECK(chi_square < 22.46);  // 6 degrees of freedom, p = 0.001
  CHECK(random.below(1) == 0);
}

TEST_CASE("below is without bias where a remainder would have one") {
  // 2^64 is 2.67 times n: by mere remainder, the lower two thirds would come up half as often again as the rest.
  constexpr std::int64_t n = 3ll << 61;
  Random random(6);
  int lower = 0;
  for (int i = 0; i < 30000; ++i) lower += random.below(n) < n / 3 * 2;
  CHECK(std::abs(lower / 30000.0 - 2.0 / 3) < 0.01);
}

TEST_CASE("below and bernoulli refuse what is no range and no probability") {
  Random random(1);
  CHECK_THROWS_WITH_AS(random.below(0), "below: n is 0: must be at least 1", std::invalid_argument);
  CHECK_THROWS_WITH_AS(random.below(-5), "below: n is -5: must be at least 1", std::invalid_argument);
  CHECK_THROWS_WITH_AS(random.bernoulli(1.5), "bernoulli: probability is 1.5: must lie in [0, 1]", std::invalid_argument);
  CHECK_THROWS_WITH_AS(random.bernoulli(std::nan("")), "bernoulli: probability is nan: must lie in [0, 1]",
                       std::invalid_argument);
  CHECK(random.state().position == 0);
}

TEST_CASE("bernoulli is true as often as it should be") {
  Random random(8);
  int hits = 0;
  for (int i = 0; i < 100000; ++i) hits += random.bernoulli(0.3);
  CHECK(std::abs(hits / 100000.0 - 0.3) < 0.006);
  CHECK_FALSE(random.bernoulli(0));
  CHECK(random.bernoulli(1));
}

TEST_CASE("shuffle gives every order equally often") {
  Random random(9);
  std::map<std::array<int, 4>, int> counts;
  for (int i = 0; i < 24000; ++i) {
    std::array<int, 4> order{0, 1, 2, 3};
    random.shuffle(order);
    ++counts[order];
  }
  CHECK(counts.size() == 24);
  double chi_square = 0;
  for (const auto& [order, count] : counts) chi_square += (count - 1000.0) * (count - 1000.0) / 1000;
  CHECK(chi_square < 49.73);  // 23 degrees of freedom, p = 0.001
}

TEST_CASE("shuffle takes spans and empty ranges") {
  Random random(9);
  std::vector<int> numbers(100);
  std::iota(numbers.begin(), numbers.end(), 0);
  const std::vector<int> sorted = numbers;
  random.shuffle(std::span(numbers).first(50));
  CHECK_FALSE(std::equal(numbers.begin(), numbers.begin() + 50, sorted.begin()));
  CHECK(std::equal(numbers.begin() + 50, numbers.end(), sorted.begin() + 50));
  std::sort(numbers.begin(), numbers.end());
  CHECK(numbers == sorted);
  std::vector<int> none;
  random.shuffle(none);
  CHECK(none.empty());
}

TEST_CASE("a split stream depends on its parent and its key, not on what was drawn") {
  Random parent(11);
  Random before = parent.split("dropout");
  for (int i = 0; i < 5; ++i) parent.bits32();
  Random after = parent.split("dropout");
  CHECK(before.state() == after.state());
  CHECK(before.state().position == 0);

  std::set<std::uint64_t> firsts{parent.bits64(), Random(11).bits64()};
  for (const char* name : {"dropout", "Dropout", "", "a", "b"}) firsts.insert(parent.split(name).bits64());
  for (std::uint64_t key = 0; key < 1000; ++key) firsts.insert(parent.split(key).bits64());
  for (std::uint64_t key = 0; key < 1000; ++key) firsts.insert(parent.split(key).split(1).bits64());
  firsts.insert(Random(12).split("dropout").bits64());
  CHECK(firsts.size() == 2 + 5 + 1000 + 1000 + 1);
}

TEST_CASE("split streams are not correlated") {
  constexpr int count = 20000;
  Random a = Random(1).split(0), b = Random(1).split(1);
  double sum = 0;
  for (int i = 0; i < count; ++i) sum += (a.uniform() - 0.5) * (b.uniform() - 0.5);
  CHECK(std::abs(sum / count * 12) < 4 / std::sqrt(count));
}

TEST_CASE("a stream goes on where its state was taken") {
  for (int drawn = 0; drawn < 9; ++drawn) {
    Random random = Random(13).split("task");
    for (int i = 0; i < drawn; ++i) random.bits32();
    const Random::State state = random.state();
    CHECK(state.position == static_cast<std::uint64_t>(drawn));
    Random restored(state), copy = random;
    for (int i = 0; i < 9; ++i) {
      const std::uint32_t word = random.bits32();
      CHECK(restored.bits32() == word);
      CHECK(copy.bits32() == word);
    }
  }
}

TEST_CASE("random_bits has no bias in any bit, along counters and along keys") {
  for (bool along_keys : {false, true}) {
    int ones[32] = {};
    constexpr int count = 40000;
    for (std::uint64_t i = 0; i < count; ++i) {
      const std::uint32_t bits = along_keys ? random_bits(i, 5) : random_bits(5, i);
      for (int bit = 0; bit < 32; ++bit) ones[bit] += bits >> bit & 1;
    }
    for (int total : ones) CHECK(std::abs(total - count / 2) < 450);  // 4.5 deviations
  }
}

TEST_CASE("random_bits of neighbouring keys and counters are not correlated") {
  constexpr int count = 20000;
  const auto unit = [](std::uint64_t key, std::uint64_t counter) { return random_bits(key, counter) / 4294967296.0 - 0.5; };
  for (std::uint64_t key : {0u, 1u, 77u})
    for (std::uint64_t step : {0u, 1u, 2u, 1024u}) {
      double along = 0, across = 0;
      for (std::uint64_t i = 0; i < count; ++i) {
        along += unit(key, i) * unit(key, i + step + 1);
        across += unit(key, i) * unit(key + 1, i + step);
      }
      CHECK(std::abs(along / count * 12) < 4.5 / std::sqrt(count));
      CHECK(std::abs(across / count * 12) < 4.5 / std::sqrt(count));
    }
}

// The literals below are what numpy 1.24.2 prints.

TEST_CASE("numpy's seed(0) starts with its known numbers") {
  NumpyRandom random(0);
  CHECK(random.random() == 0.5488135039273248);
  CHECK(random.random() == 0.7151893663724195);
  CHECK(random.random() == 0.6027633760716439);
  for (int i = 3; i < 999; ++i) random.random();
  CHECK(random.random() == 0.6771411441114241);
  CHECK(NumpyRandom(4294967295).random() == 0.0976320289940138);

  NumpyRandom ranged(0);
  CHECK(ranged.uniform(-0.1, 0.1) == 0.009762700785464956);
  CHECK(ranged.uniform(-0.1, 0.1) == 0.043037873274483884);
  CHECK(ranged.uniform(-0.1, 0.1) == 0.02055267521432877);
}

TEST_CASE("numpy's normal numbers come in pairs, of which the second is kept") {
  NumpyRandom random(0);
  for (double expected : {0.1764052345967664, 0.040015720836722335, 0.09787379841057392, 0.2240893199201458, 0.18675579901499675})
    CHECK(random.normal(0, 0.1) == expected);
  CHECK(random.random() == 0.4375872112626925);  // between the two of a pair
  CHECK(random.normal(0, 1) == -0.977277879876411);

  NumpyRandom shifted(5);
  for (double expected : {2.382454973770083, 0.8382596962118247, 6.36154237401556, 0.9958157407938462, 1.7192196831563655})
    CHECK(shifted.normal(1.5, 2) == expected);
  CHECK(shifted.random() == 0.29680050157622195);
}

TEST_CASE("numpy's shuffle and permutation are repeated") {
  using Order = std::vector<std::int64_t>;
  NumpyRandom random(7);
  Order order(10);
  std::iota(order.begin(), order.end(), 0);
  random.shuffle(order);
  CHECK(order == Order{8, 5, 0, 2, 1, 9, 7, 3, 6, 4});
  CHECK(random.permutation(7) == Order{1, 3, 4, 0, 5, 2, 6});
  Order five{0, 1, 2, 3, 4};
  random.shuffle(five);
  CHECK(five == Order{1, 2, 4, 3, 0});

  CHECK(NumpyRandom(2).permutation(20) == Order{12, 4, 18, 0, 9, 5, 3, 10, 1, 17, 7, 16, 14, 2, 11, 6, 19, 13, 15, 8});
  const Order long_order = NumpyRandom(2).permutation(500);
  CHECK(Order(long_order.begin(), long_order.begin() + 6) == Order{129, 280, 440, 384, 225, 416});
  CHECK(Order(long_order.end() - 5, long_order.end()) == Order{22, 72, 493, 15, 168});

  NumpyRandom longer(11);
  const Order wide = longer.permutation(70000);
  CHECK(Order(wide.begin(), wide.begin() + 6) == Order{61700, 7771, 1856, 5914, 33661, 35071});
  CHECK(longer.random() == 0.25318407535575305);
}

TEST_CASE("numpy's shuffle of one or no elements draws nothing") {
  NumpyRandom random(1);
  CHECK(random.permutation(1) == std::vector<std::int64_t>{0});
  CHECK(random.permutation(0).empty());
  CHECK(random.random() == NumpyRandom(1).random());
  CHECK_THROWS_WITH_AS(random.permutation(-1), "permutation: n is -1: must not be negative", std::invalid_argument);
}

TEST_CASE("numpy's interval past 32 bits takes two words") {
  NumpyRandom random(3), words(3);
  const std::uint64_t high = words.interval(0xffffffff), low = words.interval(0xffffffff);
  CHECK(random.interval(~std::uint64_t{0}) == (high << 32 | low));
}
