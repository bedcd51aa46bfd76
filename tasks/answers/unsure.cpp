#include <carousel/tasks/answers/unsure.hpp>

#include <algorithm>
#include <charconv>

#include <carousel/lib/error.hpp>

namespace carousel {

double unsure_threshold(std::vector<JudgedAnswer> answers) {
  constexpr double least = 0.5, without = 0.99, right_share = 0.99;
  std::sort(answers.begin(), answers.end(),
            [](const JudgedAnswer& a, const JudgedAnswer& b) { return a.probability > b.probability; });
  double found = without, right = 0;
  for (std::size_t i = 0; i < answers.size() && answers[i].probability >= least; ++i) {
    right += answers[i].right ? 1 : 0;
    const double next = i + 1 < answers.size() ? answers[i + 1].probability : 0;
    if (next < answers[i].probability && right >= right_share * static_cast<double>(i + 1))
      found = next < least ? least : answers[i].probability;
  }
  return found;
}

double unsure_below(const PredictOptions& options) {
  if (options.threshold) return *options.threshold;
  const auto saved = options.checkpoint.metadata.find(unsure_key);
  if (saved == options.checkpoint.metadata.end()) return 0.5;
  const std::string& text = saved->second;
  double threshold = -1;
  const auto [stop, error] = std::from_chars(text.data(), text.data() + text.size(), threshold);
  if (error != std::errc() || stop != text.data() + text.size() || !(threshold >= 0 && threshold <= 1))
    bad_file(options.file, ": its metadata say ", unsure_key, " ", text, ": must be a probability, from 0 to 1");
  return threshold;
}

}  // namespace carousel
