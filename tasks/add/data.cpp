#include <carousel/tasks/add/data.hpp>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>

#include <fmt/format.h>

#include <carousel/lib/error.hpp>
#include <carousel/lib/utf8.hpp>
#include <carousel/tasks/base/text.hpp>

namespace carousel {

namespace {

std::vector<float> draw_numbers(Random& random, Index count) {
  std::vector<float> numbers(static_cast<std::size_t>(count));
  for (float& x : numbers) x = static_cast<float>(random.uniform());
  return numbers;
}

}  // namespace

double Addition::sum() const {
  double sum = 0;
  for (std::size_t i = 0; i < numbers.size(); ++i)
    if (marked.empty() || marked[i]) sum += static_cast<double>(numbers[i]);
  return sum;
}

Addition draw_sum(Random& random, Index shortest, Index longest) {
  if (shortest < 1 || longest < shortest)
    wrong_argument("add: ", shortest, " to ", longest, " numbers: must be at least 1, and no fewer at most than at least");
  return {draw_numbers(random, shortest + random.below(longest - shortest + 1)), {}};
}

Addition draw_adding(Random& random, Index steps) {
  if (steps < 2) wrong_argument("add: ", steps, " steps of the adding problem: must be at least 2");
  Addition addition{draw_numbers(random, steps), std::vector<bool>(static_cast<std::size_t>(steps))};
  const Index half = steps / 2;
  addition.marked[static_cast<std::size_t>(random.below(half))] = true;
  addition.marked[static_cast<std::size_t>(half + random.below(steps - half))] = true;
  return addition;
}

AdditionBatch side_by_side(std::span<const Addition> additions) {
  AdditionBatch batch;
  const auto count = static_cast<Index>(additions.size());
  Index time = 0, features = 1;
  for (const Addition& addition : additions) {
    batch.lengths.push_back(std::ssize(addition.numbers));
    time = std::max(time, batch.lengths.back());
    if (addition.numbers.empty()) wrong_argument("add: nothing to add up: must be at least one number");
    if (!addition.marked.empty()) features = 2;
  }
  if (count == 0) wrong_argument("add: a batch of 0: must be at least 1");
  batch.xs = full<float>({time, count, features}, std::numeric_limits<float>::quiet_NaN());
  batch.sums = empty<float>({count, 1});
  for (Index b = 0; b < count; ++b) {
    const Addition& addition = additions[static_cast<std::size_t>(b)];
    batch.sums(b, 0) = static_cast<float>(addition.sum());
    for (std::size_t t = 0; t < addition.numbers.size(); ++t) {
      batch.xs(t, b, 0) = addition.numbers[t];
      if (features == 2) batch.xs(t, b, 1) = addition.marked.empty() || addition.marked[t] ? 1.0F : 0.0F;
    }
  }
  return batch;
}

Addition parse_addition(const std::string& line, bool marks, const std::string& where) {
  constexpr const char* between = " \t\r,";
  Addition addition;
  for (std::size_t from = line.find_first_not_of(between); from != std::string::npos;) {
    const std::size_t to = std::min(line.find_first_of(between, from), line.size());
    const bool star = marks && line[to - 1] == '*';
    const char *const first = line.data() + from, *const last = line.data() + to - (star ? 1 : 0);
    float number = 0;
    const auto [stop, error] = std::from_chars(first, last, number);
    if (error != std::errc() || stop != last || !std::isfinite(number))
      bad_file(where, ": column ", from + 1, ": ", in_quotes(std::string_view(line).substr(from, to - from)),
               ": must be a number", marks ? ", with a star if it counts" : "");
    addition.numbers.push_back(number);
    if (marks) addition.marked.push_back(star);
    from = line.find_first_not_of(between, to);
  }
  return addition;
}

std::vector<Addition> read_additions(const std::string& path, bool marks) {
  std::vector<Addition> additions;
  for_each_line(read_file(path), [&](std::string_view line, Index number) {
    Addition addition = parse_addition(std::string(line), marks, join("read ", path, ": line ", number));
    if (!addition.numbers.empty()) additions.push_back(std::move(addition));
  });
  if (additions.empty()) bad_file("read ", path, ": there are no numbers: must be at least one line of them");
  return additions;
}

std::string words(const Addition& addition) {
  std::string text;
  for (std::size_t i = 0; i < addition.numbers.size(); ++i)
    text += fmt::format("{}{:.4g}{}", i == 0 ? "" : " ", addition.numbers[i],
                        !addition.marked.empty() && addition.marked[i] ? "*" : "");
  return text;
}

}  // namespace carousel
