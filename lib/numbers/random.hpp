#pragma once
/// Random numbers that are passed, never global, and are the same on every platform.
///
/// Random is a stream of numbers: counter-based (a number is a function of key, stream and position), so a stream splits into
/// independent ones by name, and its state is three integers. random_bits is the same idea without a stream, for the masks of
/// random operations. NumpyRandom repeats the draws of numpy's RandomState, for runs that are to equal an older program's.
/// Integers and uniform numbers have the same bits everywhere; normal ones go through the platform's log, cos and sqrt.

#include <array>
#include <bit>
#include <cstdint>
#include <iterator>
#include <random>
#include <string_view>
#include <utility>
#include <vector>

#include <carousel/lib/error.hpp>

namespace carousel {

/// A one-to-one scrambling of 64 bits: the first number of a SplitMix64 stream of that seed.
/// Steele, Lea, Flood 2014, "Fast Splittable Pseudorandom Number Generators", figure 17 (Stafford's variant 13 of the mixer).
constexpr std::uint64_t mix(std::uint64_t x) {
  x += 0x9e3779b97f4a7c15;
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9;
  x = (x ^ (x >> 27)) * 0x94d049bb133111eb;
  return x ^ (x >> 31);
}

/// A key made of two, in that order: `mix(mix(mix(seed, step), place), example)`. For one `a`, different `b` give different keys.
constexpr std::uint64_t mix(std::uint64_t a, std::uint64_t b) {
  return mix(mix(a) ^ b);
}

namespace detail {
/// The stride of a key's stream: odd, and with at least 24 changes between neighbouring bits (Steele et al. 2014, figure 16).
constexpr std::uint64_t stride_of(std::uint64_t key) {
  const std::uint64_t stride = mix(~key) | 1;
  return std::popcount(stride ^ (stride >> 1)) < 24 ? stride ^ 0xaaaaaaaaaaaaaaaa : stride;
}

std::uint64_t hash(std::string_view name);
}  // namespace detail

/// Number `counter` of the stream `key`, 32 random bits, without any state: a SplitMix64 stream of its own stride per key.
/// In a loop over the counter it costs two multiplications; an event of probability p is `random_bits(key, i) < p *
/// 4294967296.0`.
constexpr std::uint32_t random_bits(std::uint64_t key, std::uint64_t counter) {
  return static_cast<std::uint32_t>(mix(key + counter * detail::stride_of(key)) >> 32);
}

/// The block cipher of Philox 4x32-10: four random words from a counter of 128 bits and a key of 64.
/// Salmon, Moraes, Dror, Shaw 2011, "Parallel Random Numbers: As Easy as 1, 2, 3", section 4.3.
std::array<std::uint32_t, 4> philox(std::array<std::uint32_t, 4> counter, std::array<std::uint32_t, 2> key);

/// A stream of random numbers that can be split and saved: Philox 4x32-10 of a counter.
class Random {
 public:
  /// All there is to a stream: Random(state) goes on where state() was taken.
  struct State {
    std::uint64_t key = 0;
    std::uint64_t stream = 0;
    std::uint64_t position = 0;  // words of 32 bits already drawn
    friend bool operator==(const State&, const State&) = default;
  };

  explicit Random(std::uint64_t seed) : Random(State{seed, 0, 0}) {}
  explicit Random(const State& state);
  const State& state() const { return state_; }

  /// An independent stream, the same one for the same key however much was drawn from this one.
  Random split(std::uint64_t key) const;
  Random split(std::string_view name) const { return split(detail::hash(name)); }

  std::uint32_t bits32() {
    const std::uint64_t word = state_.position++ % 4;
    if (word == 0) fill();
    return block_[word];
  }
  std::uint64_t bits64() {
    const std::uint64_t low = bits32();
    return std::uint64_t{bits32()} << 32 | low;
  }

  /// Uniform in [0, 1): a multiple of 2^-53.
  double uniform() { return static_cast<double>(bits64() >> 11) * 0x1p-53; }
  /// Uniform in [lo, hi), up to rounding.
  double uniform(double lo, double hi) { return lo + (hi - lo) * uniform(); }
  /// Normal of mean 0 and deviation 1: sqrt(-2 log u) cos(2π v), each draw from its own u and v. Box & Muller 1958.
  double normal();
  double normal(double mean, double deviation) { return mean + deviation * normal(); }
  /// True with that probability; throws std::invalid_argument unless it lies in [0, 1].
  bool bernoulli(double probability);
  /// Uniform in {0, …, n - 1}, without bias; throws std::invalid_argument unless n ≥ 1.
  std::int64_t below(std::int64_t n);

  /// Puts the elements in random order, every order equally likely. Fisher & Yates; Durstenfeld 1964.
  template <class Range>
  void shuffle(Range&& range) {
    for (auto last = static_cast<std::int64_t>(std::size(range)) - 1; last > 0; --last) {
      using std::swap;
      swap(*(std::begin(range) + last), *(std::begin(range) + below(last + 1)));
    }
  }

 private:
  void fill();

  State state_;
  std::array<std::uint32_t, 4> block_{};  // the words around state_.position
};

/// The draws of numpy's RandomState(seed), bit for bit: Mersenne Twister MT19937 with numpy's legacy distributions.
class NumpyRandom {
 public:
  /// As numpy.random.seed(seed).
  explicit NumpyRandom(std::uint32_t seed) : engine_(seed) {}

  /// Uniform in [0, 1): numpy's random_sample().
  double random();
  double uniform(double lo, double hi) { return lo + (hi - lo) * random(); }
  /// Normal by the polar method, of whose two numbers the second is kept for the next call. Marsaglia & Bray 1964.
  double normal(double mean, double deviation);
  /// Uniform in {0, …, max}, as shuffle draws it: the next number under the mask of max that does not exceed it.
  std::uint64_t interval(std::uint64_t max);

  /// numpy's shuffle(x) of a list or a one-dimensional array.
  template <class Range>
  void shuffle(Range&& range) {
    for (auto last = static_cast<std::int64_t>(std::size(range)) - 1; last > 0; --last) {
      using std::swap;
      swap(*(std::begin(range) + last),
           *(std::begin(range) + static_cast<std::int64_t>(interval(static_cast<std::uint64_t>(last)))));
    }
  }
  /// numpy's permutation(n): 0, …, n - 1 in random order; throws std::invalid_argument for a negative n.
  std::vector<std::int64_t> permutation(std::int64_t n);

 private:
  std::uint32_t word() { return static_cast<std::uint32_t>(engine_()); }

  std::mt19937 engine_;
  double kept_ = 0;
  bool has_kept_ = false;
};

}  // namespace carousel
