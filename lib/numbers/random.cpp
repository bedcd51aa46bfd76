#include <carousel/lib/numbers/random.hpp>

#include <cmath>
#include <numbers>
#include <numeric>

namespace carousel {

std::uint64_t detail::hash(std::string_view name) {
  // FNV-1a (Fowler, Noll, Vo), scrambled, so that a short name is not near a small number.
  std::uint64_t hash = 0xcbf29ce484222325;
  for (char letter : name) hash = (hash ^ static_cast<unsigned char>(letter)) * 0x100000001b3;
  return mix(hash);
}

std::array<std::uint32_t, 4> philox(std::array<std::uint32_t, 4> c, std::array<std::uint32_t, 2> key) {
  for (int round = 0; round < 10; ++round) {
    const std::uint64_t left = std::uint64_t{0xD2511F53} * c[0], right = std::uint64_t{0xCD9E8D57} * c[2];
    c = {static_cast<std::uint32_t>(right >> 32) ^ c[1] ^ key[0], static_cast<std::uint32_t>(right),
         static_cast<std::uint32_t>(left >> 32) ^ c[3] ^ key[1], static_cast<std::uint32_t>(left)};
    key[0] += 0x9E3779B9;
    key[1] += 0xBB67AE85;
  }
  return c;
}

namespace {

std::uint32_t low(std::uint64_t word) {
  return static_cast<std::uint32_t>(word);
}
std::uint32_t high(std::uint64_t word) {
  return static_cast<std::uint32_t>(word >> 32);
}

}  // namespace

Random::Random(const State& state) : state_(state) {
  if (state_.position % 4 != 0) fill();
}

void Random::fill() {
  const std::uint64_t block = state_.position / 4;
  // In bits32() the position already stands behind the word; a block starts at a multiple of four either way.
  block_ = philox({low(block), high(block), low(state_.stream), high(state_.stream)}, {low(state_.key), high(state_.key)});
}

Random Random::split(std::uint64_t key) const {
  // Numbers and splits use different keys of the cipher: a child's identity is never a number that its parent hands out.
  const std::uint64_t parent = mix(state_.key, 0x73706c6974);  // "split"
  const auto child = philox({low(key), high(key), low(state_.stream), high(state_.stream)}, {low(parent), high(parent)});
  return Random(State{std::uint64_t{child[1]} << 32 | child[0], std::uint64_t{child[3]} << 32 | child[2], 0});
}

double Random::normal() {
  const double u = 1 - uniform();  // in (0, 1]
  const double v = uniform();
  return std::sqrt(-2 * std::log(u)) * std::cos(2 * std::numbers::pi * v);
}

bool Random::bernoulli(double probability) {
  if (!(probability >= 0 && probability <= 1)) wrong_argument("bernoulli: probability is ", probability, ": must lie in [0, 1]");
  return uniform() < probability;
}

std::int64_t Random::below(std::int64_t n) {
  if (n < 1) wrong_argument("below: n is ", n, ": must be at least 1");
  const auto count = static_cast<std::uint64_t>(n);
  const std::uint64_t excess = (0 - count) % count;  // 2^64 mod n: so many numbers would be drawn once too often
  std::uint64_t bits = bits64();
  while (bits < excess) bits = bits64();
  return static_cast<std::int64_t>(bits % count);
}

double NumpyRandom::random() {
  const std::uint32_t a = word() >> 5, b = word() >> 6;
  return (a * 67108864.0 + b) / 9007199254740992.0;
}

double NumpyRandom::normal(double mean, double deviation) {
  if (has_kept_) {
    has_kept_ = false;
    return mean + deviation * kept_;
  }
  double x, y, square;
  do {
    x = 2 * random() - 1;
    y = 2 * random() - 1;
    square = x * x + y * y;
  } while (square >= 1 || square == 0);
  const double factor = std::sqrt(-2 * std::log(square) / square);
  kept_ = factor * x;
  has_kept_ = true;
  return mean + deviation * (factor * y);
}

std::uint64_t NumpyRandom::interval(std::uint64_t max) {
  if (max == 0) return 0;
  const std::uint64_t mask = ~std::uint64_t{0} >> std::countl_zero(max);
  for (;;) {
    std::uint64_t bits = word();
    if (max > 0xffffffff) bits = bits << 32 | word();
    if ((bits & mask) <= max) return bits & mask;
  }
}

std::vector<std::int64_t> NumpyRandom::permutation(std::int64_t n) {
  if (n < 0) wrong_argument("permutation: n is ", n, ": must not be negative");
  std::vector<std::int64_t> order(static_cast<std::size_t>(n));
  std::iota(order.begin(), order.end(), std::int64_t{0});
  shuffle(order);
  return order;
}

}  // namespace carousel
