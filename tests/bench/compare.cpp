#include "compare.hpp"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <limits>
#include <sstream>

namespace bench {

namespace {

constexpr Size product{.batch = 384, .in = 512, .hidden = 512};

std::string words_of(const std::string& question, const std::string& job, Size s) {
  std::ostringstream out;
  out << question << ' ' << job << ' ' << s.steps << ' ' << s.batch << ' ' << s.in << ' ' << s.hidden;
  return out.str();
}

constexpr double not_there = std::numeric_limits<double>::quiet_NaN();

double median(std::vector<double> values) {
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

}  // namespace

std::string text(const Size& size) {
  std::ostringstream out;
  out << size.steps << ',' << size.batch << ',' << size.in << ',' << size.hidden;
  return out.str();
}

double geometric_mean(const std::vector<double>& ratios) {
  double sum = 0;
  int count = 0;
  for (const double ratio : ratios)
    if (!std::isnan(ratio)) sum += std::log(ratio), ++count;
  return count ? std::exp(sum / count) : not_there;
}

double Session::memory(const std::string& implementation, const std::string& job, Size size) {
  const std::string answer = peers.ask_fresh(implementation, 1, words_of("memory", job, size));
  if (answer.empty()) return not_there;
  results.push_back({{"row", "tape"},
                     {"cell", "lstm-memory"},
                     {"T", size.steps},
                     {"B", size.batch},
                     {"I", size.in},
                     {"H", size.hidden},
                     {"threads", 1},
                     {"implementation", implementation},
                     {"bytes", std::stod(answer)}});
  return std::stod(answer);
}

Comparison::Comparison(Session& session, std::string row, std::string cell, Size size)
    : session_(session), row_(std::move(row)), cell_(std::move(cell)), size_(size) {}

void Comparison::add(Contestant contestant) {
  contestant.peer = session_.peers.find(contestant.implementation, contestant.threads);
  if (contestant.peer) contestants_.push_back(std::move(contestant));
}

void Comparison::add(const std::string& implementation, int threads, const std::string& job, double units) {
  add({.name = implementation, .implementation = implementation, .threads = threads, .job = job, .size = size_, .units = units});
}

void Comparison::add_aside(const std::string& name, const std::string& implementation, const std::string& job) {
  add({.name = name,
       .implementation = implementation,
       .threads = 1,
       .job = job,
       .size = size_,
       .in_results = false,
       .is_compared = false});
}

void Comparison::add_size(Size size, const std::string& job) {
  add({.name = text(size), .implementation = "carousel", .threads = 1, .job = job, .size = size, .is_compared = false});
}

void Comparison::add_peak() {
  for (const std::string implementation : {"carousel", "onednn"})
    add({.name = "gemm " + implementation,
         .implementation = implementation,
         .threads = 1,
         .job = "gemm",
         .size = product,
         .in_results = false,
         .is_compared = false});
}

void Comparison::check() const {
  constexpr double tolerance = 1e-3;  // float sums of many terms in different orders
  std::vector<double> expected;
  for (const Contestant& c : contestants_) {
    if (!c.is_compared) continue;
    std::istringstream answer(c.peer->ask(words_of("result", c.job, c.size)));
    std::vector<double> got;
    for (double part; answer >> part;) got.push_back(part);
    if (got.empty()) continue;
    if (expected.empty()) expected = got;
    bool same = got.size() == expected.size();
    for (std::size_t i = 0; same && i < got.size(); ++i)
      same = std::abs(got[i] - expected[i]) <= tolerance * std::max(1.0, std::abs(expected[i]));
    if (same) continue;
    session_.agreed = false;
    std::printf("%s %s %s: %s computes", row_.c_str(), cell_.c_str(), text(size_).c_str(), c.name.c_str());
    for (const double part : got) std::printf(" %.9g", part);
    std::printf("; %s computes", contestants_[0].name.c_str());
    for (const double part : expected) std::printf(" %.9g", part);
    std::printf("\n");
  }
}

void Comparison::run(double seconds) {
  using Clock = std::chrono::steady_clock;
  check();
  const auto start = Clock::now();
  const auto passed = [&] { return std::chrono::duration<double>(Clock::now() - start).count(); };
  for (int round = 0; passed() < seconds || round < 3 || (round < 5 && passed() < 5 * seconds); ++round)
    for (Contestant& c : contestants_) c.times.push_back(std::stod(c.peer->ask(words_of("time", c.job, c.size))) / c.units);
  for (Contestant& c : contestants_) {
    c.peer->ask("forget");
    c.ms = median(c.times);
    if (!c.in_results) continue;
    session_.results.push_back({{"row", row_},
                                {"cell", cell_},
                                {"T", c.size.steps},
                                {"B", c.size.batch},
                                {"I", c.size.in},
                                {"H", c.size.hidden},
                                {"threads", c.threads},
                                {"implementation", c.implementation},
                                {"ms", c.ms}});
  }
}

double Comparison::ms(const std::string& name, int threads) const {
  for (const Contestant& c : contestants_)
    if (c.name == name && c.threads == threads) return c.ms;
  return not_there;
}

double Comparison::peak_gflops() const {
  const double best = std::fmin(ms("gemm carousel"), ms("gemm onednn"));  // the one that is there
  return 2.0 * static_cast<double>(product.batch * product.in * product.hidden) / best / 1e6;
}

Table::Table(std::vector<std::string> heads) {
  for (std::size_t i = 0; i < heads.size(); ++i) {
    const std::size_t colon = heads[i].rfind(':');
    digits_.push_back(colon == std::string::npos ? 0 : std::stoi(heads[i].substr(colon + 1)));
    const std::string head = heads[i].substr(0, colon);
    widths_.push_back(i == 0 ? -16 : std::max(9, static_cast<int>(head.size())));
    std::printf("%*s ", widths_.back(), head.c_str());
  }
  std::printf("\n");
}

void Table::line(const std::string& what, std::initializer_list<double> numbers) {
  std::printf("%*s ", widths_[0], what.c_str());
  std::size_t i = 0;
  for (const double number : numbers) {
    ++i;
    if (std::isnan(number))
      std::printf("%*s ", widths_[i], "-");
    else
      std::printf("%*.*f ", widths_[i], digits_[i], number);
  }
  std::printf("\n");
  std::fflush(stdout);
}

}  // namespace bench
