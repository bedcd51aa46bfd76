#include <carousel/tasks/base/did_you_mean.hpp>

#include <algorithm>
#include <string_view>
#include <utility>

#include <carousel/lib/error.hpp>
#include <carousel/tasks/base/options.hpp>
#include <carousel/tasks/base/text.hpp>

namespace carousel {

namespace {

/// Letters to change, add, leave out or swap with their neighbour to get from a to b. Damerau 1964, Levenshtein 1965.
std::size_t distance(const std::string& a, const std::string& b) {
  std::vector<std::vector<std::size_t>> rows(a.size() + 1, std::vector<std::size_t>(b.size() + 1));
  for (std::size_t i = 0; i <= a.size(); ++i)
    for (std::size_t j = 0; j <= b.size(); ++j) {
      if (i == 0 || j == 0) {
        rows[i][j] = i + j;
        continue;
      }
      const bool same = a[i - 1] == b[j - 1], swapped = i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1];
      rows[i][j] = std::min({rows[i][j - 1] + 1, rows[i - 1][j] + 1, rows[i - 1][j - 1] + (same ? 0 : 1)});
      if (swapped) rows[i][j] = std::min(rows[i][j], rows[i - 2][j - 2] + 1);
    }
  return rows[a.size()][b.size()];
}

/// How far a name is, and whether only a part of it, between hyphens, is that near.
std::pair<std::size_t, bool> distance_to(const std::string& word, const std::string& name) {
  std::pair<std::size_t, bool> least{distance(word, name), false};
  if (name.starts_with('-')) return least;  // an option
  for (std::size_t from = 0; from < name.size();) {
    const std::size_t to = std::min(name.find('-', from), name.size());
    least = std::min(least, std::pair(distance(word, name.substr(from, to - from)), true));
    from = to + 1;
  }
  return least;
}

/// What other programs call it, and what it is here.
struct Synonym {
  std::string_view given, ours;
};
constexpr Synonym synonyms[] = {
    {"--lr", "--rate"},
    {"--learning-rate", "--rate"},
    {"--batch-size", "--batch"},
    {"--num-epochs", "--epochs"},
    {"--hidden-size", "--hidden"},
    {"--units", "--hidden"},
    {"--rnn-size", "--hidden"},
    {"--num-layers", "--layers"},
    {"--model", "--cell"},
    {"--optim", "--optimizer"},
    {"--optimiser", "--optimizer"},
    {"--grad-clip", "--clip"},
    {"--seq-length", "--steps"},
    {"--seq-len", "--steps"},
    {"--val-split", "--validation"},
    {"--test-split", "--test"},
    {"--early-stopping", "--patience"},
    {"--output", "--out"},
    {"--file", "--input"},
    {"--num-threads", "--threads"},
    {"--workers", "--threads"},
    {"fit", "train"},
    {"generate", "sample"},
    {"forecast", "predict"},
    {"infer", "predict"},
    {"evaluate", "eval"},
    {"test", "eval"},
};

/// " (here it is --rate)" for a word that other programs have, or that there is nothing like it here.
std::string called_here(const std::string& given, const std::vector<std::string>& words) {
  for (const std::string_view device : {"--device", "--gpu", "--cuda"})
    if (given == device) return " (carousel computes on the CPU only)";
  std::string name = given;  // --batch_size is --batch-size
  std::replace(name.begin(), name.end(), '_', '-');
  for (const Synonym& one : synonyms)
    if (one.given == name && std::find(words.begin(), words.end(), one.ours) != words.end())
      return " (here it is " + std::string(one.ours) + ")";
  return "";
}

}  // namespace

std::string did_you_mean(const std::string& word, const std::vector<std::string>& words) {
  constexpr std::size_t longest = 64;  // of what may be a word of ours
  if (word.size() > longest) return "";
  const std::string given = lowered(word);
  if (std::string here = called_here(given, words); !here.empty()) return here;
  const auto nearer = [&](const std::string& a, const std::string& b) {
    return distance_to(given, lowered(a)) < distance_to(given, lowered(b));
  };
  const auto nearest = std::min_element(words.begin(), words.end(), nearer);
  if (nearest == words.end()) return "";
  const std::size_t wrong = distance_to(given, lowered(*nearest)).first;
  if (wrong >= word.size() || wrong > std::max<std::size_t>(1, word.size() / 3)) return "";
  return " (did you mean " + *nearest + "?)";
}

void refuse_word(const std::string& before, const std::string& word, const std::vector<std::string>& words) {
  wrong_argument(before, word, did_you_mean(word, words), ": must be one of ", list_words(words));
}

}  // namespace carousel
