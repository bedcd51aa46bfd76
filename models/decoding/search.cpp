#include <carousel/models/decoding/search.hpp>

#include <cmath>
#include <limits>

namespace carousel::detail {

namespace {

constexpr double impossible = -std::numeric_limits<double>::infinity();

/// ln Σ e^x. Throws std::invalid_argument for a NaN, or if there is nothing to choose from.
template <class T>
double log_sum(const T* x, Index count) {
  double most = impossible;
  for (Index i = 0; i < count; ++i) {
    if (std::isnan(x[i])) wrong_argument("search: a logit is nan: must be a number");
    most = std::max(most, static_cast<double>(x[i]));
  }
  if (!std::isfinite(most)) wrong_argument("search: the largest logit is ", most, ": must be finite");
  double sum = 0;
  for (Index i = 0; i < count; ++i) sum += std::exp(static_cast<double>(x[i]) - most);
  return most + std::log(sum);
}

/// A row that goes on by a symbol, or stays as it is.
struct Candidate {
  double score, log_likelihood;
  Index row, symbol;  // symbol −1: it has ended before
};

/// Whether a comes before b; of equals, the one that a loop over rows and symbols meets first.
bool better(const Candidate& a, const Candidate& b) {
  if (a.score != b.score) return a.score > b.score;
  return a.row != b.row ? a.row < b.row : a.symbol < b.symbol;
}

}  // namespace

Beams::Beams(Index batch, const SearchOptions& options) : options_(options) {
  if (batch < 1) wrong_argument("search: a batch of ", batch, ": must be at least 1");
  if (options.most < 1) wrong_argument("search: strings of at most ", options.most, " symbols: must be at least 1");
  if (options.beam < 1) wrong_argument("search: a beam of ", options.beam, ": must be at least 1");
  if (!(options.length_power >= 0 && std::isfinite(options.length_power)))
    wrong_argument("search: length power ", options.length_power, ": must be at least 0");
  rows_.resize(static_cast<std::size_t>(batch * options.beam));
  parents_.resize(rows_.size());
  latest_.resize(rows_.size());
  for (std::size_t row = 0; row < rows_.size(); ++row)  // all beginnings of an example are the same one at first
    if (static_cast<Index>(row) % options.beam != 0) rows_[row].string.log_likelihood = impossible;
}

double Beams::score(double log_likelihood, Index length) const {
  return options_.length_power == 0 ? log_likelihood
                                    : log_likelihood / std::pow(static_cast<double>(length), options_.length_power);
}

template <class T>
bool Beams::step(const T* logits, Index symbols) {
  if (options_.end && (*options_.end < 0 || *options_.end >= symbols))
    wrong_argument("search: the end is symbol ", *options_.end, ": must be one of 0 to ", symbols - 1);
  const Index beam = options_.beam;
  std::vector<Row> next(rows_.size());
  std::vector<Candidate> candidates;
  bool more = false;
  for (Index first = 0; first < rows(); first += beam) {
    candidates.clear();
    for (Index row = first; row < first + beam; ++row) {
      const Row& now = rows_[static_cast<std::size_t>(row)];
      if (now.string.ended) {
        candidates.push_back({now.string.score, now.string.log_likelihood, row, -1});
        continue;
      }
      if (now.string.log_likelihood == impossible) continue;
      const T* const x = logits + row * symbols;
      const double all = log_sum(x, symbols);
      for (Index symbol = 0; symbol < symbols; ++symbol) {
        const double likelihood = now.string.log_likelihood + (static_cast<double>(x[symbol]) - all);
        if (likelihood != impossible) candidates.push_back({score(likelihood, now.length + 1), likelihood, row, symbol});
      }
    }
    const auto chosen = std::min(beam, static_cast<Index>(candidates.size()));
    std::partial_sort(candidates.begin(), candidates.begin() + chosen, candidates.end(), better);
    for (Index k = 0; k < beam; ++k) {
      const auto place = static_cast<std::size_t>(first + k);
      Row& row = next[place];
      if (k >= chosen) {  // there are fewer than the beam takes
        row.string.log_likelihood = impossible;
        parents_[place] = first, latest_[place] = 0;
        continue;
      }
      const Candidate& candidate = candidates[static_cast<std::size_t>(k)];
      row = rows_[static_cast<std::size_t>(candidate.row)];
      parents_[place] = candidate.row, latest_[place] = std::max<Index>(candidate.symbol, 0);
      if (candidate.symbol < 0) continue;
      row.string.log_likelihood = candidate.log_likelihood, row.string.score = candidate.score;
      ++row.length;
      if (options_.end == candidate.symbol)
        row.string.ended = true;
      else
        row.string.symbols.push_back(candidate.symbol), more = true;
    }
  }
  rows_ = std::move(next);
  return ++steps_ < options_.most && more;
}

std::vector<std::vector<FoundString>> Beams::found() const {
  std::vector<std::vector<FoundString>> found(rows_.size() / static_cast<std::size_t>(options_.beam));
  for (std::size_t row = 0; row < rows_.size(); ++row)
    if (const FoundString& string = rows_[row].string; string.log_likelihood != impossible)
      found[row / static_cast<std::size_t>(options_.beam)].push_back(string);
  return found;
}

template bool Beams::step(const float*, Index);
template bool Beams::step(const double*, Index);

}  // namespace carousel::detail
